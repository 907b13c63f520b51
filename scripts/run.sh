#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
#
# Shows the audit example at work: starts its server, runs its client against it, kills the server,
# starts it again, and looks whether what was answered before is still there. `make run` calls this
# once everything is built. The port is fixed, so that a reader can follow along with a client of
# their own.
set -uo pipefail

BUILD=${BUILD:-build}
HOST=127.0.0.1
PORT=9991
server=$BUILD/examples/audit-server
client=$BUILD/examples/audit-client
url=http://$HOST:$PORT/mcp
pid=

say() { printf '\n==> %s\n' "$*"; }
die() { printf '\nrun: %s\n' "$*" >&2; exit 1; }

is_taken() { (exec 3<>"/dev/tcp/$HOST/$PORT") 2>/dev/null; }

# Whether somebody answers there, not only listens; no matter what.
answers() {
    (exec 3<>"/dev/tcp/$HOST/$PORT" &&
     printf 'GET / HTTP/1.1\r\nHost: %s\r\nConnection: close\r\n\r\n' "$HOST" >&3 &&
     read -r -t 5 <&3) 2>/dev/null
}

start_server() {
    local deadline=$((SECONDS + 20))
    echo "    $server --listen $HOST:$PORT --store $store"
    "$server" --listen "$HOST:$PORT" --store "$store" &
    pid=$!
    until answers; do
        kill -0 "$pid" 2>/dev/null || { wait "$pid"; die "the server ended with status $? before it answered"; }
        [ $SECONDS -lt $deadline ] || die "the server does not answer on $HOST:$PORT after 20 seconds"
        sleep 0.05
    done
}

kill_server() {
    # The shell says nothing of the end of what it disowned.
    disown "$pid"
    kill -KILL "$pid"
    while kill -0 "$pid" 2>/dev/null; do
        sleep 0.05
    done
    pid=
}

stop_server() {
    [ -n "$pid" ] || return 0
    local deadline=$((SECONDS + 20))
    kill "$pid" 2>/dev/null
    while kill -0 "$pid" 2>/dev/null && [ $SECONDS -lt $deadline ]; do
        sleep 0.05
    done
    kill -KILL "$pid" 2>/dev/null && echo "run: the server did not stop when asked to, and was killed" >&2
    wait "$pid" 2>/dev/null
    pid=
}

run_client() {
    echo "    $client $*"
    echo
    "$client" "$@" || die "the client ended with status $?"
}

for program in "$server" "$client"; do
    [ -x "$program" ] || die "$program is not built; run make first"
done
is_taken && die "something else is listening on $HOST:$PORT already; stop it and try again"

mkdir -p "$BUILD"
store=$(mktemp -d "$BUILD/run-XXXXXX")
trap 'stop_server; rm -rf "$store"' EXIT
trap 'exit 130' INT TERM

say "Starting the audit example's server"
start_server
say "Running the audit example's client"
run_client "$url"
say "Killing the server with SIGKILL, and starting it again with the same store"
kill_server
start_server
say "Reading the audit log again: what was answered before the kill has to be there"
run_client "$url" user_operations
say "Stopping the server"
stop_server
say "Done. To try it with a client of your own, start $server and point the client at $url"
