/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The acceptance scenarios in which a server asks the user behind its client.
 */
#include "trial.h"

#define SORRY "Sorry, we got disconnected and need to try again: "
#define YES(day)                                                                                   \
    "\"result\":{\"action\":\"accept\",\"content\":{\"checkAlternative\":true,"                    \
    "\"alternativeDate\":\"" day "\"}}"
#define NO "\"result\":{\"action\":\"decline\"}"

/* The n-th message, from 0, is a question of this text; its id, which the caller frees with mem_free. */
static char *hear_question(struct ask *a, size_t n, const char *message)
{
    char part[256];

    if (!ask_hear(a, n + 1)) {
        fail_msg("instead of a question: %s", a->heard.answer ? a->heard.answer : "no answer");
    }
    snprintf(part, sizeof(part), "\"message\":\"%s\"", message);
    trial_expect_part(a->heard.messages[n], part);
    trial_expect_part(a->heard.messages[n],
                      "\"alternativeDate\":{\"type\":\"string\",\"default\":\"2024-12-26\"}");
    return trial_question_id(a->heard.messages[n]);
}

/* Asks, is away over a reboot, is asked again, and answers. */
static void book_over_a_reboot(struct trial *t, const char *method, const char *params)
{
    struct ask a;
    char *old, *id, part[128];

    trial_ask(t, &a, method, params);
    old = hear_question(&a, 0, "No tables available. Would another day do?");
    ask_hang_up(&a);
    trial_reboot(t);
    assert_true(ask_again(&a));
    assert_true(ask_hear(&a, 2));
    snprintf(part, sizeof(part),
             "\"method\":\"notifications/cancelled\",\"params\":{\"requestId\":\"%s\"", old);
    trial_expect_part(a.heard.messages[1], part);
    id = hear_question(&a, 2, SORRY "No tables available. Would another day do?");
    assert_string_not_equal(id, old);
    trial_say(t, old, NO); /* too late: nobody waits for it */
    trial_say(t, id, YES("2024-12-26"));
    ask_finish_anyhow(&a);
    ask_expect(&a, "\"text\":\"[SUCCESS] Booked for 2024-12-26\"");
    assert_int_equal(a.heard.n, 3);
    assert_int_equal(a.n_posts, 1);
    ask_end(&a);
    mem_free(old);
    mem_free(id);
}

static void play(void (*run)(struct trial *t))
{
    static const char *const modes[] = { "off", "on" };

    for (size_t i = 0; i < 2; i++) {
        struct trial t;

        trial_begin(&t, "plain", modes[i]);
        run(&t);
        trial_end(&t);
    }
}

static void ask_in_a_tool(struct trial *t)
{
    book_over_a_reboot(t, "tools/call", "{\"name\":\"book_table\"}");
}

TEST(acceptance, a_tool_asks_again_after_a_reboot_and_gets_its_answer)
{
    play(ask_in_a_tool);
}

static void ask_in_others(struct trial *t)
{
    book_over_a_reboot(t, "resources/read", "{\"uri\":\"table://today\"}");
    book_over_a_reboot(t, "prompts/get", "{\"name\":\"table\"}");
}

TEST(acceptance, resources_and_prompts_ask_like_tools)
{
    play(ask_in_others);
}

/* ---- what the original lacks ---- */

/* Both are worded alike. The answer to the first is not asked for again after the reboot. */
static void ask_twice(struct trial *t)
{
    struct ask a;
    char *lunch, *old, *dinner;

    trial_ask(t, &a, "tools/call", "{\"name\":\"book_twice\"}");
    lunch = hear_question(&a, 0, "When?");
    trial_say(t, lunch, YES("2024-12-26"));
    old = hear_question(&a, 1, "When?");
    assert_string_not_equal(old, lunch);
    trial_reboot(t);
    assert_false(ask_finish(&a));
    assert_true(ask_again(&a));
    assert_true(ask_hear(&a, 3));
    trial_expect_part(a.heard.messages[2], "notifications/cancelled");
    dinner = hear_question(&a, 3, SORRY "When?");
    trial_say(t, dinner, YES("2024-12-27"));
    ask_finish_anyhow(&a);
    ask_expect(&a, "\"text\":\"lunch 2024-12-26, dinner 2024-12-27\"");
    assert_int_equal(a.heard.n, 4);
    ask_end(&a);
    mem_free(lunch);
    mem_free(old);
    mem_free(dinner);
}

TEST(acceptance, two_questions_of_one_call_have_an_answer_each)
{
    play(ask_twice);
}

static void ask_in_vain(struct trial *t)
{
    struct ask a;
    char *id;

    trial_ask(t, &a, "tools/call", "{\"name\":\"book_table\"}");
    id = hear_question(&a, 0, "No tables available. Would another day do?");
    trial_say(t, id, "\"error\":{\"code\":-32601,\"message\":\"there is nobody to ask\"}");
    assert_true(ask_finish(&a));
    ask_expect(&a, "there is nobody to ask");
    ask_expect(&a, "\"isError\":true");
    ask_end(&a);
    mem_free(id);

    trial_ask(t, &a, "resources/read", "{\"uri\":\"table://today\"}");
    id = hear_question(&a, 0, "No tables available. Would another day do?");
    trial_say(t, id, "\"error\":{\"code\":-1,\"message\":\"there is nobody to ask\"}");
    assert_true(ask_finish(&a));
    ask_expect(&a, "there is nobody to ask");
    ask_expect(&a, "\"error\":{\"code\":-32603");
    ask_end(&a);
    mem_free(id);
}

TEST(acceptance, a_question_that_the_client_answers_with_an_error_ends_its_call_with_one)
{
    play(ask_in_vain);
}

static void ask_and_be_declined(struct trial *t)
{
    struct ask a;
    char *id;

    trial_ask(t, &a, "tools/call", "{\"name\":\"book_table\"}");
    id = hear_question(&a, 0, "No tables available. Would another day do?");
    trial_reboot(t);
    assert_false(ask_finish(&a));
    mem_free(id);
    assert_true(ask_again(&a));
    id = hear_question(&a, 2, SORRY "No tables available. Would another day do?");
    trial_say(t, id, NO);
    ask_finish_anyhow(&a);
    ask_expect(&a, "[CANCELLED]");
    ask_end(&a);
    mem_free(id);
}

TEST(acceptance, a_question_that_is_declined_is_answered)
{
    play(ask_and_be_declined);
}

RUN_TESTS()
