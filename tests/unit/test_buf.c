/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The growable buffer.
 */
#include "base/buf.h"
#include "harness.h"

TEST(buf, an_empty_one_has_content_that_can_be_read)
{
    struct buf b;

    buf_init(&b, 10);
    assert_true(buf_ok(&b));
    assert_non_null(buf_str(&b).p);
    assert_int_equal(buf_str(&b).len, 0);
    buf_fini(&b);
}

TEST(buf, what_is_appended_stands_there_in_order_with_a_NUL_behind)
{
    struct buf b;

    buf_init(&b, 1000);
    buf_addz(&b, "one ");
    buf_add_str(&b, STR("two "));
    buf_addc(&b, '3');
    buf_addf(&b, " %d%s", 4, "th");
    buf_add(&b, NULL, 0);
    assert_string_equal(b.data, "one two 3 4th");
    assert_int_equal(b.len, 13);
    buf_fini(&b);
}

TEST(buf, it_grows_from_nothing_to_its_maximum_without_losing_a_byte)
{
    struct buf b;

    buf_init(&b, 100000);
    for (int i = 0; i < 100000; i++) {
        buf_addc(&b, (char)i);
    }
    assert_true(buf_ok(&b));
    assert_int_equal(b.len, 100000);
    for (int i = 0; i < 100000; i++) {
        assert_int_equal(b.data[i], (char)i);
    }
    buf_fini(&b);
}

TEST(buf, it_is_filled_to_its_maximum_and_fails_one_past_it)
{
    struct buf b;

    buf_init(&b, 5);
    buf_addz(&b, "12345");
    assert_true(buf_ok(&b));
    assert_true(str_eqz(buf_str(&b), "12345"));
    buf_addc(&b, '6');
    assert_false(buf_ok(&b));
    buf_fini(&b);
}

TEST(buf, a_failure_sticks_and_leaves_it_empty_until_it_is_reset)
{
    struct buf b;

    buf_init(&b, 5);
    buf_addz(&b, "1234");
    buf_addz(&b, "56");
    buf_addz(&b, "7");
    buf_addf(&b, "%d", 8);
    assert_false(buf_ok(&b));
    assert_int_equal(buf_str(&b).len, 0);
    assert_null(buf_reserve(&b, 1));
    buf_reset(&b);
    buf_addz(&b, "9");
    assert_true(buf_ok(&b));
    assert_true(str_eqz(buf_str(&b), "9"));
    buf_fini(&b);
}

TEST(buf, a_size_that_would_overflow_is_only_over_the_maximum)
{
    struct buf b;

    buf_init(&b, SIZE_MAX / 2);
    buf_addz(&b, "x");
    assert_null(buf_reserve(&b, SIZE_MAX));
    assert_false(buf_ok(&b));
    buf_fini(&b);
}

TEST(buf, reserved_room_counts_once_it_is_advanced_over)
{
    struct buf b;
    char *room;

    buf_init(&b, 100);
    buf_addz(&b, "ab");
    room = buf_reserve(&b, 3);
    memcpy(room, "cde", 3);
    assert_int_equal(b.len, 2);
    buf_advance(&b, 2);
    assert_string_equal(b.data, "abcd");
    buf_fini(&b);
}

TEST(buf, consuming_drops_the_beginning)
{
    struct buf b;

    buf_init(&b, 100);
    buf_consume(&b, 0);
    buf_addz(&b, "head tail");
    buf_consume(&b, 5);
    assert_string_equal(b.data, "tail");
    buf_consume(&b, 4);
    assert_int_equal(b.len, 0);
    assert_string_equal(b.data, "");
    buf_fini(&b);
}

TEST(buf, taking_hands_the_content_over_and_leaves_it_empty)
{
    struct buf b;
    size_t len = 0;
    char *text;

    buf_init(&b, 100);
    buf_addz(&b, "mine");
    text = buf_take(&b, &len);
    assert_string_equal(text, "mine");
    assert_int_equal(len, 4);
    assert_int_equal(buf_str(&b).len, 0);
    mem_free(text);
    text = buf_take(&b, NULL);
    assert_string_equal(text, "");
    mem_free(text);
    buf_fini(&b);
}

RUN_TESTS()
