/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Identifiers: their texts, the order of UUIDv7, digests.
 */
#include "base/ids.h"
#include "harness.h"
#include "random.h"

static const struct id sample = { { 0x01, 0x8b, 0x94, 0x4a, 0x9e, 0x00, 0x70, 0x00, 0x80, 0x00,
                                    0x00, 0x00, 0x00, 0xab, 0xcd, 0xef } };

TEST(ids, hexadecimal_text_is_lower_case_and_comes_back)
{
    char hex[ID_HEX_BYTES + 1];
    struct id id;

    id_to_hex(sample, hex);
    assert_string_equal(hex, "018b944a9e0070008000000000abcdef");
    assert_int_equal(id_from_hex(str_of(hex), &id), DMCP_OK);
    assert_true(id_eq(id, sample));
}

TEST(ids, hexadecimal_text_of_another_length_or_alphabet_is_refused)
{
    const char *wrong[] = { "",
                            "018b944a9e0070008000000000abcde",
                            "018b944a9e0070008000000000abcdef0",
                            "018B944A9E0070008000000000ABCDEF",
                            "018b944a9e0070008000000000abcdeg",
                            "018b944a9e0070008000000000abcde/",
                            "018b944a9e0070008000000000abcde:",
                            " 18b944a9e0070008000000000abcdef" };
    struct id id = sample;

    for (size_t i = 0; i < COUNT_OF(wrong); i++) {
        assert_int_equal(id_from_hex(str_of(wrong[i]), &id), DMCP_E_INVALID);
    }
    assert_true(id_eq(id, sample));
}

TEST(ids, uuid_text_is_lower_case_and_comes_back_from_either_case)
{
    char text[UUID_TEXT_BYTES + 1];
    struct id id;

    id_to_uuid(sample, text);
    assert_string_equal(text, "018b944a-9e00-7000-8000-000000abcdef");
    assert_int_equal(id_from_uuid(str_of(text), &id), DMCP_OK);
    assert_true(id_eq(id, sample));
    assert_int_equal(id_from_uuid(STR("018B944A-9E00-7000-8000-000000ABCDEF"), &id), DMCP_OK);
    assert_true(id_eq(id, sample));
}

TEST(ids, uuid_text_of_another_shape_is_refused)
{
    const char *wrong[] = { "",
                            "018b944a9e0070008000000000abcdef",
                            "018b944a-9e00-7000-8000-000000abcde",
                            "018b944a-9e00-7000-8000-000000abcdef0",
                            "018b944a-9e00-7000-80000-00000abcdef",
                            "018b944a--e00-7000-8000-000000abcdef",
                            "018b944a-9e00-7000-8000-000000abcdeg",
                            "{18b944a-9e00-7000-8000-000000abcde}" };
    struct id id = sample;

    for (size_t i = 0; i < COUNT_OF(wrong); i++) {
        assert_int_equal(id_from_uuid(str_of(wrong[i]), &id), DMCP_E_INVALID);
    }
    assert_true(id_eq(id, sample));
}

TEST(ids, the_smallest_uuid7_of_a_millisecond_is_the_documented_one)
{
    struct id id = uuid7_from_ms(UINT64_C(1699000000000));
    char text[UUID_TEXT_BYTES + 1];

    id_to_uuid(id, text);
    assert_string_equal(text, "018b944a-9e00-7000-8000-000000000000");
    assert_true(uuid7_is(id));
    assert_true(uuid7_ms(id) == UINT64_C(1699000000000));
}

static struct id next_id(struct uuid7 *g, uint64_t now_ms, struct random *r)
{
    uint8_t random[10];

    random_fill(r, random, sizeof(random));
    return uuid7_next(g, now_ms, random);
}

TEST(ids, a_new_uuid7_tells_its_version_variant_and_time)
{
    struct random r = { 1 };
    struct uuid7 g = { 0 };

    for (uint64_t ms = 1; ms < UINT64_C(1) << 48; ms *= 3) {
        struct id id = next_id(&g, ms, &r);

        assert_true(uuid7_is(id));
        assert_true(uuid7_ms(id) == ms);
        assert_true(memcmp(id.b, uuid7_from_ms(ms).b, 16) >= 0);
    }
    assert_false(uuid7_is((struct id){ { 0 } }));
}

TEST(ids, a_new_uuid7_carries_the_random_bytes_that_it_was_given)
{
    const uint8_t random[10] = { 0xff, 2, 3, 4, 5, 6, 7, 8, 0, 0 };
    struct uuid7 g = { 0 };
    struct id id = uuid7_next(&g, 1000, random);

    assert_int_equal(id.b[8], 0x80 | 0x3f);
    assert_memory_equal(id.b + 9, random + 1, 7);
}

/* Increasing through everything a clock does, and never far ahead of it. */
TEST(ids, uuid7s_increase_within_a_millisecond_past_the_counter_and_when_the_clock_steps_back)
{
    const uint64_t start = UINT64_C(1699000000000);
    struct random r = { 2 };
    struct uuid7 g = { 0 };
    struct id last = next_id(&g, start, &r);

    for (int i = 0; i < 10000; i++) { /* more than twice the counter's range */
        struct id id = next_id(&g, start, &r);

        assert_true(memcmp(last.b, id.b, 16) < 0);
        last = id;
    }
    assert_true(uuid7_ms(last) > start && uuid7_ms(last) <= start + 3);
    for (int i = 0; i < 1000; i++) {
        struct id id = next_id(&g, start - 3600000, &r);

        assert_true(memcmp(last.b, id.b, 16) < 0);
        last = id;
    }
    last = next_id(&g, start + 60000, &r);
    assert_true(uuid7_ms(last) == start + 60000);
}

TEST(ids, a_fresh_millisecond_leaves_half_of_the_counter_for_those_that_follow)
{
    uint8_t random[10];
    struct uuid7 g = { 0 };
    struct id id;

    memset(random, 0xff, sizeof(random));
    for (uint64_t ms = 1; ms < 100; ms++) {
        id = uuid7_next(&g, ms, random);
        for (int i = 0; i < 2048; i++) {
            id = uuid7_next(&g, ms, random);
        }
        assert_true(uuid7_ms(id) == ms);
    }
}

TEST(ids, random_ids_differ)
{
    assert_false(id_eq(id_random(), id_random()));
}

TEST(ids, a_digest_is_sha256_and_its_id_the_first_half)
{
    static const uint8_t abc[] = { 0xba, 0x78, 0x16, 0xbf, 0x8f, 0x01, 0xcf, 0xea, 0x41, 0x41, 0x40,
                                   0xde, 0x5d, 0xae, 0x22, 0x23, 0xb0, 0x03, 0x61, 0xa3, 0x96, 0x17,
                                   0x7a, 0x9c, 0xb4, 0x10, 0xff, 0x61, 0xf2, 0x00, 0x15, 0xad };
    uint8_t out[DIGEST_BYTES], of_none[DIGEST_BYTES];
    struct id id = digest_id(STR("abc"));

    digest(STR("abc"), out);
    assert_memory_equal(out, abc, sizeof(abc));
    assert_memory_equal(id.b, abc, sizeof(id.b));
    digest(STR_NONE, of_none);
    digest(STR(""), out);
    assert_memory_equal(out, of_none, sizeof(out));
}

RUN_TESTS()
