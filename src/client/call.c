/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Tool calls and other requests as their users make them: checking and writing what they give.
 * Sending and waiting is request.c's.
 */
#include "client/client.h"

#include "base/clock.h"
#include "base/limits.h"
#include "client/url.h"
#include "json/rpc.h"
#include "json/writer.h"

/* ---- What users give ---- */

static bool may_repeat(const struct dmcp_client *c, const dmcp_call_options *o)
{
    enum dmcp_repost repost = o->repost ? o->repost : c->o.repost;

    return repost == DMCP_REPOST_ALWAYS || (repost == DMCP_REPOST_AUTO && c->attaches);
}

/* Methods that only read, or set what they name: a second time changes nothing. */
static bool is_harmless(const char *method)
{
    static const char *const harmless[] = {
        "completion/complete",
        "logging/setLevel",
        "ping",
        "prompts/get",
        "prompts/list",
        "resources/list",
        "resources/read",
        "tools/list",
        "resources/subscribe",
        "resources/templates/list",
        "resources/unsubscribe",
    };

    for (size_t i = 0; i < COUNT_OF(harmless); i++) {
        if (strcmp(method, harmless[i]) == 0) {
            return true;
        }
    }
    return false;
}

static int take_options(const dmcp_call_options *given, dmcp_call_options *o, struct err *e)
{
    *o = (dmcp_call_options)DMCP_CALL_OPTIONS_INIT;
    if (!given) {
        return DMCP_OK;
    }
    if (given->size == 0 || given->size > sizeof(*o)) {
        return err_set(e, DMCP_E_INVALID, "options.size is not of this version's options");
    }
    memcpy(o, given, given->size);
    return DMCP_OK;
}

static int64_t id_of(const struct dmcp_client *c, const dmcp_call_options *o)
{
    return o->request_id ? o->request_id : c->next_id;
}

static int read_object(const char *json, const char *what, yyjson_doc **doc_out, struct err *e)
{
    if (json_read(str_of(json), doc_out, e)) {
        return err_wrap(e, DMCP_E_INVALID, "%s", what);
    }
    if (!yyjson_is_obj(yyjson_doc_get_root(*doc_out))) {
        yyjson_doc_free(*doc_out);
        return err_set(e, DMCP_E_INVALID, "%s is not an object", what);
    }
    return DMCP_OK;
}

static void copy_members(struct json_writer *w, yyjson_val *object, const char *except)
{
    yyjson_obj_iter all = yyjson_obj_iter_with(object);
    yyjson_val *key;

    while ((key = yyjson_obj_iter_next(&all)) != NULL) {
        if (!str_eqz(json_str(key), except)) {
            jw_key_str(w, json_str(key));
            jw_value(w, yyjson_obj_iter_get_val(key));
        }
    }
}

/* _meta: what the caller gave, and the progress token, which is the request's id. */
static int write_meta(struct json_writer *w, const dmcp_call_options *o, int64_t id, struct err *e)
{
    yyjson_doc *doc;
    int rc;

    if (!o->meta_json && !o->on_progress) {
        return DMCP_OK;
    }
    jw_key(w, "_meta");
    jw_object(w);
    if (o->meta_json) {
        rc = read_object(o->meta_json, "meta_json", &doc, e);
        if (rc) {
            return rc;
        }
        copy_members(w, yyjson_doc_get_root(doc), o->on_progress ? "progressToken" : "");
        yyjson_doc_free(doc);
    }
    if (o->on_progress) {
        jw_key(w, "progressToken");
        jw_int(w, id);
    }
    jw_object_end(w);
    return DMCP_OK;
}

/* The same options make the same bytes: a request that is repeated has to be recognised. */
static int write_call_params(struct buf *b, const char *name, const char *arguments_json,
                             const dmcp_call_options *o, int64_t id, struct err *e)
{
    struct json_writer w;
    yyjson_doc *doc;
    int rc;

    if (!name || *name == '\0' || strlen(name) > LIMIT_NAME_BYTES) {
        return err_set(e, DMCP_E_INVALID, "a tool's name has 1 to %d bytes", LIMIT_NAME_BYTES);
    }
    rc = read_object(arguments_json ? arguments_json : "{}", "arguments_json", &doc, e);
    if (rc) {
        return rc;
    }
    jw_init(&w, b);
    jw_object(&w);
    jw_key(&w, "name");
    jw_strz(&w, name);
    jw_key(&w, "arguments");
    jw_value(&w, yyjson_doc_get_root(doc));
    yyjson_doc_free(doc);
    rc = write_meta(&w, o, id, e);
    if (rc == DMCP_OK) {
        jw_object_end(&w);
    }
    return rc;
}

static int write_params(struct buf *b, const char *params_json, const dmcp_call_options *o,
                        int64_t id, struct err *e)
{
    struct json_writer w;
    yyjson_doc *doc;
    int rc;

    rc = read_object(params_json ? params_json : "{}", "params_json", &doc, e);
    if (rc) {
        return rc;
    }
    jw_init(&w, b);
    jw_object(&w);
    copy_members(&w, yyjson_doc_get_root(doc), o->meta_json || o->on_progress ? "_meta" : "");
    yyjson_doc_free(doc);
    rc = write_meta(&w, o, id, e);
    if (rc == DMCP_OK) {
        jw_object_end(&w);
    }
    return rc;
}

/* ---- Public ---- */

static int finish_call(struct dmcp_client *c, const struct request *r, dmcp_result **result_out)
{
    struct errand *x;
    int rc = request_run(c, r, &x);

    if (rc == DMCP_OK) {
        *result_out = result_new_take(x->result);
        x->result = NULL;
        errand_free(c, x);
    }
    return rc;
}

static struct request request_of(const dmcp_call_options *o, const char *method, bool may_repeat)
{
    return (struct request){ .method = method,
                             .id = o->request_id,
                             .timeout_ms = o->timeout_ms,
                             .may_repeat = may_repeat,
                             .is_kept = o->keep_on_timeout,
                             .options = o };
}

int dmcp_client_call_tool(dmcp_client *client, const char *name, const char *arguments_json,
                          const dmcp_call_options *options, dmcp_result **result_out)
{
    int rc = client_enter_session(client);
    dmcp_call_options o;
    struct request r;
    struct buf params;
    struct err e;

    if (rc) {
        return rc;
    }
    buf_init(&params, LIMIT_MESSAGE_BYTES);
    rc = take_options(options, &o, &e);
    if (rc == DMCP_OK) {
        r = request_of(&o, "tools/call", may_repeat(client, &o));
        rc = write_call_params(&params, name, arguments_json, &o, id_of(client, &o), &e);
    }
    if (rc == DMCP_OK) {
        r.params = buf_str(&params);
        rc = finish_call(client, &r, result_out);
    } else {
        rc = client_fail(client, &e);
    }
    buf_fini(&params);
    return rc;
}

int dmcp_client_request(dmcp_client *client, const char *method, const char *params_json,
                        const dmcp_call_options *options, dmcp_result **result_out)
{
    int rc = client_enter_session(client);
    dmcp_call_options o;
    struct request r;
    struct buf params;
    struct err e;

    if (rc) {
        return rc;
    }
    buf_init(&params, LIMIT_MESSAGE_BYTES);
    rc = take_options(options, &o, &e);
    if (rc == DMCP_OK && (!method || *method == '\0')) {
        rc = err_set(&e, DMCP_E_INVALID, "the method is missing");
    }
    if (rc == DMCP_OK) {
        r = request_of(&o, method, is_harmless(method) || may_repeat(client, &o));
        rc = write_params(&params, params_json, &o, id_of(client, &o), &e);
    }
    if (rc == DMCP_OK) {
        r.params = params.len > 2 ? buf_str(&params) : STR_NONE; /* {} is left out */
        rc = finish_call(client, &r, result_out);
    } else {
        rc = client_fail(client, &e);
    }
    buf_fini(&params);
    return rc;
}

int dmcp_client_resume_call(dmcp_client *client, const char *token, int64_t request_id,
                            const dmcp_call_options *options, dmcp_result **result_out)
{
    int rc = client_enter_session(client);
    dmcp_call_options o;
    struct request r;
    struct err e;

    if (rc) {
        return rc;
    }
    rc = take_options(options, &o, &e);
    if (rc == DMCP_OK && (!token || !header_is_event_id(str_of(token)) || request_id < 1)) {
        rc = err_set(&e, DMCP_E_INVALID, "no resumption token, or no request id");
    }
    if (rc) {
        return client_fail(client, &e);
    }
    r = request_of(&o, "the call", false);
    r.token = token;
    r.id = request_id;
    return finish_call(client, &r, result_out);
}

int dmcp_client_ping(dmcp_client *client, int64_t timeout_ms)
{
    struct request r = { .method = "ping", .timeout_ms = timeout_ms, .may_repeat = true };
    int rc = client_enter_session(client);
    struct errand *x;

    if (rc == DMCP_OK) {
        rc = request_run(client, &r, &x);
    }
    if (rc == DMCP_OK) {
        errand_free(client, x);
    }
    return rc;
}
