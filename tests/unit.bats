#!/usr/bin/env bats
# SPDX-License-Identifier: ISC
#
# The unit tests' programs, one test each; `make test-programs` builds them.
# NATTER_BUILD says which build is used. With NATTER_VALGRIND=1 each runs under valgrind (make valgrind), which is not
# to say anything, not of a child either.

run_unit() {
    local program="${NATTER_BUILD:-$BATS_TEST_DIRNAME/../build}/tests/test_$1"

    if [ ! -x "$program" ]; then
        echo "$program is not there: build it first with make test-programs"
        return 1
    fi
    [[ ${NATTER_VALGRIND:-0} != 1 ]] || {
        run_in_valgrind "$program"
        return
    }
    timeout 60 "$program"
}

# not_in_valgrind WHY
not_in_valgrind() {
    [[ ${NATTER_VALGRIND:-0} != 1 ]] || skip "not in this build: under valgrind $1"
}

run_in_valgrind() {
    local result=0

    timeout 300 valgrind -q --leak-check=full --error-exitcode=99 --suppressions="$BATS_TEST_DIRNAME/unit/valgrind.supp" \
        --log-file="$BATS_TEST_TMPDIR/valgrind.%p" "$1" || result=$?
    ! cat "$BATS_TEST_TMPDIR"/valgrind.* | grep . && ((result == 0))
}

@test "every unit test's program is listed here" {
    local file name

    for file in "$BATS_TEST_DIRNAME"/unit/test_*.c; do
        name=$(basename "$file" .c)
        if ! grep -q "run_unit ${name#test_}\$" "$BATS_TEST_FILENAME"; then
            echo "$file is missing in tests/unit.bats"
            return 1
        fi
    done
}

@test "addresses" {
    run_unit addr
}

@test "networks" {
    run_unit network
}

@test "whom workers are connected to" {
    run_unit callees
}

@test "what a worker cannot reach behind its fence" {
    not_in_valgrind "the kernel is not asked for Landlock"
    run_unit fence
}

@test "foreign text" {
    run_unit text
}

@test "log lines" {
    run_unit log
}

@test "natterd without memory" {
    not_in_valgrind "it has a heap of its own"
    run_unit memory
}

@test "messages between supervisor and worker" {
    run_unit message
}

@test "reports" {
    run_unit report
}

@test "the STUN codec: padding, vectors, damage" {
    run_unit stun
}

@test "the TCP relay" {
    run_unit relay_tcp
}

@test "the TCP relay, with other settings" {
    run_unit relay_change
}

@test "who gets to the target: limits and networks" {
    run_unit limits
}

@test "how many connections each client has" {
    run_unit clients
}

@test "a configuration read again, compared with the one before" {
    run_unit config_compare
}

@test "the filter of system calls ends whoever tries another" {
    not_in_valgrind "it knows no seccomp(2)"
    run_unit filter
}

@test "time limits of many things" {
    run_unit expiry
}

@test "pipes for splicing" {
    run_unit pipes
}

@test "the test page" {
    run_unit testpage
}

@test "the echo" {
    run_unit echo
}

@test "the UDP relay" {
    run_unit relay_udp
}

@test "datagrams that travel together" {
    run_unit segments
}

@test "datagrams that leave together" {
    run_unit sendqueue
}

@test "rounds of questions to STUN servers" {
    run_unit round
}

@test "probes lose no client's datagram, neither before they begin nor in their server's name" {
    run_unit probe
}

@test "hairpin probes" {
    run_unit hairpin
}

@test "the configuration file" {
    run_unit config
}

@test "the files that natterd writes are replaced as a whole" {
    run_unit files
}

@test "the field table" {
    run_unit record
}

@test "what several workers counted" {
    run_unit tally
}

@test "metrics for Prometheus" {
    run_unit metrics
}

@test "names of servers, looked up again" {
    run_unit resolve
}

@test "hooks: in order, one at a time, with a time limit" {
    run_unit hook
}

@test "the control socket's commands" {
    run_unit control
}

@test "the control socket's file" {
    run_unit control_socket
}

@test "log lines that come again" {
    run_unit repeats
}

@test "what is published when" {
    run_unit publish
}

@test "the sockets that outlive a worker" {
    run_unit held
}

@test "what is said of a mapping between two workers" {
    run_unit takeover
}

@test "neighbours behind a NAT: who is told what, and who watches" {
    run_unit neighbours
}

@test "servers that fail: until when they are left alone, and whose word counts" {
    run_unit servers
}

@test "what a person at the terminal sees" {
    run_unit console
}

@test "why a port cannot be had" {
    run_unit single
}

@test "changes of the network: which are news, and how many looks become of them" {
    run_unit unrest
}

@test "the clock watch" {
    run_unit clockwatch
}

@test "tables" {
    run_unit table
}

@test "HTTP of the keep-alive" {
    run_unit http
}

@test "the interval that is learned" {
    run_unit interval
}

@test "what a UDP mapping's keep-alive teaches of its interval" {
    run_unit binding
}

@test "the import of v0.9's hooks" {
    run_unit import
}

@test "the NAT check: types, what follows, and what is believed" {
    run_unit checknat
}

@test "the NAT check: what several servers' views make of a NAT" {
    run_unit natview
}

@test "when the quiet of a keep-alive is a doubt" {
    run_unit vigil
}

@test "which keep-alive server comes next" {
    run_unit webservers
}

@test "the connections that hold a TCP mapping" {
    run_unit links
}

@test "what the connections of a TCP mapping tell" {
    run_unit keeper
}

@test "ports that another program has" {
    run_unit portloss
}

@test "a worker's wishes for sockets" {
    run_unit uplink
}

@test "turns to begin" {
    run_unit turns
}

@test "no descriptor of another process holds natterd up" {
    not_in_valgrind "no signal ends a close that waits"
    run_unit stall
}

@test "a worker's conduct: floods, silence, one that does not read; how often news is heard" {
    run_unit conduct
}
