/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The registry of key kinds, and the bytes of every key.
 *
 * One byte tells the kind; integers are big-endian; so the order of the bytes is the order of the
 * meaning. A byte once given never changes its meaning and is never given again: a kind that must
 * change becomes a new kind, and the old one stays listed here.
 *
 *   meta        | 01 | name ...                          |
 *   session     | 02 | shard 1 | session id 16           |
 *   call        | 03 | shard 1 | call id 16              |
 *   result      | 04 | shard 1 | call id 16              |
 *   unfinished  | 05 | shard 1 | call id 16              |
 *   journal     | 06 | shard 1 | call id 16 | alias ...  |
 *   request     | 07 | shard 1 | session id 16 | request id, JSON text ... |
 *   event       | 08 | shard 1 | stream id 16 | sequence 8 |
 *   stream      | 09 | shard 1 | session id 16           |
 *   timer       | 0a | due 8 | shard 1 | call id 16 | alias ... |
 *   idempotency | 0b | shard 1 | scope digest 16 | key ... |
 *   input       | 0c | shard 1 | input id 16             |
 *   suspended   | 0d | shard 1 | call id 16              |
 *   reference   | 0e | shard 1 | call id 16 | key of a row that leads to the call ... |
 *   subscription | 0f | shard 1 | digest of the URI 16 | session id 16 |
 *   watch       | 11 | map name ... | 00 | map key ... | 00 | shard 1 | call id 16 |
 *   watching    | 12 | shard 1 | call id 16              |
 *   lists       | 13 | shard 1 | session id 16           |
 *   map         | 20 | map name ... | 00 | map key ...   |
 *
 * A new kind gets its fields in fields.c too.
 *
 * The shard is the last byte of the id that follows it (a call of a session gets an id with the
 * session's last byte), so any id alone gives its keys, and all rows of a session stand in one
 * shard. A stream is a call's (its id is the call id) or a session's own (the session id).
 */
#ifndef STORE_KEYS_H
#define STORE_KEYS_H

#include "base/buf.h"
#include "base/err.h"
#include "base/ids.h"

#define FORMAT_VERSION 1
#define KEY_BYTES_MAX (1 + 128 + 1 + 1024 + 64)
#define KEY_ALIAS_BYTES_MAX (KEY_BYTES_MAX - 26) /* so that it fits into a timer's key too */

enum key_kind {
    KEY_META = 0x01,
    KEY_SESSION = 0x02,
    KEY_CALL = 0x03,
    KEY_RESULT = 0x04,
    KEY_UNFINISHED = 0x05,
    KEY_JOURNAL = 0x06,
    KEY_REQUEST = 0x07,
    KEY_EVENT = 0x08,
    KEY_STREAM = 0x09,
    KEY_TIMER = 0x0a,
    KEY_IDEMPOTENCY = 0x0b,
    KEY_INPUT = 0x0c,
    KEY_SUSPENDED = 0x0d,
    KEY_REFERENCE = 0x0e,
    KEY_SUBSCRIPTION = 0x0f,
    KEY_WATCH = 0x11,
    KEY_WATCHING = 0x12,
    KEY_LISTS = 0x13,
    KEY_MAP = 0x20,
};

/* A key under construction or complete; lives on the stack. */
struct key {
    size_t len;
    uint8_t b[KEY_BYTES_MAX];
};

static inline struct str key_str(const struct key *k)
{
    return str_make(k->b, k->len);
}

static inline uint8_t key_shard(struct id id)
{
    return id.b[15];
}

struct key key_meta(const char *name);
struct key key_kind_start(enum key_kind kind); /* the prefix of all keys of a kind */
/* session call result unfinished suspended stream input watching lists */
struct key key_of_id(enum key_kind kind, struct id id);
struct key key_journal(struct id call, struct str alias);  /* empty alias: the call's prefix */
struct key key_request(struct id session, struct str request_id);
struct key key_event(struct id stream, uint64_t sequence);
struct key key_timer(uint64_t due_ms, struct id call, struct str alias);
struct key key_idempotency(struct id scope, struct str idempotency_key);
struct key key_subscription(struct id uri, struct id session);
struct key key_reference(struct id call, struct str to); /* empty: the call's prefix */
struct key key_map(struct str map, struct str map_key); /* empty key: the map's prefix */

/* Whether this can be the name of a map, and this a key in one: DMCP_E_INVALID, DMCP_E_TOOBIG. */
int key_check_map(struct str map, struct err *e) MUST_CHECK;
int key_check_map_key(struct str map_key, struct err *e) MUST_CHECK;
/* A call that waits for this entry of the map to be written; with an empty key, for entries that
 * the row itself names. */
struct key key_watch(struct str map, struct str map_key, struct id call);
struct key key_watch_prefix(struct str map, struct str map_key); /* of all calls */
struct key key_watch_map(struct str map);                        /* of all keys and calls */

/* The first key behind all those that begin with this prefix. Not for an all-0xff prefix, which
 * no kind above can give. */
struct key key_prefix_end(struct str prefix);
struct key key_after(struct str key); /* the first key behind this one */

/* What stands behind a key's id: the alias of a journal key, the map key of a map key. */
int key_journal_alias(struct str key, struct str *alias_out) MUST_CHECK;
int key_map_parts(struct str key, struct str *map_out, struct str *map_key_out) MUST_CHECK;
int key_id(struct str key, struct id *id_out) MUST_CHECK; /* the id behind kind and shard */
int key_timer_parts(struct str key, uint64_t *due_ms_out, struct id *call_out,
                    struct str *alias_out) MUST_CHECK;
int key_subscriber(struct str key, struct id *session_out) MUST_CHECK;
int key_request_id(struct str key, struct str *request_id_out) MUST_CHECK;
int key_reference_target(struct str key, struct str *to_out) MUST_CHECK;
int key_event_sequence(struct str key, uint64_t *sequence_out) MUST_CHECK;
int key_watch_parts(struct str key, struct str *map_out, struct str *map_key_out,
                    struct id *call_out) MUST_CHECK;

/* The alias of the row under which a call gets a signal: the one that call/ makes aliases for what
 * it records itself (docs/FORMAT.md), and that senders must know as well. */
void key_signal_alias(struct buf *alias, struct str name);

#endif
