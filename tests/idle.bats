#!/usr/bin/env bats
# SPDX-License-Identifier: ISC
#
# What 200 mappings cost that have nothing to do: how long they take to open, how often their workers wake, how much
# memory each has for itself, what natterd has for each. And that so many do not make it slow, or depend on each other.

# shellcheck source-path=SCRIPTDIR source=helper.bash
source "$BATS_TEST_DIRNAME/helper.bash"

COUNT=200
INTERVAL=5  # seconds between two keep-alives of a mapping
WAKES=3     # at most, for each question to a server: its time has come, which the loop's coarse clock may need two
            # looks to see; and the answer
PRIVATE=260 # KiB at most
QUESTIONS=5 # at most for each mapping until it is open, in the mean
SUPERVISOR_FDS=4  # of natterd for each mapping, at most
SUPERVISOR_KIB=46 # likewise; 23 of them are what it knows of one

# Mappings m1 .. m200, of each kind in turn: TCP and UDP with a target, TCP and UDP without. One keep-alive server.
config_many() {
    local n kinds=('protocol = "tcp"; target = "192.168.77.3:80";' 'protocol = "udp"; target = "192.168.77.3:80";'
        'protocol = "tcp";' 'protocol = "udp";')
    natter_config <<END
stun_server = { tcp = [ "203.0.113.10", "203.0.113.11:3479" ];
                udp = [ "203.0.113.20", "203.0.113.10:3478" ]; };
keep_alive = [ "203.0.113.30" ];
keep_alive_interval = $INTERVAL;
mappings = (
$(for ((n = 1; n <= COUNT; n++)); do
        echo "{ name = \"m$n\"; bind = $((6000 + n)); ${kinds[n % 4]} }$( ((n == COUNT)) || echo ,)"
    done)
);
END
}

all_open() {
    [[ $(natter_ctl list --json | jq '[.[] | select(.state == "open")] | length') == "$COUNT" ]]
}

start_many() {
    config_many
    # Every request to a server: a datagram, or bytes on a connection.
    lab_in "$LAB_HOST" nft -f - <<'END'
table ip idle {
    counter questions { }
    chain output {
        type filter hook output priority 0;
        ip daddr 203.0.113.0/24 udp dport 3478-3479 counter name questions
        ip daddr 203.0.113.0/24 tcp flags & psh == psh counter name questions
    }
}
END
    natter_start_in_quiet
    lab_wait 5 all_open || { natter_trouble && return 1; }
    mapfile -t workers < <(natter_ctl list --json | jq -r '.[].pid')
}

questions() {
    lab_in "$LAB_HOST" nft list counter ip idle questions | sed -n 's/.*packets \([0-9]*\).*/\1/p'
}

asked() {
    (($(questions) >= $1))
}

# Until each mapping has asked once more, in the mean.
wait_for_round() {
    lab_wait $((4 * INTERVAL)) asked $(($(questions) + COUNT))
}

# wakes: of all workers since they began.
wakes() {
    local pid
    for pid in "${workers[@]}"; do
        cat "/proc/$pid/status"
    done | awk '/^voluntary_ctxt_switches/ { sum += $2 } END { print sum }'
}

# private PID...: a line "KIB PID" for each, the most first.
private() {
    local pid
    for pid in "$@"; do
        awk -v pid="$pid" '/^Private_/ { sum += $2 } END { print sum, pid }' "/proc/$pid/smaps_rollup"
    done | sort -rn
}

@test "200 mappings are open within 5 s, and then their workers wake for their keep-alives only" {
    start_many
    # What a start leaves to be done is over.
    wait_for_round
    local from began=${EPOCHREALTIME/./} before asked
    from=$(questions) before=$(wakes)
    wait_for_round
    asked=$(($(questions) - from)) woken=$(($(wakes) - before)) took=$(((${EPOCHREALTIME/./} - began) / 1000))
    echo "woken $woken times for $asked questions in $took ms"
    ((woken <= WAKES * asked))
    # Nor do they ask too often.
    ((took * COUNT >= asked * INTERVAL * 500))
}

# While one asks its servers it has more: each of them is idle at some moment, unless it stays.
are_small() {
    private "${workers[@]}" >"$LAB_DIR/private"
    mapfile -t workers < <(awk -v most=$PRIVATE '$1 > most { print $2 }' "$LAB_DIR/private")
    ((${#workers[@]} == 0))
}

@test "an idle worker has at most 260 KiB for itself" {
    natter_need_usual_build
    start_many
    wait_for_round
    lab_wait 5 are_small || { head -3 "$LAB_DIR/private" && return 1; }
}

# quick COMMAND...: does it succeed within a second?
quick() {
    local began=${EPOCHREALTIME/./} took
    "$@" >"$LAB_DIR/quick.log" || return
    took=$(((${EPOCHREALTIME/./} - began) / 1000))
    echo "$*: $took ms"
    ((took <= 1000 * ${NATTER_SLOW:-1}))
}

# pids: of all workers, and whose each is.
pids() {
    natter_ctl list --json | jq -r '.[] | "\(.name) \(.pid)"'
}

# start_spread: milliseconds between the starts of the first worker and the last.
start_spread() {
    local pid
    for pid in "${workers[@]}"; do
        sed 's/.*) //' "/proc/$pid/stat" | cut -d' ' -f20
    done | sort -n | sed -n '1p;$p' | paste -sd' ' | awk -v hz="$(getconf CLK_TCK)" '{ print ($2 - $1) * 1000 / hz }'
}

is_replaced() {
    [[ $(natter_field "$1" pid) != "$2" ]] && natter_is "$1" state open
}

@test "with 200 mappings natterd answers and reloads at once, asks few questions, and one worker's death is its own" {
    start_many
    local asked natterd fds outer
    asked=$(questions)
    echo "$asked questions until all were open"
    ((asked <= QUESTIONS * COUNT))
    # Servers get them over a time: 32 mappings begin at once, then one each 10 ms.
    echo "they began within $(start_spread) ms"
    (($(start_spread) >= (COUNT - 40) * 10))
    quick natter_ctl list
    quick natter_ctl list --json
    quick natter_ctl metrics
    (($(grep -c '^natter_.*name="m200"' "$LAB_DIR/quick.log") > 0))
    pids >"$LAB_DIR/before"
    outer=$(natter_field m8 outer)
    sed -i '/name = "m8"/s/"m8";/"m8"; stun_interval = 77;/' "$LAB_DIR/natter.cfg"
    quick natter_ctl reload
    grep -q "^199 mappings kept, 1 changed, 0 replaced, 0 added, 0 removed$" "$LAB_DIR/quick.log"
    pids | cmp - "$LAB_DIR/before"
    kill -KILL "${workers[99]}"
    lab_wait 5 is_replaced m100 "${workers[99]}"
    [[ $(pids | diff - "$LAB_DIR/before" | grep -c '^>') == 1 ]]
    natter_is m8 outer "$outer"
    all_open
    natterd=$(natter_pid)
    fds=("/proc/$natterd/fd/"*)
    echo "natterd: ${#fds[@]} descriptors, $(private "$natterd" | cut -d' ' -f1) KiB"
    ((${#fds[@]} <= SUPERVISOR_FDS * COUNT + 20))
    natter_need_usual_build
    (($(private "$natterd" | cut -d' ' -f1) <= SUPERVISOR_KIB * COUNT))
}
