#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
#
# Look for inputs that break something, with clang's libFuzzer under the address and undefined
# behaviour sanitizers.
#
#   scripts/fuzz.sh name [seconds] [libFuzzer options]      name: tests/fuzz/fuzz_<name>.c
#
# What is found new is kept in build-fuzz/corpus/<name>, which later runs begin with. An input that
# breaks something is left in build-fuzz as crash-..., for a fix and then for tests/fuzz/corpus/<name>,
# where `make test` runs it for ever.
set -euo pipefail
cd "$(dirname "$0")/.."
name=${1:?which one? There are: $(echo tests/fuzz/fuzz_*.c)}
seconds=${2:-60}
shift $(($# < 2 ? $# : 2))

out=build-fuzz
sanitizers=address,undefined
make --no-print-directory CC=clang BUILD=$out FORTIFY= \
    CFLAGS="-O1 -g -fno-omit-frame-pointer -fsanitize=fuzzer-no-link,$sanitizers -fno-sanitize-recover=all" \
    $out/libdmcp-internal.a
clang -std=gnu11 -D_GNU_SOURCE -O1 -g -fsanitize=fuzzer,$sanitizers -fno-sanitize-recover=all -Iinclude -Isrc \
    "tests/fuzz/fuzz_$name.c" $out/libdmcp-internal.a -pthread -Wl,--as-needed \
    -lrocksdb -luv -lllhttp -lyyjson -lcrypto -lpcre2-8 -lcurl -lm -o "$out/fuzz_$name"

mkdir -p "$out/corpus/$name"
"$out/fuzz_$name" -max_total_time="$seconds" -timeout=20 -artifact_prefix="$out/" "$@" \
    "$out/corpus/$name" "tests/fuzz/corpus/$name"
