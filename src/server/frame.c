/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Frames. See frame.h. Both ends are one program on one machine: the head is memory as it is.
 */
#include "server/frame.h"

#include <assert.h>

void frame_write(struct buf *out, struct frame f, struct str body)
{
    assert(body.len <= UINT32_MAX);
    f.body_bytes = (uint32_t)body.len;
    buf_add(out, &f, sizeof(f));
    buf_add_str(out, body);
}

int frame_next(struct str *in, struct frame *f, struct str *body_out)
{
    if (in->len < sizeof(*f)) {
        return DMCP_E_AGAIN;
    }
    memcpy(f, in->p, sizeof(*f));
    if (in->len - sizeof(*f) < f->body_bytes) {
        return DMCP_E_AGAIN;
    }
    *body_out = str_make(in->p + sizeof(*f), f->body_bytes);
    *in = str_make(in->p + sizeof(*f) + f->body_bytes, in->len - sizeof(*f) - f->body_bytes);
    return DMCP_OK;
}
