/* SPDX-License-Identifier: Apache-2.0 */
/*
 * kill -9 while the server learns of changed roots: the notification that was accepted is not lost,
 * and the client is asked again when it listens again.
 */
#include "harness.h"
#include "site.h"

static const char changed[] =
    "{\"jsonrpc\":\"2.0\",\"method\":\"notifications/roots/list_changed\"}";

static void expect_accepted(struct raw *r)
{
    assert_int_equal(raw_status(r), 202);
    raw_close(r);
}

static struct raw *listen_to(const struct talk *t)
{
    struct raw *r = talk_get(t, NULL);

    assert_int_equal(raw_status(r), 200);
    return r;
}

/* The next message on the stream has this in it. */
static void expect_message(struct raw *r, const char *part, char id[64])
{
    struct raw_event event;
    const char *at;

    do {
        assert_true(raw_event(r, &event));
    } while (!event.data || !event.data[0]);
    if (!strstr(event.data, part)) {
        fail_msg("%s", event.data);
    }
    at = strstr(event.data, "\"id\":\"");
    if (id && at) {
        snprintf(id, 64, "%.*s", (int)strcspn(at + 6, "\""), at + 6);
    }
}

TEST(crash, roots_that_changed_are_asked_for_in_the_next_life_of_the_server_and_answered_there)
{
    struct site *s = site_new("tests/asks");
    struct talk t;
    struct raw *listens;
    char id[64] = "", answer[300];
    struct ask known;

    proc_start(s->server);
    talk_begin_as(&t, s->server->port, "2025-11-25", "{\"roots\":{\"listChanged\":true}}");
    expect_accepted(talk_post(&t, changed));
    site_crash(s);
    listens = listen_to(&t);
    expect_message(listens, "\"method\":\"roots/list\"", id);
    site_crash(s);
    raw_close(listens);
    listens = listen_to(&t);
    expect_message(listens, "notifications/cancelled", NULL);
    expect_message(listens, "\"method\":\"roots/list\"", id);
    snprintf(answer, sizeof(answer),
             "{\"jsonrpc\":\"2.0\",\"id\":\"%s\",\"result\":{\"roots\":[{\"uri\":\"file:///n\"}]}}",
             id);
    expect_accepted(talk_post(&t, answer));
    expect_message(listens, "notifications/resources/list_changed", NULL);
    ask_begin(&known, &t, 1, "known", "{}");
    ask_finish_anyhow(&known);
    ask_expect(&known, "file:///n");
    ask_end(&known);
    raw_close(listens);
    site_free(s);
}

RUN_TESTS()
