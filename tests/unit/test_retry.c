/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The schedule of retries.
 */
#include "base/retry.h"
#include "harness.h"
#include "random.h"

static const struct retry policy = { .max_attempts = 5, .first_ms = 100, .max_ms = 5000 };

/* The largest delay after an attempt is the bound; a random number of bound gives it. */
static void expect_bound(const struct retry *r, uint32_t attempt, uint32_t bound)
{
    struct random random = { attempt };

    assert_int_equal(retry_delay_ms(r, attempt, bound), bound);
    assert_int_equal(retry_delay_ms(r, attempt, (uint64_t)bound + 1), 0);
    for (int i = 0; i < 1000; i++) {
        assert_true(retry_delay_ms(r, attempt, random_u64(&random)) <= bound);
    }
}

TEST(retry, the_bound_doubles_from_the_first_delay_to_the_longest)
{
    static const uint32_t bounds[] = { 100, 200, 400, 800, 1600, 3200, 5000, 5000 };

    for (uint32_t i = 0; i < sizeof(bounds) / sizeof(bounds[0]); i++) {
        expect_bound(&policy, i + 1, bounds[i]);
    }
}

TEST(retry, the_jitter_is_full_from_nothing_to_the_bound)
{
    bool is_low = false, is_high = false;
    struct random random = { 1 };

    for (int i = 0; i < 1000; i++) {
        uint32_t ms = retry_delay_ms(&policy, 3, random_u64(&random));

        is_low = is_low || ms < 40;
        is_high = is_high || ms > 360;
    }
    assert_true(is_low && is_high);
}

TEST(retry, a_late_attempt_and_the_greatest_numbers_do_not_overflow)
{
    const struct retry endless = { .max_attempts = UINT32_MAX,
                                   .first_ms = 1,
                                   .max_ms = UINT32_MAX };

    expect_bound(&policy, UINT32_MAX, 5000);
    expect_bound(&endless, 32, UINT32_C(1) << 31);
    expect_bound(&endless, 33, UINT32_MAX);
    expect_bound(&endless, UINT32_MAX, UINT32_MAX);
}

TEST(retry, a_first_delay_of_nothing_stays_nothing_and_one_over_the_longest_is_cut)
{
    expect_bound(&(struct retry){ .first_ms = 0, .max_ms = 10 }, 9, 0);
    expect_bound(&(struct retry){ .first_ms = 100, .max_ms = 10 }, 1, 10);
}

RUN_TESTS()
