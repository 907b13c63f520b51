/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Finding an id. See rpc_scan.h.
 *
 * Only the members of the message itself (depth 1) are looked at. Their strings are keys before a
 * colon and values behind it; an id that is a number goes from the colon to the comma or brace.
 */
#include "json/rpc_scan.h"

#include <stdio.h>

#include "json/rpc.h"

void rpc_scan_init(struct rpc_scan *s)
{
    *s = (struct rpc_scan){ .depth = 0 };
}

static void take(struct rpc_scan *s, char c)
{
    if (s->is_taking && s->n < sizeof(s->text)) {
        s->text[s->n++] = c;
    }
}

static bool is_text(const struct rpc_scan *s, const char *wanted)
{
    return str_eqz(str_make(s->text, s->n), wanted);
}

/* A member of the message is over. The last id counts, if there are two. */
static void end_member(struct rpc_scan *s)
{
    if (s->is_value && s->is_id && s->n <= sizeof(s->id)) {
        memcpy(s->id, s->text, s->n);
        s->n_id = s->n;
    }
    s->is_value = s->is_id = false;
    s->is_taking = true; /* the next key */
    s->n = 0;
}

static void begin_value(struct rpc_scan *s)
{
    s->has_method |= is_text(s, "\"method\"");
    s->is_id = is_text(s, "\"id\"");
    s->is_taking = s->is_id;
    s->is_value = true;
    s->n = 0;
}

static void outside_string(struct rpc_scan *s, char c)
{
    switch (c) {
    case '{':
    case '[':
        s->depth++;
        if (s->depth == 1) {
            end_member(s);
        } else {
            s->is_taking = false; /* no id is an object */
            s->is_id = false;
        }
        break;
    case '}':
    case ']':
        if (s->depth == 1) {
            end_member(s);
        }
        s->depth -= s->depth > 0;
        break;
    case ',':
        if (s->depth == 1) {
            end_member(s);
        }
        break;
    case ':':
        if (s->depth == 1 && !s->is_value) {
            begin_value(s);
        }
        break;
    case ' ':
    case '\t':
    case '\r':
    case '\n':
        break;
    default:
        if (s->depth == 1) {
            take(s, c);
        }
        break;
    }
    s->in_string = c == '"';
}

void rpc_scan_feed(struct rpc_scan *s, struct str piece)
{
    for (size_t i = 0; i < piece.len; i++) {
        char c = piece.p[i];

        if (!s->in_string) {
            outside_string(s, c);
            continue;
        }
        if (s->depth == 1) {
            take(s, c);
        }
        s->in_string = c != '"' || s->is_escaped;
        s->is_escaped = c == '\\' && !s->is_escaped;
    }
}

/* Through the parser of whole messages, which knows what an id is. */
struct str rpc_scan_id(struct rpc_scan *s)
{
    struct rpc_message message;
    yyjson_doc *doc;
    struct str id = STR_NONE;
    struct buf text;
    struct err e;

    if (!s->has_method || s->n_id == 0) {
        return STR_NONE;
    }
    buf_init(&text, 2 * KIB);
    rpc_write_request(&text, str_make(s->id, s->n_id), STR("m"), STR_NONE);
    if (json_read(buf_str(&text), &doc, &e) == DMCP_OK) {
        if (rpc_parse(yyjson_doc_get_root(doc), &message, &e) == DMCP_OK) {
            id = rpc_id(&message);
            memcpy(s->id, id.p, id.len);
            id.p = s->id;
        }
        yyjson_doc_free(doc);
    }
    buf_fini(&text);
    return id;
}
