#!/bin/bash
# SPDX-License-Identifier: ISC
#
# reach.bash [EVENTS]: for how long is a mapping out of reach when things happen to it? Makes each event whose name
# matches the pattern as a whole (default: all; see events.bash) in a lab of its own, while an outside client asks
# ten times a second at the address last published. Prints a table; fails if a bound was broken.
#
# JOBS labs run side by side (default 4), each event ROUNDS times (default: see bench_rounds); the table has the worst.
# RESULTS (default build/bench) gets reach.json, a line for each round, and a folder of logs for each row.
set -euo pipefail

# shellcheck source-path=SCRIPTDIR source=bench.bash
source "$(dirname "$0")/bench.bash"

: "${JOBS:=4}" "${ROUNDS:=}"
RESULTS=${RESULTS:-$NATTER_BUILD/bench}

# one EVENT KIND: all rounds, as lines in RESULTS/EVENT-KIND/rounds.json.
one() {
    folder=$RESULTS/$1-$2
    mkdir -p "$folder"
    trap one_end EXIT
    trap 'exit 143' TERM
    local round interval now rounds=${ROUNDS:-$(bench_rounds "$1")} lead=1000000 names=(tcp)
    [[ $2 == tcp ]] || names=(udp)
    [[ $2 != udp+tcp ]] || names+=(tcp)
    bench_prepare "$1"
    bench_up "${names[@]}"
    bench_settle 30 2 || echo "no quiet beginning" >&2
    for ((round = 1; round <= rounds; round++)); do
        # Each at another moment of natterd's own intervals.
        bench_pause $((round * 4 % 11))
        interval=$(bench_interval)
        bench_make "$1" "$2"
        bench_settle 45 4 || echo "not back within 45 s" >&2
        now=$(bench_now)
        bench_analyse "${names[0]}" "$now" "$lead" | bench_judge "$1" "$2" "$interval" >>"$folder/rounds.json"
        lead=0
    done
    natter_stop
}

one_end() {
    local result=$?
    if [[ ${LAB_DIR:-} ]]; then
        cp "$LAB_DIR"/{natterd*,asker-*}.log "$LAB_DIR/natter.cfg" "$folder" 2>/dev/null || :
    fi
    lab_down
    exit "$result"
}

# The table, from the lines of all rounds: the worst of each row.
table() {
    printf '%-52s %-8s %8s %8s %8s %6s %6s %6s  %s\n' EVENT PROTOCOL "OUT (s)" "BEYOND" "TO NEW" PORTS FALSE BOUND RESULT
    local event kind file
    for event in "${BENCH_EVENTS[@]}"; do
        for kind in $(bench_kinds "$event"); do
            file=$RESULTS/$event-$kind/rounds.json
            [[ ! -s $file ]] || jq -rs '
                [.[0].protocol, (map(.out_of_reach) | max), (map(.beyond) | max), (map(.to_new) | max // "-"),
                 (map(.addresses) | max), (map(.false) | add), .[0].bound,
                 (map(select(.result != "ok").result) | unique | if . == [] then "ok" else join("; ") end)] | @tsv' "$file" |
                while IFS=$'\t' read -r -a row; do
                    printf '%-52s %-8s %8s %8s %8s %6s %6s %6s  %s\n' "$(bench_what "$event")" "${row[@]}"
                done
        done
    done
}

all() {
    local event kind running=0 failed=0
    rm -rf "$RESULTS"/*-{tcp,udp,udp+tcp}{,.log} "$RESULTS/reach.json"
    mkdir -p "$RESULTS"
    trap 'kill $(jobs -p) 2>/dev/null; wait; exit 130' INT TERM
    for event in "${BENCH_EVENTS[@]}"; do
        [[ $event =~ ^($1)$ ]] || continue
        for kind in $(bench_kinds "$event"); do
            if ((running >= JOBS)); then
                wait -n || failed=$((failed + 1))
                running=$((running - 1))
            fi
            "$0" --one "$event" "$kind" >"$RESULTS/$event-$kind.log" 2>&1 &
            running=$((running + 1))
        done
    done
    while ((running > 0)); do
        wait -n || failed=$((failed + 1))
        running=$((running - 1))
    done
    table
    cat "$RESULTS"/*/rounds.json >"$RESULTS/reach.json"
    ((failed == 0)) || echo "$failed rows could not be measured; see $RESULTS/*.log"
    ((failed == 0)) && jq -es 'length > 0 and all(.result == "ok")' "$RESULTS/reach.json" >/dev/null
}

lab_need_root
if [[ ${1:-} == --one ]]; then
    one "$2" "$3"
else
    all "${1:-.*}"
fi
