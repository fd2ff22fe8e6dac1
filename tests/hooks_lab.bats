#!/usr/bin/env bats
# SPDX-License-Identifier: ISC
#
# Ready hooks in the lab: dynamic updates of a real BIND, and hooks that natterd runs itself.

# In jq's programs the variables are jq's.
# shellcheck disable=SC2016

# shellcheck source-path=SCRIPTDIR source=hooks_ready.bash
source "$BATS_TEST_DIRNAME/hooks_ready.bash"
bats_require_minimum_version 1.5.0

# use_nsupdate RECORDS: a real BIND in the lab, with the zone example.com at port 5300 of the inner host's loopback. The
# program is a copy, because a host's AppArmor may keep the one in its place from reading what a test wrote.
use_nsupdate() {
    lab_up fullcone
    under=(ip netns exec "$LAB_HOST")
    cp /usr/sbin/named "$LAB_DIR/named"
    tsig-keygen natter >"$folder/key"
    cat >"$LAB_DIR/example.com" <<END
\$TTL 60
@ SOA ns hostmaster 1 3600 600 86400 5
@ NS ns
ns A 127.0.0.1
other A 192.0.2.1
END
    cat "$folder/key" - >"$LAB_DIR/named.conf" <<END
options { directory "$LAB_DIR"; listen-on port 5300 { 127.0.0.1; }; listen-on-v6 { none; }; pid-file none;
    session-keyfile none; recursion no; dnssec-validation no; notify no; };
controls { };
zone "example.com" { type primary; file "example.com"; update-policy { grant natter zonesub ANY; }; };
END
    lab_spawn "$LAB_HOST" named "$LAB_DIR/named" -g -n 1 -c "$LAB_DIR/named.conf"
    lab_wait 10 zone_has 192.0.2.1 other.example.com A
    settings nsupdate.conf <<END
NSUPDATE_KEY_FILE=$folder/key
NSUPDATE_SERVER=127.0.0.1
NSUPDATE_PORT=5300
NSUPDATE_ZONE=example.com
DNS_NAME=home.example.com
DNS_RECORDS="$1"
DNS_SERVICE=_minecraft
END
}

# natterd with the hook, which asks for events.
natter_with_nsupdate() {
    lab_servers
    natter_config <<END
$(natter_lab_servers)
mappings = ( { name = "web"; protocol = "tcp"; bind = "0.0.0.0:8081"; target = "192.168.77.3:80";
    hook = "$hooks/nsupdate $folder/nsupdate.conf {event}"; } );
END
    natter_start
}

# zone_has TEXT NAME TYPE: is this, and nothing else, what BIND answers?
zone_has() {
    local got
    got=$(lab_in "$LAB_HOST" dig +short @127.0.0.1 -p 5300 "$2" "$3")
    [[ $got == "$1" ]] || { echo "$2 $3: $got" && return 1; }
}

@test "nsupdate: a real BIND's zone has the records, then others, then none" {
    use_nsupdate "A SRV HTTPS IP4P"
    for shell in dash busybox; do
        with $shell
        for address in 203.0.113.9 203.0.113.7; do
            run -0 hook nsupdate "$folder/nsupdate.conf"
            [[ $output == "A SRV HTTPS IP4P of home.example.com: $address port $port" ]]
            zone_has "$address" home.example.com A
        done
        zone_has "0 0 $port home.example.com." _minecraft._tcp.home.example.com SRV
        zone_has "1 . alpn=\"h2,http/1.1\" port=$port ipv4hint=203.0.113.7" home.example.com HTTPS
        zone_has "$(ip4p)" home.example.com AAAA
        event=down address='' hook nsupdate "$folder/nsupdate.conf" down
        for type in A AAAA HTTPS; do
            zone_has "" home.example.com $type
        done
        zone_has "" _minecraft._tcp.home.example.com SRV
    done
    zone_has 192.0.2.1 other.example.com A
}

@test "nsupdate: what is wrong is said" {
    use_nsupdate A
    for shell in dash busybox; do
        with $shell
        tsig-keygen natter >"$folder/wrong"
        sed "s,^NSUPDATE_KEY_FILE=.*,NSUPDATE_KEY_FILE=$folder/wrong," "$folder/nsupdate.conf" >"$folder/wrong.conf"
        refused 2 "NOTAUTH(BADSIG); are NSUPDATE_KEY_FILE" hook nsupdate "$folder/wrong.conf"
        { cat "$folder/nsupdate.conf" && echo "DNS_NAME=home.elsewhere.org"; } >"$folder/wrong.conf"
        refused 2 "NOTZONE; is DNS_NAME in" hook nsupdate "$folder/wrong.conf"
        { cat "$folder/nsupdate.conf" && echo "NSUPDATE_KEY_FILE=''"; } >"$folder/wrong.conf"
        refused 2 "REFUSED; are NSUPDATE_KEY_FILE" hook nsupdate "$folder/wrong.conf"
    done
    lab_end named
    refused 1 "127.0.0.1 did not take the update: ; Communication with 127.0.0.1#5300 failed" hook nsupdate "$folder/nsupdate.conf"
}

@test "nsupdate as natterd's hook: the zone follows the outer address" {
    use_nsupdate "A SRV"
    natter_with_nsupdate
    outer=$(natter_open web)
    published() {
        zone_has "${outer%:*}" home.example.com A && zone_has "0 0 ${outer#*:} home.example.com." _minecraft._tcp.home.example.com SRV
    }
    lab_wait 5 published
    lab_readdress 203.0.113.253
    moved() {
        outer=$(natter_field web outer) && [[ $outer == 203.0.113.253:* ]] && published
    }
    lab_wait 40 moved
}

@test "nsupdate as natterd's hook, with {event}: the records, IP4P among them, are gone when natterd ends" {
    use_nsupdate "A SRV IP4P"
    natter_with_nsupdate
    outer=$(natter_open web)
    lab_wait 5 zone_has "${outer%:*}" home.example.com A
    zone_has "$(natter_field web ip4p)" home.example.com AAAA
    natter_stop
    zone_has "" home.example.com A
    zone_has "" home.example.com AAAA
    zone_has "" _minecraft._tcp.home.example.com SRV
}

# The README's example. Nothing is relayed: the packet filter takes what comes in to the port that the client was given.
@test "transmission as natterd's hook, with a redirection: a peer from outside reaches it" {
    lab_up fullcone
    lab_servers
    lab_spawn "$LAB_HOST" standin /usr/bin/python3 "$BATS_TEST_DIRNAME/hooks_standin.py" "$folder"
    lab_wait 10 test -s "$folder/port"
    use_transmission
    natter_config <<END
$(natter_lab_servers)
mappings = ( { name = "torrent"; protocol = "tcp"; bind = "51413";
    hook = "$hooks/transmission $folder/transmission.conf && nft 'add table ip torrent; delete table ip torrent; "
        "table ip torrent { chain inward { type nat hook prerouting priority dstnat; "
        "tcp dport {inner_port} redirect to :{outer_port}; }; }'"; } );
END
    natter_start
    outer=$(natter_open torrent)
    port=${outer#*:}
    lab_wait 5 lab_in "$LAB_HOST" nft list table ip torrent
    state '.session["peer-port"] == $port'
    lab_web "$LAB_HOST" "192.168.77.2:$port" "a peer's page"
    [[ $(natter_fetch "$outer") == "a peer's page" ]]
}
