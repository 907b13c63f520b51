/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Calls: start, dispatch, end. The life of a call is drawn in internal.h.
 *
 * Rows of a call: `call` (written at its start, never changed), `request` (so that a repeat finds
 * it), `unfinished` (what a restart looks at; deleted by the write that adds `result`). The
 * response is not an event row: it is made from `result` whenever someone asks for it.
 */
#include "engine/internal.h"

#include <assert.h>

static const struct id no_id;

/* ---- memory ---- */

struct call *call_find(const struct engine *e, struct id id)
{
    struct call *call = hmap_get(&e->calls, id_bytes(&id));

    return call && call->state != CALL_FINISHED ? call : NULL;
}

static struct key request_key(const struct call *call)
{
    return key_request(call->session, call->request_id);
}

struct call *call_add(struct engine *e, struct id id, const struct call_record *r)
{
    struct call *call = mem_zalloc(sizeof(*call));
    struct key k;

    call->id = id;
    call->session = r->session;
    call->digest = r->digest;
    call->created_ms = r->created_ms;
    call->attempt = 1;
    call->epoch = e->epoch;
    call->request_id = str_make(mem_dup(r->request_id.p, r->request_id.len), r->request_id.len);
    list_init(&call->followers);
    list_append(&e->calls_in[CALL_READY], &call->link);
    hmap_put(&e->calls, id_bytes(&call->id), call);
    k = request_key(call);
    hmap_put(&e->requests, key_str(&k), call);
    return call;
}

/* The only place where a call changes its state, and so its list. */
void call_move(struct engine *e, struct call *call, enum call_state to)
{
    assert(call->state != CALL_FINISHED && call->state != to);
    if (call->state == CALL_RUNNING) {
        e->dispatched_bytes -= call->dispatched_bytes;
        call->dispatched_bytes = 0;
    }
    list_remove(&e->calls_in[call->state], &call->link);
    call->state = to;
    list_append(&e->calls_in[to], &call->link);
}

static void stop_priming(struct engine *e, struct call *call)
{
    if (call->prime_ms) {
        list_remove(&e->priming, &call->prime_link);
        call->prime_ms = 0;
    }
}

void call_free(struct engine *e, struct call *call)
{
    struct key k = request_key(call);
    struct link *f;

    while ((f = list_pop(&call->followers))) {
        CONTAINER_OF(f, struct follower, link)->call = NULL;
        list_append(&e->readers, f);
    }
    stop_priming(e, call);
    hmap_del(&e->calls, id_bytes(&call->id));
    hmap_del(&e->requests, key_str(&k));
    list_remove(&e->calls_in[call->state], &call->link);
    mem_free((void *)(uintptr_t)call->request_id.p);
    mem_free(call);
}

/* ---- rows ---- */

static void put_request(struct engine *e, struct id session, struct str request_id,
                        struct id call, struct id digest)
{
    struct request_record r = { .call = call, .digest = digest };
    struct key k = key_request(session, request_id);
    struct buf value;

    buf_init(&value, 128);
    request_record_enc(&value, &r);
    engine_put(e, &k, buf_str(&value));
    buf_fini(&value);
}

static void put_start(struct engine *e, const struct call *call, const struct call_record *r)
{
    struct key k = key_of_id(KEY_CALL, call->id);
    struct buf value;

    buf_init(&value, SIZE_MAX / 2);
    call_record_enc(&value, r);
    batch_put(e->rows, key_str(&k), buf_str(&value));
    buf_fini(&value);
    put_request(e, call->session, call->request_id, call->id, call->digest);
    call_put_unfinished(e, call);
}

int call_read(struct engine *e, struct id id, struct buf *value, struct call_record *r)
{
    struct key k = key_of_id(KEY_CALL, id);
    int rc = engine_read(e, &k, value);

    if (rc == DMCP_OK && call_record_dec(buf_str(value), r) != DMCP_OK) {
        return engine_corrupt(e, "call", id);
    }
    return rc;
}

/* ---- dispatch ---- */

static bool has_free_worker(const struct engine *e)
{
    return e->calls_in[CALL_RUNNING].n < e->options.max_dispatched &&
           e->dispatched_bytes < e->options.max_dispatched_bytes;
}

static void dispatch(struct engine *e, struct call *call, const struct call_record *r,
                     struct session_traits traits)
{
    struct action *a = action_add(e->out, ACT_DISPATCH, WHEN_VISIBLE);

    a->call = call->id;
    a->session = call->session;
    a->dispatch.record = *r;
    a->dispatch.record.request_id = action_dup(a, r->request_id);
    a->dispatch.record.name = action_dup(a, r->name);
    a->dispatch.record.params = action_dup(a, r->params);
    a->dispatch.log_level = traits.log_level;
    a->dispatch.client = traits.client;
    a->dispatch.attempt = call->attempt;
    a->dispatch.flags = call->flags;
    a->dispatch.is_reask = call->epoch != e->epoch && !e->options.clients_stay;
    call_move(e, call, CALL_RUNNING);
    cancel_dispatched(e, call);
    call->dispatched_bytes = r->params.len;
    e->dispatched_bytes += r->params.len;
}

int call_dispatch_ready(struct engine *e)
{
    struct link *first;
    int rc = DMCP_OK;

    while (rc == DMCP_OK && has_free_worker(e) && (first = list_first(&e->calls_in[CALL_READY]))) {
        struct call *call = CONTAINER_OF(first, struct call, link);
        struct call_record r;
        struct buf value;
        struct session_traits traits;

        buf_init(&value, SIZE_MAX / 2);
        rc = call_read(e, call->id, &value, &r);
        if (rc == DMCP_E_NOTFOUND) {
            rc = engine_corrupt(e, "the row of unfinished call", call->id);
        }
        if (rc == DMCP_OK) {
            rc = session_traits(e, call->session, &traits);
        }
        if (rc == DMCP_OK) {
            dispatch(e, call, &r, traits);
        }
        buf_fini(&value);
    }
    return rc;
}

/* ---- start ---- */

/* Whether the peer may come back to the call's stream. That must be its request's own: who resumes it
 * gets the response to the request that began the call. The others may ask again instead. */
static bool may_resume(const struct command *c, struct id session, struct str request_id)
{
    return !c->start.cannot_resume && id_eq(session, c->session) &&
           str_eq(request_id, c->start.record.request_id);
}

static int attach_unfinished(struct engine *e, const struct command *c, struct call *call)
{
    struct follower *f;

    if (!c->peer) {
        return DMCP_OK;
    }
    if (call->n_events > 0 && engine_has_unwritten(e)) {
        return ENGINE_WRITE_FIRST; /* its earlier events are read from the store */
    }
    f = follower_add(e, c->peer, c->session, call->id, 1, c->start.credit);
    f->knows_id = c->start.knows_prime;
    f->is_shared = c->start.is_shared;
    follower_attach(e, f, call, c->start.record.request_id);
    if (!may_resume(c, call->session, call->request_id)) {
        f->told = no_id;
    }
    call_prime(e, call);
    call_followed(e, call);
    return follower_pump(e, f);
}

/* A repeat of a request whose call was found by a row: it runs, is suspended, or its recorded
 * outcome answers it. */
static int attach_known(struct engine *e, const struct command *c, struct id id)
{
    struct call_record r;
    struct call *call = hmap_get(&e->calls, id_bytes(&id));
    struct follower *f;
    struct buf value;
    int rc;

    if (call && call->state == CALL_FINISHED) {
        return ENGINE_WRITE_FIRST; /* its outcome is read from the store */
    }
    rc = call_load(e, id, &call);
    if (rc != DMCP_E_NOTFOUND) {
        return rc == DMCP_OK ? attach_unfinished(e, c, call) : rc;
    }
    buf_init(&value, SIZE_MAX / 2);
    rc = call_read(e, id, &value, &r);
    if (rc == DMCP_OK && c->peer) {
        f = follower_add(e, c->peer, c->session, id, 1, c->start.credit);
        follower_attach(e, f, NULL, c->start.record.request_id);
        if (!may_resume(c, r.session, r.request_id)) {
            f->told = no_id;
        }
        rc = follower_pump(e, f);
    } else if (rc == DMCP_E_NOTFOUND) {
        rc = engine_corrupt(e, "the row of call", id);
    }
    buf_fini(&value);
    return rc;
}

static void begin(struct engine *e, const struct command *c)
{
    struct call_record r = c->start.record;
    struct call *call;
    struct follower *f;

    r.created_ms = e->now.wall_ms;
    call = call_add(e, c->call, &r);
    call->flags = c->start.is_notice ? UNFINISHED_OWN : c->start.key.p ? UNFINISHED_KEYED : 0;
    put_start(e, call, &r);
    idempotency_put(e, c);
    if (c->start.timeout_ms) {
        timer_put(e, call->id, STR(TIMER_CALL_TIMEOUT), c->start.timeout_ms);
    }
    if (c->start.is_notice) {
        notice_begun(e, c);
    } else if (c->peer) {
        f = follower_add(e, c->peer, c->session, call->id, 1, c->start.credit);
        f->knows_id = c->start.knows_prime;
        f->is_shared = c->start.is_shared;
        f->told = c->start.cannot_resume ? no_id : f->told;
        follower_attach(e, f, call, r.request_id);
        call->prime_ms = e->now.mono_ms + e->options.prime_ms;
        list_append(&e->priming, &call->prime_link);
    }
    if (has_free_worker(e) && list_first(&e->calls_in[CALL_READY]) == &call->link) {
        /* It overtakes nobody. */
        dispatch(e, call, &r,
                 (struct session_traits){ c->start.log_level, c->start.client });
    }
}

/* Another request of this id is known. */
static void refuse_conflict(struct engine *e, const struct command *c)
{
    engine_refuse(e, c->peer, c->start.only_attaches ? DMCP_E_NOTFOUND : DMCP_E_CONFLICT,
                  "this request id was used before in this session, with other parameters");
}

/*
 * The request is new.
 * 1. It has a key that is known: it is a repeat all the same. From now on it is known too.
 * 2. Its tool is not there.
 * 3. There are too many calls.
 * 4. Begin.
 */
static int start_new(struct engine *e, const struct command *c)
{
    struct id known;
    struct key k;
    int rc = idempotency_find(e, c, &known);

    if (rc == DMCP_OK) { /* 1 */
        rc = attach_known(e, c, known);
        if (rc == DMCP_OK) {
            put_request(e, c->session, c->start.record.request_id, known,
                        c->start.record.digest);
            k = key_request(c->session, c->start.record.request_id);
            reference_put(e, known, &k);
        }
        return rc;
    }
    if (rc == DMCP_E_CONFLICT) {
        engine_refuse(e, c->peer, rc,
                      "this idempotency key was used before, with other arguments");
        return DMCP_OK;
    }
    if (rc != DMCP_E_NOTFOUND) {
        return rc;
    }
    if (c->start.only_attaches) { /* 2 */
        engine_refuse(e, c->peer, rc, "there is no such tool");
        return DMCP_OK;
    }
    if (e->calls_in[CALL_READY].n + e->calls_in[CALL_RUNNING].n >= e->options.max_calls) { /* 3 */
        engine_refuse(e, c->peer, DMCP_E_BUSY, "too many calls are waiting or running");
        return DMCP_OK;
    }
    begin(e, c); /* 4 */
    return DMCP_OK;
}

/*
 * 1. The request is known and its call is unfinished: attach to it, or a conflict.
 * 2. Its call finished a moment ago and the rows are not visible yet: write them first.
 * 3. It is known from the store: answer from there, or a conflict.
 * 4. It is new.
 */
int call_start(struct engine *e, const struct command *c)
{
    struct key k = key_request(c->session, c->start.record.request_id);
    struct call *call = hmap_get(&e->requests, key_str(&k));
    struct request_record known;
    struct buf value;
    int rc;

    if (call && call->state == CALL_FINISHED) {
        return ENGINE_WRITE_FIRST; /* 2 */
    }
    if (call) { /* 1 */
        if (!id_eq(call->digest, c->start.record.digest)) {
            refuse_conflict(e, c);
            return DMCP_OK;
        }
        return attach_unfinished(e, c, call);
    }
    buf_init(&value, SIZE_MAX / 2);
    rc = engine_read(e, &k, &value);
    if (rc == DMCP_OK && request_record_dec(buf_str(&value), &known) != DMCP_OK) {
        rc = engine_corrupt(e, "request of session", c->session);
    } else if (rc == DMCP_OK && !id_eq(known.digest, c->start.record.digest)) { /* 3 */
        refuse_conflict(e, c);
    } else if (rc == DMCP_OK) {
        rc = attach_known(e, c, known.call);
    } else if (rc == DMCP_E_NOTFOUND) { /* 4 */
        rc = start_new(e, c);
    }
    buf_fini(&value);
    return rc;
}

/* ---- priming ---- */

void call_prime(struct engine *e, struct call *call)
{
    struct link *k;

    stop_priming(e, call);
    for (k = list_first(&call->followers); k; k = list_next(&call->followers, k)) {
        follower_prime(e, CONTAINER_OF(k, struct follower, link));
    }
}

void call_prime_due(struct engine *e)
{
    struct link *first;

    while ((first = list_first(&e->priming))) {
        struct call *call = CONTAINER_OF(first, struct call, prime_link);

        if (call->prime_ms > e->now.mono_ms) {
            return;
        }
        call_prime(e, call);
    }
}

/* ---- end ---- */

void call_finish(struct engine *e, struct call *call, enum call_outcome outcome, struct str body)
{
    bool is_cancelled = call->flags & UNFINISHED_CANCELLED;
    struct result_record r = { .outcome = (uint8_t)(is_cancelled ? OUTCOME_CANCELLED : outcome),
                               .finished_ms = e->now.wall_ms,
                               .n_events = call->n_events,
                               .body = is_cancelled ? e->options.cancelled : body };
    struct key result = key_of_id(KEY_RESULT, call->id);
    struct key unfinished = key_of_id(KEY_UNFINISHED, call->id);
    struct buf value;
    struct link *k, *next;

    buf_init(&value, SIZE_MAX / 2);
    result_record_enc(&value, &r);
    batch_put(e->rows, key_str(&result), buf_str(&value));
    batch_del(e->rows, key_str(&unfinished));
    buf_fini(&value);
    sweep_finished(e, call->id);
    stop_priming(e, call);
    for (k = list_first(&call->followers); k; k = next) {
        struct follower *f = CONTAINER_OF(k, struct follower, link);

        next = list_next(&call->followers, k);
        if (f->next == call->n_events + 1) {
            follower_reply(e, f, (enum call_outcome)r.outcome, f->next, r.body);
        } /* else it lags: it reads the rest, and the response, when it takes more */
    }
    call_move(e, call, CALL_FINISHED);
}

int call_done(struct engine *e, const struct command *c)
{
    struct call *call = call_find(e, c->call);
    int rc = call ? session_answered(e, call->session, call->created_ms) : DMCP_OK;

    if (call && rc == DMCP_OK) {
        rc = watch_end(e, call);
    }
    if (call && rc == DMCP_OK) {
        if (c->done.timeout_ms) {
            timer_drop(e, call->id, STR(TIMER_CALL_TIMEOUT),
                       call->created_ms + c->done.timeout_ms);
        }
        call_finish(e, call, c->done.outcome, c->done.body);
    }
    return rc;
}

int call_release(struct engine *e, const struct command *c)
{
    struct call *call = call_find(e, c->call);

    if (c->release.code != DMCP_OK) {
        /* It would run again at once, and fail again. */
        return err_set(e->err, c->release.code, "%.*s", STR_FMT(c->release.text));
    }
    if (call && call->state == CALL_RUNNING) {
        call->attempt++;
        call_put_unfinished(e, call);
        call_move(e, call, CALL_READY);
    }
    return DMCP_OK;
}

int call_park(struct engine *e, const struct command *c)
{
    struct call *call = call_find(e, c->call);

    if (call && call->state == CALL_RUNNING) {
        call->tool = c->park.tool;
        call_move(e, call, CALL_PARKED);
    }
    return DMCP_OK;
}

int call_flush(struct engine *e, const struct command *c)
{
    struct call *call = call_find(e, c->call);

    if (call) {
        call_prime(e, call);
    }
    engine_wake(e, c->waiter, WHEN_DURABLE, DMCP_OK, STR(""));
    return DMCP_OK;
}
