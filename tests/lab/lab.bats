#!/usr/bin/env bats
# SPDX-License-Identifier: ISC
#
# The lab tests itself, without natter's programs: is every NAT what its name says in the eyes of two STUN
# clients and of TCP, do the carrier's tricks work, is nothing left behind? The STUN clients need seconds
# to believe in silence, so all NAT types are surveyed at once, each in a lab of its own, while the
# other tests already run.

bats_require_minimum_version 1.5.0

setup_file() {
    load lab.bash
    [[ ! $(lab_obstacle) ]] || return 0 # setup will say so, test by test
    local type
    for type in "${LAB_NAT_TYPES[@]}"; do
        survey "$type" >"$BATS_FILE_TMPDIR/$type.running" 2>"$BATS_FILE_TMPDIR/$type.errors" </dev/null 3>&- 4>&- &
    done
}

teardown_file() {
    wait
}

setup() {
    load lab.bash
    lab_need_root
}

teardown() {
    lab_down
}

# survey TYPE: its findings, one a line.
survey() (
    trap lab_down EXIT
    set +e
    lab_up "$1" && lab_servers || return
    local seen clients
    seen=$(seen_from 30)
    echo "tcp: $(mapping_kind "$seen" "$(seen_from 31)"), reached from $(reached_by "$seen")"
    clients=$(
        lab_in "$LAB_HOST" timeout 10 stun 203.0.113.20 -p 5000
        lab_in "$LAB_HOST" timeout 10 turnutils_natdiscovery -m -f 203.0.113.10
    )
    sed -En 's/^Primary: (.*[^[:space:]])\s*$/stun: \1/p; s/^NAT with (.*)!$/turnutils: \1/p' <<<"$clients"
    mv "$BATS_FILE_TMPDIR/$1.running" "$BATS_FILE_TMPDIR/$1.survey"
)

# seen_from LAST: how nginx at 203.0.113.LAST sees TCP port 5000 of the host. HTTP/1.0, so that the server closes.
seen_from() {
    printf 'GET /me HTTP/1.0\r\n\r\n' |
        lab_in "$LAB_HOST" socat -t2 -T2 - "TCP4:203.0.113.$1:80,sourceport=5000,reuseaddr,connect-timeout=2" | tail -n 1
}

mapping_kind() {
    case $1/$2 in
    192.168.77.2:5000/192.168.77.2:5000) echo "untranslated" ;;
    203.0.113.254:5000/203.0.113.254:5000) echo "one mapping, same port" ;;
    203.0.113.254:1????/"$1") echo "one mapping" ;;
    203.0.113.254:1????/203.0.113.254:1????) echo "a mapping each" ;;
    *) echo "unexpected $1 $2" ;;
    esac
}

# reached_by OUTER: which outside addresses get through to a web server on the mapped port.
reached_by() {
    local last who=()
    lab_web "$LAB_HOST" 192.168.77.2:5000 "inside page"
    for last in 30 41; do
        ! page_from "$last" "$1" || who+=("$last")
    done
    echo "${who[*]:-nowhere}"
}

page_from() {
    [[ $(lab_in "$LAB_INET" curl -s -m 1 --interface "203.0.113.$1" "http://$2/") == "inside page" ]]
}

# surveyed TYPE: compares the findings with those on standard input.
surveyed() {
    if ! lab_wait 20 test -e "$BATS_FILE_TMPDIR/$1.survey"; then
        cat "$BATS_FILE_TMPDIR/$1.errors"
        return 1
    fi
    diff -u - "$BATS_FILE_TMPDIR/$1.survey"
}

remembers() {
    [[ $(lab_in "$LAB_CARRIER" nft list map ip lab_nat "$1") == *elements* ]]
}

forgotten() {
    ! remembers "$1"
}

@test "lab_forget: new outside port, the old one is dead" {
    lab_up fullcone
    lab_servers
    before=$(seen_from 30)
    lab_web "$LAB_HOST" 192.168.77.2:5000 "inside page"
    page_from 41 "$before"
    lab_end web-192.168.77.2:5000
    lab_forget 0.1
    after=$(seen_from 30)
    [[ $after == "$(lab_wan)":* && $after != "$before" ]]
    lab_web "$LAB_HOST" 192.168.77.2:5000 "inside page"
    page_from 41 "$after"
    run ! page_from 41 "$before"
}

@test "lab_readdress: new outside address, also twice and back" {
    lab_up fullcone
    lab_servers
    for address in 203.0.113.253 203.0.113.252 203.0.113.254; do
        lab_readdress "$address"
        [[ $(lab_wan) == "$address" && $(seen_from 30) == "$address":* ]]
    done
}

@test "lab_readdress: who still asks at the old address gets no answer and teaches the NAT nothing" {
    lab_up fullcone
    lab_servers
    page_from 41 203.0.113.254 || true # so that the way there is known
    lab_readdress 203.0.113.253
    run ! lab_in "$LAB_INET" curl -s -m 0.3 --interface 203.0.113.41 http://203.0.113.254:12345/
    forgotten in_tcp
    [[ $(seen_from 30) ]]
    remembers in_tcp
}

@test "lab_nat: swaps the type, routes included" {
    lab_up fullcone
    lab_servers
    for type in symmetric open portrestricted; do
        lab_nat "$type"
        kinds+=("$(mapping_kind "$(seen_from 30)" "$(seen_from 31)")")
    done
    [[ ${kinds[*]} == "a mapping each untranslated one mapping, same port" ]]
    [[ ! $(ip -n "$LAB_INET" route show proto static) ]]
    run ! lab_nat nonsense
    [[ $(seen_from 30) == 203.0.113.254:5000 ]]
}

@test "lab_loss: all packets, some, none" {
    lab_up fullcone
    lab_servers
    lab_loss 100
    run ! lab_in "$LAB_HOST" curl -s -m 0.3 http://203.0.113.30/
    lab_loss 50
    run lab_in "$LAB_HOST" ping -q -c 100 -i 0.002 -W 1 203.0.113.30
    received=$(sed -En 's/.* ([0-9]+) received.*/\1/p' <<<"$output")
    ((received > 5 && received < 60)) # a quarter survives both directions
    lab_loss 0
    lab_in "$LAB_HOST" ping -q -c 50 -i 0.002 -W 1 203.0.113.30 | grep ' 50 received'
}

@test "lab_loss: not with the address that is left out" {
    lab_up fullcone
    lab_servers
    lab_loss 100 203.0.113.30
    [[ $(seen_from 30) ]]
    run ! lab_in "$LAB_HOST" curl -s -m 0.3 http://203.0.113.31/
}

@test "lab_silence: no answer and no error from these alone, and the NAT still learns from what is sent to them" {
    lab_up fullcone
    lab_servers
    lab_silence 203.0.113.30 203.0.113.20
    run ! lab_in "$LAB_HOST" curl -s -m 0.3 http://203.0.113.30/
    [[ $status -eq 28 ]]
    run ! lab_in "$LAB_INET" curl -s -m 0.3 --interface 203.0.113.30 http://203.0.113.254/
    echo hello | lab_in "$LAB_HOST" socat -u - UDP4-SENDTO:203.0.113.20:3478,sourceport=5000
    lab_wait 1 remembers in_udp
    [[ $(seen_from 31) ]]
    lab_silence 203.0.113.31
    [[ $(seen_from 30) ]]
    lab_silence_end
    [[ $(seen_from 30) && $(seen_from 31) ]]
}

@test "lab_redial: another inside address, and no way out meanwhile" {
    lab_up fullcone
    lab_servers
    lab_redial 192.168.77.50 3 & # longer than it takes to look twice on a busy machine
    no_address() { ! ip -n "$LAB_HOST" -4 -brief address show dev eth0 | grep -q 192.168; }
    lab_wait 2 no_address
    run lab_in "$LAB_HOST" curl -s -m 2 http://203.0.113.30/
    [[ $status -eq 7 ]]
    wait
    [[ $(ip -n "$LAB_HOST" -4 -brief address show dev eth0) == *" 192.168.77.50/24"* ]]
    [[ $(seen_from 30) == 203.0.113.254:1???? ]]
}

@test "lab_watcher: it is answered, and nothing that is sent to it unasked gets through or is learned" {
    lab_up fullcone
    lab_servers
    lab_watcher 203.0.113.40
    seen=$(seen_from 30)
    lab_web "$LAB_HOST" 192.168.77.2:5000 "inside page"
    [[ $(lab_in "$LAB_INET" curl -s -m 1 --interface 203.0.113.40 "http://$seen/") == "inside page" ]]
    echo hello | lab_in "$LAB_HOST" socat -u - UDP4-SENDTO:203.0.113.40:9,sourceport=6000
    echo hello | lab_in "$LAB_HOST" socat -u - UDP4-SENDTO:203.0.113.41:9,sourceport=6001
    lab_wait 1 remembers in_udp
    [[ $(lab_in "$LAB_CARRIER" nft list map ip lab_nat in_udp) != *"192.168.77.2 . 6000"* ]]
}

@test "lifetimes: an idle mapping is forgotten, one in use is not" {
    LAB_TCP_TIMEOUT=2 LAB_UDP_TIMEOUT=2 lab_up fullcone
    lab_servers
    lab_spawn "$LAB_HOST" chatter bash -c 'while echo; do sleep 0.5; done | socat -u - UDP4-SENDTO:203.0.113.40:9'
    before=$(seen_from 30)
    remembers in_tcp
    lab_wait 1 remembers in_udp
    lab_wait 4 forgotten in_tcp
    remembers in_udp
    [[ $(seen_from 31) != "$before" ]]
}

@test "two NATs in a row: both translate, both let outsiders in" {
    lab_up fullcone restricted
    lab_servers
    seen=$(seen_from 30)
    [[ $seen == 203.0.113.254:1???? ]]
    lab_in "$LAB_CARRIER" conntrack -L -p tcp --src 100.64.0.2 2>/dev/null | grep -E ' sport=2[0-9]{4} '
    [[ $(reached_by "$seen") == 30 ]]
}

comes_in() {
    lab_in "$LAB_CARRIER" curl -s -m 1 "http://100.64.0.2:$1/"
}

# udp_echoes NAMESPACE ADDRESS:PORT: does a line come back at once? A busy machine may need more tries.
udp_echoes() {
    [[ $(echo "a line" | lab_in "$1" socat -t 0.5 - "UDP4:$2") == "a line" ]]
}

@test "lab_forward, lab_dmz: a plain home router lets in what it is told to, forwards before the DMZ host" {
    lab_up fullcone portrestricted
    lab_web "$LAB_HOST" 192.168.77.2:80 "host's page"
    lab_web "$LAB_LAN" 192.168.77.3:80 "neighbour's page"
    lab_spawn "$LAB_LAN" echo socat UDP4-RECVFROM:9000,fork PIPE
    lab_wait 2 lab_listening "$LAB_LAN" udp 0.0.0.0:9000
    lab_forward tcp 8080 192.168.77.2:80
    lab_forward udp 9001 192.168.77.3:9000
    [[ $(comes_in 8080) == "host's page" ]]
    lab_wait 5 udp_echoes "$LAB_CARRIER" 100.64.0.2:9001
    run ! comes_in 80
    run ! udp_echoes "$LAB_CARRIER" 100.64.0.2:9000
    lab_dmz 192.168.77.3
    [[ $(comes_in 80) == "neighbour's page" && $(comes_in 8080) == "host's page" ]]
    lab_wait 5 udp_echoes "$LAB_CARRIER" 100.64.0.2:9000
    LAB_HOME='' run lab_dmz 192.168.77.3
    [[ $status -eq 1 && $output == *"no home router"* ]]
}

@test "two routers, none of which translates" {
    lab_up open open
    lab_servers
    [[ $(seen_from 30) == 192.168.77.2:5000 ]]
}

@test "hairpin: the neighbour reaches the mapped port, /big arrives whole" {
    lab_up fullcone
    lab_servers
    seen=$(seen_from 30)
    LAB_BIG_MIB=3 lab_web "$LAB_HOST" 192.168.77.2:5000 "inside page"
    [[ $(lab_in "$LAB_LAN" curl -s -m 2 "http://$seen/") == "inside page" ]]
    lab_in "$LAB_LAN" curl -s -m 2 "http://$seen/big" | cmp - "$LAB_DIR/web-192.168.77.2:5000.d/page/big"
}

# outer_udp PORT: where the host's UDP port is reached from outside, once it has said something.
outer_udp() {
    echo hello | lab_in "$LAB_HOST" socat -u - "UDP4-SENDTO:203.0.113.40:9,sourceport=$1"
    lab_in "$LAB_CARRIER" nft list map ip lab_nat in_udp |
        sed -En "s/.*[ \t]([0-9]+) [^:]*: 192\.168\.77\.2 \. $1 .*/$(lab_wan):\1/p"
}

@test "hairpin: the host reaches its own mapped ports from other ports, TCP and UDP" {
    lab_up fullcone
    lab_servers
    seen=$(seen_from 30)
    lab_web "$LAB_HOST" 192.168.77.2:5000 "inside page"
    [[ $(lab_in "$LAB_HOST" curl -s -m 2 "http://$seen/") == "inside page" ]]
    outer=$(outer_udp 5000)
    lab_spawn "$LAB_HOST" echo socat UDP4-RECVFROM:5000,fork PIPE
    lab_wait 2 lab_listening "$LAB_HOST" udp 0.0.0.0:5000
    [[ $outer == "$(lab_wan)":1???? ]]
    lab_wait 5 udp_echoes "$LAB_HOST" "$outer"
}

# answers_stun tcp|udp ADDRESS: does a binding request get a success response (0101) there?
answers_stun() {
    [[ $(printf '\x00\x01\x00\x00\x21\x12\xa4\x42binding-test' |
        lab_in "$LAB_HOST" socat -t 0.5 - "${1^^}4:$2:3478" 2>/dev/null | od -An -tx1 -N2) == " 01 01" ]]
}

anybody_answers() {
    [[ $(lab_in "$LAB_HOST" curl -s -m 1 http://192.0.2.1/) == "keep-alive server nginx30" ]] &&
        answers_stun tcp 192.0.2.1
}

@test "lab_proxy: behind the innermost router everybody answers, whether there or not, until lab_proxy_end" {
    for types in "fullcone" "fullcone portrestricted"; do
        # shellcheck disable=SC2086
        lab_up $types
        lab_servers
        seen=$(seen_from 31)
        run ! anybody_answers
        lab_proxy tcp
        lab_wait 5 anybody_answers
        # A proxy's own port is seen, not the host's.
        [[ $(seen_from 31) != "$seen" ]]
        run ! answers_stun udp 192.0.2.1
        lab_proxy udp
        lab_wait 5 answers_stun udp 192.0.2.1
        lab_proxy_end
        run ! anybody_answers
        run ! answers_stun udp 192.0.2.1
        [[ $(seen_from 31) == "$seen" ]]
        lab_wait 5 answers_stun udp 203.0.113.20
        lab_down
    done
}

@test "lab_no_network: no way out" {
    lab_up fullcone
    lab_no_network
    run lab_in "$LAB_HOST" curl -s -m 2 http://203.0.113.30/
    [[ $status -eq 7 && ! $(ip -n "$LAB_HOST" route show default) ]]
}

# died_at TTL: the router that says to have ended a datagram with this time to live.
died_at() {
    lab_in "$LAB_HOST" nft -f - <<'END'
table ip watch
delete table ip watch
table ip watch {
    set routers { type ipv4_addr; flags dynamic; size 8; }
    chain in {
        type filter hook input priority filter;
        icmp type time-exceeded add @routers { ip saddr }
    }
}
END
    echo hello | lab_in "$LAB_HOST" socat -u - "UDP4-SENDTO:203.0.113.40:9,ttl=$1"
    lab_wait 2 router_spoke && lab_in "$LAB_HOST" nft list set ip watch routers | sed -n 's/.*elements = { \(.*\) }/\1/p'
}

router_spoke() {
    [[ $(lab_in "$LAB_HOST" nft list set ip watch routers) == *elements* ]]
}

@test "time to live: each router says where a datagram ended" {
    lab_up fullcone
    [[ $(died_at 1) == 192.168.77.1 ]]
    lab_down
    for home in portrestricted fullcone; do
        lab_up fullcone "$home"
        [[ $(died_at 1) == 192.168.77.1 && $(died_at 2) == 100.64.0.1 ]]
        lab_down
    done
}

@test "servers: stop, start with other settings" {
    lab_up open
    lab_servers
    for name in "${LAB_SERVERS[@]}"; do
        lab_stop_server "$name"
        [[ ! -e $LAB_DIR/$name.pid ]]
    done
    [[ ! $(lab_in "$LAB_INET" ss -Hlntu) ]]
    LAB_KEEPALIVE_REQUESTS=1 lab_start_server nginx30
    lab_start_server coturn
    lab_in "$LAB_HOST" curl -sI -m 2 http://203.0.113.30/ | grep -i '^connection: close'
    LAB_KEEPALIVE_AGE=1ms lab_start_server nginx31
    request='HEAD / HTTP/1.1\r\nHost: here\r\n\r\n'
    # shellcheck disable=SC2059
    { printf "$request" && sleep 0.1 && printf "$request"; } |
        lab_in "$LAB_HOST" socat -t 2 - TCP4:203.0.113.31:80 | grep -i '^connection: close'
    run ! lab_start_server nonsense
}

@test "processes: own session, log, end; a stubborn one is killed and reported" {
    lab_up open
    lab_spawn "$LAB_HOST" stubborn bash -c 'trap "" TERM; echo ready; while :; do sleep 0.05; done'
    lab_wait 2 grep ready "$LAB_DIR/stubborn.log"
    pid=$(<"$LAB_DIR/stubborn.pid")
    [[ $(ps -o sid= -p "$pid") -eq $pid ]]
    LAB_END_SECONDS=0.2 run lab_end stubborn
    [[ $status -eq 1 && $output == *"stubborn would not end"* ]]
    lab_gone "$pid"
    lab_spawn "$LAB_HOST" mild sleep 60
    lab_end "$LAB_DIR/mild.pid"
    echo $$ >"$LAB_DIR/stranger.pid" # not of this lab: must survive
    lab_end stranger
}

@test "lab_wait: says what did not come true" {
    run lab_wait 0.1 test a = b
    [[ $status -eq 1 && $output == "lab: not true within 0.1 s: test a = b" ]]
}

@test "lab_down: no namespace, process or folder remains; twice is once" {
    lab_up fullcone fullcone
    lab_servers
    dir=$LAB_DIR tag=${LAB_HOST%_host}
    mapfile -t pids < <(cat "$dir"/*.pid)
    ((${#pids[@]} == ${#LAB_SERVERS[@]}))
    lab_down
    for pid in "${pids[@]}"; do
        lab_gone "$pid"
    done
    [[ $(ip netns list) != *"$tag"* && ! -e $dir && ! ${LAB_DIR:-} ]]
    lab_down
}

@test "lab_down: after half a lab_up, and keeping the folder" {
    run ! lab_up fullcone nonsense
    export LAB_KEEP=1
    ! LAB_WAN=nonsense lab_up fullcone || false
    dir=$LAB_DIR tag=${LAB_HOST%_host}
    [[ $(ip netns list) == *"$tag"* ]]
    lab_down
    [[ $(ip netns list) != *"$tag"* && -d $dir ]]
    rmdir "$dir"
}

@test "lab_need_root: skips with a reason, fails when strict" {
    skip() { echo "skip: $*"; }
    lab_obstacle() { echo "it needs wings"; }
    NATTER_TEST_STRICT=0 run lab_need_root
    [[ $output == *"skip: no NAT lab: it needs wings"* ]]
    NATTER_TEST_STRICT=1 run lab_need_root
    [[ $status -eq 1 && $output == "lab: no NAT lab: it needs wings" ]]
}

@test "NAT type open" {
    surveyed open <<END
tcp: untranslated, reached from 30 41
stun: Open
turnutils: Endpoint Independent Mapping
turnutils: Endpoint Independent Filtering
END
}

@test "NAT type symmetric-firewall" {
    surveyed symmetric-firewall <<END
tcp: untranslated, reached from nowhere
stun: Firewall
turnutils: Endpoint Independent Mapping
turnutils: Address and Port Dependent Filtering
END
}

@test "NAT type fullcone" {
    surveyed fullcone <<END
tcp: one mapping, reached from 30 41
stun: Independent Mapping, Independent Filter, random port, will hairpin
turnutils: Endpoint Independent Mapping
turnutils: Endpoint Independent Filtering
END
}

@test "NAT type restricted" {
    surveyed restricted <<END
tcp: one mapping, reached from 30
stun: Independent Mapping, Address Dependent Filter, random port, no hairpin
turnutils: Endpoint Independent Mapping
turnutils: Address Dependent Filtering
END
}

@test "NAT type portrestricted" {
    surveyed portrestricted <<END
tcp: one mapping, same port, reached from nowhere
stun: Independent Mapping, Port Dependent Filter, preserves ports, no hairpin
turnutils: Endpoint Independent Mapping
turnutils: Address and Port Dependent Filtering
END
}

@test "NAT type portrestricted-remap" {
    surveyed portrestricted-remap <<END
tcp: one mapping, reached from nowhere
stun: Independent Mapping, Port Dependent Filter, random port, no hairpin
turnutils: Endpoint Independent Mapping
turnutils: Address and Port Dependent Filtering
END
}

@test "NAT type symmetric-address" {
    surveyed symmetric-address <<END
tcp: a mapping each, reached from nowhere
stun: Dependent Mapping, random port, no hairpin
turnutils: Address Dependent Mapping
turnutils: Address and Port Dependent Filtering
END
}

@test "NAT type symmetric" {
    surveyed symmetric <<END
tcp: a mapping each, reached from nowhere
stun: Dependent Mapping, random port, no hairpin
turnutils: Address and Port Dependent Mapping
turnutils: Address and Port Dependent Filtering
END
}

@test "NAT type udp-blocked: TCP is a cone" {
    surveyed udp-blocked <<END
tcp: one mapping, reached from 30 41
stun: Blocked or could not reach STUN server
END
}

@test "NAT type tcpcone-udpsym" {
    surveyed tcpcone-udpsym <<END
tcp: one mapping, reached from 30 41
stun: Dependent Mapping, random port, no hairpin
turnutils: Address and Port Dependent Mapping
turnutils: Address and Port Dependent Filtering
END
}

@test "NAT type udpcone-tcpsym" {
    surveyed udpcone-tcpsym <<END
tcp: a mapping each, reached from nowhere
stun: Independent Mapping, Independent Filter, random port, will hairpin
turnutils: Endpoint Independent Mapping
turnutils: Endpoint Independent Filtering
END
}
