/* SPDX-License-Identifier: Apache-2.0 */
/*
 * When two JSON values are the same: numbers by value (1, 1.0 and 10e-1 are one), strings by code
 * points, objects without regard to the order of their members.
 */
#ifndef JSON_EQUAL_H
#define JSON_EQUAL_H

#include <yyjson.h>

#include "base/str.h"

bool json_equal(const yyjson_val *a, const yyjson_val *b);

/* The same for equal values, and for others nearly never: the hash is keyed (hmap_hash). */
uint64_t json_hash(const yyjson_val *v);

#endif
