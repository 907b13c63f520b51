/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Lists of what the server offers, as far as the engine knows them: a digest each. A session is to
 * be told when a list is another one than it was told of, or than there was when it began.
 *
 *   session opens              row `lists`: the digests of now
 *   a list changes             who listens is told on its session's own stream, a moment later, so
 *                              that many changes are told as one
 *   a session listens (again)  it is told if its row differs from the digests of now
 *
 * So sessions that are away cost nothing when a list changes, however many they are; they get one
 * notification when they come back, or none if the list is again what it was; and that holds over
 * restarts, and over servers that offer something else.
 *
 * A change that brings a tool also brings back the calls that were parked for want of it.
 */
#include "engine/internal.h"

#define TELL_AFTER_MS 20  /* the first change; others until then go with it */
#define TELL_AT_ONCE 500  /* sessions; the rest with the next command */

static void put_told(struct engine *e, struct id session, const uint64_t told[N_LISTS])
{
    struct lists_record r;
    struct key k = key_of_id(KEY_LISTS, session);
    struct buf value;

    memcpy(r.digests, told, sizeof(r.digests));
    buf_init(&value, 64);
    lists_record_enc(&value, &r);
    batch_put(e->rows, key_str(&k), buf_str(&value));
    buf_fini(&value);
}

void lists_begin(struct engine *e, struct id session)
{
    if (e->lists[0]) { /* they are known */
        put_told(e, session, e->lists);
    }
}

void lists_end(struct engine *e, struct id session)
{
    struct key k = key_of_id(KEY_LISTS, session);

    batch_del(e->rows, key_str(&k));
}

/* Appends what the session is to be told. False: it knows. */
static bool tell(struct engine *e, struct stream *s)
{
    bool is_told = false;

    for (unsigned i = 0; i < N_LISTS; i++) {
        if (s->lists[i] != e->lists[i]) {
            s->lists[i] = e->lists[i];
            event_append_own(e, s, e->options.lists_changed[i]);
            is_told = true;
        }
    }
    if (is_told) {
        put_told(e, s->session, s->lists);
    }
    return is_told;
}

int lists_load(struct engine *e, struct stream *s)
{
    struct key k = key_of_id(KEY_LISTS, s->session);
    struct lists_record r = { { 0 } };
    struct buf value;
    int rc;

    buf_init(&value, 64);
    rc = store_get(e->store, key_str(&k), &value, e->err);
    if (rc == DMCP_OK && lists_record_dec(buf_str(&value), &r) != DMCP_OK) {
        rc = engine_corrupt(e, "lists of session", s->session);
    } else if (rc == DMCP_E_NOTFOUND) {
        rc = DMCP_OK; /* of a session that is older than these rows: it is told */
    }
    memcpy(s->lists, r.digests, sizeof(s->lists));
    buf_fini(&value);
    return rc;
}

void lists_catch_up(struct engine *e, struct stream *s)
{
    if (e->lists[0]) {
        tell(e, s);
    }
}

void lists_tell_due(struct engine *e)
{
    unsigned n = 0;

    if (!e->lists_due_ms || e->now.mono_ms < e->lists_due_ms) {
        return;
    }
    e->lists_due_ms = 0;
    for (struct link *k = list_first(&e->followed_streams); k;
         k = list_next(&e->followed_streams, k)) {
        if (n == TELL_AT_ONCE) {
            e->lists_due_ms = e->now.mono_ms; /* go on when others had their turn */
            return;
        }
        n += tell(e, CONTAINER_OF(k, struct stream, link));
    }
}

static void unpark(struct engine *e, struct id tool)
{
    static const struct id none;
    struct link *k, *next;

    if (id_eq(tool, none)) {
        return;
    }
    for (k = list_first(&e->calls_in[CALL_PARKED]); k; k = next) {
        struct call *call = CONTAINER_OF(k, struct call, link);

        next = list_next(&e->calls_in[CALL_PARKED], k);
        if (id_eq(call->tool, tool)) {
            call_move(e, call, CALL_READY);
        }
    }
}

int lists_apply(struct engine *e, const struct command *c)
{
    memcpy(e->lists, c->lists.digests, sizeof(e->lists));
    if (!e->lists_due_ms && !list_empty(&e->followed_streams)) {
        e->lists_due_ms = e->now.mono_ms + TELL_AFTER_MS;
    }
    unpark(e, c->lists.added);
    return DMCP_OK;
}
