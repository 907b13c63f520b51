/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Acceptance scenarios. See trial.h.
 */
#include "trial.h"
#include "lines.h"

#include <stdio.h>

#define CAN_BE_ASKED "{\"elicitation\":{}}"

void trial_begin(struct trial *t, const char *add, const char *validate)
{
    *t = (struct trial){ .server = proc_new("tests/acceptance"), .next_id = 1 };
    t->count = proc_path(t->server, "count");
    proc_env(t->server, "ADD", add);
    proc_env(t->server, "COUNT", t->count);
    proc_env(t->server, "DMCP_VALIDATE_EFFECTS", validate);
    proc_start(t->server);
    talk_begin_as(&t->talk, t->server->port, "2025-11-25", CAN_BE_ASKED);
}

void trial_end(struct trial *t)
{
    assert_int_equal(proc_stop(t->server), 0);
    proc_free(t->server);
    mem_free(t->count);
}

void trial_reboot(struct trial *t)
{
    proc_kill(t->server);
    proc_start(t->server);
}

/* ---- requests ---- */

static char *body_of(int id, const char *method, const char *params)
{
    struct buf body;

    buf_init(&body, SIZE_MAX / 2);
    buf_addf(&body, "{\"jsonrpc\":\"2.0\",\"id\":%d,\"method\":\"%s\",\"params\":%s}", id, method,
             params);
    return buf_take(&body, NULL);
}

void trial_ask(struct trial *t, struct ask *a, const char *method, const char *params)
{
    *a = (struct ask){ .t = &t->talk, .n_posts = 1 };
    a->body = body_of(t->next_id++, method, params);
    a->raw = talk_post(&t->talk, a->body);
    heard_init(&a->heard);
}

void trial_add(struct trial *t, struct ask *a)
{
    trial_ask(t, a, "tools/call",
              "{\"name\":\"add\",\"arguments\":{\"a\":5,\"b\":3},\"_meta\":{\"progressToken\":1}}");
}

char *trial_answer(struct trial *t, const char *method, const char *params)
{
    struct ask a;
    char *answer;

    trial_ask(t, &a, method, params);
    assert_true(ask_finish(&a));
    assert_int_equal(a.heard.n, 0);
    answer = mem_strdup(a.heard.answer);
    ask_end(&a);
    return answer;
}

void trial_expect(struct trial *t, const char *method, const char *params, const char *part)
{
    char *answer = trial_answer(t, method, params);

    trial_expect_part(answer, part);
    mem_free(answer);
}

void trial_finish(struct trial *t)
{
    trial_expect(t, "tools/call", "{\"name\":\"finish\"}", "finished");
}

void trial_reboot_and_resume(struct trial *t, struct ask *a)
{
    ask_hear_id(a);
    ask_hang_up(a);
    trial_reboot(t);
    trial_finish(t);
    ask_finish_anyhow(a);
    assert_int_equal(a->n_posts, 1); /* it was resumed, and not asked for again */
    assert_in_range(a->n_gets, 1, INT32_MAX);
}

/* ---- what came of it ---- */

void trial_expect_part(const char *text, const char *part)
{
    if (!text || !strstr(text, part)) {
        fail_msg("\"%s\" is not in %s", part, text ? text : "nothing");
    }
}

void trial_expect_eight(const struct ask *a)
{
    ask_expect(a, "\"content\":[{\"type\":\"text\",\"text\":\"8\"}]");
    ask_expect(a, "\"structuredContent\":{\"result\":8}");
    assert_null(strstr(a->heard.answer, "\"isError\":true"));
}

void trial_expect_adds(struct trial *t, const char *keys)
{
    char part[128];

    snprintf(part, sizeof(part), "\"structuredContent\":{\"adds\":[%s]}", keys);
    trial_expect(t, "tools/call", "{\"name\":\"adds\"}", part);
}

int trial_count(const struct trial *t)
{
    return lines_count(t->count, NULL);
}

/* ---- questions ---- */

char *trial_question_id(const char *message)
{
    const char *id = strstr(message, "\"id\":\"");

    trial_expect_part(message, "\"method\":\"elicitation/create\"");
    assert_non_null(id);
    id += strlen("\"id\":\"");
    return mem_dup(id, strcspn(id, "\""));
}

void trial_say(const struct trial *t, const char *question_id, const char *what)
{
    char body[512];
    struct raw *r;

    snprintf(body, sizeof(body), "{\"jsonrpc\":\"2.0\",\"id\":\"%s\",%s}", question_id, what);
    r = talk_post(&t->talk, body);
    assert_int_equal(raw_status(r), 202);
    raw_close(r);
}
