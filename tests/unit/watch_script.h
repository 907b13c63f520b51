/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Calls that wait for maps on the engine driven by hand, for the tests of watching.
 */
#ifndef TESTS_WATCH_SCRIPT_H
#define TESTS_WATCH_SCRIPT_H

#include "harness.h"

#include "base/limits.h"
#include "rig.h"

#define WATCH_TEST(sentence) TEST_WITH(watch, sentence, rig_setup, rig_teardown)

TEST_UNUSED static const struct id no_id;

/* ---- asking ---- */

/* "k" is the entry k of map m, "a-c" a range of its entries, "*" all of it; map "n" has "n:k". */
TEST_UNUSED static void add_range(struct buf *ranges, const char *text)
{
    const char *minus = strchr(text, '-'), *colon = strchr(text, ':');
    struct str map = colon ? str_make(text, (size_t)(colon - text)) : STR("m");
    const char *at = colon ? colon + 1 : text;
    struct key from, to;

    if (strcmp(at, "*") == 0) {
        from = key_map(map, STR(""));
        to = key_prefix_end(key_str(&from));
    } else if (minus) {
        from = key_map(map, str_make(at, (size_t)(minus - at)));
        to = key_map(map, str_of(minus + 1));
    } else {
        from = to = key_map(map, str_of(at));
        to.b[to.len++] = 0;
    }
    watch_range_add(ranges, key_str(&from), key_str(&to));
}

TEST_UNUSED static void watch_for(struct rig *r, struct id call, uint64_t delay_ms,
                                  const char *const *texts, size_t n)
{
    struct command *c = command_new(CMD_WATCH);
    struct buf ranges;

    buf_init(&ranges, SIZE_MAX / 2);
    for (size_t i = 0; i < n; i++) {
        add_range(&ranges, texts[i]);
    }
    c->call = call;
    c->waiter = r;
    c->watch.alias = STR("until");
    c->watch.label = STR("until \"x\"");
    c->watch.delay_ms = delay_ms;
    c->watch.ranges = command_dup(c, buf_str(&ranges));
    buf_fini(&ranges);
    rig_apply(r, c);
}

TEST_UNUSED static void watch(struct rig *r, struct id call, const char *text)
{
    watch_for(r, call, 0, &text, 1);
}

TEST_UNUSED static void suspend(struct rig *r, struct id call)
{
    struct command *c = command_new(CMD_CALL_SUSPEND);

    c->call = call;
    rig_apply(r, c);
}

/* A call that waits for this, suspended and durable. */
TEST_UNUSED static struct id waiting(struct rig *r, const char *text)
{
    struct id call = rig_start_quietly(r);

    watch(r, call, text);
    rig_expect_wake(r, WHEN_VISIBLE, DMCP_E_AGAIN);
    rig_commit(r);
    suspend(r, call);
    rig_commit(r);
    rig_expect_nothing(r);
    return call;
}

/* From outside of calls. */
TEST_UNUSED static void write_map(struct rig *r, const char *map, const char *key, const char *value)
{
    struct command *c = command_new(CMD_MAP);
    struct key k = key_map(str_of(map), str_of(key));

    c->map.alias = c->map.label = STR("");
    if (value) {
        batch_put(&c->map.rows, key_str(&k), str_of(value));
    } else {
        batch_del(&c->map.rows, key_str(&k));
    }
    rig_apply(r, c);
    rig_write(r);
}

TEST_UNUSED static void expect_dispatch(struct rig *r, struct id call, uint32_t attempt)
{
    struct action *a = rig_expect(r, ACT_DISPATCH, WHEN_VISIBLE);

    assert_true(id_eq(a->call, call));
    assert_int_equal(a->dispatch.attempt, attempt);
}

TEST_UNUSED static size_t n_watch_rows(struct rig *r)
{
    return rig_count(r, key_kind_start(KEY_WATCH)) + rig_count(r, key_kind_start(KEY_WATCHING));
}

#endif
