/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Trying a step's body again: the policies' defaults, and waiting in the worker's thread until it
 * is time or the server stops. When to try again is the guards' business.
 */
#include "base/clock.h"
#include "base/retry.h"
#include "call/internal.h"

#define DEFAULT_FIRST_MS 100
#define DEFAULT_MAX_MS 5000
#define GLANCE_NS 20000000u /* how often a waiting thread looks whether the server stops */

struct dmcp_retry retry_policy(struct dmcp_retry given, unsigned max_attempts)
{
    return (struct dmcp_retry){
        .max_attempts = given.max_attempts ? given.max_attempts : max_attempts,
        .first_ms = given.first_ms ? given.first_ms : DEFAULT_FIRST_MS,
        .max_ms = given.max_ms ? given.max_ms : DEFAULT_MAX_MS,
    };
}

int retry_wait(dmcp_call *call, const struct dmcp_retry *policy, unsigned attempt)
{
    struct retry schedule = { policy->max_attempts, policy->first_ms, policy->max_ms };
    struct mailbox nothing; /* nobody writes to it, so its wait is over when its time is */
    uint64_t random, now = clock_mono_ns(), end;
    bool is_stopping;

    random_bytes(&random, sizeof(random));
    end = now + (uint64_t)retry_delay_ms(&schedule, attempt, random) * 1000000u;
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
