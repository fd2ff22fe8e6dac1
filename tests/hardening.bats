#!/usr/bin/env bats
# SPDX-License-Identifier: ISC
#
# What the compiler and the linker put around the three programs, read in the programs themselves; and that the Makefile
# asks no compiler for what it does not know.

# shellcheck source-path=SCRIPTDIR source=helper.bash
source "$BATS_TEST_DIRNAME/helper.bash"
bats_require_minimum_version 1.5.0

setup() {
    type -P readelf || [[ ${NATTER_TEST_STRICT:-0} == 1 ]] || skip "no readelf: it comes with the compiler, in binutils"
}

# count PATTERN OPTION...: prints how many of the programs have a line with the extended regular expression in what
# readelf tells with the options.
count() {
    local program found=0 pattern=$1
    shift
    for program in natterd natter-worker natterctl; do
        readelf -W "$@" "$NATTER_BUILD/$program" | grep -E "$pattern" >&2 && found=$((found + 1))
    done
    echo "$found"
}

# compile VARIABLE=VALUE...: one file, with these settings, where a warning is an error; shows the command.
compile() {
    local folder
    folder=$(mktemp -d "$BATS_TEST_TMPDIR/XXXXXX")
    make -C "$TESTS/.." V=1 WERROR=-Werror B="$folder" "$@" "$folder/common/addr.o"
}

@test "hardening: a program lies at another address each time, and takes libraries from where the system has them" {
    [[ $(count ' Type: +DYN ' --file-header) == 3 ]]
    [[ $(count '\(FLAGS_1\).* PIE' --dynamic) == 3 ]]
    [[ $(count '\((TEXTREL|RPATH|RUNPATH)\)|TEXTREL' --dynamic) == 0 ]]
}

@test "hardening: what the linker fills in is complete, and read-only, before a program begins" {
    [[ $(count ' GNU_RELRO ' --program-headers) == 3 ]]
    [[ $(count '\(FLAGS\).* BIND_NOW' --dynamic) == 3 ]]
}

@test "hardening: no memory can be both written and executed" {
    [[ $(count ' GNU_STACK .* RW +0x' --program-headers) == 3 ]]
    [[ $(count ' R?WE +0x' --program-headers) == 0 ]]
}

@test "hardening: a stack that was written over ends the program, and so does more than a buffer holds" {
    [[ $(count ' __stack_chk_fail' --dyn-syms) == 3 ]]
    natter_need_usual_build
    (($(count '@GLIBC_' --dyn-syms 2>/dev/null) > 0)) || skip "not in this build: only GNU's libc has these functions"
    [[ $(count ' __memcpy_chk' --dyn-syms) == 3 ]]
    [[ $(count ' __v?snprintf_chk' --dyn-syms) == 3 ]]
}

@test "hardening: it stays with flags of others; without optimisation or at a packager's level too nothing is complained of" {
    local everywhere="-fPIE -fstack-protector-strong"
    run -0 compile CFLAGS=-O3
    [[ $output == *" $everywhere "*" -D_FORTIFY_SOURCE="[23]" "*" -O3 "* ]]
    run -0 compile CFLAGS="-O2 -O0"
    [[ $output == *" $everywhere "* && $output != *FORTIFY* ]]
    run -0 compile CPPFLAGS=-D_FORTIFY_SOURCE=1
    [[ $output == *" $everywhere "*" -D_FORTIFY_SOURCE=1 "* && $output != *FORTIFY*FORTIFY* ]]
}

@test "hardening: a compiler is not given what it does not know" {
    cat >"$BATS_TEST_TMPDIR/old-cc" <<'END'
#!/bin/sh
case " $* " in
*clash* | *cf-protection* | *branch-protection* | *_SOURCE=3*) exit 1 ;;
esac
exec cc "$@"
END
    chmod +x "$BATS_TEST_TMPDIR/old-cc"
    run -0 compile CC="$BATS_TEST_TMPDIR/old-cc"
    [[ $output == *" -fPIE -fstack-protector-strong "*" -D_FORTIFY_SOURCE=2 "* ]]
}
