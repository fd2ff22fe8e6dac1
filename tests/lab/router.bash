# SPDX-License-Identifier: ISC
# shellcheck shell=bash
#
# What a router at home does besides its NAT, to help its owner: forwarded ports and a DMZ host. Sourced by
# lab.bash, whose names it uses. Each thing is an nft table of its own beside the NAT's, so the two never
# know of each other, and reloading the NAT leaves these alone.

# lab_forward tcp|udp PORT ADDRESS[:PORT]: the home router passes on what comes in at this port of its outside.
lab_forward() {
    lab__home_inward forward dstnat "$1 dport $2 dnat to $3"
}

# lab_dmz ADDRESS: the home router passes everything on that comes in and that it does not forward elsewhere.
lab_dmz() {
    lab__home_inward dmz "dstnat + 1" "meta l4proto { tcp, udp } dnat to $1"
}

# lab__home_inward TABLE PRIORITY RULE: one rule more for new connections that come in.
lab__home_inward() {
    [[ $LAB_HOME ]] || { lab__say "there is no home router: give lab_up two types" && return 1; }
    lab_in "$LAB_HOME" nft -f - <<END
table ip lab_$1 {
    chain inward {
        type nat hook prerouting priority $2; policy accept;
        iifname "wan" $3
    }
}
END
}
