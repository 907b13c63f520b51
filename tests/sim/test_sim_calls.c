/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Calls in simulated worlds: thousands of seeds with random deaths, and small worlds killed at each
 * of their steps. SIM_RUNS=n sets the number of seeds, SIM_FROM=n the first (1); SEED=n runs that one
 * and shows its steps.
 */
#include "harness.h"
#include "sim.h"

#define RUNS 2000
#define RUNS_SANITIZED 200 /* which are so much slower */
#define WORLDS 3

static uint64_t number_from_environment(const char *name, uint64_t otherwise)
{
    const char *text = getenv(name);

    return text && *text ? strtoull(text, NULL, 10) : otherwise;
}

static bool is_sanitized(void)
{
    const char *san = getenv("SAN");

    return san && san[0];
}

static void show(const struct sim_stats *t)
{
    int n = 0;

#define X(name) printf("%s%u " #name, n++ % 6 ? ", " : n > 1 ? "\n# " : "# ", t->name);
    SIM_STATS(X)
#undef X
    printf("\n");
}

/* A simulation that never came to what it is there for would prove nothing. */
static void expect_everything_happened(const struct sim_stats *t)
{
#define X(name)                                                                                    \
    if (t->name == 0) {                                                                            \
        fail_msg("nothing of this happened: " #name);                                              \
    }
    SIM_STATS(X)
#undef X
}

TEST(simulation, no_world_breaks_a_promise_whatever_dies_in_it)
{
    uint64_t runs = number_from_environment("SIM_RUNS", is_sanitized() ? RUNS_SANITIZED : RUNS);
    uint64_t from = number_from_environment("SIM_FROM", 1);
    uint64_t seed = number_from_environment("SEED", 0);
    struct sim_stats stats = { 0 };

    if (seed) {
        sim_run(&(struct sim_plan){ .seed = seed, .trace = true }, &stats);
        return;
    }
    for (seed = from; seed - from < runs; seed++) {
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
