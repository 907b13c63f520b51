#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
#
# Shows the audit example at work: starts its server, runs its client against it, stops the server.
# `make run` calls this once everything is installed and built. The port is fixed, so that a reader
# can follow along with a client of their own.
set -uo pipefail

BUILD=${BUILD:-build}
HOST=127.0.0.1
PORT=9991
server=$BUILD/examples/audit-server
client=$BUILD/examples/audit-client
url=http://$HOST:$PORT/mcp

say() { printf '\n==> %s\n' "$*"; }
die() { printf '\nrun: %s\n' "$*" >&2; exit 1; }

answers() { (exec 3<>"/dev/tcp/$HOST/$PORT") 2>/dev/null; }

stop_server() {
    [ -n "${pid-}" ] || return 0
    local deadline=$((SECONDS + 20))
    kill "$pid" 2>/dev/null
    while kill -0 "$pid" 2>/dev/null && [ $SECONDS -lt $deadline ]; do
        sleep 0.05
    done
    kill -KILL "$pid" 2>/dev/null && echo "run: the server did not stop when asked to, and was killed" >&2
    wait "$pid" 2>/dev/null
    pid=
}

for program in "$server" "$client"; do
    [ -x "$program" ] || die "$program is not built; run make first"
done
answers && die "something else is listening on $HOST:$PORT already; stop it and try again"

mkdir -p "$BUILD"
store=$(mktemp -d "$BUILD/run-XXXXXX")
trap 'stop_server; rm -rf "$store"' EXIT
trap 'exit 130' INT TERM

say "Starting the audit server on $HOST:$PORT; it keeps its calls in $store"
echo "    $server --listen $HOST:$PORT --store $store"
"$server" --listen "$HOST:$PORT" --store "$store" &
pid=$!

deadline=$((SECONDS + 20))
until answers; do
    kill -0 "$pid" 2>/dev/null || { wait "$pid"; die "the server ended with status $? before it answered"; }
    [ $SECONDS -lt $deadline ] || die "the server does not answer on $HOST:$PORT after 20 seconds"
    sleep 0.05
done

say "Running the audit client against it"
echo "    $client $url"
"$client" "$url"
status=$?

say "Stopping the server"
stop_server
[ $status -eq 0 ] || die "the client ended with status $status"
say "Done: the client had every answer it asked for, and the server has stopped."
