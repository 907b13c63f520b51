#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
#
# Measures the server beside what it is compared with, in turns and on the same machine: nginx with
# a static answer, and a log on the same disk. docs/BENCH.md explains each line of what this prints.
# `make bench` calls it when all is built. Everything listens on 127.0.0.1, on ports found free, and
# every file is made in a directory of its own inside the build directory.
#
#   ROUNDS=3 SPAN=1 CONNECTIONS="1 8 64" FILL=1000000 STREAMS=10000 SESSIONS=400000 \
#       SUSPENDED=1000000 AGE=400000 bench/run.sh
#
# FILL=0 leaves out the start over a full store, STREAMS=0 leaves out memory, ROUNDS=0 the rates,
# SUSPENDED=0 the calls that wait, AGE=0 the growth of a store under the sweep.
set -uo pipefail

BUILD=${BUILD:-build}
ROUNDS=${ROUNDS:-3}
SPAN=${SPAN:-1}
CONNECTIONS=${CONNECTIONS:-1 8 64}
FILL=${FILL:-1000000}
UNFINISHED=${UNFINISHED:-10000}
STREAMS=${STREAMS:-10000}
SESSIONS=${SESSIONS:-400000}
SUSPENDED=${SUSPENDED:-1000000}
AGE=${AGE:-400000}

here=$(cd "$(dirname "$0")" && pwd)
HOST=127.0.0.1
declare -A rate p50 p99 memory # by "what connections"
nginx_pid='' server_pid='' port=''

say() { printf '\n%s\n' "$*"; }
die() { printf '\nbench: %s\n' "$*" >&2; exit 1; }

mkdir -p "$BUILD"
dir=$(mktemp -d "$(cd "$BUILD" && pwd)/bench-XXXXXX")
trap 'stop "$nginx_pid"; stop "$server_pid"; rm -rf "$dir"' EXIT
trap 'exit 130' INT TERM

# ---- processes -----------------------------------------------------------------------------------

stop() {
    [ -n "$1" ] || return 0
    local deadline=$((SECONDS + 20))
    kill "$1" 2>/dev/null
    while kill -0 "$1" 2>/dev/null && [ $SECONDS -lt $deadline ]; do
        sleep 0.05
    done
    kill -KILL "$1" 2>/dev/null
    wait "$1" 2>/dev/null
}

answers() { (exec 3<>"/dev/tcp/$HOST/$1") 2>/dev/null; }

await_port() { # port, pid, what
    local deadline=$((SECONDS + 20))
    until answers "$1"; do
        kill -0 "$2" 2>/dev/null || die "$3 ended before it answered"
        [ $SECONDS -lt $deadline ] || die "$3 does not answer"
        sleep 0.02
    done
}

free_port() {
    local p
    while p=$((20000 + RANDOM % 12000)); do
        answers "$p" || { echo "$p"; return; }
    done
}

start_nginx() {
    local answer
    nginx_port=$(free_port)
    answer=$(printf '%200s' '' | tr ' ' 'x')
    mkdir -p "$dir/nginx"
    cat >"$dir/nginx/nginx.conf" <<CONF
daemon off;
worker_processes auto;
pid nginx.pid;
error_log stderr error;
events { worker_connections 1024; }
http {
    access_log off;
    keepalive_requests 1000000000;
    default_type text/plain;
    client_body_temp_path body;
    proxy_temp_path proxy;
    fastcgi_temp_path fastcgi;
    uwsgi_temp_path uwsgi;
    scgi_temp_path scgi;
    server {
        listen $HOST:$nginx_port;
        location / { return 200 "$answer"; }
    }
}
CONF
    nginx -p "$dir/nginx" -c "$dir/nginx/nginx.conf" 2>"$dir/nginx.log" &
    nginx_pid=$!
    await_port "$nginx_port" "$nginx_pid" nginx
}

start_server() { # store, more options; PROGRAM is the server
    local store=$1
    shift
    port=$(free_port)
    "$BUILD/bench/${PROGRAM:-adder}" --listen "$HOST:$port" --store "$store" "$@" 2>"$dir/server.log" &
    server_pid=$!
}

stop_server() {
    stop "$server_pid"
    server_pid=
}

serving_pid() { pgrep -P "$server_pid"; }

post() { # session (or empty), body; more options of curl
    local session=$1 body=$2
    shift 2
    curl -sS --max-time 60 ${session:+-H "Mcp-Session-Id: $session"} -H 'Content-Type: application/json' \
        -H 'Accept: application/json, text/event-stream' "$@" -d "$body" "http://$HOST:$port/mcp"
}

open_session() {
    post '' '{"jsonrpc":"2.0","id":1,"method":"initialize","params":{"protocolVersion":"2025-11-25",
              "capabilities":{},"clientInfo":{"name":"bench","version":"1"}}}' -o /dev/null -D - |
        tr -d '\r' | sed -n 's/^[Mm]cp-[Ss]ession-[Ii]d: //p'
}

call_body() { # tool
    echo '{"jsonrpc":"2.0","id":"'"$1"'","method":"tools/call","params":{"name":"'"$1"'","arguments":{"a":40,"b":2}}}'
}

# Each tool gives the sum: what is measured below is an answer and not an error.
check_tools() {
    local tool answer
    session=$(open_session)
    [ -n "$session" ] || die "the server gives no session: $(cat "$dir/server.log")"
    for tool in peek plain add; do
        answer=$(post "$session" "$(call_body "$tool")")
        [[ $answer == *'"structuredContent":{"result":42}'* ]] || die "$tool answers: $answer"
    done
}

# ---- rates ---------------------------------------------------------------------------------------

threads_for() { if [ "$1" -lt 8 ]; then echo 1; else echo 2; fi; }

note() { # "what connections", rate p50 p99 failures
    rate[$1]+=" $2"
    p50[$1]+=" $3"
    p99[$1]+=" $4"
    [ "$5" = 0 ] || die "$1: $5 requests failed: $(tail -n 3 "$dir/server.log")"
}

run_wrk() { # what, connections, script, url
    local line
    line=$(wrk -t "$(threads_for "$2")" -c "$2" -d "$SPAN" --latency -s "$here/$3" "$4" |
        sed -n 's/^RESULT //p')
    [ -n "$line" ] || die "wrk gave no result for $1"
    # shellcheck disable=SC2086
    note "$1 $2" $line
}

run_tool() { # tool, connections, path
    local SESSION
    SESSION=$(open_session) # request ids begin anew
    export SESSION TOOL=$1
    run_wrk "$1" "$2" call.lua "http://$HOST:$port/mcp"
}

run_log() { # clients
    # shellcheck disable=SC2046
    note "log $1" $("$BUILD/bench/rawlog" "$dir/log" "$1" "$SPAN") 0
}

run_round() {
    local c
    run_log 0
    for c in $CONNECTIONS; do
        run_wrk get "$c" answer.lua "http://$HOST:$nginx_port/"
        SESSION=00000000000000000000000000000000 TOOL=peek run_wrk same "$c" call.lua "http://$HOST:$nginx_port/mcp"
        run_tool peek "$c"
        run_tool plain "$c"
        run_tool add "$c"
        run_log "$c"
    done
}

median() { # numbers
    printf '%s\n' "$@" | sort -n | awk '{ v[NR] = $1 } END { print v[int((NR + 1) / 2)] }'
}

# shellcheck disable=SC2086
of() { # array name, key: the median of its runs
    local -n values=$1
    median ${values[$2]-0}
}

ratio() { awk -v a="$1" -v b="$2" 'BEGIN { if (b > 0) printf "%.2f", a / b; else printf "-" }'; }

row() { # label, function of connections
    local c
    printf '  %-46s' "$1"
    for c in $CONNECTIONS; do
        printf '%14s' "$("$2" "$c")"
    done
    printf '\n'
}

head_row() {
    local c
    printf '\n%-48s' "$1"
    for c in $CONNECTIONS; do
        printf '%14s' "$c"
    done
    printf '\n'
}

show_rates() {
    local what
    declare -A label=([get]='nginx, static 200 bytes, GET' [same]='nginx, the same, sent what the server is sent'
        [peek]='peek: ephemeral' [plain]='plain: durable, no step' [add]='add: durable, one step'
        [log]='raw log, group commit')
    head_row "requests (or commits) per second, connections:"
    for what in get same peek plain add log; do
        value() { of rate "$what $1"; }
        row "${label[$what]}" value
    done
    head_row "p50 / p99 in microseconds, connections:"
    for what in get same peek plain add log; do
        value() { echo "$(of p50 "$what $1")/$(of p99 "$what $1")"; }
        row "${label[$what]}" value
    done
    head_row "ratios, connections:"
    value() { ratio "$(of rate "peek $1")" "$(of rate "get $1")"; }
    row 'peek : nginx, GET                  (aim 0.50)' value
    value() { ratio "$(of rate "peek $1")" "$(of rate "same $1")"; }
    row 'peek : nginx, same request' value
    value() { ratio "$(of rate "plain $1")" "$(of rate "log $1")"; }
    row 'plain : raw log' value
    value() { ratio "$(of rate "add $1")" "$(of rate "log $1")"; }
    row 'add : raw log            (aim 0.25, with 64)' value
    say "a lone fdatasync takes $(of p50 'log 0') us (p50); a lone call takes, in fdatasyncs (aim below 3):"
    for what in plain add; do
        [[ " $CONNECTIONS " != *' 1 '* ]] ||
            printf '  %-46s%14s\n' "${label[$what]}" "$(ratio "$(of p50 "$what 1")" "$(of p50 'log 0')")"
    done
}

measure_rates() {
    local i
    start_nginx
    start_server "$dir/store"
    await_port "$port" "$server_pid" "the server"
    check_tools
    for ((i = 0; i < ROUNDS; i++)); do
        run_round
    done
    stop_server
    stop "$nginx_pid"
    nginx_pid=
    rm -rf "$dir/store" "$dir/log"
    show_rates
}

# ---- memory --------------------------------------------------------------------------------------

measure_memory() {
    local state resident anonymous
    ulimit -n $((STREAMS + 1000)) 2>/dev/null || die "cannot raise the limit of open files for $STREAMS streams"
    start_server "$dir/store" --max-connections $((STREAMS + 1000))
    await_port "$port" "$server_pid" "the server"
    check_tools
    while read -r state resident anonymous; do
        memory[$state]=$resident
        memory[$state-anonymous]=$anonymous
    done < <("$BUILD/bench/idle" "$port" "$(serving_pid)" "$STREAMS" "$SESSIONS")
    [ -n "${memory[twice]-}" ] || die "memory could not be measured: $(tail -n 3 "$dir/server.log")"
    stop_server
    rm -rf "$dir/store"
    show_memory
}

show_memory() {
    say 'resident memory of the serving process'
    awk -v start="${memory[start]}" -v anonymous="${memory[start-anonymous]}" -v sessions="${memory[sessions]}" \
        -v streams="${memory[streams]}" -v more="${memory[more]}" -v twice="${memory[twice]}" \
        -v n_streams="$STREAMS" -v n_sessions="$SESSIONS" 'BEGIN {
        form = "  %-46s%14s\n"
        printf form, "idle, after a call of each tool (aim 20 MiB)", sprintf("%.1f MiB", start / 1024)
        printf form, "  without pages of programs and libraries", sprintf("%.1f MiB", anonymous / 1024)
        printf form, "per idle stream, of " n_streams " (aim 4 KiB)", sprintf("%.2f KiB", (streams - sessions) / n_streams)
        printf form, "after " n_sessions " sessions without a connection", sprintf("%.1f MiB", more / 1024)
        printf form, "after as many again (aim: no more)", sprintf("%.1f MiB", twice / 1024)
    }'
}

# ---- start ---------------------------------------------------------------------------------------

measure_start() {
    local began answered first_call
    "$BUILD/bench/fill" "$dir/store" "$FILL" "$UNFINISHED" || die "the store could not be filled"
    began=$(date +%s%N)
    start_server "$dir/store"
    until answers "$port"; do
        kill -0 "$server_pid" 2>/dev/null || die "the server ended: $(cat "$dir/server.log")"
    done
    session=$(open_session)
    answered=$(date +%s%N)
    [ -n "$session" ] || die "the server over a full store gives no session"
    post "$session" "$(call_body plain)" -o /dev/null
    first_call=$(date +%s%N)
    stop_server
    say "start with $FILL finished and $UNFINISHED unfinished calls ($(du -sm "$dir/store" | cut -f1) MB)"
    printf '  %-46s%14s\n' 'first answer                   (aim 2000 ms)' "$(((answered - began) / 1000000)) ms" \
        'first answer of a durable call' "$(((first_call - began) / 1000000)) ms"
    rm -rf "$dir/store"
}

# ---- waiting -------------------------------------------------------------------------------------

nap_ms() { # how long a call takes that sleeps for 200 ms, without these
    local began
    began=$(date +%s%N)
    post "$session" '{"jsonrpc":"2.0","id":"'"$began"'","method":"tools/call",
        "params":{"name":"nap","arguments":{"ms":200}}}' -o /dev/null
    echo $((($(date +%s%N) - began) / 1000000 - 200))
}

# Starts the waiter over a store and notes what it takes: answered, napped, memory[$1].
measure_waiter() { # label, store
    local began pid
    began=$(date +%s%N)
    PROGRAM=waiter start_server "$2"
    until answers "$port"; do
        kill -0 "$server_pid" 2>/dev/null || die "the server ended: $(cat "$dir/server.log")"
    done
    session=$(open_session)
    answered=$((($(date +%s%N) - began) / 1000000))
    [ -n "$session" ] || die "the server gives no session: $(cat "$dir/server.log")"
    nap_ms >/dev/null
    napped=$(nap_ms)
    pid=$(serving_pid)
    memory[$1]=$(awk '$1 == "RssAnon:" { print $2 }' "/proc/$pid/status")
    threads=$(awk '$1 == "Threads:" { print $2 }' "/proc/$pid/status")
}

measure_waiting() {
    local answered napped threads few woken n median high longest
    mkfifo "$dir/fifo"
    measure_waiter none "$dir/empty"
    few=$threads
    stop_server
    "$BUILD/bench/fill" "$dir/store" suspended "$SUSPENDED" "$dir/fifo" >"$dir/ids" ||
        die "the store could not be filled"
    measure_waiter waiting "$dir/store"
    woken=$("$BUILD/bench/wake" "$dir/store" "$dir/fifo" <"$dir/ids") || die "a call was not woken"
    read -r n median high longest <<<"$woken"
    say "$SUSPENDED calls that wait, half of them with a timer ($(du -sm "$dir/store" | cut -f1) MB)"
    printf '  %-46s%14s\n' 'first answer                   (aim 5000 ms)' "$answered ms" \
        'memory for each of them         (aim 64 bytes)' \
        "$(awk -v a="${memory[none]}" -v b="${memory[waiting]}" -v n="$SUSPENDED" \
            'BEGIN { printf "%.1f bytes", (b - a) * 1024 / n }')" \
        'threads, and without them' "$threads, $few" \
        "waking one by a signal, p50 of $n  (aim 10 ms)" "$median us" \
        '  p99 / longest' "$high/$longest us" \
        'waking one by a timer: late by, with curl' "$napped ms"
    stop_server
    rm -rf "$dir/store" "$dir/empty"
}

# ---- age -----------------------------------------------------------------------------------------

measure_age() {
    say "a store in which $AGE calls ended, of which a tenth is kept"
    "$BUILD/bench/age" "$dir/store" "$AGE" $((AGE / 10)) | awk 'NR % 5 == 0 { print "  " $0 }'
    rm -rf "$dir/store"
}

printf 'bench: %s processors, kernel %s, %s\n' "$(nproc)" "$(uname -r)" "$(stat -f -c '%T' "$dir")"
[ "$ROUNDS" = 0 ] || measure_rates
[ "$STREAMS" = 0 ] || measure_memory
[ "$FILL" = 0 ] || measure_start
[ "$SUSPENDED" = 0 ] || measure_waiting
[ "$AGE" = 0 ] || measure_age
