#!/bin/bash
# SPDX-License-Identifier: ISC
#
# soak.bash [SECONDS [SEED [EVENTS]]]: one natterd with two TCP mappings and a UDP one, to which events happen in random
# order for that long (default 1200 s), while an outside client for each asks ten times a second at the address last
# published, and at other mappings all sorts of clients come and go (commotion.bash). The seed (default 1) decides the
# order and what about the events is random; EVENTS is a pattern for their names. After each event a line with the
# bounds of each mapping; at the end, whether descriptors or memory grew and whether a process was left. Fails if a
# bound was broken. RESULTS (default build/bench) gets soak.json and the folder soak with logs.
set -euo pipefail

# shellcheck source-path=SCRIPTDIR source=bench.bash
source "$(dirname "$0")/bench.bash"
# shellcheck source-path=SCRIPTDIR source=growth.bash
source "$BENCH/growth.bash"
# shellcheck source-path=SCRIPTDIR source=commotion.bash
source "$BENCH/commotion.bash"

length=${1:-1200}
seed=${2:-1}
wanted=${3:-.*}
calm=${SOAK_CALM:-4} # seconds without a failed ask
RESULTS=${RESULTS:-$NATTER_BUILD/bench}
folder=$RESULTS/soak
broken=0
events=0
deck=()

# Events that here are other than in a lab of their own: the settings change while natterd runs. It is never restarted:
# it is to grow old.
soak_events=(forget-reset forget-silence new-address new-address-silence redial link-down conntrack-flush worker-killed
    keepalive-silent keepalive-limits stun-first-down stun-all-down stun-liar loss-20 entries-20s reload-target
    reload-limits reload-mapping reload-mistake refresh)

# draw N: sets drawn to a number from 0 to N - 1 (Lehmer's generator, the same everywhere).
draw() {
    seed=$((seed * 48271 % 2147483647))
    drawn=$((seed / 7 % $1))
}

# draw_event: sets event; every one has its turn before one has another.
draw_event() {
    local name
    if ((${#deck[@]} == 0)); then
        for name in "${soak_events[@]}"; do
            [[ ! $name =~ ^($wanted)$ ]] || deck+=("$name")
        done
    fi
    draw ${#deck[@]}
    event=${deck[drawn]}
    unset "deck[drawn]"
    deck=("${deck[@]}")
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
    reload-*) commotion_reload "${1#reload-}" ;;
    refresh) natter_ctl refresh >/dev/null ;;
    conntrack-flush) lab_in "$LAB_CARRIER" conntrack -F 2>/dev/null ;;
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
        draw_event
        draw 1000 && number=$drawn
        draw 8 && quiet=$drawn
        draw 21 && BENCH_HOLD=$((15 + drawn))
        commotion_begin "$((seed + number))"
        bench_pause "$quiet"
        # What is out of reach in quiet times was no event's doing.
        BENCH_FROM=$before BENCH_BACK=$before
        look quiet
        happen "$event" "$number"
        clients "$event"
        truth
        growth_sample
    done
}

happen() {
    if [[ $1 == entries-20s ]]; then
        # A NAT with such entries comes with an outage, which is measured as one.
        LAB_TCP_TIMEOUT=20 LAB_UDP_TIMEOUT=20 happen forget-reset "$2"
    fi
    make "$@"
    bench_settle 45 "$calm" || echo "not back within 45 s" >&2
    look "$1"
    events=$((events + 1))
}

# clients EVENT: what those saw who came and went.
clients() {
    local row bad
    row=$(commotion_end "$1") || { say_broken "clients are left over" && return; }
    bad=$(commotion_judge "$row")
    [[ ! $bad ]] || say_broken "clients during $1: $bad"
}

truth() {
    lab_wait 5 commotion_true || say_broken "$(tail -n 1 "$LAB_DIR/untrue")"
}

say_broken() {
    echo "  $1!"
    broken=$((broken + 1))
}

end() {
    local result=$?
    if [[ ${LAB_DIR:-} ]]; then
        mkdir -p "$folder"
        cp "$LAB_DIR"/{natterd*,asker-*,churn,hooks}.log "$LAB_DIR"/{natter.cfg,growth,samples,churn.json,untrue} "$folder" 2>/dev/null || :
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
commotion_targets
: >"$LAB_DIR/hooks.log"
commotion_calm
bench_settle 30 "$calm"
growth_begin
growth_watch 10 &
commotion_watchers &
soak
commotion_calm
bench_settle 30 "$calm"
truth
growth_sample
growth_processes || broken=$((broken + 1))
kill %1 %2
growth_range
growth_verdict || broken=$((broken + 1))
commotion_totals
echo "  $events events, $(wc -l <"$LAB_DIR/hooks.log") runs of hooks, $(wc -l <"$LAB_DIR/watchers") watchers"
natter_stop || broken=$((broken + 1))
growth_nobody_left || broken=$((broken + 1))
if ((broken > 0)); then
    echo "soak: $broken bounds broken; see $RESULTS/soak.json and $folder"
    exit 1
fi
echo "soak: every bound was kept"
