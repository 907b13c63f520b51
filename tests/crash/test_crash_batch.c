/* SPDX-License-Identifier: Apache-2.0 */
/*
 * kill -9 while the calls of a batch run: the client sends the batch again, and every request in it
 * attaches to its call.
 */
#include <string.h>

#include "harness.h"
#include "site.h"

#define WALK(id)                                                                                   \
    "{\"jsonrpc\":\"2.0\",\"id\":" #id ",\"method\":\"tools/call\",\"params\":{\"name\":\"walk\"," \
    "\"arguments\":{\"id\":\"" #id "\",\"n\":3,\"at\":2,\"guard\":\"at_most_once\","               \
    "\"log\":\"%s\",\"gate\":\"%s\"}}}"

static struct raw *post_batch(const struct site *s, const struct talk *t)
{
    char body[4096];

    snprintf(body, sizeof(body),
             "[" WALK(1) ",{\"jsonrpc\":\"2.0\",\"id\":3,\"method\":\"ping\"}," WALK(2) "]", s->log,
             s->gate, s->log, s->gate);
    return talk_post(t, body);
}

/* Which of the ids 1 to 3 are answered here, a bit each; the walks, with a second step cut short. */
static unsigned answers_in(const char *text)
{
    static const char cut_short[] = "[\"ok\",\"attempted\",\"ok\"]";
    unsigned answered = 0;
    char id[16];

    for (unsigned i = 1; i <= 3; i++) {
        snprintf(id, sizeof(id), "\"id\":%u,", i);
        if (strstr(text, id)) {
            assert_true(i == 3 || strstr(text, cut_short));
            answered |= 1U << i;
        }
    }
    return answered;
}

/* As a stream, or in one array when all of them have ended by the time the server is asked. */
static unsigned hear_answers(struct raw *r)
{
    struct raw_event event;
    unsigned answered = 0;
    char *type;

    assert_int_equal(raw_status(r), 200);
    type = raw_field(r, "Content-Type", 0);
    if (strcmp(type, "application/json") == 0) {
        answered = answers_in(raw_body(r));
    } else {
        while (raw_event(r, &event)) {
            answered |= event.data ? answers_in(event.data) : 0;
        }
    }
    mem_free(type);
    return answered;
}

TEST_WITH(crash, a_batch_that_is_sent_again_finds_its_calls_and_nothing_runs_twice, site_setup,
          site_teardown)
{
    struct site *s = *state;
    struct talk t;
    struct raw *before, *after;

    talk_begin(&t, s->server->port, "2025-03-26");
    before = post_batch(s, &t);
    site_await(s, "1 2", 1);
    site_await(s, "2 2", 1);
    site_crash(s);
    site_open_gate(s);
    after = post_batch(s, &t);
    assert_int_equal(hear_answers(after), 1U << 1 | 1U << 2 | 1U << 3);
    site_expect_steps(s, 1, 1, 1, 1);
    site_expect_steps(s, 2, 1, 1, 1);
    raw_close(after);
    raw_close(before);
}

#define EMIT(id)                                                                                   \
    "{\"jsonrpc\":\"2.0\",\"id\":" #id ",\"method\":\"tools/call\",\"params\":{\"name\":\"emit\"," \
    "\"arguments\":{\"n\":2,\"at\":1,\"gate\":\"%s\"},\"_meta\":{\"progressToken\":" #id "}}}"

/* All that comes up to the end of the stream, or n events of it, as one text; the last event's id. */
static void hear(struct raw *r, int n, struct buf *all, char last_id[200])
{
    struct raw_event event;

    assert_int_equal(raw_status(r), 200);
    while (n-- > 0 && raw_event(r, &event)) {
        buf_addz(all, event.data ? event.data : "");
        if (event.id) {
            snprintf(last_id, 200, "%s", event.id);
        } else {
            n++; /* the time to wait */
        }
    }
}

TEST_WITH(crash, the_stream_of_a_batch_goes_on_for_all_its_calls_in_the_next_life_of_the_server,
          site_setup, site_teardown)
{
    static const char *const parts[] = { "\"progressToken\":1,\"progress\":2",
                                         "\"progressToken\":2,\"progress\":2",
                                         "\"id\":1,\"result\"", "\"id\":2,\"result\"" };
    struct site *s = *state;
    struct raw *before, *after;
    struct talk t;
    struct buf heard;
    char body[1024], last_id[200] = "";

    buf_init(&heard, SIZE_MAX / 2);
    talk_begin(&t, s->server->port, "2025-03-26");
    snprintf(body, sizeof(body), "[" EMIT(1) "," EMIT(2) "]", s->gate, s->gate);
    before = talk_post(&t, body);
    hear(before, 2, &heard, last_id);
    site_crash(s);
    site_open_gate(s);
    buf_reset(&heard);
    after = talk_get(&t, last_id);
    hear(after, 100, &heard, last_id);
    for (size_t i = 0; i < COUNT_OF(parts); i++) {
        assert_non_null(strstr(heard.data, parts[i]));
    }
    assert_null(strstr(heard.data, "\"progress\":1,"));
    buf_fini(&heard);
    raw_close(after);
    raw_close(before);
}

RUN_TESTS()
