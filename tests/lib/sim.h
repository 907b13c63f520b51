/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A simulated server: the real engine on the memory store and the real handler's side of calls,
 * with a fake clock, simulated clients and a simulated operator, all of it drawn from one seed.
 *
 * The world moves one small step at a time: a command is applied, a batch is written, a sync
 * begins or ends, a client posts, answers, cancels, reads, or loses its connection, a handler goes
 * on to the next thing that it asks the engine, the operator sends a signal, time passes, something
 * expires. Between any two steps the process may die, taking none, some or all of the unsynced
 * writes with it, and be restarted, and die again while it recovers. After every step the
 * invariants are checked:
 *
 *   - nothing reaches a client, and no body runs, before the rows that justify it are durable;
 *   - what was acknowledged is there after every restart, unfinished or with its one result, and
 *     calls, answers, signals, cancellations and map entries alike;
 *   - a recorded result never changes, and the answer is made of what was recorded;
 *   - the body of an at-most-once step is started once, and once more for each reset;
 *   - a map write, an event and an iteration happen exactly once, whatever else happens;
 *   - who follows a stream sees every event once, in order, and then exactly one response, unless
 *     the call was cancelled, and nobody is cut off for what another client does;
 *   - who listens in the end has been told of the lists as they are in the end;
 *   - all rows fit together (sim_fsck.c): nothing leads to nothing, nothing is left over, and a
 *     suspended call has what will wake it;
 *   - what is deleted has expired;
 *   - when the deaths and losses stop, every client gets its answer and nothing is left over.
 *
 * A broken invariant fails the test with the seed in its message; the same seed with `trace` set
 * prints every step on the way there. sim_script.c says what a handler does and sim_perform.c does
 * it, in the fibers of sim_handler.c; sim_driver.c is the process, sim_client.c, sim_side.c and
 * sim_read.c are the clients, sim_operator.c is the operator, the others check.
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
#define SIM_STATS(X)                                                                               \
    X(steps) X(commands) X(writes) X(syncs) X(write_firsts)                                        \
    X(deaths) X(deaths_in_recovery) X(failed_writes) X(stops)                                      \
    X(lost_connections) X(takeovers)                                                               \
    X(calls) X(answers) X(repeats) X(resumes) X(attached) X(busy)                                  \
    X(conflicts) X(key_conflicts) X(session_conflicts) X(closed_sessions) X(lost_sessions)         \
    X(events) X(updates) X(credits) X(detached)                                                    \
    X(released) X(parked) X(unparked) X(list_changes) X(list_events) X(suspended) X(repeated_commands)                                        \
    X(bodies) X(failed_bodies) X(lost_steps) X(iterations) X(crash_results)                        \
    X(questions) X(forgotten) X(asked_again) X(withdrawn) X(answered) X(foreign) X(late_answers) X(given_up)                \
    X(signals) X(early_signals) X(refused_signals) X(outside_writes)                               \
    X(cancels) X(told) X(cancelled_ops) X(cancelled) X(timed_out) X(timeouts)                      \
    X(sweeps) X(swept_calls) X(swept_sessions) X(checks)                                           \
    X(clocks_set) X(fingerprint) /* of every step: equal for equal plans */

struct sim_stats {
#define X(name) uint32_t name;
    SIM_STATS(X)
#undef X
};

/* Runs one world to its end. `stats` is added to. Returns false when the one death that was
 * planned lies behind that end. */
bool sim_run(const struct sim_plan *plan, struct sim_stats *stats);

#endif
