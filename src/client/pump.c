/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Waiting: all errands of a client go on while any function waits for one of them.
 *
 * A turn lets libcurl read and write what it can, hands what came to the errands (this is where
 * the user's callbacks run), then sleeps until a socket is ready, an errand is due, the caller's
 * time is up or another thread interrupts.
 */
#include "base/clock.h"
#include "base/log.h"
#include "client/client.h"

#define LONGEST_SLEEP_MS 60000

static void note_done(struct dmcp_client *c)
{
    CURLMsg *message;
    int left;

    while ((message = curl_multi_info_read(c->wire.multi, &left)) != NULL) {
        struct transfer *t;

        if (message->msg == CURLMSG_DONE) {
            curl_easy_getinfo(message->easy_handle, CURLINFO_PRIVATE, (char **)&t);
            t->code = message->data.result;
            t->is_done = true;
        }
    }
}

/* Nobody waits for a notice. */
static bool has_no_owner(const struct dmcp_client *c, const struct errand *x)
{
    return x->kind == ERRAND_NOTICE && x != c->current;
}

static void work(struct dmcp_client *c)
{
    struct link *k;
    int running;

    (void)curl_multi_perform(c->wire.multi, &running); /* fails for misuse only */
    note_done(c);
    wire_reap(&c->wire);
    for (k = list_first(&c->errands); k;) {
        struct errand *x = CONTAINER_OF(k, struct errand, link);

        errand_advance(c, x, clock_mono_ms());
        k = list_next(&c->errands, k);
        if (x->state == ERRAND_DONE && has_no_owner(c, x)) {
            if (x->error.code) {
                log_warning("client: a message was not accepted: %s", x->error.text);
            }
            errand_free(c, x);
        }
    }
}

static void sleep_until(struct dmcp_client *c, uint64_t now_ms, uint64_t until_ms)
{
    uint64_t ms;

    for (struct link *k = list_first(&c->errands); k; k = list_next(&c->errands, k)) {
        uint64_t wake_ms = errand_wake_ms(c, CONTAINER_OF(k, struct errand, link));

        until_ms = wake_ms < until_ms ? wake_ms : until_ms;
    }
    ms = until_ms > now_ms ? until_ms - now_ms : 0;
    if (ms > LONGEST_SLEEP_MS) {
        ms = LONGEST_SLEEP_MS;
    }
    (void)curl_multi_poll(c->wire.multi, NULL, 0, (int)ms, NULL); /* the next turn looks */
}

int pump_run(struct dmcp_client *c, const struct errand *x, uint64_t until_ms)
{
    for (;;) {
        uint64_t now_ms;

        work(c);
        if (x && errand_is_settled(x)) {
            return DMCP_OK;
        }
        if (c->is_cancelled) {
            return DMCP_E_CANCELLED;
        }
        if (atomic_exchange(&c->is_interrupted, false)) {
            return DMCP_E_INTERRUPTED;
        }
        if (c->listener && c->listener->state == ERRAND_DONE && !x) {
            return c->listener->error.code;
        }
        now_ms = clock_mono_ms();
        if (now_ms >= until_ms) {
            return DMCP_E_TIMEOUT;
        }
        sleep_until(c, now_ms, until_ms);
    }
}

static bool has_notices(const struct dmcp_client *c)
{
    for (struct link *k = list_first(&c->errands); k; k = list_next(&c->errands, k)) {
        if (CONTAINER_OF(k, struct errand, link)->kind == ERRAND_NOTICE) {
            return true;
        }
    }
    return false;
}

int pump_flush(struct dmcp_client *c, uint64_t until_ms)
{
    while (has_notices(c)) {
        uint64_t now_ms;

        work(c);
        now_ms = clock_mono_ms();
        if (now_ms >= until_ms && has_notices(c)) {
            return DMCP_E_TIMEOUT;
        }
        if (has_notices(c)) {
            sleep_until(c, now_ms, until_ms);
        }
    }
    return DMCP_OK;
}
