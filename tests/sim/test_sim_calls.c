/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Calls in simulated worlds: thousands of seeds with random deaths, and one small world killed at
 * each of its steps. SIM_RUNS=n sets the number of seeds, SEED=n runs that one and shows its steps.
 */
#include "harness.h"
#include "sim.h"

#define RUNS 2000
#define WORLDS 3

static uint64_t number_from_environment(const char *name, uint64_t otherwise)
{
    const char *text = getenv(name);

    return text && *text ? strtoull(text, NULL, 10) : otherwise;
}

static void show(const struct sim_stats *t)
{
    printf("# %u steps: %u commands (%u wanted a write first), %u writes, %u syncs\n", t->steps,
           t->commands, t->write_firsts, t->writes, t->syncs);
    printf("# %u deaths (%u during recovery), %u failed writes, %u lost connections\n", t->deaths,
           t->deaths_in_recovery, t->failed_writes, t->lost_connections);
    printf("# %u dispatches for %u answers, %u repeats, %u resumes, %u conflicts, %u busy, "
           "%u closed sessions, %u takeovers\n",
           t->calls, t->answers, t->repeats, t->resumes, t->conflicts, t->busy, t->closed_sessions,
           t->takeovers);
    printf("# %u events, %u credits, %u bodies, %u lost steps, %u failed, %u reset, %u released, "
           "%u parked, "
           "%u given up\n",
           t->events, t->credits, t->bodies, t->lost_steps, t->failed_steps, t->resets, t->released,
           t->parked, t->crash_results);
    printf("# %u changes of lists (%u brought the tool), told by %u events\n", t->list_changes,
           t->unparked, t->list_events);
}

/* A simulation that never came to what it is there for would prove nothing. */
static void expect_everything_happened(const struct sim_stats *t)
{
    const uint32_t *n = (const uint32_t *)t;

    for (size_t i = 0; i < sizeof(*t) / sizeof(*n); i++) {
        if (n[i] == 0) {
            fail_msg("number %zu of struct sim_stats stayed zero", i);
        }
    }
}

TEST(simulation, no_world_breaks_a_promise_whatever_dies_in_it)
{
    uint64_t runs = number_from_environment("SIM_RUNS", RUNS);
    uint64_t seed = number_from_environment("SEED", 0);
    struct sim_stats stats = { 0 };

    if (seed) {
        sim_run(&(struct sim_plan){ .seed = seed, .trace = true }, &stats);
        return;
    }
    for (seed = 1; seed <= runs; seed++) {
        sim_run(&(struct sim_plan){ .seed = seed }, &stats);
    }
    show(&stats);
    if (runs >= RUNS) {
        expect_everything_happened(&stats);
    }
}

/* Quiet worlds in which the process dies once: at the first step, the second, and so on. */
TEST(simulation, no_step_of_a_world_is_a_bad_moment_to_die)
{
    for (uint64_t seed = 1; seed <= WORLDS; seed++) {
        for (int death = 0; death < N_SIM_DEATHS; death++) {
            struct sim_plan plan = { .seed = seed, .has_one_death = true };
            struct sim_stats stats = { 0 };

            plan.death = (enum sim_death)death;
            do {
                plan.death_step++;
            } while (sim_run(&plan, &stats));
            assert_true(plan.death_step > 50);
        }
    }
}

TEST(simulation, a_seed_repeats_its_world_exactly)
{
    for (uint64_t seed = 1; seed <= 50; seed++) {
        struct sim_stats once = { 0 }, again = { 0 };

        sim_run(&(struct sim_plan){ .seed = seed }, &once);
        sim_run(&(struct sim_plan){ .seed = seed }, &again);
        assert_memory_equal(&once, &again, sizeof(once));
    }
}

RUN_TESTS()
