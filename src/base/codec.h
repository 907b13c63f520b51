/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Bytes of records: big-endian integers and length-prefixed strings, written to a buf and read
 * back with every bound checked. The reader's failure is sticky: check codec_end once.
 */
#ifndef BASE_CODEC_H
#define BASE_CODEC_H

#include "base/buf.h"
#include "base/ids.h"

void enc_u8(struct buf *b, uint8_t v);
void enc_u32(struct buf *b, uint32_t v);
void enc_u64(struct buf *b, uint64_t v);
void enc_id(struct buf *b, struct id id);
void enc_str(struct buf *b, struct str s); /* 4 bytes of length, then the bytes */

struct decoder {
    struct str rest;
    bool failed;
};

uint8_t dec_u8(struct decoder *d);
uint32_t dec_u32(struct decoder *d);
uint64_t dec_u64(struct decoder *d);
struct id dec_id(struct decoder *d);
struct str dec_str(struct decoder *d); /* borrows */

/* DMCP_OK when all was there and nothing is left over, else DMCP_E_CORRUPT. */
int dec_end(const struct decoder *d) MUST_CHECK;

#endif
