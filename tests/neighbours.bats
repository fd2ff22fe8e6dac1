#!/usr/bin/env bats
# SPDX-License-Identifier: ISC
#
# What mappings do for each other: one that notices a change of the NAT makes the others look again at once.

# shellcheck source-path=SCRIPTDIR source=helper.bash
source "$BATS_TEST_DIRNAME/helper.bash"
bats_require_minimum_version 1.5.0

# mapping NAME PROTOCOL BIND INTERVAL: as a line for natter.cfg.
mapping() {
    echo "{ name = \"$1\"; protocol = \"$2\"; bind = \"$3\"; target = \"192.168.77.3:7777\"; keep_alive_interval = $4; }"
}

mappings() {
    natter_config <<END
$(natter_lab_servers)
mappings = ( $(paste -sd,) );
END
}

# Nothing but a neighbour made anyone look.
stayed_quiet() {
    ! grep "the network changed" "$LAB_DIR/natterd.log"
}

# One that looks every second, and one beside it that by itself would not look for a minute.
watchful_and_lazy() {
    { mapping watchful tcp 0.0.0.0:8081 1; mapping lazy udp 0.0.0.0:8082 60; } | mappings
    natter_start_in_quiet
    watchful=$(natter_open watchful)
    lazy=$(natter_open lazy)
}

# moved NAME OUTER: it is open, and no more at OUTER.
moved() {
    local now
    now=$(natter_field "$1" outer)
    [[ $now && $now != "$2" ]] && natter_is "$1" state open
}

@test "a NAT that forgets everything: the mapping that would not look for a minute has its new address at once" {
    watchful_and_lazy
    lab_forget
    lab_wait 10 moved watchful "$watchful"
    lab_wait 5 moved lazy "$lazy"
    stayed_quiet
    natter_echo "$LAB_LAN" udp 192.168.77.3:7777
    lab_in "$LAB_INET" "$NATTER_BUILD/tests/datagrams" send "$(natter_field lazy outer)" 10 203.0.113.40
    grep -q "debug: watchful: a hole was lost, moved or made again" "$LAB_DIR/natterd.log"
}

@test "a new outside address: the same" {
    watchful_and_lazy
    lab_readdress 203.0.113.253
    lab_wait 10 moved watchful "$watchful"
    lab_wait 5 moved lazy "$lazy"
    stayed_quiet
    [[ $(natter_field lazy outer) == 203.0.113.253:* ]]
}

@test "a mapping that is bound to another address of this machine may be behind another NAT: it is left in peace" {
    { mapping watchful tcp 0.0.0.0:8081 1; mapping lazy udp 0.0.0.0:8082 60; mapping other udp 192.168.77.2:8083 60; } | mappings
    natter_start_in_quiet
    watchful=$(natter_open watchful)
    lazy=$(natter_open lazy)
    other=$(natter_open other)
    answers=$(grep -c "other: STUN server .* answered" "$LAB_DIR/natterd.log")
    lab_forget
    lab_wait 10 moved watchful "$watchful"
    lab_wait 5 moved lazy "$lazy"
    stayed_quiet
    [[ $(natter_field other outer) == "$other" ]]
    [[ $(grep -c "other: STUN server .* answered" "$LAB_DIR/natterd.log") == "$answers" ]]
}

watches() {
    [[ $(grep "has the duty" "$LAB_DIR/natterd.log" | tail -n 1) == *"debug: $1: has the duty to watch the NAT" ]]
}

@test "one TCP mapping watches the NAT; when its worker dies another one that is open does, and keeps the duty" {
    { mapping u udp 0.0.0.0:8080 10; mapping a tcp 0.0.0.0:8081 '[ 5, 15 ]'; mapping b tcp 0.0.0.0:8082 '[ 5, 15 ]'; } | mappings
    natter_start
    natter_open u
    natter_open a
    natter_open b
    lab_wait 5 eval 'watches a || watches b'
    if watches a; then first=a second=b; else first=b second=a; fi
    worker=$(natter_field "$first" pid)
    kill -9 "$worker"
    lab_wait 5 watches "$second"
    replaced() {
        [[ $(natter_field "$first" pid) != "$worker" ]] && natter_is "$first" state open
    }
    lab_wait 5 replaced
    watches "$second"
}

# natterd with workers that only say what they are told, in told.log.
start_with_standins() {
    rm -f "$LAB_DIR/told.log"
    install -m 755 "$NATTER_BUILD/natterd" "$LAB_DIR"
    install -m 755 "$NATTER_BUILD/tests/standin" "$LAB_DIR/natter-worker"
    lab_spawn "$LAB_HOST" natterd "$LAB_DIR/natterd" -f -c "$LAB_DIR/natter.cfg"
}

# was_told NAME WHAT: the last that NAME was told.
was_told() {
    [[ $(grep "^$1 is told" "$LAB_DIR/told.log" | tail -n 1) == "$1 is told: $2" ]]
}

@test "a worker is told its mapping, its servers and then its duty, which no UDP mapping has; so is the next one" {
    { mapping u udp 0.0.0.0:8080 10; mapping a tcp 0.0.0.0:8081 '[ 5, 15 ]'; mapping b tcp 0.0.0.0:8082 '[ 5, 15 ]'; } | mappings
    start_with_standins
    lab_wait 5 was_told a "duty 1"
    [[ $(grep -o "^a is told.*" "$LAB_DIR/told.log" | paste -sd/) == "a is told: mapping/a is told: servers/a is told: duty 1" ]]
    kill -9 "$(natter_field a pid)"
    lab_wait 5 was_told b "duty 1"
    lab_wait 5 was_told a servers
    kill -9 "$(natter_field b pid)"
    lab_wait 5 was_told a "duty 1"
    run ! grep "u is told: duty" "$LAB_DIR/told.log"
}

@test "a server that one worker says has failed is left alone by all, and a worker that talks nonsense is ended" {
    { mapping web tcp 0.0.0.0:8081 10; mapping teller tcp 0.0.0.0:8082 10; } | mappings
    start_with_standins
    lab_wait 5 was_told web "servers, resting 203.0.113.30:80"
    lab_wait 5 was_told teller "servers, resting 203.0.113.30:80"
    grep -Eq "debug: natterd: server 203.0.113.30 \(203.0.113.30:80, tcp\) failed and is left alone for 3[0-6] s" "$LAB_DIR/natterd.log"
    lab_end natterd
    { mapping web tcp 0.0.0.0:8081 10; mapping liar tcp 0.0.0.0:8082 10; } | mappings
    start_with_standins
    lab_wait 5 grep -q "error: liar: its worker sent malformed news of a server and is ended" "$LAB_DIR/natterd.log"
    lab_wait 5 natter_is liar state restarting
    run ! grep resting "$LAB_DIR/told.log"
}

@test "a worker that has its own port now and then: who has it is looked for and said once" {
    mapping thief tcp 0.0.0.0:8081 10 | mappings
    start_with_standins
    told() {
        (($(grep -c "^thief is told: $1" "$LAB_DIR/told.log") == 5))
    }
    lab_wait 5 told Success
    told "Address already in use"
    [[ $(grep -c "warning: thief: .* has tcp port 0.0.0.0:8081" "$LAB_DIR/natterd.log") == 1 ]]
}
