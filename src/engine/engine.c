/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The engine's frame: the table of commands, and the few ways to read rows and to answer.
 */
#include "engine/internal.h"

#include <assert.h>

static int tick(struct engine *e, const struct command *c)
{
    (void)c; /* time came with engine_apply */
    call_prime_due(e);
    lists_tell_due(e);
    cancel_remind_due(e);
    return timer_fire_due(e);
}

typedef int (*apply_fn)(struct engine *e, const struct command *c);

static const apply_fn appliers[N_COMMANDS] = {
    [CMD_SESSION_OPEN] = session_open,
    [CMD_SESSION_GET] = session_get,
    [CMD_SESSION_UPDATE] = session_update,
    [CMD_SESSION_CLOSE] = session_close,
    [CMD_CALL_START] = call_start,
    [CMD_CALL_DONE] = call_done,
    [CMD_CALL_RELEASE] = call_release,
    [CMD_CALL_PARK] = call_park,
    [CMD_CALL_FLUSH] = call_flush,
    [CMD_CALL_DETACH] = stream_detach,
    [CMD_SUBSCRIBE] = subscribe_apply,
    [CMD_STEP] = step_apply,
    [CMD_MAP] = map_apply,
    [CMD_EVENT] = event_apply,
    [CMD_WAIT] = wait_apply,
    [CMD_WATCH] = watch_apply,
    [CMD_LOOP] = loop_apply,
    [CMD_CALL_SUSPEND] = call_suspend,
    [CMD_ANSWER] = wait_answer,
    [CMD_SIGNAL] = wait_signal,
    [CMD_CANCEL] = cancel_apply,
    [CMD_FOLLOW] = stream_follow,
    [CMD_CREDIT] = stream_credit,
    [CMD_UNFOLLOW] = stream_unfollow,
    [CMD_TICK] = tick,
    [CMD_SWEEP] = sweep_apply,
    [CMD_LISTS] = lists_apply,
};

struct engine *engine_new(struct store *store, const struct engine_options *o)
{
    struct engine *e = mem_zalloc(sizeof(*e));

    e->store = store;
    e->options = *o;
    if (e->options.max_subscriptions == 0) {
        e->options.max_subscriptions = LIMIT_SUBSCRIPTIONS;
    }
    if (e->options.max_subscribers == 0) {
        e->options.max_subscribers = LIMIT_SUBSCRIBERS;
    }
    hmap_init(&e->calls);
    hmap_init(&e->requests);
    hmap_init(&e->streams);
    hmap_init(&e->followers);
    hmap_init(&e->unwritten);
    for (int i = 0; i < N_CALL_STATES; i++) {
        list_init(&e->calls_in[i]);
    }
    list_init(&e->priming);
    list_init(&e->readers);
    list_init(&e->loose_streams);
    list_init(&e->followed_streams);
    e->timers_from = key_kind_start(KEY_TIMER);
    e->next_timer_ms = UINT64_MAX;
    e->remind_ms = UINT64_MAX;
    e->epoch = 1;
    sweep_init(e);
    return e;
}

void engine_free(struct engine *e)
{
    struct hmap_entry *cursor = NULL;
    struct follower *f;

    while ((f = hmap_next(&e->followers, &cursor, NULL))) {
        follower_free(e, f);
    }
    stream_drop_loose(e);
    for (int i = 0; i < N_CALL_STATES; i++) {
        while (!list_empty(&e->calls_in[i])) {
            call_free(e, CONTAINER_OF(list_first(&e->calls_in[i]), struct call, link));
        }
    }
    hmap_fini(&e->unwritten);
    hmap_fini(&e->followers);
    hmap_fini(&e->streams);
    hmap_fini(&e->requests);
    hmap_fini(&e->calls);
    mem_free(e);
}

int engine_apply(struct engine *e, struct engine_time now, const struct command *c,
                 struct batch *rows, struct action_list *out, struct err *err)
{
    assert(c->kind < N_COMMANDS);
    e->now = now;
    e->rows = rows;
    e->out = out;
    e->err = err;
    return appliers[c->kind](e, c);
}

int engine_written(struct engine *e, struct action_list *out, struct err *err)
{
    struct list *finished = &e->calls_in[CALL_FINISHED], *leaving = &e->calls_in[CALL_LEAVING];

    e->out = out;
    e->err = err;
    hmap_clear(&e->unwritten);
    e->has_unwritten_watch = false;
    while (!list_empty(finished)) {
        call_free(e, CONTAINER_OF(list_first(finished), struct call, link));
    }
    while (!list_empty(leaving)) {
        call_free(e, CONTAINER_OF(list_first(leaving), struct call, link));
    }
    stream_drop_loose(e);
    return call_dispatch_ready(e);
}

uint64_t engine_deadline(const struct engine *e, struct engine_time now)
{
    struct link *first = list_first(&e->priming);
    uint64_t at = first ? CONTAINER_OF(first, struct call, prime_link)->prime_ms : UINT64_MAX;
    uint64_t timer_at = timer_deadline(e, now);

    if (e->lists_due_ms && e->lists_due_ms < at) {
        at = e->lists_due_ms;
    }
    if (e->remind_ms < at) {
        at = e->remind_ms;
    }
    return timer_at < at ? timer_at : at;
}

struct engine_counts engine_counts(const struct engine *e)
{
    return (struct engine_counts){ .calls = e->calls.n,
                                   .ready = e->calls_in[CALL_READY].n,
                                   .running = e->calls_in[CALL_RUNNING].n,
                                   .followers = e->followers.n,
                                   .sessions = e->n_sessions,
                                   .swept_calls = e->sweep.n_calls,
                                   .swept_sessions = e->sweep.n_sessions };
}

void engine_put(struct engine *e, const struct key *k, struct str value)
{
    batch_put(e->rows, key_str(k), value);
    hmap_put(&e->unwritten, key_str(k), e);
}

void engine_del(struct engine *e, const struct key *k)
{
    batch_del(e->rows, key_str(k));
    hmap_put(&e->unwritten, key_str(k), e);
}

int engine_read(struct engine *e, const struct key *k, struct buf *value)
{
    if (hmap_get(&e->unwritten, key_str(k))) {
        return ENGINE_WRITE_FIRST;
    }
    return store_get(e->store, key_str(k), value, e->err);
}

int engine_corrupt(struct engine *e, const char *what, struct id id)
{
    char hex[ID_HEX_BYTES + 1];

    id_to_hex(id, hex);
    return err_set(e->err, DMCP_E_CORRUPT, "%s %s cannot be decoded", what, hex);
}

void engine_refuse(struct engine *e, uint64_t peer, int code, const char *text)
{
    struct action *a;

    if (peer) {
        a = action_add(e->out, ACT_REFUSED, WHEN_VISIBLE);
        a->peer = peer;
        a->code = code;
        a->text = action_dup(a, str_of(text));
    }
}

void engine_done(struct engine *e, const struct command *c)
{
    struct action *a;

    if (c->peer) {
        a = action_add(e->out, ACT_DONE, WHEN_DURABLE);
        a->peer = c->peer;
        a->session = c->session;
    }
}

void engine_wake(struct engine *e, void *waiter, enum action_when when, int code, struct str text)
{
    struct action *a;

    if (waiter) {
        a = action_add(e->out, ACT_WAKE, when);
        a->waiter = waiter;
        a->code = code;
        a->text = action_dup(a, text);
    }
}
