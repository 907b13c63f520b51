/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The session: begun, taken up again, listened to, ended.
 */
#include "client/client.h"

#include "base/clock.h"
#include "base/limits.h"
#include "base/log.h"
#include "client/url.h"
#include "json/rpc.h"
#include "json/writer.h"

#define CLOSE_MS 5000

/* ---- Beginning (MCP 2025-11-25, Lifecycle, "Initialization") ---- */

static void write_initialize(struct buf *b, const dmcp_client_options *o)
{
    struct json_writer w;

    jw_init(&w, b);
    jw_object(&w);
    jw_key(&w, "protocolVersion");
    jw_strz(&w, o->protocol_version);
    jw_key(&w, "capabilities");
    jw_raw(&w, str_of(o->capabilities_json));
    jw_key(&w, "clientInfo");
    jw_object(&w);
    jw_key(&w, "name");
    jw_strz(&w, o->name);
    jw_key(&w, "version");
    jw_strz(&w, o->version);
    jw_object_end(&w);
    jw_object_end(&w);
}

static bool is_known_version(const struct dmcp_client *c, struct str version)
{
    static const char *const known[] = { "2025-11-25", "2025-06-18", "2025-03-26", "2024-11-05" };

    for (size_t i = 0; i < COUNT_OF(known); i++) {
        if (str_eqz(version, known[i])) {
            return true;
        }
    }
    return str_eqz(version, c->o.protocol_version);
}

/* Our own capability, under which a server promises to attach a repeated request to its call. */
static bool says_attach(const yyjson_val *root)
{
    const yyjson_val *experimental = json_get(json_get(root, "capabilities"), "experimental");
    bool attaches;

    return json_get_bool(json_get(experimental, "durable-mcp"), "attach", &attaches) == 0 &&
           attaches;
}

static int read_server(struct dmcp_client *c, const char *json, struct err *e)
{
    struct str version;
    yyjson_val *root;
    yyjson_doc *doc;
    int rc = json_read(str_of(json), &doc, e);

    if (rc) {
        return rc;
    }
    root = yyjson_doc_get_root(doc);
    version = json_get_str(root, "protocolVersion");
    if (!version.p || !is_known_version(c, version)) {
        rc = err_set(e, DMCP_E_VERSION,
                     "the server speaks protocol version \"%.*s\", which this "
                     "client does not",
                     STR_FMT(version));
    } else {
        c->version = mem_dup(version.p, version.len);
        c->attaches = says_attach(root);
    }
    yyjson_doc_free(doc);
    return rc;
}

/* Back to before connecting. */
static void forget_session(struct dmcp_client *c)
{
    mem_free(c->session_id);
    mem_free(c->version);
    mem_free(c->server_json);
    c->session_id = c->version = c->server_json = NULL;
    c->attaches = false;
    c->is_connected = false;
}

static int initialize(struct dmcp_client *c)
{
    struct request r = { .method = "initialize",
                         .timeout_ms = c->o.connect_ms,
                         .reconnect_ms = c->o.connect_ms,
                         .may_repeat = true };
    struct errand *x;
    struct buf params;
    struct err e;
    int rc;

    buf_init(&params, LIMIT_MESSAGE_BYTES);
    write_initialize(&params, &c->o);
    r.params = buf_str(&params);
    rc = request_run(c, &r, &x);
    buf_fini(&params);
    if (rc) {
        return rc;
    }
    rc = read_server(c, x->result, &e);
    if (rc) {
        rc = client_fail(c, &e);
    } else {
        c->session_id = x->session_id;
        c->server_json = x->result;
        x->session_id = x->result = NULL;
    }
    errand_free(c, x);
    return rc;
}

/* ---- Messages without a response ---- */

/* Deliver it and wait until the server has accepted it. */
static int deliver(struct dmcp_client *c, enum errand_kind kind, struct str message,
                   uint64_t deadline_ms)
{
    struct errand *x = errand_new(c, kind, message);
    struct err e;
    int rc;

    x->deadline_ms = deadline_ms;
    c->current = x;
    rc = pump_run(c, x, deadline_ms);
    c->current = NULL;
    c->is_cancelled = false;
    if (rc) {
        c->delivery = errand_delivery(x);
        err_set(&e, rc, "a message was not accepted in time");
        rc = client_fail(c, &e);
    } else {
        rc = client_note_outcome(c, x);
    }
    errand_free(c, x);
    return rc;
}

static int notify(struct dmcp_client *c, const char *method, struct str params,
                  uint64_t deadline_ms)
{
    struct err e;
    struct buf b;
    int rc;

    buf_init(&b, LIMIT_MESSAGE_BYTES);
    rpc_write_notification(&b, str_of(method), params);
    if (buf_ok(&b)) {
        rc = deliver(c, ERRAND_NOTICE, buf_str(&b), deadline_ms);
    } else {
        err_set(&e, DMCP_E_TOOBIG, "the notification has more than %u bytes", LIMIT_MESSAGE_BYTES);
        rc = client_fail(c, &e);
    }
    buf_fini(&b);
    return rc;
}

void session_post(struct dmcp_client *c, struct str message)
{
    if (c->errands.n >= LIMIT_ANSWERS_WAITING) {
        log_warning("client: the server takes no messages; one was dropped");
        return;
    }
    (void)errand_new(c, ERRAND_NOTICE, message); /* the pump sees to it */
}

/* ---- Public ---- */

int dmcp_client_connect(dmcp_client *client)
{
    int rc = client_enter(client);
    uint64_t deadline_ms;
    struct err e;

    if (rc) {
        return rc;
    }
    if (client->is_connected) {
        err_set(&e, DMCP_E_MISUSE, "the client has a session already");
        return client_fail(client, &e);
    }
    deadline_ms = client_deadline(client->o.connect_ms, clock_mono_ms());
    rc = initialize(client);
    if (rc == DMCP_OK) {
        rc = notify(client, "notifications/initialized", STR_NONE, deadline_ms);
    }
    if (rc) {
        forget_session(client);
        return rc;
    }
    client->is_connected = true;
    return DMCP_OK;
}

int dmcp_client_reconnect(dmcp_client *client, const char *session_id, const char *protocol_version,
                          int64_t next_request_id)
{
    int rc = client_enter(client);
    struct err e;

    if (rc) {
        return rc;
    }
    if (client->is_connected) {
        err_set(&e, DMCP_E_MISUSE, "the client has a session already");
        return client_fail(client, &e);
    }
    if (session_id && !header_is_session_id(str_of(session_id))) {
        err_set(&e, DMCP_E_INVALID, "that cannot be a session id");
        return client_fail(client, &e);
    }
    if (!protocol_version || !header_is_session_id(str_of(protocol_version)) ||
        next_request_id < 1) {
        err_set(&e, DMCP_E_INVALID, "that cannot be a protocol version, or a request id");
        return client_fail(client, &e);
    }
    client->session_id = session_id ? mem_strdup(session_id) : NULL;
    client->version = mem_strdup(protocol_version);
    client->next_id = next_request_id;
    client->is_connected = true;
    return DMCP_OK;
}

int dmcp_client_notify(dmcp_client *client, const char *method, const char *params_json)
{
    int rc = client_enter_session(client);
    yyjson_doc *doc;
    struct err e;

    if (rc) {
        return rc;
    }
    if (params_json) {
        if (json_read(str_of(params_json), &doc, &e)) {
            err_wrap(&e, DMCP_E_INVALID, "params_json");
            return client_fail(client, &e);
        }
        rc = yyjson_is_obj(yyjson_doc_get_root(doc)) ? DMCP_OK : DMCP_E_INVALID;
        yyjson_doc_free(doc);
    }
    if (rc || !method || *method == '\0') {
        err_set(&e, DMCP_E_INVALID, "the method is missing, or params_json is not an object");
        return client_fail(client, &e);
    }
    return notify(client, method, str_of(params_json),
                  client_deadline(client->o.timeout_ms, clock_mono_ms()));
}

int dmcp_client_listen(dmcp_client *client)
{
    int rc = client_enter_session(client);
    struct errand *x;
    struct err e;

    if (rc || (client->listener && client->listener->state != ERRAND_DONE)) {
        return rc;
    }
    errand_free(client, client->listener);
    x = errand_new(client, ERRAND_LISTEN, STR_NONE);
    x->deadline_ms = client_deadline(client->o.connect_ms, clock_mono_ms());
    client->listener = x;
    rc = pump_run(client, x, x->deadline_ms);
    if (rc == DMCP_OK && x->state != ERRAND_DONE) {
        x->deadline_ms = UINT64_MAX;
        return DMCP_OK;
    }
    if (rc) {
        err_set(&e, rc, "the server did not open its stream in time");
        rc = client_fail(client, &e);
    } else {
        rc = client_note_outcome(client, x);
    }
    client->listener = NULL;
    errand_free(client, x);
    return rc;
}

int dmcp_client_poll(dmcp_client *client, int64_t timeout_ms)
{
    int rc = client_enter_session(client);
    struct err e;

    if (rc) {
        return rc;
    }
    rc = pump_run(client, NULL, client_deadline(timeout_ms, clock_mono_ms()));
    if (rc == DMCP_E_TIMEOUT) {
        return DMCP_OK;
    }
    if (client->listener && client->listener->state == ERRAND_DONE) {
        rc = client_note_outcome(client, client->listener);
        errand_free(client, client->listener);
        client->listener = NULL;
        return rc;
    }
    err_set(&e, rc, "waiting was interrupted");
    return client_fail(client, &e);
}

int dmcp_client_close(dmcp_client *client)
{
    uint64_t deadline_ms = clock_mono_ms() + CLOSE_MS;
    int rc = DMCP_OK;

    if (client->is_in_callback) {
        return DMCP_E_MISUSE;
    }
    if (client->is_closed || !client->is_connected) {
        client->is_closed = true;
        return DMCP_OK;
    }
    errand_free(client, client->listener);
    client->listener = NULL;
    rc = pump_flush(client, deadline_ms);
    if (client->session_id && client->o.terminate_on_close) {
        rc = deliver(client, ERRAND_END, STR_NONE, deadline_ms);
    }
    client->is_closed = true;
    return rc ? DMCP_E_NET : DMCP_OK;
}
