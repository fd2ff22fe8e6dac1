#!/bin/bash
# SPDX-License-Identifier: ISC
#
# relays.bash full|quick: natter's relay beside other forwarders, on the same ground, in turns. Prints tables and
# what the figures to reach came to; RESULTS (default build/bench) gets relays.json, an object for each measurement,
# round and peer, and charts. Fails if something could not be measured.
#
#     PEERS="natter haproxy.."   see peers.bash; "natter-old=BUILD" compares another build
#     NATMAP=PROGRAM             one more peer
#     MEASURE=PATTERN            which measurements, by a pattern for their whole names; see measures.bash
#     ROUNDS=N                   default 5, quick 1
#     MEASURE_SECONDS=N          of each; default 2
set -euo pipefail

# shellcheck source-path=SCRIPTDIR source=../helper.bash
BENCH=$(cd "$(dirname "$0")" && pwd)
source "$BENCH/../helper.bash"
# shellcheck source-path=SCRIPTDIR source=ground.bash
source "$BENCH/ground.bash"
# shellcheck source-path=SCRIPTDIR source=peers.bash
source "$BENCH/peers.bash"
# shellcheck source-path=SCRIPTDIR source=measures.bash
source "$BENCH/measures.bash"

RESULTS=${RESULTS:-$NATTER_BUILD/bench}

settings() {
    case $1 in
    full)
        : "${PEERS:=natter haproxy haproxy-64k nginx socat direct dnat}" "${ROUNDS:=5}" "${MEASURE:=.*}"
        ;;
    quick)
        : "${PEERS:=natter haproxy nginx direct dnat}" "${ROUNDS:=1}"
        : "${MEASURE:=bulk-1|bulk-8|connections|requests-64|requests-1000|udp-64|udp-1400|udp-segments|pings-.*|memory}"
        ;;
    *)
        echo "usage: relays.bash full|quick" >&2
        exit 2
        ;;
    esac
    read -ra RELAYS <<<"$PEERS${NATMAP:+ natmap=$NATMAP}"
    peers_check "${RELAYS[@]}" || exit 2
}

# one NAME PEER ROUND
one() {
    local result
    result=$(measure "$1" "$2")
    jq -c --arg measure "$1" --arg peer "$(peer_name "$2")" --argjson round "$3" \
        '{measure: $measure, peer: $peer, round: $round} + .' <<<"$result" >>"$RESULTS/relays.json"
    jq -r --arg measure "$1" --arg peer "$(peer_name "$2")" --argjson round "$3" '
        "round \($round)  \($measure)  \($peer)  " + (if .error then "failed: \(.error)" else "\(.value * 100 | round / 100)" end)' \
        <<<"$result" >&2
}

# Each round begins with another peer, and so does each measurement.
round() {
    local line name place=0 i peer
    for line in "${MEASURES[@]}"; do
        name=${line%%|*}
        [[ $name =~ ^($MEASURE)$ ]] || continue
        place=$((place + 1))
        for ((i = 0; i < ${#RELAYS[@]}; i++)); do
            peer=${RELAYS[(i + $1 + place) % ${#RELAYS[@]}]}
            ! measure_possible "$name" "$peer" || one "$name" "$peer" "$1"
        done
    done
}

main() {
    local round peer
    settings "$@"
    mkdir -p "$RESULTS"
    : >"$RESULTS/relays.json"
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
    report
}

report() {
    jq -rs -f "$BENCH/relays.jq" --arg measures "$(printf '%s\n' "${MEASURES[@]}")" "$RESULTS/relays.json"
}

main "$@"
