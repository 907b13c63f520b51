/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Borrowed spans of bytes.
 */
#include "base/str.h"
#include "harness.h"

TEST(str, an_absent_span_is_not_an_empty_one_but_equals_it)
{
    assert_null(str_of(NULL).p);
    assert_non_null(STR("").p);
    assert_true(str_eq(STR_NONE, STR("")));
}

TEST(str, spans_are_compared_by_all_their_bytes_with_NUL_among_them)
{
    assert_true(str_eq(str_make("a\0b", 3), str_make("a\0b", 3)));
    assert_false(str_eq(str_make("a\0b", 3), str_make("a\0c", 3)));
    assert_false(str_eq(STR("a"), STR("ab")));
    assert_true(str_eqz(STR("abc"), "abc"));
}

TEST(str, order_is_byte_order_and_a_prefix_comes_before_what_it_begins)
{
    assert_true(str_cmp(STR("a"), STR("b")) < 0);
    assert_true(str_cmp(STR("\x7f"), STR("\x80")) < 0);
    assert_true(str_cmp(STR("ab"), STR("a")) > 0);
    assert_true(str_cmp(STR(""), STR("a")) < 0);
    assert_int_equal(str_cmp(STR_NONE, STR("")), 0);
    assert_int_equal(str_cmp(STR("ab"), STR("ab")), 0);
}

TEST(str, case_is_ignored_for_ASCII_letters_only)
{
    assert_true(str_eq_nocase(STR("Content-LENGTH"), STR("content-length")));
    assert_false(str_eq_nocase(STR("@"), STR("`")));
    assert_false(str_eq_nocase(STR("["), STR("{")));
    assert_false(str_eq_nocase(STR("\xc4"), STR("\xe4")));
    assert_false(str_eq_nocase(STR("a"), STR("ab")));
}

TEST(str, a_span_starts_with_its_prefix_and_with_nothing)
{
    assert_true(str_starts(STR("Bearer x"), STR("Bearer ")));
    assert_true(str_starts(STR(""), STR("")));
    assert_false(str_starts(STR("Bea"), STR("Bearer")));
}

TEST(str, trimming_takes_blanks_and_tabs_but_no_line_ends)
{
    assert_true(str_eqz(str_trim(STR(" \t a b\t ")), "a b"));
    assert_true(str_eqz(str_trim(STR("\n a")), "\n a"));
    assert_int_equal(str_trim(STR(" \t ")).len, 0);
}

static int number(const char *text, uint64_t max, uint64_t *value_out)
{
    return str_to_u64(str_of(text), max, value_out);
}

TEST(str, a_number_is_decimal_digits_and_nothing_else)
{
    const char *wrong[] = { "", "-1", "+1", " 1", "1 ", "0x10", "1.0", "1e3", "a" };
    uint64_t value = 7;

    for (size_t i = 0; i < COUNT_OF(wrong); i++) {
        assert_int_equal(number(wrong[i], UINT64_MAX, &value), DMCP_E_INVALID);
    }
    assert_int_equal(value, 7);
    assert_int_equal(number("0042", UINT64_MAX, &value), DMCP_OK);
    assert_int_equal(value, 42);
}

TEST(str, a_number_is_taken_at_its_limit_and_refused_one_past_it)
{
    uint64_t value = 7;

    assert_int_equal(number("18446744073709551615", UINT64_MAX, &value), DMCP_OK);
    assert_true(value == UINT64_MAX);
    assert_int_equal(number("18446744073709551616", UINT64_MAX, &value), DMCP_E_TOOBIG);
    assert_int_equal(number("99999999999999999999", UINT64_MAX, &value), DMCP_E_TOOBIG);
    assert_int_equal(number("100", 100, &value), DMCP_OK);
    assert_int_equal(number("101", 100, &value), DMCP_E_TOOBIG);
    assert_int_equal(value, 100);
}

TEST(str, a_list_is_walked_element_by_element_empty_ones_included)
{
    struct str list = STR(" a, b ,,c,"), element;
    const char *wanted[] = { "a", "b", "", "c", "" };

    for (size_t i = 0; i < COUNT_OF(wanted); i++) {
        assert_true(str_next_element(&list, &element));
        assert_true(str_eqz(element, wanted[i]));
    }
    assert_false(str_next_element(&list, &element));
}

TEST(str, an_absent_list_has_no_elements)
{
    struct str list = STR_NONE, element;

    assert_false(str_next_element(&list, &element));
}

RUN_TESTS()
