/* SPDX-License-Identifier: Apache-2.0 */
/*
 * dmcp_admin.h: the running server on a store if there is one, else the store itself.
 *
 * Which of the two it is may change at any moment: a server starts, or is between two lives. So
 * both are tried in turn while somebody holds the store's lock and does not answer, and a store is
 * opened only for as long as it takes: its server may be about to come back.
 */
#include <errno.h>
#include <fcntl.h>
#include <time.h>
#include <unistd.h>

#include "admin/entry.h"
#include "admin/export.h"
#include "admin/inspect.h"
#include "admin/remote.h"
#include "base/clock.h"
#include "base/limits.h"
#include "json/json.h"
#include "json/writer.h"

#define REACH_MS 5000 /* a server that starts has read its store by then */
#define PAUSE_MS 20
#define EXPORT_PIECE_BYTES (256 * KIB)

struct dmcp_admin {
    char *dir;
    struct store *store; /* while a function runs that has opened it */
    struct err error;
    struct buf text; /* the last answer */
};

/* What is to be done, by a server or here. */
struct errand {
    const struct admin_query *query; /* inspect: which may be asked again */
    const char *target;              /* signal, cancel, end of a session */
    struct str body;
    FILE *to; /* export */
    uint64_t *rows_out;
};

typedef int errand_fn(dmcp_admin *a, const struct errand *errand);

dmcp_admin *dmcp_admin_new(const char *store)
{
    dmcp_admin *a = mem_zalloc(sizeof(*a));

    a->dir = mem_strdup(store ? store : "");
    buf_init(&a->text, SIZE_MAX / 2);
    return a;
}

void dmcp_admin_free(dmcp_admin *a)
{
    if (!a) {
        return;
    }
    buf_fini(&a->text);
    mem_free(a->dir);
    mem_free(a);
}

const char *dmcp_admin_error(const dmcp_admin *a)
{
    return a->error.text;
}

/* ---- reaching the store ---- */

/* Opening a store makes one where there is none: that is not wanted here. */
static int check_store(dmcp_admin *a)
{
    int fd = open(a->dir, O_PATH | O_DIRECTORY | O_CLOEXEC), code = DMCP_OK;

    if (fd < 0 || faccessat(fd, "rocksdb", F_OK, 0) != 0) {
        code = errno == EACCES ? DMCP_E_DENIED : DMCP_E_NOTFOUND;
        err_set(&a->error, code, "there is no store in %s: %s", a->dir, strerror(errno));
    }
    if (fd >= 0) {
        close(fd);
    }
    return code;
}

/* A name may carry a password: it must not get into the text. */
static int check_name(dmcp_admin *a)
{
    if (strncmp(a->dir, "memory:", 7) == 0) {
        return err_set(&a->error, DMCP_E_INVALID,
                       "a store in memory is seen by its own server only");
    }
    if (strstr(a->dir, "://") || a->dir[0] == '\0') {
        return err_set(&a->error, DMCP_E_INVALID, "name the store by its directory");
    }
    return DMCP_OK;
}

static void pause_shortly(void)
{
    struct timespec t = { .tv_nsec = PAUSE_MS * 1000000L };

    nanosleep(&t, NULL);
}

static int do_it_here(dmcp_admin *a, errand_fn *here, const struct errand *errand)
{
    int rc = check_store(a);

    if (rc == DMCP_OK) {
        rc = store_open(a->dir, &a->store, &a->error);
    }
    if (rc == DMCP_OK) {
        rc = here(a, errand);
        store_close(a->store);
        a->store = NULL;
    }
    return rc;
}

/* By the server if there is one, else here. */
static int try_once(dmcp_admin *a, errand_fn *remote, errand_fn *here, const struct errand *errand)
{
    int rc;

    a->error = (struct err){ 0 };
    buf_reset(&a->text);
    rc = remote(a, errand);
    return rc == REMOTE_NONE ? do_it_here(a, here, errand) : rc;
}

/* Somebody holds the store and does not answer, or did not answer to the end. */
static bool is_passing(int rc, const struct errand *errand)
{
    return rc == DMCP_E_LOCKED || (rc == DMCP_E_NET && errand->query);
}

static int carry_out(dmcp_admin *a, errand_fn *remote, errand_fn *here, const struct errand *errand)
{
    uint64_t until_ms = clock_mono_ms() + REACH_MS;
    int rc = check_name(a);

    if (rc != DMCP_OK) {
        return rc;
    }
    while (is_passing(rc = try_once(a, remote, here, errand), errand) &&
           clock_mono_ms() < until_ms) {
        pause_shortly();
    }
    if (rc == DMCP_OK) {
        a->error = (struct err){ 0 }; /* that there is no server is none */
    }
    return rc;
}

/* ---- inspect ---- */

static int inspect_remote(dmcp_admin *a, const struct errand *errand)
{
    return remote_inspect(a->dir, errand->query, &a->text, &a->error);
}

static int inspect_here(dmcp_admin *a, const struct errand *errand)
{
    return admin_inspect(a->store, errand->query, &a->text, &a->error);
}

int dmcp_admin_inspect(dmcp_admin *a, const dmcp_inspect *inspect, const char **json_out)
{
    struct admin_query asked = { .view = inspect->view,
                                 .name = str_of(inspect->name),
                                 .status = str_of(inspect->status),
                                 .tool = str_of(inspect->tool),
                                 .session = str_of(inspect->session),
                                 .call = str_of(inspect->call),
                                 .prefix = str_of(inspect->prefix),
                                 .after = str_of(inspect->after),
                                 .limit = inspect->limit,
                                 .text = inspect->text };
    int rc = query_check(&asked, &a->error);

    if (rc == DMCP_OK) {
        rc = carry_out(a, inspect_remote, inspect_here, &(struct errand){ .query = &asked });
    }
    if (rc == DMCP_OK) {
        *json_out = buf_str(&a->text).p;
    }
    return rc;
}

/* ---- signal, cancel, end of a session ---- */

static int post_remote(dmcp_admin *a, const struct errand *errand)
{
    int rc = remote_post(a->dir, errand->target, errand->body, &a->error);

    if (rc == DMCP_E_NET) {
        err_wrap(&a->error, rc, "the server ended before it answered, and may have done it");
    }
    return rc;
}

static int post_here(dmcp_admin *a, const struct errand *errand)
{
    (void)errand;
    return err_set(&a->error, DMCP_E_GONE, "no server runs on the store %s; start it first",
                   a->dir);
}

static int check_id(dmcp_admin *a, const char *what, const char *text)
{
    struct id id;

    if (!text || query_read_id(str_of(text), &id) != DMCP_OK) {
        return err_set(&a->error, DMCP_E_INVALID,
                       "\"%.64s\" is not the id of a %s: 32 hexadecimal digits", text ? text : "",
                       what);
    }
    return DMCP_OK;
}

static int check_signal(dmcp_admin *a, const char *name, const char *value)
{
    yyjson_doc *doc = NULL;
    struct err why = { 0 };
    int rc = query_check_signal(str_of(name), &a->error);

    if (rc != DMCP_OK) {
        return rc;
    }
    if (value && strlen(value) > LIMIT_RESULT_BYTES) {
        return err_set(&a->error, DMCP_E_TOOBIG, "the value has more than %u bytes",
                       LIMIT_RESULT_BYTES);
    }
    if (value && json_read(str_of(value), &doc, &why) != DMCP_OK) {
        rc = err_set(&a->error, DMCP_E_INVALID, "the value is not JSON: %s", why.text);
    }
    yyjson_doc_free(doc);
    return rc;
}

static int post(dmcp_admin *a, const char *target, const char *what, const char *id,
                const char *name, const char *value)
{
    struct errand errand = { .target = target };
    struct json_writer w;
    struct buf body;
    int rc;

    buf_init(&body, SIZE_MAX / 2);
    jw_init(&w, &body);
    jw_object(&w);
    jw_key(&w, what);
    jw_strz(&w, id);
    if (name) {
        jw_key(&w, "name");
        jw_strz(&w, name);
        jw_key(&w, "value");
        jw_raw(&w, str_of(value ? value : "null"));
    }
    jw_object_end(&w);
    errand.body = buf_str(&body);
    rc = carry_out(a, post_remote, post_here, &errand);
    buf_fini(&body);
    return rc;
}

int dmcp_admin_signal(dmcp_admin *a, const char *call, const char *name, const char *value_json)
{
    int rc = check_id(a, "call", call);

    if (rc == DMCP_OK) {
        rc = check_signal(a, name, value_json);
    }
    return rc == DMCP_OK ? post(a, CONTROL_SIGNAL, "call", call, name, value_json) : rc;
}

int dmcp_admin_cancel(dmcp_admin *a, const char *call)
{
    int rc = check_id(a, "call", call);

    return rc == DMCP_OK ? post(a, CONTROL_CANCEL, "call", call, NULL, NULL) : rc;
}

int dmcp_admin_end_session(dmcp_admin *a, const char *session)
{
    int rc = check_id(a, "session", session);

    return rc == DMCP_OK ? post(a, CONTROL_END_SESSION, "session", session, NULL, NULL) : rc;
}

static int post_entry(dmcp_admin *a, const struct map_entry *entry)
{
    struct errand errand = { .target = CONTROL_MAP };
    struct buf body;
    int rc = entry_check(entry, &a->error);

    if (rc != DMCP_OK) {
        return rc;
    }
    buf_init(&body, SIZE_MAX / 2);
    entry_write(&body, entry);
    errand.body = buf_str(&body);
    rc = carry_out(a, post_remote, post_here, &errand);
    buf_fini(&body);
    return rc;
}

int dmcp_admin_map_insert(dmcp_admin *a, const char *map, const char *key, const void *value,
                          size_t size)
{
    return post_entry(a, &(struct map_entry){ .map = str_of(map),
                                              .key = str_of(key),
                                              .value = str_make(value ? value : "", size) });
}

int dmcp_admin_map_remove(dmcp_admin *a, const char *map, const char *key)
{
    return post_entry(a, &(struct map_entry){ .map = str_of(map), .key = str_of(key) });
}

/* ---- export, import ---- */

static int export_remote(dmcp_admin *a, const struct errand *errand)
{
    return remote_export(a->dir, errand->to, errand->rows_out, &a->error);
}

static int write_out(dmcp_admin *a, FILE *to)
{
    size_t n = fwrite(buf_str(&a->text).p, 1, a->text.len, to);

    if (n != a->text.len) {
        return err_set(&a->error, DMCP_E_STORE, "write the export: %s", strerror(errno));
    }
    buf_reset(&a->text);
    return DMCP_OK;
}

static int export_here(dmcp_admin *a, const struct errand *errand)
{
    struct export *x = export_open(a->store);
    bool is_end = false;
    int rc = DMCP_OK;

    while (rc == DMCP_OK && !is_end) {
        rc = export_read(x, EXPORT_PIECE_BYTES, &a->text, &is_end, &a->error);
        if (rc == DMCP_OK) {
            rc = write_out(a, errand->to);
        }
    }
    *errand->rows_out = export_rows(x);
    export_close(x);
    return rc;
}

int dmcp_admin_export(dmcp_admin *a, FILE *to, uint64_t *rows_out)
{
    uint64_t rows = 0;
    int rc = carry_out(a, export_remote, export_here,
                       &(struct errand){ .to = to, .rows_out = &rows });

    if (rc == DMCP_OK && fflush(to) != 0) {
        rc = err_set(&a->error, DMCP_E_STORE, "write the export: %s", strerror(errno));
    }
    if (rc == DMCP_OK && rows_out) {
        *rows_out = rows;
    }
    return rc;
}

int dmcp_admin_import(dmcp_admin *a, FILE *from, uint64_t *rows_out)
{
    int rc;

    a->error = (struct err){ 0 };
    rc = check_name(a);
    if (rc == DMCP_OK) {
        rc = import_file(a->dir, from, rows_out, &a->error);
    }
    return rc;
}
