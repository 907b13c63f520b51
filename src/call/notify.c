/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Notifications: progress, log messages, lists that changed, pages that were visited. Each is one
 * event on the call's stream or on a session's own, and goes out once per call: what it says is its identity, so a
 * handler that runs again sends nothing twice, and one that says the same twice is told so.
 *
 * The identity is a digest of the message and of a text made from the arguments; that text, cut,
 * is kept beside it for people.
 */
#include <math.h>

#include "base/utf8.h"
#include "call/internal.h"
#include "json/rpc.h"
#include "json/writer.h"

#define LABEL_BYTES 200

struct event {
    dmcp_call *call;
    const char *function; /* for error texts */
    const char *method;
    struct buf label;  /* what was called with which arguments */
    struct buf params; /* JSON text; empty for none */
    bool to_session, to_subscribers;
    struct id uri; /* of to_subscribers: its digest */
};

static void event_open(struct event *ev, dmcp_call *call, const char *function, const char *method)
{
    *ev = (struct event){ .call = call, .function = function, .method = method };
    buf_init(&ev->label, SIZE_MAX / 2);
    buf_init(&ev->params, LIMIT_EVENT_BYTES);
}

static void event_close(struct event *ev)
{
    buf_fini(&ev->label);
    buf_fini(&ev->params);
}

/* ---- sending ---- */

static struct str event_alias(struct event *ev, struct str message)
{
    char hex[ID_HEX_BYTES + 1];
    struct str part;
    struct buf all;

    buf_init(&all, SIZE_MAX / 2);
    buf_add_str(&all, message);
    buf_addc(&all, '\0');
    buf_add_str(&all, buf_str(&ev->label)); /* has the `why` that is not sent */
    id_to_hex(digest_id(buf_str(&all)), hex);
    buf_fini(&all);
    part = str_of(hex);
    return journal_alias(ev->call, ALIAS_EVENT, &part, 1);
}

static int send_journaled(struct event *ev, struct str message)
{
    dmcp_call *call = ev->call;
    struct str alias = event_alias(ev, message);
    struct entry entry;
    struct command *c;
    int rc = journal_claim(call, alias);
    if (rc == DMCP_E_ALIAS) {
        return call_fail(call, rc,
                         "%s was called before in %s with the same arguments, which "
                         "tell one notification from another: let them differ",
                         ev->function, call_run_name(call));
    }
    if (rc == DMCP_OK) {
        rc = journal_find(call, alias, &entry);
    }
    if (rc != DMCP_E_NOTFOUND) {
        return rc; /* DMCP_OK: an earlier attempt sent it */
    }
    if (call->rerun) {
        return rerun_unrecorded(call, alias,
                                dmcp_format(call, "%.*s",
                                            STR_FMT(utf8_cut(buf_str(&ev->label), LABEL_BYTES))));
    }
    c = call_command(call, CMD_EVENT);
    c->event.alias = command_dup(c, alias);
    c->event.label = command_dup(c, utf8_cut(buf_str(&ev->label), LABEL_BYTES));
    c->event.message = command_dup(c, message);
    c->event.to_session = ev->to_session;
    c->event.to_subscribers = ev->to_subscribers;
    c->event.uri = ev->uri;
    rc = call_ask(call, c);
    if (rc == DMCP_OK) {
        call->is_dirty = true;
    }
    return validate_keep(call, alias, rc);
}

/* Without a journal: once per time that it is said. */
static int send_to_subscribers(struct event *ev, struct str message)
{
    struct command *c = call_command(ev->call, CMD_EVENT);

    c->event.alias = STR("");
    c->event.message = command_dup(c, message);
    c->event.to_subscribers = true;
    c->event.uri = ev->uri;
    return call_ask(ev->call, c);
}

static int send_ephemeral(struct event *ev, struct str message)
{
    const struct run *run = ev->call->run;
    struct action_list list;
    struct action *a;
    int rc = call_flush_recorded(ev->call); /* it may tell what was read */

    if (rc != DMCP_OK) {
        return rc;
    }
    action_list_init(&list);
    a = action_add(&list, ACT_EVENT, WHEN_VISIBLE);
    a->peer = run->peer;
    a->session = run->session;
    a->call = run->call;
    a->event.stream = run->call;
    a->event.sequence = 0; /* nothing to resume from */
    a->text = action_dup(a, message);
    mailbox_put(ev->call->env->io, &a->mail);
    return DMCP_OK;
}

/* Sends the event and closes it. */
static int event_send(struct event *ev)
{
    dmcp_call *call = ev->call;
    struct str params = ev->params.len ? buf_str(&ev->params) : STR_NONE;
    struct buf message;
    int rc;

    buf_init(&message, LIMIT_EVENT_BYTES);
    rpc_write_notification(&message, str_of(ev->method), params);
    if (!buf_ok(&ev->params) || !buf_ok(&message)) {
        rc = call_fail(call, DMCP_E_TOOBIG, "%s: the notification is larger than %u bytes",
                       ev->function, LIMIT_EVENT_BYTES);
    } else if (call_is_journaled(call)) {
        rc = send_journaled(ev, buf_str(&message));
    } else if (ev->to_subscribers) {
        rc = send_to_subscribers(ev, buf_str(&message));
    } else {
        rc = send_ephemeral(ev, buf_str(&message));
    }
    buf_fini(&message);
    event_close(ev);
    return rc;
}

/* ---- progress ---- */

int dmcp_progress(dmcp_call *call, double progress, double total, const char *message)
{
    struct json_writer w;
    struct event ev;

    if (call->poison != DMCP_OK) {
        return call->poison;
    }
    if (!call->progress_token.p) {
        return DMCP_OK;
    }
    if (!isfinite(progress) || isnan(total) || (total > 0 && isinf(total))) {
        return call_fail(call, DMCP_E_INVALID, "dmcp_progress wants finite numbers");
    }
    event_open(&ev, call, "dmcp_progress", "notifications/progress");
    jw_init(&w, &ev.params);
    jw_object(&w);
    jw_key(&w, "progressToken");
    jw_raw(&w, call->progress_token);
    jw_key(&w, "progress");
    jw_double(&w, progress);
    buf_addf(&ev.label, "report_progress(progress=%.17g, total=", progress);
    if (total >= 0) {
        jw_key(&w, "total");
        jw_double(&w, total);
        buf_addf(&ev.label, "%.17g", total);
    } else {
        buf_addz(&ev.label, "None");
    }
    buf_addf(&ev.label, ", message=%s)", message ? message : "None");
    if (message) {
        jw_key(&w, "message");
        jw_strz(&w, message);
    }
    jw_object_end(&w);
    return event_send(&ev);
}

/* ---- log ---- */

static const char *const level_names[] = {
    [DMCP_LOG_DEBUG] = "debug",   [DMCP_LOG_INFO] = "info",
    [DMCP_LOG_NOTICE] = "notice", [DMCP_LOG_WARNING] = "warning",
    [DMCP_LOG_ERROR] = "error",   [DMCP_LOG_CRITICAL] = "critical",
    [DMCP_LOG_ALERT] = "alert",   [DMCP_LOG_EMERGENCY] = "emergency",
};

static int send_log(dmcp_call *call, const char *level, const char *logger, const char *text)
{
    struct json_writer w;
    struct event ev;

    event_open(&ev, call, "dmcp_log", "notifications/message");
    jw_init(&w, &ev.params);
    jw_object(&w);
    jw_key(&w, "level");
    jw_strz(&w, level);
    if (logger) {
        jw_key(&w, "logger");
        jw_strz(&w, logger);
    }
    jw_key(&w, "data");
    jw_strz(&w, text);
    jw_object_end(&w);
    buf_addf(&ev.label, "log(level='%s', message='%s', logger_name=%s)", level, text,
             logger ? logger : "None");
    return event_send(&ev);
}

int dmcp_log(dmcp_call *call, dmcp_log_level level, const char *logger, const char *fmt, ...)
{
    struct arena scratch; /* the call's own would keep every message that it ever sent */
    va_list ap;
    int rc;

    if (call->poison != DMCP_OK) {
        return call->poison;
    }
    if ((unsigned)level >= COUNT_OF(level_names)) {
        return call_fail(call, DMCP_E_INVALID, "dmcp_log: %d is not a level", (int)level);
    }
    if (!call->run || (unsigned)level < call->run->log_level) {
        return DMCP_OK;
    }
    arena_init(&scratch);
    va_start(ap, fmt);
    rc = send_log(call, level_names[level], logger, arena_vprintf(&scratch, fmt, ap));
    va_end(ap);
    arena_fini(&scratch);
    return rc;
}

/* ---- lists ---- */

static const struct {
    const char *alias, *method;
} lists[] = {
    [DMCP_TOOLS] = { "send_tool_list_changed", "notifications/tools/list_changed" },
    [DMCP_PROMPTS] = { "send_prompt_list_changed", "notifications/prompts/list_changed" },
    [DMCP_RESOURCES] = { "send_resource_list_changed", "notifications/resources/list_changed" },
};

int dmcp_list_changed(dmcp_call *call, dmcp_list list, const char *why)
{
    struct event ev;

    if (call->poison != DMCP_OK) {
        return call->poison;
    }
    if ((unsigned)list >= COUNT_OF(lists)) {
        return call_fail(call, DMCP_E_INVALID, "dmcp_list_changed: %d is not a list", (int)list);
    }
    if (!call->run) {
        return DMCP_OK; /* at the start nobody has seen a list yet */
    }
    event_open(&ev, call, "dmcp_list_changed", lists[list].method);
    ev.to_session = true;
    buf_addf(&ev.label, "%s: %s", lists[list].alias, why ? why : "");
    return event_send(&ev);
}

int dmcp_resource_updated(dmcp_call *call, const char *uri, const char *why)
{
    struct json_writer w;
    struct event ev;

    if (call->poison != DMCP_OK) {
        return call->poison;
    }
    event_open(&ev, call, "dmcp_resource_updated", "notifications/resources/updated");
    ev.to_subscribers = true;
    ev.uri = digest_id(str_of(uri));
    jw_init(&w, &ev.params);
    jw_object(&w);
    jw_key(&w, "uri");
    jw_strz(&w, uri);
    jw_object_end(&w);
    buf_addf(&ev.label, "send_resource_updated(%s): %s", uri, why ? why : "");
    return event_send(&ev);
}

int dmcp_elicitation_complete(dmcp_call *call, const char *elicitation_id)
{
    struct json_writer w;
    struct event ev;

    if (call->poison != DMCP_OK) {
        return call->poison;
    }
    event_open(&ev, call, "dmcp_elicitation_complete", "notifications/elicitation/complete");
    ev.to_subscribers = true;
    ev.uri = page_topic(elicitation_id);
    jw_init(&w, &ev.params);
    jw_object(&w);
    jw_key(&w, "elicitationId");
    jw_strz(&w, elicitation_id);
    jw_object_end(&w);
    buf_addf(&ev.label, "send_elicit_complete(%s)", elicitation_id);
    return event_send(&ev);
}
