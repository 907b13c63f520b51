/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The working process. See process.h. The whole boot reads top to bottom in process_run.
 *
 * Two things can go wrong with the store while it serves. A full disk: every request is refused
 * with 503 until there is room, then the process ends with EXIT_AGAIN and the next one recovers
 * what the disk has. Anything else: what waits is refused and the process ends; the supervisor
 * decides. In neither case is the store written again.
 */
#include "server/process.h"

#include <signal.h>
#include <stdio.h>
#include <unistd.h>

#include "base/clock.h"
#include "server/boot.h"
#include "server/control.h"
#include "server/driver.h"
#include "server/listener.h"
#include "server/offers.h"
#include "server/outbox.h"
#include "server/pipe.h"
#include "server/room.h"
#include "server/verdict.h"
#include "server/workers.h"

#define MAX_DISPATCHED 1024
#define MAX_DISPATCHED_BYTES (64 * MIB)
#define PRIME_MS 10           /* a call that takes longer gets its stream opened */
#define CLIENT_RETRY_MS 500   /* how soon clients come back to a closed stream */
#define ROOM_MS 500           /* between two looks for room on the disk */
#define FAILURE_LINGER_MS 200 /* for refusals to reach their clients */
#define STOP_POLL_MS 10
#define STOP_FLUSH_MS 1000    /* for the last answers to reach their clients */

struct process {
    const struct process_config *config;
    const struct options *options;
    uv_loop_t loop;
    uv_async_t wake_io, failure_async;
    uv_signal_t sigterm, sigint;
    uv_timer_t timer; /* room, failure, or stop: whichever came */
    struct mailbox io;
    struct outbox outbox;
    struct store *store;
    struct driver *driver;
    struct call_env env;
    struct workers *workers;
    struct transport transport;
    struct control *control; /* NULL: the store is not a directory */
    struct endpoint_config endpoint;
    struct buf cancelled, lists_changed; /* what the engine says to clients */
    atomic_bool is_stopping;
    atomic_int failure; /* DMCP_E_FULL or another code of the store */
    uint64_t deadline_ms; /* of what the stop waits for */
    bool is_flushing;     /* the stop waits for output only */
};

/* ---- I/O thread: what comes from the others ---- */

static void take_actions(struct process *p)
{
    struct mail *m = mailbox_take(&p->io), *next;

    for (; m; m = next) {
        next = m->next;
        if (!control_take(p->control, action_of(m))) {
            endpoint_action(p->transport.endpoint, action_of(m));
        }
    }
}

static void on_wake_io(uv_async_t *async)
{
    take_actions(async->data);
}

static void wake_io(void *arg)
{
    struct process *p = arg;

    uv_async_send(&p->wake_io);
}

/* ---- endpoint to engine and workers ---- */

static void post(void *arg, struct command *c)
{
    struct process *p = arg;

    if (p->driver) {
        outbox_put(&p->outbox, c);
    } else {
        command_free(c);
    }
}

static int run_ephemeral(void *arg, uint64_t peer, const struct tool *tool, struct id session,
                         struct str request_id, struct str params, uint8_t log_level)
{
    struct process *p = arg;
    struct run *r = run_new(CALL_EPHEMERAL);
    int rc;

    r->tool = tool_hold(tool);
    r->session = session;
    r->peer = peer;
    r->request_id = run_dup(r, request_id);
    r->params = run_dup(r, params);
    r->attempt = 1;
    r->log_level = log_level;
    rc = outbox_run(&p->outbox, r);
    if (rc != DMCP_OK) {
        run_free(r);
    }
    return rc;
}

/* From the engine thread. */
static void dispatch(void *arg, struct action *a)
{
    struct process *p = arg;
    struct run *r;
    const struct tool *tool =
        offers_hold(&p->config->server->catalog, driver_commands(p->driver), a);

    if (!tool) {
        action_free(a);
        return;
    }
    r = run_of(a);
    r->tool = tool;
    action_free(a);
    if (workers_put(p->workers, r) != DMCP_OK) {
        run_free(r); /* stopping: it is on disk */
    }
}

static void dispatched(void *arg)
{
    struct process *p = arg;

    workers_wake(p->workers);
}

static void cancel(void *arg, struct id call, uint8_t why, uint64_t told_ms)
{
    struct process *p = arg;

    workers_cancel(p->workers, call, why, told_ms);
}

/* ---- failure of the store ---- */

static void on_room_timer(uv_timer_t *timer)
{
    struct process *p = timer->data;

    if (room_is_there(p->options->store)) {
        log_warning("there is room for the store again; starting anew");
        fflush(NULL);
        _exit(EXIT_AGAIN);
    }
}

static void on_failure_timer(uv_timer_t *timer)
{
    (void)timer;
    _exit(EXIT_FAILED); /* handlers may hang in the store: nothing is joined or freed */
}

/* Who is stopping waits for no room: nothing would come behind it. */
static void begin_failure(struct process *p, int code)
{
    endpoint_set_refusal(p->transport.endpoint, code);
    take_actions(p);
    endpoint_refuse_waiting(p->transport.endpoint, code);
    if (code == DMCP_E_FULL && !atomic_load(&p->is_stopping)) {
        log_error("no space left for the store %s: requests get 503 until there is room",
                  p->options->store);
        uv_timer_start(&p->timer, on_room_timer, ROOM_MS, ROOM_MS);
    } else {
        uv_timer_start(&p->timer, on_failure_timer, FAILURE_LINGER_MS, 0);
    }
}

static void on_failure(uv_async_t *async)
{
    struct process *p = async->data;
    int code = atomic_load(&p->failure);

    if (code != DMCP_OK) {
        begin_failure(p, code);
    }
}

/* From a driver thread. */
static void driver_failed(void *arg, int code, const char *text)
{
    struct process *p = arg;

    (void)text; /* the driver logged it */
    atomic_store(&p->failure, code);
    uv_async_send(&p->failure_async);
}

/* ---- orderly end ---- */

static void close_handles(struct process *p)
{
    outbox_close(&p->outbox);
    uv_close((uv_handle_t *)&p->wake_io, NULL);
    uv_close((uv_handle_t *)&p->failure_async, NULL);
    uv_close((uv_handle_t *)&p->sigterm, NULL);
    uv_close((uv_handle_t *)&p->sigint, NULL);
    uv_close((uv_handle_t *)&p->timer, NULL);
}

/* Handlers that do not end in time: their calls are taken up at the next start. What was written
 * is made durable, and the process will leave without waiting for them. */
static void leave_handlers(struct process *p)
{
    struct command *c = command_new(CMD_CALL_FLUSH);
    struct waiter waiter;

    log_warning("%zu tools did not end within the time given; their calls go on at the next start",
                workers_running(p->workers));
    waiter_init(&waiter);
    c->waiter = &waiter;
    outbox_put(&p->outbox, c);
    outbox_flush(&p->outbox);
    (void)waiter_wait(&waiter);
}

static void finish_stop(struct process *p)
{
    control_close(p->control);
    if (p->driver) { /* handlers still run, with all that they hold */
        _exit(EXIT_ENDED);
    }
    p->transport.close(p->transport.it);
    close_handles(p);
}

static void on_stop_timer(uv_timer_t *timer)
{
    struct process *p = timer->data;
    size_t n_waited_for = p->is_flushing ? p->transport.busy(p->transport.it)
                                         : workers_running(p->workers);
    bool is_late = clock_mono_ms() >= p->deadline_ms;

    if (n_waited_for > 0 && !is_late) {
        return;
    }
    if (p->is_flushing) {
        finish_stop(p);
        return;
    }
    if (n_waited_for > 0) {
        leave_handlers(p);
    } else {
        outbox_flush(&p->outbox);
        offers_unwatch(&p->config->server->catalog);
        driver_stop(p->driver);
        p->driver = NULL;
    }
    /* Everybody who listens is told, at least to come back; then the connections get their time. */
    take_actions(p);
    endpoint_end_streams(p->transport.endpoint);
    p->is_flushing = true;
    p->deadline_ms = clock_mono_ms() + STOP_FLUSH_MS;
}

/* Told to, or the host of a pipe has left. Handlers that run have their time from `since_ms` on. */
static void begin_stop(void *arg, uint64_t since_ms)
{
    struct process *p = arg;

    if (!p->driver || atomic_load(&p->failure) != DMCP_OK) {
        _exit(EXIT_ENDED); /* nothing to finish: the store cannot be written */
    }
    if (atomic_exchange(&p->is_stopping, true)) {
        return;
    }
    log_info("stopping: waiting for %zu running tools", workers_running(p->workers));
    p->deadline_ms = since_ms + p->options->stop_ms;
    p->transport.stop(p->transport.it);
    control_stop(p->control);
    endpoint_set_refusal(p->transport.endpoint, DMCP_E_STOPPING);
    workers_drain(p->workers);
    uv_timer_start(&p->timer, on_stop_timer, 0, STOP_POLL_MS);
}

static void on_signal(uv_signal_t *handle, int signal_number)
{
    (void)signal_number;
    begin_stop(handle->data, clock_mono_ms());
}

/* It is not on disk (memory:), or it was deleted. The host sees its server end. */
static void session_lost(void *arg)
{
    const struct process *p = arg;

    log_error("the host's session is gone: store %s did not keep it", p->options->store);
    _exit(EXIT_CONFIG);
}

static bool is_working(void *arg)
{
    struct process *p = arg;

    return p->workers && workers_busy(p->workers) > 0;
}

/* ---- boot ---- */

static void init_loop(struct process *p)
{
    uv_loop_init(&p->loop);
    uv_async_init(&p->loop, &p->wake_io, on_wake_io);
    uv_async_init(&p->loop, &p->failure_async, on_failure);
    uv_signal_init(&p->loop, &p->sigterm);
    uv_signal_init(&p->loop, &p->sigint);
    uv_timer_init(&p->loop, &p->timer);
    p->wake_io.data = p->failure_async.data = p->sigterm.data = p->sigint.data = p->timer.data = p;
    mailbox_init(&p->io, wake_io, p);
    outbox_init(&p->outbox, &p->loop);
}

static int start_engine(struct process *p, const struct crash_note *crash, struct err *e)
{
    const struct options *o = p->options;
    struct engine_options engine = { .max_calls = (uint32_t)o->max_calls,
                                           .max_dispatched = MAX_DISPATCHED,
                                           .max_dispatched_bytes = MAX_DISPATCHED_BYTES,
                                           .max_sessions = (uint32_t)o->max_sessions,
                                           .session_idle_ms = o->session_idle_ms,
                                           .key_ms = o->key_ms,
                                           .keep_calls_ms = o->keep_calls_ms,
                                           .keep_events_ms = o->keep_events_ms,
                                           .prime_ms = PRIME_MS,
                                           .clients_stay = p->config->pipe != NULL,
                                           .cancelled = buf_str(&p->cancelled) };
    const struct driver_ops ops = {
        .dispatch = dispatch, .dispatched = dispatched, .cancel = cancel, .failed = driver_failed,
        .arg = p,
    };
    struct buf result;
    int rc;

    offers_messages(&p->lists_changed, engine.lists_changed);
    buf_init(&result, 32 * KIB);
    verdict_crashed(&result, crash);
    rc = driver_open(p->store, &engine, &ops, &p->io, crash->is_set == 1 ? &crash->call : NULL,
                     buf_str(&result), &p->driver, e);
    buf_fini(&result);
    if (rc == DMCP_OK) {
        p->env = (struct call_env){ .engine = driver_commands(p->driver),
                                    .io = &p->io,
                                    .store = p->store,
                                    .server = p->config->server,
                                    .is_stopping = &p->is_stopping,
                                    .validation = validation_new(o->validation) };
        p->workers = workers_new(&p->env, o->workers, o->max_calls);
        outbox_open(&p->outbox, driver_commands(p->driver), p->workers);
        offers_watch(&p->config->server->catalog, driver_commands(p->driver));
        driver_start(p->driver);
    }
    return rc;
}

static int run_start_functions(struct process *p, struct err *e)
{
    struct waiter waiter;
    int rc = DMCP_OK;

    waiter_init(&waiter);
    for (struct start_fn *f = p->config->server->start_first; f && rc == DMCP_OK; f = f->next) {
        rc = call_execute_outside(&p->env, &waiter, &f->handler, e);
    }
    waiter_fini(&waiter);
    return rc;
}

static int start_transport(struct process *p, struct err *e)
{
    struct dmcp_server *s = p->config->server;
    const struct endpoint_ops ops = {
        .post = post, .random = random_bytes, .run = run_ephemeral, .arg = p
    };
    const struct pipe_config pipe = { .loop = &p->loop,
                                      .start = p->config->pipe,
                                      .is_working = is_working,
                                      .left = begin_stop,
                                      .lost = session_lost,
                                      .stop_ms = p->options->stop_ms,
                                      .arg = p };

    p->endpoint = (struct endpoint_config){ .server_info = s->info,
                                            .instructions = s->instructions,
                                            .catalog = &s->catalog,
                                            .page_entries = (uint32_t)p->options->page_entries,
                                            .allowed_origins = str_of(p->options->allow_origin),
                                            .allowed_hosts = str_of(p->options->allow_host),
                                            .session_idle_ms = p->options->session_idle_ms,
                                            .retry_ms = CLIENT_RETRY_MS,
                                            .is_pipe = pipe.start != NULL };
    if (pipe.start) {
        return pipe_new(&pipe, &p->endpoint, &ops, &p->transport, e);
    }
    return listener_new(&p->loop, p->config->listen_fd, p->options, &p->endpoint, &ops,
                        &p->transport, e);
}

static void start_control(struct process *p)
{
    if (strcmp(p->options->store, "memory:") != 0) {
        p->control = control_new(&(struct control_config){ .loop = &p->loop,
                                                           .dir = p->options->store,
                                                           .store = p->store,
                                                           .post = post,
                                                           .arg = p });
    }
}

static void free_process(struct process *p)
{
    if (p->workers) {
        workers_free(p->workers);
        validation_free(p->env.validation);
    }
    p->transport.free(p->transport.it);
    control_free(p->control);
    store_close(p->store);
    mailbox_fini(&p->io);
    buf_fini(&p->cancelled);
    buf_fini(&p->lists_changed);
    uv_loop_close(&p->loop);
}

int process_run(void *arg, const struct crash_note *crash, struct crash_note *note)
{
    struct process p = { .config = arg };
    struct err e = { 0 };
    int rc;

    p.options = p.config->options;
    signal(SIGPIPE, SIG_IGN);
    crash_watch(note);
    boot_raise_descriptor_limit(p.options);
    init_loop(&p);
    buf_init(&p.cancelled, KIB);
    buf_init(&p.lists_changed, KIB);
    verdict_cancelled(&p.cancelled);
    rc = boot_open_store(p.options, &p.store, &e);
    if (rc == DMCP_OK) {
        rc = start_engine(&p, crash, &e);
    }
    if (rc == DMCP_OK) {
        atomic_store(&p.config->server->is_running, true);
        rc = run_start_functions(&p, &e);
    }
    if (rc != DMCP_OK && rc != DMCP_E_FULL) {
        return boot_complain(&e, rc);
    }
    if (start_transport(&p, &e) != DMCP_OK) {
        return boot_complain(&e, DMCP_E_NET);
    }
    uv_signal_start(&p.sigterm, on_signal, SIGTERM);
    uv_signal_start(&p.sigint, on_signal, SIGINT);
    if (rc == DMCP_E_FULL) {
        begin_failure(&p, rc);
    } else {
        start_control(&p);
        workers_begin(p.workers);
        driver_begin(p.driver);
    }
    boot_announce(p.config);
    uv_run(&p.loop, UV_RUN_DEFAULT);
    free_process(&p);
    return EXIT_ENDED;
}
