# SPDX-License-Identifier: ISC
# shellcheck shell=bash
#
# What a diagnosis has to tell apart from a NAT that lets nobody in: a transparent proxy at the innermost
# router, and a host without a way out. Sourced by lab.bash, whose names it uses. Each proxy is an nft table
# of its own that comes before the NAT's.

# lab_proxy tcp|udp: from now on servers of the lab answer in place of all that the hosts speak to, whether it
# is there or not: TCP ports 80 and 3478 through a program on the router, or UDP port 3478 by translation.
lab_proxy() {
    case $1 in
    tcp)
        lab__proxy_program 80 203.0.113.30:80 &&
            lab__proxy_program 3478 203.0.113.10:3478
        ;;
    udp)
        lab__proxy_take udp "udp dport 3478 dnat to 203.0.113.10:3478" &&
            lab__proxy_forget
        ;;
    *)
        lab__say "no proxy for '$1'"
        return 1
        ;;
    esac
}

# lab_proxy_end: no proxy is left, nor a connection through one.
lab_proxy_end() {
    local port pid
    lab_in "$(lab__innermost)" nft -f - <<'END'
table ip lab_proxy_tcp
delete table ip lab_proxy_tcp
table ip lab_proxy_udp
delete table ip lab_proxy_udp
END
    lab__proxy_forget
    for port in 80 3478; do
        [[ -e $LAB_DIR/proxy$port.pid ]] || continue
        pid=$(<"$LAB_DIR/proxy$port.pid")
        # Its children too, one for each connection.
        kill -TERM -- "-$pid" && lab_end "proxy$port" || return
    done
}

# lab_no_network: the inner host loses its default route.
lab_no_network() {
    ip -n "$LAB_HOST" route del default
}

lab__innermost() {
    echo "${LAB_HOME:-$LAB_CARRIER}"
}

# lab__proxy_program PORT SERVER: takes this TCP port away and connects to the server instead.
lab__proxy_program() {
    local router own=$((7000 + $1))
    router=$(lab__innermost)
    lab_spawn "$router" "proxy$1" socat "TCP4-LISTEN:$own,bind=192.168.77.1,reuseaddr,fork" "TCP4:$2" &&
        lab_wait 2 lab_listening "$router" tcp "192.168.77.1:$own" &&
        lab__proxy_take tcp "tcp dport $1 redirect to :$own"
}

# lab__proxy_take TABLE RULE
lab__proxy_take() {
    lab_in "$(lab__innermost)" nft -f - <<END
table ip lab_proxy_$1 {
    chain inward {
        type nat hook prerouting priority dstnat - 1; policy accept;
        iifname "lan" ip daddr != 192.168.77.0/24 $2
    }
}
END
}

# A datagram of a flow that the kernel remembers would go on where it went before.
lab__proxy_forget() {
    lab_in "$(lab__innermost)" conntrack -D -p udp --orig-port-dst 3478 >/dev/null 2>&1 || :
}
