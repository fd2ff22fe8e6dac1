#!/bin/bash
# SPDX-License-Identifier: ISC
#
# soak.bash [SECONDS [SEED]]: one natterd with two TCP mappings and a UDP one, to which random events happen for that
# long (default 1800 s), while an outside client for each asks ten times a second at the address last published.
# The seed (default 1) decides which events, in which order, and what about them is random. After each event a
# line with the bounds of each mapping; at the end, whether descriptors or memory grew and whether a process was
# left. Fails if a bound was broken. RESULTS (default build/bench) gets soak.json and the folder soak with logs.
set -euo pipefail

# shellcheck source-path=SCRIPTDIR source=bench.bash
source "$(dirname "$0")/bench.bash"
# shellcheck source-path=SCRIPTDIR source=growth.bash
source "$BENCH/growth.bash"

length=${1:-1800}
seed=${2:-1}
RESULTS=${RESULTS:-$NATTER_BUILD/bench}
folder=$RESULTS/soak
broken=0

# Events that here are other than in a lab of their own: the settings change while natterd runs.
soak_events=(forget-reset forget-silence new-address new-address-silence redial worker-killed natterd-restarted
    keepalive-silent keepalive-limits stun-first-down stun-all-down stun-liar loss-20 entries-20s)

# draw N: sets drawn to a number from 0 to N - 1 (Lehmer's generator, the same everywhere).
draw() {
    seed=$((seed * 48271 % 2147483647))
    drawn=$((seed / 7 % $1))
}

# make EVENT NUMBER: what of bench_make it is, or what is done instead.
make() {
    BENCH_FROM=$(bench_now) BENCH_BACK=$BENCH_FROM
    case $1 in
    worker-killed)
        victim=${BENCH_NAMES[$2 % 3]}
        bench_kill "$victim"
        ;;
    keepalive-limits) limits "$2" ;;
    stun-liar)
        bench_witness_stop && bench_witness_start "$BENCH_LIE" && bench_pause "$BENCH_HOLD" &&
            bench_witness_stop && bench_witness_start
        ;;
    *) bench_make "$1" udp+tcp ;;
    esac
}

# limits NUMBER: both servers restart one after the other with a limit, and later without it. Never both at a
# time: that would be no limit, but no server at all.
limits() {
    local setting
    case $(($1 % 3)) in
    0) setting=LAB_KEEPALIVE_REQUESTS=3 ;;
    1) setting=LAB_KEEPALIVE_TIMEOUT=5s ;;
    2) setting=LAB_KEEPALIVE_AGE=30s ;;
    esac
    restart_server nginx31 "$setting" && bench_pause 10 && restart_server nginx30 "$setting" &&
        bench_pause "$BENCH_HOLD" &&
        restart_server nginx31 && bench_pause 10 && restart_server nginx30
}

# restart_server NAME [SETTING]
restart_server() {
    [[ ! ${2:-} ]] || local "${2?}"
    lab_stop_server "$1" && lab_start_server "$1"
}

# judged_as EVENT NAME: a worker's death must not touch the other mappings.
judged_as() {
    if [[ $1 == worker-killed && $2 != "$victim" ]]; then
        echo quiet
    else
        echo "$1"
    fi
}

# look EVENT: what each mapping's client saw since the event began, as lines of soak.json and one to read. Quiet
# times are not worth a line.
look() {
    local name kind row now text="" bad=0
    now=$(bench_now)
    for name in "${BENCH_NAMES[@]}"; do
        kind=${name%%[0-9]*}
        row=$(bench_analyse "$name" "$now" "$(awk "BEGIN { print $BENCH_FROM - $before }")" |
            bench_judge "$(judged_as "$1" "$name")" "${kind/udp/udp+tcp}" 0 |
            jq -c --arg event "$1" --arg name "$name" --argjson at "$BENCH_FROM" '. + {event: $event, name: $name, at: $at}')
        echo "$row" >>"$RESULTS/soak.json"
        text+=$(jq -r '"  \(.name) \(.beyond) of \(.bound) s\(if .result == "ok" then "" else " (" + .result + "!)" end)"' <<<"$row")
        [[ $(jq -r .result <<<"$row") == ok ]] || bad=$((bad + 1))
    done
    before=$now
    broken=$((broken + bad))
    [[ $1 == quiet && $bad == 0 ]] ||
        printf '%5.0f s  %-20s %s\n' "$(awk "BEGIN { print $BENCH_FROM - $began }")" "$1" "$text"
}

soak() {
    local event number quiet
    began=$(bench_now) before=$began victim=""
    while awk "BEGIN { exit !($(bench_now) - $began < $length) }"; do
        draw ${#soak_events[@]} && event=${soak_events[drawn]}
        draw 1000 && number=$drawn
        draw 15 && quiet=$drawn
        draw 31 && BENCH_HOLD=$((30 + drawn))
        bench_pause "$quiet"
        # What is out of reach in quiet times was no event's doing.
        BENCH_FROM=$before BENCH_BACK=$before
        look quiet
        happen "$event" "$number"
    done
}

happen() {
    if [[ $1 == entries-20s ]]; then
        # A NAT with such entries comes with an outage, which is measured as one.
        LAB_TCP_TIMEOUT=20 LAB_UDP_TIMEOUT=20 happen forget-reset "$2"
    fi
    make "$@"
    bench_settle 45 4 || echo "not back within 45 s" >&2
    look "$1"
    growth_sample
}

end() {
    local result=$?
    if [[ ${LAB_DIR:-} ]]; then
        mkdir -p "$folder"
        cp "$LAB_DIR"/{natterd*,asker-*}.log "$LAB_DIR/natter.cfg" "$folder" 2>/dev/null || :
    fi
    lab_down
    exit "$result"
}

lab_need_root
trap end EXIT
trap 'exit 143' TERM INT
mkdir -p "$RESULTS"
rm -rf "$folder" "$RESULTS/soak.json"
echo "soak: $length s, seed $seed"
bench_prepare soak
BENCH_WITNESS=-
bench_up tcp1 tcp2 udp1
bench_settle 30 4
growth_begin
soak
growth_verdict || broken=$((broken + 1))
natter_stop || broken=$((broken + 1))
growth_nobody_left || broken=$((broken + 1))
if ((broken > 0)); then
    echo "soak: $broken bounds broken; see $RESULTS/soak.json and $folder"
    exit 1
fi
echo "soak: every bound was kept"
