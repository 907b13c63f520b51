#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
#
# The README's first server is what it says: it builds by the README's own command, and works. And
# docs/operations.md has the options that such a server has.

. tests/lib/tap.sh

if [ -n "${SAN-}" ]; then
    echo "ok - readme: its first server builds # SKIP a build without sanitizers"
    exit 0
fi
make --no-print-directory BUILD="$BUILD" all >"$TMPDIR/make" 2>&1 || cat "$TMPDIR/make"

pid=
mkfifo "$TMPDIR/said"
trap '[ -z "$pid" ] || kill -KILL "$pid"' EXIT
top=$PWD
strict="-Wall -Wextra -Werror"

# The first block of a language in the README.
block() { awk -v fence="\`\`\`$1" '$0 == fence { on = 1; next } on && /^```$/ { exit } on' README.md; }

block c >"$TMPDIR/guests.c"
cat >"$TMPDIR/client.c" <<'C'
#include <dmcp_client.h>
#include <stdio.h>
int main(int argc, char **argv)
{
    dmcp_client *client = dmcp_client_new(argv[argc - 1], NULL);
    dmcp_result *result;
    if (dmcp_client_connect(client) != DMCP_OK ||
        dmcp_client_call_tool(client, "invite", "{\"email\":\"ada@example.org\"}", NULL, &result) != DMCP_OK)
        return 1;
    puts(dmcp_result_structured(result));
    dmcp_result_free(result);
    dmcp_client_free(client);
    return 0;
}
C

# The README's command, in a directory in which nothing is but what a reader has there.
builds() {
    local command
    command=$(sed -n "s|^gcc \(guests.c .*\)|${CC:-gcc} $strict \1|p" README.md | sed "s|\$PWD/build|$top/$BUILD|; s|-Lbuild|-L$top/$BUILD|; s|-Iinclude|-I$top/include|")
    [ -n "$command" ] && (cd "$TMPDIR" && eval "$command")
}
client_builds() {
    ${CC:-gcc} $strict "$TMPDIR/client.c" -Iinclude -L"$BUILD" -ldmcp-client -Wl,-rpath,"$top/$BUILD" -o "$TMPDIR/client"
}
start() {
    (cd "$TMPDIR" && exec ./guests --listen 127.0.0.1:0 2>said) &
    pid=$!
    exec 3<"$TMPDIR/said"
    read -r -t 20 line <&3
    url=$(sed -n 's/.* listens on \(http:[^,]*\),.*/\1/p' <<<"$line")
    [ -n "$url" ] || echo "# the server said: $line"
}
answers() {
    local wanted='{"status":"invited","mail":"mail to ada@example.org is on its way"}'
    [ "$("$TMPDIR/client" "$url")" = "$wanted" ]
}

# "--name default" for each option, from --help and from the table in the document.
of_help() {
    "$TMPDIR/guests" --help | sed -n 's/^  \(--[a-z-]*\).*(default \(.*\))$/\1 \2/p; t; s/^  \(--[a-z-]*\) .*/\1 /p' | sort
}
of_document() {
    sed -n 's/, `--version` |/ | |\n| `--version` |/; /^| `--/p' docs/operations.md |
        sed -n 's/^| `\(--[a-z-]*\)` |\( `\([^`]*\)`\)\{0,1\} |.*/\1 \3/p' | sort
}
same_options() { diff <(of_help) <(of_document); }

check "readme: its first server builds by its own command, without warnings" builds
check "readme: a client builds" client_builds
start
check "readme: its first server does what it says" answers
check "operations: the table of options is that of --help, with the defaults" same_options

tap_end
