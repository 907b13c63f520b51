/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Origin and Host. See guard.h.
 *
 * Host: loopback names always pass; others only when they were named, or when no list was given
 * and the server does not listen on loopback (the composition passes "*" then).
 * Origin: absent passes (no browser sent it); loopback passes; else it must be in the list.
 */
#include "mcp/guard.h"

/* "host:port", "[::1]:port" -> the host. */
static struct str without_port(struct str host)
{
    const char *end;

    if (host.len > 0 && host.p[0] == '[') {
        end = memchr(host.p, ']', host.len);
        return end ? str_make(host.p, (size_t)(end - host.p) + 1) : host;
    }
    end = host.len ? memchr(host.p, ':', host.len) : NULL;
    return end ? str_make(host.p, (size_t)(end - host.p)) : host;
}

static bool is_loopback(struct str host)
{
    struct str name = without_port(host);

    return str_eq_nocase(name, STR("localhost")) || str_eq(name, STR("127.0.0.1")) ||
           str_eq(name, STR("[::1]"));
}

static bool is_listed(struct str list, struct str value)
{
    struct str element;

    while (str_next_element(&list, &element)) {
        if (str_eq(element, STR("*")) || str_eq_nocase(element, value)) {
            return true;
        }
    }
    return false;
}

static bool is_loopback_origin(struct str origin)
{
    struct str http = STR("http://"), https = STR("https://");

    if (str_starts(origin, http)) {
        return is_loopback(str_make(origin.p + http.len, origin.len - http.len));
    }
    if (str_starts(origin, https)) {
        return is_loopback(str_make(origin.p + https.len, origin.len - https.len));
    }
    return false;
}

const char *guard_check(const struct endpoint_config *c, const struct endpoint_request *r)
{
    if (r->origin.p && !is_loopback_origin(r->origin) && !is_listed(c->allowed_origins, r->origin)) {
        return "Forbidden: this Origin is not allowed";
    }
    if (r->host.p && !is_loopback(r->host) && !is_listed(c->allowed_hosts, r->host) &&
        !is_listed(c->allowed_hosts, without_port(r->host))) {
        return "Forbidden: this Host is not allowed";
    }
    return NULL;
}
