/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A day's load on a rig, with everything that comes and goes: sessions, calls that end at once and
 * calls that wait for hours, idempotency keys, repeats, listeners, deaths of the process. What was
 * done is remembered, and the rows are held against that: what must be there, what must be gone,
 * and that no row belongs to nothing.
 */
#ifndef TESTS_SIM_DAY_H
#define TESTS_SIM_DAY_H

#include "random.h"
#include "rig.h"

#define MINUTE_MS UINT64_C(60000)
#define HOUR_MS (60 * MINUTE_MS)

#define DAY_KEEP_CALLS_MS HOUR_MS
#define DAY_KEEP_KEYS_MS (HOUR_MS / 2)
#define DAY_KEEP_EVENTS_MS (HOUR_MS / 4)
#define DAY_IDLE_MS (2 * HOUR_MS)
#define DAY_SLACK_MS (20 * MINUTE_MS) /* the pauses between rounds, and what a death repeats */
#define DAY_CLIENTS 40                /* each with one session at a time */
#define DAY_OTHERS 3
#define DAY_NOBODY UINT32_MAX

enum day_state { DAY_RUNNING, DAY_WAITING, DAY_FINISHED, DAY_SWEPT };

struct day_call {
    struct id id;
    uint32_t i_session, i_others[DAY_OTHERS]; /* sessions whose requests lead to it */
    uint32_t n_others, n_waits;
    enum day_state state;
    bool has_key, has_signal; /* has_signal: what it waits for is a signal */
    uint64_t finished_ms;
    size_t n_journal, n_events;
};

struct day_session {
    struct id id;
    bool is_gone;
    uint64_t touched_ms; /* the engine was told of its use */
    uint64_t used_ms;  /* by its client; the engine notes that now and then only */
    uint64_t kept_ms;  /* until when another client's call kept it in use */
    uint64_t listener; /* peer; 0 for none */
};

struct day {
    struct rig *rig;
    struct random random;
    uint64_t n_peers;
    uint32_t n_calls, n_open, n_sessions, n_aliases;
    struct day_call *calls;
    uint32_t *open; /* the unfinished ones */
    struct day_session *sessions;
    struct {
        uint32_t i_session; /* DAY_NOBODY for none */
        uint64_t asleep_until_ms;
    } clients[DAY_CLIENTS];
    /* How often what happened. */
    struct {
        uint32_t deaths, repeats, renewed, keys, listeners, waits, questions, lost_sessions;
    } n;
};

void day_begin(struct day *d, uint64_t seed);
void day_end(struct day *d);

/* So much time passes, with the load and the sweeps of it. */
void day_pass(struct day *d, uint64_t ms);

/* What is unfinished gets what it waits for, and ends. */
void day_finish_all(struct day *d);

/* Holds the rows against what was done; how many there are. (day_check.c) */
size_t day_check(struct day *d);

void day_request_id(uint32_t i_call, char text[16]);
void day_result(uint32_t i_call, char text[16]);

#endif
