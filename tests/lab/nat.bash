# SPDX-License-Identifier: ISC
# shellcheck shell=bash
#
# The lab's NATs: lab_nat_rules prints the nft ruleset of a NAT type, and nothing here touches the
# kernel. A type is a pair of behaviours, one for TCP and one for UDP (lab_nat_behaviour), so mixed
# types are lines of a table and no rulesets of their own. A router has two interfaces, "wan" and "lan".
# Cones are made by the kernel too: the chain "learn" notes which outside port a connection was given,
# in sets with a lifetime, and later connections in either direction are translated by those notes.

# All types, for loops over them.
# shellcheck disable=SC2034
LAB_NAT_TYPES=(open fullcone restricted portrestricted portrestricted-remap symmetric-address symmetric
    symmetric-firewall udp-blocked tcpcone-udpsym udpcone-tcpsym)

# lab_nat_behaviour TYPE PROTOCOL: what a router of this type does with tcp or udp; fails if there is no such type.
lab_nat_behaviour() {
    case $1/$2 in
    fullcone/* | tcpcone-udpsym/tcp | udpcone-tcpsym/udp | udp-blocked/tcp) echo cone ;;
    symmetric/* | tcpcone-udpsym/udp | udpcone-tcpsym/tcp) echo symmetric ;;
    restricted/*) echo restricted ;;
    portrestricted/*) echo keep ;;
    portrestricted-remap/*) echo remap ;;
    symmetric-address/*) echo by-address ;;
    symmetric-firewall/*) echo firewall ;;
    udp-blocked/udp) echo blocked ;;
    open/*) echo routed ;;
    *)
        echo "lab: no NAT type '$1'" >&2
        return 1
        ;;
    esac
}

# lab_nat_routed TYPE: does it leave addresses alone, so that the outside needs a route back?
lab_nat_routed() {
    [[ $1 == open || $1 == symmetric-firewall ]]
}

# lab_nat_rules TYPE WAN_ADDRESS PORTS: the ruleset, one table that replaces its predecessor in one step.
# PORTS is the range of outside ports. Lifetimes: LAB_TCP_TIMEOUT and LAB_UDP_TIMEOUT, whole seconds.
# What comes for an address that the router had before is lost: sent on, it would be translated and learned.
lab_nat_rules() {
    local tcp udp
    tcp=$(lab_nat_behaviour "$1" tcp) && udp=$(lab_nat_behaviour "$1" udp) || return
    cat <<END
table ip lab_nat
delete table ip lab_nat
table ip lab_nat {
$(lab__nat_memory tcp "$tcp" "$LAB_TCP_TIMEOUT")
$(lab__nat_memory udp "$udp" "$LAB_UDP_TIMEOUT")
    chain inward {
        type nat hook prerouting priority dstnat; policy accept;
$(lab__nat_inward tcp "$tcp" "$2")
$(lab__nat_inward udp "$udp" "$2")
    }
    chain outward {
        type nat hook postrouting priority srcnat; policy accept;
$(lab__nat_outward tcp "$tcp" "$3")
$(lab__nat_outward udp "$udp" "$3")
$(lab_nat_routed "$1" || echo '        oifname "wan" meta l4proto icmp masquerade')
        ip saddr { 100.64.0.0/10, 192.168.77.0/24 } oifname "lan" ct status dnat masquerade
    }
    chain learn {
        type filter hook postrouting priority srcnat + 10; policy accept;
$(lab__nat_learn tcp "$tcp")
$(lab__nat_learn udp "$udp")
    }
    chain guard {
        type filter hook forward priority filter; policy accept;
        iifname "wan" oifname "wan" drop
$(lab__nat_guard tcp "$tcp")
$(lab__nat_guard udp "$udp")
    }
}
END
}

# in_*: outside port -> inside endpoint. out_*: inside endpoint (and peer) -> outside endpoint.
# met_*: peer and the outside port from which it was written to; only restricted asks.
lab__nat_memory() {
    local life="flags dynamic,timeout; timeout ${3}s; size 65535;" endpoint="ipv4_addr . inet_service"
    case $2 in
    cone | restricted)
        echo "    map in_$1 { type inet_service : $endpoint; $life }"
        echo "    map out_$1 { type $endpoint : $endpoint; $life }"
        ;;
    by-address) echo "    map out_$1 { type $endpoint . ipv4_addr : $endpoint; $life }" ;;
    esac
    [[ $2 != restricted ]] || echo "    set met_$1 { type $endpoint; $life }"
}

lab__nat_inward() {
    case $2 in
    cone) echo "        ip daddr $3 dnat ip to $1 dport map @in_$1" ;;
    restricted) echo "        ip daddr $3 ip saddr . $1 dport @met_$1 dnat ip to $1 dport map @in_$1" ;;
    esac
}

# Without a word like "random" the kernel itself keeps to one outside port per inside endpoint.
lab__nat_outward() {
    local wan='        oifname "wan"'
    case $2 in
    cone | restricted) echo "$wan snat ip to ip saddr . $1 sport map @out_$1" ;;
    by-address) echo "$wan snat ip to ip saddr . $1 sport . ip daddr map @out_$1" ;;
    esac
    case $2 in
    cone | restricted | by-address) echo "$wan meta l4proto $1 masquerade to :$3 random" ;;
    symmetric) echo "$wan meta l4proto $1 masquerade to :$3 fully-random" ;;
    remap) echo "$wan meta l4proto $1 masquerade to :$3" ;;
    keep) echo "$wan meta l4proto $1 masquerade" ;;
    esac
}

# A connection from inside (original, snat) teaches; the answers to one from outside (reply, dnat) only
# refresh, unless LAB_INBOUND_REFRESH=0. The status keeps out the router's own packets.
lab__nat_learn() {
    local way inside match
    for way in "original snat" "reply dnat"; do
        inside="ct ${way% *} ip saddr . ct ${way% *} proto-src"
        # nft knows the type of proto-src only after the protocol was matched.
        match="        oifname \"wan\" meta l4proto $1 ct direction ${way% *} ct status ${way#* }"
        [[ $way == original* || $LAB_INBOUND_REFRESH == 1 ]] || continue
        case $2 in
        cone | restricted)
            echo "$match update @in_$1 { $1 sport : $inside }"
            echo "$match update @out_$1 { $inside : ip saddr . $1 sport }"
            ;;
        by-address) echo "$match update @out_$1 { $inside . ip daddr : ip saddr . $1 sport }" ;;
        esac
        [[ $2 != restricted ]] || echo "$match update @met_$1 { ip daddr . $1 sport }"
    done
}

lab__nat_guard() {
    case $2 in
    firewall) echo "        iifname \"wan\" meta l4proto $1 ct state != { established, related } drop" ;;
    blocked) echo "        meta l4proto $1 drop" ;;
    esac
}
