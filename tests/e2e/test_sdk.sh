#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
#
# The official TypeScript client, which nobody here wrote, against the audit example and against a
# server that is killed in the middle of its call.

. tests/lib/tap.sh

if ! sdk=$(scripts/npm.sh sdk); then
    echo "ok - sdk: the official client # SKIP needs $sdk"
    exit 0
fi
export SDK_DIR=$sdk
pid=
port=0

start() { # program
    rm -f "$TMPDIR/said"
    "$BUILD/$1" --listen "127.0.0.1:$port" --store "$TMPDIR/$(basename "$1")" 2>"$TMPDIR/said" &
    pid=$!
    until line=$(grep -s -m 1 ' listens on ' "$TMPDIR/said"); do
        kill -0 "$pid" 2>/dev/null || { cat "$TMPDIR/said"; return 1; }
    done
    port=$(sed 's/.*127\.0\.0\.1:\([0-9]*\).*/\1/' <<<"$line")
    echo "$pid" >"$TMPDIR/pid"
}

finish() {
    kill -TERM "$(cat "$TMPDIR/pid")" 2>/dev/null
    pid=
    port=0
}
trap '[ ! -s "$TMPDIR/pid" ] || kill -KILL "$(cat "$TMPDIR/pid")" 2>/dev/null' EXIT

saw() { grep -q "^$1\$" "$TMPDIR/seen" || { cat "$TMPDIR/seen"; return 1; }; }
lines() { [ "$(grep -c "^sdk $1\$" "$TMPDIR/log")" = "$2" ]; }

start examples/audit-server
timeout 60 node tests/e2e/sdk.mjs audit "http://127.0.0.1:$port/mcp" >"$TMPDIR/seen" 2>&1
check "sdk: lists the audit example's tools" saw listed
check "sdk: calls them and reads their results" saw called
check "sdk: is told which argument was wrong" saw "told what was wrong"
finish

start tests/torture
restart="kill -KILL $pid; exec '$BUILD/tests/torture' --listen 127.0.0.1:$port --store '$TMPDIR/torture' 2>/dev/null & echo \$! >'$TMPDIR/pid'"
timeout 90 node tests/e2e/sdk.mjs torture "http://127.0.0.1:$port/mcp" "$TMPDIR/log" "$restart" >"$TMPDIR/seen" 2>&1
check "sdk: gets its one answer though the server was killed in the middle of a step" saw answered
check "sdk: the step that was recorded before the kill was not run again" lines first 1
check "sdk: the step that was cut off ran to its end" lines second 1
check "sdk: the step behind it ran once" lines third 1
finish

tap_end
