/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The client library against a server that is killed: one function call that begins before the kill
 * and returns after it.
 */
#include <pthread.h>
#include <signal.h>

#include "dmcp_client.h"
#include "harness.h"
#include "site.h"

/* A call in a thread of its own. */
struct calling {
    struct site *site;
    dmcp_client *client;
    const char *tool;
    char arguments[1024];
    pthread_t thread;
    int rc;
    dmcp_result *result;
    int n_progress;
    double last_progress;
    char token[256];
};

static void on_progress(dmcp_client *client, const dmcp_client_progress *p, void *arg)
{
    struct calling *c = arg;

    (void)client;
    c->n_progress++;
    c->last_progress = p->progress;
}

static void on_token(dmcp_client *client, int64_t request_id, const char *token, void *arg)
{
    struct calling *c = arg;

    (void)client;
    (void)request_id;
    snprintf(c->token, sizeof(c->token), "%s", token);
}

static void *call_main(void *arg)
{
    struct calling *c = arg;
    dmcp_call_options o = DMCP_CALL_OPTIONS_INIT;

    o.timeout_ms = 60000;
    o.on_progress = on_progress;
    o.on_resumption_token = on_token;
    o.arg = c;
    c->rc = dmcp_client_call_tool(c->client, c->tool, c->arguments, &o, &c->result);
    return NULL;
}

static void calling_begin(struct calling *c, struct site *s, const char *tool, const char *fmt, ...)
    PRINTF(4, 5);
static void calling_begin(struct calling *c, struct site *s, const char *tool, const char *fmt, ...)
{
    va_list ap;

    *c = (struct calling){ .site = s, .tool = tool };
    va_start(ap, fmt);
    assert_in_range(vsnprintf(c->arguments, sizeof(c->arguments), fmt, ap), 0,
                    sizeof(c->arguments) - 1);
    va_end(ap);
    c->client = dmcp_client_new(s->server->url, NULL);
    if (dmcp_client_connect(c->client) != DMCP_OK) {
        fail_msg("%s", dmcp_client_error(c->client));
    }
    assert_int_equal(pthread_create(&c->thread, NULL, call_main, c), 0);
}

static void calling_finish(struct calling *c, const char *structured)
{
    pthread_join(c->thread, NULL);
    if (c->rc != DMCP_OK) {
        fail_msg("%d: %s", c->rc, dmcp_client_error(c->client));
    }
    assert_string_equal(dmcp_result_structured(c->result), structured);
    dmcp_result_free(c->result);
    dmcp_client_free(c->client);
}

#define WALK "{\"id\":\"1\",\"log\":\"%s\",\"n\":3,\"guard\":\"%s\",\"at\":2,\"gate\":\"%s\"}"
#define CLIENT_TEST(sentence) TEST_WITH(client, sentence, site_setup, site_teardown)

CLIENT_TEST(a_call_returns_its_one_answer_though_the_server_was_killed_meanwhile)
{
    struct site *s = *state;
    struct calling c;

    calling_begin(&c, s, "walk", WALK, s->log, "at_least_once", s->gate);
    site_await(s, "1 2", 1);
    site_crash(s);
    site_open_gate(s);
    calling_finish(&c, "{\"outcomes\":[\"ok\",\"ok\",\"ok\"]}");
    site_expect_steps(s, 1, 1, 2, 1);
}

CLIENT_TEST(a_call_learns_that_a_step_was_attempted)
{
    struct site *s = *state;
    struct calling c;

    calling_begin(&c, s, "walk", WALK, s->log, "at_most_once", s->gate);
    site_await(s, "1 2", 1);
    assert_int_equal(kill(proc_worker(s->server), SIGKILL), 0); /* the supervisor starts it anew */
    site_open_gate(s);
    calling_finish(&c, "{\"outcomes\":[\"ok\",\"attempted\",\"ok\"]}");
    site_expect_steps(s, 1, 1, 1, 1);
}

CLIENT_TEST(a_call_that_had_heard_nothing_is_not_run_twice)
{
    struct site *s = *state;
    struct calling c;

    assert_int_equal(proc_stop(s->server), 0);
    proc_option(s->server, "--no-supervisor", NULL);
    proc_start(s->server);
    assert_int_equal(proc_stop(s->server), 0);
    proc_fault(s->server, "handler.before:1");
    proc_start(s->server);
    site_open_gate(s);
    calling_begin(&c, s, "walk", WALK, s->log, "at_least_once", s->gate);
    assert_int_equal(proc_wait(s->server), -SIGKILL);
    proc_fault(s->server, NULL);
    proc_start(s->server);
    calling_finish(&c, "{\"outcomes\":[\"ok\",\"ok\",\"ok\"]}");
    site_expect_steps(s, 1, 1, 1, 1);
}

CLIENT_TEST(progress_is_told_once_across_kills)
{
    struct site *s = *state;
    struct calling c;

    calling_begin(&c, s, "emit", "{\"n\":200,\"at\":100,\"gate\":\"%s\"}", s->gate);
    site_crash(s);
    site_open_gate(s);
    calling_finish(&c, "{\"result\":200}");
    assert_int_equal(c.n_progress, 200);
    assert_true(c.last_progress == 200);
}

CLIENT_TEST(another_process_takes_up_a_call_with_its_token)
{
    struct site *s = *state;
    dmcp_call_options o = DMCP_CALL_OPTIONS_INIT;
    struct calling c = { .site = s };
    dmcp_client *first = dmcp_client_new(s->server->url, NULL), *second;
    dmcp_result *result;
    char arguments[1024], *session;
    int64_t id;

    assert_int_equal(dmcp_client_connect(first), DMCP_OK);
    session = mem_strdup(dmcp_client_session_id(first));
    snprintf(arguments, sizeof(arguments), WALK, s->log, "at_least_once", s->gate);
    o.timeout_ms = 500;
    o.keep_on_timeout = true;
    o.on_resumption_token = on_token;
    o.arg = &c;
    assert_int_equal(dmcp_client_call_tool(first, "walk", arguments, &o, &result), DMCP_E_TIMEOUT);
    assert_true(c.token[0]);
    id = dmcp_client_request_id(first);
    site_crash(s); /* the first client vanishes as if it had been killed, too */
    second = dmcp_client_new(s->server->url, NULL);
    assert_int_equal(dmcp_client_reconnect(second, session, "2025-11-25", id + 1), DMCP_OK);
    site_open_gate(s);
    assert_int_equal(dmcp_client_resume_call(second, c.token, id, NULL, &result), DMCP_OK);
    assert_string_equal(dmcp_result_structured(result), "{\"outcomes\":[\"ok\",\"ok\",\"ok\"]}");
    assert_int_equal(site_count(s, "1 1"), 1);
    dmcp_result_free(result);
    mem_free(session);
    dmcp_client_free(second);
    dmcp_client_free(first);
}

static void on_list_changed(dmcp_client *client, const char *list, void *arg)
{
    int *n = arg;

    assert_string_equal(list, "tools");
    if (++*n == 4) {
        dmcp_client_interrupt(client);
    }
}

CLIENT_TEST(a_list_that_changed_is_told_once_across_a_restart)
{
    struct site *s = *state;
    dmcp_client_options o = DMCP_CLIENT_OPTIONS_INIT;
    dmcp_client *client;
    dmcp_result *result;
    int n = 0;

    o.on_list_changed = on_list_changed;
    o.arg = &n;
    client = dmcp_client_new(s->server->url, &o);
    assert_int_equal(dmcp_client_connect(client), DMCP_OK);
    assert_int_equal(dmcp_client_listen(client), DMCP_OK);
    assert_int_equal(dmcp_client_call_tool(client, "emit", "{\"n\":2,\"kind\":\"changed\"}", NULL,
                                           &result), DMCP_OK);
    dmcp_result_free(result);
    site_crash(s);
    assert_int_equal(dmcp_client_call_tool(client, "emit", "{\"n\":2,\"kind\":\"changed\"}", NULL,
                                           &result), DMCP_OK);
    dmcp_result_free(result);
    if (n < 4) {
        assert_int_equal(dmcp_client_poll(client, 20000), DMCP_E_INTERRUPTED);
    }
    assert_int_equal(dmcp_client_ping(client, 5000), n == 4 ? DMCP_OK : DMCP_E_INTERRUPTED);
    assert_int_equal(n, 4);
    dmcp_client_free(client);
}

RUN_TESTS()
