/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The hash map, against a plain array that does the same.
 */
#include "base/hmap.h"
#include "harness.h"
#include "random.h"

#define N 500

static struct str key_of(uint32_t n, char text[16])
{
    return str_make(text, (size_t)snprintf(text, 16, "%u", (unsigned)n));
}

TEST(hmap, an_empty_one_has_nothing_to_find_delete_or_walk)
{
    struct hmap_entry *cursor = NULL;
    struct hmap m;

    hmap_init(&m);
    assert_null(hmap_get(&m, STR("a")));
    assert_null(hmap_del(&m, STR("a")));
    assert_null(hmap_next(&m, &cursor, NULL));
    assert_null(hmap_next(&m, &cursor, NULL));
    hmap_fini(&m);
}

TEST(hmap, putting_a_key_again_replaces_and_returns_the_old_value)
{
    struct hmap m;
    int one, two;

    hmap_init(&m);
    assert_null(hmap_put(&m, STR("a"), &one));
    assert_ptr_equal(hmap_put(&m, STR("a"), &two), &one);
    assert_ptr_equal(hmap_get(&m, STR("a")), &two);
    assert_int_equal(m.n, 1);
    hmap_fini(&m);
}

TEST(hmap, keys_are_bytes_copied_and_may_be_empty_or_hold_NUL)
{
    char changing[] = "key";
    struct hmap m;
    int a, b, c;

    hmap_init(&m);
    hmap_put(&m, STR(""), &a);
    hmap_put(&m, str_make("\0x", 2), &b);
    hmap_put(&m, str_of(changing), &c);
    changing[0] = 'x';
    assert_ptr_equal(hmap_get(&m, STR("")), &a);
    assert_ptr_equal(hmap_get(&m, STR_NONE), &a);
    assert_ptr_equal(hmap_get(&m, str_make("\0x", 2)), &b);
    assert_null(hmap_get(&m, str_make("\0y", 2)));
    assert_null(hmap_get(&m, str_of(changing)));
    assert_ptr_equal(hmap_get(&m, STR("key")), &c);
    hmap_fini(&m);
}

TEST(hmap, it_agrees_with_an_array_through_thousands_of_random_changes)
{
    static int values[N];
    void *model[N] = { NULL };
    struct random r = { 3 };
    struct hmap m;
    size_t n = 0;
    char text[16];

    hmap_init(&m);
    for (int i = 0; i < 20000; i++) {
        uint32_t at = random_below(&r, N);
        struct str key = key_of(at, text);

        if (random_chance(&r, 55)) {
            n += !model[at];
            assert_ptr_equal(hmap_put(&m, key, &values[i % N]), model[at]);
            model[at] = &values[i % N];
        } else {
            n -= !!model[at];
            assert_ptr_equal(hmap_del(&m, key), model[at]);
            model[at] = NULL;
        }
        assert_int_equal(m.n, n);
        at = random_below(&r, N);
        assert_ptr_equal(hmap_get(&m, key_of(at, text)), model[at]);
    }
    hmap_fini(&m);
}

TEST(hmap, a_walk_meets_every_entry_once_also_while_it_deletes_them)
{
    bool is_met[N] = { false };
    struct hmap_entry *cursor = NULL;
    struct hmap m;
    struct str key;
    char text[16];
    uint64_t at;
    void *value;

    hmap_init(&m);
    for (uint32_t i = 0; i < N; i++) {
        hmap_put(&m, key_of(i, text), is_met + i);
    }
    while ((value = hmap_next(&m, &cursor, &key))) {
        assert_int_equal(str_to_u64(key, N - 1, &at), DMCP_OK);
        assert_ptr_equal(value, is_met + at);
        assert_false(is_met[at]);
        is_met[at] = true;
        if (at % 2) {
            hmap_del(&m, key_of((uint32_t)at, text));
        }
    }
    for (uint32_t i = 0; i < N; i++) {
        assert_true(is_met[i]);
    }
    assert_int_equal(m.n, N / 2);
    hmap_fini(&m);
}

TEST(hmap, a_cleared_one_is_empty_and_can_be_filled_again)
{
    struct hmap_entry *cursor = NULL;
    struct hmap m;
    char text[16];
    int value;

    hmap_init(&m);
    hmap_clear(&m);
    for (int round = 0; round < 3; round++) {
        for (uint32_t i = 0; i < N; i++) {
            assert_null(hmap_put(&m, key_of(i, text), &value));
        }
        hmap_clear(&m);
        assert_int_equal(m.n, 0);
        cursor = NULL;
        assert_null(hmap_next(&m, &cursor, NULL));
        assert_null(hmap_get(&m, key_of(0, text)));
    }
    hmap_fini(&m);
}

TEST(hmap, the_hash_depends_on_every_byte_and_on_the_length)
{
    char bytes[20] = { 0 };

    for (size_t len = 1; len <= sizeof(bytes); len++) {
        uint64_t hash = hmap_hash(str_make(bytes, len));

        assert_true(hash == hmap_hash(str_make(bytes, len)));
        assert_true(hash != hmap_hash(str_make(bytes, len - 1)));
        for (size_t i = 0; i < len; i++) {
            bytes[i] = 1;
            assert_true(hash != hmap_hash(str_make(bytes, len)));
            bytes[i] = 0;
        }
    }
}

RUN_TESTS()
