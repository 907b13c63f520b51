/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The servers of the acceptance scenarios. Each has a tool `add`, which does what ADD in the
 * environment names besides adding, and then waits for the tool `finish`: in memory, so that a
 * server that was killed knows nothing of it. The rest is alike in all of them.
 *
 * A step's body appends the line "ran" to the file that COUNT names.
 */
#include <dmcp.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* ---- add and finish ---- */

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static pthread_cond_t finished = PTHREAD_COND_INITIALIZER;
static bool is_finished;

static void await_finish(void)
{
    pthread_mutex_lock(&lock);
    while (!is_finished) {
        pthread_cond_wait(&finished, &lock);
    }
    pthread_mutex_unlock(&lock);
}

static int finish(dmcp_call *call)
{
    pthread_mutex_lock(&lock);
    is_finished = true;
    pthread_cond_broadcast(&finished);
    pthread_mutex_unlock(&lock);
    return dmcp_add_text(call, "finished");
}

static int64_t sum(dmcp_call *call)
{
    return dmcp_arg_int(call, "a") + dmcp_arg_int(call, "b");
}

static int insert(dmcp_call *call)
{
    const char *key = dmcp_format(call, "%d + %d", (int)dmcp_arg_int(call, "a"),
                                  (int)dmcp_arg_int(call, "b"));

    return dmcp_map_insert(dmcp_map_open(call, "adds"), key, "", 0);
}

static int reply_when_finished(dmcp_call *call)
{
    await_finish();
    return dmcp_reply(call, "I", sum(call));
}

static int add_plain(dmcp_call *call)
{
    return dmcp_reply(call, "I", sum(call));
}

static int add_with_progress(dmcp_call *call)
{
    DMCP_TRY(insert(call));
    DMCP_TRY(dmcp_progress(call, 0.5, 1, NULL));
    return reply_when_finished(call);
}

static int add_with_message(dmcp_call *call)
{
    DMCP_TRY(insert(call));
    DMCP_TRY(dmcp_log(call, DMCP_LOG_INFO, NULL, "Hello, logging!"));
    return reply_when_finished(call);
}

static int add_with_change(dmcp_call *call, dmcp_list list)
{
    DMCP_TRY(insert(call));
    DMCP_TRY(dmcp_list_changed(call, list, "For testing"));
    DMCP_TRY(dmcp_progress(call, 0.5, 1, NULL));
    return reply_when_finished(call);
}

static int add_with_tools(dmcp_call *call)
{
    return add_with_change(call, DMCP_TOOLS);
}

static int add_with_prompts(dmcp_call *call)
{
    return add_with_change(call, DMCP_PROMPTS);
}

static int add_with_resources(dmcp_call *call)
{
    return add_with_change(call, DMCP_RESOURCES);
}

static int add_with_late_change(dmcp_call *call)
{
    DMCP_TRY(insert(call));
    DMCP_TRY(dmcp_progress(call, 0.5, 1, NULL));
    await_finish();
    DMCP_TRY(dmcp_list_changed(call, DMCP_RESOURCES, "For testing"));
    return reply_when_finished(call);
}

static int side_effect(dmcp_call *call, void *arg, dmcp_value **result)
{
    const char *path = getenv("COUNT");
    int fd = open(path ? path : "", O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0644);
    bool is_written = fd >= 0 && write(fd, "ran\n", 4) == 4;

    (void)arg;
    if (fd >= 0) {
        close(fd);
    }
    *result = dmcp_integer(call, sum(call));
    return is_written ? DMCP_OK : dmcp_fail(call, 1, "cannot write to COUNT");
}

static int reply_with(dmcp_call *call, const dmcp_value *result)
{
    DMCP_TRY(dmcp_log(call, DMCP_LOG_INFO, NULL, "Hello, logging!"));
    await_finish();
    return dmcp_reply(call, "I", dmcp_int(result));
}

static int add_at_least_once(dmcp_call *call)
{
    dmcp_value *v;

    DMCP_TRY(dmcp_at_least_once(call, "Do side-effect _idempotently_", side_effect, NULL, &v));
    return reply_with(call, v);
}

static int add_at_most_once(dmcp_call *call)
{
    dmcp_value *v;

    DMCP_TRY(dmcp_at_most_once(call, "Do side-effect", side_effect, NULL, &v));
    return reply_with(call, v);
}

static const struct {
    const char *name;
    dmcp_handler_fn *handler;
} adds[] = {
    { "plain", add_plain },
    { "progress", add_with_progress },
    { "message", add_with_message },
    { "tools", add_with_tools },
    { "prompts", add_with_prompts },
    { "resources", add_with_resources },
    { "late", add_with_late_change },
    { "at_least_once", add_at_least_once },
    { "at_most_once", add_at_most_once },
};

static dmcp_handler_fn *chosen_add(void)
{
    const char *name = getenv("ADD");

    for (size_t i = 0; name && i < sizeof(adds) / sizeof(adds[0]); i++) {
        if (strcmp(adds[i].name, name) == 0) {
            return adds[i].handler;
        }
    }
    return add_plain;
}

/* ---- looking ---- */

static int show_adds(dmcp_call *call)
{
    dmcp_value *keys = dmcp_pack(call, "[]");
    const dmcp_entry *entries;
    size_t n;

    DMCP_TRY(dmcp_map_range(dmcp_map_open(call, "adds"), NULL, NULL, 100, &entries, &n));
    for (size_t i = 0; i < n; i++) {
        DMCP_TRY(dmcp_array_add(call, keys, dmcp_string(call, entries[i].key)));
    }
    return dmcp_reply(call, "{s:v}", "adds", keys);
}

static int announce(dmcp_call *call)
{
    for (int list = DMCP_TOOLS; list <= DMCP_RESOURCES; list++) {
        DMCP_TRY(dmcp_list_changed(call, (dmcp_list)list, "announced"));
    }
    return dmcp_add_text(call, "announced");
}

static int echo(dmcp_call *call)
{
    return dmcp_reply(call, "{s:v}", "value", dmcp_arg(call, "value"));
}

/* ---- asking ---- */

static int ask_day(dmcp_call *call, const char *alias, const char *message, const char **day_out)
{
    const dmcp_question question = {
        .alias = alias,
        .message = message,
        .schema =
            "{\"type\":\"object\",\"properties\":{\"checkAlternative\":{\"type\":\"boolean\"},"
            "\"alternativeDate\":{\"type\":\"string\",\"default\":\"2024-12-26\"}},"
            "\"required\":[\"checkAlternative\"]}",
    };
    const dmcp_value *form;
    dmcp_action action;

    DMCP_TRY(dmcp_elicit(call, &question, &action, &form));
    *day_out = action == DMCP_ACCEPT && dmcp_bool(dmcp_get(form, "checkAlternative"))
                   ? dmcp_str(dmcp_get(form, "alternativeDate"))
                   : "none";
    return DMCP_OK;
}

static int book_table(dmcp_call *call)
{
    const char *day;

    DMCP_TRY(ask_day(call, "another day", "No tables available. Would another day do?", &day));
    if (strcmp(day, "none") == 0) {
        return dmcp_add_text(call, "[CANCELLED] No booking was made");
    }
    return dmcp_add_text(call, "[SUCCESS] Booked for %s", day);
}

static int book_twice(dmcp_call *call)
{
    const char *lunch, *dinner;

    DMCP_TRY(ask_day(call, "lunch", "When?", &lunch));
    DMCP_TRY(ask_day(call, "dinner", "When?", &dinner));
    return dmcp_add_text(call, "lunch %s, dinner %s", lunch, dinner);
}

/* ---- the server ---- */

#define END                                                                                        \
    {                                                                                              \
        .name = NULL                                                                               \
    }

static const dmcp_param add_params[] = {
    { .name = "a", .type = DMCP_INTEGER, .required = true },
    { .name = "b", .type = DMCP_INTEGER, .required = true },
    END,
};

static const dmcp_param echo_params[] = {
    { .name = "value", .type = DMCP_ANY, .required = true },
    END,
};

static const dmcp_tool tools[] = {
    { .name = "finish", .handler = finish },
    { .name = "adds", .handler = show_adds, .durability = DMCP_EPHEMERAL },
    { .name = "announce", .handler = announce },
    { .name = "echo", .params = echo_params, .handler = echo },
    { .name = "book_table", .handler = book_table },
    { .name = "book_twice", .handler = book_twice },
};

int main(int argc, char **argv)
{
    dmcp_server *server = dmcp_server_new("acceptance", "1.0.0");

    dmcp_add_tool(server, &(dmcp_tool){ .name = "add",
                                        .description = "Add two integers.",
                                        .params = add_params,
                                        .handler = chosen_add() });
    for (size_t i = 0; i < sizeof(tools) / sizeof(tools[0]); i++) {
        dmcp_add_tool(server, &tools[i]);
    }
    dmcp_add_resource(server, &(dmcp_resource){ .uri = "table://today", .handler = book_table });
    dmcp_add_prompt(server, &(dmcp_prompt){ .name = "table", .handler = book_table });
    return dmcp_server_main(server, argc, argv);
}
