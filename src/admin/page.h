/* SPDX-License-Identifier: Apache-2.0 */
/*
 * One page of an answer: an object with a list in it, and where the list goes on.
 *
 *     {"calls":[{...},{...}],"next":"0190..."}
 *
 * A page ends when it has as many entries as were asked for, when it is large, or when so many
 * rows were looked at in vain that the asker should get a word first. So whatever the store
 * holds, an answer takes bounded memory and time. "next" is the key behind which the next page
 * begins, in hexadecimal digits; what it is made of is the view's business.
 */
#ifndef ADMIN_PAGE_H
#define ADMIN_PAGE_H

#include "admin/query.h"
#include "json/writer.h"
#include "store/keys.h"
#include "store/store.h"

struct page {
    struct store *store;
    const struct admin_query *query;
    struct json_writer w;
    struct buf *out;
    size_t n_shown, n_seen;
    struct buf last;  /* the cursor of the last row that was looked at */
    struct buf value; /* for the views, to read rows into */
};

void page_begin(struct page *p, struct store *s, const struct admin_query *q, struct buf *out);
void page_list(struct page *p, const char *name);

/* Before each row: whether it is left to the next page. Then one of these two: */
bool page_is_full(const struct page *p);
void page_shown(struct page *p, struct str cursor);
void page_passed(struct page *p, struct str cursor); /* not what was asked for */

void page_end(struct page *p, bool goes_on);
void page_fini(struct page *p); /* frees what the page holds, but not `out` */

/* The cursor that the query brought, empty for none. DMCP_E_INVALID: it is none of ours. */
int page_after(const struct page *p, struct buf *cursor, struct err *e) MUST_CHECK;

/* Shows the rows of a prefix in the order of their keys: all that such a view has to bring is one
 * function for one row, which says whether it showed it. The cursor is the key behind the
 * prefix. */
typedef int (*page_row_fn)(struct page *p, struct str key, struct str value, bool *is_shown,
                           struct err *e);
int page_scan(struct page *p, struct key prefix, page_row_fn row, bool *goes_on_out,
              struct err *e) MUST_CHECK;

/* What is read may have changed a moment later; DMCP_E_NOTFOUND is an answer. *value_out is valid
 * until the next read. */
int page_read(struct page *p, struct key k, struct str *value_out, struct err *e) MUST_CHECK;

/* ---- members ---- */

void show_id(struct page *p, const char *name, struct id id);
void show_text(struct page *p, const char *name, struct str text);
void show_uint(struct page *p, const char *name, uint64_t number);

/* What stands in the store as JSON text. When it is not longer than the query's `text` the member
 * is the value; else it is called <name>_start and is the beginning of the text, as a string. In
 * both cases <name>_bytes is its length. */
void show_json(struct page *p, const char *name, struct str json);

/* Any bytes, in the same way: a string when they are UTF-8, else <name>_base64. */
void show_bytes(struct page *p, const char *name, struct str bytes);

/* For rows that cannot be decoded. */
int page_corrupt(const char *what, struct str key, struct err *e) MUST_CHECK;

#endif
