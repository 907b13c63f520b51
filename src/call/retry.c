/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Trying a step's body again: the policies' defaults, and waiting until it is time or the server
 * stops. A short wait holds the worker's thread; a longer one suspends the call with a timer, and
 * the journal's rows of these waits tell the next attempt which try it is at. When to try again
 * is the guards' business.
 */
#include "base/clock.h"
#include "base/retry.h"
#include "call/internal.h"

#define DEFAULT_FIRST_MS 100
#define DEFAULT_MAX_MS 5000
#define MOMENT_MS 1000 /* a longer wait gives the thread back */
#define GLANCE_NS 20000000u /* how often a waiting thread looks whether the server stops */

struct dmcp_retry retry_policy(struct dmcp_retry given, unsigned max_attempts)
{
    return (struct dmcp_retry){
        .max_attempts = given.max_attempts ? given.max_attempts : max_attempts,
        .first_ms = given.first_ms ? given.first_ms : DEFAULT_FIRST_MS,
        .max_ms = given.max_ms ? given.max_ms : DEFAULT_MAX_MS,
    };
}

static int wait_here(dmcp_call *call, uint32_t delay_ms)
{
    struct mailbox nothing; /* nobody writes to it, so its wait is over when its time is */
    uint64_t now = clock_mono_ns(), end = now + (uint64_t)delay_ms * 1000000u;
    bool is_stopping;

    mailbox_init(&nothing, NULL, NULL);
    while (!(is_stopping = atomic_load(call->env->is_stopping)) && now < end) {
        (void)mailbox_wait(&nothing, end - now < GLANCE_NS ? end : now + GLANCE_NS);
        now = clock_mono_ns();
    }
    mailbox_fini(&nothing);
    if (is_stopping) {
        return call_poison(call, DMCP_E_STOPPING, "the server is stopping");
    }
    return DMCP_OK;
}

/* The wait behind the try number `attempt` of a step. */
static struct wait long_wait(dmcp_call *call, struct str step, unsigned attempt)
{
    struct str parts[] = { step, str_of(dmcp_format(call, "%u", attempt)) };
    struct wait w = { .call = call };

    w.what = dmcp_format(call, "the wait behind try %u of step \"%.*s\"", attempt, STR_FMT(step));
    w.alias = journal_alias(call, ALIAS_RETRY, parts, COUNT_OF(parts));
    return w;
}

int retry_wait(dmcp_call *call, const struct dmcp_retry *policy, struct str step,
               unsigned attempt)
{
    struct retry schedule = { policy->max_attempts, policy->first_ms, policy->max_ms };
    struct str ignored;
    struct wait w;
    uint64_t random;
    uint32_t delay_ms;
    int rc;

    random_bytes(&random, sizeof(random));
    delay_ms = retry_delay_ms(&schedule, attempt, random);
    if (delay_ms <= MOMENT_MS || !call_is_journaled(call)) {
        return wait_here(call, delay_ms);
    }
    w = long_wait(call, step, attempt);
    w.timeout_ms = delay_ms;
    rc = wait_for(&w, &ignored);
    return rc == DMCP_E_TIMEOUT ? DMCP_OK : rc;
}

int retry_resume(dmcp_call *call, struct str step, unsigned *attempt)
{
    struct entry entry;
    struct wait w;
    int rc;

    for (;;) {
        w = long_wait(call, step, *attempt);
        rc = journal_find(call, w.alias, &entry);
        if (rc == DMCP_E_NOTFOUND) {
            return DMCP_OK;
        }
        if (rc != DMCP_OK) {
            return rc;
        }
        if (entry.state == STEP_STARTED) {
            return call_poison(call, DMCP_E_SUSPENDED, "%s is not over", w.what);
        }
        (*attempt)++;
    }
}
