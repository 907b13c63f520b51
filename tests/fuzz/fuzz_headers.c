/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Whatever stands in the header fields that the endpoint reads, and in its body, the request gets at
 * most one answer, or commands go to the engine; ids read from text are written as the same text.
 * The input is the fields, a line each (NAMES below), and then the body; a line "-" leaves the field
 * out, a session "s" is the one that there is, and "b" the same with batches.
 */
#include <assert.h>
#include <ctype.h>
#include <stdlib.h>

#include "client/url.h"
#include "mcp/endpoint.h"
#include "mcp/event_id.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

#define NOW_MS UINT64_C(1699000000000)
#define N_FIELDS 8

/* What became of one request. */
struct outcome {
    int n_answers, n_posted, n_run;
    uint64_t peer; /* of the last command */
};

/* ---- the endpoint's surroundings ---- */

static void on_post(void *arg, struct command *c)
{
    struct outcome *o = arg;

    o->n_posted += c->kind != CMD_UNFOLLOW;
    o->peer = c->peer;
    command_free(c);
}

static void fill(void *p, size_t n)
{
    memset(p, 0x5a, n);
}

static int on_run(void *arg, uint64_t peer, const struct tool *tool, struct id session,
                  struct str request_id, struct str params, uint8_t log_level)
{
    struct outcome *o = arg;

    (void)peer;
    (void)session;
    (void)log_level;
    assert(tool && request_id.len > 0 && params.len > 0);
    o->n_run++;
    return DMCP_OK;
}

static void on_respond(void *x, int status, const struct endpoint_field *fields, size_t n,
                       struct str content_type, struct str body)
{
    struct outcome *o = x;

    assert(status >= 200 && status < 600);
    assert(!content_type.p || body.len > 0);
    for (size_t i = 0; i < n; i++) {
        for (size_t k = 0; k < fields[i].value.len; k++) {
            assert((unsigned char)fields[i].value.p[k] >= ' '); /* or it ends the field */
        }
    }
    o->n_answers++;
}

static void on_stream_begin(void *x, const struct endpoint_field *fields, size_t n)
{
    (void)fields;
    (void)n;
    ((struct outcome *)x)->n_answers++;
}

static bool on_stream_event(void *x, struct str id, uint64_t sequence, struct str data,
                            uint32_t retry_ms)
{
    (void)x;
    (void)id;
    (void)sequence;
    (void)data;
    (void)retry_ms;
    return true;
}

static void on_stream_end(void *x)
{
    (void)x;
}

static int do_nothing(struct dmcp_call *call)
{
    (void)call;
    return DMCP_OK;
}

static void add_tool(struct catalog *c, const char *name, uint8_t method, bool is_ephemeral)
{
    const struct tool_spec spec = { .method = method,
                                    .name = str_of(name),
                                    .input_schema = STR("{\"type\":\"object\"}"),
                                    .fallbacks = STR("{}"),
                                    .is_ephemeral = is_ephemeral,
                                    .handler = { .fn = do_nothing } };

    if (catalog_add(c, &spec, NULL)) {
        abort();
    }
}

static struct endpoint *make_endpoint(struct catalog *catalog, struct outcome *o)
{
    const struct endpoint_config config = { .server_info = STR("{}"),
                                            .catalog = catalog,
                                            .allowed_origins = STR("https://a.example, b.example"),
                                            .allowed_hosts = STR("a.example"),
                                            .session_idle_ms = 3600000 };
    const struct endpoint_ops ops = { .post = on_post,
                                      .random = fill,
                                      .run = on_run,
                                      .respond = on_respond,
                                      .stream_begin = on_stream_begin,
                                      .stream_event = on_stream_event,
                                      .stream_end = on_stream_end,
                                      .arg = o };

    catalog_init(catalog);
    add_tool(catalog, "add", CALL_TOOL, false);
    add_tool(catalog, "peek", CALL_TOOL, true);
    add_tool(catalog, "p", CALL_PROMPT, false);
    return endpoint_new(&config, &ops);
}

/* ---- requests ---- */

static void introduce_session(struct endpoint *e, struct outcome *o, struct str session,
                              struct str version)
{
    struct endpoint_request r = { .method = ENDPOINT_POST,
                                  .accept = STR("application/json, text/event-stream"),
                                  .content_type = STR("application/json"),
                                  .session_id = session,
                                  .body = STR("{\"jsonrpc\":\"2.0\",\"id\":0,\"method\":\"ping\"}") };
    struct exchange *x = endpoint_request(e, o, NOW_MS, &r);
    struct action_list list;
    struct action *a;

    action_list_init(&list);
    a = action_add(&list, ACT_SESSION, WHEN_DURABLE);
    a->peer = o->peer;
    if (id_from_hex(session, &a->session)) {
        abort();
    }
    a->record.protocol_version = version;
    a->record.seen_ms = NOW_MS;
    endpoint_action(e, a);
    endpoint_gone(e, x);
    *o = (struct outcome){ .n_answers = 0 };
}

static void request(const struct endpoint_request *r, struct str session, struct str version)
{
    struct outcome o = { .n_answers = 0 };
    struct catalog catalog;
    struct endpoint *e = make_endpoint(&catalog, &o);

    introduce_session(e, &o, session, version);
    endpoint_gone(e, endpoint_request(e, &o, NOW_MS, r));
    assert(o.n_answers <= 1 && o.n_answers + o.n_posted + o.n_run >= 1);
    endpoint_free(e);
    catalog_fini(&catalog);
}

static struct str take_line(struct str *rest)
{
    const char *end = rest->len ? memchr(rest->p, '\n', rest->len) : NULL;
    struct str line = str_make(rest->p, end ? (size_t)(end - rest->p) : rest->len);

    *rest = str_make(line.p + line.len, rest->len - line.len);
    *rest = end ? str_make(end + 1, rest->len - 1) : *rest;
    return str_eqz(line, "-") ? STR_NONE : str_trim(line);
}

/* ---- words ---- */

static void read_ids(struct str text)
{
    char hex[ID_HEX_BYTES + 1], uuid[UUID_TEXT_BYTES + 1], event[EVENT_ID_BYTES];
    uint64_t sequence, sequence_again;
    struct id id, again;

    if (id_from_hex(text, &id) == DMCP_OK) {
        id_to_hex(id, hex);
        assert(str_eqz(text, hex));
    }
    if (id_from_uuid(text, &id) == DMCP_OK) {
        id_to_uuid(id, uuid);
        assert(str_eq_nocase(text, str_of(uuid)));
    }
    if (event_id_parse(text, &id, &sequence) == DMCP_OK) {
        event_id_text(id, sequence, event);
        if (event_id_parse(str_of(event), &again, &sequence_again)) {
            abort();
        }
        assert(id_eq(id, again) && sequence == sequence_again);
        assert(strlen(event) <= text.len); /* it may have had zeros in front */
    }
}

/* The client's side: what it takes from a server, and from its user. */
static void read_words(struct str text)
{
    char *z = mem_dup(text.p, text.len);

    for (size_t i = 0; i < text.len; i++) {
        unsigned char c = (unsigned char)text.p[i];

        assert(!header_is_session_id(text) || (c > ' ' && c < 0x7f));
        assert(!header_is_event_id(text) || (c != '\r' && c != '\n' && c != 0));
    }
    if (url_check(z, NULL) == DMCP_OK) {
        assert(url_is_same_origin(z, z));
        (void)url_is_loopback(z);
    }
    if (header_check(z, NULL) == DMCP_OK) {
        assert(!strpbrk(z, "\r\n") && strchr(z, ':'));
    }
    mem_free(z);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    const struct str session = STR("a7a7a7a7a7a7a7a7a7a7a7a7a7a7a7a7");
    struct str rest = str_make(data, size), method, *field;
    struct endpoint_request r = { .method = ENDPOINT_OTHER };
    bool has_batches;
    /* NAMES, behind the method */
    struct str *const fields[N_FIELDS] = { &r.origin,           &r.host,
                                           &r.accept,           &r.content_type,
                                           &r.session_id,       &r.protocol_version,
                                           &r.last_event_id,    &r.idempotency_key };

    method = take_line(&rest);
    r.method = str_eqz(method, "POST")     ? ENDPOINT_POST
               : str_eqz(method, "GET")    ? ENDPOINT_GET
               : str_eqz(method, "DELETE") ? ENDPOINT_DELETE
                                           : ENDPOINT_OTHER;
    for (size_t i = 0; i < N_FIELDS; i++) {
        field = fields[i];
        *field = take_line(&rest);
        if (field->p) {
            read_ids(*field);
            read_words(*field);
        }
    }
    has_batches = str_eqz(r.session_id, "b");
    r.session_id = has_batches || str_eqz(r.session_id, "s") ? session : r.session_id;
    r.body = rest;
    request(&r, session, has_batches ? STR("2025-03-26") : STR("2025-11-25"));
    return 0;
}
