/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The operator's side of durable-mcp: looking into a store, sending signals to calls, cancelling
 * them, ending sessions, carrying a store's rows elsewhere. The command line `dmcp` does all of this; here it is
 * for programs.
 *
 *     dmcp_admin *admin = dmcp_admin_new("/var/lib/audit/store");
 *     const char *json;
 *
 *     if (dmcp_admin_inspect(admin, &(dmcp_inspect){ .view = DMCP_VIEW_CALLS }, &json) == DMCP_OK)
 *         puts(json);
 *     else
 *         fprintf(stderr, "%s\n", dmcp_admin_error(admin));
 *     dmcp_admin_free(admin);
 *
 * A store is named by its directory. When a server runs on it the functions ask that server,
 * through the socket `control` in the directory; else they open the store themselves, until they
 * return: a server that starts meanwhile waits. The file system says who may do so: the owner of
 * the store.
 *
 * Functions return DMCP_OK or a negative DMCP_E_* code (dmcp_error.h), whose text
 * dmcp_admin_error gives. Each is described under the headings of dmcp.h. Errors that all of them
 * may return: DMCP_E_NOTFOUND when there is no store of that name, DMCP_E_DENIED when it is
 * somebody else's, DMCP_E_LOCKED when another process holds it that is no server or does not
 * answer, DMCP_E_INVALID for an argument that cannot be, DMCP_E_STOPPING, DMCP_E_TIMEOUT and
 * DMCP_E_NET when the server ends or hangs, DMCP_E_STORE, DMCP_E_FULL, DMCP_E_CORRUPT and
 * DMCP_E_VERSION when the store cannot be opened or read.
 */
#ifndef DMCP_ADMIN_H
#define DMCP_ADMIN_H

#include <stdint.h>
#include <stdio.h>

#include "dmcp_error.h"

#ifdef __cplusplus
extern "C" {
#endif

typedef struct dmcp_admin dmcp_admin; /* a way to one store */

/*
 * Names the store to work with; nothing is opened yet.
 * Arguments: store is its directory.
 * Lifetime: copied. The handle is the caller's: dmcp_admin_free.
 * Thread: any; a handle belongs to one thread at a time.
 * Durability: none.
 * Errors: never NULL.
 */
DMCP_API dmcp_admin *dmcp_admin_new(const char *store);

/*
 * Frees a handle.
 * Arguments: NULL is fine.
 * Lifetime: ends that of the handle and of the strings got from it.
 * Thread: the handle's.
 * Durability: none.
 * Errors: none.
 */
DMCP_API void dmcp_admin_free(dmcp_admin *admin);

/*
 * What went wrong last, as a sentence for people.
 * Arguments: the handle.
 * Lifetime: until the next function on it.
 * Thread: the handle's.
 * Durability: none.
 * Errors: "" when nothing did.
 */
DMCP_API const char *dmcp_admin_error(const dmcp_admin *admin);

typedef enum dmcp_view {
    DMCP_VIEW_STORE = 0, /* how much of everything there is */
    DMCP_VIEW_SESSIONS,
    DMCP_VIEW_CALLS, /* newest first */
    DMCP_VIEW_CALL,  /* one of them, with its journal in the order of time */
    DMCP_VIEW_MAPS,
    DMCP_VIEW_MAP,    /* the entries of one of them */
    DMCP_VIEW_TIMERS, /* the next one first */
    DMCP_VIEW_INPUTS, /* the questions and signals that suspended calls wait for */
    DMCP_VIEW_SESSION /* one of them, with its calls, newest first */
} dmcp_view;

/* What to look at. All fields but `view` may be left zero. */
typedef struct dmcp_inspect {
    dmcp_view view;
    const char *name;    /* CALL, SESSION: its id; MAP: its name; these need it */
    const char *status;  /* CALLS: only "unfinished", "suspended" or "finished" ones */
    const char *tool;    /* CALLS, INPUTS: only of this tool */
    const char *session; /* CALLS: only of the session with this id */
    const char *call;    /* TIMERS: only of the call with this id */
    const char *prefix;  /* MAP: only keys that begin with this */
    const char *after;   /* "next" of the page before; NULL for the first page */
    unsigned limit;      /* entries of a page, 1 to 1000; 0 stands for 50 */
    size_t text;         /* the most bytes of a value that are shown; 0 stands for 1024 */
} dmcp_inspect;

/*
 * Looks into the store. The answer is one JSON object; docs/dmcp.md describes those of all views.
 * Lists come in pages: one that goes on has the member "next". A page may have fewer entries than
 * asked for, even none, and go on all the same.
 * Arguments: see dmcp_inspect. Ids are 32 hexadecimal digits.
 * Lifetime: *json_out is the handle's, until the next function on it.
 * Thread: the handle's.
 * Durability: nothing is changed. What is shown may not be durable yet.
 * Errors: DMCP_E_NOTFOUND for a call or a session that is not there, too.
 */
DMCP_API int dmcp_admin_inspect(dmcp_admin *admin, const dmcp_inspect *inspect,
                                const char **json_out) DMCP_MUST_CHECK;

/*
 * Sends a signal to a call, which gets it from dmcp_await_signal, be it waiting for it already or
 * not yet. A call gets each signal once.
 * Arguments: the call's id; the signal's name; the value as JSON text, NULL for null.
 * Lifetime: borrowed until the function returns.
 * Thread: the handle's.
 * Durability: the signal is durable when DMCP_OK is returned.
 * Errors: DMCP_E_GONE when no server runs on the store; DMCP_E_NOTFOUND when no such call is
 *   unfinished; DMCP_E_CONFLICT when it got this signal before; DMCP_E_TOOBIG for a value of more
 *   than 16 MiB.
 */
DMCP_API int dmcp_admin_signal(dmcp_admin *admin, const char *call, const char *name,
                               const char *value_json) DMCP_MUST_CHECK;

/*
 * Cancels a call, as its client could: its handler is told, and nobody gets a response.
 * Arguments: the call's id.
 * Lifetime: borrowed until the function returns.
 * Thread: the handle's.
 * Durability: the cancellation is durable when DMCP_OK is returned. The handler may still run.
 * Errors: DMCP_E_GONE when no server runs on the store; DMCP_E_NOTFOUND when no such call is
 *   unfinished.
 */
DMCP_API int dmcp_admin_cancel(dmcp_admin *admin, const char *call) DMCP_MUST_CHECK;

/*
 * Ends a session, as its client could by DELETE: its streams end, its unfinished calls are cancelled but
 * for those with an idempotency key, and the client is told that it is gone when it comes back.
 * Arguments: the session's id.
 * Lifetime: borrowed until the function returns.
 * Thread: the handle's.
 * Durability: the end is durable when DMCP_OK is returned. Of very many calls some are cancelled
 *   soon after that.
 * Errors: DMCP_E_GONE when no server runs on the store; DMCP_E_NOTFOUND when there is no such session.
 */
DMCP_API int dmcp_admin_end_session(dmcp_admin *admin, const char *session) DMCP_MUST_CHECK;

/*
 * Inserts or replaces an entry of a map; removes one (one that is not there is fine). Calls that
 * wait for it in dmcp_until are woken.
 * Arguments: a map's name of 1 to 128 bytes; a key of 1 to 1024; a value of any bytes, at most
 *   16 MiB of them.
 * Lifetime: borrowed until the function returns.
 * Thread: the handle's.
 * Durability: it is durable when DMCP_OK is returned.
 * Errors: DMCP_E_GONE when no server runs on the store; DMCP_E_INVALID and DMCP_E_TOOBIG for a name,
 *   key or value that cannot be.
 */
DMCP_API int dmcp_admin_map_insert(dmcp_admin *admin, const char *map, const char *key,
                                   const void *value, size_t size) DMCP_MUST_CHECK;
DMCP_API int dmcp_admin_map_remove(dmcp_admin *admin, const char *map,
                                   const char *key) DMCP_MUST_CHECK;

/*
 * Writes all rows of the store as lines of JSON (docs/FORMAT.md), as they were at one moment,
 * also while a server works on it.
 * Arguments: the file is flushed, and not closed. rows_out may be NULL.
 * Lifetime: borrowed until the function returns.
 * Thread: the handle's.
 * Durability: the file's is the caller's business. The last line says that it is the last, so an
 *   export that was cut short is not taken for a whole one.
 * Errors: DMCP_E_STORE when the file cannot be written.
 */
DMCP_API int dmcp_admin_export(dmcp_admin *admin, FILE *to, uint64_t *rows_out) DMCP_MUST_CHECK;

/*
 * Makes the store out of what dmcp_admin_export wrote: its rows are the same byte for byte. The
 * store must not be there yet, or hold nothing.
 * Arguments: the file is read to its end, and not closed. rows_out may be NULL.
 * Lifetime: borrowed until the function returns.
 * Thread: the handle's.
 * Durability: the store is durable when DMCP_OK is returned. One that was filled only in part
 *   is not opened by anything but another import, which begins anew.
 * Errors: DMCP_E_CONFLICT when the store holds something; DMCP_E_INVALID for a file that is no
 *   export, or not a whole one: the text names the line; DMCP_E_VERSION for an export of another
 *   format.
 */
DMCP_API int dmcp_admin_import(dmcp_admin *admin, FILE *from, uint64_t *rows_out) DMCP_MUST_CHECK;

#ifdef __cplusplus
}
#endif
#endif
