#!/usr/bin/env bats
# SPDX-License-Identifier: ISC
#
# The relays cost no more than they used to, counted so that it does not depend on the machine. When a change is
# meant to cost more: make counters-update.

# shellcheck source-path=SCRIPTDIR source=../helper.bash
source "$BATS_TEST_DIRNAME/../helper.bash"

setup() {
    counters=$BATS_TEST_DIRNAME/counters.bash
    limits=$BATS_TEST_TMPDIR/limits
}

teardown() {
    :
}

need_trace() {
    strace -o /dev/null true || skip "strace may not trace here"
}

@test "no connection, message, MiB or datagram costs more system calls than usual" {
    need_trace
    "$counters" check calls
}

@test "none costs more instructions than usual" {
    natter_need_usual_build
    "$counters" check instructions
}

@test "a counter that has grown, that nothing measures or that has no limit is named; an update settles it" {
    need_trace
    sed -E 's/^(tcp-message +calls +)[0-9.]+/\11.5/; /^udp-burst/d' "$BATS_TEST_DIRNAME/counters.limits" >"$limits"
    echo "tcp-other calls 1 3  # no such part" >>"$limits"
    run "$counters" check calls "$limits"
    echo "$output"
    [[ $status == 1 ]]
    [[ $output =~ tcp-message\ +[0-9.]+\ calls\ +usually\ +1.5\ +has\ grown\ by\ more\ than\ 3\ % ]]
    [[ $output == *udp-burst*"has no line in counters.limits"* && $output == *"tcp-other: not measured"* ]]
    sed -i '/^tcp-other/d' "$limits"
    grep '^udp-burst' "$BATS_TEST_DIRNAME/counters.limits" >>"$limits"
    "$counters" update calls "$limits"
    "$counters" check calls "$limits"
}
