/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A server that changes what it offers while it runs.
 *
 *   offer     adds a tool, prompt or resource; keep: also after a restart
 *   withdraw  removes it
 *   churn     adds and removes tools by threads of its own: for each round one of two names, and
 *             both are gone in the end
 *
 * What is offered sleeps for MS milliseconds if the caller says so, waits until there is a file
 * GATE, and tells its own name.
 */
#include <dmcp.h>
#include <pthread.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

static int visit(dmcp_call *call)
{
    const struct timespec pause = { .tv_nsec = 1000000 };
    const char *gate = dmcp_arg_str(call, "gate");
    int64_t ms = dmcp_arg_int(call, "ms");

    if (ms > 0) {
        DMCP_TRY(dmcp_sleep(call, (uint64_t)ms));
    }
    while (gate[0] && access(gate, F_OK) != 0) {
        nanosleep(&pause, NULL);
    }
    return dmcp_add_text(call, "this is %s", dmcp_call_tool(call));
}

static const dmcp_param visit_params[] = { { .name = "gate", .type = DMCP_STRING },
                                           { .name = "ms", .type = DMCP_INTEGER },
                                           { .name = NULL } };

/* ---- one at a time ---- */

/* By "kind/name". */
static int add(dmcp_server *server, const char *key)
{
    const char *name = strchr(key, '/') + 1;

    switch (key[0]) {
    case 't':
        return dmcp_add_tool(server, &(dmcp_tool){ .name = name,
                                                   .params = visit_params,
                                                   .handler = visit });
    case 'p':
        return dmcp_add_prompt(server, &(dmcp_prompt){ .name = name, .handler = visit });
    default:
        return dmcp_add_resource(server, &(dmcp_resource){ .uri = name, .handler = visit });
    }
}

static const char *key_of(dmcp_call *call)
{
    return dmcp_format(call, "%s/%s", dmcp_arg_str(call, "kind"), dmcp_arg_str(call, "name"));
}

/* A handler that runs again finds what it added before, or does not find what it removed: both are as
 * they should be. */
static int offer(dmcp_call *call)
{
    const char *key = key_of(call);
    int rc;

    if (dmcp_arg_bool(call, "keep")) {
        DMCP_TRY(dmcp_map_insert(dmcp_map_open(call, "offers"), key, "", 0));
    }
    rc = add(dmcp_call_server(call), key);
    return rc == DMCP_OK || rc == DMCP_E_CONFLICT ? dmcp_reply(call, "s", "offered") : rc;
}

static int withdraw(dmcp_call *call)
{
    dmcp_server *server = dmcp_call_server(call);
    const char *key = key_of(call), *name = strchr(key, '/') + 1;
    int rc = key[0] == 't'   ? dmcp_remove_tool(server, name)
             : key[0] == 'p' ? dmcp_remove_prompt(server, name)
                             : dmcp_remove_resource(server, name);

    DMCP_TRY(dmcp_map_remove(dmcp_map_open(call, "offers"), key));
    return rc == DMCP_OK || rc == DMCP_E_NOTFOUND ? dmcp_reply(call, "s", "withdrawn") : rc;
}

static int offer_kept(dmcp_call *call)
{
    const dmcp_entry *entries;
    size_t n;

    DMCP_TRY(dmcp_map_prefix(dmcp_map_open(call, "offers"), "", 1000, &entries, &n));
    for (size_t i = 0; i < n; i++) {
        DMCP_TRY(add(dmcp_call_server(call), entries[i].key));
    }
    return DMCP_OK;
}

/* ---- many at a time ---- */

struct churn {
    dmcp_server *server;
    const char *name;
    int64_t n_rounds;
    int n_failures;
};

static void *churn_main(void *arg)
{
    struct churn *c = arg;

    for (int64_t i = 0; i < c->n_rounds; i++) {
        c->n_failures += add(c->server, c->name) != DMCP_OK;
        c->n_failures += dmcp_remove_tool(c->server, strchr(c->name, '/') + 1) != DMCP_OK;
    }
    return NULL;
}

static int churn(dmcp_call *call)
{
    struct churn work[] = { { .name = "tool/churn-1" }, { .name = "tool/churn-2" } };
    pthread_t threads[2];

    for (int i = 0; i < 2; i++) {
        work[i].server = dmcp_call_server(call);
        work[i].n_rounds = dmcp_arg_int(call, "rounds");
        if (pthread_create(&threads[i], NULL, churn_main, &work[i]) != 0) {
            return dmcp_fail(call, 1, "no thread");
        }
    }
    for (int i = 0; i < 2; i++) {
        pthread_join(threads[i], NULL);
    }
    return dmcp_reply(call, "i", work[0].n_failures + work[1].n_failures);
}

/* ---- what is there at the start ---- */

static const dmcp_param thing_params[] = {
    { .name = "kind", .type = DMCP_STRING, .required = true,
      .schema = "{\"enum\":[\"tool\",\"prompt\",\"resource\"]}" },
    { .name = "name", .type = DMCP_STRING, .required = true },
    { .name = "keep", .type = DMCP_BOOLEAN },
    { .name = NULL },
};

static const dmcp_tool tools[] = {
    { .name = "offer", .params = thing_params, .handler = offer },
    { .name = "withdraw", .params = thing_params, .handler = withdraw },
    { .name = "churn",
      .params = (const dmcp_param[]){ { .name = "rounds", .type = DMCP_INTEGER, .required = true },
                                      { .name = NULL } },
      .handler = churn,
      .durability = DMCP_EPHEMERAL },
};

int main(int argc, char **argv)
{
    dmcp_server *server = dmcp_server_new("changing", "1.0.0");

    for (size_t i = 0; i < sizeof(tools) / sizeof(tools[0]); i++) {
        dmcp_add_tool(server, &tools[i]);
    }
    dmcp_server_expect(server, DMCP_PROMPTS);
    dmcp_on_start(server, offer_kept, NULL);
    return dmcp_server_main(server, argc, argv);
}
