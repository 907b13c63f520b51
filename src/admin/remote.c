/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Asking a running server. See remote.h.
 */
#include "admin/remote.h"

#include <errno.h>

#include "admin/export.h"
#include "base/limits.h"
#include "json/json.h"
#include "net/http_unix.h"

#define TIMEOUT_MS 30000
#define ANSWER_BYTES (256 * MIB)
#define STATUS_OK 200

/* ---- answers ---- */

/* {"error":{"code":-1,"text":"..."}}: what the function on the other side returned. */
static int read_error(struct str answer, int status, struct err *e)
{
    yyjson_doc *doc = NULL;
    struct err why;
    int64_t code = 0;
    int rc = DMCP_E_PROTOCOL;

    if (json_read(answer, &doc, &why) == DMCP_OK) {
        const yyjson_val *error = json_get(yyjson_doc_get_root(doc), "error");
        struct str text = json_get_str(error, "text");

        if (json_get_int(error, "code", &code) == DMCP_OK && code < 0 && code > INT32_MIN &&
            text.p) {
            rc = err_set(e, (int)code, "%.*s", STR_FMT(text));
        }
        yyjson_doc_free(doc);
    }
    return rc == DMCP_E_PROTOCOL ? err_set(e, rc, "the server answered with status %d", status)
                                 : rc;
}

static int take_text(void *arg, struct str piece)
{
    struct buf *b = arg;

    buf_add_str(b, piece);
    return buf_ok(b) ? DMCP_OK : DMCP_E_TOOBIG;
}

static int fetch(struct http_fetch *f, struct err *e)
{
    int rc;

    f->name = CONTROL_SOCKET;
    f->timeout_ms = TIMEOUT_MS;
    rc = http_unix_fetch(f, e);
    if (rc == DMCP_E_DENIED) {
        err_set(e, rc, "store %s: no permission; only its owner may do this", f->dir);
    }
    return rc == DMCP_E_NOTFOUND ? REMOTE_NONE : rc;
}

int remote_inspect(const char *dir, const struct admin_query *q, struct buf *out, struct err *e)
{
    struct http_fetch f = { .dir = dir, .method = "GET", .take = take_text, .arg = out };
    struct buf target;
    int rc;

    buf_init(&target, SIZE_MAX / 2);
    query_write(&target, q);
    f.target = target.data;
    rc = fetch(&f, e);
    if (rc == DMCP_OK && f.status != STATUS_OK) {
        rc = read_error(buf_str(out), f.status, e);
    }
    buf_fini(&target);
    return rc;
}

int remote_post(const char *dir, const char *target, struct str body, struct err *e)
{
    struct buf answer;
    struct http_fetch f = { .dir = dir,
                            .method = "POST",
                            .target = target,
                            .body = body,
                            .take = take_text,
                            .arg = &answer };
    int rc;

    buf_init(&answer, ANSWER_BYTES);
    rc = fetch(&f, e);
    if (rc == DMCP_OK && f.status != STATUS_OK) {
        rc = read_error(buf_str(&answer), f.status, e);
    }
    buf_fini(&answer);
    return rc;
}

/* ---- exports ---- */

#define TAIL_BYTES (4 * KIB) /* the last line has less than a hundred */

struct download {
    struct http_fetch fetch;
    FILE *to;
    struct buf tail; /* the end of what came; all of it, when it is an error */
    int errno_value; /* of writing */
};

static struct str last_line(const struct buf *tail)
{
    size_t from = tail->len ? tail->len - 1 : 0; /* the line feed that ends it */

    while (from > 0 && tail->data[from - 1] != '\n') {
        from--;
    }
    return str_make(buf_str(tail).p + from, tail->len - from);
}

static int take_export(void *arg, struct str piece)
{
    struct download *d = arg;

    buf_add_str(&d->tail, piece);
    if (!buf_ok(&d->tail)) {
        return DMCP_E_TOOBIG;
    }
    if (d->fetch.status != STATUS_OK) {
        return DMCP_OK;
    }
    if (d->tail.len > TAIL_BYTES) {
        buf_consume(&d->tail, d->tail.len - TAIL_BYTES);
    }
    if (fwrite(piece.p, 1, piece.len, d->to) != piece.len) {
        d->errno_value = errno;
        return DMCP_E_STORE;
    }
    return DMCP_OK;
}

int remote_export(const char *dir, FILE *to, uint64_t *rows_out, struct err *e)
{
    struct download d = { .to = to };
    int rc;

    buf_init(&d.tail, ANSWER_BYTES);
    d.fetch = (struct http_fetch){
        .dir = dir, .method = "GET", .target = CONTROL_EXPORT, .take = take_export, .arg = &d
    };
    rc = fetch(&d.fetch, e);
    if (rc == DMCP_OK && d.fetch.status != STATUS_OK) {
        rc = read_error(buf_str(&d.tail), d.fetch.status, e);
    } else if (rc == DMCP_OK && export_read_end(last_line(&d.tail), rows_out) != DMCP_OK) {
        rc = err_set(e, DMCP_E_NET, "the export ended before its last line");
    } else if (d.errno_value) {
        rc = err_set(e, DMCP_E_STORE, "write the export: %s", strerror(d.errno_value));
    }
    buf_fini(&d.tail);
    return rc;
}
