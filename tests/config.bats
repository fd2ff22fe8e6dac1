#!/usr/bin/env bats
# SPDX-License-Identifier: ISC
#
# natter.cfg and the command line, through `natterd -n`: every file in config/good is accepted and described
# exactly as in the .out beside it, every file in config/bad refused with exactly the messages in its .err. What
# `natterd -n -v` prints is in .full, if there is one, and reading that is reading the file. Where a tested file's folder would stand .out has DIR and .err nothing. NATTER_BUILD says which build is used.

# shellcheck disable=SC2154 # output, stderr and lines are run's
# shellcheck source-path=SCRIPTDIR source=config.bash
source "$BATS_TEST_DIRNAME/config.bash"
bats_require_minimum_version 1.5.0

@test "good files are described as their .out says" {
    local file failed=0
    for file in "$folder"/good/*.cfg; do
        check "$file" && same "$file" "${file%.cfg}.out" "$BATS_TEST_TMPDIR/out" &&
            same "$file" /dev/null "$BATS_TEST_TMPDIR/err" && continue
        echo "failed: $file" >&2
        cat "$BATS_TEST_TMPDIR/err" >&2
        failed=1
    done
    [ "$failed" = 0 ]
}

@test "bad files are refused as their .err says" {
    local file failed=0 status
    for file in "$folder"/bad/*.cfg; do
        status=0
        check "$file" || status=$?
        [ "$status" = 1 ] && same "$file" "${file%.cfg}.err" "$BATS_TEST_TMPDIR/err" &&
            same "$file" /dev/null "$BATS_TEST_TMPDIR/out" && continue
        echo "failed: $file (exit status $status)" >&2
        failed=1
    done
    [ "$failed" = 0 ]
}

# print FILE: what natterd -n -v prints.
print() {
    timeout 10 "$build/natterd" -n -v -c "$1"
}

# examples: the README's blocks of configuration and the manual's, a file each; v0.9's JSON is none.
examples() {
    local tmp=$BATS_TEST_TMPDIR
    awk -v out="$tmp/readme" '/^```conf$/ { n++; on = 1; next } /^```$/ { on = 0 } on { print >(out n ".cfg") }' README.md
    awk -v out="$tmp/manual" '/^\.Ed/ { on = 0 } on && !/^$/ { print >(out n ".cfg") } on && /^$/ || /^\.Bd -literal/ { n++; on = 1 }' \
        man/natter.cfg.5
    sed -i 's/\\(dq/"/g; s/\\e/\\/g; s/\\&//g' "$tmp"/manual*.cfg
    grep -lx '{' "$tmp"/manual*.cfg | xargs -r rm
}

# keys SOURCE...: the keys in the tables of these files.
keys() {
    sed -n 's/^    {"\([a-z_]*\)", read_[a-z_]*,.*/\1/p' "$@" | sort -u
}

@test "the print of a good file is its .full, and reads as the file does" {
    local file tmp=$BATS_TEST_TMPDIR
    for file in "$folder"/good/*.cfg "$PWD/natter.cfg"; do
        print "$file" >"$tmp/first.cfg" || fail "$file: no print"
        print "$tmp/first.cfg" >"$tmp/second.cfg" || fail "$file: its print is refused"
        same "$file" "$tmp/first.cfg" "$tmp/second.cfg"
        sed "s,${file%/*}/,DIR/,g" "$tmp/first.cfg" >"$tmp/first"
        [ ! -e "${file%.cfg}.full" ] || same "$file" "${file%.cfg}.full" "$tmp/first"
        diff <("$build/natterd" -n -c "$file" | tail -n +2) <("$build/natterd" -n -c "$tmp/first.cfg" | tail -n +2) >&2 ||
            fail "$file: its print means something else"
    done
}

@test "the print has every key of natterd's tables" {
    local key part tmp=$BATS_TEST_TMPDIR
    echo 'mappings = ( { protocol = "tcp"; target = "127.0.0.1:1"; }, { protocol = "udp"; target = "127.0.0.1:1"; } );' \
        >"$tmp/all.cfg"
    print "$tmp/all.cfg" >"$tmp/print"
    sed '/^mappings = (/,/^);/d' "$tmp/print" >"$tmp/global"
    sed '/^mappings = (/,/^);/!d' "$tmp/print" >"$tmp/mapping"
    for part in global mapping; do
        # mappings is the rest.
        for key in $(keys "supervisor/config_$part.c" | grep -vx mappings); do
            grep -qE "^ *(# $key:|$key =)" "$tmp/$part" ||
                fail "the $part part of the print has no $key"
        done
    done
}

@test "a print that cannot be written is an error" {
    # shellcheck disable=SC2016
    run --separate-stderr bash -c '"$0" -n -v -c natter.cfg >/dev/full' "$build/natterd"
    [ "$status" = 1 ]
    [ "$stderr" = "error: natterd: cannot write the configuration: No space left on device" ]
}

@test "no expected text is without its file" {
    local text
    for text in "$folder"/good/*.out "$folder"/good/*.full "$folder"/bad/*.err; do
        [ -e "${text%.*}.cfg" ] || fail "$text belongs to no .cfg"
    done
}

@test "the shipped natter.cfg passes and opens nothing" {
    check "$PWD/natter.cfg" || fail "$(cat "$BATS_TEST_TMPDIR/err")"
    [ ! -s "$BATS_TEST_TMPDIR/err" ]
    [ "$(head -n 1 "$BATS_TEST_TMPDIR/out")" = "DIR/natter.cfg: 0 mappings" ]
}

# What is in it behind a # and looks like a setting is an example.
@test "the examples in the shipped natter.cfg pass" {
    sed -E 's/^( *)# ([a-z_]+ = .*;|\{.*\},?)$/\1\2/; /hook = "";|status_file = "";/d; /user = /d' natter.cfg \
        >"$BATS_TEST_TMPDIR/natter.cfg"
    check "$BATS_TEST_TMPDIR/natter.cfg" || fail "$(cat "$BATS_TEST_TMPDIR/err")"
    [ "$(head -n 1 "$BATS_TEST_TMPDIR/out")" = "DIR/natter.cfg: 8 mappings" ] || fail "$(cat "$BATS_TEST_TMPDIR/out")"
}

@test "the README's and the manual's examples pass" {
    local file
    examples
    [ "$(find "$BATS_TEST_TMPDIR" -name '*.cfg' | wc -l)" -ge 15 ] || fail "examples were not found"
    for file in "$BATS_TEST_TMPDIR"/*.cfg; do
        check "$file" || fail "$(cat "$file" "$BATS_TEST_TMPDIR/err")"
    done
}

@test "the manual and the shipped natter.cfg know natterd's keys and no others" {
    local keys key
    keys=$(keys supervisor/config_global.c supervisor/config_mapping.c)
    [ "$(wc -l <<<"$keys")" -ge 20 ] || fail "the tables of keys were not found: $keys"
    diff -u --label tables <(cat <<<"$keys") --label manual \
        <(sed -nE 's/^\.(It )?Ic ([a-z_]+)( .*)?$/\2/p' man/natter.cfg.5 | sort -u) >&2
    for key in $keys; do
        grep -qw -- "$key" natter.cfg || fail "natter.cfg does not mention $key"
    done
}

@test "a file that cannot be read is named with the reason" {
    check /nowhere/natter.cfg && fail "accepted"
    same "" <(echo "error: natter.cfg: cannot be read: No such file or directory; -c names another file") \
        "$BATS_TEST_TMPDIR/err"
    check "$folder/good" && fail "accepted"
    same "" <(echo "error: good: is a directory; name the file in it") "$BATS_TEST_TMPDIR/err"
}

@test "as root the workers' user must exist and not be root" {
    [ "$(id -u)" = 0 ] || skip "an account matters to root alone"
    printf '\nuser = "no-such-account";\n' >"$BATS_TEST_TMPDIR/u.cfg"
    check "$BATS_TEST_TMPDIR/u.cfg" && fail "accepted"
    same "" - "$BATS_TEST_TMPDIR/err" <<'END'
error: u.cfg:2: user: there is no account "no-such-account"; name one that exists
    user = "no-such-account";
    ^~~~
END
    printf 'user = "root";\n' >"$BATS_TEST_TMPDIR/u.cfg"
    check "$BATS_TEST_TMPDIR/u.cfg" && fail "accepted"
    same "" - "$BATS_TEST_TMPDIR/err" <<'END'
error: u.cfg:1: user: root may do everything, and workers need nothing; name another
    user = "root";
    ^~~~
END
}

@test "a hook's account: any one as root, without root only natterd's own" {
    [ "$(id -u)" = 0 ] || skip "an account matters to root alone"
    # Where nobody can reach it, wherever this checkout lies.
    local place user=(setpriv --reuid=nobody --regid=nogroup --clear-groups)
    place=$(mktemp -d) && chmod 755 "$place" && cp "$build/natterd" "$place"
    cat >"$place/natter.cfg" <<'END'
status_report = { hook = "true"; hook_user = "nobody"; };
mappings = ( { name = "a"; protocol = "udp"; bind = 5001; },
    { name = "b"; protocol = "udp"; bind = 5002; hook_user = ""; },
    { name = "c"; protocol = "udp"; bind = 5003; hook_user = "root"; hook_retry = 1; } );
END
    run "$place/natterd" -n -c "$place/natter.cfg"
    [ "$status" = 0 ]
    [[ ${lines[2]} == *" yes as nobody  "* && ${lines[3]} == *" yes  "* && ${lines[4]} == *" yes as root, retry 1  "* ]]
    run "${user[@]}" "$place/natterd" -n -c "$place/natter.cfg"
    rm "$place/natterd"
    [ "$status" = 1 ]
    [ "${lines[0]}" = "error: $place/natter.cfg:4: mappings.hook_user: without root hooks run as the user who starts natterd (uid $(id -u nobody)); take it away, or start natterd as root" ]
    rm -r "$place"
}

@test "a relative name starts in the working directory, in messages as given" {
    cd "$folder"
    run --separate-stderr "$build/natterd" -n -c good/empty.cfg
    [ "$status" = 0 ]
    [ "${lines[0]}" = "$folder/good/empty.cfg: 0 mappings" ]
    run "$build/natterd" -n -c bad/include-mistake.cfg
    [ "$status" = 1 ]
    [[ $output == "error: bad/mistake.inc:3: "* ]]
}

@test "--help and --version go to standard output" {
    local option
    for option in -h --help -V --version; do
        run --separate-stderr "$build/natterd" "$option"
        [ "$status" = 0 ] && [ -z "$stderr" ] || fail "$option"
    done
    [[ $output =~ ^natterd\ [0-9]+\.[0-9]+\.[0-9]+$ ]]
    run "$build/natterd" --help
    for option in config foreground check verbose help version; do
        [[ $output == *"--$option"* ]] || fail "--help does not mention --$option"
    done
}

@test "long and short options mean the same" {
    run "$build/natterd" --check --verbose --foreground --config="$folder/good/bounds.cfg"
    [ "$status" = 0 ]
    local long=$output
    run "$build/natterd" -nvfc "$folder/good/bounds.cfg"
    [ "$status" = 0 ]
    [ "$output" = "$long" ]
}

@test "bad usage ends with 2 and the way to --help" {
    local arguments
    for arguments in -x --nonsense -c --config stray "-n stray"; do
        # shellcheck disable=SC2086
        run --separate-stderr "$build/natterd" $arguments
        [ "$status" = 2 ] && [ -z "$output" ] && [[ $stderr == *"try natterd --help" ]] || fail "$arguments"
    done
}
