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
    lab_spawn "$LAB_LAN" echo "$NATTER_BUILD/tests/datagrams" echo 192.168.77.3:7777
    lab_wait 5 lab_listening "$LAB_LAN" udp 192.168.77.3:7777
}

# The line is dialled: the host has this address and a way out.
dial() {
    ip -n "$LAB_HOST" address add "$1/24" dev eth0
    ip -n "$LAB_HOST" route replace default via 192.168.77.1
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
    lab_wait $((2 * ${NATTER_SLOW:-1})) changed web "$web"
    lab_wait $((2 * ${NATTER_SLOW:-1})) changed game "$game"
    lab_wait $((2 * ${NATTER_SLOW:-1})) natter_is open inner 192.168.77.50:8083
    web_serves
    game_serves
    lab_wait 2 grep -qx "open 192.168.77.50:8083" "$LAB_DIR/hooks.log"
    jq -e '.mappings[2] | .inner == "192.168.77.50:8083" and .bind == "192.168.77.2:8083"' "$LAB_DIR/status.json"
    [[ $(grep -c "web: 192.168.77.2 is gone from eth0: until it is back, 192.168.77.50 is used" "$LAB_DIR/natterd.log") == 1 ]]
    lab_wait 2 not_bound_to 192.168.77.2 8081
    lab_wait 2 not_bound_to 192.168.77.2 8082

    # The other one stays as well.
    web=$(natter_field web outer)
    game=$(natter_field game outer)
    dial 192.168.77.2
    lab_wait $((2 * ${NATTER_SLOW:-1})) changed web "$web"
    lab_wait $((2 * ${NATTER_SLOW:-1})) changed game "$game"
    lab_wait $((2 * ${NATTER_SLOW:-1})) natter_is open inner 192.168.77.2:8083
    web_serves
    game_serves
    logged "web: 192.168.77.2 is back and used again"
    lab_wait 2 not_bound_to 192.168.77.50 8081
    lab_wait 2 not_bound_to 192.168.77.50 8082
    run ! grep "malformed" "$LAB_DIR/natterd.log"
    [[ $(natter_field web restarts) == 0 && $(natter_field game restarts) == 0 ]]
}

@test "a line without any address for a while: out of reach is said, and it opens as soon as there is one" {
    targets
    config "$WEB" "$GAME"
    natter_start
    natter_open web
    natter_open game
    for next in 50 51 2; do
        ip -n "$LAB_HOST" address flush dev eth0
        lab_wait $((2 * ${NATTER_SLOW:-1})) natter_is web state backoff
        lab_wait $((2 * ${NATTER_SLOW:-1})) natter_is game state backoff
        [[ ! $(natter_field web outer) && ! $(natter_field game outer) ]]
        [[ $(natter_field web error) == *"this machine does not have the address now"* ]]
        dial 192.168.77.$next
        natter_open web $((2 * ${NATTER_SLOW:-1}))
        natter_open game $((2 * ${NATTER_SLOW:-1}))
        web_serves
        game_serves
        bound_to 192.168.77.$next 8081
    done
    [[ $(natter_field web restarts) == 0 && $(natter_field game restarts) == 0 ]]
}

@test "the same address is back at once: clients' connections go on" {
    config '{ name = "web"; protocol = "tcp"; bind = "192.168.77.2:8081"; target = "192.168.77.3:7777"; }'
    lab_spawn "$LAB_LAN" echo "$NATTER_BUILD/tests/connections" echo 192.168.77.3:7777
    lab_wait 5 lab_listening "$LAB_LAN" tcp 192.168.77.3:7777
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
    lab_wait $((2 * ${NATTER_SLOW:-1})) changed web "$web"
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
    lab_wait 2 logged "192.168.77.99 is gone from eth0: until it is back, 192.168.77.2 is used"
    natter_open web 5
    bound_to 192.168.77.2 8081
}
