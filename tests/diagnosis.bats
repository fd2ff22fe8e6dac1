#!/usr/bin/env bats
# SPDX-License-Identifier: ISC
#
# What a mapping says of the network around it: each message in the situation that it describes and in no other,
# and whether the mapping can be reached. Every situation is a lab of its own, side by side with the others.

# shellcheck source-path=SCRIPTDIR source=helper.bash
source "$BATS_TEST_DIRNAME/helper.bash"
bats_require_minimum_version 1.5.0

setup() {
    lab_need_root
    situations=()
}

teardown() {
    natter_down
}

# Every message, and a short name for it.
declare -gA messages=(
    [symmetric-tcp]="You cannot perform TCP hole punching in a symmetric NAT network\."
    [symmetric-udp]="You cannot perform UDP hole punching in a symmetric NAT network\."
    [no-nat]="You are not in a NAT network: there is no need for this tool\."
    [no-reuse]="This system does not support reusing ports\."
    [no-stun]="No public STUN server is available\. Please check your Internet connection\. Tried [0-9]+: "
    [kept-out]="[Nn]obody gets in: "
)

# four_mappings [TCP-SERVERS UDP-SERVERS]: one of every kind, relayed or held for a program that has the port itself.
four_mappings() {
    natter_config <<END
keep_alive_interval = 2;
stun_server = { tcp = [ ${1:-\"203.0.113.10\", \"203.0.113.11:3479\"} ];
                udp = [ ${2:-\"203.0.113.20\", \"203.0.113.10:3478\"} ]; };
keep_alive = [ "203.0.113.30", "203.0.113.31" ];
status_report = { status_file = "status.json"; };
mappings = ( { name = "web"; protocol = "tcp"; bind = "0.0.0.0:8081"; target = "192.168.77.3:80"; },
             { name = "ssh"; protocol = "tcp"; bind = "0.0.0.0:2222"; },
             { name = "game"; protocol = "udp"; bind = "0.0.0.0:7777"; target = "192.168.77.3:7777"; },
             { name = "vpn"; protocol = "udp"; bind = "0.0.0.0:5182"; } );
END
}

# From lines of "MAPPING TEXT" those that have a message, as "MAPPING MESSAGE,...".
pairs() {
    local name program=''
    for name in "${!messages[@]}"; do
        program+="/^(web|ssh|game|vpn) .*${messages[$name]}/ { print \$1 \" $name\" }"$'\n'
    done
    awk "$program" | sort -u | paste -sd,
}

# What was ever said.
said_in_log() {
    sed -nE 's/^[^ ]+ [^ ]+ (info|warning|error): (web|ssh|game|vpn): /\2 /p' "$LAB_DIR/natterd.log" | pairs
}

# A note stands below its row.
said_in_list() {
    natter_ctl list | awk '/^    / { print row $0 } { row = $1 }' | pairs
}

said_in_status() {
    jq -r '.mappings[] | .name + " " + .error + " " + .advice' "$LAB_DIR/status.json" | pairs
}

all_say() {
    [[ $(said_in_log) == "$1" && $(said_in_status) == "$1" && $(said_in_list) == "$1" ]]
}

# expect_messages PAIRS [SECONDS]: in the log, the list and the status file, and nothing else.
expect_messages() {
    lab_wait "${2:-15}" all_say "$1" && return
    printf 'log: %s\nlist: %s\nstatus: %s\n' "$(said_in_log)" "$(said_in_list)" "$(said_in_status)"
    natter_trouble
    return 1
}

reach_is() {
    [[ $(natter_ctl list --json | jq -r '.[] | .name + "=" + .reach' | paste -sd' ') == "$1" ]] &&
        [[ $(jq -r '.mappings[] | .name + "=" + .reach' "$LAB_DIR/status.json" | paste -sd' ') == "$1" ]] &&
        [[ $(natter_ctl show web) == *"reach: "*"$(natter_field web reach)"* ]]
}

# expect_reach "web=... ssh=... game=... vpn=..."
expect_reach() {
    lab_wait 15 reach_is "$1" || { natter_trouble && return 1; }
}

# Nothing more comes by itself: states, and what was to be found out about open ones (a mapping of another
# program's TCP port has nothing to find out).
has_settled() {
    local name
    # With jq -e its version would decide what it is if natterd does not answer yet.
    [[ $(natter_ctl list --json | jq 'all(.[]; .state == "open" or .state == "backoff")') == true ]] || return
    for name in $(natter_ctl list --json | jq -r '.[] | select(.state == "open" and .name != "ssh") | .name'); do
        grep -q " $name: from outside: " "$LAB_DIR/natterd.log" || return
    done
}

# situation NAT-TYPE COMMAND...: in the background, in a lab of that type with all servers.
situation() {
    (
        set -e
        trap natter_down EXIT
        lab_up "$1"
        lab_servers
        "${@:2}"
    ) >"$BATS_TEST_TMPDIR/situation-${#situations[@]}" 2>&1 3>&- 4>&- &
    situations+=("$!")
}

# All of them must come out well.
await_situations() {
    local i result=0
    for i in "${!situations[@]}"; do
        wait "${situations[i]}" && continue
        echo "situation $i:" && cat "$BATS_TEST_TMPDIR/situation-$i"
        result=1
    done
    return "$result"
}

# start_and_expect PAIRS [REACH]: with the four mappings.
start_and_expect() {
    four_mappings
    natter_start
    lab_wait 15 has_settled
    expect_messages "$1"
    [[ ! ${2:-} ]] || expect_reach "$2"
}

without_port_sharing() {
    four_mappings
    lab_spawn "$LAB_HOST" natterd "$NATTER_BUILD/tests/no_reuseport" "$NATTER_BUILD/natterd" -f -c "$LAB_DIR/natter.cfg"
    lab_wait 15 has_settled
    expect_messages "ssh no-reuse,vpn no-reuse,web no-reuse"
    natter_is game state open # what is relayed over UDP needs none
}

without_stun() {
    lab_stop_server coturn
    lab_stop_server stund
    start_and_expect "game no-stun,ssh no-stun,vpn no-stun,web no-stun"
    [[ $(natter_field web error) == *"Tried 2: 203.0.113.10:3478 connection refused, 203.0.113.11:3479 connection refused" ]]
}

# The first packet of every flow to one server of each protocol is lost: with the answers of the other one alone,
# this NAT would look like any other.
with_a_loss() {
    lab_in "$LAB_CARRIER" nft -f - <<'END'
table ip lossy {
    set met {
        type inet_service . ipv4_addr
        flags dynamic
        timeout 1h
    }
    chain onward {
        type filter hook forward priority 0;
        ip daddr { 203.0.113.20, 203.0.113.11 } th sport . ip daddr @met accept
        ip daddr 203.0.113.20 udp dport 3478 add @met { th sport . ip daddr } drop
        ip daddr 203.0.113.11 tcp dport 3479 add @met { th sport . ip daddr } drop
    }
}
END
    start_and_expect "$1"
    run ! grep ": open at" "$LAB_DIR/natterd.log"
}

# One of two servers refuses to be asked again.
with_a_refusal() {
    lab_in "$LAB_INET" nft -f - <<'END'
table ip fussy {
    set met {
        type ipv4_addr
        flags dynamic
        timeout 60s
    }
    chain in {
        type filter hook input priority 0;
        ip daddr 203.0.113.11 tcp dport 3479 tcp flags & (syn | ack) == syn ip saddr @met reject with tcp reset
        ip daddr 203.0.113.11 tcp dport 3479 tcp flags & (syn | ack) == syn add @met { ip saddr }
    }
}
END
    four_mappings
    sed -i '/"ssh"/d' "$LAB_DIR/natter.cfg"
    natter_start
    lab_wait 5 grep -q "web: probing -> backoff" "$LAB_DIR/natterd.log"
    # Up to there: in the next round this server keeps silent, and nobody contradicts the other one.
    sed '/web: probing -> backoff/q' "$LAB_DIR/natterd.log" >"$LAB_DIR/first"
    grep "web: probing -> backoff: STUN servers disagree, .* cannot tell .* sees 203.0.113.254:.* sees 203.0.113.254:" "$LAB_DIR/first"
    run ! grep "web: open at" "$LAB_DIR/first"
}

# another_way_out SERVER...: to these, this machine has another address of its own.
another_way_out() {
    local server
    ip -n "$LAB_HOST" address add 192.168.77.102/24 dev eth0
    for server in "$@"; do
        ip -n "$LAB_HOST" route add "$server/32" via 192.168.77.1 src 192.168.77.102
    done
}

with_two_ways_out() {
    another_way_out 203.0.113.11 203.0.113.20
    start_and_expect "" "web=reachable ssh=unknown game=reachable vpn=reachable"
    # Some seconds later the other server is asked alone; its word is looked at, and the address stands.
    run ! grep -E "symmetric|(info|warning|error): .*another address|open at .* \(was" "$LAB_DIR/natterd.log"
}

# The web server that is asked first is on another way than the STUN servers; the next one is not.
with_a_web_server_astray() {
    another_way_out 203.0.113.30
    start_and_expect "" "web=reachable ssh=unknown game=reachable vpn=reachable"
}

paused_often() {
    (($(grep -c "$1: .* -> backoff" "$LAB_DIR/natterd.log") >= 4))
}

# All are: no connection could hold open what the STUN servers see.
with_all_web_servers_astray() {
    another_way_out 203.0.113.30 203.0.113.31
    four_mappings
    natter_start
    natter_open game
    lab_wait 20 paused_often web
    lab_wait 5 natter_is web state backoff
    [[ $(natter_field web error) == *"begin at different addresses of this machine: please bind the mapping to one of them. STUN: 192.168.77.2, 203.0.113.3"?": 192.168.77.102." ]]
    (($(grep -c "web: connecting -> probing" "$LAB_DIR/natterd.log") < 20))
    run ! grep -E "(web|ssh): open at" "$LAB_DIR/natterd.log"
    # With that advice it opens.
    natter_stop
    sed -i 's/0.0.0.0:8081/192.168.77.2:8081/' "$LAB_DIR/natter.cfg"
    natter_start
    natter_open web 10
}

# Its web servers close each connection after one answer, which ends no pause before its time.
with_closing_web_servers() {
    four_mappings
    natter_start
    lab_wait 30 paused_often web
    grep -q "closes the connection after its answer" "$LAB_DIR/natterd.log"
    run ! grep -E "backoff -> connecting: keep-alive server" "$LAB_DIR/natterd.log"
}

without_an_answer() {
    lab_in "$LAB_INET" nft "add table ip quiet; add chain ip quiet in { type filter hook input priority 0; }; add rule ip quiet in ip daddr 203.0.113.41 drop"
    four_mappings '"203.0.113.41"' '"203.0.113.41", "203.0.113.41:3479"'
    natter_start
    lab_wait 8 natter_is web error "no answer yet from 1 STUN server"
    lab_wait 8 natter_is game error "no answer yet from 2 STUN servers"
    natter_is web state probing
    run ! grep -E "(info|warning): (web|game): |probing.*no IPv4 address" "$LAB_DIR/natterd.log"
}

@test "each message appears in the situation that it describes, and in no other" {
    situation fullcone start_and_expect "" "web=reachable ssh=unknown game=reachable vpn=reachable"
    situation symmetric start_and_expect "game symmetric-udp,ssh symmetric-tcp,vpn symmetric-udp,web symmetric-tcp"
    situation symmetric-address start_and_expect "game symmetric-udp,ssh symmetric-tcp,vpn symmetric-udp,web symmetric-tcp"
    situation udpcone-tcpsym start_and_expect "ssh symmetric-tcp,web symmetric-tcp" \
        "web=unknown ssh=unknown game=reachable vpn=reachable"
    situation tcpcone-udpsym start_and_expect "game symmetric-udp,vpn symmetric-udp" \
        "web=reachable ssh=unknown game=unknown vpn=unknown"
    situation open start_and_expect "game no-nat,ssh no-nat,vpn no-nat,web no-nat" \
        "web=unknown ssh=unknown game=reachable vpn=reachable"
    situation fullcone without_port_sharing
    situation fullcone without_stun
    situation symmetric with_a_loss "game symmetric-udp,ssh symmetric-tcp,vpn symmetric-udp,web symmetric-tcp"
    situation symmetric with_a_refusal
    situation fullcone with_two_ways_out
    situation fullcone with_a_web_server_astray
    situation fullcone with_all_web_servers_astray
    LAB_KEEPALIVE_REQUESTS=1 situation symmetric with_closing_web_servers
    situation fullcone without_an_answer
    await_situations
}

# has_addresses COUNT: so many mappings of the status file, which is written a moment later than natterctl shows the same.
has_addresses() {
    [[ $(jq -r '[.mappings[].outer | select(. != "")] | length' "$LAB_DIR/status.json") == "$1" ]]
}

@test "a NAT that becomes symmetric takes the addresses back, and nothing false is published; full cone again, it heals" {
    lab_up fullcone
    lab_servers
    four_mappings
    natter_start
    for name in web ssh game vpn; do
        natter_open "$name"
    done
    lab_wait 2 has_addresses 4
    lab_nat symmetric
    lab_wait 20 has_addresses 0
    [[ $(natter_field web error) == "You cannot perform TCP hole punching"*" sees 203.0.113.254:"*" sees 203.0.113.254:"* ]]
    run ! grep -E ": open at .* \(was" "$LAB_DIR/natterd.log"
    lab_nat fullcone
    for name in web ssh game vpn; do
        natter_open "$name" 40
    done
    nothing_is_said() {
        [[ ! $(said_in_list) && ! $(said_in_status) ]]
    }
    lab_wait 2 nothing_is_said
}

witness() {
    lab_spawn "$LAB_INET" "witness-$1" "$NATTER_BUILD/tests/witness" "$@"
    lab_wait 5 lab_listening "$LAB_INET" tcp "$1"
}

@test "a STUN server that lies, alone among three, changes nothing" {
    lab_up fullcone
    lab_servers
    witness 203.0.113.40:3478 198.51.100.7:9999
    four_mappings '"203.0.113.40", "203.0.113.10", "203.0.113.11:3479"' '"203.0.113.40", "203.0.113.10", "203.0.113.20"'
    natter_start
    for _ in 1 2 3; do
        for name in web ssh game vpn; do
            [[ $(natter_open "$name" 20) == "$(lab_wan)":1???? ]]
        done
        before=$(natter_ctl list --json | jq -r '.[].outer')
        lab_forget
        all_new() {
            ! natter_ctl list --json | jq -r '.[].outer' | grep -qxF "$before"
        }
        lab_wait 20 all_new
    done
    lab_wait 15 has_settled
    expect_messages ""
    run ! grep "198.51.100.7" "$LAB_DIR/natterd.log"
}

proved_often() {
    (($(grep -c "$1: from outside: reachable" "$LAB_DIR/natterd.log") >= 6))
}

@test "a STUN server that begins to lie, one of two, takes no address away that lets somebody in" {
    lab_up fullcone
    lab_servers
    lab_web "$LAB_LAN" 192.168.77.3:80 "inside page"
    four_mappings '"203.0.113.10", "203.0.113.40"' '"203.0.113.10", "203.0.113.40"'
    natter_start
    web=$(natter_open web)
    game=$(natter_open game)
    lab_wait 15 has_settled
    witness 203.0.113.40:3478 198.51.100.7:9999
    ip -n "$LAB_HOST" address add 192.168.77.103/24 dev eth0
    # Longer than an address stands that no test has proved again. The TCP mapping's own connections, which
    # go on, vouch for its address.
    lab_wait 30 proved_often game
    natter_is game state degraded
    natter_is web state open
    natter_is web outer "$web"
    natter_is game outer "$game"
    [[ $(natter_fetch "$web") == "inside page" ]]
    lab_end witness-203.0.113.40:3478
    [[ $(natter_open web 30) == "$web" && $(natter_open game 30) == "$game" ]]
    run ! grep -E "(web|game): (open at .*was|.*-> backoff)" "$LAB_DIR/natterd.log"
}

# That strangers are kept out is known after a whole schedule of questions.
kept_out() {
    four_mappings
    natter_start
    for name in web ssh game vpn; do
        natter_open "$name"
    done
    expect_reach "web=unknown ssh=unknown game=unknown vpn=unknown"
    expect_messages "game kept-out" 60
    expect_reach "web=unknown ssh=unknown game=unreachable vpn=unknown"
}

looked_again() {
    (($(grep -c "game: STUN server .* answered" "$LAB_DIR/natterd.log") > $1))
}

# An address more of this machine, and what follows from it.
change_network() {
    local looks
    looks=$(grep -c "game: STUN server .* answered" "$LAB_DIR/natterd.log")
    ip -n "$LAB_HOST" address add "192.168.77.$1/24" dev eth0
    lab_wait 10 looked_again "$looks"
}

# The test takes longer than the network ever stays the same.
kept_out_in_a_restless_network() {
    local n
    four_mappings
    natter_start
    natter_open game
    for n in {101..125}; do
        change_network "$n"
        ! lab_wait 2 all_say "game kept-out" || break
    done
    expect_messages "game kept-out"
    change_network 130
    natter_is game reach unreachable
    [[ $(grep -c "info: game: Nobody gets in" "$LAB_DIR/natterd.log") == 1 ]]
}

kept_out_without_nat() {
    four_mappings
    natter_start
    expect_messages "game no-nat,ssh no-nat,vpn no-nat,web no-nat"
    expect_messages "game kept-out,game no-nat,ssh no-nat,vpn no-nat,web no-nat" 60
    expect_reach "web=unknown ssh=unknown game=unreachable vpn=unknown"
}

# With these servers no answer can come from a stranger.
nobody_tells() {
    four_mappings "${@:2}"
    natter_start
    lab_wait 15 has_settled
    expect_reach "$1"
    run ! grep -E "from outside: unreachable" "$LAB_DIR/natterd.log"
    expect_messages ""
}

without_alternate() {
    witness 203.0.113.40:3478
    witness 203.0.113.41:3478
    nobody_tells "$1" '"203.0.113.40", "203.0.113.41"' '"203.0.113.40", "203.0.113.41"'
}

# They answer, but whatever they are asked for they do from where they were asked.
deaf_to_changes() {
    witness 203.0.113.40:3478 - 203.0.113.41:3479
    witness 203.0.113.41:3479
    four_mappings '"203.0.113.40"' '"203.0.113.40"'
    natter_start
    lab_wait 60 has_settled
    expect_reach "web=reachable ssh=unknown game=reachable vpn=unknown"
    expect_messages ""
}

without_udp() {
    four_mappings
    natter_start
    natter_open web
    expect_messages "game no-stun,vpn no-stun" 60
    [[ $(natter_field game error) == *"Tried 2: 203.0.113.20:3478 no answer, 203.0.113.10:3478 no answer" ]]
}

@test "reach: unreachable only if a stranger was kept out, reachable only if something came in, else unknown" {
    situation restricted kept_out
    situation portrestricted kept_out
    situation portrestricted kept_out_in_a_restless_network
    situation symmetric-firewall kept_out_without_nat
    situation udp-blocked without_udp
    # v0.9 called this a full cone: each server's alternate address is the other one, to which the port wrote too.
    situation restricted nobody_tells "web=unknown ssh=unknown game=unknown vpn=unknown" \
        '"203.0.113.10", "203.0.113.11"' '"203.0.113.10", "203.0.113.11"'
    situation restricted without_alternate "web=unknown ssh=unknown game=unknown vpn=unknown"
    # The alternate address is silent whoever lets in whom.
    situation fullcone deaf_to_changes
    situation fullcone without_alternate "web=reachable ssh=unknown game=reachable vpn=unknown"
    await_situations
}

@test "the probe of the outer address never shows up at the target, and clients come through meanwhile" {
    lab_up fullcone
    lab_servers
    lab_web "$LAB_LAN" 192.168.77.3:80 "inside page"
    lab_spawn "$LAB_LAN" sink socat -u UDP-RECV:7777 "CREATE:$LAB_DIR/sink.out"
    lab_wait 5 lab_listening "$LAB_LAN" udp 0.0.0.0:7777
    four_mappings
    natter_start
    outer=$(natter_open web)
    probes() {
        (($(grep -c "web: from outside: reachable" "$LAB_DIR/natterd.log") >= $1)) &&
            (($(grep -c "game: from outside: reachable" "$LAB_DIR/natterd.log") >= $1))
    }
    lab_wait 15 probes 1
    for n in 2 3; do
        # Every mapping looks again when this machine's addresses change.
        lab_in "$LAB_HOST" ip address add "192.168.77.10$n/24" dev eth0
        for _ in {1..10}; do
            [[ $(natter_fetch "$outer") == "inside page" ]]
        done
        lab_wait 15 probes "$n"
    done
    # The target writes a line when the client has its page already.
    counted() {
        [[ $(wc -l <"$LAB_DIR/web-192.168.77.3:80.d/access.log") == 20 ]] && natter_is web connections_total 20
    }
    lab_wait 3 counted
    [[ ! -s $LAB_DIR/sink.out ]]
    natter_is game connections_total 0
}
