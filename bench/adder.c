/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The server that is measured: three tools that add two numbers, and differ only in what is kept.
 *
 *   peek   ephemeral: nothing is written
 *   plain  durable, without steps: the call and its result are on disk before the answer leaves
 *   add    durable, the sum computed in an at-least-once step
 *
 * It uses nothing but the public header, as any server does.
 */
#include <dmcp.h>

#define SUM_TOO_BIG 1

static int sum_of(dmcp_call *call, int64_t *sum_out)
{
    if (__builtin_add_overflow(dmcp_arg_int(call, "a"), dmcp_arg_int(call, "b"), sum_out)) {
        return dmcp_fail(call, SUM_TOO_BIG, "the sum does not fit in 64 bits");
    }
    return DMCP_OK;
}

static int reply_sum(dmcp_call *call)
{
    int64_t sum;

    DMCP_TRY(sum_of(call, &sum));
    return dmcp_reply(call, "I", sum);
}

static int sum_body(dmcp_call *call, void *arg, dmcp_value **result)
{
    int64_t sum;

    (void)arg;
    DMCP_TRY(sum_of(call, &sum));
    *result = dmcp_integer(call, sum);
    return DMCP_OK;
}

static int add(dmcp_call *call)
{
    dmcp_value *sum;

    DMCP_TRY(dmcp_at_least_once(call, "sum", sum_body, NULL, &sum));
    return dmcp_reply_value(call, sum);
}

static const dmcp_param params[] = {
    { "a", DMCP_INTEGER, "a number", .required = true },
    { "b", DMCP_INTEGER, "the number to add to it", .required = true },
    { 0 },
};

int main(int argc, char **argv)
{
    dmcp_server *server = dmcp_server_new("adder", "1.0.0");

    dmcp_add_tool(server, &(dmcp_tool){ .name = "peek",
                                        .description = "Add two numbers, and keep nothing.",
                                        .params = params,
                                        .handler = reply_sum,
                                        .durability = DMCP_EPHEMERAL });
    dmcp_add_tool(server, &(dmcp_tool){ .name = "plain",
                                        .description = "Add two numbers durably, without a step.",
                                        .params = params,
                                        .handler = reply_sum });
    dmcp_add_tool(server, &(dmcp_tool){ .name = "add",
                                        .description = "Add two numbers durably, in one step.",
                                        .params = params,
                                        .handler = add });
    return dmcp_server_main(server, argc, argv);
}
