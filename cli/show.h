/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The pages of dmcp_admin_inspect as tables for people.
 */
#ifndef CLI_SHOW_H
#define CLI_SHOW_H

#include <dmcp_admin.h>
#include <yyjson.h>

/* `page` is the answer's object; is_first: no page of the same answer was shown before. */
void show_page(dmcp_view view, yyjson_val *page, bool is_first);

#endif
