#!/usr/bin/env bats
# SPDX-License-Identifier: ISC
#
# The README's two ways to deploy natterd, with two NATs in a row: the carrier's is full cone, the router at
# home a plain Linux one that masquerades and lets nobody in. The tests use the README's own configurations,
# rules and commands, in which they only put the lab's addresses.

# shellcheck source-path=SCRIPTDIR source=helper.bash
source "$BATS_TEST_DIRNAME/helper.bash"
bats_require_minimum_version 1.5.0

setup() {
    lab_need_root
    lab_up fullcone portrestricted
    lab_servers
}

# readme HEADING LANGUAGE: the block of this language under the heading.
readme() {
    awk -v heading="### $1" -v fence="\`\`\`$2" '
        /^##/ { under = $0 == heading }
        inside && /^```$/ { exit }
        inside
        under && $0 == fence { inside = 1 }' "$TESTS/../README.md" | sed 's/192\.168\.1\.10/192.168.77.3/g'
}

# With a sign of life every second, so that natterd soon sees what the carrier forgot.
config_impatient() {
    natter_config <<END
$(natter_lab_servers)
keep_alive_interval = 1;
$(cat)
END
}

game_server() {
    natter_echo "$LAB_LAN" udp 192.168.77.3:27015 game
}

play() {
    lab_in "$LAB_INET" "$NATTER_BUILD/tests/datagrams" send "$1" 200 203.0.113.40
}

# changed NAME OUTER: another address than this one is known.
changed() {
    natter_is "$1" state open && [[ $(natter_field "$1" outer) != "$2" ]]
}

# leaves_from PROTOCOL PORT SERVER: the carrier sees natterd's traffic to this server come from the port itself.
leaves_from() {
    lab_in "$LAB_CARRIER" conntrack -L -p "$1" --orig-src 100.64.0.2 --orig-port-src "$2" 2>/dev/null |
        grep -q "dst=$3 "
}

# --- On the router itself ---

# As on many a router: nothing new from outside, neither for itself nor for those behind it.
router_firewall() {
    lab_in "$LAB_HOME" nft -f - <<'END'
table inet filter {
    chain input {
        type filter hook input priority filter; policy accept;
        iifname "wan" ct state new reject
    }
    chain forward {
        type filter hook forward priority filter; policy accept;
        iifname "wan" ct state new reject
    }
}
END
}

# on_the_router <<END: natterd with this configuration, behind the router's firewall.
on_the_router() {
    router_firewall
    config_impatient
    NATTER_PLACE=$LAB_HOME natter_start
}

load_readme_rules() {
    readme "On the router itself" nft >"$LAB_DIR/natter.nft"
    readme "On the router itself" sh | sed "s,/etc/,$LAB_DIR/," >"$LAB_DIR/load.sh"
    lab_in "$LAB_HOME" sh -e "$LAB_DIR/load.sh"
}

# The client went inside through the rules, and no server that natterd speaks with did. (UDP: a server's second
# address, which answers as a stranger, may go in as strangers do.)
only_strangers_went_in() {
    local translated
    translated=$(lab_in "$LAB_HOME" conntrack -L --dst-nat -p "$1" 2>/dev/null | grep -o ' src=[0-9.]*' | sort -u)
    grep -qx ' src=203.0.113.40' <<<"$translated"
    run ! grep -xE ' src=203.0.113.(10|20|30|31)' <<<"$translated"
}

@test "on the router itself, TCP: DNAT takes clients to the machine inside, natterd's own traffic stays its own" {
    lab_web "$LAB_LAN" 192.168.77.3:443 "inside page"
    readme "On the router itself" conf | on_the_router
    outer=$(natter_open tcp-0.0.0.0-8443)
    run ! natter_fetch "$outer"
    load_readme_rules
    [[ $(natter_fetch "$outer") == "inside page" ]]
    [[ $(natter_fetch "$outer" me) == 203.0.113.40:* ]]
    # The next connections to all servers are made with the rules in place.
    lab_forget
    lab_wait 20 changed tcp-0.0.0.0-8443 "$outer"
    [[ $(natter_fetch "$(natter_field tcp-0.0.0.0-8443 outer)" me) == 203.0.113.40:* ]]
    lab_wait 5 leaves_from tcp 8443 203.0.113.3[01]
    only_strangers_went_in tcp
}

# Asked until it is: a datagram may be lost.
told_who_it_is() {
    [[ $(echo who am I | lab_in "$LAB_INET" socat -t 0.5 - "UDP4:$1,bind=203.0.113.40") == 203.0.113.40 ]]
}

@test "on the router itself, UDP: DNAT takes clients to the machine inside, natterd's own traffic stays its own" {
    game_server
    readme "On the router itself" conf | on_the_router
    outer=$(natter_open udp-0.0.0.0-27015)
    run ! play "$outer"
    load_readme_rules
    play "$outer"
    lab_forget
    lab_wait 20 changed udp-0.0.0.0-27015 "$outer"
    outer=$(natter_field udp-0.0.0.0-27015 outer)
    play "$outer"
    lab_wait 5 leaves_from udp 27015 203.0.113.[12]0
    only_strangers_went_in udp
    # shellcheck disable=SC2016
    lab_end game && lab_spawn "$LAB_LAN" teller socat UDP4-RECVFROM:27015,fork SYSTEM:'echo $SOCAT_PEERADDR'
    lab_wait 5 told_who_it_is "$outer"
}

@test "on the router itself: open_port with the address of the outside interface works as well" {
    lab_web "$LAB_LAN" 192.168.77.3:443 "inside page"
    on_the_router <<<'open_port = { tcp = [ "100.64.0.2:8443" ]; };'
    load_readme_rules
    [[ $(natter_fetch "$(natter_open tcp-100.64.0.2-8443)" me) == 203.0.113.40:* ]]
}

# --- On a machine behind the router ---

# behind_the_router <<END: natterd with this configuration, and what it relays to, here and next to it.
behind_the_router() {
    lab_web "$LAB_HOST" 127.0.0.1:443 "inside page"
    game_server
    config_impatient
    natter_start
}

@test "behind a router that forwards the ports: clients get in, TCP and UDP, also after the carrier forgot" {
    readme "On a machine behind the router" conf | behind_the_router
    tcp=$(natter_open web) udp=$(natter_open game)
    run ! natter_fetch "$tcp"
    run ! play "$udp"
    lab_forward tcp 8443 192.168.77.2:8443
    lab_forward udp 27015 192.168.77.2
    [[ $(natter_fetch "$tcp") == "inside page" ]]
    play "$udp"
    lab_forget
    lab_wait 20 changed web "$tcp"
    lab_wait 20 changed game "$udp"
    [[ $(natter_fetch "$(natter_field web outer)") == "inside page" ]]
    play "$(natter_field game outer)"
    lab_wait 5 leaves_from tcp 8443 203.0.113.3[01]
    lab_wait 5 leaves_from udp 27015 203.0.113.[12]0
    # A neighbour takes the same way: out to the carrier and back in.
    [[ $(lab_in "$LAB_LAN" curl -sS -m 5 "http://$(natter_field web outer)/") == "inside page" ]]
}

@test "behind a router with a DMZ host: clients get in at ports that natterd chose, TCP and UDP" {
    behind_the_router <<'END'
forward_port = { tcp = [ "127.0.0.1:443" ]; udp = [ "192.168.77.3:27015" ]; };
END
    tcp=$(natter_open tcp-127.0.0.1-443) udp=$(natter_open udp-192.168.77.3-27015)
    run ! natter_fetch "$tcp"
    run ! play "$udp"
    lab_dmz 192.168.77.2
    [[ $(natter_fetch "$tcp") == "inside page" ]]
    play "$udp"
}
