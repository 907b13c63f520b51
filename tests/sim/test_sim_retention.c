/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A day of load: what is on disk stays bounded, and nothing goes before its time.
 */
#include "day.h"
#include "harness.h"

#define DAYS 3 /* of different seeds */
#define WARM_HOURS 5
#define HOURS 24

/* Hour by hour. When all retention times have passed once, the number of rows goes up and down
 * around what it is then. */
static void live_through(struct day *d, uint64_t seed)
{
    size_t n_warm = 0, n_max = 0;

    for (int hour = 1; hour <= HOURS; hour++) {
        size_t n;

        day_pass(d, HOUR_MS);
        n = day_check(d);
        if (hour <= WARM_HOURS) {
            n_warm = n > n_warm ? n : n_warm;
        }
        n_max = n > n_max ? n : n_max;
    }
    printf("# seed %u: %u calls, at most %zu rows (%zu in the first hours), %u deaths, "
           "%u repeats, %u by key, %u waits, %u questions, %u listeners, %u sessions, %u lost\n",
           (unsigned)seed, d->n_calls, n_max, n_warm, d->n.deaths, d->n.repeats, d->n.keys,
           d->n.waits, d->n.questions, d->n.listeners, d->n_sessions, d->n.lost_sessions);
    assert_true(n_max <= n_warm * 5 / 4);
    assert_true(d->n_calls > 5000 && d->n.deaths > 5 && d->n.repeats > 100 && d->n.keys > 100 &&
                d->n.waits > 100 && d->n.questions > 100 && d->n.listeners > 20 &&
                d->n.lost_sessions > 5);
}

TEST(retention, a_day_of_load_stays_bounded_and_loses_nothing_before_its_time)
{
    for (uint64_t seed = 1; seed <= DAYS; seed++) {
        struct day d;

        day_begin(&d, seed);
        live_through(&d, seed);
        day_end(&d);
    }
}

TEST(retention, when_everything_has_ended_and_its_time_is_over_nothing_is_left)
{
    struct day d;

    day_begin(&d, 7);
    day_pass(&d, 4 * HOUR_MS);
    day_finish_all(&d);
    for (int i = 0; i < 2; i++) { /* the round that was under way, and a whole one */
        rig_sweep_all(d.rig);
        rig_pass(d.rig, DAY_SLACK_MS / 2);
    }
    day_check(&d);
    for (int i = 0; i < 4; i++) {
        rig_pass(d.rig, DAY_IDLE_MS);
        rig_tick(d.rig);
        rig_sweep_all(d.rig);
    }
    assert_int_equal(store_memory_keys(d.rig->store),
                     rig_count(d.rig, key_kind_start(KEY_META)));
    day_end(&d);
}

RUN_TESTS()
