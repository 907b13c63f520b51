/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A handler that takes no notice of its cancellation, or of the end of its time, is seen: in what the
 * server says, and by the operator.
 */
#include "desk.h"

#include "wait.h"

static void open_gate(const char *gate)
{
    FILE *f = fopen(gate, "w");

    assert_non_null(f);
    fclose(f);
}

TEST(stubborn, a_handler_is_named_in_the_log_and_shown_by_inspect_until_it_ends)
{
    struct desk *d = desk_new("tests/gates");
    char *gate = proc_path(d->server, "gate"), *call, *line;
    struct ask a;

    desk_begin(d);
    ask_begin(&a, &d->talk, 1, "hold", "{\"gate\":\"%s\"}", gate);
    ask_hear_id(&a);
    desk_ask(d, "inspect calls --json --status unfinished");
    call = desk_member(d, "id");
    desk_expect_not(d, "told_ms");
    desk_ask(d, "cancel %s", call);
    desk_ask(d, "inspect calls --json");
    desk_expect(d, "\"status\":\"unfinished\",\"attempt\":1,\"crashes\":0,"
                   "\"is_cancelled\":true,\"told_ms\":");
    desk_ask(d, "inspect calls");
    desk_expect(d, "unfinished, cancelled since 2");
    desk_ask(d, "inspect call %s", call);
    desk_expect(d, "status   unfinished, cancelled since 2");
    proc_await_said(d->server, "and its handler still runs");
    line = proc_said(d->server);
    assert_non_null(strstr(line, call));
    assert_non_null(strstr(line, " tool=hold attempt=1: it was cancelled at 2"));
    open_gate(gate);
    desk_await(d, "inspect calls --json", "\"outcome\":\"cancelled\"");
    desk_expect_not(d, "told_ms");
    ask_end(&a);
    mem_free(line);
    mem_free(call);
    mem_free(gate);
    desk_free(d);
}

RUN_TESTS()
