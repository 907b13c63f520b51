/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What stands beside the content of a result: annotations and `_meta` of a block, which are kept
 * until the block is added, and `_meta` of the result itself.
 */
#include "call/internal.h"

#define TRAIT_DEPTH (LIMIT_JSON_DEPTH - 6) /* so deep inside of a message they stand at most */

/* The object's text, in the call's arena. */
static int keep_object(dmcp_call *call, const char *function, const dmcp_value *value,
                       struct str *text_out)
{
    struct buf text;
    int rc = DMCP_OK;

    if (call->scope->kind != SCOPE_HANDLER) {
        return call_fail(call, DMCP_E_MISUSE, "%s cannot reply: give the result to the handler",
                         scope_place(call));
    }
    if (dmcp_value_type(value) != DMCP_OBJECT) {
        return call_fail(call, DMCP_E_TYPE, "%s wants an object, not a value of type %s", function,
                         value_type_name(dmcp_value_type(value)));
    }
    if (value_depth(value_mut(value)) > TRAIT_DEPTH) {
        return call_fail(call, DMCP_E_TOOBIG, "%s: the object is nested more than %d deep", function,
                         TRAIT_DEPTH);
    }
    buf_init(&text, LIMIT_RESULT_BYTES);
    json_write_mut(&text, value_mut(value));
    if (buf_ok(&text)) {
        *text_out = call_dup(call, buf_str(&text));
    } else {
        rc = call_fail(call, DMCP_E_TOOBIG, "%s: the object is larger than %u bytes", function,
                       LIMIT_RESULT_BYTES);
    }
    buf_fini(&text);
    return rc;
}

int dmcp_set_annotations(dmcp_call *call, const dmcp_value *annotations)
{
    struct str text;
    struct err e;
    int rc;

    if (call_method(call) == CALL_RESOURCE) {
        return call_fail(call, DMCP_E_MISUSE,
                         "the contents of a resource have no annotations; its definition has");
    }
    rc = keep_object(call, "dmcp_set_annotations", annotations, &text);
    if (rc == DMCP_OK && annotations_check(text, &e) != DMCP_OK) {
        rc = call_fail(call, DMCP_E_INVALID, "dmcp_set_annotations: %s", e.text);
    }
    if (rc == DMCP_OK) {
        call->reply.block_annotations = text;
    }
    return rc;
}

int dmcp_set_meta(dmcp_call *call, const dmcp_value *meta)
{
    return keep_object(call, "dmcp_set_meta", meta, &call->reply.block_meta);
}

int dmcp_set_result_meta(dmcp_call *call, const dmcp_value *meta)
{
    return keep_object(call, "dmcp_set_result_meta", meta, &call->reply.meta);
}
