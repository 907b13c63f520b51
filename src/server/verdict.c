/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Answers of the engine's own. See verdict.h.
 */
#include "server/verdict.h"

#include "base/limits.h"
#include "json/rpc.h"
#include "json/writer.h"
#include "mcp/tool.h"

void verdict_cancelled(struct buf *out)
{
    struct json_writer w;

    jw_init(&w, out);
    jw_object(&w);
    jw_key(&w, "code");
    jw_int(&w, RPC_REQUEST_CANCELLED);
    jw_key(&w, "message");
    jw_strz(&w, "the request was cancelled");
    jw_object_end(&w);
}

void verdict_crashed(struct buf *out, const struct crash_note *crash)
{
    struct buf text;

    buf_init(&text, 4 * KIB);
    buf_addf(&text, "the tool crashed the server %d times (%s) and is not run again", LIMIT_CRASHES,
             crash->signal ? strsignal(crash->signal) : "it ended the process");
    tool_error_write(out, buf_str(&text));
    buf_fini(&text);
}
