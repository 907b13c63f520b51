/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The table of rows. See fields.h; the pictures are in keys.h and records.h.
 */
#include "store/fields.h"

#include <assert.h>

#define ID(name)                                                                                   \
    {                                                                                              \
        name, FIELD_SHARD_ID                                                                       \
    }
#define UNFINISHED_FIELDS                                                                          \
    { "attempt", FIELD_U32 }, { "crashes", FIELD_U32 }, { "flags", FIELD_U8 },                     \
        { "epoch", FIELD_U64 },                                                                    \
    {                                                                                              \
        "told_ms", FIELD_U64                                                                       \
    }

/* clang-format off */
static const struct row_kind kinds[] = {
    { KEY_META, "meta", { { "name", FIELD_REST } }, false, { { "value", FIELD_REST } } },
    { KEY_SESSION, "session", { ID("id") }, true,
      { { "created_ms", FIELD_U64 }, { "seen_ms", FIELD_U64 }, { "log_level", FIELD_U8 },
        { "flags", FIELD_U8 }, { "protocol_version", FIELD_STR }, { "principal", FIELD_STR },
        { "client_info", FIELD_STR }, { "capabilities", FIELD_STR } } },
    { KEY_CALL, "call", { ID("id") }, true,
      { { "era", FIELD_U8 }, { "method", FIELD_U8 }, { "created_ms", FIELD_U64 },
        { "session", FIELD_ID }, { "digest", FIELD_ID }, { "request_id", FIELD_STR },
        { "name", FIELD_STR }, { "params", FIELD_STR } } },
    { KEY_RESULT, "result", { ID("call") }, true,
      { { "outcome", FIELD_U8 }, { "finished_ms", FIELD_U64 }, { "events", FIELD_U64 },
        { "body", FIELD_STR } } },
    { KEY_UNFINISHED, "unfinished", { ID("call") }, true, { UNFINISHED_FIELDS } },
    { KEY_SUSPENDED, "suspended", { ID("call") }, true, { UNFINISHED_FIELDS } },
    { KEY_JOURNAL, "journal", { ID("call"), { "alias", FIELD_REST } }, true,
      { { "guard", FIELD_U8 }, { "state", FIELD_U8 }, { "attempt", FIELD_U32 },
        { "at_ms", FIELD_U64 }, { "due_ms", FIELD_U64 }, { "digest", FIELD_ID },
        { "label", FIELD_STR }, { "body", FIELD_STR } } },
    { KEY_REQUEST, "request", { ID("session"), { "request_id", FIELD_REST } }, true,
      { { "call", FIELD_ID }, { "digest", FIELD_ID } } },
    { KEY_EVENT, "event", { ID("stream"), { "sequence", FIELD_U64 } }, true,
      { { "at_ms", FIELD_U64 }, { "message", FIELD_STR } } },
    { KEY_STREAM, "stream", { ID("session") }, true,
      { { "next", FIELD_U64 }, { "sent", FIELD_U64 } } },
    { KEY_TIMER, "timer", { { "due_ms", FIELD_U64 }, ID("call"), { "alias", FIELD_REST } }, false,
      { { NULL, FIELD_END } } },
    { KEY_SUBSCRIPTION, "subscription", { ID("uri"), { "session", FIELD_ID } }, false,
      { { NULL, FIELD_END } } },
    { KEY_IDEMPOTENCY, "idempotency", { ID("scope"), { "key", FIELD_REST } }, true,
      { { "call", FIELD_ID }, { "digest", FIELD_ID }, { "expires_ms", FIELD_U64 } } },
    { KEY_INPUT, "input", { ID("id") }, true,
      { { "call", FIELD_ID }, { "session", FIELD_ID }, { "alias", FIELD_STR } } },
    { KEY_REFERENCE, "reference", { ID("call"), { "to", FIELD_REST } }, false,
      { { NULL, FIELD_END } } },
    { KEY_WATCH, "watch", { { "map", FIELD_NAME }, { "key", FIELD_NAME }, ID("call") }, false,
      { { "ranges", FIELD_REST } } },
    { KEY_WATCHING, "watching", { ID("call") }, true, { { "ranges", FIELD_STR } } },
    { KEY_LISTS, "lists", { ID("session") }, true,
      { { "tools", FIELD_U64 }, { "prompts", FIELD_U64 }, { "resources", FIELD_U64 } } },
    { KEY_MAP, "map", { { "map", FIELD_NAME }, { "key", FIELD_REST } }, false,
      { { "value", FIELD_REST } } },
};
/* clang-format on */

const struct row_kind *row_kind_of(uint8_t kind)
{
    for (size_t i = 0; i < COUNT_OF(kinds); i++) {
        if (kinds[i].kind == kind) {
            return &kinds[i];
        }
    }
    return NULL;
}

const struct row_kind *row_kind_named(struct str name)
{
    for (size_t i = 0; i < COUNT_OF(kinds); i++) {
        if (str_eqz(name, kinds[i].name)) {
            return &kinds[i];
        }
    }
    return NULL;
}

static struct str take(struct decoder *d, size_t n)
{
    struct str s = str_make(d->rest.p, n);

    d->rest = str_make(d->rest.p + n, d->rest.len - n);
    return s;
}

static struct str dec_name(struct decoder *d)
{
    const char *nul = d->rest.len ? memchr(d->rest.p, 0, d->rest.len) : NULL;
    struct str name;

    if (!nul) {
        d->failed = true;
        return STR_NONE;
    }
    name = take(d, (size_t)(nul - d->rest.p));
    (void)take(d, 1); /* the NUL */
    return name;
}

static void dec_field(struct decoder *d, enum field_type type, struct field_value *v)
{
    uint8_t shard;

    *v = (struct field_value){ .text = STR_NONE };
    switch (type) {
    case FIELD_U8:
        v->number = dec_u8(d);
        return;
    case FIELD_U32:
        v->number = dec_u32(d);
        return;
    case FIELD_U64:
        v->number = dec_u64(d);
        return;
    case FIELD_ID:
        v->id = dec_id(d);
        return;
    case FIELD_STR:
        v->text = dec_str(d);
        return;
    case FIELD_SHARD_ID:
        shard = dec_u8(d);
        v->id = dec_id(d);
        d->failed |= shard != key_shard(v->id);
        return;
    case FIELD_NAME:
        v->text = dec_name(d);
        return;
    case FIELD_REST:
        v->text = take(d, d->rest.len);
        return;
    case FIELD_END:
        return;
    }
}

int fields_dec(const struct field *fields, struct str bytes,
               struct field_value values_out[FIELDS_MAX])
{
    struct decoder d = { .rest = bytes };

    for (size_t i = 0; fields[i].type != FIELD_END; i++) {
        assert(i < FIELDS_MAX);
        dec_field(&d, fields[i].type, &values_out[i]);
    }
    return dec_end(&d);
}

void fields_enc(struct buf *b, const struct field *fields, const struct field_value *values)
{
    for (size_t i = 0; fields[i].type != FIELD_END; i++) {
        const struct field_value *v = &values[i];

        switch (fields[i].type) {
        case FIELD_U8:
            enc_u8(b, (uint8_t)v->number);
            break;
        case FIELD_U32:
            enc_u32(b, (uint32_t)v->number);
            break;
        case FIELD_U64:
            enc_u64(b, v->number);
            break;
        case FIELD_ID:
            enc_id(b, v->id);
            break;
        case FIELD_STR:
            enc_str(b, v->text);
            break;
        case FIELD_SHARD_ID:
            enc_u8(b, key_shard(v->id));
            enc_id(b, v->id);
            break;
        case FIELD_NAME:
            buf_add_str(b, v->text);
            buf_addc(b, '\0');
            break;
        case FIELD_REST:
            buf_add_str(b, v->text);
            break;
        case FIELD_END:
            break;
        }
    }
}
