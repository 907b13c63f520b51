/* SPDX-License-Identifier: Apache-2.0 */
/*
 * URI references resolved against a base (RFC 3986 section 5.2), as schemas need them: two URIs
 * are the same when their resolved texts are. Nothing is fetched, validated or normalised, except
 * that dot segments go.
 */
#ifndef JSON_URI_H
#define JSON_URI_H

#include "base/buf.h"

/* Appends the target without its fragment, and returns the fragment: part of `reference`, still
 * percent-encoded, STR_NONE when there is none. The base may be empty. */
struct str uri_resolve(struct buf *out, struct str base, struct str reference);

/* Appends the text with its percent-encoding undone; what is no encoding stays as it is. */
void uri_decode(struct buf *out, struct str text);

#endif
