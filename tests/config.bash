# SPDX-License-Identifier: ISC
# shellcheck shell=bash
#
# What the tests of configurations share: they run no natterd but `natterd -n` and need no lab.
# NATTER_BUILD says which build is used.

# shellcheck disable=SC2034 # build and folder are for the tests
setup() {
    cd "$BATS_TEST_DIRNAME/.." || return
    build=$(cd "${NATTER_BUILD:-build}" && pwd)
    folder=$PWD/tests/config
    unset XDG_RUNTIME_DIR XDG_STATE_HOME
}

# check FILE: runs natterd -n; what it prints is in $BATS_TEST_TMPDIR/out and err.
check() {
    local status=0
    timeout 10 "$build/natterd" -n -c "$1" >"$BATS_TEST_TMPDIR/out.raw" 2>"$BATS_TEST_TMPDIR/err.raw" </dev/null ||
        status=$?
    sed "s,${1%/*}/,DIR/,g" "$BATS_TEST_TMPDIR/out.raw" >"$BATS_TEST_TMPDIR/out"
    sed "s,${1%/*}/,,g" "$BATS_TEST_TMPDIR/err.raw" >"$BATS_TEST_TMPDIR/err"
    return "$status"
}

# same FILE WANTED GOT: a difference is shown under the name of the file.
same() {
    diff -u --label "wanted: $2" --label "got: $1" "$2" "$3" >&2 || fail "$1: not as in $2"
}

fail() {
    echo "$1" >&2
    return 1
}
