/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The client's handle: options, what can be asked of it, errors. See client.h.
 */
#include "client/client.h"

#include <assert.h>
#include <errno.h>

#include "base/clock.h"
#include "base/limits.h"
#include "client/url.h"
#include "json/json.h"

#define CONNECT_MS 30000
#define RECONNECT_MS 300000
#define IDLE_MS 300000
#define RETRY_MS 1000
#define MAX_RETRY_MS 86400000
#define LATEST_VERSION "2025-11-25"

/* ---- Options ---- */

static void replace_zero(int64_t *limit_ms, int64_t otherwise)
{
    if (*limit_ms == 0) {
        *limit_ms = otherwise;
    }
}

static char *dup_or(const char *z, const char *otherwise)
{
    return mem_strdup(z ? z : otherwise);
}

/* Fill in what was left open, and make the strings ours. */
static void complete_options(dmcp_client_options *o)
{
    o->name = dup_or(o->name, "dmcp-client");
    o->version = dup_or(o->version, DMCP_VERSION);
    o->capabilities_json = dup_or(o->capabilities_json, "{}");
    o->protocol_version = dup_or(o->protocol_version, LATEST_VERSION);
    o->headers = NULL; /* wire has them */
    o->ca_file = NULL;
    replace_zero(&o->connect_ms, CONNECT_MS);
    replace_zero(&o->timeout_ms, DMCP_FOREVER);
    replace_zero(&o->reconnect_ms, RECONNECT_MS);
    replace_zero(&o->idle_ms, IDLE_MS);
    replace_zero(&o->retry_ms, RETRY_MS);
    if (o->max_message_bytes == 0) {
        o->max_message_bytes = LIMIT_MESSAGE_BYTES;
    }
}

static int check_capabilities(const char *json, struct err *e)
{
    yyjson_doc *doc;
    bool is_object;

    if (!json) {
        return DMCP_OK;
    }
    if (json_read(str_of(json), &doc, e)) {
        return err_wrap(e, DMCP_E_INVALID, "capabilities_json");
    }
    is_object = yyjson_is_obj(yyjson_doc_get_root(doc));
    yyjson_doc_free(doc);
    return is_object ? DMCP_OK : err_set(e, DMCP_E_INVALID, "capabilities_json is not an object");
}

static int check_options(const dmcp_client_options *o, struct err *e)
{
    if (o->retry_ms < 0 || o->retry_ms > MAX_RETRY_MS) {
        return err_set(e, DMCP_E_INVALID, "retry_ms is out of range");
    }
    if (o->protocol_version && !header_is_session_id(str_of(o->protocol_version))) {
        return err_set(e, DMCP_E_INVALID, "protocol_version cannot be one");
    }
    for (const char *const *h = o->headers; h && *h; h++) {
        int rc = header_check(*h, e);

        if (rc) {
            return rc;
        }
    }
    return check_capabilities(o->capabilities_json, e);
}

/* A program that was made with an older header has a smaller structure. */
static int take_options(const dmcp_client_options *given, dmcp_client_options *o, struct err *e)
{
    if (given->size == 0 || given->size > sizeof(*o)) {
        return err_set(e, DMCP_E_INVALID, "options.size is not of this version's options");
    }
    memcpy(o, given, given->size);
    return check_options(o, e);
}

/* ---- Life ---- */

dmcp_client *dmcp_client_new(const char *url, const dmcp_client_options *options)
{
    struct dmcp_client *c = mem_zalloc(sizeof(*c));
    dmcp_client_options o = DMCP_CLIENT_OPTIONS_INIT;

    curl_global_init(CURL_GLOBAL_DEFAULT); /* counts; from 7.84 on it may be called by any thread */
    if (url_check(url, &c->invalid) == DMCP_OK && options &&
        take_options(options, &o, &c->invalid) != DMCP_OK) {
        o = (dmcp_client_options)DMCP_CLIENT_OPTIONS_INIT;
    }
    c->url = dup_or(url, "");
    c->next_id = 1;
    list_init(&c->errands);
    /* A body is taken out of its transfer at every turn if it is a stream, and at the end if it is
     * not, so the transfer holds little more than one message. */
    wire_init(&c->wire, o.ca_file, o.headers,
              (o.max_message_bytes ? o.max_message_bytes : LIMIT_MESSAGE_BYTES) + MIB,
              url_is_loopback(c->url));
    complete_options(&o);
    c->o = o;
    return c;
}

static void free_string(const char *s)
{
    mem_free((char *)(uintptr_t)s);
}

void dmcp_client_free(dmcp_client *client)
{
    struct link *k;

    if (!client) {
        return;
    }
    assert(!client->is_in_callback);
    (void)dmcp_client_close(client); /* nothing is left to be told */
    while ((k = list_first(&client->errands)) != NULL) {
        errand_free(client, CONTAINER_OF(k, struct errand, link));
    }
    wire_fini(&client->wire);
    curl_global_cleanup();
    free_string(client->o.name);
    free_string(client->o.version);
    free_string(client->o.capabilities_json);
    free_string(client->o.protocol_version);
    mem_free(client->url);
    mem_free(client->session_id);
    mem_free(client->version);
    mem_free(client->server_json);
    mem_free(client->cancel_reason);
    mem_free(client->token);
    mem_free(client->error);
    mem_free(client->rpc_data);
    mem_free(client);
}

uint64_t client_deadline(int64_t limit_ms, uint64_t now_ms)
{
    uint64_t limit = (uint64_t)limit_ms;

    return limit_ms < 0 || limit > UINT64_MAX / 2 ? UINT64_MAX : now_ms + limit;
}

/* ---- Errors ---- */

static void forget_error(struct dmcp_client *c)
{
    mem_free(c->error);
    c->error = NULL;
    mem_free(c->rpc_data);
    c->rpc_data = NULL;
    c->rpc_code = 0;
    c->http_status = 0;
}

int client_fail(struct dmcp_client *c, const struct err *e)
{
    mem_free(c->error);
    c->error = mem_strdup(e->text);
    return e->code;
}

int client_enter(struct dmcp_client *c)
{
    struct err e;

    if (c->is_in_callback) {
        return DMCP_E_MISUSE; /* and the text stays that of the function that called back */
    }
    forget_error(c);
    if (c->invalid.code) {
        return client_fail(c, &c->invalid);
    }
    if (c->is_closed) {
        err_set(&e, DMCP_E_MISUSE, "the client is closed");
        return client_fail(c, &e);
    }
    return DMCP_OK;
}

int client_enter_session(struct dmcp_client *c)
{
    int rc = client_enter(c);
    struct err e;

    if (rc == DMCP_OK && !c->is_connected) {
        err_set(&e, DMCP_E_MISUSE, "the client is not connected");
        return client_fail(c, &e);
    }
    return rc;
}

int client_note_outcome(struct dmcp_client *c, struct errand *x)
{
    c->delivery = errand_delivery(x);
    c->http_status = x->http_status;
    if (x->error.code) {
        return client_fail(c, &x->error);
    }
    if (!x->result && x->rpc_message) {
        mem_free(c->error);
        c->error = mem_strdup(x->rpc_message);
        c->rpc_code = x->rpc_code;
        c->rpc_data = x->rpc_data;
        x->rpc_data = NULL;
        return DMCP_E_REMOTE;
    }
    return DMCP_OK;
}

const char *dmcp_client_error(const dmcp_client *client)
{
    return client->error ? client->error : "";
}

int64_t dmcp_client_error_rpc_code(const dmcp_client *client)
{
    return client->rpc_code;
}

const char *dmcp_client_error_data(const dmcp_client *client)
{
    return client->rpc_data;
}

int dmcp_client_error_http_status(const dmcp_client *client)
{
    return client->http_status;
}

enum dmcp_delivery dmcp_client_error_delivery(const dmcp_client *client)
{
    return client->delivery;
}

/* ---- What can be asked and told at any time ---- */

const char *dmcp_client_session_id(const dmcp_client *client)
{
    return client->session_id;
}

const char *dmcp_client_protocol_version(const dmcp_client *client)
{
    return client->version;
}

int64_t dmcp_client_next_request_id(const dmcp_client *client)
{
    return client->next_id;
}

bool dmcp_client_can_repost(const dmcp_client *client)
{
    return client->attaches;
}

const char *dmcp_client_server_json(const dmcp_client *client)
{
    return client->server_json;
}

const char *dmcp_client_resumption_token(const dmcp_client *client)
{
    return client->current ? client->current->event_id : client->token;
}

int64_t dmcp_client_request_id(const dmcp_client *client)
{
    return client->request_id;
}

void dmcp_client_interrupt(dmcp_client *client)
{
    int saved = errno;

    atomic_store(&client->is_interrupted, true);
    (void)curl_multi_wakeup(client->wire.multi); /* fails only when it was woken already */
    errno = saved;
}

void dmcp_client_cancel(dmcp_client *client, const char *reason)
{
    if (!client->is_in_callback || !client->current) {
        return;
    }
    client->is_cancelled = true;
    mem_free(client->cancel_reason);
    client->cancel_reason = reason ? mem_strdup(reason) : NULL;
}
