/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What may differ from one run of a handler to the next, asked once and then remembered: the time,
 * random bytes, new ids. The n-th question of a kind is a row of the journal under "now#n" and so
 * on, in the step whose body asks.
 */
#include <stdio.h>

#include "base/base64.h"
#include "base/clock.h"
#include "call/internal.h"
#include "json/writer.h"

#define RANDOM_BYTES_MAX 1024

static const char *const kind_names[N_VALUE_KINDS] = { "now", "random", "uuid7" };

/* The recorded answer as a value, or DMCP_E_NOTFOUND: make one, and keep it. */
static int look_up(dmcp_call *call, enum value_kind kind, struct str *alias_out,
                   yyjson_mut_val **v_out)
{
    struct entry entry;
    char name[32];
    struct str part;
    int rc;

    if (call->poison != DMCP_OK) {
        return call->poison;
    }
    snprintf(name, sizeof(name), "%s#%u", kind_names[kind], ++call->scope->n_values[kind]);
    part = str_of(name);
    *alias_out = journal_alias(call, ALIAS_VALUE, &part, 1);
    rc = journal_claim(call, *alias_out);
    if (rc == DMCP_OK) {
        rc = journal_find(call, *alias_out, &entry);
    }
    if (rc == DMCP_OK) {
        rc = value_parse(call, entry.body, v_out);
        return rc == DMCP_OK ? rc : call_fail(call, DMCP_E_CORRUPT, "%s in the journal", name);
    }
    if (rc == DMCP_E_NOTFOUND && call->rerun) {
        return rerun_unrecorded(call, *alias_out, dmcp_format(call, "%s", name));
    }
    return rc;
}

/* The new answer, as JSON text, goes into the journal. */
static void keep(dmcp_call *call, enum value_kind kind, struct str alias, struct buf *body)
{
    struct buf label;

    if (call_is_journaled(call)) {
        /* A body that is tried again asks again. */
        journal_remember(call, GUARD_VALUE, alias, buf_str(body));
        buf_init(&label, SIZE_MAX / 2);
        buf_addf(&label, "%s#%u", kind_names[kind], call->scope->n_values[kind]);
        journal_record(call, GUARD_VALUE, alias, buf_str(&label), buf_str(body));
        buf_fini(&label);
    }
    buf_fini(body);
}

static void open_body(struct json_writer *w, struct buf *body)
{
    buf_init(body, SIZE_MAX / 2);
    jw_init(w, body);
}

int dmcp_now(dmcp_call *call, uint64_t *ms_out)
{
    yyjson_mut_val *v;
    struct str alias;
    struct json_writer w;
    struct buf body;
    int rc = look_up(call, VALUE_NOW, &alias, &v);

    if (rc == DMCP_OK) {
        *ms_out = yyjson_mut_get_uint(v);
    } else if (rc == DMCP_E_NOTFOUND) {
        *ms_out = clock_wall_ms();
        open_body(&w, &body);
        jw_uint(&w, *ms_out);
        keep(call, VALUE_NOW, alias, &body);
        rc = DMCP_OK;
    }
    return rc;
}

static int take_random(dmcp_call *call, yyjson_mut_val *v, void *bytes_out, size_t size)
{
    struct buf bytes;
    int rc;

    buf_init(&bytes, SIZE_MAX / 2);
    rc = base64_dec(&bytes, str_make(yyjson_mut_get_str(v), yyjson_mut_get_len(v)));
    if (rc != DMCP_OK) {
        rc = call_fail(call, DMCP_E_CORRUPT, "random bytes in the journal cannot be decoded");
    } else if (bytes.len != size) {
        rc = call_fail_diverged(call,
                                "random#%u has %zu bytes in the call's journal, and %s asks for %zu",
                                call->scope->n_values[VALUE_RANDOM], bytes.len, scope_place(call),
                                size);
    } else if (size > 0) {
        memcpy(bytes_out, bytes.data, size);
    }
    buf_fini(&bytes);
    return rc;
}

int dmcp_random(dmcp_call *call, void *bytes_out, size_t size)
{
    yyjson_mut_val *v;
    struct str alias;
    struct json_writer w;
    struct buf body;
    int rc;

    if (size > RANDOM_BYTES_MAX) {
        return call_fail(call, DMCP_E_TOOBIG, "dmcp_random gives at most %d bytes, not %zu",
                         RANDOM_BYTES_MAX, size);
    }
    rc = look_up(call, VALUE_RANDOM, &alias, &v);
    if (rc == DMCP_OK) {
        rc = take_random(call, v, bytes_out, size);
    } else if (rc == DMCP_E_NOTFOUND) {
        random_bytes(bytes_out, size);
        open_body(&w, &body);
        jw_base64(&w, str_make(bytes_out, size));
        keep(call, VALUE_RANDOM, alias, &body);
        rc = DMCP_OK;
    }
    return rc;
}

int dmcp_uuid7(dmcp_call *call, char text_out[37])
{
    yyjson_mut_val *v;
    struct str alias;
    struct json_writer w;
    struct buf body;
    int rc = look_up(call, VALUE_UUID7, &alias, &v);

    if (rc == DMCP_OK) {
        snprintf(text_out, UUID_TEXT_BYTES + 1, "%s", dmcp_str(value_of(v)));
    } else if (rc == DMCP_E_NOTFOUND) {
        id_to_uuid(uuid_new(), text_out);
        open_body(&w, &body);
        jw_strz(&w, text_out);
        keep(call, VALUE_UUID7, alias, &body);
        rc = DMCP_OK;
    }
    return rc;
}
