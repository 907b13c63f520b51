#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
#
# The current Inspector, in the era of sessions.

. tests/foreign/inspector.sh

node=$(scripts/npm.sh node22) || skip "$node"
at=$(scripts/npm.sh inspector2) || skip "$at"
export MCP_INSPECTOR_SECRET_STORE=file
inspect=("$node" "$at/node_modules/.bin/mcp-inspector" --cli --server-url URL --transport http
         --protocol-era legacy --format json)
mcpdo=("$node" "$at/node_modules/.bin/mcpdo")
trap 'end_daemon; kill_server' EXIT

# Its other program keeps a connection, so that it can be asked and told.
mcpdo() { "${mcpdo[@]}" --connection c --format json "$@"; }

mcpdo_says() { mcpdo "${@:2}" 2>&1 | tee "$TMPDIR/said" | grep -q -- "$1" || { cat "$TMPDIR/said"; false; }; }

mcpdo_connects() { "${mcpdo[@]}" connect --connection c --server-url "$url" --transport http \
    --era legacy; }

# The question that a call waits with is told at once; the answer to it ends the call.
answers() {
    local question
    mcpdo tools/call test_elicitation 'message:=well?' >"$TMPDIR/asked" || return 1
    question=$(sed -n 's/.*"elicitationId": "\(.*\)".*/\1/p' "$TMPDIR/asked")
    mcpdo elicitation/respond "$question" 'response:=yes' | grep -q 'action=accept, content={\\"response\\":\\"yes\\"}'
}

# It goes on listening when it has subscribed.
is_told() {
    mcpdo resources/subscribe test://watched-resource >"$TMPDIR/updates" 2>&1 &
    local listening=$!
    await grep -q subscribed "$TMPDIR/updates" && mcpdo tools/call test_touch_watched &&
        await grep -q resources/updated "$TMPDIR/updates"
    local status=$?
    kill $listening
    wait $listening
    return $status
}

visit_connected() {
    local name=$1
    fresh tests/everything
    eval "$(TMPDIR=/tmp "${mcpdo[@]}" private)" # the path of its socket has to be short
    check "$name: connects" mcpdo_connects
    check "$name: completes an argument" mcpdo_says '"paris"' prompts/complete --complete-ref-type ref/prompt \
        --complete-ref test_prompt_with_arguments --complete-arg-name arg1 --complete-arg-value par
    check "$name: answers a question" answers
    check "$name: is told of a resource that it subscribed to" is_told
    kill_server
    serve_again
    check "$name: goes on when the server was killed" mcpdo_says '"result": *8' tools/call add a:=5 b:=3
    check "$name: is told of a resource then, too" is_told
}

end_daemon() {
    [ -z "${MCP_INSPECTOR_DAEMON_DIR-}" ] && return
    "${mcpdo[@]}" daemon stop
    rm -rf "$MCP_INSPECTOR_DAEMON_DIR"
} >/dev/null 2>&1

visit "inspector 2"
visit_connected "inspector 2, connected"
unserve
check "inspector 2: the server ends in order" [ $? = 0 ]
stdio=("$node" "$at/node_modules/.bin/mcp-inspector" --cli --format json)
visit_stdio "inspector 2"
tap_end
