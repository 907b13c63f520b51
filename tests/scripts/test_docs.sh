#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
#
# What the documents repeat of the source is what the source says.

. tests/lib/tap.sh

error_codes() { sed -n 's/^ *X(\([A-Z]*\), \(-[0-9]*\),.*/DMCP_E_\1 (\2)/p' include/dmcp_error.h | sort; }
error_entries() { sed -n 's/^\*\*`\(DMCP_E_[A-Z]*\)`\*\* \((-[0-9]*)\).*/\1 \2/p' docs/errors.md | sort; }
errors_agree() { [ -n "$(error_codes)" ] && diff <(error_codes) <(error_entries); }
# Each says what to do.
errors_help() { ! awk 'BEGIN { RS = "" } /^\*\*`DMCP_E_/ && !/\*Do\*:/' docs/errors.md | grep .; }

# "(4 * MIB)" is 4 MiB in the document, "10000" of a ..._MS 10 s.
limits_in_source() {
    sed -n 's/^#define \(LIMIT_[A-Z_]*\) *(\{0,1\}\([0-9]*\)\( \* \([KM]\)IB)\)\{0,1\}.*/\1 \2 \4/p' src/base/limits.h |
        awk '$1 ~ /_MS$/ { $2 = $2 / 1000; $3 = "s" } $3 ~ /[KM]/ { $3 = $3 "iB" } { print $1, $2 ($3 ? " " $3 : "") }' | sort
}
limits_in_document() {
    sed -n 's/^| .* | \([0-9]*\)\( [KM]iB\| s\| bytes\)\{0,1\}[^|]* | `\(LIMIT_[A-Z_]*\)` |$/\3 \1\2/p' docs/operations.md |
        sed 's/ bytes$//' | sort
}
limits_agree() {
    [ "$(limits_in_document | wc -l)" = "$(grep -c '`LIMIT_[A-Z_]*` |$' docs/operations.md)" ] &&
        ! comm -13 <(limits_in_source) <(limits_in_document) | grep .
}

# Drawn lines, without what C puts in front of and behind them.
pictures_in_headers() {
    sed -n 's/^ \* *\([a-z]*  *| [0-9a-f]* | .*\)/\1/p' src/store/keys.h | sed 's/reserved  /not used yet/; s/  *|/ |/g; s/  */ /g'
    sed -n 's/^\/\* \(| 1 | .*|\)[ :].*/\1/p' src/store/records.h
}
formats_agree() {
    local line text n=0
    text=$(sed 's/  *|/ |/g; s/  */ /g' docs/FORMAT.md)
    while IFS= read -r line; do
        n=$((n + 1))
        grep -qF -- "${line% }" <<<"$text" || { echo "docs/FORMAT.md lacks: $line"; return 1; }
    done < <(pictures_in_headers)
    [ $n -ge 21 ] || { echo "only $n pictures were found in the headers"; return 1; }
}

fault_points_agree() {
    local names
    names=$(grep -rhoE 'FAULT_(POINT|ERROR)\("[a-z.]*"\)' src | sed 's/.*("\(.*\)")/\1/' | sort -u)
    diff <(echo "$names") <(sed -n '/^| point |/,/^$/p' docs/TESTING.md | grep -oE '`[a-z.]+`' | tr -d '`' | sort -u)
}

links_lead_somewhere() {
    local file link status=0
    for file in *.md docs/*.md examples/*/*.md; do
        while IFS= read -r link; do
            case $link in http*) continue ;; esac
            [ -e "$(dirname "$file")/${link%%#*}" ] || { echo "$file: $link"; status=1; }
        done < <(grep -oE '\]\([^)]+\)' "$file" | sed 's/^](//; s/)$//')
    done
    return $status
}
# Files that are named in the running text, from the top directory.
named_files_are_there() {
    local file name status=0
    for file in *.md docs/*.md examples/*/*.md; do
        while IFS= read -r name; do
            [ -e "$name" ] || [ -e "src/$name" ] || { echo "$file: $name"; status=1; }
        done < <(grep -oE '`(src|docs|tests|scripts|include|examples|base|store|engine|call|mcp|net|server)/[A-Za-z0-9_./]+`' "$file" | tr -d '`' | sort -u)
    done
    return $status
}

check "errors: the document has every code once, with its number" errors_agree
check "errors: every entry says what to do" errors_help
check "operations: the limits are those of base/limits.h" limits_agree
check "format: the pictures are those of keys.h and records.h" formats_agree
check "testing: the fault points are those of the source" fault_points_agree
check "documents: every link leads somewhere" links_lead_somewhere
check "documents: every file that they name is there" named_files_are_there

tap_end
