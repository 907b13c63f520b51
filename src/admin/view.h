/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The views: each writes its page from the rows of the store. They only read, so they work inside
 * of a running server and on a stopped store alike; docs/dmcp.md tells what stands in them.
 */
#ifndef ADMIN_VIEW_H
#define ADMIN_VIEW_H

#include "admin/page.h"

int view_store(struct page *p, struct err *e) MUST_CHECK;
int view_sessions(struct page *p, struct err *e) MUST_CHECK;
int view_session(struct page *p, struct err *e) MUST_CHECK;
int view_calls(struct page *p, struct err *e) MUST_CHECK;
int view_calls_of(struct page *p, struct id session, struct err *e) MUST_CHECK;
int view_call(struct page *p, struct err *e) MUST_CHECK;
int view_maps(struct page *p, struct err *e) MUST_CHECK;
int view_map(struct page *p, struct err *e) MUST_CHECK;
int view_timers(struct page *p, struct err *e) MUST_CHECK;
int view_inputs(struct page *p, struct err *e) MUST_CHECK;

#endif
