/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Messages from the server: responses finish their errand, notifications and questions go to the
 * user's callbacks, ping is answered here.
 *
 * A message is for whoever it names, not for the stream that it came on: progress goes to the
 * current request by its token, whichever stream brought it. Only a response has to come on a
 * stream of its own request.
 */
#include "json/rpc.h"

#include <stdio.h>

#include "base/log.h"
#include "client/client.h"
#include "json/json.h"
#include "json/writer.h"

/* JSON text of a value, NUL behind it; NULL for no value. The caller frees it. */
static char *text_of(const yyjson_val *v)
{
    struct buf b;

    if (!v) {
        return NULL;
    }
    buf_init(&b, SIZE_MAX / 2); /* no larger than the message it came in, or hardly */
    json_write(&b, v);
    return buf_take(&b, NULL);
}

/* ---- Responses ---- */

static void keep_error(struct errand *x, const struct rpc_message *m)
{
    mem_free(x->rpc_message);
    mem_free(x->rpc_data);
    x->rpc_code = m->error_code;
    x->rpc_message = mem_dup(m->error_message.p, m->error_message.len);
    x->rpc_data = text_of(m->error_data);
}

bool message_accept_error(struct errand *x, struct str body)
{
    struct rpc_message m;
    yyjson_doc *doc;
    bool is_error;

    mem_free(x->rpc_message);
    x->rpc_message = NULL;
    if (json_read(body, &doc, NULL)) {
        return false;
    }
    is_error = rpc_parse(yyjson_doc_get_root(doc), &m, NULL) == 0 && m.kind == RPC_ERROR;
    if (is_error) {
        keep_error(x, &m);
    }
    yyjson_doc_free(doc);
    return is_error;
}

static bool is_for(const struct errand *x, const struct rpc_message *m)
{
    char id[24];

    snprintf(id, sizeof(id), "%lld", (long long)x->id);
    return (x->kind == ERRAND_REQUEST || x->kind == ERRAND_RESUME) && str_eqz(rpc_id(m), id);
}

static int accept_response(struct errand *x, const struct rpc_message *m, struct err *e)
{
    if (!is_for(x, m)) {
        log_debug("client: a response to another request was ignored");
        return DMCP_OK;
    }
    if (m->kind == RPC_ERROR) {
        keep_error(x, m);
    } else if (yyjson_is_obj(m->result)) {
        x->result = text_of(m->result);
    } else {
        return err_set(e, DMCP_E_PROTOCOL, "the result is not an object");
    }
    errand_finish(x);
    return DMCP_OK;
}

/* ---- Notifications ---- */

/* False: it is not about the current request, or nobody wants to know. */
static bool tell_progress(struct dmcp_client *c, yyjson_val *params)
{
    const struct errand *x = c->current;
    dmcp_client_progress p = { .total = -1 };
    int64_t token;

    if (!x || !x->options || !x->options->on_progress ||
        json_get_int(params, "progressToken", &token) || token != x->id ||
        json_get_double(params, "progress", &p.progress)) {
        return false;
    }
    if (json_get_double(params, "total", &p.total)) {
        p.total = -1;
    }
    p.message = json_get_str(params, "message").p;
    c->is_in_callback = true;
    x->options->on_progress(c, &p, x->options->arg);
    c->is_in_callback = false;
    return true;
}

static bool tell_log(struct dmcp_client *c, yyjson_val *params)
{
    yyjson_val *data = json_get(params, "data");
    dmcp_client_log log = { .level = json_get_str(params, "level").p,
                            .logger = json_get_str(params, "logger").p };
    char *text;

    if (!c->o.on_log || !log.level || !data) {
        return false;
    }
    text = text_of(data);
    log.data_json = text;
    log.text = yyjson_is_str(data) ? json_str(data).p : text;
    c->is_in_callback = true;
    c->o.on_log(c, &log, c->o.arg);
    c->is_in_callback = false;
    mem_free(text);
    return true;
}

static bool tell_list_changed(struct dmcp_client *c, struct str method)
{
    static const char *const lists[] = { "tools", "prompts", "resources" };
    char name[64];

    for (size_t i = 0; c->o.on_list_changed && i < COUNT_OF(lists); i++) {
        snprintf(name, sizeof(name), "notifications/%s/list_changed", lists[i]);
        if (str_eqz(method, name)) {
            c->is_in_callback = true;
            c->o.on_list_changed(c, lists[i], c->o.arg);
            c->is_in_callback = false;
            return true;
        }
    }
    return false;
}

static void accept_notification(struct dmcp_client *c, const struct rpc_message *m)
{
    char *params;

    if ((str_eqz(m->method, "notifications/progress") && tell_progress(c, m->params)) ||
        (str_eqz(m->method, "notifications/message") && tell_log(c, m->params)) ||
        tell_list_changed(c, m->method) || !c->o.on_notification) {
        return;
    }
    params = text_of(m->params);
    c->is_in_callback = true;
    c->o.on_notification(c, m->method.p, params, c->o.arg);
    c->is_in_callback = false;
    mem_free(params);
}

/* ---- Any message ---- */

static void answer_ping(struct dmcp_client *c, const struct rpc_message *m)
{
    struct buf b;

    buf_init(&b, LIMIT_MESSAGE_BYTES);
    rpc_write_result(&b, rpc_id(m), STR("{}"));
    session_post(c, buf_str(&b));
    buf_fini(&b);
}

static int accept_one(struct dmcp_client *c, struct errand *x, yyjson_val *root, struct err *e)
{
    struct rpc_message m;

    if (rpc_parse(root, &m, e)) {
        e->code = DMCP_E_PROTOCOL;
        return err_wrap(e, e->code, "a message of the server");
    }
    switch (m.kind) {
    case RPC_RESULT:
    case RPC_ERROR:
        return accept_response(x, &m, e);
    case RPC_NOTIFICATION:
        accept_notification(c, &m);
        return DMCP_OK;
    case RPC_REQUEST:
        if (str_eqz(m.method, "ping")) {
            answer_ping(c, &m);
        } else {
            question_ask(c, &m);
        }
        return DMCP_OK;
    }
    return DMCP_OK;
}

int message_accept(struct dmcp_client *c, struct errand *x, struct str text, struct err *e)
{
    yyjson_doc *doc;
    yyjson_val *root, *one;
    yyjson_arr_iter all;
    int rc = json_read(text, &doc, e);

    if (rc) {
        return err_wrap(e, DMCP_E_PROTOCOL, "a message of the server");
    }
    root = yyjson_doc_get_root(doc);
    if (!yyjson_is_arr(root)) {
        rc = accept_one(c, x, root, e);
    } else {
        /* Until 2025-03-26 a server may send several messages as one. */
        all = yyjson_arr_iter_with(root);
        while (rc == DMCP_OK && x->state == ERRAND_OPEN &&
               (one = yyjson_arr_iter_next(&all)) != NULL) {
            rc = accept_one(c, x, one, e);
        }
    }
    yyjson_doc_free(doc);
    return rc;
}
