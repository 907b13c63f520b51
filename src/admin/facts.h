/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What is known of one call, from the rows that say how far it is.
 */
#ifndef ADMIN_FACTS_H
#define ADMIN_FACTS_H

#include "admin/page.h"
#include "store/records.h"

enum call_status {
    CALL_UNFINISHED, /* it runs, or is to be run */
    CALL_WAITING,    /* suspended: something has to come first */
    CALL_FINISHED,
    CALL_UNKNOWN, /* neither: it was deleted this moment */
};

struct facts {
    struct id id;
    enum call_status status;
    struct unfinished_record unfinished; /* of one that is not finished */
    uint8_t outcome;                     /* these of a finished one */
    bool is_error;
    uint64_t finished_ms, n_events;
};

int facts_read(struct page *p, struct id call, struct facts *f_out, struct err *e) MUST_CHECK;

/* The call's own row, borrowed from p->value. DMCP_E_NOTFOUND, without a text. */
int facts_call(struct page *p, struct id call, struct call_record *r_out, struct err *e) MUST_CHECK;

/* Members of the object that is open. */
void facts_show(struct page *p, const struct facts *f, const struct call_record *r);

bool facts_is_over(const struct facts *f);

#endif
