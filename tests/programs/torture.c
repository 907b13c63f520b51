/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A server whose one tool, `run`, does what a test tells it to: steps under each guard, with waits,
 * failures and crashes at a chosen place.
 *
 *   {"id":string, "log":path, "steps":[{"alias", "guard", "before_ms", "after_ms", "fail", "crash"}]}
 *
 * A step waits for before_ms, does what it is for, crashes if it is told to (each time that it
 * comes so far), waits for after_ms, and fails if it is told to. What it is for, by its guard:
 *
 *   at_least_once, at_most_once   its body appends the line `<id> <alias>` to the log, in one write,
 *                                 so that a test can count how often each body really ran. Waits,
 *                                 crash and failure are the body's. Retries are the library's
 *                                 defaults; "retryable" is listed as harmless, "final" is not
 *   none                          the same without a guard: once in each attempt of the call
 *   map                           inserts `<id>/<alias>` into the map `torture`
 *   sleep                         sleeps for before_ms and after_ms together, durably
 *   elicit                        asks the user for {"ok":boolean}
 *   signal                        waits for the signal of the step's alias
 *   until                         waits for what a map step of this id and alias inserts
 *
 * The result is {"steps":[{"alias":...,"outcome":...}]} in order; an outcome is one of ok,
 * attempted (an at-most-once step was begun in an attempt that did not end), failed, declined,
 * cancelled (by the user who was asked, or the whole call).
 */
#include <dmcp.h>
#include <fcntl.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

enum { FAIL_RETRYABLE = 1, FAIL_FINAL = 2, FAIL_LOG = 3 };

struct step {
    const char *id, *log, *alias, *guard, *fail, *crash;
    int64_t before_ms, after_ms;
};

static void pause_ms(int64_t ms)
{
    struct timespec t = { .tv_sec = ms / 1000, .tv_nsec = (ms % 1000) * 1000000 };

    if (ms > 0) {
        nanosleep(&t, NULL);
    }
}

static int append_line(dmcp_call *call, const struct step *s)
{
    const char *line = dmcp_format(call, "%s %s\n", s->id, s->alias);
    int fd = open(s->log, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0644);
    ssize_t n = fd < 0 ? -1 : write(fd, line, strlen(line));

    if (fd >= 0) {
        close(fd);
    }
    return n == (ssize_t)strlen(line) ? DMCP_OK
                                      : dmcp_fail(call, FAIL_LOG, "cannot write to %s", s->log);
}

/* What comes behind that for which the step is there. */
static int end_step(dmcp_call *call, const struct step *s)
{
    if (strcmp(s->crash, "abort") == 0) {
        abort();
    } else if (strcmp(s->crash, "segv") == 0) {
        raise(SIGSEGV);
    }
    pause_ms(s->after_ms);
    if (strcmp(s->fail, "retryable") == 0) {
        return dmcp_fail(call, FAIL_RETRYABLE, "step %s failed as it was told to", s->alias);
    } else if (strcmp(s->fail, "final") == 0) {
        return dmcp_fail(call, FAIL_FINAL, "step %s failed for good as it was told to", s->alias);
    }
    return DMCP_OK;
}

static int body(dmcp_call *call, void *arg, dmcp_value **result)
{
    const struct step *s = arg;

    pause_ms(s->before_ms);
    DMCP_TRY(append_line(call, s));
    DMCP_TRY(end_step(call, s));
    *result = dmcp_string(call, s->alias);
    return DMCP_OK;
}

static int map_step(dmcp_call *call, const struct step *s)
{
    const char *key = dmcp_format(call, "%s/%s", s->id, s->alias);

    pause_ms(s->before_ms);
    DMCP_TRY(dmcp_map_insert(dmcp_map_as(call, "torture", s->alias), key, "", 0));
    return end_step(call, s);
}

static int sleep_step(dmcp_call *call, struct step *s)
{
    DMCP_TRY(dmcp_sleep(call, (uint64_t)(s->before_ms + s->after_ms)));
    s->after_ms = 0;
    return end_step(call, s);
}

/* Asks for {"ok":boolean}; outcome_out is set for what is not simply ok. */
static int elicit_step(dmcp_call *call, const struct step *s, const char **outcome_out)
{
    const dmcp_question question = {
        .alias = s->alias,
        .message = dmcp_format(call, "Shall %s of %s go on?", s->alias, s->id),
        .params = (dmcp_param[]){ { .name = "ok", .type = DMCP_BOOLEAN, .required = true },
                                  { .name = NULL } },
    };
    dmcp_action action;

    pause_ms(s->before_ms);
    DMCP_TRY(dmcp_elicit(call, &question, &action, NULL));
    *outcome_out = action == DMCP_DECLINE ? "declined" : action == DMCP_CANCEL ? "cancelled" : "ok";
    return end_step(call, s);
}

/* What was sent with the signal is the outcome, when it is a string. */
static int signal_step(dmcp_call *call, const struct step *s, const char **outcome_out)
{
    const dmcp_value *value;

    pause_ms(s->before_ms);
    DMCP_TRY(dmcp_await_signal(call, s->alias, 0, &value));
    if (dmcp_str(value)[0]) {
        *outcome_out = dmcp_str(value);
    }
    return end_step(call, s);
}

static int is_inserted(dmcp_call *call, void *arg, dmcp_value **result)
{
    const struct step *s = arg;
    const void *value;
    size_t size;
    int rc = dmcp_map_get(dmcp_map_open(call, "torture"),
                          dmcp_format(call, "%s/%s", s->id, s->alias), &value, &size);

    (void)result; /* null will do */
    return rc == DMCP_E_NOTFOUND ? DMCP_E_AGAIN : rc;
}

static int until_step(dmcp_call *call, struct step *s)
{
    pause_ms(s->before_ms);
    DMCP_TRY(dmcp_until(call, s->alias, is_inserted, s, 0, NULL));
    return end_step(call, s);
}

static int run_step(dmcp_call *call, struct step *s, const char **outcome_out)
{
    static const int retryable[] = { FAIL_RETRYABLE, 0 };
    const dmcp_step step = { .alias = s->alias,
                             .type = DMCP_STRING,
                             .retryable = retryable };
    dmcp_value *result;

    if (strcmp(s->guard, "at_least_once") == 0) {
        return dmcp_at_least_once_with(call, &step, body, s, &result);
    } else if (strcmp(s->guard, "at_most_once") == 0) {
        return dmcp_at_most_once_with(call, &step, body, s, &result);
    } else if (strcmp(s->guard, "map") == 0) {
        return map_step(call, s);
    } else if (strcmp(s->guard, "sleep") == 0) {
        return sleep_step(call, s);
    } else if (strcmp(s->guard, "elicit") == 0) {
        return elicit_step(call, s, outcome_out);
    } else if (strcmp(s->guard, "signal") == 0) {
        return signal_step(call, s, outcome_out);
    } else if (strcmp(s->guard, "until") == 0) {
        return until_step(call, s);
    }
    return body(call, s, &result); /* none */
}

/* "" for a code that must be passed on: the call is run again. */
static const char *outcome(int rc)
{
    if (rc == DMCP_OK) {
        return "ok";
    } else if (rc == DMCP_E_ATTEMPTED) {
        return "attempted";
    } else if (rc == DMCP_E_CANCELLED) {
        return "cancelled";
    }
    return rc > 0 || rc == DMCP_E_REMOTE || rc == DMCP_E_UNSUPPORTED || rc == DMCP_E_TIMEOUT
               ? "failed"
               : "";
}

static const char *text_or(const dmcp_value *step, const char *name, const char *fallback)
{
    const char *text = dmcp_str(dmcp_get(step, name));

    return text[0] ? text : fallback; /* null is as good as absent */
}

static int run(dmcp_call *call)
{
    const dmcp_value *steps = dmcp_arg(call, "steps");
    dmcp_value *done = dmcp_pack(call, "[]");

    for (size_t i = 0; i < dmcp_count(steps); i++) {
        const dmcp_value *v = dmcp_at(steps, i);
        struct step s = { .id = dmcp_arg_str(call, "id"),
                          .log = dmcp_arg_str(call, "log"),
                          .alias = text_or(v, "alias", ""),
                          .guard = text_or(v, "guard", "none"),
                          .fail = text_or(v, "fail", ""),
                          .crash = text_or(v, "crash", ""),
                          .before_ms = dmcp_int(dmcp_get(v, "before_ms")),
                          .after_ms = dmcp_int(dmcp_get(v, "after_ms")) };
        const char *became = "ok";
        int rc = run_step(call, &s, &became);

        became = rc == DMCP_OK ? became : outcome(rc);
        if (became[0] == '\0') {
            return rc;
        }
        DMCP_TRY(dmcp_array_add(call, done, dmcp_pack(call, "{s:s, s:s}", "alias", s.alias,
                                                      "outcome", became)));
    }
    return dmcp_reply(call, "{s:v}", "steps", done);
}

static const char step_schema[] =
    "{\"items\":{\"type\":\"object\",\"required\":[\"alias\"],\"properties\":{"
    "\"alias\":{\"type\":\"string\",\"minLength\":1},"
    "\"guard\":{\"enum\":[\"at_least_once\",\"at_most_once\",\"map\",\"sleep\",\"elicit\","
    "\"signal\",\"until\",\"none\",null]},"
    "\"before_ms\":{\"type\":[\"integer\",\"null\"],\"minimum\":0},"
    "\"after_ms\":{\"type\":[\"integer\",\"null\"],\"minimum\":0},"
    "\"fail\":{\"enum\":[\"retryable\",\"final\",null]},"
    "\"crash\":{\"enum\":[\"abort\",\"segv\",null]}}}}";

int main(int argc, char **argv)
{
    dmcp_server *server = dmcp_server_new("torture", "1.0.0");

    dmcp_add_tool(server, &(dmcp_tool){
        .name = "run",
        .description = "Run the given steps, with waits, failures and crashes where they say so.",
        .params = (dmcp_param[]){
            { "id", DMCP_STRING, "what the lines in the log begin with", .required = true },
            { "log", DMCP_STRING, "path of the file that the steps append to", .required = true },
            { "steps", DMCP_ARRAY, "what to do, in order", .required = true,
              .schema = step_schema },
            { 0 } },
        .handler = run,
    });
    return dmcp_server_main(server, argc, argv);
}
