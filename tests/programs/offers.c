/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Servers that offer prompts and resources; the environment says which in OFFERS: settings,
 * greeting, plain, or all the others. Each has the tool `touch`, which tells the subscribers of
 * a resource that it was updated; with TOUCH in the environment the start does so, too.
 *
 * What is held (held://..., the prompt held) does a step, which appends a line to GATE.log, sends
 * progress, and waits until there is a file GATE.
 */
#include <dmcp.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

/* Of a prompt. */
#define ARG(called, what, is_needed) { .name = called, .description = what, .required = is_needed }
#define END { .name = NULL }

/* ---- held at a gate ---- */

static int append_line(dmcp_call *call, void *gate, dmcp_value **result)
{
    const char *path = dmcp_format(call, "%s.log", (const char *)gate);
    int fd = open(path, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0644);
    bool is_written = fd >= 0 && write(fd, "ran\n", 4) == 4;

    if (fd >= 0) {
        close(fd);
    }
    *result = dmcp_string(call, "ran");
    return is_written ? DMCP_OK : dmcp_fail(call, 1, "cannot write %s", path);
}

static int held(dmcp_call *call)
{
    const struct timespec pause = { .tv_nsec = 1000000 };
    const char *gate = dmcp_arg_str(call, "gate");
    dmcp_value *v;

    DMCP_TRY(dmcp_at_least_once(call, "append", append_line, (void *)(uintptr_t)gate, &v));
    DMCP_TRY(dmcp_progress(call, 1, 2, NULL));
    while (access(gate, F_OK) != 0) {
        nanosleep(&pause, NULL);
    }
    return dmcp_add_text(call, "it %s", dmcp_str(v));
}

/* ---- resources ---- */

static int fixed(dmcp_call *call)
{
    return dmcp_add_text(call, "%s", (const char *)dmcp_call_context(call));
}

static int greeting(dmcp_call *call)
{
    return dmcp_add_text(call, "Hello, %s!", dmcp_arg_str(call, "name"));
}

static int progressing(dmcp_call *call)
{
    DMCP_TRY(dmcp_progress(call, 0.5, 1, NULL));
    return dmcp_add_text(call, "Processed %s", dmcp_arg_str(call, "name"));
}

static int logging(dmcp_call *call)
{
    const char *level = dmcp_arg_str(call, "level");
    bool is_debug = strcmp(level, "debug") == 0;

    DMCP_TRY(dmcp_log(call, is_debug ? DMCP_LOG_DEBUG : DMCP_LOG_INFO, NULL, "at %s", level));
    return dmcp_add_text(call, "Logged at %s", level);
}

static int numbered(dmcp_call *call)
{
    const char *id = dmcp_arg_str(call, "id");

    return strcmp(id, "1") == 0 ? dmcp_reply(call, "{s:s}", "id", id)
                                : dmcp_fail(call, DMCP_E_NOTFOUND, "there is no user %s", id);
}

static int broken(dmcp_call *call)
{
    return dmcp_fail(call, 1, "it is broken");
}

static const dmcp_resource settings[] = {
    { .uri = "config://settings",
      .mime = "application/json",
      .handler = fixed,
      .context = "{\"theme\": \"dark\"}" },
    { .uri = NULL },
};
static const dmcp_resource greetings[] = {
    { .uri = "greeting://{name}", .name = "greeting", .handler = greeting },
    { .uri = NULL },
};
static const dmcp_resource plain[] = {
    { .uri = "template://with-context", .handler = fixed, .context = "with-context-data" },
    { .uri = "template://no-params", .handler = fixed, .context = "no-params-data" },
    { .uri = NULL },
};
static const dmcp_resource all[] = {
    { .uri = "basic://config", .handler = fixed, .context = "config-data" },
    { .uri = "sync://data", .handler = fixed, .context = "sync-data", .durability = DMCP_EPHEMERAL },
    { .uri = "progress://{name}", .handler = progressing },
    { .uri = "logging://{level}", .handler = logging },
    { .uri = "user://{id}", .handler = numbered },
    { .uri = "broken://one", .handler = broken },
    { .uri = "held://{+gate}", .handler = held },
    { .uri = NULL },
};

/* ---- prompts ---- */

static int greet_user(dmcp_call *call)
{
    const char *style = dmcp_arg_str(call, "style");
    bool is_friendly = !style[0] || strcmp(style, "friendly") == 0;

    return dmcp_add_text(call, "Please write a %s greeting for someone named %s.",
                         is_friendly ? "warm, friendly" : style, dmcp_arg_str(call, "name"));
}

static int write_about(dmcp_call *call)
{
    return dmcp_add_text(call, "Please write about %s", dmcp_arg_str(call, "topic"));
}

static int progress_prompt(dmcp_call *call)
{
    DMCP_TRY(dmcp_progress(call, 0.5, 1, NULL));
    return dmcp_add_text(call, "Please analyze %s", dmcp_arg_str(call, "task"));
}

static int logging_prompt(dmcp_call *call)
{
    DMCP_TRY(dmcp_log(call, DMCP_LOG_INFO, NULL, "prompting"));
    return dmcp_add_text(call, "Please explain %s logging", dmcp_arg_str(call, "level"));
}

static int steps_prompt(dmcp_call *call)
{
    DMCP_TRY(dmcp_add_text(call, "First, analyze the problem"));
    dmcp_set_role(call, DMCP_ASSISTANT);
    DMCP_TRY(dmcp_add_text(call, "Then I propose solutions"));
    dmcp_set_role(call, DMCP_USER);
    return dmcp_add_text(call, "Last, evaluate trade-offs");
}

/* In the middle of it the call holds no thread. */
static int later(dmcp_call *call)
{
    DMCP_TRY(dmcp_progress(call, 1, 2, NULL));
    DMCP_TRY(dmcp_sleep(call, 1000));
    return dmcp_add_text(call, "It is later.");
}

static const dmcp_prompt prompts[] = {
    { .name = "greet_user",
      .args = (const dmcp_prompt_arg[]){ ARG("name", "whom", true), ARG("style", "how", false), END },
      .handler = greet_user },
    { .name = "write_about",
      .args = (const dmcp_prompt_arg[]){ ARG("topic", NULL, true), END },
      .handler = write_about },
    { .name = "progress",
      .args = (const dmcp_prompt_arg[]){ ARG("task", NULL, true), END },
      .handler = progress_prompt },
    { .name = "logging",
      .args = (const dmcp_prompt_arg[]){ ARG("level", NULL, true), END },
      .handler = logging_prompt },
    { .name = "steps", .handler = steps_prompt, .durability = DMCP_EPHEMERAL },
    { .name = "broken", .handler = broken },
    { .name = "later", .handler = later },
    { .name = "held",
      .args = (const dmcp_prompt_arg[]){ ARG("gate", NULL, true), END },
      .handler = held },
};

/* ---- updates ---- */

static int touch(dmcp_call *call)
{
    DMCP_TRY(dmcp_resource_updated(call, dmcp_arg_str(call, "uri"), NULL));
    return dmcp_add_text(call, "touched");
}

static int touch_at_start(dmcp_call *call)
{
    const char *uri = getenv("TOUCH");

    return uri && uri[0] ? dmcp_resource_updated(call, uri, NULL) : DMCP_OK;
}

static const dmcp_tool touch_tool = {
    .name = "touch",
    .params = (const dmcp_param[]){ { .name = "uri", .type = DMCP_STRING, .required = true },
                                    { .name = NULL } },
    .handler = touch,
};

int main(int argc, char **argv)
{
    dmcp_server *server = dmcp_server_new("offers", "1.0.0");
    const char *offers = getenv("OFFERS");
    const dmcp_resource *resources = all;

    if (offers && strcmp(offers, "settings") == 0) {
        resources = settings;
    } else if (offers && strcmp(offers, "greeting") == 0) {
        resources = greetings;
    } else if (offers && strcmp(offers, "plain") == 0) {
        resources = plain;
    }
    for (const dmcp_resource *r = resources; r->uri; r++) {
        dmcp_add_resource(server, r);
    }
    for (size_t i = 0; i < sizeof(prompts) / sizeof(prompts[0]); i++) {
        dmcp_add_prompt(server, &prompts[i]);
    }
    dmcp_add_tool(server, &touch_tool);
    dmcp_on_start(server, touch_at_start, NULL);
    return dmcp_server_main(server, argc, argv);
}
