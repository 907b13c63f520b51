/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Calls in a ring that pass a token: `pass` of place i waits until the token of each round is at its
 * place, and gives it to the next one. If one of them misses a write, none comes to its end.
 */
#include <dmcp.h>
#include <stdlib.h>
#include <string.h>

struct place {
    const char *mine;
    int64_t round;
};

static int64_t read_token(dmcp_call *call, const char *key, int *rc_out)
{
    const void *value = "0";

    *rc_out = dmcp_map_get(dmcp_map_open(call, "ring"), key, &value, NULL);
    if (*rc_out == DMCP_E_NOTFOUND) {
        *rc_out = DMCP_OK;
    }
    return strtoll(value, NULL, 10);
}

static int has_token(dmcp_call *call, void *arg, dmcp_value **result)
{
    const struct place *p = arg;
    int rc;
    int64_t at = read_token(call, p->mine, &rc);

    *result = dmcp_integer(call, at);
    return rc != DMCP_OK ? rc : at >= p->round ? DMCP_OK : DMCP_E_AGAIN;
}

/* The state counts the tokens that were passed on. */
static int one_round(dmcp_call *call, dmcp_iteration *it)
{
    int64_t place = dmcp_arg_int(call, "place"), n = dmcp_arg_int(call, "places");
    struct place p = { dmcp_format(call, "%lld", (long long)place), (int64_t)it->index + 1 };
    int64_t next = place + 1 < n ? place + 1 : 0;
    const char *to = dmcp_format(call, "%lld", (long long)next);
    const char *round = dmcp_format(call, "%lld", (long long)(p.round + (next == 0)));

    DMCP_TRY(dmcp_until(call, "token", has_token, &p, 0, NULL));
    DMCP_TRY(dmcp_map_insert(dmcp_map_open(call, "ring"), to, round, strlen(round)));
    it->state = dmcp_integer(call, (it->state ? dmcp_int(it->state) : 0) + 1);
    it->is_last = p.round == dmcp_arg_int(call, "rounds");
    return DMCP_OK;
}

static int pass(dmcp_call *call)
{
    dmcp_value *n;

    DMCP_TRY(dmcp_loop(call, "rounds", 0, one_round, NULL, &n));
    return dmcp_reply(call, "{s:v}", "passed", n);
}

/* The first token, once. */
static int begin(dmcp_call *call)
{
    int rc;
    int64_t at = read_token(call, "0", &rc);

    return rc != DMCP_OK || at > 0 ? rc : dmcp_map_insert(dmcp_map_open(call, "ring"), "0", "1", 1);
}

int main(int argc, char **argv)
{
    dmcp_server *server = dmcp_server_new("ring", "1.0.0");
    const dmcp_param params[] = {
        { .name = "place", .type = DMCP_INTEGER, .required = true },
        { .name = "places", .type = DMCP_INTEGER, .required = true },
        { .name = "rounds", .type = DMCP_INTEGER, .required = true },
        { .name = NULL },
    };

    dmcp_add_tool(server, &(dmcp_tool){ .name = "pass", .params = params, .handler = pass });
    dmcp_on_start(server, begin, NULL);
    return dmcp_server_main(server, argc, argv);
}
