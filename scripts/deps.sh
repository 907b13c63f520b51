#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
#
# Installs the Debian packages that are missing, and says which. Does nothing, quickly, when all are there.
#
#   scripts/deps.sh          what building and testing needs
#   scripts/deps.sh bench    and what the benchmarks compare with
#   scripts/deps.sh check    and what `make check` adds
#
# Two libraries are younger than Debian 12. There they come from Debian 13's archive, over the mirror
# and under the signing keys that this machine already uses; its apt configuration stays as it is.
set -euo pipefail

BUILD="gcc make binutils pkg-config librocksdb-dev libuv1-dev libllhttp-dev libyyjson-dev
       libcurl4-openssl-dev libssl-dev libpcre2-dev libcmocka-dev"
BENCH="wrk nginx curl procps"
CHECK="clang libclang-rt-dev llvm valgrind clang-format"
# Clients and suites of others come by npm, which need not be Debian's.
command -v npm >/dev/null || CHECK="$CHECK npm"

# Each with the library it depends on; they need nothing else but libc.
FROM_TRIXIE="libyyjson-dev libllhttp-dev"
FROM_TRIXIE_ALSO="libyyjson0 libllhttp9.2"

die() { printf 'deps: %s\n' "$*" >&2; exit 1; }

missing_of() {
    local have
    have=" $(dpkg-query -W -f='${db:Status-Abbrev}${Package}\n' "$@" 2>/dev/null |
             sed -n 's/^.i *//p' | tr '\n' ' ') " || true
    local p
    for p in "$@"; do
        [[ $have == *" $p "* ]] || printf '%s ' "$p"
    done
}

# Runs a command quietly; its output is shown only if it fails.
quietly() {
    if ! "$@" >"$tmp/log" 2>&1; then
        cat "$tmp/log" >&2
        return 1
    fi
}

candidate() { [ -n "$(apt-cache madison "$1" 2>/dev/null)" ]; }

# Nothing installed here is to run as a daemon: the benchmarks start nginx themselves. sysvinit heeds
# the run level; systemd is shown a masked unit (in /run, nothing on disk) while nginx is installed.
install_ordinary() {
    local failed=0 masked=
    if [[ " $* " == *" nginx "* && -d /run/systemd/system ]]; then
        masked=1
        "${root[@]}" systemctl --quiet --runtime mask nginx.service || true
    fi
    quietly "${root[@]}" env DEBIAN_FRONTEND=noninteractive RUNLEVEL=1 PREVLEVEL=N \
        apt-get install -y -q --no-install-recommends -o DPkg::Lock::Timeout=120 "$@" || failed=1
    if [ -n "$masked" ]; then
        "${root[@]}" systemctl --quiet --runtime unmask nginx.service || true
        "${root[@]}" systemctl --quiet disable nginx.service || true
    fi
    return $failed
}

# The machine's own Debian mirror, as apt itself understands its sources (one-line and deb822 alike).
debian_mirror() {
    apt-get indextargets --format '$(ORIGIN)|$(LABEL)|$(COMPONENT)|$(REPO_URI)' 'Created-By: Packages' |
        awk -F'|' '$1 == "Debian" && $2 == "Debian" && $3 == "main" { print $4; exit }'
}

# apt with a source list, index and cache of its own; signatures are verified as always.
apt_trixie() {
    "${root[@]}" apt-get -q -o Dir::Etc::sourcelist="$tmp/sources.list" -o Dir::Etc::sourceparts=/dev/null \
        -o Dir::Etc::preferences=/dev/null -o Dir::Etc::preferencesparts=/dev/null \
        -o Dir::State::lists="$tmp/lists" -o Dir::Cache="$tmp/cache" -o APT::Sandbox::User=root "$@"
}

install_from_trixie() {
    local mirror keyring=/usr/share/keyrings/debian-archive-keyring.gpg signed=
    mirror=$(debian_mirror)
    [ -n "$mirror" ] || die "no Debian mirror among apt's sources to get $* from"
    [ ! -e $keyring ] || signed="[signed-by=$keyring] "
    mkdir -p "$tmp/lists/partial" "$tmp/cache/archives/partial" "$tmp/deb"
    printf 'deb %s%s trixie main\n' "$signed" "$mirror" >"$tmp/sources.list"
    if ! apt_trixie update --error-on=any >"$tmp/log" 2>&1; then
        # A keyring older than Debian 13 does not know its keys; Debian 12's own update of it does.
        quietly "${root[@]}" apt-get install -y -q --only-upgrade debian-archive-keyring
        quietly apt_trixie update --error-on=any || die "cannot read Debian 13's package list at $mirror"
    fi
    (cd "$tmp/deb" && quietly apt_trixie download "$@") || die "cannot download $*"
    quietly "${root[@]}" env DEBIAN_FRONTEND=noninteractive dpkg -i "$tmp"/deb/*.deb || die "cannot install $*"
}

case "${1-}" in
    '') want=$BUILD ;;
    bench) want="$BUILD $BENCH" ;;
    check) want="$BUILD $CHECK" ;;
    *) die "usage: scripts/deps.sh [bench|check]" ;;
esac

command -v dpkg-query >/dev/null || die "this is not a Debian system; install the equivalents of:" $want
# shellcheck disable=SC2086
missing=$(missing_of $want)
[ -n "$missing" ] || exit 0

root=()
if [ "$(id -u)" -ne 0 ]; then
    command -v sudo >/dev/null || die "run as root, or install sudo; missing: $missing"
    root=(sudo)
fi
printf 'deps: installing %s\n' "$missing"

tmp=$(mktemp -d)
trap '"${root[@]}" rm -rf "$tmp"' EXIT

quietly "${root[@]}" apt-get update -q || echo "deps: apt-get update failed; trying with the lists there are" >&2

ordinary=() trixie=()
for p in $missing; do
    if [[ " $FROM_TRIXIE " == *" $p "* ]] && ! candidate "$p"; then
        trixie+=("$p")
    else
        ordinary+=("$p")
    fi
done
[ ${#ordinary[@]} -eq 0 ] || install_ordinary "${ordinary[@]}" || die "apt-get could not install ${ordinary[*]}"
# shellcheck disable=SC2086
[ ${#trixie[@]} -eq 0 ] || install_from_trixie $FROM_TRIXIE $FROM_TRIXIE_ALSO

# shellcheck disable=SC2086
still=$(missing_of $want)
[ -z "$still" ] || die "still missing after installing: $still"
