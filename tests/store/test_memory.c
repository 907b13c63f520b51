/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What the memory store offers to the simulation tests: power losses and planned failures.
 */
#include <malloc.h>

#include "fixture.h"
#include "random.h"
#include "store/memory.h"

#define N_BATCHES 200
#define N_KEYS 40

int child_main(const char *mode, const char *dir)
{
    (void)mode, (void)dir;
    return 1;
}

TEST(memory, loses_what_was_not_synced_in_a_power_loss)
{
    struct store *s = store_memory_new();
    uint64_t position;

    put(s, "a", "1");
    position = put(s, "b", "2");
    put(s, "b", "3");
    put(s, "c", "4");
    must_sync(s, position);
    assert_int_equal(store_memory_unsynced(s), 2);
    s = store_memory_crash(s);
    expect_scan(s, NULL, NULL, "a=1 b=2");
    assert_int_equal(store_memory_unsynced(s), 0);
    assert_int_equal(store_memory_keys(s), 2);
    put(s, "d", "5");
    expect_scan(s, NULL, NULL, "a=1 b=2 d=5");
    store_close(s);
}

TEST(memory, brings_deleted_rows_back_when_the_deletion_was_not_synced)
{
    struct store *s = store_memory_new();
    struct batch b;

    put(s, "a", "1");
    must_sync(s, put(s, "b", "2"));
    batch_init(&b);
    batch_del_range(&b, STR("a"), STR("z"));
    must_write(s, &b);
    batch_fini(&b);
    expect_scan(s, NULL, NULL, "");
    expect_scan(store_memory_crash(s), NULL, NULL, "a=1 b=2");
    store_close(s);
}

TEST(memory, keeps_all_that_was_written_when_only_the_process_dies)
{
    struct store *s = store_memory_new();

    put(s, "a", "1");
    put(s, "b", "2");
    expect_scan(store_memory_crash_keep(s, SIZE_MAX), NULL, NULL, "a=1 b=2");
    assert_int_equal(store_memory_unsynced(s), 0);
    expect_scan(store_memory_crash(s), NULL, NULL, "a=1 b=2");
    store_close(s);
}

TEST(memory, fails_the_planned_write_and_all_that_follow)
{
    struct store *s = store_memory_new();
    uint64_t position;
    struct batch b;
    struct err e = { 0 }, again = { 0 };

    store_memory_fail(s, 2, DMCP_E_FULL);
    put(s, "a", "1");
    put(s, "b", "2");
    batch_init(&b);
    batch_put(&b, STR("c"), STR("3"));
    assert_int_equal(store_write(s, &b, &position, &e), DMCP_E_FULL);
    assert_int_equal(store_write(s, &b, &position, &again), DMCP_E_FULL);
    assert_string_equal(again.text, e.text);
    assert_int_equal(store_sync(s, 0, &again), DMCP_E_FULL);
    assert_string_equal(again.text, e.text);
    expect_scan(s, NULL, NULL, "a=1 b=2");
    batch_fini(&b);

    s = store_memory_crash_keep(s, SIZE_MAX);
    must_sync(s, put(s, "d", "4"));
    expect_scan(s, NULL, NULL, "a=1 b=2 d=4");
    store_close(s);
}

TEST(memory, fails_the_planned_sync_and_loses_what_it_was_for)
{
    struct store *s = store_memory_new();
    uint64_t position;
    struct batch b;
    struct err e = { 0 };

    store_memory_fail_sync(s, 1, DMCP_E_STORE);
    must_sync(s, put(s, "a", "1"));
    position = put(s, "b", "2");
    assert_int_equal(store_sync(s, position, &e), DMCP_E_STORE);
    batch_init(&b);
    assert_int_equal(store_write(s, &b, &position, &e), DMCP_E_STORE);
    batch_fini(&b);
    expect_scan(store_memory_crash(s), NULL, NULL, "a=1");
    must_sync(s, put(s, "b", "3"));
    store_close(s);
}

/* The sanitizers' allocators do not count for mallinfo2; the ordinary build is the one that tells. */
TEST(memory, frees_old_versions_once_nobody_can_ask_for_them)
{
    struct store *s = store_memory_new();
    char value[10000];
    struct batch b;
    size_t before;

    memset(value, 'v', sizeof(value));
    batch_init(&b);
    before = mallinfo2().uordblks;
    for (unsigned i = 0; i < 2000; i++) {
        uint64_t position;

        batch_reset(&b);
        batch_put(&b, STR("k"), str_make(value, sizeof(value)));
        position = must_write(s, &b);
        if (i % 10 == 0) {
            must_sync(s, position);
        }
    }
    assert_in_range(mallinfo2().uordblks - before, 0, 1000000);
    batch_fini(&b);
    store_close(s);
}

/* ---- against a replay ---- */

static void random_batch(struct random *r, struct batch *b)
{
    char from[8], to[8], value[16];

    batch_reset(b);
    for (unsigned n = 1 + random_below(r, 4); n > 0; n--) {
        snprintf(from, sizeof(from), "%03u", random_below(r, N_KEYS));
        snprintf(to, sizeof(to), "%03u", random_below(r, N_KEYS));
        if (random_chance(r, 60)) {
            snprintf(value, sizeof(value), "%u", random_below(r, 1000));
            batch_put(b, str_of(from), str_of(value));
        } else if (random_chance(r, 80)) {
            batch_del(b, str_of(from));
        } else {
            batch_del_range(b, str_of(from), str_of(to));
        }
    }
}

static void expect_same(struct store *a, struct store *b)
{
    struct cursor *ca = store_scan(a, &(struct range){ .from = STR_NONE });
    struct cursor *cb = store_scan(b, &(struct range){ .from = STR_NONE });
    struct str ka, va, kb, vb;
    struct err e;
    size_t n = 0;
    int rc;

    while ((rc = cursor_next(ca, &ka, &va, &e)) == DMCP_OK) {
        assert_int_equal(cursor_next(cb, &kb, &vb, &e), DMCP_OK);
        assert_true(str_eq(ka, kb));
        assert_true(str_eq(va, vb));
        n++;
    }
    assert_int_equal(rc, DMCP_E_NOTFOUND);
    assert_int_equal(cursor_next(cb, &kb, &vb, &e), DMCP_E_NOTFOUND);
    assert_int_equal(store_memory_keys(a), n);
    cursor_close(ca);
    cursor_close(cb);
}

static void crash_once(struct random *r)
{
    struct store *s = store_memory_new(), *replayed = store_memory_new();
    struct batch batches[N_BATCHES];
    unsigned n_synced = 0, n_kept;

    for (unsigned i = 0; i < N_BATCHES; i++) {
        struct cursor *c = NULL;
        uint64_t position;

        batch_init(&batches[i]);
        random_batch(r, &batches[i]);
        if (random_chance(r, 20)) {
            c = store_scan(s, &(struct range){ .from = STR_NONE });
        }
        position = must_write(s, &batches[i]);
        if (batches[i].n && random_chance(r, 10)) {
            must_sync(s, position);
            n_synced = i + 1;
        }
        if (c) {
            cursor_close(c);
        }
    }
    /* A batch may have come out empty; such a one takes no position and is nobody's loss. */
    n_kept = random_below(r, (uint32_t)store_memory_unsynced(s) + 1);
    s = store_memory_crash_keep(s, n_kept);
    for (unsigned i = 0; i < N_BATCHES; i++) {
        if (i < n_synced || (batches[i].n && n_kept > 0)) {
            must_write(replayed, &batches[i]);
            n_kept -= i >= n_synced;
        }
        batch_fini(&batches[i]);
    }
    expect_same(s, replayed);
    store_close(s);
    store_close(replayed);
}

TEST(memory, holds_after_any_crash_what_the_batches_up_to_it_give)
{
    const char *seed = getenv("SEED");
    struct random r = { seed ? strtoull(seed, NULL, 0) : 20250711u };

    printf("# SEED=%llu\n", (unsigned long long)r.state);
    for (unsigned i = 0; i < 200; i++) {
        crash_once(&r);
    }
}

RUN_TESTS()
