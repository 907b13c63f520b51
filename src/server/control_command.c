/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Commands of the operator. See control_command.h.
 */
#include "server/control_command.h"

#include "admin/entry.h"
#include "admin/remote.h"
#include "base/limits.h"
#include "store/keys.h"

typedef struct command *maker_fn(const yyjson_val *body, struct err *e);

static int read_id(const yyjson_val *body, const char *what, struct id *id_out, struct err *e)
{
    if (query_read_id(json_get_str(body, what), id_out) != DMCP_OK) {
        return err_set(e, DMCP_E_INVALID, "\"%s\" is not the id of a %s", what, what);
    }
    return DMCP_OK;
}

static struct command *make_signal(const yyjson_val *body, struct err *e)
{
    struct str name = json_get_str(body, "name");
    const yyjson_val *value = json_get(body, "value");
    struct command *c = NULL;
    struct buf alias, text;
    struct id call;

    if (read_id(body, "call", &call, e) != DMCP_OK || query_check_signal(name, e) != DMCP_OK) {
        return NULL;
    }
    buf_init(&alias, KEY_BYTES_MAX);
    buf_init(&text, LIMIT_RESULT_BYTES);
    key_signal_alias(&alias, name);
    if (value) {
        json_write(&text, value);
    } else {
        buf_addz(&text, "null");
    }
    if (buf_ok(&text)) {
        c = command_new(CMD_SIGNAL);
        c->call = call;
        c->signal.alias = command_dup(c, buf_str(&alias));
        c->signal.body = command_dup(c, buf_str(&text));
    } else {
        err_set(e, DMCP_E_TOOBIG, "the value is larger than 16 MiB");
    }
    buf_fini(&alias);
    buf_fini(&text);
    return c;
}

static struct command *make_cancel(const yyjson_val *body, struct err *e)
{
    struct command *c;
    struct id call;

    if (read_id(body, "call", &call, e) != DMCP_OK) {
        return NULL;
    }
    c = command_new(CMD_CANCEL);
    c->call = call;
    return c;
}

static struct command *make_end(const yyjson_val *body, struct err *e)
{
    struct command *c;
    struct id session;

    if (read_id(body, "session", &session, e) != DMCP_OK) {
        return NULL;
    }
    c = command_new(CMD_SESSION_CLOSE);
    c->session = session;
    return c;
}

/* Of no call, so that it has no journal. */
static struct command *make_map(const yyjson_val *body, struct err *e)
{
    struct command *c = NULL;
    struct map_entry entry;
    struct arena arena;
    struct key k;

    arena_init(&arena);
    if (entry_read(body, &arena, &entry, e) == DMCP_OK) {
        c = command_new(CMD_MAP);
        c->map.alias = c->map.label = STR("");
        k = key_map(entry.map, entry.key);
        if (entry.value.p) {
            batch_put(&c->map.rows, key_str(&k), entry.value);
        } else {
            batch_del(&c->map.rows, key_str(&k));
        }
    }
    arena_fini(&arena);
    return c;
}

static const struct {
    const char *path;
    maker_fn *make;
} makers[] = { { CONTROL_SIGNAL, make_signal },
               { CONTROL_CANCEL, make_cancel },
               { CONTROL_END_SESSION, make_end },
               { CONTROL_MAP, make_map } };

static maker_fn *find(struct str path)
{
    for (size_t i = 0; i < COUNT_OF(makers); i++) {
        if (str_eqz(path, makers[i].path)) {
            return makers[i].make;
        }
    }
    return NULL;
}

bool control_is_command(struct str path)
{
    return find(path) != NULL;
}

struct command *control_command(struct str path, struct str body, struct err *e)
{
    struct command *c = NULL;
    yyjson_doc *doc = NULL;

    if (json_read(body, &doc, e) == DMCP_OK) {
        c = find(path)(yyjson_doc_get_root(doc), e);
    }
    yyjson_doc_free(doc);
    return c;
}
