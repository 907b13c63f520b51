/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What every store does, tested against each backend: same keys, same order, same errors.
 * What concerns the disk is in test_durability.c, random operations are in test_model.c.
 */
#include <pthread.h>
#include <stdatomic.h>

#include "base/limits.h"
#include "fixture.h"

int child_main(const char *mode, const char *dir)
{
    (void)mode, (void)dir;
    return 1;
}

/* A fresh store has its version key; these tests want an empty one. */
static struct store *emptied(void **state)
{
    struct fixture *f = *state;
    struct batch b;

    batch_init(&b);
    batch_del_range(&b, STR("\0"), STR("\xff"));
    must_write(f->store, &b);
    batch_fini(&b);
    return f->store;
}

#define CONTRACT(sentence)                                                                         \
    static void sentence(struct store *s);                                                         \
    TEST_WITH(memory, sentence, open_memory, close_store)                                          \
    {                                                                                              \
        sentence(emptied(state));                                                                  \
    }                                                                                              \
    TEST_WITH(rocksdb, sentence, open_rocksdb, close_store)                                        \
    {                                                                                              \
        sentence(emptied(state));                                                                  \
    }                                                                                              \
    static void sentence(struct store *s)

/* ---- single keys ---- */

CONTRACT(gets_what_was_put_last)
{
    expect_no_row(s, STR("k"));
    put(s, "k", "one");
    expect_row(s, STR("k"), STR("one"));
    put(s, "k", "two");
    expect_row(s, STR("k"), STR("two"));
    expect_no_row(s, STR("K"));
    expect_no_row(s, STR("k2"));
    expect_no_row(s, STR(""));
}

CONTRACT(deletes_a_key_and_takes_an_absent_one_for_deleted)
{
    struct batch b;

    put(s, "a", "1");
    put(s, "b", "2");
    batch_init(&b);
    batch_del(&b, STR("a"));
    batch_del(&b, STR("never there"));
    must_write(s, &b);
    batch_fini(&b);
    expect_no_row(s, STR("a"));
    expect_scan(s, NULL, NULL, "b=2");
    put(s, "a", "3");
    expect_scan(s, NULL, NULL, "a=3 b=2");
}

CONTRACT(keeps_an_empty_value_apart_from_an_absent_key)
{
    put(s, "empty", "");
    expect_row(s, STR("empty"), STR(""));
    expect_scan(s, NULL, NULL, "empty=");
    expect_no_row(s, STR("absent"));
}

CONTRACT(keeps_any_bytes_in_keys_and_values)
{
    struct batch b;

    batch_init(&b);
    batch_put(&b, STR("\0"), STR("\0\0"));
    batch_put(&b, STR("\0\0"), STR("\xff"));
    batch_put(&b, STR("\x05\0\xff"), STR("\n\0"));
    batch_put(&b, STR("\xff\xff"), STR("x\0y"));
    must_write(s, &b);
    batch_fini(&b);
    expect_row(s, STR("\0\0"), STR("\xff"));
    expect_scan(s, NULL, NULL, "\\00=\\00\\00 \\00\\00=\\ff \\05\\00\\ff=\\0a\\00 \\ff\\ff=x\\00y");
}

CONTRACT(appends_a_value_to_what_the_buffer_holds)
{
    struct buf found;
    struct err e;

    put(s, "k", "value");
    buf_init(&found, 11);
    buf_addz(&found, "before");
    assert_int_equal(store_get(s, STR("k"), &found, &e), DMCP_OK);
    assert_true(str_eq(buf_str(&found), STR("beforevalue")));
    buf_fini(&found);
}

CONTRACT(says_so_when_a_value_passes_the_room_in_the_buffer)
{
    struct buf found;
    struct err e;

    put(s, "k", "value");
    buf_init(&found, 4);
    assert_int_equal(store_get(s, STR("k"), &found, &e), DMCP_E_TOOBIG);
    assert_false(buf_ok(&found));
    buf_fini(&found);
}

CONTRACT(keeps_a_value_of_16_MiB)
{
    char *big = mem_alloc(LIMIT_RESULT_BYTES);
    struct str value = str_make(big, LIMIT_RESULT_BYTES);
    struct batch b;

    for (size_t i = 0; i < value.len; i++) {
        big[i] = (char)(i * i >> 7);
    }
    batch_init(&b);
    batch_put(&b, STR("big"), value);
    must_sync(s, must_write(s, &b));
    batch_fini(&b);
    expect_row(s, STR("big"), value);
    mem_free(big);
}

/* ---- order and ranges ---- */

/* Kinds 05, 0a and 0c stand in another RocksDB family than the others. */
static void put_all_kinds(struct store *s)
{
    put(s, "\x05u", "3");
    put(s, "\x03z", "1");
    put(s, "\x20m", "7");
    put(s, "\x0at", "6");
    put(s, "\x05", "2");
    put(s, "\x06j", "5");
    put(s, "\x05u2", "4");
}

#define ALL_KINDS "\\03z=1 \\05=2 \\05u=3 \\05u2=4 \\06j=5 \\0at=6 \\20m=7"
#define ALL_KINDS_REVERSED "\\20m=7 \\0at=6 \\06j=5 \\05u2=4 \\05u=3 \\05=2 \\03z=1"

CONTRACT(scans_in_the_order_of_bytes_in_both_directions)
{
    expect_scan(s, NULL, NULL, "");
    expect_reverse(s, NULL, NULL, "");
    put_all_kinds(s);
    expect_scan(s, NULL, NULL, ALL_KINDS);
    expect_reverse(s, NULL, NULL, ALL_KINDS_REVERSED);
}

CONTRACT(takes_the_lower_bound_in_and_leaves_the_upper_one_out)
{
    put(s, "a", "1");
    put(s, "b", "2");
    put(s, "c", "3");
    expect_scan(s, "a", "c", "a=1 b=2");
    expect_reverse(s, "a", "c", "b=2 a=1");
    expect_scan(s, "a\x01", "c\x01", "b=2 c=3");
    expect_reverse(s, "a\x01", "c\x01", "c=3 b=2");
    expect_scan(s, "b", NULL, "b=2 c=3");
    expect_reverse(s, "b", NULL, "c=3 b=2");
    expect_scan(s, NULL, "b", "a=1");
    expect_reverse(s, NULL, "b", "a=1");
    expect_scan(s, "d", NULL, "");
    expect_reverse(s, "d", NULL, "");
    expect_scan(s, NULL, "a", "");
    expect_reverse(s, NULL, "a", "");
}

CONTRACT(finds_nothing_in_an_empty_or_a_reversed_range)
{
    put(s, "a", "1");
    put(s, "b", "2");
    expect_scan(s, "a", "a", "");
    expect_reverse(s, "a", "a", "");
    expect_scan(s, "b", "a", "");
    expect_reverse(s, "b", "a", "");
    expect_scan(s, NULL, "", "");
    expect_reverse(s, NULL, "", "");
    expect_scan(s, "", NULL, "a=1 b=2");
}

CONTRACT(scans_a_range_whose_bounds_lie_in_different_kinds)
{
    put_all_kinds(s);
    expect_scan(s, "\x03", "\x06", "\\03z=1 \\05=2 \\05u=3 \\05u2=4");
    expect_scan(s, "\x04", "\x06", "\\05=2 \\05u=3 \\05u2=4");
    expect_scan(s, "\x05", "\x06", "\\05=2 \\05u=3 \\05u2=4");
    expect_reverse(s, "\x05", "\x06", "\\05u2=4 \\05u=3 \\05=2");
    expect_scan(s, "\x05", "\x06j", "\\05=2 \\05u=3 \\05u2=4");
    expect_scan(s, "\x05", "\x06j\x01", "\\05=2 \\05u=3 \\05u2=4 \\06j=5");
    expect_reverse(s, "\x05u", "\x20", "\\0at=6 \\06j=5 \\05u2=4 \\05u=3");
    expect_scan(s, "\x06", "\x0a", "\\06j=5");
    expect_scan(s, "\x21", NULL, "");
}

/* ---- batches ---- */

CONTRACT(applies_the_operations_of_a_batch_in_their_order)
{
    struct batch b;

    put(s, "a", "0");
    put(s, "c", "0");
    batch_init(&b);
    batch_put(&b, STR("a"), STR("1"));
    batch_put(&b, STR("a"), STR("2"));
    batch_put(&b, STR("b"), STR("1"));
    batch_del(&b, STR("b"));
    batch_del(&b, STR("c"));
    batch_put(&b, STR("c"), STR("3"));
    must_write(s, &b);
    batch_fini(&b);
    expect_scan(s, NULL, NULL, "a=2 c=3");
}

CONTRACT(deletes_a_range_between_the_puts_of_one_batch)
{
    struct batch b;

    put(s, "a", "0");
    put(s, "b", "0");
    put(s, "d", "0");
    batch_init(&b);
    batch_put(&b, STR("b2"), STR("before"));
    batch_put(&b, STR("d"), STR("before"));
    batch_del_range(&b, STR("b"), STR("d"));
    batch_put(&b, STR("b3"), STR("after"));
    must_write(s, &b);
    batch_fini(&b);
    expect_scan(s, NULL, NULL, "a=0 b3=after d=before");
}

CONTRACT(deletes_a_range_without_its_upper_bound)
{
    struct batch b;

    put(s, "a", "1");
    put(s, "b", "2");
    put(s, "c", "3");
    batch_init(&b);
    batch_del_range(&b, STR("a"), STR("c"));
    batch_del_range(&b, STR("x"), STR("y"));
    must_write(s, &b);
    batch_fini(&b);
    expect_scan(s, NULL, NULL, "c=3");
}

CONTRACT(deletes_a_range_of_all_kinds_and_keeps_what_lies_around_it)
{
    struct batch b;

    put_all_kinds(s);
    batch_init(&b);
    batch_put(&b, STR("\x05v"), STR("put by the same batch"));
    batch_del_range(&b, STR("\x05u"), STR("\x20"));
    must_write(s, &b);
    batch_fini(&b);
    expect_scan(s, NULL, NULL, "\\03z=1 \\05=2 \\20m=7");
}

CONTRACT(deletes_a_range_of_many_keys)
{
    struct batch b;
    char key[16];

    batch_init(&b);
    batch_put(&b, STR("k"), STR("1"));
    for (unsigned i = 0; i < 3000; i++) {
        snprintf(key, sizeof(key), "k%05u", i);
        batch_put(&b, str_of(key), STR("v"));
    }
    batch_put(&b, STR("l"), STR("2"));
    must_write(s, &b);
    batch_reset(&b);
    batch_del_range(&b, STR("k0"), STR("l"));
    must_write(s, &b);
    batch_fini(&b);
    expect_scan(s, NULL, NULL, "k=1 l=2");
    put(s, "k00007", "new");
    expect_scan(s, NULL, NULL, "k=1 k00007=new l=2");
}

CONTRACT(gives_growing_positions_and_the_last_one_to_an_empty_batch)
{
    uint64_t first = put(s, "a", "1"), second = put(s, "b", "2"), third;
    struct batch b;

    assert_true(second > first);
    batch_init(&b);
    third = must_write(s, &b);
    batch_fini(&b);
    assert_int_equal(third, second);
    must_sync(s, first);
    must_sync(s, second);
    must_sync(s, second);
    must_sync(s, first);
}

CONTRACT(refuses_a_batch_over_its_limit_and_goes_on_with_the_next)
{
    uint64_t position = 7;
    struct batch b;
    struct err e;

    batch_init(&b);
    b.ops.max = 20;
    batch_put(&b, STR("k"), STR("a value that is too long"));
    assert_int_equal(store_write(s, &b, &position, &e), DMCP_E_TOOBIG);
    assert_int_equal(position, 7);
    batch_fini(&b);
    put(s, "k", "short");
    expect_scan(s, NULL, NULL, "k=short");
}

/* ---- snapshots ---- */

CONTRACT(shows_a_cursor_the_store_as_it_was_when_it_was_opened)
{
    struct cursor *before, *reverse, *middle;
    struct batch b;

    put_all_kinds(s);
    before = store_scan(s, &(struct range){ .from = STR_NONE });
    reverse = store_scan(s, &(struct range){ .is_reverse = true });
    batch_init(&b);
    batch_put(&b, STR("\x03z"), STR("changed"));
    batch_put(&b, STR("\x04new"), STR("new"));
    batch_del(&b, STR("\x05u"));
    batch_del_range(&b, STR("\x06"), STR("\x21"));
    must_sync(s, must_write(s, &b));
    middle = store_scan(s, &(struct range){ .from = STR_NONE });
    batch_reset(&b);
    batch_del_range(&b, STR("\0"), STR("\xff"));
    must_sync(s, must_write(s, &b));
    batch_fini(&b);

    expect_scan(s, NULL, NULL, "");
    expect_cursor(before, ALL_KINDS);
    cursor_close(before);
    expect_cursor(middle, "\\03z=changed \\04new=new \\05=2 \\05u2=4");
    expect_cursor(reverse, ALL_KINDS_REVERSED);
    cursor_close(reverse);
    cursor_close(middle);
    expect_scan(s, NULL, NULL, "");
}

CONTRACT(keeps_a_cursors_row_while_others_write_over_it)
{
    struct cursor *c;
    struct str key, value;
    struct err e;

    put(s, "a", "old");
    put(s, "b", "next");
    c = store_scan(s, &(struct range){ .from = STR("a") });
    assert_int_equal(cursor_next(c, &key, &value, &e), DMCP_OK);
    for (int i = 0; i < 100; i++) {
        must_sync(s, put(s, "a", "new"));
    }
    assert_true(str_eqz(key, "a"));
    assert_true(str_eqz(value, "old"));
    expect_cursor(c, "b=next");
    cursor_close(c);
}

/* ---- what is durable ---- */

CONTRACT(says_whether_all_that_can_be_seen_is_durable)
{
    struct batch b;
    uint64_t first, second;
    struct err e;

    batch_init(&b);
    batch_put(&b, STR("k"), STR("1"));
    assert_int_equal(store_write(s, &b, &first, &e), DMCP_OK);
    assert_false(store_is_synced(s));
    assert_int_equal(store_write(s, &b, &second, &e), DMCP_OK);
    assert_int_equal(store_sync(s, first, &e), DMCP_OK);
    assert_false(store_is_synced(s));
    assert_int_equal(store_sync(s, second, &e), DMCP_OK);
    assert_true(store_is_synced(s));
    batch_fini(&b);
}

/* ---- threads ---- */

#define N_WRITES 2000

struct readers {
    struct store *s;
    atomic_bool is_over;
    atomic_uint n_looks;
};

/* All three keys hold the same number in any snapshot, and it never goes back. */
static void *look(void *arg)
{
    struct readers *r = arg;
    char last[16] = "", seen[16];
    struct str key, value;
    struct err e;

    while (!atomic_load(&r->is_over)) {
        struct cursor *c = store_scan(r->s, &(struct range){ .is_reverse = true });
        unsigned n = 0;

        while (cursor_next(c, &key, &value, &e) == DMCP_OK) {
            assert(value.len < sizeof(seen));
            assert(n == 0 || str_eqz(value, seen));
            memcpy(seen, value.p, value.len);
            seen[value.len] = '\0';
            n++;
        }
        cursor_close(c);
        assert(n == 0 || n == 3);
        if (n) {
            assert(strcmp(seen, last) >= 0);
            memcpy(last, seen, sizeof(last));
        }
        atomic_fetch_add(&r->n_looks, 1);
    }
    return NULL;
}

static void *sync_all_the_time(void *arg)
{
    struct readers *r = arg;
    struct err e;

    while (!atomic_load(&r->is_over)) {
        int rc = store_sync(r->s, 0, &e);

        assert(rc == DMCP_OK);
    }
    return NULL;
}

CONTRACT(shows_readers_in_other_threads_whole_batches_while_one_writes_and_one_syncs)
{
    static const char *const keys[] = { "\x03k", "\x05k", "\x20k" };
    struct readers r = { .s = s };
    pthread_t threads[3];
    struct batch b;
    char value[16];

    assert_int_equal(pthread_create(&threads[0], NULL, look, &r), 0);
    assert_int_equal(pthread_create(&threads[1], NULL, look, &r), 0);
    assert_int_equal(pthread_create(&threads[2], NULL, sync_all_the_time, &r), 0);
    batch_init(&b);
    for (unsigned i = 0; i < N_WRITES || atomic_load(&r.n_looks) < 10; i++) {
        batch_reset(&b);
        snprintf(value, sizeof(value), "%08u", i);
        for (size_t k = 0; k < COUNT_OF(keys); k++) {
            batch_put(&b, str_of(keys[k]), str_of(value));
        }
        must_write(s, &b);
    }
    atomic_store(&r.is_over, true);
    for (size_t i = 0; i < COUNT_OF(threads); i++) {
        pthread_join(threads[i], NULL);
    }
    batch_fini(&b);
}

RUN_TESTS()
