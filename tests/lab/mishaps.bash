# SPDX-License-Identifier: ISC
# shellcheck shell=bash
#
# What happens to a port that is kept open, besides what the carrier does: servers fall silent, this machine's
# own address changes. And the outside client that watches without helping. Sourced by lab.bash, whose names it uses.

# lab_silence ADDRESS...: nothing comes from these outside addresses any more, and what is sent to them is
# lost beyond the carrier, whose NAT remembers it. Nobody is told of it. Replaces an earlier lab_silence.
lab_silence() {
    local addresses
    printf -v addresses '%s, ' "$@"
    lab__carrier_drop silence "iifname wan ip saddr { ${addresses%, } }" &&
        lab_in "$LAB_INET" nft -f - <<END
table ip lab_silence
delete table ip lab_silence
table ip lab_silence {
    chain inward {
        type filter hook input priority filter; policy accept;
        ip daddr { ${addresses%, } } drop
    }
}
END
}

lab_silence_end() {
    lab_in "$LAB_INET" nft "table ip lab_silence; delete table ip lab_silence" &&
        lab__carrier_pass silence
}

# lab_redial ADDRESS [SECONDS]: the inner host loses its address, with it its routes, and after that time (0 by
# default) has this one of 192.168.77.0/24 and the default route again.
lab_redial() {
    ip -n "$LAB_HOST" address flush dev eth0 &&
        sleep "${2:-0}" &&
        ip -n "$LAB_HOST" -batch - <<END
address add $1/24 dev eth0
route add default via 192.168.77.1
END
}

# lab_link_down [SECONDS]: the inner host's cable is pulled out and, after that time (0 by default), put in again. Its
# address stays; the default route is gone with the link, and made again.
lab_link_down() {
    ip -n "$LAB_HOST" link set eth0 down &&
        sleep "${1:-0}" &&
        ip -n "$LAB_HOST" -batch - <<END
link set eth0 up
route add default via 192.168.77.1
END
}

# lab_watcher ADDRESS: with this outside address nobody inside begins anything; it is answered only. So whatever
# is left of its connections when a NAT has forgotten them teaches the NAT nothing.
lab_watcher() {
    lab__carrier_drop watcher "iifname lan ip daddr $1 ct direction original"
}
