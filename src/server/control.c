/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The operator's way in. See control.h.
 */
#include "server/control.h"

#include "admin/export.h"
#include "admin/inspect.h"
#include "admin/remote.h"
#include "base/limits.h"
#include "base/list.h"
#include "base/log.h"
#include "json/json.h"
#include "json/writer.h"
#include "net/http.h"
#include "net/http_unix.h"
#include "server/control_command.h"

#define CONTROL_PEERS (UINT64_C(1) << 63) /* the endpoint's peers count from 1 */
#define CONNECTIONS 64
#define URL_BYTES (16 * KIB)
#define ANSWER_BYTES (128 * MIB)
#define PIECE_BYTES (256 * KIB) /* of an export */

struct control {
    struct control_config config;
    struct http_server *http;
    size_t max_output;
    struct list errands;
    uint64_t last_peer;
    bool is_stopping;
};

/* One exchange. What reads the store for it may outlive the connection. */
struct errand {
    struct control *control;
    struct link link;
    struct http_exchange *http; /* NULL: the connection is gone */
    uint64_t peer;              /* of a command that was posted */
    struct arena arena;
    struct admin_query query;
    uv_work_t work;
    bool is_working;
    struct buf out; /* made by the work, with these two: */
    struct err err;
    int rc;
    struct export *export;
    bool is_streaming, is_end;
};

/* ---- answers ---- */

static int status_of(int code)
{
    switch (code) {
    case DMCP_E_NOTFOUND:
        return 404;
    case DMCP_E_INVALID:
    case DMCP_E_TOOBIG:
        return 400;
    case DMCP_E_CONFLICT:
        return 409;
    case DMCP_E_BUSY:
    case DMCP_E_STOPPING:
    case DMCP_E_STORE:
    case DMCP_E_FULL:
        return 503;
    default:
        return 500;
    }
}

static void respond(struct errand *x, int status, struct str body)
{
    const struct http_field type = { STR("Content-Type"), STR("application/json") };

    http_respond(x->http, status, &type, 1, body);
}

static void write_error(struct buf *out, int code, struct str text)
{
    struct json_writer w;

    jw_init(&w, out);
    jw_object(&w);
    jw_key(&w, "error");
    jw_object(&w);
    jw_key(&w, "code");
    jw_int(&w, code);
    jw_key(&w, "text");
    jw_str(&w, text);
    jw_object_end(&w);
    jw_object_end(&w);
}

static void refuse(struct errand *x, int code, struct str text)
{
    struct buf body;

    buf_init(&body, MIB);
    write_error(&body, code, text);
    respond(x, status_of(code), buf_str(&body));
    buf_fini(&body);
}

static void on_refusal(int status, const char *why, struct buf *body)
{
    write_error(body, status == 503 ? DMCP_E_BUSY : DMCP_E_INVALID, str_of(why));
}

/* ---- errands ---- */

static void free_errand(struct errand *x)
{
    list_remove(&x->control->errands, &x->link);
    if (x->export) {
        export_close(x->export);
    }
    buf_fini(&x->out);
    arena_fini(&x->arena);
    mem_free(x);
}

static void work(struct errand *x, uv_work_cb in_pool, uv_after_work_cb after)
{
    x->is_working = true;
    uv_queue_work(x->control->config.loop, &x->work, in_pool, after);
}

/* False: the connection is gone, and now the errand is, too. */
static bool is_still_wanted(struct errand *x)
{
    x->is_working = false;
    if (!x->http) {
        free_errand(x);
        return false;
    }
    return true;
}

/* ---- inspect ---- */

static void inspect_in_pool(uv_work_t *w)
{
    struct errand *x = w->data;

    x->rc = admin_inspect(x->control->config.store, &x->query, &x->out, &x->err);
}

static void inspect_done(uv_work_t *w, int status)
{
    struct errand *x = w->data;

    (void)status; /* nothing cancels it */
    if (!is_still_wanted(x)) {
        return;
    }
    if (x->rc == DMCP_OK) {
        respond(x, 200, buf_str(&x->out));
    } else {
        refuse(x, x->rc, str_of(x->err.text));
    }
}

static void inspect(struct errand *x, const struct http_request *r)
{
    struct str prefix = STR(QUERY_PATH);
    struct str view = str_make(r->path.p + prefix.len, r->path.len - prefix.len);
    int rc = query_read(&x->arena, view, r->query, &x->query, &x->err);

    if (rc != DMCP_OK) {
        refuse(x, rc, str_of(x->err.text));
        return;
    }
    work(x, inspect_in_pool, inspect_done);
}

/* ---- export ---- */

static void export_done(uv_work_t *w, int status);

static void export_in_pool(uv_work_t *w)
{
    struct errand *x = w->data;

    x->rc = export_read(x->export, PIECE_BYTES, &x->out, &x->is_end, &x->err);
}

static void send_piece(struct errand *x)
{
    const struct http_field type = { STR("Content-Type"), STR("application/jsonl") };
    size_t waiting;

    if (!x->is_streaming) {
        http_stream_begin(x->http, 200, &type, 1);
        x->is_streaming = true;
    }
    waiting = http_stream_write(x->http, buf_str(&x->out));
    buf_reset(&x->out);
    if (x->is_end) {
        http_stream_end(x->http);
    } else if (waiting <= x->control->max_output) {
        work(x, export_in_pool, export_done);
    } /* else on_drained goes on */
}

static void export_done(uv_work_t *w, int status)
{
    struct errand *x = w->data;

    (void)status;
    if (!is_still_wanted(x)) {
        return;
    }
    if (x->rc == DMCP_OK) {
        send_piece(x);
    } else if (x->is_streaming) {
        log_warning("export: %s", x->err.text);
        http_abort(x->http, "the export failed");
    } else {
        refuse(x, x->rc, str_of(x->err.text));
    }
}

static void on_drained(void *arg, struct http_exchange *http)
{
    struct errand *x = http_exchange_data(http);

    (void)arg;
    if (x->export && !x->is_working && !x->is_end) {
        work(x, export_in_pool, export_done);
    }
}

/* ---- commands ---- */

static void take_body(struct errand *x, const struct http_request *r)
{
    struct command *c;

    if (x->control->is_stopping) {
        refuse(x, DMCP_E_STOPPING, STR("the server is stopping"));
        return;
    }
    c = control_command(r->path, r->body, &x->err);
    if (c) {
        x->peer = c->peer = CONTROL_PEERS | ++x->control->last_peer;
        x->control->config.post(x->control->config.arg, c);
    } else {
        refuse(x, x->err.code, str_of(x->err.text));
    }
}

bool control_take(struct control *c, struct action *a)
{
    struct link *k;

    if (!c || !(a->peer & CONTROL_PEERS)) {
        return false;
    }
    for (k = list_first(&c->errands); k; k = list_next(&c->errands, k)) {
        struct errand *x = CONTAINER_OF(k, struct errand, link);

        if (x->peer == a->peer && x->http) {
            if (a->kind == ACT_REFUSED) {
                /* for operators, gone is that no server runs */
                refuse(x, a->code == DMCP_E_GONE ? DMCP_E_NOTFOUND : a->code, a->text);
            } else {
                respond(x, 200, STR("{}"));
            }
            break;
        }
    }
    action_free(a);
    return true;
}

/* ---- exchanges ---- */

static void on_request(void *arg, struct http_exchange *http, const struct http_request *r)
{
    struct control *c = arg;
    struct errand *x = mem_zalloc(sizeof(*x));

    x->control = c;
    x->http = http;
    x->work.data = x;
    arena_init(&x->arena);
    buf_init(&x->out, ANSWER_BYTES);
    list_append(&c->errands, &x->link);
    http_exchange_set_data(http, x);
    if (r->method == HTTP_METHOD_GET && str_starts(r->path, STR(QUERY_PATH))) {
        inspect(x, r);
    } else if (r->method == HTTP_METHOD_GET && str_eqz(r->path, CONTROL_EXPORT)) {
        x->export = export_open(c->config.store);
        work(x, export_in_pool, export_done);
    } else if (r->method == HTTP_METHOD_POST && control_is_command(r->path)) {
        take_body(x, r);
    } else {
        refuse(x, DMCP_E_NOTFOUND, STR("there is no such path"));
    }
}

static void on_end(void *arg, struct http_exchange *http, bool is_complete)
{
    struct errand *x = http_exchange_data(http);

    (void)arg;
    (void)is_complete;
    x->http = NULL;
    if (!x->is_working) {
        free_errand(x);
    }
}

/* ---- life ---- */

struct control *control_new(const struct control_config *config)
{
    struct control *c = mem_zalloc(sizeof(*c));
    struct http_handler handler = {
        .on_request = on_request, .on_end = on_end, .on_drained = on_drained, .arg = c
    };
    struct http_options http;
    struct err e = { 0 };
    int fd, rc;

    c->config = *config;
    list_init(&c->errands);
    http_options_init(&http);
    http.max_connections = CONNECTIONS;
    http.max_body_bytes = CONTROL_BODY_BYTES;
    http.max_url_bytes = URL_BYTES;
    http.max_header_bytes = 2 * URL_BYTES;
    http.refusal_type = STR("application/json");
    http.refusal_body = on_refusal;
    c->max_output = http.max_output_bytes;
    rc = http_unix_listen(config->dir, CONTROL_SOCKET, &fd, &e);
    if (rc == DMCP_OK) {
        c->http = http_server_new(config->loop, &http, &handler);
        rc = http_server_listen(c->http, fd, &e);
    }
    if (rc != DMCP_OK) {
        log_warning("there is no way in for the operator: %s", e.text);
        if (!c->http) {
            mem_free(c);
            return NULL;
        }
    }
    return c;
}

void control_stop(struct control *c)
{
    if (c) {
        c->is_stopping = true;
    }
}

void control_close(struct control *c)
{
    if (c) {
        http_unix_remove(c->config.dir, CONTROL_SOCKET);
        http_server_close(c->http);
    }
}

void control_free(struct control *c)
{
    if (c) {
        http_server_free(c->http);
        mem_free(c);
    }
}
