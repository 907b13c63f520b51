/* SPDX-License-Identifier: Apache-2.0 */
/*
 * `dmcp insert` and `dmcp remove`: the operator changes maps under a running server.
 */
#include "desk.h"

#include <dmcp_admin.h>
#include <signal.h>

#include "admin/remote.h"
#include "base/limits.h"

#define MAPS_TEST(sentence) TEST_WITH(dmcp, sentence, desk_setup, desk_teardown)

MAPS_TEST(insert_puts_entries_into_a_map_and_remove_takes_them_out)
{
    struct desk *d = *state;

    desk_ask(d, "insert settings mode '{\"careful\":true}'");
    desk_ask(d, "insert settings colour red");
    desk_ask(d, "insert settings mode '{\"careful\":false}'");
    desk_ask(d, "inspect map settings --json");
    desk_expect(d, "\"key\":\"colour\",\"value_bytes\":3,\"value\":\"red\"");
    desk_expect(d, "\"value_bytes\":17,\"value\":\"{\\\"careful\\\":false}\"");
    desk_ask(d, "remove settings mode colour missing");
    desk_ask(d, "inspect map settings --json");
    desk_expect(d, "\"entries\":[]");
}

MAPS_TEST(insert_is_durable_when_it_has_ended)
{
    struct desk *d = *state;

    desk_ask(d, "insert settings mode careful");
    proc_kill(d->server);
    proc_start(d->server);
    desk_ask(d, "inspect map settings --json");
    desk_expect(d, "\"value\":\"careful\"");
}

MAPS_TEST(insert_wakes_a_call_that_waits_for_the_entry)
{
    struct desk *d = *state;
    struct ask a;

    desk_run(d, &a, 1, "[{\"alias\":\"ready\",\"guard\":\"until\"}]");
    desk_await(d, "inspect calls --status suspended --json", "\"is_watching\":true");
    desk_ask(d, "insert torture 1/other x");
    desk_ask(d, "insert torture 1/ready x");
    ask_finish_anyhow(&a);
    ask_expect(&a, "\"outcome\":\"ok\"");
    ask_end(&a);
}

MAPS_TEST(insert_takes_any_bytes_from_standard_input)
{
    static const char bytes[] = "\x00\xff\x01 and text\n";
    struct desk *d = *state;
    char *path = proc_path(d->server, "value");
    FILE *f = fopen(path, "w");

    assert_non_null(f);
    assert_int_equal(fwrite(bytes, 1, sizeof(bytes) - 1, f), sizeof(bytes) - 1);
    fclose(f);
    desk_ask(d, "insert pictures logo <'%s' #", path);
    desk_ask(d, "inspect map pictures --json");
    desk_expect(d, "\"value_base64\":\"AP8BIGFuZCB0ZXh0Cg==\"");
    mem_free(path);
}

MAPS_TEST(insert_takes_a_value_up_to_its_limit_and_none_past_it)
{
    struct desk *d = *state;
    dmcp_admin *admin = dmcp_admin_new(d->server->store);
    char key[LIMIT_MAP_KEY_BYTES + 2], name[LIMIT_NAME_BYTES + 2];
    char *value = mem_alloc(LIMIT_RESULT_BYTES + 1);

    memset(value, '\x01', LIMIT_RESULT_BYTES + 1); /* the longest when it is written as JSON */
    memset(key, 'k', sizeof(key));
    memset(name, 'm', sizeof(name));
    key[LIMIT_MAP_KEY_BYTES] = name[LIMIT_NAME_BYTES] = '\0';
    assert_int_equal(dmcp_admin_map_insert(admin, name, key, value, LIMIT_RESULT_BYTES), DMCP_OK);
    assert_int_equal(dmcp_admin_map_insert(admin, name, key, value, LIMIT_RESULT_BYTES + 1),
                     DMCP_E_TOOBIG);
    key[LIMIT_MAP_KEY_BYTES] = 'k';
    key[LIMIT_MAP_KEY_BYTES + 1] = '\0';
    assert_int_equal(dmcp_admin_map_insert(admin, name, key, "", 0), DMCP_E_TOOBIG);
    key[LIMIT_MAP_KEY_BYTES] = '\0';
    name[LIMIT_NAME_BYTES] = 'm';
    name[LIMIT_NAME_BYTES + 1] = '\0';
    assert_int_equal(dmcp_admin_map_remove(admin, name, key), DMCP_E_TOOBIG);
    assert_int_equal(dmcp_admin_map_insert(admin, "m", "", "v", 1), DMCP_E_INVALID);
    assert_int_equal(dmcp_admin_map_insert(admin, "", "k", "v", 1), DMCP_E_INVALID);
    mem_free(value);
    dmcp_admin_free(admin);
}

MAPS_TEST(insert_and_remove_need_a_server)
{
    struct desk *d = *state;

    assert_int_equal(proc_stop(d->server), 0);
    assert_int_equal(desk_dmcp(d, "insert settings mode careful"), 1);
    desk_expect(d, "no server runs on the store");
    assert_int_equal(desk_dmcp(d, "remove settings mode"), 1);
    desk_expect(d, "no server runs on the store");
    assert_int_equal(desk_dmcp(d, "insert settings"), 2);
}

MAPS_TEST(an_entry_that_makes_no_sense_is_refused_by_the_socket)
{
    static const char *const bodies[] = {
        "{}",
        "[]",
        "{\"map\":\"m\"}",
        "{\"map\":\"m\",\"key\":7}",
        "{\"map\":\"m\",\"key\":\"\"}",
        "{\"map\":\"m\",\"key\":\"k\",\"value\":{}}",
        "{\"map\":\"m\",\"key_base64\":\"***\"}",
        "{\"map\":\"m\",\"key\":\"k\",\"key_base64\":\"aw==\"}",
        "{\"map\":\"m\",\"key\":\"a\\u0000b\",\"value\":\"v\"}",
        "{\"map\":",
    };
    struct desk *d = *state;

    for (size_t i = 0; i < COUNT_OF(bodies); i++) {
        struct err e = { 0 };

        if (remote_post(d->server->store, CONTROL_MAP, str_of(bodies[i]), &e) != DMCP_E_INVALID) {
            fail_msg("%s was not refused: %s", bodies[i], e.text);
        }
    }
    desk_ask(d, "inspect maps --json");
    desk_expect(d, "\"maps\":[]");
}

RUN_TESTS()
