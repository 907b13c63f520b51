/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A simulated server: the real engine on the memory store, with a fake clock, simulated clients
 * and simulated handlers, all of it drawn from one seed.
 *
 * The world moves one small step at a time: a command is applied, a batch is written, a sync
 * begins or ends, a client posts, reads, or loses its connection, a handler does the next piece of
 * its script, time passes. Between any two steps the process may die, taking none, some or all of
 * the unsynced writes with it, and be restarted. After every step the invariants are checked:
 *
 *   - nothing reaches a client, and no body runs, before the rows that justify it are durable;
 *   - what was acknowledged is there after every restart, unfinished or with its one result;
 *   - a recorded result never changes, and the answer is made of what was recorded;
 *   - the body of an at-most-once step is started once, and once more for each reset;
 *   - a map write happens exactly once, whatever else happens to its entry;
 *   - who follows a stream sees every event once, in order, and then exactly one response;
 *   - who listens in the end has been told of the lists as they are in the end;
 *   - when the deaths and losses stop, every client gets its answer and nothing is left over.
 *
 * A broken invariant fails the test with the seed in its message; the same seed with `trace` set
 * prints every step on the way there. sim_script.c says what a handler does, sim_driver.c is the
 * process, sim_client.c the clients, sim_handler.c the workers, sim_check.c the invariants.
 */
#ifndef TESTS_SIM_H
#define TESTS_SIM_H

#include <stdbool.h>
#include <stdint.h>

enum sim_death {
    DEATH_OF_PROCESS, /* all that was written is kept */
    DEATH_OF_POWER,   /* all that was not synced is lost */
    DEATH_OF_BOTH,    /* some of it is lost, at random */
    N_SIM_DEATHS
};

struct sim_plan {
    uint64_t seed;
    bool trace;
    /* Without random deaths: one death at this step of the world, of this kind. */
    bool has_one_death;
    uint32_t death_step;
    enum sim_death death;
};

/* What happened, to see that a simulation reached what it is for. */
struct sim_stats {
    uint32_t steps, commands, writes, syncs, write_firsts;
    uint32_t deaths, deaths_in_recovery, failed_writes, lost_connections, takeovers;
    uint32_t calls, answers, repeats, resumes, conflicts, busy, session_conflicts, closed_sessions;
    uint32_t events, credits, released, parked, unparked, list_changes, list_events;
    uint32_t bodies, lost_steps, failed_steps, resets, crash_results;
    uint32_t fingerprint; /* of every step: equal for equal plans */
};

/* Runs one world to its end. `stats` is added to. Returns false when the one death that was
 * planned lies behind that end. */
bool sim_run(const struct sim_plan *plan, struct sim_stats *stats);

#endif
