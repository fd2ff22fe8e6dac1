#!/bin/bash
# SPDX-License-Identifier: ISC
#
# run.sh [FILE.bats...]: runs every test, or those of the given files, and ends with the line
# "N passed, N failed, N skipped". Fails if a test failed, or if a file ended without running what it promised.
# With NATTER_TEST_STRICT=1 a skip is a failure too, unless its reason begins with "not in this build", which is for
# what only the usual build can tell.
set -uo pipefail

# Each lane runs beside the others, and what it says comes at the end. Most of them wait most of the time, for silence or
# for time to pass; what wants the processors is together in few, so that it does not disturb them more than need be.
lanes=("check.bats" "package.bats" "bench/soak.bats metrics.bats config.bats" "hostile.bats control.bats lab/lab.bats"
    "boundary.bats reload.bats" "diagnosis.bats interval.bats mappings.bats" "keepalive.bats neighbours.bats network.bats"
    "privileges.bats owners.bats hooks_lab.bats hooks.bats" "rebind.bats takeover.bats load.bats"
    "deployments.bats service.bats workers.bats" "commandline.bats servers.bats v09.bats"
    "hooks_ready.bats limits.bats logs.bats" "faults.bats starved.bats bench/relays.bats" "torture.bats relay.bats"
    "idle.bats install.bats bench/bench.bats")

cd "$(dirname "$0")" || exit 1
logs=$(mktemp -d)
trap 'rm -rf "$logs"' EXIT
if (($# == 0)); then
    for lane in "${lanes[@]}"; do
        log=${lane%% *}
        # shellcheck disable=SC2086
        bats --tap $lane >"$logs/${log//\//-}" 2>&1 &
    done
    for file in ./*.bats lab/*.bats bench/*.bats; do
        [[ " ${lanes[*]} " == *" ${file#./} "* ]] || set -- "$@" "$file"
    done
fi
bats --tap "$@" 2>&1 | tee "$logs/others"
wait
cat "$logs"/*.bats 2>/dev/null

# count PATTERN: lines of all logs.
count() {
    cat "$logs"/* | grep -cE "$1"
}

planned=$(cat "$logs"/* | sed -n 's/^1\.\.\([0-9]*\)$/\1/p' | paste -sd+)
skipped=$(count '^ok [0-9]+ .*# skip')
passed=$(($(count '^ok [0-9]+') - skipped))
failed=$(count '^not ok [0-9]+')
lost=$((${planned:-0} - passed - skipped - failed))
if ((lost > 0)); then
    echo "$lost tests were planned and never ended"
    failed=$((failed + lost))
fi
for log in "$logs"/*; do
    grep -qE '^1\.\.[0-9]+$' "$log" || { echo "the runner of ${log##*/} failed" && failed=$((failed + 1)); }
done
if [[ ${NATTER_TEST_STRICT:-0} == 1 ]]; then
    excused=$(count '^ok [0-9]+ .*# skip not in this build')
    ((skipped == excused)) || echo "$((skipped - excused)) skipped tests count as failed"
    failed=$((failed + skipped - excused))
    skipped=$excused
fi
echo "$passed passed, $failed failed, $skipped skipped"
((failed == 0 && passed > 0))
