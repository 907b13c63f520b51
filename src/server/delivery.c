/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Carrying out actions. See delivery.h.
 */
#include "server/delivery.h"

#include "base/waiter.h"

/* What one walk over a list has gathered. */
struct round {
    struct mail *io, **io_last;
    bool has_dispatched;
};

static void round_begin(struct round *r)
{
    *r = (struct round){ .io_last = &r->io };
}

static void deliver(const struct delivery *d, struct round *r, struct action *a)
{
    switch (a->kind) {
    case ACT_DISPATCH:
        d->ops.dispatch(d->ops.arg, a);
        r->has_dispatched = true;
        return;
    case ACT_WAKE:
        waiter_wake(a->waiter, a->code, a->text);
        action_free(a);
        return;
    case ACT_CANCEL:
        d->ops.cancel(d->ops.arg, a->call, a->dispatch.flags, a->dispatch.told_ms);
        action_free(a);
        return;
    default:
        a->mail.next = NULL;
        *r->io_last = &a->mail;
        r->io_last = &a->mail.next;
        return;
    }
}

static void round_end(const struct delivery *d, const struct round *r)
{
    if (r->has_dispatched) {
        d->ops.dispatched(d->ops.arg);
    }
    if (r->io) {
        mailbox_put_list(d->io, r->io, CONTAINER_OF(r->io_last, struct mail, next));
    }
}

void delivery_carry_out(const struct delivery *d, struct mail *first)
{
    struct round r;
    struct mail *next;

    round_begin(&r);
    for (struct mail *m = first; m; m = next) {
        next = m->next;
        deliver(d, &r, action_of(m));
    }
    round_end(d, &r);
}

/* ---- failure: everybody gets an answer ---- */

static void refuse(const struct delivery *d, struct round *r, struct action *a, int code)
{
    switch (a->kind) {
    case ACT_CANCEL:
    case ACT_DISPATCH:
        action_free(a); /* the call, if its row is there, is taken up after the restart */
        return;
    case ACT_WAKE:
        a->code = code;
        deliver(d, r, a);
        return;
    case ACT_SESSION_GONE:
        deliver(d, r, a);
        return;
    default:
        a->kind = ACT_REFUSED;
        a->code = code;
        a->text = str_of(dmcp_strerror(code));
        deliver(d, r, a);
        return;
    }
}

void delivery_refuse(const struct delivery *d, struct mail *first, int code)
{
    struct round r;
    struct mail *next;

    round_begin(&r);
    for (struct mail *m = first; m; m = next) {
        next = m->next;
        refuse(d, &r, action_of(m), code);
    }
    round_end(d, &r);
}

void delivery_refuse_command(const struct delivery *d, const struct command *c, int code)
{
    struct action_list list;
    struct action *a;

    action_list_init(&list);
    if (c->waiter) {
        a = action_add(&list, ACT_WAKE, WHEN_VISIBLE);
        a->waiter = c->waiter;
    } else if (c->peer && c->kind != CMD_UNFOLLOW && c->kind != CMD_CREDIT) {
        a = action_add(&list, ACT_REFUSED, WHEN_VISIBLE);
        a->peer = c->peer;
    } else {
        return;
    }
    a->text = str_of(dmcp_strerror(code));
    delivery_refuse(d, list.first, code);
}
