/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Bytes of records: golden bytes, and a reader that no input leads past its end.
 */
#include "base/codec.h"
#include "harness.h"

TEST(codec, integers_are_big_endian_and_strings_have_their_length_in_four_bytes)
{
    static const uint8_t golden[] = { 0x12, 0x01, 0x02, 0x03, 0x04, 0xff, 0xee, 0xdd,
                                      0xcc, 0xbb, 0xaa, 0x99, 0x88, 0,    0,    0,
                                      3,    'a',  0,    'c',  0,    0,    0,    0 };
    struct buf b;

    buf_init(&b, 100);
    enc_u8(&b, 0x12);
    enc_u32(&b, 0x01020304);
    enc_u64(&b, UINT64_C(0xffeeddccbbaa9988));
    enc_str(&b, str_make("a\0c", 3));
    enc_str(&b, STR_NONE);
    assert_int_equal(b.len, sizeof(golden));
    assert_memory_equal(b.data, golden, sizeof(golden));
    buf_fini(&b);
}

TEST(codec, what_was_written_is_read_back)
{
    struct id id = { { 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 0xff } };
    struct decoder d = { .rest = STR_NONE };
    struct buf b;

    buf_init(&b, 100);
    enc_u8(&b, UINT8_MAX);
    enc_u32(&b, UINT32_MAX);
    enc_u64(&b, UINT64_MAX);
    enc_id(&b, id);
    enc_str(&b, STR("text"));
    d.rest = buf_str(&b);
    assert_true(dec_u8(&d) == UINT8_MAX);
    assert_true(dec_u32(&d) == UINT32_MAX);
    assert_true(dec_u64(&d) == UINT64_MAX);
    assert_true(id_eq(dec_id(&d), id));
    assert_true(str_eqz(dec_str(&d), "text"));
    assert_int_equal(dec_end(&d), DMCP_OK);
    buf_fini(&b);
}

TEST(codec, a_string_longer_than_what_is_left_is_corrupt)
{
    struct decoder d = { .rest = STR("\0\0\0\5four") };
    struct decoder huge = { .rest = STR("\xff\xff\xff\xff"
                                        "x") };

    assert_null(dec_str(&d).p);
    assert_int_equal(dec_end(&d), DMCP_E_CORRUPT);
    assert_null(dec_str(&huge).p);
    assert_int_equal(dec_end(&huge), DMCP_E_CORRUPT);
}

TEST(codec, a_failure_sticks_though_later_reads_would_fit)
{
    struct decoder d = { .rest = STR("abc") };

    assert_int_equal(dec_u32(&d), 0);
    assert_int_equal(dec_u8(&d), 0);
    assert_null(dec_str(&d).p);
    assert_int_equal(dec_end(&d), DMCP_E_CORRUPT);
}

TEST(codec, bytes_that_are_left_over_are_corrupt)
{
    struct decoder d = { .rest = STR("ab") };

    assert_int_equal(dec_u8(&d), 'a');
    assert_int_equal(dec_end(&d), DMCP_E_CORRUPT);
}

RUN_TESTS()
