/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Trying a step's body again: the policies' defaults, and waiting until it is time or the server
 * stops. A short wait holds the worker's thread; a longer one suspends the call with a timer. These
 * leave rows in the journal, numbered, each with the number of the try before it, so that the next
 * attempt knows which try it is at. When to try again is the guards' business.
 */
#include "base/clock.h"
#include "base/retry.h"
#include "call/internal.h"

#define DEFAULT_FIRST_MS 100
#define DEFAULT_MAX_MS 5000
#define MOMENT_MS 1000      /* a longer wait gives the thread back */
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
    while (!(is_stopping = atomic_load(call->env->is_stopping)) && !call_is_cancelled(call) &&
           now < end) {
        (void)mailbox_wait(&nothing, end - now < GLANCE_NS ? end : now + GLANCE_NS);
        now = clock_mono_ns();
    }
    mailbox_fini(&nothing);
    if (is_stopping) {
        return call_poison(call, DMCP_E_STOPPING, "the server is stopping");
    }
    return DMCP_OK;
}

static struct wait long_wait(dmcp_call *call, struct str step, unsigned number)
{
    struct str parts[] = { step, str_of(dmcp_format(call, "%u", number)) };
    struct wait w = { .call = call };

    w.what = dmcp_format(call, "wait %u between tries of step \"%.*s\"", number, STR_FMT(step));
    w.alias = journal_alias(call, ALIAS_RETRY, parts, COUNT_OF(parts));
    return w;
}

int retry_wait(dmcp_call *call, const struct dmcp_retry *policy, struct str step,
               struct tries *tries)
{
    struct retry schedule = { policy->max_attempts, policy->first_ms, policy->max_ms };
    struct str ignored;
    struct wait w;
    uint64_t random;
    uint32_t delay_ms;
    int rc;

    random_bytes(&random, sizeof(random));
    delay_ms = retry_delay_ms(&schedule, tries->n, random);
    if (delay_ms <= MOMENT_MS || !call_is_journaled(call)) {
        tries->n++;
        return wait_here(call, delay_ms);
    }
    w = long_wait(call, step, tries->n_waits + 1);
    w.timeout_ms = delay_ms;
    w.body = str_of(dmcp_format(call, "%u", tries->n));
    rc = wait_for(&w, &ignored);
    if (rc == DMCP_E_TIMEOUT) {
        tries->n++;
        tries->n_waits++;
        rc = DMCP_OK;
    }
    return rc;
}

/* One long wait: DMCP_OK when it is over. */
static int pass_wait(dmcp_call *call, const struct wait *w, const struct entry *entry,
                     struct tries *tries)
{
    uint64_t n;

    if (entry->state == STEP_STARTED && call_is_cancelled(call)) {
        wait_drop(call, GUARD_INPUT, w->alias);
        return call_fail_cancelled(call);
    }
    if (entry->state == STEP_STARTED) {
        return call_poison(call, DMCP_E_SUSPENDED, "%s is not over", w->what);
    }
    if (str_to_u64(entry->body, UINT32_MAX - 1, &n) != DMCP_OK) {
        return call_fail(call, DMCP_E_CORRUPT, "%s: its row cannot be read", w->what);
    }
    tries->n = (unsigned)n + 1;
    tries->n_waits++;
    return DMCP_OK;
}

int retry_resume(dmcp_call *call, struct str step, struct tries *tries_out)
{
    struct tries tries = { .n = 1 };
    struct entry entry;
    struct wait w;
    int rc = call->is_fresh ? DMCP_E_NOTFOUND : DMCP_OK;

    while (rc == DMCP_OK) {
        w = long_wait(call, step, tries.n_waits + 1);
        rc = journal_find(call, w.alias, &entry);
        if (rc == DMCP_OK) {
            rc = pass_wait(call, &w, &entry, &tries);
        }
    }
    *tries_out = tries;
    return rc == DMCP_E_NOTFOUND ? DMCP_OK : rc;
}
