/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What happens to a call that waits: time, answers, signals, cancellation. See stage.h.
 */
#include "stage.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include "json/rpc.h"

void stage_apply(struct stage *s, struct command *c)
{
    rig_apply(s->rig, c);
    stage_drive(s);
}

void stage_set_client(struct stage *s, uint8_t can)
{
    struct command *c = command_new(CMD_SESSION_UPDATE);

    c->session = s->rig->session;
    c->update.log_level = -1;
    c->update.flags = s->client = can;
    stage_apply(s, c);
}

void stage_pass(struct stage *s, uint64_t ms)
{
    rig_pass(s->rig, ms);
    stage_apply(s, command_new(CMD_TICK));
}

bool stage_is_waiting(struct stage *s)
{
    return !s->pending && rig_has_id(s->rig, KEY_SUSPENDED, s->call);
}

/* ---- questions ---- */

const char *stage_last_event(struct stage *s)
{
    uint64_t n = rig_count(s->rig, key_of_id(KEY_EVENT, s->call));

    return n ? stage_event(s, n) : NULL;
}

struct id stage_question(struct stage *s)
{
    const char *text = stage_last_event(s);
    struct rpc_message m;
    struct id input;
    yyjson_doc *doc;
    struct err e;

    assert_non_null(text);
    assert_int_equal(json_read(str_of(text), &doc, &e), DMCP_OK);
    assert_int_equal(rpc_parse(yyjson_doc_get_root(doc), &m, &e), DMCP_OK);
    assert_int_equal(m.kind, RPC_REQUEST);
    assert_int_equal(rpc_id(&m).len, ID_HEX_BYTES + 2);
    assert_int_equal(id_from_hex(str_make(rpc_id(&m).p + 1, ID_HEX_BYTES), &input), DMCP_OK);
    yyjson_doc_free(doc);
    return input;
}

void stage_answer_to(struct stage *s, struct id input, const char *json)
{
    rig_answer(s->rig, 0, input, json);
    stage_drive(s);
}

void stage_answer(struct stage *s, const char *json)
{
    stage_answer_to(s, stage_question(s), json);
}

void stage_answer_error(struct stage *s, const char *text)
{
    rig_answer_error(s->rig, 0, stage_question(s), text);
    stage_drive(s);
}

/* ---- the others ---- */

void stage_signal(struct stage *s, const char *name, const char *json)
{
    struct command *c = command_new(CMD_SIGNAL);
    struct buf alias;

    buf_init(&alias, KIB);
    key_signal_alias(&alias, str_of(name));
    c->call = s->call;
    c->signal.alias = command_dup(c, buf_str(&alias));
    c->signal.body = command_dup(c, str_of(json));
    buf_fini(&alias);
    stage_apply(s, c);
}

void stage_cancel(struct stage *s)
{
    rig_cancel_call(s->rig, 0, s->call);
    stage_drive(s);
}

void stage_follow(struct stage *s)
{
    rig_follow(s->rig, ++s->n_peers, s->call, 0, RIG_CREDIT);
    stage_drive(s);
}

void stage_write(struct stage *s, const char *map, const char *key, const char *value)
{
    struct command *c = command_new(CMD_MAP);
    struct key k = key_map(str_of(map), str_of(key));

    c->map.alias = c->map.label = STR("");
    if (value) {
        batch_put(&c->map.rows, key_str(&k), str_of(value));
    } else {
        batch_del(&c->map.rows, key_str(&k));
    }
    stage_apply(s, c);
}
