/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A case: one exchange with a real server, as text in a file *.case.
 *
 *     # a session that was never issued gets 404            the sentence
 *     server tests/gates --max-calls 1                      unless it is plain tests/everything
 *     session 2025-11-25                                    begun beforehand; none without this
 *     session 2025-11-25 {"roots":{}}                       the same with these capabilities
 *
 *     > POST /mcp                                           sent, on a new connection
 *     > Mcp-Session-Id: 0123                                instead of the default field
 *     > -Accept                                             without the default field
 *     >
 *     > {"jsonrpc":"2.0","id":1,"method":"ping"}            the body: all of these lines, joined
 *     < 404                                                 the status that is expected
 *     < Content-Type: application/json                      a field; * and ? as in file names
 *     < -Mcp-Session-Id                                     no such field
 *     < json {"error":{"code":-32001}}                      the body, as match.h tells; or the last
 *                                                           message, if a call took so long that it
 *                                                           is answered by a stream
 *
 * and instead of `json`:
 *
 *     < empty                no body
 *     < retry                the next event of a stream tells a retry time, and nothing else
 *     < prime                a retry time, and an event that has an id and empty data
 *     < event {...}          the next event has an id, and this JSON
 *     < anonymous {...}      the same without an id
 *     < end                  the stream ends in order
 *     < close                the server closes the connection
 *
 * `>` lines behind `<` lines begin the next exchange, on a connection of its own; `>+ POST /mcp` on
 * the last one. All connections stay open until the end of the case; `<1 end` and the like expect
 * something of an earlier one, counted from 1. `>> text` sends bytes as they stand there, with
 * \r \n \t \0 \xHH \\; nothing is added, and such lines may be the whole request.
 *
 * Default fields: Host; for POST Accept and Content-Type; for GET Accept; with a session
 * Mcp-Session-Id and MCP-Protocol-Version. Content-Length is added to a body.
 *
 * Everywhere $SESSION, $PORT, $DIR (a directory of the server's own) and $EVENT (the id of the last
 * event), $ASKED (the id of the server's last request, without its quotes) are replaced, and ${text*N} by N times the text. Empty lines, and lines with # behind the
 * first, are comments.
 */
#ifndef TESTS_WIRE_CASE_H
#define TESTS_WIRE_CASE_H

/* The sentence of the case in this file; the caller frees it with mem_free. */
char *case_sentence(const char *path);

/* Plays it; what is not as expected fails the test, which is told the line. */
void case_run(const char *path);

#endif
