/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Base64 with padding (RFC 4648 section 4), strict when decoding: no line breaks, no missing or
 * superfluous padding, no bits left over.
 */
#ifndef BASE_BASE64_H
#define BASE_BASE64_H

#include "base/buf.h"

void base64_enc(struct buf *out, struct str data);
int base64_dec(struct buf *out, struct str text) MUST_CHECK; /* DMCP_E_INVALID: nothing was added */

#endif
