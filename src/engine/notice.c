/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Notices: calls that a notification of the client began. They are calls like any other, but for
 * this: nobody waits for a response, the notification is accepted when the call is durable, and what
 * their handlers send or ask goes to their session's own stream, for they have no stream that a
 * client would know of.
 *
 * Their request ids have a beginning of their own, so those of a session can be found.
 */
#include "engine/internal.h"

#define LOOKS_AT_ONCE 1000 /* at notices, when a session listens again */

void notice_begun(struct engine *e, const struct command *c)
{
    struct action *a;

    if (c->peer) {
        a = action_add(e->out, ACT_DONE, WHEN_DURABLE);
        a->peer = c->peer;
        a->session = c->session;
    }
}

static int look_at(struct engine *e, struct str value)
{
    struct request_record r;
    struct call *call;
    int rc;

    if (request_record_dec(value, &r) != DMCP_OK) {
        return DMCP_OK; /* it leads nowhere */
    }
    rc = call_load(e, r.call, &call);
    if (rc == DMCP_OK) {
        call_reask(e, call);
    }
    return rc == DMCP_E_NOTFOUND ? DMCP_OK : rc;
}

/* The client may not know any more what it was asked before a restart. */
int notice_followed(struct engine *e, struct id session)
{
    struct key from = key_request(session, STR(NOTICE_REQUEST));
    struct key to = key_prefix_end(key_str(&from));
    struct range range = { .from = key_str(&from), .to = key_str(&to) };
    struct cursor *cursor = store_scan(e->store, &range);
    struct str key, value;
    int rc = DMCP_OK;

    for (int n = 0; n < LOOKS_AT_ONCE && rc == DMCP_OK; n++) {
        rc = cursor_next(cursor, &key, &value, e->err);
        if (rc == DMCP_OK) {
            rc = look_at(e, value);
        }
    }
    cursor_close(cursor);
    return rc == DMCP_E_NOTFOUND ? DMCP_OK : rc;
}
