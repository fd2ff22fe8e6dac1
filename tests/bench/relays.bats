#!/usr/bin/env bats
# SPDX-License-Identifier: ISC
#
# Does `make bench` work the right thing out of its lines, do the load programs count what arrives and miss what
# does not, and does a whole run say so? No test depends on how fast something is.

# shellcheck source-path=SCRIPTDIR source=ground.bash
source "$BATS_TEST_DIRNAME/ground.bash"
# shellcheck source-path=SCRIPTDIR source=measures.bash
source "$BATS_TEST_DIRNAME/measures.bash"
bats_require_minimum_version 1.5.0

# Most tests need no network.
setup() {
    :
}

teardown() {
    lab_down
}

# --- The analysis, without any network ---

# line MEASURE PEER ROUND VALUE AMOUNT CPU [MORE]
line() {
    echo "{\"measure\":\"$1\",\"peer\":\"$2\",\"round\":$3,\"value\":$4,\"amount\":$5,\"cpu_s\":$6${7:+, $7}}"
}

# said FILTER: what the functions of the modules say of the lines of standard input.
said() {
    jq -rs -L "$BATS_TEST_DIRNAME" --arg measures "$(printf '%s\n' "${MEASURES[@]}")" \
        "include \"relays\"; include \"figures\"; (\$measures | described) as \$about | $1"
}

bulk_lines() {
    echo '{"about":{"date":"2026-01-02","machine":"2 processors","load":"0.10","rounds":3,"seconds":2,"peers":["natter","haproxy","direct"]}}'
    line bulk-1 haproxy 1 8 2 1
    line bulk-1 natter 1 9 2 0.8
    line bulk-1 natter 2 12 2 0.6
    line bulk-1 natter 3 10 2 0.4
    line bulk-1 haproxy 2 9 2 1
    line bulk-1 direct 1 20 2 0
    line bulk-1 direct 2 22 2 0
    line bulk-1 haproxy 3 8 2 0.8
}

@test "the table has medians, spread, ratios and processor time, natter first" {
    bulk_lines >"$BATS_TEST_TMPDIR/lines"
    # shellcheck disable=SC2016 # jq's variable
    said 'tables($about)' <"$BATS_TEST_TMPDIR/lines" | tee "$BATS_TEST_TMPDIR/table"
    [[ $(sed -n 2p "$BATS_TEST_TMPDIR/table") == "bulk TCP, 1 stream, client to target, Gbit/s  [bulk-1]" ]]
    words() { sed -n "$1p" "$BATS_TEST_TMPDIR/table" | xargs; }
    [[ $(words 4) == "natter 10.0 9.00 .. 12.0 1.00 0.30 s per GB" ]]
    [[ $(words 5) == "haproxy 8.00 8.00 .. 9.00 1.25 0.50 s per GB" ]]
    [[ $(words 6) == "direct 21.0 20.0 .. 22.0 0.48" ]]
}

@test "a measurement that failed is said and does not count" {
    {
        line udp-64 natter 1 1234567 10 0.001 '"loss":0.5'
        echo '{"measure":"udp-64","peer":"natter","round":2,"error":"it broke"}'
        echo '{"measure":"udp-64","peer":"nginx","round":1,"error":"it broke"}'
    } >"$BATS_TEST_TMPDIR/lines"
    # shellcheck disable=SC2016 # jq's variable
    said 'tables($about)' <"$BATS_TEST_TMPDIR/lines" | tee "$BATS_TEST_TMPDIR/table"
    grep -qE '^  natter +1,234,567 .* 100\.00 us per datagram +loss 50\.0 %, 1 failed$' "$BATS_TEST_TMPDIR/table"
    grep -qE '^  nginx +- +- +1 failed$' "$BATS_TEST_TMPDIR/table"
}

@test "figures: at least, at most, the best of two, natter's own numbers, and what was not measured" {
    {
        bulk_lines
        line connections natter 1 104 1 1
        line connections haproxy 1 90 1 1
        line connections nginx 1 100 1 1
        line pings-16 natter 1 100 1 1 '"lost":3'
        echo '{"measure":"memory","peer":"natter","round":1,"private":200,"tcp":100,"tcp_descriptors":1999,"tcp_left":64}'
    } >"$BATS_TEST_TMPDIR/lines"
    # got WHAT MEASURE
    got() {
        # shellcheck disable=SC2016 # jq's variable
        said 'figures($about)' <"$BATS_TEST_TMPDIR/lines" | jq -r --arg what "$1" --arg measure "$2" \
            '.[] | select(.what == $what and .measure == $measure) | "\(.got) \(.result)"'
    }
    [[ $(got "bulk TCP, 1 stream, against haproxy" bulk-1) == "1.25 ok" ]]
    [[ $(got "processor time per GB, 1 stream, against haproxy" bulk-1) == "0.6 ok" ]]
    [[ $(got "connections per second, against haproxy or nginx" connections) == "1.04 missed" ]]
    [[ $(got "UDP round trips lost" pings-16) == "3 missed" ]]
    [[ $(got "UDP round trips, against natmap" pings-16) == "null -" ]]
    [[ $(got "private memory of an idle worker, KiB" memory) == "200 ok" ]]
    [[ $(got "descriptors for 1,000 TCP connections" memory) == "1999 missed" ]]
    [[ $(got "KiB not given back after TCP connections" memory) == "64 ok" ]]
    # shellcheck disable=SC2016 # jq's variable
    said 'figures_table($about)' <"$BATS_TEST_TMPDIR/lines" | tail -n 1 | grep -qx "5 reached, 3 missed"
}

@test "noise, the table for README.md and the bars of charts" {
    bulk_lines >"$BATS_TEST_TMPDIR/lines"
    # shellcheck disable=SC2016 # jq's variable
    [[ $(said 'noise($about; "natter")' <"$BATS_TEST_TMPDIR/lines") == 0.3 ]]
    # shellcheck disable=SC2016 # jq's variable
    [[ $(said 'markdown($about)' <"$BATS_TEST_TMPDIR/lines" | tail -n 1) == \
        "| bulk TCP, 1 stream, client to target, Gbit/s | 10.0 | 8.00 | 21.0 |" ]]
    # shellcheck disable=SC2016 # jq's variable
    [[ $(said 'bars($about)' <"$BATS_TEST_TMPDIR/lines" | head -n 1) == $'bulk-1\tnatter\t10\t9\t12' ]]
    # shellcheck disable=SC2016 # jq's variable
    [[ $(said 'cost_bars($about)' <"$BATS_TEST_TMPDIR/lines" | wc -l) == 2 ]]
}

@test "what it is called with is checked before anything is made" {
    run -2 env PEERS="natter nobody" "$BATS_TEST_DIRNAME/relays.bash" quick
    [[ $output == *"no peer 'nobody'; there are: natter haproxy"* ]]
    run -2 env PEERS="natter=/nowhere" "$BATS_TEST_DIRNAME/relays.bash" quick
    [[ $output == *"there is no natterd in /nowhere"* ]]
    run -2 env NATMAP=/nowhere "$BATS_TEST_DIRNAME/relays.bash" quick
    [[ $output == *"say natmap=PROGRAM"* ]]
    run -2 env MEASURE=nothing "$BATS_TEST_DIRNAME/relays.bash" quick
    [[ $output == *"no measurement is called 'nothing'"* ]]
}

# --- The load programs, on a network ---

# flood ARGUMENT...: from the client to a sink on the target; sets sent and got.
flood() {
    lab_spawn "$LAB_LAN" sink "$NATTER_BUILD/tests/flood" receive 192.168.77.3:9001 "${RUN:-7}"
    lab_wait 5 lab_listening "$LAB_LAN" udp 192.168.77.3:9001
    sent=$(lab_in "$LAB_HOST" "$NATTER_BUILD/tests/flood" send 192.168.77.3:9001 7 "$@")
    quiet() {
        local now
        now=$(lab_in "$LAB_LAN" ss -Hlun sport = 9001 | awk '{ print $2 }')
        [[ $now == 0 ]]
    }
    lab_wait 5 quiet
    lab_end sink
    got=$(<"$LAB_DIR/sink.log")
    echo "$sent" "$got"
}

# field JSON NAME
field() {
    jq ".$2" <<<"$1"
}

# drop_every N [MATCH]: on the target, before its programs.
drop_every() {
    lab_in "$LAB_LAN" nft -f - <<END
table ip t { chain c { type filter hook input priority 0; ${2:-} numgen inc mod $1 == 0 counter drop; }; }
END
}

dropped() {
    lab_in "$LAB_LAN" nft -j list chain ip t c | jq '[.. | .counter? // empty | .packets] | add'
}

@test "flood: everything that is sent is counted once, from one socket or from many" {
    lab_need_root
    lab_up open
    for arguments in "0.3 64 1 1 10000" "0.3 1400 50 1 10000" "0.3 1400 1 46 50000"; do
        # shellcheck disable=SC2086
        flood $arguments
        (($(field "$sent" sent) > 100))
        [[ $(field "$got" datagrams) == $(field "$sent" sent) && $(field "$got" bytes) == $(field "$sent" bytes) ]]
        [[ $(field "$got" twice) == 0 && $(field "$got" strange) == 0 ]]
    done
    # That was the segmenting sender, and the receiver that takes segments together.
    (($(field "$got" together) > 1))
}

@test "flood: what is lost on the way is missing, and what another run sent does not count" {
    lab_need_root
    lab_up open
    drop_every 10 "udp dport 9001"
    flood 0.3 64 1 1 10000
    (($(dropped) > 10))
    [[ $(($(field "$got" datagrams) + $(dropped))) == $(field "$sent" sent) ]]
    RUN=8 flood 0.3 64 1 1 10000
    [[ $(field "$got" datagrams) == 0 ]]
    (($(field "$got" strange) > 10))
}

# What comes after half a second counts as lost, and as late.
@test "pings: every answer is counted, and every loss" {
    lab_need_root
    lab_up open
    lab_spawn "$LAB_LAN" echo "$NATTER_BUILD/tests/pings" echo 192.168.77.3:9002
    lab_wait 5 lab_listening "$LAB_LAN" udp 192.168.77.3:9002
    ask() {
        result=$(lab_in "$LAB_HOST" "$NATTER_BUILD/tests/pings" ask 192.168.77.3:9002 "$@")
        echo "$result"
    }
    ask 0.3 64 10 4
    (($(field "$result" answered) > 100))
    [[ $(field "$result" lost) == $(field "$result" late) ]]
    [[ $(field "$result" asked) == $(($(field "$result" answered) + $(field "$result" lost))) ]]
    drop_every 50 "udp dport 9002"
    ask 1.2 64 10 1
    # More than one for each of the ten slots: a slot whose datagram is lost is used again.
    (($(dropped) > 10))
    [[ $(field "$result" lost) == $(($(dropped) + $(field "$result" late))) ]]
    [[ $(($(field "$result" answered) + $(field "$result" lost))) == $(field "$result" asked) ]]
}

@test "a whole run, with a single measurement and memory, of natter and of the path itself" {
    lab_need_root
    run env TMPDIR="$BATS_TEST_TMPDIR" NATTER_BUILD="$NATTER_BUILD" RESULTS="$BATS_TEST_TMPDIR/results" PEERS="natter direct dnat" MEASURE="pings-16|memory" \
        MEASURE_SECONDS=1 MEMORY_UDP_TIMEOUT=3 MEMORY_IDLE_SECONDS=1 "$BATS_TEST_DIRNAME/relays.bash" quick
    echo "$output"
    [[ $status == 0 ]]
    for peer in natter direct dnat; do
        jq -es --arg peer "$peer" 'map(select(.peer == $peer and .measure == "pings-16")) | length == 1 and .[0].value > 0 and .[0].round == 1' \
            "$BATS_TEST_TMPDIR/results/relays.json"
    done
    jq -es 'map(select(.peer == "natter"))[0].cpu_s > 0' "$BATS_TEST_TMPDIR/results/relays.json"
    jq -es 'map(select(.peer == "natter" and .measure == "memory"))[0] | .private > 0 and .supervisor > 0 and
        .tcp > 0 and .tcp_descriptors == 2000 and .tcp_descriptors_left == 0 and
        .udp > 0 and .udp_descriptors == 1000 and .udp_descriptors_left == 0' "$BATS_TEST_TMPDIR/results/relays.json"
    [[ $output == *"UDP round trips lost"* && $output == *"Fewer than three rounds"* ]]
    # Nothing is left, since the folder goes last.
    [[ ! $(compgen -G "$BATS_TEST_TMPDIR/natter-bench.*") ]]
}
