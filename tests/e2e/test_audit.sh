#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
#
# The audit example as its users run it: server and client are programs of their own, and the server
# is killed between two visits of the client.

. tests/lib/tap.sh

client=$BUILD/examples/audit-client
pid=

# The server's first line tells the address that it got.
start() {
    exec 3< <(exec "$BUILD/examples/audit-server" --listen 127.0.0.1:0 --store "$TMPDIR/store" 2>&1)
    pid=$!
    read -r -t 20 line <&3
    url=$(sed -n 's/.* listens on \(http:[^,]*\),.*/\1/p' <<<"$line")
    [ -n "$url" ] || echo "# the server said: $line"
}

trap '[ -z "$pid" ] || kill -KILL "$pid"' EXIT

fails() { ! "$@"; }
count() { "$client" "$url" user_operations | grep -c '^ *[0-9]* \(create\|update\|delete\)_user$'; }
holds() { [ "$(count)" = "$1" ]; }
exits_with_1() {
    "$@"
    [ $? = 1 ]
}

start
check "audit: a log that was never written to is empty, which the client reports" fails "$client" "$url" nothing
check "audit: the client finds everything as it should be" "$client" "$url"
check "audit: six entries tell of the client's visit" holds 6

kill -KILL "$pid"
wait "$pid" 2>/dev/null
start
check "audit: after the server was killed the entries are there" holds 6
check "audit: a second visit goes like the first, though the log has entries already" "$client" "$url"
kill -TERM "$pid"
wait "$pid"
check "audit: the server ends with 0 when it is told to stop" [ $? = 0 ]
pid=
check "audit: the client says so when there is no server" exits_with_1 "$client" http://127.0.0.1:9/mcp

tap_end
