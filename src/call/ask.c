/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Questions to the client: elicitation, sampling, roots. What goes out is a JSON-RPC request on
 * the call's stream; the client's result, or its error, comes back through engine/wait.c.
 * Source: MCP 2025-11-25, client features.
 */
#include "call/internal.h"
#include "call/params.h"
#include "json/rpc.h"
#include "json/schema.h"
#include "json/writer.h"

#define AGAIN "Sorry, we got disconnected and need to try again: "

struct question {
    const dmcp_question *spec;
    struct str schema; /* of the form; absent with a URL */
};

/* ---- elicitation ---- */

static void write_elicitation(const struct wait *w, struct str id, bool is_again,
                              struct buf *out)
{
    const struct question *q = w->arg;
    const char *page = q->spec->url ? page_id(w->call, w->alias) : NULL;
    struct json_writer p;
    struct buf params;

    buf_init(&params, LIMIT_EVENT_BYTES);
    jw_init(&p, &params);
    jw_object(&p);
    if (page) {
        page_subscribe(w->call, page);
        page_write(&p, page, q->spec->url);
    }
    jw_key(&p, "message");
    jw_strf(&p, "%s%s", is_again ? AGAIN : "", q->spec->message ? q->spec->message : "");
    if (!page) {
        jw_key(&p, "requestedSchema");
        jw_raw(&p, q->schema);
    }
    jw_object_end(&p);
    if (buf_ok(&params)) {
        rpc_write_request(out, id, STR("elicitation/create"), buf_str(&params));
    } else {
        buf_fail(out);
    }
    buf_fini(&params);
}

/* Source: elicitation, "Response Actions": only an accepted form has content. */
static int read_action(dmcp_call *call, const struct wait *w, const dmcp_value *answer,
                       dmcp_action *action_out)
{
    const char *action = dmcp_str(dmcp_get(answer, "action"));

    if (strcmp(action, "accept") == 0) {
        *action_out = DMCP_ACCEPT;
    } else if (strcmp(action, "decline") == 0) {
        *action_out = DMCP_DECLINE;
    } else if (strcmp(action, "cancel") == 0) {
        *action_out = DMCP_CANCEL;
    } else {
        return call_fail(call, DMCP_E_REMOTE, "%s: the client answered with the unknown action "
                                              "\"%s\"", w->what, action);
    }
    return DMCP_OK;
}

static int check_content(dmcp_call *call, const struct wait *w, const struct question *q,
                         const dmcp_value *content)
{
    const char *text = content ? dmcp_json_text(call, content) : "{}";
    struct schema *schema = NULL;
    struct schema_error wrong;
    yyjson_doc *doc = NULL;
    struct err e = { 0 };
    int rc = schema_compile(q->schema, NULL, &schema, &e);

    if (rc == DMCP_OK) {
        rc = json_read(str_of(text), &doc, &e);
    }
    if (rc == DMCP_OK && schema_check(schema, yyjson_doc_get_root(doc), &wrong) != DMCP_OK) {
        rc = call_fail(call, DMCP_E_REMOTE, "%s: the answer does not fit: %s%s%s", w->what,
                       wrong.path, wrong.path[0] ? ": " : "", wrong.text);
    } else if (rc != DMCP_OK) {
        rc = call_fail(call, DMCP_E_INVALID, "%s: its schema: %s", w->what, e.text);
    }
    yyjson_doc_free(doc);
    schema_free(schema);
    return rc;
}

static int take_elicitation(dmcp_call *call, const struct wait *w, struct str answer,
                            dmcp_action *action_out, const dmcp_value **content_out)
{
    const struct question *q = w->arg;
    const dmcp_value *content = NULL;
    dmcp_action action;
    yyjson_mut_val *v;
    int rc = value_parse(call, answer, &v);

    if (rc == DMCP_OK) {
        rc = read_action(call, w, value_of(v), &action);
    }
    if (rc == DMCP_OK && action == DMCP_ACCEPT && !q->spec->url) {
        content = dmcp_get(value_of(v), "content");
        rc = check_content(call, w, q, content);
    }
    if (rc == DMCP_OK && action_out) {
        *action_out = action;
    }
    if (rc == DMCP_OK && content_out) {
        *content_out = content;
    }
    return rc;
}

/* A text, a number, a boolean, or some of several texts. */
static bool is_form_field(yyjson_val *field)
{
    static const char *const types[] = { "string", "number", "integer", "boolean" };
    struct str type = json_get_str(field, "type");
    yyjson_val *items = json_get(field, "items");

    for (size_t i = 0; i < COUNT_OF(types); i++) {
        if (type.p && str_eqz(type, types[i])) {
            return true;
        }
    }
    return type.p && str_eqz(type, "array") &&
           (json_get(items, "enum") || json_get(items, "anyOf"));
}

static int check_form(yyjson_val *schema, struct err *e)
{
    size_t i, n;
    yyjson_val *name, *field;

    if (!str_eqz(json_get_str(schema, "type"), "object")) {
        return err_set(e, DMCP_E_INVALID, "its type is not \"object\"");
    }
    yyjson_obj_foreach (json_get(schema, "properties"), i, n, name, field) {
        if (!is_form_field(field)) {
            return err_set(e, DMCP_E_INVALID,
                           "the field \"%.100s\" is neither a string, a number, an integer, a "
                           "boolean nor an array of choices",
                           yyjson_get_str(name));
        }
    }
    return DMCP_OK;
}

/* Source: elicitation, "Requested Schema": an object, without nesting. */
static int check_schema(dmcp_call *call, const struct question *q)
{
    struct schema *schema = NULL;
    yyjson_doc *doc = NULL;
    struct err e = { 0 };
    int rc = json_read(q->schema, &doc, &e);

    if (rc == DMCP_OK) {
        rc = check_form(yyjson_doc_get_root(doc), &e);
    }
    if (rc == DMCP_OK) {
        rc = schema_compile(q->schema, NULL, &schema, &e);
    }
    yyjson_doc_free(doc);
    schema_free(schema);
    return rc == DMCP_OK ? rc
                         : call_fail(call, DMCP_E_INVALID, "question \"%s\": its schema: %s",
                                     q->spec->alias, e.text);
}

static int check_fields(dmcp_call *call, const struct question *q)
{
    for (const dmcp_param *p = q->spec->params; p && p->name; p++) {
        if (p->type != DMCP_BOOLEAN && p->type != DMCP_INTEGER && p->type != DMCP_NUMBER &&
            p->type != DMCP_STRING) {
            return call_fail(call, DMCP_E_INVALID,
                             "question \"%s\": the field \"%s\" is neither a boolean nor a number "
                             "nor a string",
                             q->spec->alias, p->name);
        }
    }
    return DMCP_OK;
}

/* The form's schema: as text, or from its fields. */
static int form_schema(dmcp_call *call, struct question *q)
{
    struct err e = { 0 };
    struct buf schema;
    int rc;

    if (q->spec->url) {
        return page_check_url(call, q->spec->alias, q->spec->url);
    }
    if (q->spec->schema) {
        q->schema = str_of(q->spec->schema);
        return check_schema(call, q);
    }
    rc = check_fields(call, q);
    if (rc != DMCP_OK) {
        return rc;
    }
    buf_init(&schema, MIB);
    rc = params_write_schema(&schema, q->spec->params, &e);
    if (rc == DMCP_OK) {
        q->schema = call_dup(call, buf_str(&schema));
    } else {
        call_fail(call, rc, "question \"%s\": %s", q->spec->alias, e.text);
    }
    buf_fini(&schema);
    return rc;
}

static int begin_wait(struct wait *w, const char *kind, const char *alias)
{
    struct str part;
    int rc = wait_check(w->call, kind);

    if (rc == DMCP_OK) {
        rc = journal_check_alias(w->call, kind, alias);
    }
    if (rc == DMCP_OK) {
        part = str_of(alias);
        w->what = dmcp_format(w->call, "%s \"%s\"", kind, alias);
        w->alias = journal_alias(w->call, ALIAS_QUESTION, &part, 1);
    }
    return rc;
}

int dmcp_elicit(dmcp_call *call, const dmcp_question *question, dmcp_action *action_out,
                const dmcp_value **content_out)
{
    struct question q = { .spec = question };
    struct wait w = { .call = call,
                      .timeout_ms = question->timeout_ms,
                      .write_request = write_elicitation,
                      .arg = &q,
                      .capability = question->url ? SESSION_ELICIT_URL : SESSION_ELICIT_FORM,
                      .capability_name = question->url ? "elicitation.url" : "elicitation" };
    struct str answer;
    int rc = begin_wait(&w, "question", question->alias);

    if (rc == DMCP_OK) {
        rc = form_schema(call, &q);
    }
    if (rc == DMCP_OK) {
        rc = wait_for(&w, &answer);
    }
    return rc == DMCP_OK ? take_elicitation(call, &w, answer, action_out, content_out) : rc;
}

/* ---- sampling, roots ---- */

static void write_sampling(const struct wait *w, struct str id, bool is_again, struct buf *out)
{
    (void)is_again; /* it is the client's model that is asked, not a person */
    rpc_write_request(out, id, STR("sampling/createMessage"),
                      str_of(dmcp_json_text(w->call, w->arg)));
}

static void write_roots(const struct wait *w, struct str id, bool is_again, struct buf *out)
{
    (void)w;
    (void)is_again;
    rpc_write_request(out, id, STR("roots/list"), STR_NONE);
}

/* The answer, or its part of this name, which must be of this type. */
static int take_value(struct wait *w, struct str answer, const char *part, dmcp_type type,
                      const dmcp_value **value_out)
{
    const dmcp_value *value;
    yyjson_mut_val *v;
    int rc = value_parse(w->call, answer, &v);

    if (rc != DMCP_OK) {
        return rc;
    }
    value = part ? dmcp_get(value_of(v), part) : value_of(v);
    if (dmcp_value_type(value) != type) {
        return call_fail(w->call, DMCP_E_REMOTE, "%s: the answer does not fit: %s%s is no %s",
                         w->what, part ? "its " : "it", part ? part : "", value_type_name(type));
    }
    if (value_out) {
        *value_out = value;
    }
    return DMCP_OK;
}

/* What the client must be able to do for these parameters: the first that it cannot, if any. */
static void need_for_sampling(struct wait *w, const dmcp_value *params)
{
    const char *context = dmcp_str(dmcp_get(params, "includeContext"));
    uint8_t can = w->call->run->client;

    w->capability = SESSION_SAMPLING;
    w->capability_name = "sampling";
    if (!(can & SESSION_SAMPLING_TOOLS) &&
        (dmcp_get(params, "tools") || dmcp_get(params, "toolChoice"))) {
        w->capability = SESSION_SAMPLING_TOOLS;
        w->capability_name = "sampling.tools";
    } else if (!(can & SESSION_SAMPLING_CONTEXT) &&
               (strcmp(context, "thisServer") == 0 || strcmp(context, "allServers") == 0)) {
        w->capability = SESSION_SAMPLING_CONTEXT;
        w->capability_name = "sampling.context";
    }
}

int dmcp_sample(dmcp_call *call, const char *alias, const dmcp_value *params, uint64_t timeout_ms,
                const dmcp_value **result_out)
{
    struct wait w = { .call = call,
                      .timeout_ms = timeout_ms,
                      .write_request = write_sampling,
                      .arg = params };
    struct str answer;
    int rc = begin_wait(&w, "sampling", alias);

    if (rc == DMCP_OK && dmcp_value_type(params) != DMCP_OBJECT) {
        rc = call_fail(call, DMCP_E_INVALID, "%s: its parameters are no object", w.what);
    }
    if (rc == DMCP_OK) {
        need_for_sampling(&w, params);
        rc = wait_for(&w, &answer);
    }
    return rc == DMCP_OK ? take_value(&w, answer, NULL, DMCP_OBJECT, result_out) : rc;
}

int dmcp_list_roots(dmcp_call *call, const char *alias, uint64_t timeout_ms,
                    const dmcp_value **roots_out)
{
    struct wait w = { .call = call,
                      .timeout_ms = timeout_ms,
                      .write_request = write_roots,
                      .capability = SESSION_ROOTS,
                      .capability_name = "roots" };
    struct str answer;
    int rc = begin_wait(&w, "roots", alias);

    if (rc == DMCP_OK) {
        rc = wait_for(&w, &answer);
    }
    return rc == DMCP_OK ? take_value(&w, answer, "roots", DMCP_ARRAY, roots_out) : rc;
}
