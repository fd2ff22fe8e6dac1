#!/usr/bin/env bats
# SPDX-License-Identifier: ISC
#
# The NAT check (v0.9's --check-nat) behind real NATs: the types, the warnings, what is in the way, its exit
# status, its JSON, and natterctl check-nat.

# shellcheck source-path=SCRIPTDIR source=helper.bash
source "$BATS_TEST_DIRNAME/helper.bash"
bats_require_minimum_version 1.5.0

setup() {
    lab_need_root
}

# check_nat RESULT UDP_SERVERS TCP_SERVERS [OPTION...]: natterd --check-nat on the inner host; RESULT.json, its messages
# as RESULT.messages, RESULT.err, RESULT.status and RESULT.ms tell what came of it.
check_nat() {
    local began=${EPOCHREALTIME/./} status=0
    echo "stun_server = { udp = [ $2 ]; tcp = [ $3 ]; };" >"$1.cfg"
    lab_in "$LAB_HOST" "$NATTER_BUILD/natterd" --check-nat --json -c "$1.cfg" "${@:4}" >"$1.json" 2>"$1.err" || status=$?
    echo $(((${EPOCHREALTIME/./} - began) / 1000)) >"$1.ms"
    echo "$status" >"$1.status"
    jq -r '.messages[]' "$1.json" >"$1.messages" || :
}

# situation NAME TYPE [HOME_TYPE]: a lab of its own, and in it a check with each kind of server at the same time;
# a name with "loss" loses a fifth of the packets.
situation() (
    result=$BATS_TEST_TMPDIR/$1
    coturn='"203.0.113.10"' stund='"203.0.113.20"'
    # One server that is silent over UDP alone, of which nothing is known over TCP, might just be down.
    [[ $2 != udp-blocked ]] || stund='"203.0.113.20", "203.0.113.21", "203.0.113.20:3479"'
    lab_up "${@:2}"
    trap lab_down EXIT
    # Two checks or three at a time would have to share what a router tells of the way out in a second.
    for router in "$LAB_CARRIER" $LAB_HOME; do
        lab_in "$router" sysctl -qw net.ipv4.icmp_ratelimit=0
    done
    lab_start_server coturn
    lab_start_server stund
    [[ $1 != *loss* ]] || lab_loss_every 5
    check_nat "$result.coturn" "$coturn" "$coturn" &
    check_nat "$result.stund" "$stund" "$coturn" &
    # v0.9's known wrong answer: two servers that are each other's alternates.
    [[ $2 != *restricted* || $1 == *loss* ]] ||
        check_nat "$result.alternates" '"203.0.113.10", "203.0.113.11"' "$coturn" &
    wait
) >"$BATS_TEST_TMPDIR/$1.log" 2>&1 3>&- 4>&-

# What each situation is, as name, UDP type, TCP type, exit status.
expected="open|Open Internet|Cone|0
symmetric-firewall|Symmetric UDP firewall|Cone|1
fullcone|Full cone (NAT 1)|Cone|0
restricted|Restricted (NAT 2)|Cone|1
portrestricted|Port restricted (NAT 3)|Cone|1
symmetric|Symmetric (NAT 4)|Symmetric|1
symmetric-address|Symmetric (NAT 4)|Symmetric|1
udp-blocked|UDP blocked|Cone|1
udpcone-tcpsym|Full cone (NAT 1)|Symmetric|1
tcpcone-udpsym|Symmetric (NAT 4)|Cone|1
fullcone,fullcone|Full cone (NAT 1)|Cone|0
fullcone,portrestricted|Port restricted (NAT 3)|Cone|1
portrestricted,fullcone|Port restricted (NAT 3)|Cone|1"

# same WHAT WANTED GOT: also where nobody looks at what it returns, a difference is in $differs.
same() {
    [[ $2 == "$3" ]] || { differs=yes && echo "$1: wanted \"$2\", got \"$3\"" && return 1; }
}

# says RESULT TEXT WANTED: is a message that begins so among the result's exactly if it should be?
says() {
    local got=false
    [[ $'\n'$(<"$1.messages") != *$'\n'"$2"* ]] || got=true
    same "$1 says \"$2\"" "$3" "$got"
}

# true_if WORD PATTERN...
true_if() {
    local pattern
    for pattern in "${@:2}"; do
        # shellcheck disable=SC2053
        [[ $1 != $pattern ]] || { echo true && return; }
    done
    echo false
}

expect_messages() {
    local udp=$2 tcp=$3
    says "$1" "You are not in a NAT network" "$(true_if "$udp" "Open*")"
    says "$1" "The NAT type of your network is not full cone (NAT 1). TCP hole punching may fail." \
        "$(true_if "$udp" "Restricted*" "Port restricted*")"
    says "$1" "You cannot perform TCP hole punching in a symmetric NAT network." "$(true_if "$tcp" Symmetric)"
    says "$1" "You cannot perform UDP hole punching in a symmetric NAT network." "$(true_if "$udp" "Symmetric (NAT 4)")"
    says "$1" "This machine has a public address, but a firewall" "$(true_if "$udp" "Symmetric UDP*")"
    says "$1" "UDP is blocked" "$(true_if "$udp" "UDP blocked")"
    says "$1" "There seem to be several NATs in a row" "$(true_if "$1" "*,*")"
    says "$1" "A transparent proxy" false
    says "$1" "No public STUN server is available." false
    says "$1" "First look at this machine itself" "$(true_if "$udp" "Restricted*" "Port restricted*" "Symmetric UDP*")"
    says "$1" "natter can work here, for TCP and for UDP." "$(true_if "$(<"$1.status")" 0)"
    says "$1" "natter can work here for UDP, but not for TCP." "$(true_if "$udp/$tcp" "Full cone*/Symmetric")"
    says "$1" "natter cannot work here as things are." "$(true_if "$udp/$tcp" "Symmetric*/Symmetric" "Symmetric UDP*")"
    # What no server can tell of TCP is not said.
    says "$1" "natter cannot work here for UDP as things are; whether it can for TCP could not be found out." \
        "$(true_if "$udp/$tcp" "Restricted*" "Port*" "Symmetric (NAT 4)/Cone" "UDP blocked/Cone")"
}

# expect_result RESULT UDP TCP STATUS
expect_result() {
    same "$1, UDP" "$2" "$(jq -r .udp.type "$1.json")"
    same "$1, TCP" "$3" "$(jq -r .tcp.type "$1.json")"
    same "$1, exit status" "$4" "$(<"$1.status")"
    expect_messages "$1" "$2" "$3"
    (($(<"$1.ms") <= 60000)) || same "$1, time" "at most 60 s" "$(<"$1.ms") ms"
}

# begin_situations SUFFIX: all of them side by side, since most of the time they wait for silence.
begin_situations() {
    local name
    while IFS='|' read -r name _; do
        # shellcheck disable=SC2086
        situation "$name$1" ${name/,/ } &
    done <<<"$expected"
}

# expect_situations SUFFIX SERVER...
expect_situations() {
    local name udp tcp status
    while IFS='|' read -r name udp tcp status; do
        for server in "${@:2}"; do
            [[ -e $BATS_TEST_TMPDIR/$name$1.$server.json || $server != alternates ]] || continue
            expect_result "$BATS_TEST_TMPDIR/$name$1.$server" "$udp" "$tcp" "$status" || :
        done
    done <<<"$expected"
}

# A worker that hangs is given up after the time that a check may take; what the other one found stays. It gets no
# answer over TCP, so that it is still there to be stopped.
situation_stopped() (
    result=$BATS_TEST_TMPDIR/stopped
    lab_up fullcone
    trap lab_down EXIT
    lab_start_server coturn
    lab_in "$LAB_INET" nft "add table ip mute; add chain ip mute in { type filter hook input priority 0; };
        add rule ip mute in meta l4proto tcp drop"
    check_nat "$result" '"203.0.113.10"' '"203.0.113.10"' &
    lab_wait 20 grep -q "check-tcp: asking" "$result.err"
    # Other labs have such workers, too.
    kill -STOP "$(comm -12 <(pgrep -f 'natter-worker: NAT check, tcp' | sort) <(ip netns pids "$LAB_HOST" | sort))"
    wait
) >"$BATS_TEST_TMPDIR/stopped.log" 2>&1 3>&- 4>&-

# A server that has a second address and never answers from it proves nothing by its silence.
situation_deaf() (
    lab_up fullcone
    trap lab_down EXIT
    lab_start_server coturn
    # A binding request with CHANGE-REQUEST has 28 bytes, and UDP 8 more.
    lab_in "$LAB_INET" nft "add table ip deaf; add chain ip deaf in { type filter hook input priority 0; };
        add rule ip deaf in udp dport 3478 udp length 36 drop"
    check_nat "$BATS_TEST_TMPDIR/deaf" '"203.0.113.10"' '"203.0.113.10"'
) >"$BATS_TEST_TMPDIR/deaf.log" 2>&1 3>&- 4>&-

expect_deaf() {
    local result=$BATS_TEST_TMPDIR/deaf
    same "deaf, exit status" 3 "$(<"$result.status")"
    same "deaf, UDP" Unknown "$(jq -r .udp.type "$result.json")"
    same "deaf, filtering" unknown "$(jq -r .udp.filtering "$result.json")"
    says "$result" "No server could tell what is let in over UDP." true
}

expect_stopped() {
    local result=$BATS_TEST_TMPDIR/stopped
    same "stopped, exit status" 3 "$(<"$result.status")"
    same "stopped, UDP" "Full cone (NAT 1)" "$(jq -r .udp.type "$result.json")"
    says "$result" "The check over TCP itself failed: the check took too long and was ended." true
    (($(<"$result.ms") <= 60000)) || same "stopped, time" "at most 60 s" "$(<"$result.ms") ms"
}

@test "v0.9's --check-nat: every type of NAT, with coturn, with stund, with both each other's alternates, and with losses" {
    begin_situations ""
    begin_situations -loss
    situation_stopped &
    situation_deaf &
    wait
    # Every difference is told, not only the first one.
    differs=''
    expect_situations "" coturn stund alternates
    expect_situations -loss coturn stund
    expect_stopped || :
    expect_deaf || :
    [[ ! $differs ]] || { cat "$BATS_TEST_TMPDIR"/*.err "$BATS_TEST_TMPDIR"/*.log && return 1; }
    # The usual case takes a few seconds.
    (($(<"$BATS_TEST_TMPDIR/fullcone.coturn.ms") < ${NATTER_SLOW:-1} * 10000))
}

# simple_lab TYPE...: a lab whose check takes only seconds, with both kinds of servers.
simple_lab() {
    lab_up "$@"
    lab_start_server coturn
    lab_start_server stund
    natter_names
    result=$BATS_TEST_TMPDIR/result
}

teardown() {
    natter_down
}

servers='"203.0.113.20", "203.0.113.10"'

@test "RFC 4787's terms: mapping, filtering, port preservation and hairpinning, with the addresses" {
    simple_lab fullcone
    # As on machines that share an address with others, where natterd is not to take the outer one for its own.
    lab_in "$LAB_HOST" sysctl -qw net.ipv4.ip_nonlocal_bind=1
    check_nat "$result" "$servers" '"203.0.113.10"' 192.168.77.2 4321
    jq -e '.udp | .mapping == "endpoint-independent" and .filtering == "endpoint-independent" and
        .port_preservation == "no" and .hairpinning == "yes" and .inner == "192.168.77.2:4321"' "$result.json"
    jq -e '.tcp | .mapping == "endpoint-independent" and has("filtering") == false and .hairpinning == "yes" and
        .inner == "192.168.77.2:4321"' "$result.json"
    [[ $(jq -r .udp.outer "$result.json") == 203.0.113.254:1???? ]]
    [[ $(jq -r '.routers[]' "$result.json") == 192.168.77.1 ]]
}

@test "without a terminal the result is a plain table, its progress is on standard error" {
    simple_lab open
    echo "stun_server = { udp = [ $servers ]; tcp = [ $servers ]; };" >"$LAB_DIR/natter.cfg"
    run -0 --separate-stderr lab_in "$LAB_HOST" "$NATTER_BUILD/natterd" --check-nat -c "$LAB_DIR/natter.cfg"
    [[ ${lines[0]} == *UDP*TCP* && ${lines[1]} == "NAT type"*"Open Internet"*Cone* ]]
    [[ $output == *"natter can work here"* && $output != *$'\033'* ]]
    # shellcheck disable=SC2154
    [[ $stderr == *"This takes a few seconds"*"STUN server 203.0.113.20:3478 sees 192.168.77.2:"* ]]
}

@test "on a terminal what it comes to stands out" {
    simple_lab open
    echo "stun_server = { udp = [ $servers ]; tcp = [ $servers ]; };" >"$LAB_DIR/natter.cfg"
    TERM=xterm lab_in "$LAB_HOST" socat -u \
        EXEC:"'$NATTER_BUILD/natterd' --check-nat -c '$LAB_DIR/natter.cfg'",pty,stderr - >"$LAB_DIR/out"
    grep -F $'\033[1;32mnatter can work here' "$LAB_DIR/out"
}

@test "a transparent proxy that answers in place of the servers, over TCP and over UDP, is told apart" {
    simple_lab fullcone
    lab_start_server nginx30
    lab_proxy tcp
    check_nat "$result" "$servers" '"203.0.113.10"'
    same status 1 "$(<"$result.status")"
    says "$result" "A transparent proxy answers in place of the servers: over TCP" true
    says "$result" "You cannot perform TCP hole punching" false
    says "$result" "natter can work here for UDP, but not for TCP." true
    lab_proxy_end
    lab_proxy udp
    check_nat "$result" "$servers" '"203.0.113.10"'
    same status 1 "$(<"$result.status")"
    says "$result" "A transparent proxy answers in place of the servers: over UDP" true
    lab_proxy_end
    check_nat "$result" "$servers" '"203.0.113.10"'
    same status 0 "$(<"$result.status")"
}

@test "no network, no DNS, no servers: exit status 3, and each is called by its name" {
    simple_lab fullcone
    check_nat "$result" '"stun.invalid"' '"stun.invalid"'
    same status 3 "$(<"$result.status")"
    says "$result" "There is no DNS" true
    lab_stop_server coturn
    lab_stop_server stund
    check_nat "$result" "$servers" '"203.0.113.10"'
    same status 3 "$(<"$result.status")"
    says "$result" "No public STUN server is available. Please check your Internet connection." true
    # In the order in which they refused.
    says "$result" "Tried over UDP: STUN server 203.0.113." true
    says "$result" "There is no DNS" false
    lab_no_network
    check_nat "$result" "$servers" '"203.0.113.10"'
    same status 3 "$(<"$result.status")"
    says "$result" "There is no network" true
    says "$result" "No public STUN server is available." false
}

@test "exactly three good TCP servers, and servers without a second address, are no error" {
    simple_lab fullcone
    check_nat "$result" '"203.0.113.20"' '"203.0.113.10", "203.0.113.11", "203.0.113.10:3479", "203.0.113.40"'
    same status 0 "$(<"$result.status")"
    # A stranger to RFC 5780 tells the mapping at most.
    check_nat "$result" '"203.0.113.11:3479"' '"203.0.113.10"'
    same status 3 "$(<"$result.status")"
}

# witness NAME ADDRESS:PORT [LIE|- [OTHER]]: a server that nobody should rely on; see tests/lab/witness.c.
witness() {
    lab_spawn "$LAB_INET" "$1" "$NATTER_BUILD/tests/witness" "${@:2}"
    lab_wait 5 lab_listening "$LAB_INET" tcp "$2" # which comes after UDP
}

@test "servers that claim an alternate address, have none, lie or are dead do not keep the good one from being found" {
    simple_lab fullcone
    witness deaf 203.0.113.40:3478 - 203.0.113.41:3999
    witness plain 203.0.113.41:3478
    witness liar 203.0.113.31:3478 198.51.100.7:1234
    others='"203.0.113.40", "203.0.113.41", "203.0.113.31"'
    check_nat "$result" "$others, \"203.0.113.30:1\", \"203.0.113.30:2\", \"203.0.113.10\"" "$others, \"203.0.113.10\""
    same status 0 "$(<"$result.status")"
    same UDP "Full cone (NAT 1)" "$(jq -r .udp.type "$result.json")"
    [[ $(jq -r .udp.outer "$result.json") == 203.0.113.254:* ]]
    lab_nat symmetric
    check_nat "$result" '"203.0.113.40:3478", "203.0.113.41"' '"203.0.113.40", "203.0.113.41"'
    same status 1 "$(<"$result.status")"
    same mapping dependent "$(jq -r .tcp.mapping "$result.json")"
    same TCP Symmetric "$(jq -r .tcp.type "$result.json")"
}

@test "what answers for an address that nobody has is a proxy, also if the answer is of no use" {
    simple_lab fullcone
    witness useless 203.0.113.40:3478 0.0.0.0:1
    lab_in "$LAB_CARRIER" nft "add table ip odd; add chain ip odd in { type nat hook prerouting priority dstnat - 2; };
        add rule ip odd in ip daddr 192.0.2.1 udp dport 3478 dnat to 203.0.113.40:3478"
    check_nat "$result" "$servers" '"203.0.113.10"'
    same status 1 "$(<"$result.status")"
    says "$result" "A transparent proxy answers in place of the servers: over UDP" true
    (($(<"$result.ms") < ${NATTER_SLOW:-1} * 20000))
}

@test "servers for one protocol only, of the other IP version, or down: said as it is, and no firewall is made up" {
    simple_lab fullcone
    check_nat "$result" '"stun.invalid"' '"203.0.113.10"'
    same status 3 "$(<"$result.status")"
    says "$result" "None of the STUN servers for UDP has an address" true
    check_nat "$result" "$servers" '"203.0.113.10"' ::
    same status 3 "$(<"$result.status")"
    says "$result" "There is no network: this machine has no route to the IPv6 Internet" true
    lab_in "$LAB_HOST" sh -c "sysctl -qw net.ipv6.conf.eth0.disable_ipv6=0; ip address add fd00::2/64 dev eth0 nodad
        ip -6 route add default via fd00::1"
    check_nat "$result" "$servers" '"203.0.113.10"' ::
    same status 3 "$(<"$result.status")"
    says "$result" "None of the STUN servers has an IPv6 address." true
    says "$result" "There is no DNS" false
    # 40 s of silence are not worth it: this one refuses.
    check_nat "$result" '"203.0.113.30"' '"203.0.113.10"'
    same status 3 "$(<"$result.status")"
    says "$result" "UDP is blocked" false
    says "$result" "Tried over UDP: STUN server 203.0.113.30" true
}

@test "without root, and from a port that another program has: a plain error" {
    simple_lab fullcone
    chmod 777 "$LAB_DIR"
    echo "stun_server = { udp = [ $servers ]; tcp = [ $servers ]; };" >"$LAB_DIR/natter.cfg"
    # Where nobody can reach them, wherever this checkout lies.
    install -m 755 "$NATTER_BUILD"/natter{d,-worker} "$LAB_DIR"
    run -0 --separate-stderr lab_in "$LAB_HOST" setpriv --reuid=nobody --regid=nogroup --clear-groups \
        "$LAB_DIR/natterd" --check-nat -c "$LAB_DIR/natter.cfg"
    [[ $output == *"Full cone (NAT 1)"* ]]
    lab_web "$LAB_HOST" 192.168.77.2:8080 "own page"
    run -3 --separate-stderr lab_in "$LAB_HOST" "$NATTER_BUILD/natterd" --check-nat -c "$LAB_DIR/natter.cfg" 8080
    # shellcheck disable=SC2154
    [[ $stderr == *"cannot check from 0.0.0.0:8080"*"another program on this machine has it"* ]]
    run -3 --separate-stderr lab_in "$LAB_HOST" "$NATTER_BUILD/natterd" --check-nat 1.2.3.4
    [[ $stderr == *"cannot check from 1.2.3.4: this machine does not have that address"* ]]
    run -3 --separate-stderr lab_in "$LAB_HOST" sh -c "'$NATTER_BUILD/natterd' --check-nat -c '$LAB_DIR/natter.cfg' >/dev/full"
    [[ $stderr == *"cannot write the result: No space left on device"* ]]
}

@test "usage errors of --check-nat are told with a hint, exit status 2" {
    local words
    for words in "--check-nat -n" "--check-nat -t" "--check-nat -u" "--json" "--check-nat 1 2 3" "--check-nat 70000" \
        "--check-nat 1.2.3.400" "--check-nat=yes" "--check-nat -c /nowhere"; do
        # shellcheck disable=SC2086
        run -2 "$NATTER_BUILD/natterd" $words
        [[ $words == *nowhere || $output == *"natterd --help"* ]] || same "$words" "a hint" "$output"
    done
}

@test "natterctl check-nat asks a running natterd, and whoever asks meanwhile gets the same answer" {
    simple_lab fullcone
    lab_start_server nginx30
    natter_config <<END
stun_server = { udp = [ $servers ]; tcp = [ "203.0.113.10" ]; };
keep_alive = [ "203.0.113.30" ];
mappings = ( { name = "web"; protocol = "tcp"; bind = "8081"; target = "192.168.77.3:80"; } );
END
    natter_start
    natter_open web
    natter_ctl check-nat >"$LAB_DIR/first" 2>/dev/null 3>&- &
    lab_wait 5 grep -q "checks the NAT, as natterctl asks" "$LAB_DIR/natterd.log"
    run -0 --separate-stderr natter_ctl check-nat --json
    jq -e '.works == "yes" and .udp.type == "Full cone (NAT 1)"' <<<"$output"
    wait $!
    grep -q "NAT type .*Full cone (NAT 1) .*Cone" "$LAB_DIR/first"
    (($(grep -c "check-udp: asking" "$LAB_DIR/natterd.log") == 1))
    # The mapping has not noticed.
    natter_is web state open
    lab_nat udpcone-tcpsym
    run -1 --separate-stderr natter_ctl check-nat
    [[ $output == *"Full cone (NAT 1) "*" Symmetric"* ]]
}
