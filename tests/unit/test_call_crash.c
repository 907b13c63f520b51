/* SPDX-License-Identifier: Apache-2.0 */
/*
 * One handler that does everything, killed behind each of its commands, with everything on disk
 * that was written or only what was synced; once, and twice in a row. Whatever happens, the call
 * comes to its end and its promises hold.
 */
#include "harness.h"

#include "stage.h"

/* The world outside, which no crash takes back. */
struct world {
    unsigned n_created, n_paid, n_mailed; /* how often each body ran */
    uint64_t now;                         /* what the outside was told, by a body that ran */
    char random[33], uuid[37], created[64];
    bool is_paid_told; /* somebody was told that the payment succeeded */
    unsigned n_attempts;
};

static void to_hex(const uint8_t random[16], char hex_out[33])
{
    struct id id;

    memcpy(id.b, random, sizeof(id.b));
    id_to_hex(id, hex_out);
}

/* Tells the world once; whoever tells it again must say the same. */
static void tell(char *told, size_t size, const char *text)
{
    if (told[0]) {
        assert_string_equal(told, text);
    }
    snprintf(told, size, "%s", text);
}

static int create(dmcp_call *call, void *arg, dmcp_value **result)
{
    struct world *w = arg;
    uint64_t now;

    w->n_created++;
    DMCP_TRY(dmcp_now(call, &now));
    DMCP_TRY(dmcp_map_insert_value(dmcp_map_open(call, "users"), "ann",
                                   dmcp_integer(call, (int64_t)now)));
    DMCP_TRY(dmcp_log(call, DMCP_LOG_INFO, NULL, "creating"));
    if (w->n_created % 2 == 1) {
        return dmcp_fail(call, 1, "the first try never works"); /* so that bodies are repeated */
    }
    *result = dmcp_stringf(call, "user-%u", w->n_created);
    return DMCP_OK;
}

struct payment {
    struct world *world;
    uint64_t now;
    const char *random, *uuid, *user;
    bool is_paid;
};

/* Acts on all that came before, so none of it may be taken back. */
static int pay(dmcp_call *call, void *arg, dmcp_value **result)
{
    struct payment *p = arg;

    p->world->n_paid++;
    if (p->world->now) {
        assert_int_equal(p->world->now, p->now);
    }
    p->world->now = p->now;
    tell(p->world->random, sizeof(p->world->random), p->random);
    tell(p->world->uuid, sizeof(p->world->uuid), p->uuid);
    tell(p->world->created, sizeof(p->world->created), p->user);
    *result = dmcp_string(call, "paid");
    return DMCP_OK;
}

/* Acts on all that came before, at least once. */
static int mail(dmcp_call *call, void *arg, dmcp_value **result)
{
    struct payment *p = arg;

    (void)call;
    (void)result;
    p->world->n_mailed++;
    assert_true(p->is_paid || !p->world->is_paid_told);
    p->world->is_paid_told |= p->is_paid;
    tell(p->world->random, sizeof(p->world->random), p->random);
    tell(p->world->created, sizeof(p->world->created), p->user);
    return DMCP_OK;
}

static int everything(dmcp_call *call)
{
    const dmcp_step creation = { .alias = "create", .retry = { 5, 1, 1 } };
    struct world *w = dmcp_call_context(call);
    struct payment p = { .world = w };
    dmcp_value *user, *paid = NULL;
    char hex[33], uuid[37];
    uint8_t random[16];
    dmcp_batch *b;
    int rc;

    w->n_attempts++;
    DMCP_TRY(dmcp_now(call, &p.now));
    DMCP_TRY(dmcp_random(call, random, sizeof(random)));
    DMCP_TRY(dmcp_uuid7(call, uuid));
    to_hex(random, hex);
    p.random = hex;
    p.uuid = uuid;
    DMCP_TRY(dmcp_progress(call, 1, 3, NULL));
    DMCP_TRY(dmcp_at_least_once_with(call, &creation, create, w, &user));
    p.user = dmcp_str(user);
    DMCP_TRY(dmcp_map_insert(dmcp_map_open(call, "orders"), hex, uuid, strlen(uuid)));
    DMCP_TRY(dmcp_progress(call, 2, 3, NULL));
    rc = dmcp_at_most_once(call, "pay", pay, &p, &paid);
    if (rc != DMCP_OK && rc != DMCP_E_ATTEMPTED) {
        return rc;
    }
    p.is_paid = rc == DMCP_OK;
    DMCP_TRY(dmcp_at_least_once(call, "mail", mail, &p, NULL));
    b = dmcp_batch_new(call, NULL);
    dmcp_batch_insert(b, "orders", "last", hex, strlen(hex));
    dmcp_batch_insert(b, "by user", p.user, hex, strlen(hex));
    DMCP_TRY(dmcp_batch_write(b));
    DMCP_TRY(dmcp_progress(call, 3, 3, NULL));
    DMCP_TRY(dmcp_list_changed(call, DMCP_RESOURCES, "an order"));
    return dmcp_reply(call, "{s:s, s:v, s:b}", "user", p.user, "random", dmcp_string(call, hex),
                      "paid", p.is_paid);
}

static const char params[] =
    "{\"name\":\"tool\",\"arguments\":{},\"_meta\":{\"progressToken\":\"t\"}}";

static void check_events(struct stage *st)
{
    static const char *const wanted[] = { "\"progress\":1.0", "creating", "\"progress\":2.0",
                                          "\"progress\":3.0" };

    for (size_t i = 0; i < COUNT_OF(wanted); i++) {
        const char *event = stage_event(st, i + 1);

        assert_non_null(event);
        assert_non_null(strstr(event, wanted[i]));
    }
    assert_null(stage_event(st, COUNT_OF(wanted) + 1));
    assert_non_null(stage_session_event(st, 1));
    assert_null(stage_session_event(st, 2));
}

static void check_world(struct stage *st, const struct world *w)
{
    char text[200];

    assert_true(stage_is_finished(st));
    assert_true(w->n_created >= 2);
    assert_true(w->n_mailed >= 1);
    assert_true(w->n_paid <= 1);
    /* Told or not, it is one and the same: the reply agrees with what the bodies acted on. */
    snprintf(text, sizeof(text), "\"structuredContent\":{\"user\":\"%s\",\"random\":\"%s\",",
             w->created, w->random);
    assert_non_null(strstr(stage_result(st), text));
    if (w->is_paid_told) {
        assert_non_null(strstr(stage_result(st), "\"paid\":true}"));
    }
    assert_string_equal(stage_map_value(st, "orders", "last"), w->random);
    assert_string_equal(stage_map_value(st, "by user", w->created), w->random);
    assert_non_null(stage_map_value(st, "orders", w->random));
    check_events(st);
}

/* Plays a call with these cuts; false when it came to its end before the last of them. */
static bool play(struct stage *st, const unsigned *cuts, size_t n_cuts, size_t n_writes_to_keep)
{
    struct world w = { 0 };
    bool was_cut = true;

    stage_start_params(st, everything, &w, params);
    for (size_t i = 0; i < n_cuts && was_cut; i++) {
        st->cut = cuts[i];
        stage_attempt(st);
        was_cut = !stage_is_finished(st);
        if (was_cut) {
            stage_crash(st, n_writes_to_keep);
        }
    }
    st->cut = STAGE_NO_CUT;
    if (was_cut) {
        stage_attempt(st);
    }
    check_world(st, &w);
    return was_cut;
}

static unsigned play_all(size_t n_writes_to_keep)
{
    unsigned cut = 0;
    bool was_cut;

    do {
        struct stage *st = stage_new();

        was_cut = play(st, &cut, 1, n_writes_to_keep);
        stage_free(st);
        cut++;
    } while (was_cut);
    return cut;
}

TEST(crash, of_the_process_behind_any_command_breaks_no_promise)
{
    assert_true(play_all(SIZE_MAX) > 15);
}

TEST(crash, of_the_machine_behind_any_command_breaks_no_promise)
{
    assert_true(play_all(0) > 15);
}

TEST(crash, of_the_machine_with_one_write_on_its_way_breaks_no_promise)
{
    assert_true(play_all(1) > 15);
}

TEST(crash, again_behind_any_command_of_the_second_attempt_breaks_no_promise)
{
    for (unsigned first = 0; first < 25; first += 2) {
        unsigned second = 0;
        bool was_cut;

        do {
            struct stage *st = stage_new();

            was_cut = play(st, (unsigned[]){ first, second }, 2, second % 2 ? 0 : SIZE_MAX);
            stage_free(st);
            second++;
        } while (was_cut);
    }
}

TEST(crash, never_leads_to_a_call_that_was_not_cut)
{
    struct stage *st = stage_new();
    struct world w = { 0 };

    stage_start_params(st, everything, &w, params);
    stage_attempt(st);
    check_world(st, &w);
    assert_int_equal(w.n_attempts, 1);
    assert_true(w.is_paid_told);
    assert_int_equal(w.n_created, 2);
    stage_free(st);
}

RUN_TESTS()
