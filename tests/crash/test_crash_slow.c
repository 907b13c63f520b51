/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Peers that do not read what they asked for: they cost their window and no more, hold up nobody,
 * and find every event when they come back.
 */
#include "harness.h"
#include "site.h"

#define N_EVENTS 1500
#define EVENT_BYTES 100000
/* Of 150 MB that are sent: what the process may have grown by. Most of it are the store's buffers,
 * which what is written goes through, whether anybody reads it or not. */
#define GROWTH_KIB (64 * 1024)

#define SLOW_TEST(sentence) TEST_WITH(slow, sentence, site_setup, site_teardown)

/* Sanitizers keep what was freed: then memory tells nothing. */
static bool is_sanitized(void)
{
    const char *san = getenv("SAN");

    return san && san[0];
}

/* The n-th message, from 1, is the n-th log message. */
static void expect_message(const char *message, int n)
{
    char text[64];

    snprintf(text, sizeof(text), "\"data\":\"%d .", n);
    if (!strstr(message, text)) {
        fail_msg("instead of event %d: %.200s", n, message);
    }
}

static void drop_messages(struct heard *h)
{
    while (h->n > 0) {
        mem_free(h->messages[--h->n]);
    }
}

/* Hears up to `limit` events and checks them without keeping them; the number of the last one. */
static int hear_in_order(struct ask *a, int last, int limit)
{
    while (last < limit && !a->heard.answer && talk_hear_one(a->raw, &a->heard)) {
        for (size_t i = 0; i < a->heard.n; i++) {
            expect_message(a->heard.messages[i], ++last);
        }
        drop_messages(&a->heard);
    }
    return last;
}

static void begin(struct site *s, struct ask *a, const char *tool)
{
    ask_begin(a, &s->talk, 1, tool,
              "{\"id\":\"1\",\"log\":\"%s\",\"kind\":\"log\",\"n\":%d,\"size\":%d}", s->log,
              N_EVENTS, EVENT_BYTES);
}

/* The tool has sent all that it had to send, though nobody took it. */
static void await_sent(struct site *s)
{
    char line[32];

    snprintf(line, sizeof(line), "1 %d", N_EVENTS);
    site_await(s, line, 1);
}

static void expect_growth(struct site *s, long before_kib)
{
    long peak_kib = proc_peak_kib(s->server);

    printf("# memory: %ld KiB before, %ld KiB at most\n", before_kib, peak_kib);
    assert_true(before_kib > 0);
    if (!is_sanitized()) {
        assert_in_range(peak_kib, before_kib, before_kib + GROWTH_KIB);
    }
}

static void expect_others_are_served(struct site *s)
{
    mem_free(talk_request(&s->talk, "{\"jsonrpc\":\"2.0\",\"id\":2,\"method\":\"ping\"}"));
}

SLOW_TEST(one_that_reads_nothing_costs_no_memory_and_gets_every_event_once_when_it_resumes)
{
    struct site *s = *state;
    long before_kib = proc_rss_kib(s->server);
    struct ask a;
    int last;

    begin(s, &a, "emit");
    await_sent(s);
    expect_others_are_served(s);
    expect_growth(s, before_kib);
    last = hear_in_order(&a, 0, 10);
    assert_int_equal(last, 10);
    ask_hang_up(&a);
    assert_true(ask_again(&a));
    last = hear_in_order(&a, last, N_EVENTS / 2);
    assert_int_equal(last, N_EVENTS / 2);
    site_crash(s);
    while (!a.heard.answer) {
        assert_true(ask_again(&a));
        last = hear_in_order(&a, last, N_EVENTS + 1);
    }
    assert_int_equal(last, N_EVENTS);
    ask_end(&a);
}

/* Several connections to one call, each with its own pace. */
SLOW_TEST(a_repeated_request_that_is_read_is_not_held_up_by_the_first_one_that_is_not)
{
    struct site *s = *state;
    struct ask slow, fast;
    int last;

    begin(s, &slow, "emit");
    ask_hear_id(&slow);
    begin(s, &fast, "emit");
    assert_int_equal(hear_in_order(&fast, 0, N_EVENTS + 1), N_EVENTS);
    assert_non_null(fast.heard.answer);
    last = hear_in_order(&slow, 0, N_EVENTS + 1);
    while (!slow.heard.answer) { /* it was given up: the other one took long */
        assert_true(ask_again(&slow));
        last = hear_in_order(&slow, last, N_EVENTS + 1);
    }
    assert_int_equal(last, N_EVENTS);
    assert_string_equal(slow.heard.answer, fast.heard.answer);
    ask_end(&slow);
    ask_end(&fast);
}

SLOW_TEST(events_of_an_ephemeral_tool_that_nobody_reads_cost_no_memory)
{
    struct site *s = *state;
    long before_kib = proc_rss_kib(s->server);
    struct ask a;

    begin(s, &a, "peek");
    await_sent(s);
    expect_others_are_served(s);
    expect_growth(s, before_kib);
    ask_end(&a);
}

SLOW_TEST(a_session_stream_that_was_not_read_for_long_tells_everything_in_the_end)
{
    struct site *s = *state;
    struct raw *r = talk_get(&s->talk, NULL);
    struct heard h;
    struct ask a;

    heard_init(&h);
    assert_true(talk_hear_one(r, &h));
    ask_begin(&a, &s->talk, 1, "emit", "{\"kind\":\"changed\",\"n\":20000}");
    assert_true(ask_finish(&a));
    assert_true(talk_hear(r, &h, 20000));
    assert_int_equal(h.n, 20000);
    ask_end(&a);
    heard_fini(&h);
    raw_close(r);
}

RUN_TESTS()
