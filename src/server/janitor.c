/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The share of the sweep. See janitor.h.
 */
#include "server/janitor.h"

#define LOOKS 500 /* rows of a command: one takes about half a millisecond */
#define DELETIONS 200
#define START_NS UINT64_C(1000000000) /* a start has other things to do */
#define REST 19                       /* times what a command took: a share of 5 %, */
#define DEBT 1000                     /* of 10 % with this debt, of 20 % with three times that, */
#define REST_MIN 1                    /* and so on up to 50 % */
#define REST_MAX_NS UINT64_C(1000000000)

void janitor_begin(struct janitor *j, uint64_t now_ns)
{
    j->rest_until_ns = now_ns + START_NS;
}

uint64_t janitor_deadline_ns(const struct janitor *j, const struct engine *e)
{
    uint64_t due_ms = engine_sweep_due(e);

    if (due_ms > UINT64_MAX / 1000000) {
        return UINT64_MAX;
    }
    return due_ms * 1000000 > j->rest_until_ns ? due_ms * 1000000 : j->rest_until_ns;
}

struct command *janitor_command(void)
{
    struct command *c = command_new(CMD_SWEEP);

    c->sweep.n_looks = LOOKS;
    c->sweep.n_deletions = DELETIONS;
    return c;
}

void janitor_rest(struct janitor *j, const struct engine *e, uint64_t began_ns, uint64_t ended_ns)
{
    uint64_t rest = (REST + 1) * DEBT / (DEBT + engine_sweep_debt(e));
    uint64_t rest_ns = (ended_ns - began_ns) * (rest > REST_MIN ? rest : REST_MIN);

    j->rest_until_ns = ended_ns + (rest_ns < REST_MAX_NS ? rest_ns : REST_MAX_NS);
}
