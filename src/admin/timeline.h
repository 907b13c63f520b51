/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The journal of a call in the order of time. Its rows stand in the order of their aliases, and
 * there may be many: so they are all looked at, and those that come first behind the cursor are
 * kept by their times and aliases alone. Within a millisecond, what has begun and not ended comes
 * last: a handler does one thing after the other.
 */
#ifndef ADMIN_TIMELINE_H
#define ADMIN_TIMELINE_H

#include "base/buf.h"
#include "base/err.h"
#include "base/ids.h"
#include "store/store.h"

struct moment {
    uint64_t at_ms;
    uint8_t is_open;  /* 1: started, and neither done nor failed */
    struct str alias; /* owned */
};

struct timeline {
    struct moment *moments; /* room for max + 1 */
    size_t n, max;
    bool goes_on; /* there are more than these */
};

/* The first `max` moments behind *after (NULL: from the beginning). */
int timeline_read(struct timeline *t, struct store *s, struct id call, const struct moment *after,
                  size_t max, struct err *e) MUST_CHECK;
void timeline_fini(struct timeline *t);

#endif
