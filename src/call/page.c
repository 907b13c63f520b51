/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Pages that the user is to visit outside of the protocol (elicitation in URL mode): their ids, the
 * error that names those which a request needs first, and the notification that one is done with.
 *
 * The id of a page is made from the call and the question's alias, so it is the same in each attempt
 * and can be part of the page's URL. Whom to tell when the user is done with it may be known to another
 * call, or in another life of the server; so the session subscribes to the id as it does to
 * a resource, before anybody learns it (engine/subscribe.c).
 * Source: MCP 2025-11-25, client features, elicitation.
 */
#include <ctype.h>

#include "call/internal.h"
#include "json/rpc.h"
#include "json/writer.h"

static struct str question_alias(dmcp_call *call, const char *alias)
{
    struct str part = str_of(alias);

    return journal_alias(call, ALIAS_QUESTION, &part, 1);
}

const char *page_id(dmcp_call *call, struct str alias)
{
    char hex[ID_HEX_BYTES + 1];
    struct buf b;

    buf_init(&b, SIZE_MAX / 2);
    buf_add_str(&b, id_bytes(&call->id));
    buf_add_str(&b, alias);
    id_to_hex(digest_id(buf_str(&b)), hex);
    buf_fini(&b);
    return dmcp_format(call, "%s", hex);
}

const char *dmcp_elicitation_id(dmcp_call *call, const char *alias)
{
    return page_id(call, question_alias(call, alias));
}

/* An absolute URI, as far as this is worth looking at: a scheme, and no blanks. */
int page_check_url(dmcp_call *call, const char *alias, const char *url)
{
    const char *colon = strchr(url, ':');
    bool is_good = colon && colon > url && colon[1] && isalpha((unsigned char)url[0]);

    for (const char *p = url; is_good && *p; p++) {
        is_good = (unsigned char)*p > ' ' && *p != 0x7f &&
                  (p >= colon || isalnum((unsigned char)*p) || strchr("+-.", *p));
    }
    return is_good ? DMCP_OK
                   : call_fail(call, DMCP_E_INVALID, "question \"%s\": \"%s\" is no URL", alias, url);
}

void page_write(struct json_writer *w, const char *id, const char *url)
{
    jw_key(w, "mode");
    jw_strz(w, "url");
    jw_key(w, "url");
    jw_strz(w, url);
    jw_key(w, "elicitationId");
    jw_strz(w, id);
}

/* What the session subscribes to. No resource has this name: its URI would begin with a scheme. */
struct id page_topic(const char *id)
{
    struct buf b;
    struct id topic;

    buf_init(&b, SIZE_MAX / 2);
    buf_addf(&b, " elicitation %s", id);
    topic = digest_id(buf_str(&b));
    buf_fini(&b);
    return topic;
}

void page_subscribe(dmcp_call *call, const char *id)
{
    struct command *c;

    if (call->rerun) {
        return;
    }
    c = call_command(call, CMD_SUBSCRIBE);
    c->session = call->run->session;
    c->subscribe.uri = page_topic(id);
    call_post(call, c);
}

/* ---- pages that come first ---- */

static int check_place(dmcp_call *call, const dmcp_question *question)
{
    int rc = wait_check(call, "a page");

    if (rc == DMCP_OK && call->scope->kind != SCOPE_HANDLER) {
        rc = call_fail(call, DMCP_E_MISUSE, "%s cannot ask for a page: the handler has to",
                       scope_place(call));
    }
    if (rc == DMCP_OK) {
        rc = journal_check_alias(call, "a page", question->alias);
    }
    if (rc == DMCP_OK && !(call->run->client & SESSION_ELICIT_URL)) {
        rc = call_fail(call, DMCP_E_UNSUPPORTED,
                       "page \"%s\": the client did not declare the capability "
                       "\"elicitation.url\"",
                       question->alias);
    }
    return rc == DMCP_OK
               ? page_check_url(call, question->alias, question->url ? question->url : "")
               : rc;
}

int dmcp_require_page(dmcp_call *call, const dmcp_question *question)
{
    struct json_writer w;
    struct str alias;
    const char *id;
    int rc = check_place(call, question);

    if (rc != DMCP_OK) {
        return rc;
    }
    alias = question_alias(call, question->alias);
    rc = journal_claim(call, alias);
    if (rc == DMCP_E_ALIAS) {
        return wait_fail_repeated(call, dmcp_format(call, "page \"%s\"", question->alias));
    }
    if (rc != DMCP_OK) {
        return rc;
    }
    id = page_id(call, alias);
    if (call->pages.len > 0) {
        buf_addc(&call->pages, ',');
    }
    jw_init(&w, &call->pages);
    jw_object(&w);
    page_write(&w, id, question->url);
    jw_key(&w, "message");
    jw_strz(&w, question->message ? question->message : "");
    jw_object_end(&w);
    if (!buf_ok(&call->pages)) {
        return call_fail(call, DMCP_E_TOOBIG, "the pages are larger than %u bytes as JSON",
                         LIMIT_EVENT_BYTES);
    }
    page_subscribe(call, id);
    return call_fail(call, DMCP_E_PAGE, "a page has to be visited first: %s", question->url);
}

void page_write_error(const dmcp_call *call, struct buf *out)
{
    struct json_writer w;

    jw_init(&w, out);
    jw_object(&w);
    jw_key(&w, "code");
    jw_int(&w, RPC_URL_ELICITATION_REQUIRED);
    jw_key(&w, "message");
    jw_strz(&w, "This request needs the user to visit a page first");
    jw_key(&w, "data");
    jw_object(&w);
    jw_key(&w, "elicitations");
    jw_array(&w);
    jw_raw(&w, buf_str(&call->pages));
    jw_array_end(&w);
    jw_object_end(&w);
    jw_object_end(&w);
}
