#!/usr/bin/env bats
# SPDX-License-Identifier: ISC
#
# The fuzzers' corpora, replayed: what is sent to each part that reads what others wrote, and what once broke one.
# `make test-programs` builds them, `make fuzz` looks for more. NATTER_BUILD says which build is used.

bats_require_minimum_version 1.5.0
fuzz=$BATS_TEST_DIRNAME/fuzz
build=${NATTER_BUILD:-$BATS_TEST_DIRNAME/../build}

@test "no input of a corpus breaks a rule of its fuzzer" {
    local file name failed=0

    for file in "$fuzz"/fuzz_*.c; do
        name=$(basename "$file" .c)
        timeout 60 "$build/tests/$name" "$fuzz/corpus/${name#fuzz_}"/* || { echo "$name: failed with $?" && failed=1; }
    done
    [ "$failed" = 0 ]
}

@test "what cannot be replayed is no success" {
    run -2 "$build/tests/fuzz_stun"
    run -1 "$build/tests/fuzz_stun" "$BATS_TEST_TMPDIR/none"
}

@test "make fuzz without clang says what is missing" {
    run -1 env FUZZ_CC=no-such-clang "$fuzz/run.sh"
    [[ $output == *"needs clang with libFuzzer"*"tests/packages.sh ci"* ]]
}
