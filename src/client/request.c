/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A request that a public function sends, and waits for. What is in it is call.c's.
 */
#include "client/client.h"

#include <stdio.h>

#include "base/clock.h"
#include "base/limits.h"
#include "base/log.h"
#include "json/rpc.h"
#include "json/writer.h"

#define CANCEL_MS 2000 /* to tell the server; afterwards that goes on in later waits */
/* What every JSON parser keeps exactly. */
#define MAX_REQUEST_ID (((int64_t)1 << 53) - 1)

static struct errand *start(struct dmcp_client *c, const struct request *r, struct err *e)
{
    int64_t id = r->id ? r->id : c->next_id;
    struct errand *x;
    char id_text[24];
    struct buf body;

    if (id < 1 || id > MAX_REQUEST_ID) {
        err_set(e, DMCP_E_INVALID, "a request id is a number from 1 to 2^53 - 1");
        return NULL;
    }
    snprintf(id_text, sizeof(id_text), "%lld", (long long)id);
    buf_init(&body, LIMIT_MESSAGE_BYTES);
    rpc_write_request(&body, str_of(id_text), str_of(r->method), r->params);
    if (!buf_ok(&body)) {
        buf_fini(&body);
        err_set(e, DMCP_E_TOOBIG, "the request has more than %u bytes", LIMIT_MESSAGE_BYTES);
        return NULL;
    }
    x = errand_new(c, r->token ? ERRAND_RESUME : ERRAND_REQUEST,
                   r->token ? STR_NONE : buf_str(&body));
    buf_fini(&body);
    x->id = id;
    x->event_id = r->token ? mem_strdup(r->token) : NULL;
    x->options = r->options;
    x->may_repeat = r->may_repeat;
    x->deadline_ms = client_deadline(r->timeout_ms ? r->timeout_ms : c->o.timeout_ms,
                                     clock_mono_ms());
    x->reconnect_ms = r->reconnect_ms ? r->reconnect_ms : c->o.reconnect_ms;
    c->next_id = id >= c->next_id ? id + 1 : c->next_id;
    return x;
}

/* MCP 2025-11-25, Utilities, "Cancellation". The initialize request must not be cancelled. */
static void tell_cancelled(struct dmcp_client *c, int64_t id, const char *reason)
{
    struct json_writer w;
    struct buf params, message;

    if (!c->is_connected) {
        return;
    }
    buf_init(&params, LIMIT_MESSAGE_BYTES);
    buf_init(&message, LIMIT_MESSAGE_BYTES);
    jw_init(&w, &params);
    jw_object(&w);
    jw_key(&w, "requestId");
    jw_int(&w, id);
    if (reason) {
        jw_key(&w, "reason");
        jw_strz(&w, reason);
    }
    jw_object_end(&w);
    rpc_write_notification(&message, STR("notifications/cancelled"), buf_str(&params));
    session_post(c, buf_str(&message));
    buf_fini(&message);
    buf_fini(&params);
    if (pump_flush(c, clock_mono_ms() + CANCEL_MS)) {
        log_debug("client: the server is told of the cancellation later");
    }
}

/* It was not answered: its owner no longer wants to wait. */
static int give_up(struct dmcp_client *c, struct errand *x, const struct request *r, int why)
{
    struct err e;
    int64_t id = x->id;
    bool may_run = errand_delivery(x) == DMCP_DELIVERY_UNKNOWN;

    c->delivery = errand_delivery(x);
    c->http_status = x->http_status;
    errand_free(c, x);
    if (why == DMCP_E_CANCELLED) {
        err_set(&e, why, "%s was cancelled", r->method);
    } else if (why == DMCP_E_INTERRUPTED) {
        err_set(&e, why, "waiting for %s was interrupted", r->method);
    } else {
        err_set(&e, why, "%s was not answered in time", r->method);
    }
    if (may_run && (why == DMCP_E_CANCELLED || (why == DMCP_E_TIMEOUT && !r->is_kept))) {
        tell_cancelled(c, id, why == DMCP_E_CANCELLED ? c->cancel_reason : "timed out");
    }
    return client_fail(c, &e);
}

int request_run(struct dmcp_client *c, const struct request *r, struct errand **x_out)
{
    struct errand *x;
    struct err e;
    int rc;

    x = start(c, r, &e);
    if (!x) {
        return client_fail(c, &e);
    }
    mem_free(c->token);
    c->token = NULL;
    c->request_id = x->id;
    c->is_cancelled = false;
    c->current = x;
    rc = pump_run(c, x, x->deadline_ms);
    c->current = NULL;
    c->is_cancelled = false;
    c->token = x->event_id ? mem_strdup(x->event_id) : NULL;
    if (rc) {
        return give_up(c, x, r, rc);
    }
    rc = client_note_outcome(c, x);
    if (rc) {
        errand_free(c, x);
        return rc;
    }
    *x_out = x;
    return DMCP_OK;
}
