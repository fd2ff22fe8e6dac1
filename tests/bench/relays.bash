#!/bin/bash
# SPDX-License-Identifier: ISC
#
# relays.bash full|quick: natter's relay beside other forwarders, on the same ground, in turns. Prints tables and
# what the figures to reach came to; RESULTS (default build/bench) gets relays.json, an object for each measurement,
# round and peer, and charts. Fails if something could not be measured.
#
#     PEERS="natter haproxy.."   see peers.bash; "natter-old=BUILD" compares another build
#     NATMAP=PROGRAM             one more peer
#     MEASURE=PATTERN            which measurements, by a pattern for their whole names; see measures.bash, and "memory"
#     ROUNDS=N                   default 5, quick 1
#     MEASURE_SECONDS=N          of each; default 2
set -euo pipefail

# shellcheck source-path=SCRIPTDIR source=ground.bash
source "$(dirname "$0")/ground.bash"
# shellcheck source-path=SCRIPTDIR source=peers.bash
source "$BENCH/peers.bash"
# shellcheck source-path=SCRIPTDIR source=measures.bash
source "$BENCH/measures.bash"
# shellcheck source-path=SCRIPTDIR source=memory.bash
source "$BENCH/memory.bash"
# shellcheck source-path=SCRIPTDIR source=charts.bash
source "$BENCH/charts.bash"

RESULTS=${RESULTS:-$NATTER_BUILD/bench}

settings() {
    case $1 in
    full)
        : "${PEERS:=natter haproxy haproxy-1m nginx socat direct dnat}" "${ROUNDS:=5}" "${MEASURE:=.*}"
        ;;
    quick)
        : "${PEERS:=natter haproxy nginx direct dnat}" "${ROUNDS:=1}"
        : "${MEASURE:=bulk-1|bulk-8|connections|requests-64|requests-1000|udp-64|udp-1400|udp-segments|pings-.*}"
        ;;
    *)
        echo "usage: relays.bash full|quick" >&2
        exit 2
        ;;
    esac
    read -ra RELAYS <<<"$PEERS${NATMAP:+ natmap=$NATMAP}"
    peers_check "${RELAYS[@]}" || exit 2
    only_needed_services
}

# Who measures no bulk needs no iperf3.
only_needed_services() {
    local service name line fields needed=()
    for service in "${GROUND_SERVICES[@]}"; do
        name=${service%%:*}
        for line in "${MEASURES[@]}" "memory|hold" "memory|echo"; do
            IFS='|' read -ra fields <<<"$line"
            if [[ ${fields[1]} == "$name" ]] && wanted "${fields[0]}"; then
                needed+=("$service")
                break
            fi
        done
    done
    ((${#needed[@]})) || { echo "no measurement is called '$MEASURE'" >&2 && exit 2; }
    GROUND_SERVICES=("${needed[@]}")
}

# relays_query FILTER [OPTION...]: of all lines as one array, with the functions of relays.jq and figures.jq.
relays_query() {
    jq -rs -L "$BENCH" --arg measures "$(printf '%s\n' "${MEASURES[@]}")" "${@:2}" \
        "include \"relays\"; include \"figures\"; (\$measures | described) as \$about | $1" "$RESULTS/relays.json"
}

# What of the machine and the run is needed to understand the numbers.
about() {
    local load processor
    read -r load _ </proc/loadavg
    processor=$(sed -n 's/^model name[^:]*: *//p' /proc/cpuinfo | head -n 1)
    printf '%s\n' "${RELAYS[@]%%=*}" | jq -cRn --arg date "$(date -u +%F)" --arg load "$load" \
        --arg machine "$(nproc) processors (${processor:-unknown}), Linux $(uname -r)" \
        --argjson rounds "$ROUNDS" --argjson seconds "$MEASURE_SECONDS" \
        '{about: {date: $date, machine: $machine, load: $load, rounds: $rounds, seconds: $seconds, peers: [inputs]}}'
}

# record NAME PEER ROUND RESULT
record() {
    local peer
    peer=$(peer_name "$2")
    jq -c --arg measure "$1" --arg peer "$peer" --argjson round "$3" '{measure: $measure, peer: $peer, round: $round} + .' \
        <<<"$4" >>"$RESULTS/relays.json"
    jq -r --arg head "round $3  $1  $peer  " \
        '$head + if .error then "failed: \(.error)" elif .value then "\(.value * 100 | round / 100)" else "\(.private // 0) KiB" end' \
        <<<"$4" >&2
}

# wanted NAME
wanted() {
    [[ $1 =~ ^($MEASURE)$ ]]
}

# Each round begins with another peer, and so does each measurement.
round() {
    local line name place=0 i peer
    for line in "${MEASURES[@]}"; do
        name=${line%%|*}
        wanted "$name" || continue
        place=$((place + 1))
        for ((i = 0; i < ${#RELAYS[@]}; i++)); do
            peer=${RELAYS[(i + $1 + place) % ${#RELAYS[@]}]}
            ! measure_possible "$name" "$peer" || record "$name" "$peer" "$1" "$(measure "$name" "$peer" || echo '{"error": "no rules could be set"}')"
        done
    done
}

# Once: memory does not depend on the machine's mood.
memories() {
    local peer result
    for peer in "${RELAYS[@]}"; do
        # In this shell, which knows the peer's new processes.
        memory "$peer" >"$LAB_DIR/memory-result.json"
        result=$(<"$LAB_DIR/memory-result.json")
        record memory "$peer" 1 "$result"
    done
}

# shellcheck disable=SC2016 # jq's variable
report() {
    relays_query 'tables($about), memory_table, figures_table($about), noise_lines($about)'
    relays_query 'markdown($about)' >"$RESULTS/relays.md"
    charts "$RESULTS"
    printf '\n%s\n' "$RESULTS: relays.json, relays.md, relays.svg, costs.svg"
}

main() {
    local round peer
    settings "$@"
    mkdir -p "$RESULTS"
    about >"$RESULTS/relays.json"
    trap lab_down EXIT
    trap 'exit 130' INT TERM
    lab_need_root
    ground_up
    for peer in "${RELAYS[@]}"; do
        peer_start "$peer" || { echo "$peer does not start" >&2 && exit 1; }
    done
    for ((round = 1; round <= ROUNDS; round++)); do
        round "$round"
    done
    ! wanted memory || memories
    report
    ! grep -E '"(error|incomplete)":' "$RESULTS/relays.json" >&2
}

main "$@"
