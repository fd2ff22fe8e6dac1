#!/bin/bash
# SPDX-License-Identifier: ISC
#
# run.sh [SECONDS [PATTERN]]: builds the fuzzers with clang's libFuzzer, the address and the undefined-behaviour
# sanitizer into build-fuzz/, and runs each whose name the pattern matches for so many seconds, or with FUZZ_RUNS for so
# many inputs. A fuzzer begins with its corpus and with what it added to that before, in build-fuzz/corpus/. What ends
# one is in build-fuzz/found/, and the exit status is 1. FUZZ_CC is the clang to take.
set -euo pipefail
cd "$(dirname "$0")/../.."

seconds=${1:-60} pattern=${2:-.*}
cc=${FUZZ_CC:-clang}
found=build-fuzz/found

has_libfuzzer() {
    command -v "$cc" && compgen -G "$("$cc" -print-resource-dir)/lib/*/libclang_rt.fuzzer*"
}

if ! has_libfuzzer >/dev/null; then
    echo "make fuzz needs clang with libFuzzer, which $cc is not; on Debian tests/packages.sh ci installs it" >&2
    exit 1
fi

# fuzz NAME: fails if something was found.
fuzz() {
    local log=build-fuzz/$1.log limit=-max_total_time=$seconds
    [[ ! ${FUZZ_RUNS:-} ]] || limit=-runs=$FUZZ_RUNS
    mkdir -p "build-fuzz/corpus/$1" "$found"
    if "build-fuzz/tests/fuzz_$1" "$limit" -timeout=10 -print_final_stats=1 -artifact_prefix="$found/$1-" \
        "build-fuzz/corpus/$1" "tests/fuzz/corpus/$1" >"$log" 2>&1; then
        echo "$1: $(sed -n 's/^Done \([0-9]* runs in [0-9]* second.*\)/\1/p' "$log"), nothing found"
    else
        tail -n 60 "$log"
        echo "$1: FOUND something; build-fuzz/tests/fuzz_$1 $found/$1-... shows it again"
        return 1
    fi
}

make --no-print-directory -j"$(nproc)" CC="$cc" B=build-fuzz SANITIZE=fuzzer-no-link,address,undefined \
    FUZZ_MAIN=-fsanitize=fuzzer fuzzers
failed=0
for file in tests/fuzz/fuzz_*.c; do
    name=$(basename "$file" .c)
    [[ ! ${name#fuzz_} =~ ^($pattern)$ ]] || fuzz "${name#fuzz_}" || failed=1
done
exit "$failed"
