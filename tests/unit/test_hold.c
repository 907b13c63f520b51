/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What the keeper of stdin and stdout holds, without the descriptors: lines go in, frames come out,
 * and the other way round.
 */
#include "base/limits.h"
#include "harness.h"
#include "server/frame.h"
#include "server/hold.h"

#define MAX_LINE 1000
#define MAX_BYTES 20000

static int setup(void **state)
{
    struct hold *h = mem_zalloc(sizeof(*h));

    hold_init(h, MAX_LINE, MAX_BYTES);
    *state = h;
    return 0;
}

static int teardown(void **state)
{
    hold_fini(*state);
    mem_free(*state);
    return 0;
}

#define HOLD_TEST(sentence) TEST_WITH(hold, sentence, setup, teardown)

static void type(struct hold *h, const char *text)
{
    hold_take_input(h, str_of(text));
}

/* The next frame for the server process. */
static void expect_frame(struct hold *h, enum frame_kind kind, uint64_t number, unsigned flags,
                         uint64_t sequence, const char *body)
{
    struct str rest, text;
    struct frame f;

    hold_hand_over(h);
    rest = fifo_rest(&h->to_server);
    assert_int_equal(frame_next(&rest, &f, &text), DMCP_OK);
    assert_int_equal(f.kind, kind);
    assert_int_equal(f.number, number);
    assert_int_equal(f.flags, flags);
    assert_int_equal(f.sequence, sequence);
    assert_true(str_eqz(text, body));
    fifo_take(&h->to_server, sizeof(f) + f.body_bytes);
}

static void expect_no_frame(struct hold *h)
{
    hold_hand_over(h);
    assert_int_equal(fifo_rest(&h->to_server).len, 0);
}

static void say(struct hold *h, enum frame_kind kind, uint64_t number, uint64_t sequence,
                const char *body)
{
    const struct frame f = { .kind = (uint8_t)kind, .number = number, .sequence = sequence };

    frame_write(&h->from_server.buf, f, str_of(body));
    hold_take_frames(h);
}

/* All that is on its way to the host. */
static void expect_host(struct hold *h, const char *text)
{
    struct str rest = fifo_rest(&h->to_host);

    if (!str_eqz(rest, text)) {
        fail_msg("the host gets \"%.*s\"", STR_FMT(rest));
    }
    fifo_take(&h->to_host, rest.len);
}

HOLD_TEST(lines_are_handed_over_in_order_with_numbers_from_1)
{
    struct hold *h = *state;

    type(h, "a\n");
    type(h, "b");
    type(h, "b\r\n\n \t\r\nc\n");
    expect_frame(h, FRAME_MESSAGE, 1, 0, 0, "a");
    expect_frame(h, FRAME_MESSAGE, 2, 0, 0, "bb");
    expect_frame(h, FRAME_MESSAGE, 3, 0, 0, "c");
    expect_no_frame(h);
}

HOLD_TEST(what_is_not_done_is_handed_to_the_next_process_in_the_same_order_as_a_repeat)
{
    struct hold *h = *state;

    type(h, "a\nb\nc\n");
    expect_frame(h, FRAME_MESSAGE, 1, 0, 0, "a");
    expect_frame(h, FRAME_MESSAGE, 2, 0, 0, "b");
    expect_frame(h, FRAME_MESSAGE, 3, 0, 0, "c");
    say(h, FRAME_DONE, 2, 0, "answer");
    type(h, "d\n");
    hold_take_back(h);
    expect_host(h, "answer\n");
    expect_frame(h, FRAME_MESSAGE, 1, FRAME_REPEAT, 0, "a");
    expect_frame(h, FRAME_MESSAGE, 3, FRAME_REPEAT, 0, "c");
    expect_frame(h, FRAME_MESSAGE, 4, 0, 0, "d");
    expect_no_frame(h);
}

HOLD_TEST(an_event_is_written_once_and_the_next_process_is_told_which_was_the_last)
{
    struct hold *h = *state;

    type(h, "a\n");
    expect_frame(h, FRAME_MESSAGE, 1, 0, 0, "a");
    say(h, FRAME_EVENT, 1, 1, "one");
    say(h, FRAME_EVENT, 1, 2, "two");
    hold_take_back(h);
    expect_frame(h, FRAME_MESSAGE, 1, FRAME_REPEAT, 2, "a");
    say(h, FRAME_EVENT, 1, 1, "one");
    say(h, FRAME_EVENT, 1, 2, "two");
    say(h, FRAME_EVENT, 1, 3, "three");
    say(h, FRAME_DONE, 1, 0, "answer");
    expect_host(h, "one\ntwo\nthree\nanswer\n");
}

HOLD_TEST(events_of_the_session_have_numbers_of_their_own)
{
    struct hold *h = *state;

    say(h, FRAME_EVENT, 0, 7, "seven");
    say(h, FRAME_EVENT, 0, 7, "seven");
    say(h, FRAME_EVENT, 0, 8, "eight");
    assert_int_equal(h->sequence, 8);
    expect_host(h, "seven\neight\n");
}

HOLD_TEST(half_a_frame_of_a_dead_process_was_not_said)
{
    struct hold *h = *state;
    const struct frame f = { .kind = FRAME_EVENT, .number = 0, .sequence = 1 };

    frame_write(&h->from_server.buf, f, STR("not all of it"));
    h->from_server.buf.len -= 3;
    hold_take_frames(h);
    hold_take_back(h);
    say(h, FRAME_EVENT, 0, 1, "all of it");
    expect_host(h, "all of it\n");
}

HOLD_TEST(what_is_said_of_a_message_that_is_done_is_nothing)
{
    struct hold *h = *state;

    type(h, "a\n");
    expect_frame(h, FRAME_MESSAGE, 1, 0, 0, "a");
    say(h, FRAME_DONE, 1, 0, "");
    say(h, FRAME_DONE, 1, 0, "again");
    say(h, FRAME_EVENT, 1, 5, "event");
    say(h, FRAME_LATER, 1, 0, "");
    expect_host(h, "");
    expect_no_frame(h);
}

HOLD_TEST(a_message_that_is_wanted_later_is_handed_over_again)
{
    struct hold *h = *state;

    type(h, "a\nb\n");
    expect_frame(h, FRAME_MESSAGE, 1, 0, 0, "a");
    expect_frame(h, FRAME_MESSAGE, 2, 0, 0, "b");
    say(h, FRAME_EVENT, 1, 4, "e");
    say(h, FRAME_LATER, 1, 0, "");
    expect_frame(h, FRAME_MESSAGE, 1, FRAME_REPEAT, 4, "a");
    expect_no_frame(h);
}

HOLD_TEST(a_batch_is_held_as_its_messages_from_then_on)
{
    struct hold *h = *state;

    type(h, "[a,b]\n");
    expect_frame(h, FRAME_MESSAGE, 1, 0, 0, "[a,b]");
    say(h, FRAME_SPLIT, 1, 0, "a\nb\n");
    expect_frame(h, FRAME_MESSAGE, 2, FRAME_REPEAT, 0, "a");
    expect_frame(h, FRAME_MESSAGE, 3, FRAME_REPEAT, 0, "b");
    hold_take_back(h);
    expect_frame(h, FRAME_MESSAGE, 2, FRAME_REPEAT, 0, "a");
    expect_frame(h, FRAME_MESSAGE, 3, FRAME_REPEAT, 0, "b");
    expect_no_frame(h);
}

HOLD_TEST(the_end_is_told_behind_all_lines_and_to_each_process)
{
    struct hold *h = *state;

    type(h, "a");
    hold_end_input(h);
    expect_frame(h, FRAME_MESSAGE, 1, 0, 0, "a");
    expect_frame(h, FRAME_NO_MORE, 0, 0, 0, "");
    expect_no_frame(h);
    hold_take_back(h);
    expect_frame(h, FRAME_MESSAGE, 1, FRAME_REPEAT, 0, "a");
    expect_frame(h, FRAME_NO_MORE, 0, 0, 0, "");
}

HOLD_TEST(line_ends_within_a_message_become_blanks)
{
    struct hold *h = *state;

    say(h, FRAME_EVENT, 0, 1, "{\r\n\"a\":\n1}");
    expect_host(h, "{  \"a\": 1}\n");
}

/* ---- limits ---- */

static void type_many(struct hold *h, char c, size_t n)
{
    char *text = mem_zalloc(n);

    memset(text, c, n);
    hold_take_input(h, str_make(text, n));
    mem_free(text);
}

HOLD_TEST(a_line_of_the_greatest_length_is_taken_and_a_longer_one_is_answered)
{
    struct hold *h = *state;

    type_many(h, 'x', MAX_LINE);
    type(h, "\r\n");
    hold_hand_over(h);
    assert_int_equal(fifo_rest(&h->to_server).len, sizeof(struct frame) + MAX_LINE);
    expect_host(h, "");
    type_many(h, 'x', MAX_LINE + 1);
    type(h, "\nb\n");
    assert_int_equal(h->waiting.n, 1); /* b */
    assert_non_null(strstr(fifo_rest(&h->to_host).p, "longer than 1000 bytes"));
}

HOLD_TEST(the_refusal_of_a_request_that_is_too_long_names_it)
{
    struct hold *h = *state;

    type(h, "{\"method\":\"ping\",\"params\":{\"id\":1,\"x\":\"");
    type_many(h, 'x', 5 * MAX_LINE);
    type(h, "\"},\"jsonrpc\":\"2.0\",\"id\":\"a7\"}\n");
    assert_true(str_starts(fifo_rest(&h->to_host), STR("{\"jsonrpc\":\"2.0\",\"id\":\"a7\",\"error\"")));
}

HOLD_TEST(a_line_without_end_costs_no_memory)
{
    struct hold *h = *state;

    for (int i = 0; i < 1000; i++) {
        type_many(h, 'x', 1000);
        assert_in_range(h->line.cap, 0, 4 * MAX_LINE);
    }
    type(h, "\n");
    hold_end_input(h);
    assert_int_equal(h->waiting.n, 0);
}

HOLD_TEST(messages_are_marked_when_there_are_too_many_and_not_read_at_twice_that)
{
    struct hold *h = *state;
    size_t n = 0;

    for (; h->bytes < MAX_BYTES; n++) {
        type_many(h, 'x', 900);
        type(h, "\n");
    }
    assert_true(hold_takes_input(h));
    type(h, "crowded\n");
    while (hold_takes_input(h)) {
        type_many(h, 'y', 900);
        type(h, "\n");
    }
    assert_in_range(h->bytes, 2 * MAX_BYTES - 2000, 2 * MAX_BYTES + 2000);
    for (size_t i = 1; i <= n; i++) {
        hold_hand_over(h);
        fifo_take(&h->to_server, sizeof(struct frame) + 900);
        say(h, FRAME_DONE, i, 0, "");
    }
    expect_frame(h, FRAME_MESSAGE, n + 1, FRAME_CROWDED, 0, "crowded");
    assert_true(hold_takes_input(h));
}

TEST(hold, lines_that_cannot_be_handed_over_are_read_up_to_a_limit)
{
    struct hold h;

    hold_init(&h, MIB, SIZE_MAX / 2);
    while (h.waiting_bytes < LIMIT_HANDING_BYTES - 66000) {
        type_many(&h, 'x', 65000);
        type(&h, "\n");
    }
    assert_true(hold_takes_input(&h));
    type_many(&h, 'x', 70000);
    type(&h, "\n");
    assert_true(h.waiting_bytes >= LIMIT_HANDING_BYTES);
    assert_false(hold_takes_input(&h));
    hold_hand_over(&h);
    assert_true(hold_takes_input(&h));
    hold_take_back(&h); /* the process died: they wait again */
    assert_false(hold_takes_input(&h));
    hold_fini(&h);
}

HOLD_TEST(a_host_that_does_not_read_is_not_read_from_and_nor_is_the_server)
{
    struct hold *h = *state;
    char *text = mem_zalloc(LIMIT_OUTPUT_BYTES + 1);

    memset(text, 'x', LIMIT_OUTPUT_BYTES);
    type(h, "a\n");
    assert_true(hold_takes_input(h) && hold_takes_frames(h));
    say(h, FRAME_EVENT, 0, 1, text);
    assert_false(hold_takes_input(h) || hold_takes_frames(h));
    expect_no_frame(h);
    fifo_take(&h->to_host, 2); /* a byte less than the limit is left */
    assert_true(hold_takes_input(h) && hold_takes_frames(h));
    expect_frame(h, FRAME_MESSAGE, 1, 0, 0, "a");
    mem_free(text);
}

HOLD_TEST(a_host_that_is_gone_is_told_nothing)
{
    struct hold *h = *state;

    say(h, FRAME_EVENT, 0, 1, "before");
    hold_mute(h);
    say(h, FRAME_EVENT, 0, 2, "after");
    expect_host(h, "");
}

RUN_TESTS()
