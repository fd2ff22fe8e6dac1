#!/bin/bash
# SPDX-License-Identifier: ISC
#
# counters.bash [show|check|update] [calls|instructions [LIMITS]]: what the relays' work on a fixed script costs, in
# system calls and in instructions, and what counters.limits says that it may cost. "check" fails if it is more,
# "update" writes the present values into that file. NATTER_BUILD says which build.
set -euo pipefail

BENCH=$(cd "${BASH_SOURCE[0]%/*}" && pwd)
NATTER_BUILD=${NATTER_BUILD:-$BENCH/../../build}

# counters_of_calls: lines "NAME calls VALUE", system calls per unit.
counters_of_calls() {
    # A sanitizer that looks for leaks at the end is a tracer itself, and there can be but one.
    ASAN_OPTIONS=detect_leaks=0 strace -o "$folder/trace" "$NATTER_BUILD/tests/counters" >"$folder/parts" || return
    # Reading the clock is a system call on some machines only.
    awk '
        NR == FNR { name[++parts] = $1; units[parts] = $2; next }
        /^getsid\(/ { working = !working; next }
        /^write\(1, / { printf "%s calls %.2f\n", name[++part], calls / units[part]; calls = 0; next }
        working && /^[a-z]/ && !/^(clock_gettime|gettimeofday|time)\(/ { calls++ }
        ' "$folder/parts" "$folder/trace"
}

# counters_of_instructions: lines "NAME instructions VALUE", those of the relay and the libraries that it calls.
counters_of_instructions() {
    local name units part=0
    # valgrind does not understand every compiler's debug information, and needs none.
    strip -g -o "$folder/counters" "$NATTER_BUILD/tests/counters" &&
        valgrind -q --tool=callgrind --collect-atstart=no --toggle-collect=relay_turn --dump-after=end_part \
            --callgrind-out-file="$folder/grind" "$folder/counters" >"$folder/parts" || return
    while read -r name units; do
        part=$((part + 1))
        awk -v name="$name" -v units="$units" \
            '$1 == "totals:" { printf "%s instructions %.0f\n", name, $2 / units }' "$folder/grind.$part"
    done <"$folder/parts"
}

# counters_judge KIND: a table of the values in standard input; fails if one has grown, is missing or has no limit.
counters_judge() {
    awk -v kind="$1" '
        NR == FNR { sub(/#.*/, ""); if (NF && $2 == kind) { usual[$1] = $3; share[$1] = $4 }; next }
        { seen[$1] = 1; verdict = "" }
        !($1 in usual) { verdict = "has no line in counters.limits"; usual[$1] = share[$1] = 0 }
        !verdict && $3 > usual[$1] * (1 + share[$1] / 100) { verdict = "has grown by more than " share[$1] " %" }
        { printf "%-20s %10s %-13s usually %10s  %s\n", $1, $3, kind, usual[$1], verdict; bad = bad || verdict }
        END {
            for (name in usual)
                if (!(name in seen)) { print name ": not measured"; bad = 1 }
            exit bad != 0
        }' "$limits" -
}

counters_show() {
    "counters_of_$1" >"$folder/values" && { counters_judge "$1" <"$folder/values" || :; }
}

# counters_check KIND: chance can only add, so that one good run of three is enough.
counters_check() {
    for _ in 1 2 3; do
        "counters_of_$1" >"$folder/values" || return
        ! counters_judge "$1" <"$folder/values" || return 0
    done
    return 1
}

# counters_update KIND: puts the least of three runs into the file.
counters_update() {
    for _ in 1 2 3; do
        "counters_of_$1" || return
    done >"$folder/values"
    awk '
        NR == FNR { if (!(($1, $2) in value) || $3 < value[$1, $2]) value[$1, $2] = $3; next }
        ($1, $2) in value {
            printf "%-18s %-13s %8s %6s", $1, $2, value[$1, $2], $4
            print match($0, /#.*/) ? "  " substr($0, RSTART) : ""
            next
        }
        { print }' "$folder/values" "$limits" >"$folder/limits" && cat "$folder/limits" >"$limits"
}

case ${1:-show}/${2:-calls} in
show/calls | check/calls | update/calls | show/instructions | check/instructions | update/instructions) ;;
*)
    echo "usage: counters.bash [show|check|update] [calls|instructions [LIMITS]]" >&2
    exit 2
    ;;
esac
limits=${3:-$BENCH/counters.limits}
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
result=0
for kind in ${2:-calls instructions}; do
    "counters_${1:-show}" "$kind" || result=1
done
((result == 0))
