#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
#
# What `make install` puts down is what a user's program can be built with.

. tests/lib/tap.sh

if [ -n "${SAN-}" ]; then
    echo "ok - install: a program builds with what is installed # SKIP a build without sanitizers"
    exit 0
fi

top=$TMPDIR/top
prefix=$top/usr
export PKG_CONFIG_PATH=$prefix/lib/pkgconfig LD_LIBRARY_PATH=$prefix/lib
export PKG_CONFIG_SYSROOT_DIR=$top

# Its own buf_init and mem_alloc must not meet the libraries' internal functions.
cat >"$TMPDIR/user.c" <<'C'
#include <dmcp_error.h>
#include <stdio.h>
int buf_init(void);
int mem_alloc(void);
int buf_init(void) { return 0; }
int mem_alloc(void) { return buf_init(); }
int main(void) { return mem_alloc() + (puts(dmcp_strerror(DMCP_OK)) < 0); }
C
for header in include/dmcp*.h; do
    printf '#include <%s>\n' "${header##*/}"
done >"$TMPDIR/headers.c"
echo 'int nothing; ' >>"$TMPDIR/headers.c"

install_it() { make --no-print-directory BUILD="$BUILD" PREFIX=/usr DESTDIR="$top" install; }

strict="-std=c11 -pedantic -Wall -Wextra -Werror"
# Word splitting is wanted: these are lists of flags.
shared() { ${CC:-gcc} $strict "$TMPDIR/user.c" -o "$TMPDIR/user" $(pkg-config --cflags --libs "$1") && "$TMPDIR/user"; }
# What pkg-config says, with our shared libraries passed over for the archives.
archives() { pkg-config --static --libs "$@" | sed -E 's/-l(dmcp[a-z-]*)/-l:lib\1.a/g'; }
static() {
    ${CC:-gcc} $strict "$TMPDIR/user.c" -o "$TMPDIR/user" $(pkg-config --cflags "$1") $(archives "$1") && "$TMPDIR/user"
}
both() {
    ${CC:-gcc} $strict "$TMPDIR/user.c" -o "$TMPDIR/user" $(pkg-config --cflags dmcp) \
        -Wl,--whole-archive $(archives dmcp dmcp-client) -Wl,--no-whole-archive && "$TMPDIR/user"
}
# A library that only weak references name would be left out, and the program jump to nowhere.
cat >"$TMPDIR/client.c" <<'C'
#include <dmcp_client.h>
int main(void)
{
    dmcp_client_free(dmcp_client_new("http://127.0.0.1:9/mcp", 0));
    return 0;
}
C
client() {
    ${CC:-gcc} $strict "$TMPDIR/client.c" -o "$TMPDIR/client" -Wl,--as-needed $(pkg-config --cflags dmcp-client) \
        $(archives dmcp-client) && "$TMPDIR/client"
}
headers() { ${CC:-gcc} $strict -I"$prefix/include" -c "$TMPDIR/headers.c" -o "$TMPDIR/headers.o"; }
only_dmcp() {
    local names
    names=$(nm --extern-only --defined-only $2 "$1" | awk 'NF == 3 { print $3 }')
    grep -q '^dmcp_' <<<"$names" && ! grep -v '^dmcp_' <<<"$names"
}
version() { [ "$(pkg-config --modversion "$1")" = "$(cat VERSION)" ]; }
removed() {
    [ -e "$prefix/include/dmcp_error.h" ] || return 1
    make --no-print-directory BUILD="$BUILD" PREFIX=/usr DESTDIR="$top" uninstall
    ! find "$top" -type f -o -type l | grep .
}

check "install: make install succeeds" install_it
check "install: the public headers compile in strict C11" headers
for library in dmcp dmcp-client; do
    check "install: a program builds with $library's shared library and runs" shared "$library"
    check "install: a program builds with $library's archive and runs, with internal names of its own" static "$library"
    check "install: $library's shared library exports nothing but dmcp_ names" only_dmcp "$prefix/lib/lib$library.so" --dynamic
    check "install: $library's archive exports nothing but dmcp_ names" only_dmcp "$prefix/lib/lib$library.a" ""
    check "install: pkg-config knows $library's version" version "$library"
done
check "install: a program may link both archives" both
check "install: a client built with the archive finds the libraries that it uses" client
check "install: make uninstall leaves no file" removed

tap_end
