#!/usr/bin/env bats
# SPDX-License-Identifier: ISC
#
# What stands in the way of using the mapped port again: an address that is gone, connections that the kernel or a
# server still remembers, and other programs.

# shellcheck source-path=SCRIPTDIR source=helper.bash
source "$BATS_TEST_DIRNAME/helper.bash"
bats_require_minimum_version 1.5.0

WEB='{ name = "web"; protocol = "tcp"; bind = "192.168.77.2:8081"; target = "192.168.77.3:80"; }'
GAME='{ name = "game"; protocol = "udp"; bind = "192.168.77.2:8082"; target = "192.168.77.3:7777"; }'
OPEN='{ name = "open"; protocol = "udp"; bind = "192.168.77.2:8083"; }'

# config MAPPING...: with every lab server.
config() {
    natter_config <<END
$(natter_lab_servers)
status_report = { status_file = "$LAB_DIR/status.json"; hook = "echo {name} {inner_ip}:{inner_port} >>$LAB_DIR/hooks.log"; };
mappings = ( $(IFS=,; echo "$*") );
END
}

targets() {
    lab_web "$LAB_LAN" 192.168.77.3:80 "inside page"
    natter_echo "$LAB_LAN" udp 192.168.77.3:7777
}

# The line is dialled: the host has this address and a way out. Both at once: of looks at many changes of the network
# natterd puts off the seventh.
dial() {
    ip -n "$LAB_HOST" -batch - <<END
address replace $1/24 dev eth0
route replace default via 192.168.77.1
END
}

hang_up() {
    ip -n "$LAB_HOST" address del "$1/24" dev eth0
}

logged() {
    grep -qF "$1" "$LAB_DIR/natterd.log"
}

# Sockets of the host with this address and port, but for those that only the kernel remembers.
bound_to() {
    [[ $(lab_in "$LAB_HOST" ss -Hanut exclude time-wait "src $1:$2") ]]
}

not_bound_to() {
    ! bound_to "$@"
}

# What an outside client sends to the present outer address arrives.
web_serves() {
    [[ $(natter_fetch "$(natter_field web outer)") == "inside page" ]]
}

game_serves() {
    lab_in "$LAB_INET" timeout 5 "$NATTER_BUILD/tests/datagrams" send "$(natter_field game outer)" 10 203.0.113.40
}

# changed NAME OLD: open at another address than that.
changed() {
    natter_is "$1" state open && [[ $(natter_field "$1" outer) != "$2" ]]
}

@test "a line that is dialled again has another address: every mapping opens there, and returns to its own when that is back" {
    local web game
    targets
    config "$WEB" "$GAME" "$OPEN"
    natter_start
    web=$(natter_open web)
    game=$(natter_open game)
    natter_open open
    [[ $(natter_field open inner) == 192.168.77.2:8083 ]]
    hang_up 192.168.77.2
    dial 192.168.77.50
    lab_wait 4 changed web "$web"
    lab_wait 4 changed game "$game"
    lab_wait 4 natter_is open inner 192.168.77.50:8083
    web_serves
    game_serves
    lab_wait 4 grep -qx "open 192.168.77.50:8083" "$LAB_DIR/hooks.log"
    lab_wait 4 jq -e '.mappings[2] | .inner == "192.168.77.50:8083" and .bind == "192.168.77.2:8083"' "$LAB_DIR/status.json"
    [[ $(grep -c "web: 192.168.77.2 is gone from eth0: until it is back, 192.168.77.50 is used" "$LAB_DIR/natterd.log") == 1 ]]
    lab_wait 4 not_bound_to 192.168.77.2 8081
    lab_wait 4 not_bound_to 192.168.77.2 8082

    # The other one stays as well.
    web=$(natter_field web outer)
    game=$(natter_field game outer)
    dial 192.168.77.2
    lab_wait 4 changed web "$web"
    lab_wait 4 changed game "$game"
    lab_wait 4 natter_is open inner 192.168.77.2:8083
    web_serves
    game_serves
    logged "web: 192.168.77.2 is back and used again"
    lab_wait 4 not_bound_to 192.168.77.50 8081
    lab_wait 4 not_bound_to 192.168.77.50 8082
    run ! grep "malformed" "$LAB_DIR/natterd.log"
    [[ $(natter_field web restarts) == 0 && $(natter_field game restarts) == 0 ]]
}

@test "a line without any address for a while: out of reach is said, and it opens as soon as there is one" {
    targets
    config "$WEB" "$GAME"
    natter_start_in_quiet
    natter_open web
    natter_open game
    # natterd has six looks at changes at once, and then one in five seconds. Each change takes one, and two if it is
    # in two halves.
    patience() {
        echo $(($(grep -c "the network changed" "$LAB_DIR/natterd.log") < 5 ? 3 : 8))
    }
    for next in 50 51 2; do
        patience=$(patience)
        ip -n "$LAB_HOST" address flush dev eth0
        lab_wait "$patience" natter_is web state backoff
        lab_wait 3 natter_is game state backoff
        [[ ! $(natter_field web outer) && ! $(natter_field game outer) ]]
        [[ $(natter_field web error) == *"this machine does not have the address now"* ]]
        patience=$(patience)
        dial 192.168.77.$next
        natter_open web "$patience"
        natter_open game 3
        web_serves
        game_serves
        bound_to 192.168.77.$next 8081
    done
    [[ $(natter_field web restarts) == 0 && $(natter_field game restarts) == 0 ]]
}

@test "the same address is back at once: clients' connections go on" {
    config '{ name = "web"; protocol = "tcp"; bind = "192.168.77.2:8081"; target = "192.168.77.3:7777"; }'
    natter_echo "$LAB_LAN" tcp 192.168.77.3:7777
    natter_start
    outer=$(natter_open web)
    lab_spawn "$LAB_INET" client socat "TCP:$outer,bind=203.0.113.40" "EXEC:sleep 60"
    lab_wait 5 natter_is web connections 1
    # Each look ends with an answer.
    looked() {
        awk '/looking again/ { looked = 1 } looked && /STUN server .* answered/ { found = 1 } END { exit !found }' \
            "$LAB_DIR/natterd.log"
    }
    hang_up 192.168.77.2
    dial 192.168.77.2
    lab_wait 5 looked
    natter_is web connections 1
}

keep_alives() {
    lab_in "$LAB_HOST" ss -Htn state established "src 192.168.77.50:8081 and dport = :80" | awk '{ print $3, $4 }' | sort
}

@test "a worker dies while another address stands in: the next one takes its sockets over" {
    targets
    config "$WEB"
    natter_start
    web=$(natter_open web)
    hang_up 192.168.77.2
    dial 192.168.77.50
    lab_wait 4 changed web "$web"
    outer=$(natter_field web outer)
    before=$(keep_alives)
    kill -9 "$(natter_field web pid)"
    lab_wait 5 natter_is web restarts 1
    [[ $(natter_open web) == "$outer" ]]
    web_serves
    [[ $before && ! $(comm -23 <(echo "$before") <(keep_alives)) ]]
}

@test "two mappings with one port on two addresses never share the one that is left" {
    targets
    ip -n "$LAB_HOST" address add 192.168.77.60/24 dev eth0
    config "$WEB" '{ name = "other"; protocol = "tcp"; bind = "192.168.77.60:8081"; target = "192.168.77.3:80"; }'
    natter_start
    natter_open web
    natter_open other
    ip -n "$LAB_HOST" address flush dev eth0
    dial 192.168.77.60
    natter_open other 5
    in_use() {
        [[ $(natter_field web error) == "cannot serve 192.168.77.2:8081: Address already in use" ]]
    }
    lab_wait 5 in_use
    natter_is web state backoff
}

@test "an address that this machine never had is a mistake, and said to be one; one that came later is known from then on" {
    config '{ name = "web"; protocol = "tcp"; bind = "192.168.77.99:8081"; target = "192.168.77.3:80"; }'
    natter_start
    lab_wait 5 natter_is web state backoff
    [[ $(natter_field web error) == "cannot serve 192.168.77.99:8081: this machine does not have the address now; if it never has, please correct bind" ]]
    not_bound_to 192.168.77.2 8081
    dial 192.168.77.99
    natter_open web 5
    hang_up 192.168.77.99
    lab_wait 4 logged "192.168.77.99 is gone from eth0: until it is back, 192.168.77.2 is used"
    natter_open web 5
    bound_to 192.168.77.2 8081
}

# --- Connections that the kernel or a server still remembers ---

# config_web KEEP_ALIVE: the mapping "web" on port 8081, held by these servers alone.
config_web() {
    natter_config <<END
$(natter_lab_servers | grep -v keep_alive)
keep_alive = [ $1 ];
mappings = ( { name = "web"; protocol = "tcp"; bind = "0.0.0.0:8081"; target = "192.168.77.3:80"; } );
END
}

server_timestamps() {
    lab_in "$LAB_INET" sysctl -qw net.ipv4.tcp_timestamps="$1"
}

# The host's connections in this state from the mapped port to a web server.
in_state() {
    [[ $(lab_in "$LAB_HOST" ss -Htn state "$1" "sport = :8081 and dst ${2:-203.0.113.30}:80") ]]
}

# A predecessor on the mapped port, which knows nothing of resets: predecessor COMMAND.
predecessor() {
    lab_spawn "$LAB_HOST" predecessor socat "TCP:203.0.113.30:80,sourceport=8081,reuseaddr" "$1"
    lab_wait 5 in_state "$2"
}

# Something that the host sent to the web server is not acknowledged.
unacknowledged() {
    lab_in "$LAB_HOST" ss -Htn state established "sport = :8081 and dport = :80" | awk '$2 > 0 { n++ } END { exit !n }'
}

# The server has a connection of which the host knows nothing.
half_open() {
    [[ $(lab_in "$LAB_INET" ss -Htn state established "sport = :80") &&
        ! $(lab_in "$LAB_HOST" ss -Htan "sport = :8081 and dport = :80") ]]
}

kill_natterd() {
    local pid
    pid=$(natter_pid)
    kill -9 "$pid"
    lab_wait 5 lab_gone "$pid"
}

# What each of these tests is about: natterd starts and has the same port again at once, that is before TIME_WAIT (60 s)
# or a longer pause could have passed. A server with a half-open connection first asks what the SYN is about
# (RFC 5961); the next SYN comes after a second.
same_port_at_once() {
    natter_start
    [[ $(natter_open web 4) == "$1" ]]
    natter_stop
}

@test "natterd restarts after the web server closed its connection: the same port at once, with timestamps and without" {
    lab_stop_server nginx30
    LAB_KEEPALIVE_REQUESTS=1 lab_start_server nginx30
    config_web '"203.0.113.30"'
    for timestamps in 1 0; do
        server_timestamps $timestamps
        natter_start
        outer=$(natter_open web)
        lab_wait 10 logged "closes the connection after its answer"
        natter_stop
        same_port_at_once "$outer"
    done
}

@test "TIME_WAIT towards the only web server, with timestamps: the connection is made at once" {
    config_web '"203.0.113.30"'
    predecessor "OPEN:/dev/null" time-wait
    natter_start
    natter_open web 4
}

@test "TIME_WAIT towards a web server without timestamps: the other one holds the mapping at once" {
    server_timestamps 0
    config_web '"203.0.113.30", "203.0.113.31"'
    predecessor "OPEN:/dev/null" time-wait
    natter_start
    natter_open web 4
    in_state established 203.0.113.31
    logged "an older connection to it that has not ended yet"
    in_state time-wait
}

# orphan: a connection whose program is gone, with data that the server does not acknowledge.
orphan() {
    predecessor "SYSTEM:sleep 1000" established
    lab_in "$LAB_INET" nft "add table ip silent; add chain ip silent in { type filter hook input priority 0; };
        add rule ip silent in ip daddr 203.0.113.30 drop"
    lab_end predecessor
    lab_wait 5 in_state fin-wait-1
}

@test "an orphan in FIN_WAIT1 towards a silent web server: the other one holds the mapping at once" {
    config_web '"203.0.113.30", "203.0.113.31"'
    orphan
    natter_start
    natter_open web 4
    in_state established 203.0.113.31
    in_state fin-wait-1
}

@test "an orphan in FIN_WAIT1 towards the only web server: the mapping opens as soon as it has ended" {
    config_web '"203.0.113.30"'
    orphan
    natter_start
    # The tries do not become rarer, as they cost nothing.
    tried() {
        (($(grep -c "connecting -> backoff: .*an older connection to it that has not ended yet" "$LAB_DIR/natterd.log") >= 5))
    }
    lab_wait 10 tried
    natter_is web outer ""
    ended() {
        ! in_state fin-wait-1
    }
    lab_in "$LAB_INET" nft delete table ip silent
    lab_wait 30 ended
    natter_open web 4
}

die_with_a_request_on_its_way() {
    lab_wait 10 unacknowledged
    kill_natterd
}

# ends_in_outage COMMAND: which ends natterd, and the server does not hear of it.
ends_in_outage() {
    config_web '"203.0.113.30"'
    answered() {
        (($(grep -c HEAD "$LAB_DIR/nginx30.d/access.log") > asked))
    }
    for timestamps in 1 0; do
        server_timestamps $timestamps
        asked=$(grep -c HEAD "$LAB_DIR/nginx30.d/access.log" || :)
        natter_start
        outer=$(natter_open web)
        lab_wait 10 answered
        lab_loss 100
        "$1"
        lab_wait 2 half_open
        lab_loss 0
        same_port_at_once "$outer"
    done
}

@test "natterd is killed in an outage with a request on its way: the same port at once, although the server has the old connection" {
    # Such a server is asked every 2 s, before a silent connection is given up.
    lab_stop_server nginx30
    LAB_KEEPALIVE_TIMEOUT="75s 3s" lab_start_server nginx30
    ends_in_outage die_with_a_request_on_its_way
}

@test "natterd ends in an outage: the same port at once, although the server has the old connection" {
    ends_in_outage natter_stop
}

@test "a UDP client that was there before the re-dial goes on with its first datagram" {
    natter_config <<END
$(natter_lab_servers)
forward_port = { udp = [ "192.168.77.3:7777" ]; };
END
    natter_echo "$LAB_LAN" udp 192.168.77.3:7777
    natter_start
    echoed() {
        lab_in "$LAB_INET" timeout 20 "$NATTER_BUILD/tests/datagrams" send "$1" 1 203.0.113.40:5555
    }
    outer=$(natter_open udp-192.168.77.3-7777)
    echoed "$outer"
    lab_redial 192.168.77.9 0
    moved() {
        natter_is udp-192.168.77.3-7777 state open && [[ $(natter_field udp-192.168.77.3-7777 outer) != "$outer" ]]
    }
    lab_wait 5 moved
    echoed "$(natter_field udp-192.168.77.3-7777 outer)"
}

# --- Ports that another program has ---

# thief ADDRESS: a program of the host that listens there and shares with nobody.
thief() {
    lab_spawn "$LAB_HOST" thief socat "TCP-LISTEN:${1#*:},bind=${1%:*}" STDOUT
    lab_wait 5 lab_listening "$LAB_HOST" tcp "$1"
}

@test "another program has the port that natterd chose: said at once, and after half a minute there is another port, remembered" {
    targets
    config '{ name = "web"; protocol = "tcp"; bind = "192.168.77.2"; target = "192.168.77.3:80"; }'
    natter_start
    natter_open web
    old=$(natter_field web bind)
    old=${old##*:}
    # Nobody can take the port while natterd has it, but on another address.
    ip -n "$LAB_HOST" address add 192.168.77.50/24 dev eth0
    thief "192.168.77.50:$old"
    hang_up 192.168.77.2
    dial 192.168.77.50
    lab_wait 5 logged "web: socat (process $(<"$LAB_DIR/thief.pid")) has tcp port 192.168.77.50:$old: if it has it for 30 seconds, another port is chosen"
    lab_wait 5 natter_is web state backoff
    [[ $(natter_field web bind) == "192.168.77.2:$old" ]]
    lab_wait 90 logged "web: port $old has been taken for 30 seconds: port "
    natter_open web 5
    web_serves
    new=$(natter_field web bind)
    new=${new##*:}
    [[ $new != "$old" && $(<"$LAB_DIR/state/ports") == "tcp web $new" ]]
    logged "web: port $old has been taken for 30 seconds: port $new is used from now on"
    run ! grep malformed "$LAB_DIR/natterd.log"
}

@test "another program has the port of natter.cfg: it is named, the port stays, and opens when it is free" {
    targets
    config "$WEB"
    thief 192.168.77.2:8081
    natter_start
    lab_wait 5 natter_is web state backoff
    logged "web: socat (process $(<"$LAB_DIR/thief.pid")) has tcp port 192.168.77.2:8081: end it, or choose another port in natter.cfg"
    [[ $(natter_field web error) == "cannot serve 192.168.77.2:8081: Address already in use" ]]
    lab_end thief
    natter_open web 20
    [[ $(grep -c "socat (process" "$LAB_DIR/natterd.log") == 1 ]]
    [[ $(natter_field web bind) == 192.168.77.2:8081 ]]
}
