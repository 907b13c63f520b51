/* SPDX-License-Identifier: Apache-2.0 */
/*
 * From a query to its view. See inspect.h.
 */
#include "admin/inspect.h"

#include "admin/view.h"

static int show(struct page *p, struct err *e)
{
    switch (p->query->view) {
    case DMCP_VIEW_STORE:
        return view_store(p, e);
    case DMCP_VIEW_SESSIONS:
        return view_sessions(p, e);
    case DMCP_VIEW_CALLS:
        return view_calls(p, e);
    case DMCP_VIEW_CALL:
        return view_call(p, e);
    case DMCP_VIEW_MAPS:
        return view_maps(p, e);
    case DMCP_VIEW_MAP:
        return view_map(p, e);
    case DMCP_VIEW_TIMERS:
        return view_timers(p, e);
    case DMCP_VIEW_INPUTS:
        return view_inputs(p, e);
    case DMCP_VIEW_SESSION:
        return view_session(p, e);
    }
    return err_set(e, DMCP_E_INVALID, "there is no such view");
}

int admin_inspect(struct store *s, const struct admin_query *q, struct buf *out, struct err *e)
{
    struct page p;
    int rc;

    page_begin(&p, s, q, out);
    rc = show(&p, e);
    page_fini(&p);
    if (rc == DMCP_OK && !buf_ok(out)) {
        rc = err_set(e, DMCP_E_TOOBIG, "the answer is too large; ask for less");
    }
    if (rc != DMCP_OK) {
        buf_reset(out);
    }
    return rc;
}
