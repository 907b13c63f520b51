/* SPDX-License-Identifier: Apache-2.0 */
/*
 * An endpoint by itself. See front.h.
 */
#include "front.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#define NOW_MS UINT64_C(1699000000000)

/* ---- what the endpoint asks for ---- */

static void post(void *arg, struct command *c)
{
    struct front *f = arg;

    if (c->kind == CMD_UNFOLLOW) { /* of a request that was left for the next one */
        f->n_unfollowed++;
        command_free(c);
        return;
    }
    f->peer = c->peer ? c->peer : f->peer;
    c->mail.next = NULL;
    *f->last_posted = &c->mail;
    f->last_posted = &c->mail.next;
}

static void fill(void *p, size_t n)
{
    memset(p, 0x5a, n);
}

static int run(void *arg, uint64_t peer, const struct tool *tool, struct id session,
               struct str request_id, struct str params, uint8_t log_level)
{
    (void)arg;
    (void)peer;
    (void)tool;
    (void)session;
    (void)request_id;
    (void)params;
    (void)log_level;
    return DMCP_OK;
}

static void respond(void *x, int status, const struct endpoint_field *fields, size_t n,
                    struct str content_type, struct str body)
{
    struct front *f = x;

    (void)fields;
    (void)n;
    (void)content_type;
    f->status = status;
    buf_add_str(&f->body, body);
}

static void stream_begin(void *x, const struct endpoint_field *fields, size_t n)
{
    struct front *f = x;

    (void)fields;
    (void)n;
    f->status = 200;
    f->is_open = true;
}

static bool stream_event(void *x, struct str id, uint64_t sequence, struct str data,
                         uint32_t retry_ms)
{
    struct front *f = x;

    (void)id;
    (void)sequence;
    (void)retry_ms;
    if (data.len > 0) {
        buf_add_str(&f->body, data);
        buf_addc(&f->body, '\n');
    }
    return true;
}

static void stream_end(void *x)
{
    struct front *f = x;

    f->is_ended = true;
}

/* ---- life ---- */

static int nothing(struct dmcp_call *call)
{
    (void)call;
    return DMCP_OK;
}

static void add_tool(struct front *f, const char *name, bool is_ephemeral)
{
    const struct tool_spec spec = { .method = CALL_TOOL,
                                    .name = str_of(name),
                                    .input_schema = STR("{\"type\":\"object\"}"),
                                    .fallbacks = STR("{}"),
                                    .is_ephemeral = is_ephemeral,
                                    .timeout_ms = 5000,
                                    .handler = { .fn = nothing } };
    struct err e;

    assert_int_equal(catalog_add(&f->catalog, &spec, &e), DMCP_OK);
}

/* The engine tells the endpoint of the session, as when one of its requests comes. */
static void introduce(struct front *f, const char *version)
{
    struct action_list list;
    struct action *a;

    front_post(f, "{\"jsonrpc\":\"2.0\",\"id\":0,\"method\":\"ping\"}");
    command_free(front_expect(f, CMD_SESSION_GET));
    action_list_init(&list);
    a = action_add(&list, ACT_SESSION, WHEN_DURABLE);
    a->peer = f->peer;
    a->session = f->session;
    a->record.protocol_version = str_of(version);
    a->record.seen_ms = NOW_MS;
    a->record.flags = SESSION_INITIALIZED | SESSION_ELICIT_FORM;
    endpoint_action(f->endpoint, a);
    assert_int_equal(f->status, 200);
}

static void keep(void *x)
{
    struct front *f = x;

    f->is_kept = true;
}

static void split(void *x, struct str lines)
{
    struct front *f = x;

    buf_add_str(&f->body, lines);
}

static int setup(void **state, const char *version, bool is_pipe)
{
    struct front *f = mem_zalloc(sizeof(*f));
    const struct endpoint_config config = { .server_info = STR("{\"name\":\"front\"}"),
                                            .catalog = &f->catalog,
                                            .page_entries = 2,
                                            .session_idle_ms = 3600000,
                                            .retry_ms = 500,
                                            .is_pipe = is_pipe };
    const struct endpoint_ops ops = { .post = post,
                                      .random = fill,
                                      .run = run,
                                      .respond = respond,
                                      .stream_begin = stream_begin,
                                      .stream_event = stream_event,
                                      .stream_end = stream_end,
                                      .keep = keep,
                                      .split = split,
                                      .arg = f };

    buf_init(&f->body, SIZE_MAX / 2);
    f->last_posted = &f->posted;
    memset(&f->session, 0xa7, sizeof(f->session));
    id_to_hex(f->session, f->session_hex);
    catalog_init(&f->catalog);
    add_tool(f, "add", false);
    add_tool(f, "peek", true);
    f->endpoint = endpoint_new(&config, &ops);
    introduce(f, version);
    *state = f;
    return 0;
}

int front_setup(void **state)
{
    return setup(state, "2025-11-25", false);
}

int front_setup_pipe(void **state)
{
    return setup(state, "2025-03-26", true);
}

int front_setup_2025_03_26(void **state)
{
    return setup(state, "2025-03-26", false);
}

void front_leave(struct front *f)
{
    if (f->exchange) {
        endpoint_gone(f->endpoint, f->exchange);
        f->exchange = NULL;
    }
}

int front_teardown(void **state)
{
    struct front *f = *state;
    struct mail *next;

    front_leave(f);
    for (struct mail *m = f->posted; m; m = next) {
        next = m->next;
        command_free(CONTAINER_OF(m, struct command, mail));
    }
    endpoint_free(f->endpoint);
    catalog_fini(&f->catalog);
    buf_fini(&f->body);
    mem_free(f);
    return 0;
}

/* ---- requests ---- */

static void send(struct front *f, const char *session, const char *key, const char *body)
{
    const struct endpoint_request r = { .method = ENDPOINT_POST,
                                        .host = STR("localhost"),
                                        .accept = STR("application/json, text/event-stream"),
                                        .content_type = STR("application/json"),
                                        .session_id = str_of(session),
                                        .idempotency_key = str_of(key),
                                        .body = str_of(body),
                                        .is_repeat = f->is_repeat,
                                        .is_crowded = f->is_crowded,
                                        .new_session = &f->session };

    front_leave(f);
    f->n_unfollowed = 0;
    f->status = 0;
    f->is_open = f->is_ended = f->is_kept = false;
    buf_reset(&f->body);
    f->exchange = endpoint_request(f->endpoint, f, NOW_MS, &r);
}

void front_post_with_key(struct front *f, const char *key, const char *body)
{
    send(f, f->session_hex, key, body);
}

void front_post(struct front *f, const char *body)
{
    front_post_with_key(f, NULL, body);
}

void front_post_outside(struct front *f, const char *body)
{
    send(f, NULL, NULL, body);
}

/* ---- what came of it ---- */

struct command *front_expect(struct front *f, enum command_kind kind)
{
    struct mail *m = f->posted;
    struct command *c = CONTAINER_OF(m, struct command, mail);

    assert_non_null(m);
    f->posted = m->next;
    if (!f->posted) {
        f->last_posted = &f->posted;
    }
    assert_int_equal(c->kind, kind);
    return c;
}

void front_expect_nothing(struct front *f)
{
    assert_null(f->posted);
}

static struct action *new_action(struct front *f, enum action_kind kind)
{
    struct action_list list;
    struct action *a;

    action_list_init(&list);
    a = action_add(&list, kind, WHEN_DURABLE);
    a->peer = f->peer;
    a->session = f->session;
    return a;
}

static void act(struct front *f, enum action_kind kind, int code, const char *text)
{
    struct action *a = new_action(f, kind);

    a->code = code;
    a->text = str_of(text);
    endpoint_action(f->endpoint, a);
}

void front_done(struct front *f)
{
    act(f, ACT_DONE, DMCP_OK, "");
}

void front_refuse(struct front *f, int code, const char *text)
{
    act(f, ACT_REFUSED, code, text);
}

void front_prime(struct front *f)
{
    act(f, ACT_PRIME, DMCP_OK, "");
}

void front_reply_as(struct front *f, enum call_outcome outcome, const char *id, const char *body)
{
    struct action *a = new_action(f, ACT_REPLY);

    a->event.outcome = (uint8_t)outcome;
    a->event.request_id = str_of(id);
    a->text = str_of(body);
    endpoint_action(f->endpoint, a);
}

void front_reply(struct front *f, const char *id, const char *result)
{
    front_reply_as(f, OUTCOME_RESULT, id, result);
}

void front_end(struct front *f)
{
    act(f, ACT_END, DMCP_OK, "");
}
