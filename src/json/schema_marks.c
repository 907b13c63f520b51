/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Sets of members or items that were evaluated. See schema_impl.h.
 */
#include <assert.h>

#include "json/schema_impl.h"

void marks_init(struct marks *m, const yyjson_val *instance)
{
    yyjson_val *v = (yyjson_val *)instance;

    m->n = yyjson_is_ctn(v) ? yyjson_get_len(v) : 0;
    m->few = 0;
    m->bits = m->n > 64 ? mem_zalloc_n((m->n + 63) / 64, sizeof(*m->bits)) : &m->few;
}

void marks_fini(struct marks *m)
{
    if (m->bits != &m->few) {
        mem_free(m->bits);
    }
}

void marks_set(struct marks *m, size_t i)
{
    if (m) {
        assert(i < m->n);
        m->bits[i / 64] |= UINT64_C(1) << (i % 64);
    }
}

void marks_merge(struct marks *into, const struct marks *from)
{
    if (into) {
        assert(into->n == from->n);
        for (size_t i = 0; i < (from->n + 63) / 64; i++) {
            into->bits[i] |= from->bits[i];
        }
    }
}

bool marks_has(const struct marks *m, size_t i)
{
    assert(i < m->n);
    return m->bits[i / 64] >> (i % 64) & 1;
}
