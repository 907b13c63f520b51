/* SPDX-License-Identifier: Apache-2.0 */
/*
 * GET: a client listens to its session's own stream, or resumes a stream after the event that it
 * names in Last-Event-ID.
 * Source: MCP 2025-11-25, transports, "Listening for Messages" and "Resumability and Redelivery".
 */
#include "mcp/event_id.h"
#include "mcp/internal.h"

void stream_take(struct endpoint *e, struct exchange *x, const struct endpoint_request *r)
{
    const struct session_info *s;

    if (!accept_has(r->accept, "text/event-stream")) {
        exchange_error(e, x, 406, -32000,
                       "Not Acceptable: Client must accept text/event-stream");
        return;
    }
    if (!request_session(e, x, r)) {
        return;
    }
    if (r->last_event_id.p && r->last_event_id.len > 0) {
        x->last_event_id = str_make(mem_dup(r->last_event_id.p, r->last_event_id.len),
                                    r->last_event_id.len);
    }
    s = session_lookup(e, x);
    if (s) {
        stream_continue(e, x, s);
    }
}

void stream_follow_behind(struct endpoint *e, struct exchange *x, struct id stream,
                          const uint64_t *after)
{
    struct command *c = endpoint_command(x, CMD_FOLLOW);

    c->follow.stream = stream;
    c->follow.after = after ? *after : 0;
    c->follow.is_after_given = after != NULL;
    c->follow.credit = x->credit;
    x->is_follower = true;
    exchange_move(e, x, EXCHANGE_ENGINE);
    e->ops.post(e->ops.arg, c);
}

void stream_continue(struct endpoint *e, struct exchange *x, const struct session_info *s)
{
    struct id stream = s->id;
    uint64_t after = 0;

    if (x->last_event_id.p && batch_resume(e, x, s)) {
        return;
    }
    if (x->last_event_id.p && event_id_parse(x->last_event_id, &stream, &after) != DMCP_OK) {
        exchange_refuse(e, x, DMCP_E_NOTFOUND,
                        STR("Last-Event-ID names no event of this session"));
        return;
    }
    stream_follow_behind(e, x, stream, x->last_event_id.p ? &after : NULL);
}
