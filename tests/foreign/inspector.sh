# SPDX-License-Identifier: Apache-2.0
#
# For tests of the official MCP Inspector's command line; sourced by them. It does what it can with the
# everything-server, and gets its answers though the server is killed, also in the middle of a call. It
# begins a session of its own each time.

. tests/lib/tap.sh
. tests/lib/serve.sh
. tests/lib/npm.sh

export HOME=$TMPDIR/home # where it keeps a catalog, and perhaps secrets
mkdir -p "$HOME"

# A server with a store of its own, instead of the last one.
fresh() {
    kill_server
    rm -rf "$TMPDIR/store"
    serve "$@"
}

# $inspect are the words that go before what is asked; URL stands for where the server is.
ask() { "${inspect[@]/URL/$url}" "$@"; }

says() {
    ask "${@:2}" >"$TMPDIR/said" 2>&1
    status=$?
    grep -q -- "$1" "$TMPDIR/said" || { cat "$TMPDIR/said"; false; }
}

tells() { says "$@" && [ $status = 0 ]; }

# Until the command holds.
await() {
    local end=$((SECONDS + 30))
    until "$@"; do
        [ $SECONDS -lt $end ] || { echo "never: $*"; return 1; }
        sleep 0.05
    done
}

# Until the server's network thread was through its work twice: what was to be sent was sent.
settle() {
    local at=${url#http://127.0.0.1:} line
    for _ in 1 2; do
        exec 4<>"/dev/tcp/127.0.0.1/${at%/mcp}"
        printf 'GET / HTTP/1.1\r\nHost: localhost\r\n\r\n' >&4
        read -r line <&4
        exec 4>&-
    done
}

# A call of three steps, whose second waits for the gate; the server is killed there. Leaves what the
# Inspector said and its status in $walk. Steps are counted, and so not run twice for comparison.
walk_over_a_kill() {
    local -x DMCP_VALIDATE_EFFECTS=off
    walk=$TMPDIR/walk
    rm -rf "$walk"
    mkdir "$walk"
    fresh tests/gates
    ask --method tools/call --tool-name walk --tool-arg id=x "log=$walk/log" n=3 at=2 "gate=$walk/gate" \
        >"$walk/said" 2>&1 &
    local asking=$!
    await grep -qs "x 2" "$walk/log"
    settle
    kill_server
    serve_again
    touch "$walk/gate"
    wait $asking
    echo $? >"$walk/status"
}

walked() {
    cat "$walk/said" "$walk/log"
    [ "$(cat "$walk/status")" = 0 ] && grep -q outcomes "$walk/said" &&
        [ "$(sort "$walk/log" | tr '\n' ,)" = "x 1,x 2,x 2,x 3," ]
}

visit() {
    local name=$1
    fresh tests/everything
    check "$name: lists the tools" tells '"test_simple_text"' --method tools/list
    check "$name: lists the resources" tells '"test://static-text"' --method resources/list
    check "$name: lists the templates" tells 'test://template/{id}/data' --method resources/templates/list
    check "$name: lists the prompts" tells '"test_prompt_with_arguments"' --method prompts/list
    check "$name: calls a tool" tells '"result": *8' --method tools/call --tool-name add --tool-arg a=5 b=3
    check "$name: shows what the tool sent" tells 'iVBORw0KGgo' --method tools/call --tool-name test_image_content
    check "$name: reads a resource" tells 'static text resource' --method resources/read --uri test://static-text
    check "$name: reads a resource of a template" tells 'Data for ID: 7' --method resources/read --uri test://template/7/data
    check "$name: gets a prompt" tells "arg1='one', arg2='two'" --method prompts/get \
        --prompt-name test_prompt_with_arguments --prompt-args arg1=one arg2=two
    check "$name: sets the log level" tells '{' --method logging/setLevel --log-level error
    check "$name: is told what is wrong with its arguments" \
        says 'Invalid arguments.*\bb\b' --method tools/call --tool-name add --tool-arg a=5
    check "$name: is told that there is no such resource" \
        says 'not found' --method resources/read --uri test://no-such
    walk_over_a_kill
    check "$name: gets the answer of a call in which the server was killed" walked

    fresh examples/audit-server
    tells "ada@example.org" --method tools/call --tool-name create_user --tool-arg name=Ada email=ada@example.org
    kill_server
    serve_again
    check "$name: finds what it did after the server was killed" \
        tells "create_user" --method tools/call --tool-name get_audit_log --tool-arg log_name=user_operations
}

# A server that it starts itself, by a file like the README's .mcp.json; $stdio are the words before
# what is asked.
visit_stdio() {
    local name=$1
    cat >"$TMPDIR/mcp.json" <<JSON
{ "mcpServers": { "audit": { "command": "$PWD/$BUILD/examples/audit-server",
                             "args": ["--stdio", "--store", "$TMPDIR/stdio"] } } }
JSON
    inspect=("${stdio[@]}" --config "$TMPDIR/mcp.json" --server audit)
    check "$name: calls a tool of a server that it starts" \
        tells "ada@example.org" --method tools/call --tool-name create_user --tool-arg name=Ada email=ada@example.org
    check "$name: finds what it did when it starts it again" \
        tells "create_user" --method tools/call --tool-name get_audit_log --tool-arg log_name=user_operations
}
