/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Batches: what goes in comes out, in order, and the limit holds.
 */
#include "base/limits.h"
#include "harness.h"
#include "store/store.h"

static void expect_op(const struct batch *b, size_t *offset, enum batch_kind kind, struct str key,
                      struct str value)
{
    struct batch_op op;

    assert_true(batch_next(b, offset, &op));
    assert_int_equal(op.kind, kind);
    assert_true(str_eq(op.key, key));
    assert_true(str_eq(op.value, value));
}

static void expect_end(const struct batch *b, size_t offset)
{
    struct batch_op op;

    assert_false(batch_next(b, &offset, &op));
}

TEST(batch, gives_its_operations_in_the_order_in_which_they_came)
{
    struct batch b;
    size_t offset = 0;

    batch_init(&b);
    batch_put(&b, STR("k"), STR("v"));
    batch_del(&b, STR("k"));
    batch_del_range(&b, STR("a"), STR("b"));
    batch_put(&b, STR("\0\xff"), STR(""));
    batch_put(&b, STR(""), STR("\0"));
    assert_int_equal(b.n, 5);
    expect_op(&b, &offset, BATCH_PUT, STR("k"), STR("v"));
    expect_op(&b, &offset, BATCH_DEL, STR("k"), STR(""));
    expect_op(&b, &offset, BATCH_DEL_RANGE, STR("a"), STR("b"));
    expect_op(&b, &offset, BATCH_PUT, STR("\0\xff"), STR(""));
    expect_op(&b, &offset, BATCH_PUT, STR(""), STR("\0"));
    expect_end(&b, offset);
    batch_fini(&b);
}

TEST(batch, copies_what_it_is_given)
{
    char key[] = "key", value[] = "value";
    struct batch b;
    size_t offset = 0;

    batch_init(&b);
    batch_put(&b, str_of(key), str_of(value));
    key[0] = value[0] = '?';
    expect_op(&b, &offset, BATCH_PUT, STR("key"), STR("value"));
    batch_fini(&b);
}

TEST(batch, leaves_out_a_range_that_holds_nothing)
{
    struct batch b;

    batch_init(&b);
    batch_del_range(&b, STR("b"), STR("a"));
    batch_del_range(&b, STR("a"), STR("a"));
    assert_int_equal(b.n, 0);
    expect_end(&b, 0);
    batch_fini(&b);
}

TEST(batch, is_empty_after_a_reset)
{
    struct batch b;
    size_t offset = 0;

    batch_init(&b);
    expect_end(&b, 0);
    batch_put(&b, STR("a"), STR("1"));
    batch_reset(&b);
    assert_int_equal(b.n, 0);
    expect_end(&b, 0);
    batch_put(&b, STR("b"), STR("2"));
    expect_op(&b, &offset, BATCH_PUT, STR("b"), STR("2"));
    batch_fini(&b);
}

TEST(batch, gives_the_memory_of_a_huge_write_back_on_reset)
{
    char *big = mem_zalloc(4 * MIB);
    struct batch b;

    batch_init(&b);
    batch_put(&b, STR("k"), str_make(big, 4 * MIB));
    batch_reset(&b);
    assert_int_equal(b.ops.cap, 0);
    batch_fini(&b);
    mem_free(big);
}

/* The limit itself is 256 MiB; a smaller one of the same buffer shows the same at less cost. */
TEST(batch, fails_as_a_whole_one_byte_past_its_limit_and_not_at_it)
{
    const size_t head = 9;
    struct batch b;

    batch_init(&b);
    assert_int_equal(b.ops.max, LIMIT_STORE_BATCH_BYTES);
    b.ops.max = head + 2 + head + 4;
    batch_put(&b, STR("k"), STR("v"));
    batch_put(&b, STR("k"), STR("123"));
    assert_true(buf_ok(&b.ops));
    assert_int_equal(b.n, 2);

    batch_reset(&b);
    batch_put(&b, STR("k"), STR("v"));
    batch_put(&b, STR("k"), STR("1234"));
    batch_del(&b, STR("k"));
    assert_false(buf_ok(&b.ops));
    expect_end(&b, 0);
    batch_reset(&b);
    assert_true(buf_ok(&b.ops));
    batch_fini(&b);
}

TEST(batch, fails_for_a_value_whose_length_alone_passes_the_limit)
{
    struct batch b;

    batch_init(&b);
    batch_put(&b, STR("k"), str_make("", SIZE_MAX - 1)); /* never read */
    assert_false(buf_ok(&b.ops));
    batch_fini(&b);
}

RUN_TESTS()
