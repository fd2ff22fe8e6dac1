#!/usr/bin/env bats
# SPDX-License-Identifier: ISC
#
# What happens to this machine's own network, and how soon mappings look again.

# shellcheck source-path=SCRIPTDIR source=helper.bash
source "$BATS_TEST_DIRNAME/helper.bash"
bats_require_minimum_version 1.5.0

config_both() {
    natter_config <<END
$(natter_lab_servers)
mappings = (
    { name = "web"; protocol = "tcp"; bind = "0.0.0.0:8081"; target = "192.168.77.3:80"; },
    { name = "game"; protocol = "udp"; bind = "0.0.0.0:8082"; target = "192.168.77.3:2456"; } );
END
}

looks() {
    grep -c "natterd: the network changed: looking again" "$LAB_DIR/natterd.log" || :
}

looked_since() {
    (($(looks) > $1))
}

# As long as it takes until the kernel has done what it does with a new link: then the log is quiet.
settle() {
    begin=$SECONDS
    lab_wait 5 settled
}

settled() {
    ((SECONDS > begin + 2))
}

@test "a line that is dialled again is noticed at once when it goes and when it is back" {
    local before
    config_both
    natter_start_in_quiet
    natter_open web
    natter_open game
    settle
    for _ in 1 2; do
        before=$(looks)
        ip -n "$LAB_HOST" address del 192.168.77.2/24 dev eth0
        lab_wait 3 looked_since "$before"
        before=$(looks)
        ip -n "$LAB_HOST" address add 192.168.77.2/24 dev eth0
        ip -n "$LAB_HOST" route add default via 192.168.77.1
        lab_wait 3 looked_since "$before"
    done
    natter_open web 10
    natter_open game 10
}

# As an IPv6 router's announcements and a DHCP server do.
@test "an address that is only prolonged, again and again, makes nobody look" {
    local before
    config_both
    natter_start_in_quiet
    natter_open web
    settle
    before=$(looks)
    prolonged_for_long() {
        ip -n "$LAB_HOST" address change 192.168.77.2/24 dev eth0 valid_lft "$((3600 + SECONDS))" preferred_lft 3600
        settled
    }
    begin=$SECONDS
    lab_wait 5 prolonged_for_long
    (($(looks) == before))
    ip -n "$LAB_HOST" address add 192.168.77.99/24 dev eth0
    lab_wait 3 looked_since "$before"
}

was_asked_in_vain() {
    (($(grep -c "game: probing -> backoff" "$LAB_DIR/natterd.log") >= $1))
}

@test "UDP: while there is no way out nothing is held or believed, and afterwards it is open again" {
    natter_config <<END
$(natter_lab_servers)
keep_alive_interval = 1;
mappings = ( { name = "game"; protocol = "udp"; bind = "0.0.0.0:8082"; target = "192.168.77.3:2456"; } );
END
    natter_start
    natter_open game
    lab_no_network
    lab_wait 12 was_asked_in_vain 3
    lab_in "$LAB_HOST" ip route replace default via 192.168.77.1
    natter_open game
    run ! grep -E "malformed|restarting" "$LAB_DIR/natterd.log"
}
