#!/usr/bin/env bats
# SPDX-License-Identifier: ISC
#
# The interval that is learned behind a NAT that forgets after 4 s and is refreshed from inside alone.

# shellcheck source-path=SCRIPTDIR source=helper.bash
source "$BATS_TEST_DIRNAME/helper.bash"

setup() {
    lab_need_root
    export LAB_UDP_TIMEOUT=4 LAB_INBOUND_REFRESH=0
    lab_up fullcone
    lab_servers
}

config_udp() {
    natter_config <<END
$(natter_lab_servers)
keep_alive_interval = $1;
mappings = ( { name = "game"; protocol = "udp"; bind = 5000; target = "192.168.77.3:7777"; } );
END
    natter_echo "$LAB_LAN" udp 192.168.77.3:7777
}

moved_from() {
    natter_is game state open && [[ $(natter_field game outer) != "$1" ]]
}

@test "UDP: a hole that is lost once makes the interval shorter than what the NAT bears, and no other is lost" {
    config_udp '[ 1, 6 ]'
    natter_start
    lost=$(natter_open game)
    natter_is game keep_alive_interval 6
    lab_wait 10 moved_from "$lost"
    outer=$(natter_field game outer) interval=$(natter_field game keep_alive_interval)
    ((interval >= 1 && interval <= 3))
    stands_for() {
        (($(date +%s) - $(natter_field game since) >= $1))
    }
    lab_wait 20 stands_for 12
    [[ $(natter_open game) == "$outer" ]]
    natter_is game keep_alive_interval "$interval"
    lab_in "$LAB_INET" "$NATTER_BUILD/tests/datagrams" send "$outer" 20 203.0.113.40
}

@test "UDP: an interval that is fixed stays as it is, whatever is lost" {
    config_udp 6
    natter_start
    first=$(natter_open game)
    lab_wait 10 moved_from "$first"
    second=$(natter_field game outer)
    lab_wait 10 moved_from "$second"
    natter_is game keep_alive_interval 6
}
