/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What the tests of the client share: a scripted server, a client that is connected to it, and
 * what the client's callbacks were told.
 */
#ifndef TESTS_CLIENT_FIXTURE_H
#define TESTS_CLIENT_FIXTURE_H

#include "dmcp_client.h"
#include "fake_server.h"
#include "harness.h"

#define RESULT(text)                                                                               \
    "{\"jsonrpc\":\"2.0\",\"id\":$ID,\"result\":{\"content\":[{\"type\":\"text\",\"text\":\"" text \
    "\"}]}}"
#define PROGRESS(n)                                                                                \
    "{\"jsonrpc\":\"2.0\",\"method\":\"notifications/progress\",\"params\":{\"progressToken\":$ID" \
    ",\"progress\":" #n ",\"total\":4,\"message\":\"step " #n "\"}}"
#define EVENT(id, data) "id: " id "\ndata: " data "\n\n"
#define PRIME(id) "id: " id "\ndata:\n\n"

struct notes {
    char text[4096]; /* one line for each thing that was told */
};

TEST_UNUSED static void note(struct notes *n, const char *fmt, ...)
{
    size_t len = strlen(n->text);
    va_list ap;

    va_start(ap, fmt);
    vsnprintf(n->text + len, sizeof(n->text) - len, fmt, ap);
    va_end(ap);
}

/* Impatient: waits between attempts are short. */
TEST_UNUSED static dmcp_client_options quick_options(void)
{
    dmcp_client_options o = DMCP_CLIENT_OPTIONS_INIT;

    o.retry_ms = 20;
    o.connect_ms = 5000;
    o.timeout_ms = 10000;
    o.reconnect_ms = 5000;
    return o;
}

TEST_UNUSED static dmcp_client *connect_with(struct fake_server *s, const dmcp_client_options *o)
{
    dmcp_client *c = dmcp_client_new(fake_server_url(s), o);

    if (dmcp_client_connect(c) != DMCP_OK) {
        fail_msg("%s", dmcp_client_error(c));
    }
    return c;
}

TEST_UNUSED static dmcp_client *connect_to(struct fake_server *s)
{
    dmcp_client_options o = quick_options();

    return connect_with(s, &o);
}

/* Call a tool and compare the text of its result. */
TEST_UNUSED static void call_gives(dmcp_client *c, const dmcp_call_options *o, const char *text)
{
    dmcp_result *result = NULL;
    int rc = dmcp_client_call_tool(c, "work", "{\"n\":1}", o, &result);

    if (rc != DMCP_OK) {
        fail_msg("%s: %s", dmcp_strerror(rc), dmcp_client_error(c));
    }
    assert_string_equal(dmcp_result_text(result), text);
    dmcp_result_free(result);
}

/* Call a tool and compare the error. */
TEST_UNUSED static void call_fails(dmcp_client *c, const dmcp_call_options *o, int code,
                                   const char *text)
{
    dmcp_result *result = NULL;
    int rc = dmcp_client_call_tool(c, "work", "{\"n\":1}", o, &result);

    if (rc != code || !strstr(dmcp_client_error(c), text)) {
        fail_msg("expected %s (%s), got %s (%s)", dmcp_strerror(code), text, dmcp_strerror(rc),
                 dmcp_client_error(c));
    }
    assert_null(result);
}

TEST_UNUSED static void header_is(const struct fake_request *r, const char *name, const char *value)
{
    char *is = fake_request_header(r, name);

    if (value) {
        assert_non_null(is);
        assert_string_equal(is, value);
    } else {
        assert_null(is);
    }
    free(is);
}

TEST_UNUSED static struct fake_server *start(bool attaches, const struct fake_reply *script)
{
    struct fake_options o = { .attaches = attaches };

    return fake_server_start(&o, script);
}

TEST_UNUSED static void stop(struct fake_server *s, dmcp_client *c)
{
    dmcp_client_free(c);
    fake_server_stop(s);
}

TEST_UNUSED static void asked(struct fake_server *s, const char *wants, size_t times)
{
    assert_int_equal(fake_server_count(s, wants), times);
}

/* The very same request came n times. */
TEST_UNUSED static void same_call(struct fake_server *s, size_t n)
{
    asked(s, "tools/call", n);
    for (size_t i = 1; i < n; i++) {
        assert_string_equal(fake_server_request(s, "tools/call", i)->body,
                            fake_server_request(s, "tools/call", 0)->body);
    }
}

#endif
