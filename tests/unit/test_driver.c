/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The driver's ends: what was posted before its stop is carried out, and when the store fails all
 * who wait are told so.
 */
#include <sched.h>

#include "harness.h"
#include "server/driver.h"
#include "store/keys.h"
#include "store/memory.h"

#define ROUNDS 20
#define COMMANDS 500
#define LAST_PEER 1

static struct command *make(enum command_kind kind, uint64_t peer, uint8_t n)
{
    struct command *c = command_new(kind);

    c->peer = peer;
    c->session.b[0] = n;
    return c;
}

static struct command *make_open(uint64_t peer, uint8_t n)
{
    struct command *c = make(CMD_SESSION_OPEN, peer, n);

    c->open.protocol_version = c->open.principal = STR("");
    c->open.client_info = c->open.capabilities = STR("{}");
    return c;
}

/* Busy with one lot, and another one comes. */
static void keep_busy(struct driver *d)
{
    for (int i = 0; i < COMMANDS; i++) {
        mailbox_put(driver_commands(d), &make_open(0, (uint8_t)i)->mail);
    }
    while (atomic_load(&driver_commands(d)->newest)) {
        sched_yield();
    }
}

/* How many answers of this kind there are for the peer. */
static int count_answers(struct mail *first, enum action_kind kind, uint64_t peer)
{
    int n = 0;

    for (struct mail *m = first; m; m = m->next) {
        n += action_of(m)->kind == kind && action_of(m)->peer == peer;
    }
    return n;
}

static void free_answers(struct mail *first)
{
    struct mail *next;

    for (struct mail *m = first; m; m = next) {
        next = m->next;
        action_free(action_of(m));
    }
}

static void on_failed(void *arg, int code, const char *text)
{
    (void)text;
    *(int *)arg = code;
}

struct place {
    struct store *store;
    struct mailbox io;
    struct driver *driver;
    int failure;
};

static void begin(struct place *p, struct store *store)
{
    const struct engine_options options = { .max_calls = 1, .max_sessions = UINT32_MAX,
                                            .session_idle_ms = 1000000 };
    const struct driver_ops ops = { .failed = on_failed, .arg = &p->failure };
    struct err e = { 0 };

    *p = (struct place){ .store = store };
    mailbox_init(&p->io, NULL, NULL);
    assert_int_equal(driver_open(store, &options, &ops, &p->io, NULL, STR(""), &p->driver, &e),
                     DMCP_OK);
    driver_start(p->driver);
}

static void end(struct place *p, struct mail *answers)
{
    free_answers(answers);
    mailbox_fini(&p->io);
    store_close(p->store);
}

TEST(driver, carries_out_what_was_posted_before_its_stop)
{
    for (int i = 0; i < ROUNDS; i++) {
        struct mail *answers;
        struct place p;

        begin(&p, store_memory_new());
        keep_busy(p.driver);
        mailbox_put(driver_commands(p.driver), &make_open(LAST_PEER, 0)->mail);
        driver_stop(p.driver);
        answers = mailbox_take(&p.io);
        assert_int_equal(count_answers(answers, ACT_DONE, LAST_PEER), 1);
        end(&p, answers);
    }
}

/* A store with a session, whose row cannot be read, at 9. */
static struct store *broken_store(void)
{
    struct store *store = store_memory_new();
    struct key k = key_of_id(KEY_SESSION, (struct id){ { 9 } });
    struct err e = { 0 };
    struct batch rows;
    uint64_t position;

    batch_init(&rows);
    batch_put(&rows, key_str(&k), STR("?"));
    assert_int_equal(store_write(store, &rows, &position, &e), DMCP_OK);
    batch_fini(&rows);
    return store;
}

TEST(driver, refuses_each_of_a_batch_when_a_command_of_it_fails)
{
    struct command *before, *broken, *after;
    struct mail *answers;
    struct place p;

    begin(&p, broken_store());
    before = make_open(1, 1);
    broken = make(CMD_SESSION_GET, 2, 9);
    after = make_open(3, 3);
    before->mail.next = &broken->mail;
    broken->mail.next = &after->mail;
    mailbox_put_list(driver_commands(p.driver), &before->mail, &after->mail);
    driver_stop(p.driver);
    assert_int_equal(p.failure, DMCP_E_CORRUPT);
    answers = mailbox_take(&p.io);
    for (uint64_t peer = 1; peer <= 3; peer++) {
        assert_int_equal(count_answers(answers, ACT_REFUSED, peer), 1);
    }
    end(&p, answers);
}

RUN_TESTS()
