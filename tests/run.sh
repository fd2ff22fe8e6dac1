#!/bin/bash
# SPDX-License-Identifier: ISC
#
# run.sh [FILE.bats...]: runs every test, or those of the given files, and ends with the line
# "N passed, N failed, N skipped". Fails if a test failed, or if a file ended without running what it promised.
# With NATTER_TEST_STRICT=1 a skip is a failure too.
set -uo pipefail

cd "$(dirname "$0")" || exit 1
(($#)) || set -- ./*.bats lab/*.bats
log=$(mktemp)
trap 'rm -f "$log"' EXIT

bats --tap "$@" 2>&1 | tee "$log"
planned=$(sed -n 's/^1\.\.\([0-9]*\)$/\1/p' "$log")
skipped=$(grep -cE '^ok [0-9]+ .*# skip' "$log")
passed=$(($(grep -cE '^ok [0-9]+' "$log") - skipped))
failed=$(grep -cE '^not ok [0-9]+' "$log")
lost=$((${planned:-0} - passed - skipped - failed))
if ((lost > 0)); then
    echo "$lost tests were planned and never ended"
    failed=$((failed + lost))
fi
if [[ ${NATTER_TEST_STRICT:-0} == 1 ]] && ((skipped > 0)); then
    echo "$skipped skipped tests count as failed"
    failed=$((failed + skipped))
    skipped=0
fi
echo "$passed passed, $failed failed, $skipped skipped"
((failed == 0 && passed > 0))
