#!/usr/bin/env bats
# SPDX-License-Identifier: ISC
#
# Servers and clients that do their worst. Each behaviour of a server has a mapping of its own, all of them at the same
# time in one natterd: the right address stands, clients are served, and nothing grows: memory, descriptors, the
# processor's time, the log. With HOSTILE_TIMES=N the clients come N times as many.

# shellcheck source-path=SCRIPTDIR source=helper.bash
source "$BATS_TEST_DIRNAME/helper.bash"
bats_require_minimum_version 1.5.0

: "${HOSTILE_TIMES:=1}"

setup() {
    lab_need_root
    lab_up fullcone
    export LAB_KEEPALIVE_REQUESTS=1000000 # the witness asks and asks
    lab_servers
    lab_web "$LAB_LAN" 192.168.77.3:80 "inside page"
    natter_echo "$LAB_LAN" udp 192.168.77.3:7777
}

hostile() {
    /usr/bin/python3 "$BATS_TEST_DIRNAME/lab/hostile_$1.py" "${@:2}"
}

# spawn_hostile NAME ARGUMENT...: hostile_ARGUMENT.py outside, in the background.
spawn_hostile() {
    lab_spawn "$LAB_INET" "$1" /usr/bin/python3 "$BATS_TEST_DIRNAME/lab/hostile_$2.py" "${@:3}"
}

# serve PORT COUNT: there are so many sockets at this port of 203.0.113.100 to .199.
serve() {
    (($(lab_in "$LAB_INET" ss -Hlntu "sport = :$1" | grep -cE ' 203\.0\.113\.1[0-9][0-9]:') == $2))
}

# spawn_servers stun|web FIRST BEHAVIOUR...: a server of each at 203.0.113.FIRST and following, as server[BEHAVIOUR].
spawn_servers() {
    local last=$2 name arguments=()
    declare -gA server
    for name in "${@:3}"; do
        server[$name]=203.0.113.$((last++))
        echo "address add ${server[$name]}/24 dev eth0"
        arguments+=("${server[$name]}=$name")
    done >"$LAB_DIR/addresses"
    ip -n "$LAB_INET" -batch "$LAB_DIR/addresses" && spawn_hostile "hostile-$1" "$1" "${arguments[@]}"
}

# A mapping for the list: mapping NAME tcp|udp "MORE", each at a port of its own.
mapping() {
    local target=192.168.77.3:80
    [[ $2 == tcp ]] || target=192.168.77.3:7777
    echo "${comma:-}{ name = \"$1\"; protocol = \"$2\"; bind = \"$((++port))\"; target = \"$target\"; $3 }"
    comma=', '
}

mappings_of_stun() {
    local name
    for name in $(hostile stun --list tcp); do
        mapping "tcp-$name" tcp "stun_server = [ \"${server[$name]}\", \"203.0.113.10\", \"203.0.113.11:3479\" ];"
    done
    for name in $(hostile stun --list udp); do
        mapping "udp-$name" udp "stun_server = [ \"${server[$name]}\", \"203.0.113.10\", \"203.0.113.20\" ];"
    done
}

mappings_of_web() {
    local name
    for name in $(hostile web --list); do
        mapping "web-$name" tcp "keep_alive = [ \"${server[$name]}\", \"203.0.113.30\" ];"
    done
}

# all STATE-TEST: of every mapping, as jq sees it.
all() {
    natter_ctl list --json | jq -e "all(.[]; $1)"
}

# left_alone BEHAVIOUR...: their servers were sorted out.
left_alone() {
    local name
    for name; do
        grep -q "(${server[$name]}:80, tcp) failed and is left alone" "$LAB_DIR/natterd.log" || return
    done
}

# What each worker may take, besides what its sessions do: kilobytes, descriptors, hundredths of a second.
expect_small() {
    local name pid memory descriptors ticks stat
    while read -r name pid; do
        memory=$(awk '/^VmRSS/ { print $2 }' "/proc/$pid/status")
        descriptors=$(find "/proc/$pid/fd" -mindepth 1 | wc -l)
        read -ra stat <"/proc/$pid/stat"
        ticks=$((stat[13] + stat[14]))
        echo "$name: $memory kB, $descriptors descriptors, $ticks ticks"
        [[ $(<"$NATTER_BUILD/flags") == *-fsanitize* ]] || ((memory < $1)) || return
        ((descriptors < $2 && ticks < $3 * ${NATTER_SLOW:-1})) || return
    done < <(natter_ctl list --json | jq -r '.[] | "\(.name) \(.pid)"')
}

# Every mapping is reached at the address that it tells.
expect_reached() {
    local name protocol outer
    while read -r name protocol outer; do
        if [[ $protocol == tcp ]]; then
            [[ $(natter_fetch "$outer") == "inside page" ]]
        else
            lab_in "$LAB_INET" "$NATTER_BUILD/tests/datagrams" send "$outer" 3 203.0.113.40
        fi || { echo "$name is not reached at $outer" && return 1; }
    done < <(natter_ctl list --json | jq -r '.[] | "\(.name) \(.protocol) \(.outer)"') >"$LAB_DIR/reached"
}

# The witnesses, who must not notice anything: witness NAME tcp|udp OUTER, then expect_served NAME MOST-LOST.
witness() {
    spawn_hostile "witness-$1" clients witness "$2" "$3"
    lab_wait 5 grep -q '^\.' "$LAB_DIR/witness-$1.log"
}

expect_served() {
    local asked lost
    lab_end "witness-$1"
    read -r asked _ lost _ < <(tail -n 1 "$LAB_DIR/witness-$1.log")
    cat "$LAB_DIR/witness-$1.log"
    ((asked > 50 && lost <= $2))
}

lines() {
    wc -l <"$LAB_DIR/natterd.log"
}

@test "STUN and keep-alive servers of every malice: the right addresses, clients served, nothing grows" {
    mapfile -t names < <({ hostile stun --list tcp; hostile stun --list udp; } | sort -u)
    spawn_servers stun 100 "${names[@]}"
    mapfile -t names < <(hostile web --list)
    spawn_servers web 160 "${names[@]}"
    natter_config <<END
stun_server = { tcp = [ "203.0.113.10", "203.0.113.11:3479" ]; udp = [ "203.0.113.10", "203.0.113.20" ]; };
keep_alive = [ "203.0.113.30", "203.0.113.31" ];
mappings = (
$(
        port=5000
        mapping honest tcp ""
        mapping lone-tcp tcp "stun_server = [ \"${server[lie]}\", \"203.0.113.40:3478\", \"203.0.113.41:3478\" ];"
        mapping lone-udp udp "stun_server = [ \"${server[lie]}\", \"203.0.113.40:3478\", \"203.0.113.41:3478\" ];"
        mappings_of_stun
        mappings_of_web
    )
);
END
    # One that refused the first question would be left alone for that.
    lab_wait 10 serve 3478 "$({ hostile stun --list tcp; hostile stun --list udp; } | wc -l)"
    lab_wait 10 serve 80 "$(hostile web --list | wc -l)"
    natter_start
    witness honest tcp "$(natter_open honest)"
    # One server, alone and a liar, is believed until others are there.
    natter_open lone-tcp 10
    natter_open lone-udp 10
    natter_is lone-tcp outer 198.51.100.7:9999
    natter_is lone-udp outer 198.51.100.7:9999
    lab_spawn "$LAB_INET" honest-40 "$NATTER_BUILD/tests/witness" 203.0.113.40:3478
    lab_spawn "$LAB_INET" honest-41 "$NATTER_BUILD/tests/witness" 203.0.113.41:3478
    lab_wait 20 all '.state == "open" and (.outer | startswith("203.0.113.254:"))'
    lab_wait 20 left_alone endless-{header,line,body,chunks,interim,answers} long-line nonsense no-status half-then-reset
    # These take 10 s more: the patience with an answer.
    ((HOSTILE_TIMES == 1)) || lab_wait 20 left_alone mute deaf drips-header early gzip resets-later
    expect_reached
    # A mapping whose servers have all just been left has a doubt, and its address stands.
    all '(.state == "open" or .state == "degraded") and (.outer | startswith("203.0.113.254:")) and .restarts == 0'
    expect_served honest 0
    expect_small 6000 24 150
    # Of 100 mappings at the level of debug.
    (($(lines) < 5000))
}

# attack ARGUMENT...: of hostile_clients.py; returns when all is sent.
attack() {
    lab_in "$LAB_INET" /usr/bin/python3 "$BATS_TEST_DIRNAME/lab/hostile_clients.py" "$@"
}

stands() {
    [[ $(natter_field "$1" outer) == "$2" ]] && natter_is "$1" state open
}

@test "clients of every malice: those that are there are served, the addresses stand, nothing grows" {
    export LAB_BIG_MIB=20
    lab_web "$LAB_LAN" 192.168.77.3:81 "inside page"
    natter_config <<END
$(natter_lab_servers)
mappings = (
    { name = "web"; protocol = "tcp"; bind = "5001"; target = "192.168.77.3:81"; },
    { name = "other"; protocol = "tcp"; bind = "5002"; target = "192.168.77.3:80"; },
    { name = "game"; protocol = "udp"; bind = "5003"; target = "192.168.77.3:7777"; }
);
END
    for last in {201..209}; do
        echo "address add 203.0.113.$last/24 dev eth0"
    done | ip -n "$LAB_INET" -batch -
    natter_start
    web=$(natter_open web) other=$(natter_open other) game=$(natter_open game)
    witness web tcp "$web"
    witness other tcp "$other"
    witness game udp "$game"

    # Never read what they asked for; say a byte and vanish without a word.
    # The target takes 512 in all.
    spawn_hostile greedy clients connect "$web" 200 'GET /big HTTP/1.1\r\nHost: a\r\n\r\n'
    spawn_hostile shy clients connect "$web" 200 G
    lab_wait 10 grep -q '^\.' "$LAB_DIR/greedy.log"
    lab_wait 10 grep -q '^\.' "$LAB_DIR/shy.log"
    lab_in "$LAB_INET" nft "add table ip gone; add chain ip gone out { type filter hook output priority 0; }; add rule ip gone out ip saddr { 203.0.113.41, 203.0.113.201-203.0.113.209 } meta l4proto tcp drop"
    lab_end shy
    attack half-open "$web" $((5000 * HOSTILE_TIMES))
    [[ $(natter_fetch "$web") == "inside page" ]]

    attack imitate "$game" $((500 * HOSTILE_TIMES))
    for server in 203.0.113.10:3478 203.0.113.20:3478; do
        attack imitate "$game" $((500 * HOSTILE_TIMES)) "$server"
    done
    # Each has 32 bytes, and is a client's.
    imitations_relayed() {
        (($(natter_field game bytes_in) > 32 * 1500 * HOSTILE_TIMES * 9 / 10))
    }
    lab_wait 3 imitations_relayed
    for server in 203.0.113.10:3478 203.0.113.20:3478; do
        attack unreachable "$game" $((300 * HOSTILE_TIMES)) "$server"
    done
    attack sources "$game" 10000

    lab_wait 5 stands game "$game"
    stands web "$web"
    stands other "$other"
    expect_served web 0
    expect_served other 0
    expect_served game 10
    # What a client does not read takes up to 64 kB, a UDP session a socket and a few bytes.
    expect_small 18000 10500 400
    lab_in "$LAB_INET" "$NATTER_BUILD/tests/datagrams" send "$game" 100 203.0.113.40
    (($(lines) < 300))
    all '.restarts == 0'
}
