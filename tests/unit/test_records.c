/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Records: golden bytes (the format on disk must not change unnoticed), and that whatever is cut
 * off, left over or unknown is corrupt and never more than that.
 */
#include "harness.h"
#include "random.h"
#include "store/keys.h"
#include "store/records.h"

#define ID_A "\x01\x02\x03\x04\x05\x06\x07\x08\x09\x0a\x0b\x0c\x0d\x0e\x0f\x10"
#define ID_B "\xf1\xf2\xf3\xf4\xf5\xf6\xf7\xf8\xf9\xfa\xfb\xfc\xfd\xfe\xff\xf0"

static struct id id_of(const char *bytes)
{
    struct id id;

    memcpy(id.b, bytes, sizeof(id.b));
    return id;
}

typedef int (*decode_fn)(struct str s);

/* The bytes are those, they decode, and nothing shorter, longer or of another layout does. */
static void expect_record(struct buf *b, struct str golden, decode_fn decode)
{
    char *bytes;

    assert_int_equal(b->len, golden.len);
    assert_memory_equal(b->data, golden.p, golden.len);
    assert_int_equal(decode(golden), DMCP_OK);
    for (size_t n = 0; n < golden.len; n++) {
        char *cut = mem_alloc(
            n); /* of exactly that size, for the sanitizer to see a read past it */

        memcpy(cut, golden.p, n);
        assert_int_equal(decode(str_make(cut, n)), DMCP_E_CORRUPT);
        mem_free(cut);
    }
    buf_addc(b, '\0');
    assert_int_equal(decode(buf_str(b)), DMCP_E_CORRUPT);
    bytes = mem_dup(golden.p, golden.len);
    bytes[0] = 0;
    assert_int_equal(decode(str_make(bytes, golden.len)), DMCP_E_CORRUPT);
    bytes[0] = 2;
    assert_int_equal(decode(str_make(bytes, golden.len)), DMCP_E_CORRUPT);
    mem_free(bytes);
    buf_fini(b);
}

/* The byte at that place is a code: those from 1 to last are known, and no others. */
static void expect_codes(struct str golden, size_t at, uint8_t last, decode_fn decode)
{
    char *bytes = mem_dup(golden.p, golden.len);

    for (int code = 0; code <= UINT8_MAX; code++) {
        bytes[at] = (char)code;
        assert_int_equal(decode(str_make(bytes, golden.len)),
                         code >= 1 && code <= last ? DMCP_OK : DMCP_E_CORRUPT);
    }
    mem_free(bytes);
}

static int decode_session(struct str s)
{
    struct session_record r;

    return session_record_dec(s, &r);
}

TEST(records, session)
{
    struct session_record r = { .created_ms = 0x0102030405060708,
                                .seen_ms = 0x1112131415161718,
                                .log_level = 3,
                                .flags = SESSION_INITIALIZED,
                                .protocol_version = STR("2025-06-18"),
                                .principal = STR("ann"),
                                .client_info = STR("{\"name\":\"x\"}"),
                                .capabilities = STR("{}") };
    struct str golden = STR("\x01\x01\x02\x03\x04\x05\x06\x07\x08\x11\x12\x13\x14\x15\x16\x17\x18"
                            "\x03\x01\0\0\0\x0a"
                            "2025-06-18\0\0\0\x03"
                            "ann\0\0\0\x0c{\"name\":\"x\"}\0\0\0\x02{}");
    struct session_record back;
    struct buf b;

    buf_init(&b, 1000);
    session_record_enc(&b, &r);
    assert_int_equal(session_record_dec(buf_str(&b), &back), DMCP_OK);
    assert_true(back.created_ms == r.created_ms && back.seen_ms == r.seen_ms);
    assert_int_equal(back.log_level, 3);
    assert_int_equal(back.flags, SESSION_INITIALIZED);
    assert_true(str_eq(back.protocol_version, r.protocol_version));
    assert_true(str_eq(back.principal, r.principal));
    assert_true(str_eq(back.client_info, r.client_info));
    assert_true(str_eq(back.capabilities, r.capabilities));
    expect_record(&b, golden, decode_session);
}

static int decode_call(struct str s)
{
    struct call_record r;

    return call_record_dec(s, &r);
}

TEST(records, call)
{
    struct call_record r = { .era = CALL_LEGACY,
                             .method = CALL_TOOL,
                             .created_ms = 0x0102030405060708,
                             .session = id_of(ID_A),
                             .digest = id_of(ID_B),
                             .request_id = STR("7"),
                             .name = STR("add"),
                             .params = STR("{\"a\":1}") };
    struct str golden = STR("\x01\x01\x01\x01\x02\x03\x04\x05\x06\x07\x08" ID_A ID_B "\0\0\0\x01"
                            "7\0\0\0\x03"
                            "add\0\0\0\x07{\"a\":1}");
    struct call_record back;
    struct buf b;

    buf_init(&b, 1000);
    call_record_enc(&b, &r);
    assert_int_equal(call_record_dec(buf_str(&b), &back), DMCP_OK);
    assert_int_equal(back.era, CALL_LEGACY);
    assert_int_equal(back.method, CALL_TOOL);
    assert_true(back.created_ms == r.created_ms);
    assert_true(id_eq(back.session, r.session) && id_eq(back.digest, r.digest));
    assert_true(str_eq(back.request_id, r.request_id));
    assert_true(str_eq(back.name, r.name) && str_eq(back.params, r.params));
    expect_record(&b, golden, decode_call);
    expect_codes(golden, 1, CALL_MODERN, decode_call);
    expect_codes(golden, 2, CALL_NOTICE, decode_call);
}

static int decode_unfinished(struct str s)
{
    struct unfinished_record r;

    return unfinished_record_dec(s, &r);
}

TEST(records, unfinished)
{
    struct unfinished_record r = { .attempt = 0x01020304, .crashes = 2, .flags = 3, .epoch = 9,
                                   .told_ms = 7 },
                             back;
    struct buf b;

    buf_init(&b, 1000);
    unfinished_record_enc(&b, &r);
    assert_int_equal(unfinished_record_dec(buf_str(&b), &back), DMCP_OK);
    assert_true(back.attempt == r.attempt && back.crashes == 2 && back.told_ms == 7);
    expect_record(&b,
                  STR("\x01\x01\x02\x03\x04\0\0\0\x02\x03\0\0\0\0\0\0\0\x09\0\0\0\0\0\0\0\x07"),
                  decode_unfinished);
}

static int decode_result(struct str s)
{
    struct result_record r;

    return result_record_dec(s, &r);
}

TEST(records, result)
{
    struct result_record r = { .outcome = OUTCOME_ERROR,
                               .finished_ms = 0x0102030405060708,
                               .n_events = 9,
                               .body = STR("{}") };
    struct str golden = STR("\x01\x02\x01\x02\x03\x04\x05\x06\x07\x08\0\0\0\0\0\0\0\x09"
                            "\0\0\0\x02{}");
    struct result_record back;
    struct buf b;

    buf_init(&b, 1000);
    result_record_enc(&b, &r);
    assert_int_equal(result_record_dec(buf_str(&b), &back), DMCP_OK);
    assert_int_equal(back.outcome, OUTCOME_ERROR);
    assert_true(back.finished_ms == r.finished_ms && back.n_events == 9);
    assert_true(str_eq(back.body, r.body));
    expect_record(&b, golden, decode_result);
    expect_codes(golden, 1, OUTCOME_CANCELLED, decode_result);
}

static int decode_journal(struct str s)
{
    struct journal_record r;

    return journal_record_dec(s, &r);
}

TEST(records, journal)
{
    struct journal_record r = { .guard = GUARD_AT_MOST_ONCE,
                                .state = STEP_FAILED,
                                .attempt = 5,
                                .at_ms = 0x0102030405060708,
                                .due_ms = 0x1112131415161718,
                                .digest = id_of(ID_A),
                                .label = STR("pay"),
                                .body = STR("no") };
    struct str golden = STR("\x01\x02\x03\0\0\0\x05\x01\x02\x03\x04\x05\x06\x07\x08"
                            "\x11\x12\x13\x14\x15\x16\x17\x18" ID_A
                            "\0\0\0\x03pay\0\0\0\x02no");
    struct journal_record back;
    struct buf b;

    buf_init(&b, 1000);
    journal_record_enc(&b, &r);
    assert_int_equal(journal_record_dec(buf_str(&b), &back), DMCP_OK);
    assert_int_equal(back.guard, GUARD_AT_MOST_ONCE);
    assert_int_equal(back.state, STEP_FAILED);
    assert_true(back.attempt == 5 && back.at_ms == r.at_ms && back.due_ms == r.due_ms);
    assert_true(id_eq(back.digest, r.digest));
    assert_true(str_eq(back.label, r.label) && str_eq(back.body, r.body));
    expect_record(&b, golden, decode_journal);
    expect_codes(golden, 1, GUARD_LOOP, decode_journal);
    expect_codes(golden, 2, STEP_EXPIRED, decode_journal);
}

static int decode_event(struct str s)
{
    struct event_record r;

    return event_record_dec(s, &r);
}

TEST(records, event)
{
    struct event_record r = { .at_ms = 0x0102030405060708, .message = STR("{}") }, back;
    struct buf b;

    buf_init(&b, 1000);
    event_record_enc(&b, &r);
    assert_int_equal(event_record_dec(buf_str(&b), &back), DMCP_OK);
    assert_true(back.at_ms == r.at_ms && str_eq(back.message, r.message));
    expect_record(&b, STR("\x01\x01\x02\x03\x04\x05\x06\x07\x08\0\0\0\x02{}"), decode_event);
}

static int decode_stream(struct str s)
{
    struct stream_record r;

    return stream_record_dec(s, &r);
}

TEST(records, stream)
{
    struct stream_record r = { .next = 0x0102030405060708, .sent = 3 }, back;
    struct buf b;

    buf_init(&b, 1000);
    stream_record_enc(&b, &r);
    assert_int_equal(stream_record_dec(buf_str(&b), &back), DMCP_OK);
    assert_true(back.next == r.next && back.sent == 3);
    expect_record(&b, STR("\x01\x01\x02\x03\x04\x05\x06\x07\x08\0\0\0\0\0\0\0\x03"), decode_stream);
}

static int decode_lists(struct str s)
{
    struct lists_record r;

    return lists_record_dec(s, &r);
}

TEST(records, lists)
{
    struct lists_record r = { { 0x0102030405060708, 2, 3 } }, back;
    struct buf b;

    buf_init(&b, 1000);
    lists_record_enc(&b, &r);
    assert_int_equal(lists_record_dec(buf_str(&b), &back), DMCP_OK);
    assert_memory_equal(&back, &r, sizeof(r));
    expect_record(&b,
                  STR("\x01\x01\x02\x03\x04\x05\x06\x07\x08\0\0\0\0\0\0\0\x02\0\0\0\0\0\0\0\x03"),
                  decode_lists);
}

static int decode_request(struct str s)
{
    struct request_record r;

    return request_record_dec(s, &r);
}

TEST(records, request)
{
    struct request_record r = { .call = id_of(ID_A), .digest = id_of(ID_B) }, back;
    struct buf b;

    buf_init(&b, 1000);
    request_record_enc(&b, &r);
    assert_int_equal(request_record_dec(buf_str(&b), &back), DMCP_OK);
    assert_true(id_eq(back.call, r.call) && id_eq(back.digest, r.digest));
    expect_record(&b, STR("\x01" ID_A ID_B), decode_request);
}

static int decode_watch(struct str s)
{
    struct str from, to;
    struct watch_record r;
    int rc = watch_record_dec(s, &r);

    while (rc == DMCP_OK) {
        rc = watch_range_next(&r.ranges, &from, &to);
    }
    return rc == DMCP_E_NOTFOUND ? DMCP_OK : rc;
}

TEST(records, watch)
{
    struct str golden = STR("\x01\0\0\0\x15\0\0\0\x01"
                            "a\0\0\0\x02"
                            "a\0\0\0\0\x01"
                            "b\0\0\0\x01"
                            "c");
    struct watch_record r, back;
    struct str from, to, rest;
    struct buf b, ranges;

    buf_init(&b, 1000);
    buf_init(&ranges, 1000);
    watch_range_add(&ranges, STR("a"), STR("a\0"));
    watch_range_add(&ranges, STR("b"), STR("c"));
    r.ranges = buf_str(&ranges);
    watch_record_enc(&b, &r);
    assert_int_equal(watch_record_dec(buf_str(&b), &back), DMCP_OK);
    rest = back.ranges;
    assert_int_equal(watch_range_next(&rest, &from, &to), DMCP_OK);
    assert_true(str_eqz(from, "a") && str_eq(to, STR("a\0")));
    assert_int_equal(watch_range_next(&rest, &from, &to), DMCP_OK);
    assert_true(str_eqz(from, "b") && str_eqz(to, "c"));
    assert_int_equal(watch_range_next(&rest, &from, &to), DMCP_E_NOTFOUND);
    expect_record(&b, golden, decode_watch);
    buf_fini(&ranges);
}

static int decode_idempotency(struct str s)
{
    struct idempotency_record r;

    return idempotency_record_dec(s, &r);
}

TEST(records, idempotency)
{
    struct idempotency_record r = {
        .call = id_of(ID_A), .digest = id_of(ID_B), .expires_ms = 0x0102030405060708
    };
    struct idempotency_record back;
    struct buf b;

    buf_init(&b, 1000);
    idempotency_record_enc(&b, &r);
    assert_int_equal(idempotency_record_dec(buf_str(&b), &back), DMCP_OK);
    assert_true(id_eq(back.call, r.call) && id_eq(back.digest, r.digest));
    assert_true(back.expires_ms == r.expires_ms);
    expect_record(&b, STR("\x01" ID_A ID_B "\x01\x02\x03\x04\x05\x06\x07\x08"),
                  decode_idempotency);
}

static int decode_input(struct str s)
{
    struct input_record r;

    return input_record_dec(s, &r);
}

TEST(records, input)
{
    struct input_record r = { .call = id_of(ID_A), .session = id_of(ID_B), .alias = STR("q") };
    struct input_record back;
    struct buf b;

    buf_init(&b, 1000);
    input_record_enc(&b, &r);
    assert_int_equal(input_record_dec(buf_str(&b), &back), DMCP_OK);
    assert_true(id_eq(back.call, r.call) && id_eq(back.session, r.session));
    assert_true(str_eq(back.alias, r.alias));
    expect_record(&b, STR("\x01" ID_A ID_B "\0\0\0\x01q"), decode_input);
}

TEST(records, an_input_whose_alias_fits_into_no_key_is_corrupt)
{
    char alias[KEY_ALIAS_BYTES_MAX + 1];
    struct input_record r = { .alias = str_make(alias, sizeof(alias)) };
    struct buf b;

    memset(alias, 'a', sizeof(alias));
    buf_init(&b, 10000);
    input_record_enc(&b, &r);
    assert_int_equal(decode_input(buf_str(&b)), DMCP_E_CORRUPT);
    buf_reset(&b);
    r.alias.len--;
    input_record_enc(&b, &r);
    assert_int_equal(decode_input(buf_str(&b)), DMCP_OK);
    buf_reset(&b);
    r.alias.len = 0;
    input_record_enc(&b, &r);
    assert_int_equal(decode_input(buf_str(&b)), DMCP_E_CORRUPT);
    buf_fini(&b);
}

/* Random bytes behind the layout number: refused or taken, but never read past their end. */
TEST(records, random_bytes_lead_no_decoder_past_their_end)
{
    static const decode_fn decoders[] = { decode_session, decode_call,    decode_unfinished,
                                          decode_result,  decode_journal, decode_event,
                                          decode_stream,  decode_request, decode_watch,
                                          decode_idempotency, decode_input };
    struct random r = { 1 };

    for (int i = 0; i < 20000; i++) {
        size_t n = random_below(&r, 80) + 1;
        char *bytes = mem_alloc(n);
        int rc;

        random_fill(&r, bytes, n);
        bytes[0] = 1;
        if (n > 4 && random_chance(&r, 50)) { /* a length that may fit */
            memset(bytes + random_below(&r, (uint32_t)n - 4), 0, 3);
        }
        rc = decoders[(size_t)i % COUNT_OF(decoders)](str_make(bytes, n));
        assert_true(rc == DMCP_OK || rc == DMCP_E_CORRUPT);
        mem_free(bytes);
    }
}

RUN_TESTS()
