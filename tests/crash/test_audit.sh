#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
#
# The audit example's server is killed at a fault point while its client walks through the tools,
# and started again. The client comes back by itself and must find everything as it should be: in
# particular one entry for each call, and one user for each create_user.

. tests/lib/tap.sh

client_program=$BUILD/examples/audit-client
pid=
mkfifo "$TMPDIR/said"
trap kill_server EXIT

# One process: the fault point kills it, and no supervisor starts it again at once.
start() {
    "$BUILD/examples/audit-server" --no-supervisor --listen "$1" --store "$TMPDIR/store" 2>"$TMPDIR/said" &
    pid=$!
    exec 3<"$TMPDIR/said"
    read -r -t 20 line <&3
    url=$(sed -n 's/.* listens on \(http:[^,]*\),.*/\1/p' <<<"$line")
    [ -n "$url" ] || echo "# the server said: $line"
}

# What the client said is kept only if something was wrong.
is_clean() { [ ! -e "$1" ] || { cat "$1"; false; }; }

kill_server() {
    [ -n "$pid" ] && kill -KILL "$pid" && wait "$pid"
    pid=
} 2>/dev/null

visit() {
    local client died
    kill_server # one that a failed visit left behind
    rm -rf "$TMPDIR/store"
    DMCP_FAULT=$1 start 127.0.0.1:0
    "$client_program" "$url" >"$TMPDIR/visit" 2>&1 &
    client=$!
    wait -n -p died "$pid" "$client"
    if [ "$died" != "$pid" ]; then
        echo "the client ended before the server reached $1" >>"$TMPDIR/visit"
        return
    fi
    url=${url#http://}
    start "${url%/mcp}"
    wait "$client" || return
    "$client_program" "$url" user_operations >"$TMPDIR/visit"
    [ "$(grep -c '^ *[0-9]* \(create\|update\|delete\)_user$' "$TMPDIR/visit")" = 6 ] || return
    kill_server
    rm "$TMPDIR/visit"
}

for point in handler.before handler.after body.before body.after step.recorded map.written act.run.before; do
    for passage in 1 4; do
        visit $point:$passage
        check "audit: a server killed at $point, passage $passage, loses nothing and does nothing twice" \
            is_clean "$TMPDIR/visit"
    done
done

tap_end
