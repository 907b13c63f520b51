/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Handing over once per turn. See outbox.h.
 *
 * A turn of libuv's loop is: timers, prepare, poll (where requests are read), check, closing. So
 * what timers and closing connections put goes out before the loop sleeps, and what requests put
 * right after they were read.
 */
#include "server/outbox.h"

#define AT_MOST 64 /* so that the first of a long turn need not wait for its end */

static void on_before_poll(uv_prepare_t *h)
{
    outbox_flush(h->data);
}

static void on_after_poll(uv_check_t *h)
{
    outbox_flush(h->data);
}

void outbox_init(struct outbox *o, uv_loop_t *loop)
{
    *o = (struct outbox){ .last = &o->first };
    uv_prepare_init(loop, &o->before_poll);
    uv_check_init(loop, &o->after_poll);
    o->before_poll.data = o->after_poll.data = o;
    uv_prepare_start(&o->before_poll, on_before_poll);
    uv_check_start(&o->after_poll, on_after_poll);
}

void outbox_open(struct outbox *o, struct mailbox *commands, struct workers *workers)
{
    o->commands = commands;
    o->workers = workers;
}

void outbox_flush(struct outbox *o)
{
    if (o->n_commands > 0) {
        mailbox_put_list(o->commands, o->first, CONTAINER_OF(o->last, struct mail, next));
        o->first = NULL;
        o->last = &o->first;
        o->n_commands = 0;
    }
    if (o->n_runs > 0) {
        workers_wake(o->workers);
        o->n_runs = 0;
    }
}

void outbox_put(struct outbox *o, struct command *c)
{
    c->mail.next = NULL;
    *o->last = &c->mail;
    o->last = &c->mail.next;
    if (++o->n_commands >= AT_MOST) {
        outbox_flush(o);
    }
}

int outbox_run(struct outbox *o, struct run *r)
{
    int rc = workers_put(o->workers, r);

    if (rc == DMCP_OK && ++o->n_runs >= AT_MOST) {
        outbox_flush(o);
    }
    return rc;
}

void outbox_close(struct outbox *o)
{
    uv_close((uv_handle_t *)&o->before_poll, NULL);
    uv_close((uv_handle_t *)&o->after_poll, NULL);
}
