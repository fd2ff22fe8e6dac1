# SPDX-License-Identifier: ISC
# shellcheck shell=bash
#
# What is measured, each with one peer at a time. A measurement prints an object with "value" (the larger, the
# better), "amount" (how much work it was, to divide the processor time by) and what else it knows. To be sourced
# after peers.bash.

# NAME|SERVICE|WHAT|UNIT|KIND OF AMOUNT|COMMAND
MEASURES=(
    "bulk-1|bulk|bulk TCP, 1 stream, client to target|Gbit/s|GB|measure_bulk 1"
    "bulk-1-back|bulk|bulk TCP, 1 stream, target to client|Gbit/s|GB|measure_bulk 1 -R"
    "bulk-8|bulk|bulk TCP, 8 streams, client to target|Gbit/s|GB|measure_bulk 8"
    "bulk-8-back|bulk|bulk TCP, 8 streams, target to client|Gbit/s|GB|measure_bulk 8 -R"
    "connections|web|connections, a request on each|per s|connection|measure_web 64 close"
    "requests-1|web|requests, 1 connection|per s|request|measure_web 1"
    "requests-64|web|requests, 64 connections|per s|request|measure_web 64"
    "requests-1000|web|requests, 1,000 connections|per s|request|measure_web 1000"
    "udp-64|sink|UDP, 64 bytes, 1 client|per s|datagram|measure_flood 64 1 1 0"
    "udp-1400|sink|UDP, 1,400 bytes, 1 client|per s|datagram|measure_flood 1400 1 1 0"
    "udp-1400-paced|sink|UDP, 1,400 bytes, 1 client, paced at 80,000|per s|datagram|measure_flood 1400 1 1 80000"
    "udp-segments|sink|UDP, 1,400 bytes, segmenting sender|per s|datagram|measure_flood 1400 1 46 0"
    "udp-64-1000|sink|UDP, 64 bytes, 1,000 clients|per s|datagram|measure_flood 64 1000 1 0"
    "udp-1400-1000|sink|UDP, 1,400 bytes, 1,000 clients|per s|datagram|measure_flood 1400 1000 1 0"
    "pings-16|echo|UDP round trips, 16 clients, 8 outstanding|per s|round trip|measure_pings 64 16 8"
    "pings-1000|echo|UDP round trips, 1,000 clients, 1 outstanding|per s|round trip|measure_pings 64 1000 1"
)

: "${MEASURE_SECONDS:=2}"

# measure_field NAME N: the Nth field of this measurement, from 1.
measure_field() {
    local line fields
    for line in "${MEASURES[@]}"; do
        IFS='|' read -ra fields <<<"$line"
        [[ ${fields[0]} != "$1" ]] || echo "${fields[$2 - 1]}"
    done
}

# measure_possible NAME PEER: is there anything to measure?
measure_possible() {
    # A process for each of a thousand clients measures the machine's patience.
    peer_serves "$2" "$(measure_field "$1" 2)" && [[ $(peer_kind "$2") != socat || $1 != udp-*-1000 ]]
}

# measure NAME PEER: the measurement and the processor time of the peer, as one object; or what went wrong.
measure() {
    local command result before after
    read -ra command <<<"$(measure_field "$1" 6)"
    peer_begin "$2" || return
    before=$(peer_cpu_ns "$2")
    result=$("${command[0]}" "$(peer_address "$2" "$(measure_field "$1" 2)")" "${command[@]:1}" 2>"$LAB_DIR/measure.log") ||
        result=$(jq -Rs '{error: .}' "$LAB_DIR/measure.log")
    after=$(peer_cpu_ns "$2")
    peer_finish "$2" || return
    jq -c --argjson cpu "$((after - before))" '. + {cpu_s: ($cpu / 1e9)}' <<<"$result"
}

# measure_bulk ADDRESS STREAMS [-R]
measure_bulk() {
    lab_in "$LAB_INET" timeout $((MEASURE_SECONDS + 10)) \
        iperf3 -c "${1%:*}" -p "${1#*:}" -t "$MEASURE_SECONDS" -P "$2" "${@:3}" -J >"$LAB_DIR/iperf3.json" ||
        { jq -r .error "$LAB_DIR/iperf3.json" >&2 && return 1; }
    jq -c '.end | {value: (.sum_received.bits_per_second / 1e9), amount: (.sum_received.bytes / 1e9)}' "$LAB_DIR/iperf3.json"
}

# measure_web ADDRESS CONNECTIONS [close]: the server closes the connection after each answer.
measure_web() {
    local close=()
    [[ ${3:-} != close ]] || close=(-H "Connection: close")
    lab_in "$LAB_INET" wrk -t 1 -c "$2" -d "${MEASURE_SECONDS}s" --timeout 5s -s "$BENCH/report.lua" "${close[@]}" \
        "http://$1/" >"$LAB_DIR/wrk.txt" || return
    tail -n 1 "$LAB_DIR/wrk.txt" |
        jq -c '{value: (.requests / .seconds), amount: .requests, p50_ms, p99_ms, errors}'
}

# measure_flood ADDRESS SIZE CLIENTS SEGMENTS RATE
measure_flood() {
    local run=$RANDOM sent
    lab_spawn "$LAB_LAN" sink "$NATTER_BUILD/tests/flood" receive "$GROUND_TARGET:9001" "$run"
    lab_wait 5 lab_listening "$LAB_LAN" udp "$GROUND_TARGET:9001" || return
    sent=$(lab_in "$LAB_INET" "$NATTER_BUILD/tests/flood" send "$1" "$run" "$MEASURE_SECONDS" "${@:2}") || sent=""
    # What still stands in queues.
    sleep 0.3
    lab_end sink && [[ $sent ]] || return
    jq -c --argjson sent "$sent" '
        {value: (if .seconds > 0 then .datagrams / .seconds else 0 end), amount: .datagrams, sent: $sent.sent,
         loss: (1 - .datagrams / $sent.sent), twice, strange, together}' "$LAB_DIR/sink.log"
}

# measure_pings ADDRESS SIZE CLIENTS OUTSTANDING
measure_pings() {
    lab_in "$LAB_INET" "$NATTER_BUILD/tests/pings" ask "$1" "$MEASURE_SECONDS" "${@:2}" |
        jq -c '{value: .rate, amount: .answered, lost, late, refused, p50_ms: (.p50_us / 1e3), p99_ms: (.p99_us / 1e3)}'
}
