#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
#
# The official MCP Inspector's command line, of the 0.16 line and of the current one: lists tools and
# calls them, before and after the server was killed. It begins a session of its own each time.

. tests/lib/tap.sh
. tests/lib/serve.sh

serve examples/audit-server

# $inspect are the words that go before what is asked.
says() {
    "${inspect[@]}" "${@:2}" >"$TMPDIR/said" 2>&1
    status=$?
    grep -q -- "$1" "$TMPDIR/said" || { cat "$TMPDIR/said"; false; }
}

tells() { says "$@" && [ $status = 0 ]; }

visit() {
    local name=$1
    check "$name: lists the tools" tells '"create_user"' --method tools/list
    check "$name: calls a tool" tells "ada@example.org" --method tools/call --tool-name create_user "${create[@]}"
    kill_server
    serve_again
    check "$name: finds what it did after the server was killed" \
        tells "create_user" --method tools/call --tool-name get_audit_log "${read[@]}"
    check "$name: is told what is wrong with its arguments" \
        says "email" --method tools/call --tool-name create_user "${wrong[@]}"
}

if ! command -v node >/dev/null; then
    echo "ok - inspector 0.16: lists and calls tools # SKIP Node.js"
elif ! at=$(scripts/npm.sh inspector); then
    echo "ok - inspector 0.16: lists and calls tools # SKIP $at"
else
    inspect=("$at/node_modules/.bin/mcp-inspector" --cli "$url" --transport http)
    create=(--tool-arg name=Ada --tool-arg email=ada@example.org)
    read=(--tool-arg log_name=user_operations)
    wrong=(--tool-arg name=Ada)
    visit "inspector 0.16"
fi

if ! node=$(scripts/npm.sh node22); then
    echo "ok - inspector 2: lists and calls tools # SKIP $node"
elif ! at=$(scripts/npm.sh inspector2); then
    echo "ok - inspector 2: lists and calls tools # SKIP $at"
else
    inspect=("$node" "$at/node_modules/.bin/mcp-inspector" --cli --server-url "$url" --transport http
             --protocol-era legacy --format json)
    create=(--tool-args-json '{"name":"Ada","email":"ada@example.org"}')
    read=(--tool-args-json '{"log_name":"user_operations"}')
    wrong=(--tool-args-json '{"name":"Ada"}')
    visit "inspector 2"
fi

unserve
check "inspector: the server ends in order" [ $? = 0 ]
tap_end
