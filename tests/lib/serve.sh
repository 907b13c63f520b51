# SPDX-License-Identifier: Apache-2.0
#
# For tests that are shell scripts: a server on a port of its own. Sourced behind tap.sh.
#
#     serve examples/audit-server [option...]     starts it; $url is where it listens, $server its pid
#     kill_server                                 kill -9
#     serve_again                                 the same with the same store, on the same port
#     unserve                                     SIGTERM; fails unless it ends in order
#
# A script that ends takes its server with it. Servers run what succeeds twice and fail what differs
# (--validate-effects), unless the script sets DMCP_VALIDATE_EFFECTS.

url=
server=
serve_args=()
trap kill_server EXIT

kill_server() {
    [ -z "$server" ] || { kill -KILL "$server" && wait "$server"; }
    server=
} 2>/dev/null

# The first line tells the address that it got.
serve_at() {
    local line
    exec 3< <(DMCP_VALIDATE_EFFECTS=${DMCP_VALIDATE_EFFECTS-on} exec "$BUILD/${serve_args[0]}" --listen "$1" --store "$TMPDIR/store" "${serve_args[@]:1}" 2>&1)
    server=$!
    read -r -t 30 line <&3
    url=$(sed -n 's/.* listens on \(http:[^,]*\),.*/\1/p' <<<"$line")
    if [ -z "$url" ]; then
        echo "not ok - ${serve_args[0]} does not listen: $line"
        exit 1
    fi
}

serve() {
    serve_args=("$@")
    serve_at 127.0.0.1:0
}

serve_again() {
    local at=${url#http://}
    serve_at "${at%/mcp}"
}

unserve() {
    local pid=$server
    server=
    kill -TERM "$pid"
    wait "$pid"
}
