#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
#
# Every rule of scripts/check.sh notices a breach: each test plants one in an otherwise clean tree.

. tests/lib/tap.sh

tree=$TMPDIR/tree
spdx='/* SPDX-License-Identifier: Apache-2.0 */'

# file, then its text after the licence line (with printf escapes)
plant() {
    rm -rf "$tree"
    mkdir -p "$tree/scripts" "$tree/$(dirname "$1")"
    printf '%s\n'"$2"'\n' "$spdx" >"$tree/$1"
}

# The breach and nothing else is reported, at that line of that file.
reports() {
    local found
    found=$(scripts/check.sh "$tree" | grep '^not ok')
    [ "$(printf '%s\n' "$found" | wc -l)" -eq 1 ] && [[ $found == "not ok - $1: "* ]] && return
    echo "wanted one breach, at $1; found: ${found:-none}"
    return 1
}

reports_none() {
    local said
    said=$(scripts/check.sh "$tree") && grep -q '^ok - ' <<<"$said" && return
    grep -v '^ok' <<<"$said"
    return 1
}

breach() {
    plant "$2" "$4"
    check "check: $1" reports "$2:$3"
}

clean() {
    plant "$2" "$3"
    check "check: $1" reports_none
}

breach "base may not include the engine"         src/base/a.c   2 '#include "engine/call.h"'
breach "the engine may not include the net"      src/engine/a.c 2 '#include "../net/http.h"'
breach "the engine may not use threads"          src/engine/a.c 2 '#include <pthread.h>'
breach "the store may not include the public header" src/store/a.c 2 '#include "dmcp.h"'
breach "the client may include no more of the net than sse.h" src/client/a.c 2 '#include "net/http.h"'
clean  "the client may include the net's sse.h"  src/client/a.c '#include "net/sse.h"'
breach "mcp may include the engine's commands and actions only" src/mcp/a.c 2 '#include "engine/engine.h"'
clean  "mcp may include the engine's commands"   src/mcp/a.c '#include "engine/command.h"'
breach "a layer that nobody named is no layer"   src/misc/a.c 2 '#include "base/buf.h"'
breach "libuv belongs to the net and the server" src/mcp/a.c    2 '#include <uv.h>'
breach "an example may not include internal headers" examples/x/server.c 2 '#include "base/buf.h"'
breach "a public header includes no library"     include/dmcp.h 2 '#include <yyjson.h>'

breach "a file may not have 501 lines"           src/base/a.c 501 "$(printf '\\n%.0s' {1..499})"
clean  "a file may have 500 lines"               src/base/a.c "$(printf '\\n%.0s' {1..498})"
breach "a function may not have 61 lines"        src/base/a.c 3 "void f(void)\n{\n$(printf '    g();\\n%.0s' {1..60})}"
clean  "a function may have 60 lines"            src/base/a.c "void f(void)\n{\n$(printf '    g();\\n%.0s' {1..59})}"

plant src/base/a.c ''
sed -i 1d "$tree/src/base/a.c"
check "check: a file without its licence line is a breach" reports src/base/a.c:1

breach "malloc is called in mem.c only"          src/base/a.c 2 'void *f(void) { return malloc(1); }'
clean  "mem.c may call malloc"                   src/base/mem.c 'void *f(void) { return malloc(1); }'
clean  "a member named free is no call of free"  src/base/a.c 'void f(struct x *x) { x->free(x); }'
clean  "words in comments and strings do not count" src/base/a.c \
       '/* malloc(1) is\n * not free(2) */\nconst char *f(void) { return "strcpy(a)"; } // atoi(b)'
breach "sprintf is banned"                       cli/a.c 2 'int f(char *p) { return sprintf(p, "x"); }'
clean  "snprintf is not banned"                  cli/a.c 'int f(char *p) { return snprintf(p, 1, "x"); }'
breach "the source does not sleep"               src/server/a.c 2 'void f(void) { usleep(1); }'
clean  "dmcp_sleep is not a sleep"               src/server/a.c 'int f(void) { return dmcp_sleep(1); }'
breach "tests do not sleep"                      tests/unit/a.c 2 'void f(void) { sleep(1); }'
clean  "wait.c is where tests may sleep"         tests/lib/wait.c 'void f(void) { nanosleep(a, b); }'
breach "clocks are read in clock.c only"         src/server/a.c 2 'long f(void) { return time(NULL); }'
breach "the engine does not read the clock"      src/engine/a.c 2 'long f(void) { return clock_wall_ms(); }'
breach "a state is set by its mover only"        src/engine/a.c 4 'void call_end(struct call *c)\n{\n    c->state = 1;\n}'
clean  "a mover sets the state"                  src/engine/a.c 'void call_move(struct call *c)\n{\n    c->state = 1;\n}'
clean  "a state may be looked at"                src/engine/a.c 'int f(struct call *c)\n{\n    return c->state == 1;\n}'
breach "JSON is not printed by hand"             src/mcp/a.c 2 'const char *f(void) { return "{\\"id\\":1}"; }'
breach "a static variable needs a reason"        src/mcp/a.c 2 'static int count;'
breach "a global variable needs a reason"        src/mcp/a.c 2 'struct x *all = NULL;'
breach "a static pointer to const is a variable" src/mcp/a.c 2 'static const char *name = "x";'
breach "a static function pointer is a variable" src/mcp/a.c 2 'static int (*hook)(void);'
breach "a static variable in a function needs a reason" src/mcp/a.c 4 'int f(void)\n{\n    static int n;\n    return n++;\n}'
clean  "constants and functions are no variables" src/mcp/a.c \
       'static const int one = 1;\nstatic const char *const names[] = { "a" };\nstatic int f(int (*g)(void));\nenum e { A };\nstruct s;'
breach "a macro does not return"                 src/mcp/a.c 3 '#define TRY(x) \\\\\n    if (x) return x;'
clean  "a row of a table may return"             src/mcp/a.c '#define X(x) \\\\\n    case x: return x;'
breach "a public function has a comment"         include/dmcp.h 3 '\nint dmcp_f(void);'
clean  "a comment may be shared by a group"      include/dmcp.h '/* Both. */\nint dmcp_f(int a,\n    int b);\nint dmcp_g(void);'
breach "what is left to do names its issue"      src/mcp/a.c 2 '/* TO''DO: later */'
clean  "what is left to do may name its issue"   src/mcp/a.c '/* TO''DO(#12): later */'
breach "no home directory is named"              docs/a.md 2 'see /ho''me/someone/x'

plant src/mcp/a.c 'static int count;'
echo 'global | src/mcp/a.c | count | a good reason' >"$tree/scripts/check.allow"
check "check: an exception with a reason is granted" reports_none
echo 'global | src/mcp/a.c | count |' >"$tree/scripts/check.allow"
check "check: an exception without a reason is not" \
    sh -c "scripts/check.sh '$tree' | grep -q '^not ok - scripts/check.allow:1: wants'"
plant include/dmcp.h "$(printf '\\n%.0s' {1..600})"
echo 'size | include/dmcp.h | has 60 | it reads as a whole' >"$tree/scripts/check.allow"
check "check: an exception may quote the complaint" reports_none
plant src/mcp/a.c ''
echo 'global | src/mcp/a.c | count | a good reason' >"$tree/scripts/check.allow"
check "check: an exception that excuses nothing is a breach" reports scripts/check.allow:1

tap_end
