/* SPDX-License-Identifier: Apache-2.0 */
/*
 * For tests of what operators see: rows planted in a memory store, and questions about them.
 */
#ifndef TESTS_UNIT_ADMIN_FIXTURE_H
#define TESTS_UNIT_ADMIN_FIXTURE_H

#include "harness.h"

#include "admin/inspect.h"
#include "base/limits.h"
#include "store/keys.h"
#include "store/records.h"
#include "store/store.h"

/* The n-th id, of this shard; they count as UUIDv7s of increasing times. */
TEST_UNUSED static struct id id_of(unsigned n, uint8_t shard)
{
    struct id id = uuid7_from_ms(1700000000000 + n);

    id.b[15] = shard;
    return id;
}

TEST_UNUSED static const char *hex_of(struct id id)
{
    static char hex[4][ID_HEX_BYTES + 1];
    static unsigned next;
    char *to = hex[next++ % 4];

    id_to_hex(id, to);
    return to;
}

TEST_UNUSED static void plant(struct store *s, struct key k, struct str value)
{
    uint64_t position;
    struct batch b;

    batch_init(&b);
    batch_put(&b, key_str(&k), value);
    assert_int_equal(store_write(s, &b, &position, NULL), DMCP_OK);
    batch_fini(&b);
}

#define PLANT(s, k, kind, ...)                                                                     \
    do {                                                                                           \
        struct kind##_record plant_r_ = { __VA_ARGS__ };                                           \
        struct buf plant_b_;                                                                       \
        buf_init(&plant_b_, 64 * MIB);                                                             \
        kind##_record_enc(&plant_b_, &plant_r_);                                                   \
        plant(s, k, buf_str(&plant_b_));                                                           \
        buf_fini(&plant_b_);                                                                       \
    } while (0)

/* A call of this tool, unfinished, suspended or (KEY_RESULT) finished. */
TEST_UNUSED static void plant_call_of(struct store *s, struct id id, enum key_kind status,
                                      const char *tool, struct id session)
{
    PLANT(s, key_of_id(KEY_CALL, id), call, .era = CALL_LEGACY, .method = CALL_TOOL,
          .created_ms = 1000, .session = session, .request_id = STR("7"),
          .name = str_of(tool), .params = STR("{\"name\":\"x\"}"));
    if (status == KEY_RESULT) {
        PLANT(s, key_of_id(KEY_RESULT, id), result, .outcome = OUTCOME_RESULT, .finished_ms = 2000,
              .n_events = 3, .body = STR("{\"content\":[]}"));
    } else {
        PLANT(s, key_of_id(status, id), unfinished, .attempt = 2, .crashes = 1);
    }
}

TEST_UNUSED static void plant_call(struct store *s, struct id id, enum key_kind status,
                                   const char *tool)
{
    plant_call_of(s, id, status, tool, id_of(0, id.b[15]));
}

/* The answer, or the error's text. Valid until the next question. */
static char answer_text[5 * 1024 * 1024];

TEST_UNUSED static int ask(struct store *s, struct admin_query q)
{
    struct err e = { 0 };
    struct buf out;
    int rc = query_check(&q, &e);

    buf_init(&out, 256 * MIB);
    if (rc == DMCP_OK) {
        rc = admin_inspect(s, &q, &out, &e);
    }
    snprintf(answer_text, sizeof(answer_text), "%s", rc == DMCP_OK ? buf_str(&out).p : e.text);
    buf_fini(&out);
    return rc;
}

TEST_UNUSED static const char *answer(struct store *s, struct admin_query q)
{
    int rc = ask(s, q);

    if (rc != DMCP_OK) {
        print_error("%s\n", answer_text);
    }
    assert_int_equal(rc, DMCP_OK);
    return answer_text;
}

TEST_UNUSED static void expect_part(const char *part)
{
    if (!strstr(answer_text, part)) {
        print_error("not there: %s\nin: %s\n", part, answer_text);
        fail();
    }
}

TEST_UNUSED static void expect_not(const char *part)
{
    if (strstr(answer_text, part)) {
        print_error("there: %s\nin: %s\n", part, answer_text);
        fail();
    }
}

/* Where the answer goes on; "" when it does not. */
TEST_UNUSED static struct str next_of_answer(void)
{
    static char next[8192];
    const char *at = strstr(answer_text, ",\"next\":\"");

    next[0] = '\0';
    if (at) {
        sscanf(at, ",\"next\":\"%8191[0-9a-f]", next);
    }
    return str_of(next);
}

TEST_UNUSED static unsigned count_parts(const char *part)
{
    unsigned n = 0;

    for (const char *at = answer_text; (at = strstr(at, part)); at += strlen(part)) {
        n++;
    }
    return n;
}

#endif
