/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A sync that fails once. The next one would succeed and mean nothing: the kernel has given up what
 * it could not write. So the server ends, and what its files hold by then is not trusted.
 */
#include <signal.h>

#include "base/mem.h"
#include "harness.h"
#include "power.h"
#include "site.h"

static void begin(struct site *s, struct ask *a, int id)
{
    ask_begin(a, &s->talk, id, "run",
              "{\"id\":\"%d\",\"log\":\"%s\",\"steps\":[{\"alias\":\"one\",\"guard\":\"at_least_once\"},"
              "{\"alias\":\"map\",\"guard\":\"map\"},{\"alias\":\"two\",\"guard\":\"at_most_once\"},"
              "{\"alias\":\"three\",\"guard\":\"at_least_once\"}]}",
              id, s->log);
}

static int count(const struct site *s, int id, const char *alias)
{
    char line[64];

    snprintf(line, sizeof(line), "%d %s", id, alias);
    return site_count(s, line);
}

static int count_all(const struct site *s, int id)
{
    return count(s, id, "one") + count(s, id, "two") + count(s, id, "three");
}

/* True when the n-th sync was reached. What it should have written is lost, with all else that was
 * not synced; nothing that was answered may be among it. */
static bool fail_sync(struct site *s, struct random *r, int n, int id)
{
    struct ask a, again;
    char number[16];
    bool has_failed, was_answered;
    int status, n_bodies;

    snprintf(number, sizeof(number), "%d", n);
    proc_env(s->server, "SYNC_FAILS", number);
    has_failed = !proc_try_start(s->server);
    begin(s, &a, id);
    /* Else it was told to come later, or nothing. */
    was_answered = !has_failed && raw_status(a.raw) == 200 && ask_finish(&a);
    status = was_answered ? proc_stop(s->server) : proc_wait(s->server);
    has_failed = status != 0;
    assert_true(status == 0 || status == 1 || status == 2);
    assert_true(was_answered || has_failed);
    proc_env(s->server, "SYNC_FAILS", NULL);
    n_bodies = count_all(s, id);
    power_off(s->server, r);
    proc_start(s->server);
    begin(s, &again, id);
    ask_finish_anyhow(&again);
    if (was_answered) {
        assert_string_equal(again.heard.answer, a.heard.answer);
        assert_int_equal(count_all(s, id), n_bodies);
    }
    assert_true(count(s, id, "one") >= 1 && count(s, id, "two") <= 1 && count(s, id, "three") >= 1);
    assert_int_equal(proc_stop(s->server), 0);
    ask_end(&a);
    ask_end(&again);
    return has_failed;
}

TEST(failed_sync, ends_the_server_and_takes_nothing_that_was_answered)
{
    struct site *s = site_new("tests/torture_disk");
    struct random r = { 5 };
    int n = 1, n_failed = 0, n_fine = 0;

    power_on(s->server);
    proc_option(s->server, "--no-supervisor", NULL);
    site_begin(s);
    assert_int_equal(proc_stop(s->server), 0);
    for (; n_fine < 3; n++) { /* the syncs of an orderly end may fail without harm */
        bool has_failed = fail_sync(s, &r, n, n);

        n_failed += has_failed;
        n_fine = has_failed ? 0 : n_fine + 1;
        assert_true(n < 200);
    }
    printf("# %d of %d ended it\n", n_failed, n - 1);
    assert_true(n_failed > 5);
    site_free(s);
}

RUN_TESTS()
