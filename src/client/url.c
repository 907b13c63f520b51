/* SPDX-License-Identifier: Apache-2.0 */
/*
 * URLs and header fields. See url.h. Taking URLs apart is libcurl's.
 */
#include "client/url.h"

#include <curl/curl.h>

#include "base/limits.h"

struct url {
    CURLU *handle;
    char *scheme, *host, *port;
};

static void url_fini(struct url *u)
{
    curl_free(u->scheme);
    curl_free(u->host);
    curl_free(u->port);
    curl_url_cleanup(u->handle);
}

static int url_init(struct url *u, const char *text)
{
    *u = (struct url){ .handle = curl_url() };
    if (!u->handle || curl_url_set(u->handle, CURLUPART_URL, text, 0) != CURLUE_OK ||
        curl_url_get(u->handle, CURLUPART_SCHEME, &u->scheme, 0) != CURLUE_OK ||
        curl_url_get(u->handle, CURLUPART_HOST, &u->host, 0) != CURLUE_OK ||
        curl_url_get(u->handle, CURLUPART_PORT, &u->port, CURLU_DEFAULT_PORT) != CURLUE_OK) {
        url_fini(u);
        return DMCP_E_INVALID;
    }
    return DMCP_OK;
}

static bool has_part(const struct url *u, CURLUPart part)
{
    char *text = NULL;
    bool has = curl_url_get(u->handle, part, &text, 0) == CURLUE_OK;

    curl_free(text);
    return has;
}

int url_check(const char *url, struct err *e)
{
    struct url u;
    int rc = DMCP_OK;

    if (!url || strlen(url) > LIMIT_URL_BYTES) {
        return err_set(e, DMCP_E_INVALID, "the server's URL is %s", url ? "too long" : "missing");
    }
    if (url_init(&u, url) != DMCP_OK) {
        return err_set(e, DMCP_E_INVALID, "not a URL: \"%s\"", url);
    }
    if (strcmp(u.scheme, "http") != 0 && strcmp(u.scheme, "https") != 0) {
        rc = err_set(e, DMCP_E_INVALID, "not an http or https URL: \"%s\"", url);
    } else if (has_part(&u, CURLUPART_USER) || has_part(&u, CURLUPART_PASSWORD)) {
        rc = err_set(e, DMCP_E_INVALID,
                     "the server's URL names a user; give an Authorization header instead");
    }
    url_fini(&u);
    return rc;
}

bool url_is_same_origin(const char *a, const char *b)
{
    struct url x, y;
    bool is_same;

    if (url_init(&x, a) != DMCP_OK) {
        return false;
    }
    if (url_init(&y, b) != DMCP_OK) {
        url_fini(&x);
        return false;
    }
    is_same = str_eq_nocase(str_of(x.scheme), str_of(y.scheme)) &&
              str_eq_nocase(str_of(x.host), str_of(y.host)) && strcmp(x.port, y.port) == 0;
    url_fini(&x);
    url_fini(&y);
    return is_same;
}

static bool is_ipv4(struct str host)
{
    for (size_t i = 0; i < host.len; i++) {
        if (host.p[i] != '.' && (host.p[i] < '0' || host.p[i] > '9')) {
            return false;
        }
    }
    return true;
}

bool url_is_loopback(const char *url)
{
    struct url u;
    struct str host;
    bool is_loopback;

    if (url_init(&u, url) != DMCP_OK) {
        return false;
    }
    host = str_of(u.host);
    is_loopback = str_eq_nocase(host, STR("localhost")) || str_eq(host, STR("[::1]")) ||
                  (str_starts(host, STR("127.")) && is_ipv4(host));
    url_fini(&u);
    return is_loopback;
}

/* RFC 9110 section 5.6.2. */
static bool is_token(struct str s)
{
    static const char others[] = "!#$%&'*+-.^_`|~";

    for (size_t i = 0; i < s.len; i++) {
        char c = s.p[i];

        if (!(c >= 'a' && c <= 'z') && !(c >= 'A' && c <= 'Z') && !(c >= '0' && c <= '9') &&
            (c == '\0' || !strchr(others, c))) {
            return false;
        }
    }
    return s.len > 0;
}

static bool has_control(struct str s)
{
    for (size_t i = 0; i < s.len; i++) {
        unsigned char c = (unsigned char)s.p[i];

        if ((c < 0x20 && c != '\t') || c == 0x7f) {
            return true;
        }
    }
    return false;
}

static bool is_ours(struct str name)
{
    static const char *const ours[] = {
        "Accept",          "Connection",       "Content-Length",
        "Content-Type",    "Expect",           "Host",
        "Last-Event-ID",   "Mcp-Session-Id",   "MCP-Protocol-Version",
        "Accept-Encoding", "Transfer-Encoding"
    };

    for (size_t i = 0; i < COUNT_OF(ours); i++) {
        if (str_eq_nocase(name, str_of(ours[i]))) {
            return true;
        }
    }
    return false;
}

int header_check(const char *header, struct err *e)
{
    const char *colon = strchr(header, ':');
    struct str name = str_make(header, colon ? (size_t)(colon - header) : 0);

    if (!colon || !is_token(name) || str_trim(str_of(colon + 1)).len == 0) {
        return err_set(e, DMCP_E_INVALID, "a header is not of the form \"Name: value\"");
    }
    if (has_control(str_of(colon + 1))) {
        return err_set(e, DMCP_E_INVALID, "the header %.*s contains a control character",
                       STR_FMT(name));
    }
    if (is_ours(name)) {
        return err_set(e, DMCP_E_INVALID, "the header %.*s is the client's own to send",
                       STR_FMT(name));
    }
    return DMCP_OK;
}

bool header_is_session_id(struct str s)
{
    for (size_t i = 0; i < s.len; i++) {
        if (s.p[i] < 0x21 || s.p[i] > 0x7e) {
            return false;
        }
    }
    return s.len > 0 && s.len <= LIMIT_SESSION_ID_BYTES;
}

bool header_is_event_id(struct str s)
{
    /* Blanks at its ends would be lost on the way, and a wrong event be named. */
    return s.len > 0 && s.len <= LIMIT_EVENT_ID_BYTES && !has_control(s) && str_eq(s, str_trim(s));
}
