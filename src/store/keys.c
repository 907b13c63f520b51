/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Key encoding. The pictures are in keys.h.
 */
#include "store/keys.h"

#include <assert.h>

#include "base/limits.h"
#include "base/utf8.h"

#define ID_AT 2                  /* behind kind and shard */
#define ID_END (ID_AT + 16)
#define SEQUENCE_BYTES 8

static void add(struct key *k, const void *p, size_t n)
{
    assert(k->len + n <= sizeof(k->b));
    if (n) {
        memcpy(k->b + k->len, p, n);
    }
    k->len += n;
}

static void add_u8(struct key *k, uint8_t v)
{
    add(k, &v, 1);
}

static void add_u64(struct key *k, uint64_t v)
{
    for (int shift = 56; shift >= 0; shift -= 8) {
        add_u8(k, (uint8_t)(v >> shift));
    }
}

static void add_id(struct key *k, struct id id)
{
    add_u8(k, key_shard(id));
    add(k, id.b, sizeof(id.b));
}

struct key key_kind_start(enum key_kind kind)
{
    struct key k;

    k.len = 0;
    add_u8(&k, (uint8_t)kind);
    return k;
}

struct key key_meta(const char *name)
{
    struct key k = key_kind_start(KEY_META);

    add(&k, name, strlen(name));
    return k;
}

struct key key_of_id(enum key_kind kind, struct id id)
{
    struct key k = key_kind_start(kind);

    add_id(&k, id);
    return k;
}

struct key key_journal(struct id call, struct str alias)
{
    struct key k = key_of_id(KEY_JOURNAL, call);

    add(&k, alias.p, alias.len);
    return k;
}

struct key key_request(struct id session, struct str request_id)
{
    struct key k = key_of_id(KEY_REQUEST, session);

    add(&k, request_id.p, request_id.len);
    return k;
}

struct key key_event(struct id stream, uint64_t sequence)
{
    struct key k = key_of_id(KEY_EVENT, stream);

    add_u64(&k, sequence);
    return k;
}

struct key key_timer(uint64_t due_ms, struct id call, struct str alias)
{
    struct key k = key_kind_start(KEY_TIMER);

    add_u64(&k, due_ms);
    add_id(&k, call);
    add(&k, alias.p, alias.len);
    return k;
}

struct key key_idempotency(struct id scope, struct str idempotency_key)
{
    struct key k = key_of_id(KEY_IDEMPOTENCY, scope);

    add(&k, idempotency_key.p, idempotency_key.len);
    return k;
}

struct key key_subscription(struct id uri, struct id session)
{
    struct key k = key_of_id(KEY_SUBSCRIPTION, uri);

    add(&k, session.b, sizeof(session.b));
    return k;
}

struct key key_reference(struct id call, struct str to)
{
    struct key k = key_of_id(KEY_REFERENCE, call);

    add(&k, to.p, to.len);
    return k;
}

struct key key_map(struct str map, struct str map_key)
{
    struct key k = key_kind_start(KEY_MAP);

    add(&k, map.p, map.len);
    add_u8(&k, 0);
    add(&k, map_key.p, map_key.len);
    return k;
}

int key_check_map(struct str map, struct err *e)
{
    if (map.len == 0) {
        return err_set(e, DMCP_E_INVALID, "a map's name is empty");
    }
    if (map.len > LIMIT_NAME_BYTES) {
        return err_set(e, DMCP_E_TOOBIG, "a map's name has at most %d bytes; \"%.40s...\" has %zu",
                       LIMIT_NAME_BYTES, map.p, map.len);
    }
    if (!utf8_is_valid(map) || memchr(map.p, 0, map.len)) {
        return err_set(e, DMCP_E_INVALID, "a map's name is not UTF-8");
    }
    return DMCP_OK;
}

int key_check_map_key(struct str map_key, struct err *e)
{
    if (map_key.len == 0) {
        return err_set(e, DMCP_E_INVALID, "a map's key is empty");
    }
    if (map_key.len > LIMIT_MAP_KEY_BYTES) {
        return err_set(e, DMCP_E_TOOBIG, "a map's key has at most %d bytes; \"%.40s...\" has %zu",
                       LIMIT_MAP_KEY_BYTES, map_key.p, map_key.len);
    }
    if (memchr(map_key.p, 0, map_key.len)) {
        return err_set(e, DMCP_E_INVALID, "a map's key has a NUL in it");
    }
    return DMCP_OK;
}

struct key key_watch_map(struct str map)
{
    struct key k = key_kind_start(KEY_WATCH);

    add(&k, map.p, map.len);
    add_u8(&k, 0);
    return k;
}

struct key key_watch_prefix(struct str map, struct str map_key)
{
    struct key k = key_watch_map(map);

    add(&k, map_key.p, map_key.len);
    add_u8(&k, 0);
    return k;
}

struct key key_watch(struct str map, struct str map_key, struct id call)
{
    struct key k = key_watch_prefix(map, map_key);

    add_id(&k, call);
    return k;
}

struct key key_prefix_end(struct str prefix)
{
    struct key k;

    k.len = 0;
    add(&k, prefix.p, prefix.len);
    while (k.len > 0 && k.b[k.len - 1] == 0xff) {
        k.len--;
    }
    assert(k.len > 0);
    k.b[k.len - 1]++;
    return k;
}

struct key key_after(struct str key)
{
    struct key k;

    k.len = 0;
    add(&k, key.p, key.len);
    add_u8(&k, 0);
    return k;
}

int key_id(struct str key, struct id *id_out)
{
    if (key.len < ID_END) {
        return DMCP_E_CORRUPT;
    }
    memcpy(id_out->b, key.p + ID_AT, sizeof(id_out->b));
    return DMCP_OK;
}

int key_journal_alias(struct str key, struct str *alias_out)
{
    if (key.len <= ID_END) {
        return DMCP_E_CORRUPT;
    }
    *alias_out = str_make(key.p + ID_END, key.len - ID_END);
    return DMCP_OK;
}

int key_request_id(struct str key, struct str *request_id_out)
{
    if (key.len <= ID_END) {
        return DMCP_E_CORRUPT;
    }
    *request_id_out = str_make(key.p + ID_END, key.len - ID_END);
    return DMCP_OK;
}

int key_reference_target(struct str key, struct str *to_out)
{
    if (key.len <= ID_END) {
        return DMCP_E_CORRUPT;
    }
    *to_out = str_make(key.p + ID_END, key.len - ID_END);
    return DMCP_OK;
}

int key_map_parts(struct str key, struct str *map_out, struct str *map_key_out)
{
    const char *nul = key.len > 1 ? memchr(key.p + 1, 0, key.len - 1) : NULL;
    size_t n;

    if (!nul) {
        return DMCP_E_CORRUPT;
    }
    n = (size_t)(nul - key.p);
    *map_out = str_make(key.p + 1, n - 1);
    *map_key_out = str_make(nul + 1, key.len - n - 1);
    return DMCP_OK;
}

static uint64_t read_u64(const char *p)
{
    uint64_t v = 0;

    for (size_t i = 0; i < 8; i++) {
        v = v << 8 | (uint8_t)p[i];
    }
    return v;
}

int key_event_sequence(struct str key, uint64_t *sequence_out)
{
    if (key.len != ID_END + SEQUENCE_BYTES) {
        return DMCP_E_CORRUPT;
    }
    *sequence_out = read_u64(key.p + ID_END);
    return DMCP_OK;
}

#define TIMER_ID_AT (1 + 8 + 1) /* behind kind, due time and shard */
#define TIMER_ID_END (TIMER_ID_AT + 16)

int key_timer_parts(struct str key, uint64_t *due_ms_out, struct id *call_out,
                    struct str *alias_out)
{
    if (key.len <= TIMER_ID_END || key.len - TIMER_ID_END > KEY_ALIAS_BYTES_MAX) {
        return DMCP_E_CORRUPT;
    }
    *due_ms_out = read_u64(key.p + 1);
    memcpy(call_out->b, key.p + TIMER_ID_AT, sizeof(call_out->b));
    *alias_out = str_make(key.p + TIMER_ID_END, key.len - TIMER_ID_END);
    return DMCP_OK;
}

#define WATCH_ID_BYTES (1 + 16) /* shard and call */

int key_watch_parts(struct str key, struct str *map_out, struct str *map_key_out,
                    struct id *call_out)
{
    struct str map, rest;

    if (key_map_parts(key, &map, &rest) != DMCP_OK || rest.len < 1 + WATCH_ID_BYTES ||
        rest.p[rest.len - WATCH_ID_BYTES - 1] != 0) {
        return DMCP_E_CORRUPT;
    }
    *map_out = map;
    *map_key_out = str_make(rest.p, rest.len - WATCH_ID_BYTES - 1);
    memcpy(call_out->b, rest.p + rest.len - sizeof(call_out->b), sizeof(call_out->b));
    return DMCP_OK;
}

int key_subscriber(struct str key, struct id *session_out)
{
    if (key.len != ID_END + sizeof(session_out->b)) {
        return DMCP_E_CORRUPT;
    }
    memcpy(session_out->b, key.p + ID_END, sizeof(session_out->b));
    return DMCP_OK;
}

void key_signal_alias(struct buf *alias, struct str name)
{
    buf_add_str(alias, STR("\x01g"));
    buf_addc(alias, '\0');
    buf_add_str(alias, name);
}
