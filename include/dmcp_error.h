/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The error codes of durable-mcp, one list for servers and clients.
 *
 * Functions return DMCP_OK (0) or one of these negative codes. A step body's own errors are
 * positive numbers, chosen by its author (see dmcp_fail). Each code has a sentence in
 * docs/errors.md that says why it happens and what to do.
 */
#ifndef DMCP_ERROR_H
#define DMCP_ERROR_H

#ifdef __cplusplus
extern "C" {
#endif

#if defined(__GNUC__)
#define DMCP_API __attribute__((visibility("default")))
#define DMCP_PRINTF(fmt, args) __attribute__((format(printf, fmt, args)))
#define DMCP_MUST_CHECK __attribute__((warn_unused_result))
#else
#define DMCP_API
#define DMCP_PRINTF(fmt, args)
#define DMCP_MUST_CHECK
#endif

/* X(name, code, text): codes are never reused. */
#define DMCP_ERRORS(X)                                                                             \
    X(NOTFOUND, -1, "not found")                                                                   \
    X(INVALID, -2, "invalid argument")                                                             \
    X(TOOBIG, -3, "over its limit")                                                                \
    X(CONFLICT, -4, "already there with other content")                                            \
    X(BUSY, -5, "too busy, try again later")                                                       \
    X(ALIAS, -6, "alias already used in this attempt")                                             \
    X(DIVERGED, -7, "the handler does not do what its journal recorded")                           \
    X(TYPE, -8, "result is not of the declared type")                                              \
    X(ATTEMPTED, -9, "an at-most-once step was attempted before and did not complete")             \
    X(SUSPENDED, -10, "the call waits; return this from the handler")                              \
    X(STOPPING, -11, "the server is stopping; return this from the handler")                       \
    X(CANCELLED, -12, "the call was cancelled")                                                    \
    X(TIMEOUT, -13, "timed out")                                                                   \
    X(STORE, -14, "the store failed")                                                              \
    X(FULL, -15, "no space left for the store")                                                    \
    X(CORRUPT, -16, "the store holds data that this program cannot read")                          \
    X(VERSION, -17, "unsupported version")                                                         \
    X(LOCKED, -18, "in use by another process")                                                    \
    X(NET, -19, "network failure")                                                                 \
    X(PROTOCOL, -20, "the peer broke the protocol")                                                \
    X(GONE, -21, "the session or stream is gone")                                                  \
    X(REMOTE, -22, "the peer answered with an error")                                              \
    X(DENIED, -23, "not allowed")                                                                  \
    X(MISUSE, -24, "not allowed here")                                                             \
    X(INTERRUPTED, -25, "interrupted by the caller")                                               \
    X(UNSUPPORTED, -26, "the client cannot do this")                                               \
    X(AGAIN, -27, "the condition does not hold yet")                                               \
    X(PAGE, -28, "a page has to be visited first")

enum dmcp_error {
    DMCP_OK = 0,
#define DMCP_X(name, code, text) DMCP_E_##name = code,
    DMCP_ERRORS(DMCP_X)
#undef DMCP_X
};

/* The short English text of a code; "unknown error" for a code that is not in the list.
 * Lifetime: static. Thread: any. Durability: none. Errors: none. */
DMCP_API const char *dmcp_strerror(int code);

#ifdef __cplusplus
}
#endif
#endif
