# SPDX-License-Identifier: ISC
# shellcheck shell=bash
#
# What the measurements share: natterd in the lab with default settings, askers outside (asker.c), and what is
# worked out from their lines. To be sourced. Times are seconds of CLOCK_BOOTTIME, as in /proc/uptime.

BENCH=$(cd "${BASH_SOURCE[0]%/*}" && pwd)
# shellcheck source-path=SCRIPTDIR source=../helper.bash
source "$BENCH/../helper.bash"
# shellcheck source-path=SCRIPTDIR source=events.bash
source "$BENCH/events.bash"

BENCH_ASKER=203.0.113.40
BENCH_LIAR=203.0.113.41
BENCH_LIE=198.51.100.66:4444
BENCH_PAGE="the page inside"
BENCH_WITNESS="" # the address that a STUN server before the lab's tells everybody, "-" for the truth; none if empty
BENCH_NAMES=()   # the mappings
BENCH_TARGET=192.168.77.3:80 # of TCP mappings
BENCH_TCP=""     # more of each TCP mapping
BENCH_UDP=""     # more of each UDP mapping
BENCH_MORE=""    # mappings besides them that nobody asks, each behind a comma
BENCH_REPORT=""  # more of status_report

bench_now() {
    local now
    read -r now _ </proc/uptime
    echo "$now"
}

# bench_pause SECONDS: a sleep that a signal ends.
bench_pause() {
    sleep "$1" &
    wait $!
}

# bench_up MAPPING...: the network with its servers and targets, natterd with mappings of these names, each open
# and asked. A mapping whose name begins with "udp" is one of UDP.
bench_up() {
    local name
    BENCH_NAMES=("$@")
    lab_up fullcone && lab_servers && lab_watcher "$BENCH_ASKER" && bench_targets &&
        { [[ ! $BENCH_WITNESS ]] || bench_witness_start; } &&
        bench_config "$@" && bench_ask "$@" && natter_start || return
    for name in "$@"; do
        natter_open "$name" 15 >/dev/null || return
    done
}

bench_targets() {
    lab_web "$LAB_LAN" 192.168.77.3:80 "$BENCH_PAGE" &&
        natter_echo "$LAB_LAN" udp 192.168.77.3:7777
}

# bench_witness_start [LIE]: the first STUN server of the list, if there is one more than the lab's; it tells
# everybody this address, or what BENCH_WITNESS says; "-" is the truth.
bench_witness_start() {
    lab_spawn "$LAB_INET" witness "$NATTER_BUILD/tests/witness" "$BENCH_LIAR:3478" "${1:-$BENCH_WITNESS}" &&
        lab_wait 5 lab_listening "$LAB_INET" tcp "$BENCH_LIAR:3478"
}

bench_witness_stop() {
    lab_end witness
}

bench_config() {
    local name mappings="" first=${BENCH_WITNESS:+"\"$BENCH_LIAR\", "}
    for name in "$@"; do
        mappings+=", { name = \"$name\"; "
        if [[ $name == udp* ]]; then
            mappings+="protocol = \"udp\"; target = \"192.168.77.3:7777\"; $BENCH_UDP }"
        else
            mappings+="protocol = \"tcp\"; target = \"$BENCH_TARGET\"; $BENCH_TCP }"
        fi
    done
    natter_config <<END
stun_server = { tcp = [ $first"203.0.113.10", "203.0.113.11:3479" ];
                udp = [ $first"203.0.113.20", "203.0.113.10:3478" ]; };
keep_alive = [ "203.0.113.30", "203.0.113.31" ];
status_report = { status_file = "status.json"; $BENCH_REPORT };
mappings = ( ${mappings#, }$BENCH_MORE );
END
}

# Begun before natterd, they see its first word too.
bench_ask() {
    local name
    for name in "$@"; do
        if [[ $name == udp* ]]; then
            lab_spawn "$LAB_INET" "asker-$name" "$NATTER_BUILD/tests/asker" udp "$name" "$LAB_DIR/status.json" "$BENCH_ASKER"
        else
            lab_spawn "$LAB_INET" "asker-$name" "$NATTER_BUILD/tests/asker" tcp "$name" "$LAB_DIR/status.json" \
                "$BENCH_ASKER" "$BENCH_PAGE"
        fi
    done
}

# bench_settled SECONDS: has each mapping's asker been answered all this time, as seen a second later, when the
# last of these asks is over?
bench_settled() {
    local name now
    now=$(bench_now)
    for name in "${BENCH_NAMES[@]}"; do
        tail -n 300 "$LAB_DIR/asker-$name.log" | awk -v now="$now" -v long="$1" '
            $1 == "ask" && $2 >= now - 1 - long && $2 < now - 1 { asks++; bad += $4 != "ok" }
            END { exit !(bad == 0 && asks >= 8 * long) }' || return
    done
}

# bench_settle MOST SECONDS: waits for that, beginning now, but no longer than MOST seconds.
bench_settle() {
    local began=$SECONDS
    # What was asked before does not count.
    bench_pause $(($2 + 1))
    until bench_settled "$2"; do
        ((SECONDS - began < $1)) || return
        bench_pause 0.4
    done
}

# bench_interval: seconds between the questions that hold a UDP mapping, as natterd has learned or was told.
bench_interval() {
    natter_ctl show "${BENCH_NAMES[0]}" --json | jq -r '.interval // .keep_alive_interval // 10'
}

# bench_analyse NAME TO [LEAD]: what this mapping's asker saw of the last event up to TO; see analyse.awk.
bench_analyse() {
    LC_ALL=C sort -s -k 2,2n "$LAB_DIR/asker-$1.log" |
        awk -v from="$BENCH_FROM" -v back="$BENCH_BACK" -v to="$2" -v lead="${3:-0}" -f "$BENCH/analyse.awk"
}

# bench_judge EVENT KIND INTERVAL: adds to such an object, from standard input, what it is about, its bound and
# "ok", or what was too much.
bench_judge() {
    local keeps=false
    ! bench_keeps_port "$1" || keeps=true
    jq -c --arg event "$1" --arg protocol "$2" --argjson bound "$(bench_bound "$1" "$2" "$3")" --argjson keeps "$keeps" '
        {event: $event, protocol: $protocol} + . + {bound: $bound} +
        {result: ([(if .asks == 0 then "no ask" else empty end),
                   (if .beyond > $bound or ($bound == 0 and .failed > 0) then "over" else empty end),
                   (if $keeps and .addresses != 1 then "another port" else empty end),
                   (if .false > 0 then "false" else empty end)] | if . == [] then "ok" else join(", ") end)}'
}
