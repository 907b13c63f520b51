/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Starts that must fail, and say why; and what a failed start leaves behind: nothing.
 */
#include <arpa/inet.h>
#include <sys/socket.h>

#include "harness.h"
#include "site.h"
#include "store/keys.h"
#include "store/store.h"

#define CONFIG 2 /* exit status: starting it again would not help */

static void expect_failure(struct proc *p, int status, const char *why)
{
    char *said;

    assert_int_equal(proc_run(p), status);
    said = proc_said(p);
    if (!strstr(said, "cannot start: ") || !strstr(said, why)) {
        fail_msg("it said: %s", said);
    }
    assert_ptr_equal(strchr(said, '\n') + 1, strchr(said, '\0')); /* one line */
    mem_free(said);
}

static void use_store_of(struct proc *p, const struct site *s)
{
    mem_free(p->store);
    p->store = mem_strdup(s->server->store);
}

static void expect_serving(struct site *s)
{
    mem_free(talk_request(&s->talk, "{\"jsonrpc\":\"2.0\",\"id\":1,\"method\":\"ping\"}"));
}

TEST_WITH(start, a_store_that_another_server_has_open_is_not_touched, site_setup, site_teardown)
{
    struct site *s = *state;
    struct proc *second = proc_new("tests/gates");

    use_store_of(second, s);
    expect_failure(second, CONFIG, "in use by another process");
    expect_serving(s);
    proc_free(second);
}

TEST_WITH(start, a_port_that_is_in_use_is_named, site_setup, site_teardown)
{
    struct site *s = *state;
    struct proc *second = proc_new("tests/gates");
    uint16_t own = second->port;
    char address[32];

    second->port = s->server->port;
    snprintf(address, sizeof(address), "127.0.0.1:%u", second->port);
    expect_failure(second, CONFIG, address);
    assert_true(proc_has_said(second, "address already in use"));
    second->port = own;
    expect_serving(s);
    proc_free(second);
}

static void put(const char *store, struct str key, struct str value)
{
    struct err e;
    struct store *s;
    struct batch b;
    uint64_t position;

    assert_int_equal(store_rocksdb_open(store, &s, &e), DMCP_OK);
    batch_init(&b);
    batch_put(&b, key, value);
    assert_int_equal(store_write(s, &b, &position, &e), DMCP_OK);
    assert_int_equal(store_sync(s, position, &e), DMCP_OK);
    batch_fini(&b);
    store_close(s);
}

TEST_WITH(start, a_store_of_a_newer_version_is_refused_and_left_as_it_is, site_setup, site_teardown)
{
    struct site *s = *state;
    struct key k = key_meta("format");
    struct ask a, again;

    ask_begin(&a, &s->talk, 1, "emit", "{\"n\":1}");
    assert_true(ask_finish(&a));
    assert_int_equal(proc_stop(s->server), 0);
    put(s->server->store, key_str(&k), STR("1000"));
    expect_failure(s->server, CONFIG, "has format 1000");
    put(s->server->store, key_str(&k), STR("1"));
    proc_start(s->server);
    ask_begin(&again, &s->talk, 1, "emit", "{\"n\":1}");
    assert_true(ask_finish(&again));
    assert_string_equal(again.heard.answer, a.heard.answer);
    ask_end(&a);
    ask_end(&again);
}

TEST(start, a_directory_with_other_files_is_no_store)
{
    struct proc *p = proc_new("tests/gates");

    mem_free(p->store);
    p->store = mem_strdup("src");
    expect_failure(p, CONFIG, "src");
    proc_free(p);
}

TEST(start, a_store_without_a_parent_directory_is_refused)
{
    struct proc *p = proc_new("tests/gates");

    mem_free(p->store);
    p->store = proc_path(p, "no/such/store");
    expect_failure(p, CONFIG, "no/such/store");
    proc_free(p);
}

TEST(start, an_unknown_option_is_named)
{
    struct proc *p = proc_new("tests/gates");

    proc_option(p, "--no-such-option", NULL);
    expect_failure(p, CONFIG, "--no-such-option");
    proc_free(p);
}

/* A second server on the same port and store that is started while the first one ends. */
TEST_WITH(start, a_server_takes_over_at_once_from_one_that_was_killed, site_setup, site_teardown)
{
    struct site *s = *state;

    for (int i = 0; i < 5; i++) {
        site_crash(s);
        expect_serving(s);
    }
}

RUN_TESTS()
