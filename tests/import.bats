#!/usr/bin/env bats
# SPDX-License-Identifier: ISC
#
# natterctl import: every file in config/import becomes exactly the .cfg beside it, which natterd accepts; what
# cannot become one is refused with every mistake and nothing on standard output. No natterd runs.

# shellcheck disable=SC2154 # output and stderr are run's
# shellcheck source-path=SCRIPTDIR source=config.bash
source "$BATS_TEST_DIRNAME/config.bash"
bats_require_minimum_version 1.5.0

# import FILE: the import from FILE's own folder, so that no path is in it.
import() {
    (cd "${1%/*}" && timeout 10 "$build/natterctl" import "${1##*/}")
}

# describe FILE.json NAME: what `natterd -n` says of its import, which is then NAME.cfg, is in
# $BATS_TEST_TMPDIR/out.
describe() {
    cp "$folder/good/paths.inc" "$BATS_TEST_TMPDIR"
    { import "$1" && echo '@include "paths.inc"'; } >"$BATS_TEST_TMPDIR/$2.cfg"
    check "$BATS_TEST_TMPDIR/$2.cfg" || fail "$(cat "$BATS_TEST_TMPDIR/err")"
}

# refused JSON MESSAGE: the import of the text fails with this message alone.
refused() {
    run --separate-stderr "$build/natterctl" import - <<<"$1"
    [[ $status == 1 && ! $output ]] || fail "$1: exit status $status, printed: $output"
    same "$1" <(echo "natterctl: standard input:$2") <(echo "$stderr")
}

@test "every example is imported as its .cfg says, and natterd takes it" {
    local file failed=0
    for file in "$folder"/import/*.json; do
        import "$file" >"$BATS_TEST_TMPDIR/cfg" && same "$file" "${file%.json}.cfg" "$BATS_TEST_TMPDIR/cfg" &&
            check "${file%.json}.cfg" && same "$file" /dev/null "$BATS_TEST_TMPDIR/err" && continue
        cat "$BATS_TEST_TMPDIR/err" >&2
        failed=1
    done
    [ "$failed" = 0 ]
}

@test "round trip: natterd describes v0.9's template as it does the same in our syntax" {
    describe "$folder/import/v0.9-template.json" v0.9-template
    same template "$folder/good/v0.9-template.out" "$BATS_TEST_TMPDIR/out"
}

@test "round trip: what v0.9 left empty is empty still" {
    describe "$folder/import/empty.json" v0.9-empty
    # keep_alive is TCP's alone, and there is only a UDP mapping.
    same empty "$folder/good/v0.9-empty.out" "$BATS_TEST_TMPDIR/out"
}

@test "an empty configuration opens nothing" {
    describe "$folder/import/nothing.json" nothing
    [ "$(head -n 1 "$BATS_TEST_TMPDIR/out")" = "DIR/nothing.cfg: 0 mappings" ]
}

@test "nothing foreign leaves its quotes or its comment" {
    describe "$folder/import/nasty.json" nasty
    [ "$(head -n 1 "$BATS_TEST_TMPDIR/out")" = "DIR/nasty.cfg: 1 mapping" ]
    grep -qF 'log_file        /var/log/"natter" \ 1.log' "$BATS_TEST_TMPDIR/out"
    grep -qF 'status_file     DIR/状态.json' "$BATS_TEST_TMPDIR/out"
    # Control characters, those of C1 and DEL.
    run -1 env LC_ALL=C grep -anP '[\x00-\x1f\x7f]|\xc2[\x80-\x9f]' "$BATS_TEST_TMPDIR/nasty.cfg"
    # What is no comment is the known settings.
    grep -vE '^ *(#|$)' "$BATS_TEST_TMPDIR/nasty.cfg" | sed -E 's/ = .*//; s/^ *//' >"$BATS_TEST_TMPDIR/keys"
    same nasty <(printf '%s\n' logging level log_file '};' status_report hook status_file '};' open_port tcp '};' \
        keep_alive '@include "paths.inc"') "$BATS_TEST_TMPDIR/keys"
}

@test "every unknown key and its value is named" {
    local comments
    # Without the bytes that no terminal should see, which are in the comments as \xHH, it is the same JSON.
    comments=$(import "$folder/import/nasty.json" | sed -n 's/^ *#   { /{ /; T; s/\\x../?/g; p')
    [ "$(wc -l <<<"$comments")" = 6 ]
    diff <(jq -cS . <<<"$comments" | sort) \
        <(sed 's/\\u007f/?/; s/\\u0085/??/' "$folder/import/nasty.json" |
            jq -cS 'def but(f): with_entries(select(.key | IN(f) | not)) | to_entries[] | { (.key): .value };
                but("logging", "status_report", "open_port", "keep_alive"), (.logging | but("level", "log_file")),
                (.status_report | but("status_file", "hook")), (.open_port | but("tcp"))' | sort)
}

@test "a mapping that natterd would refuse is kept under a name, or stands in a comment" {
    describe "$folder/import/twice.json" twice
    diff <(awk 'NR > 3 && NF && !/^(user|level|[a-z_]*(file|socket|dir)) / { print $1, $4 }' "$BATS_TEST_TMPDIR/out") - <<'END'
tcp-0.0.0.0-80 punch
tcp-192.168.1.2-81 punch
udp-192.168.1.2-80 punch
udp-192.168.1.3-80 punch
tcp-127.0.0.1-80 127.0.0.1:80
tcp-::1-80 [::1]:80
udp-127.0.0.1-80 127.0.0.1:80
tcp-0.0.0.0-80-2 0.0.0.0:80
tcp-127.0.0.1-80-2 127.0.0.1:80
tcp-127.0.0.1-80-3 127.0.0.1:80
END
    for text in '"192.168.1.2:80" because tcp' '"192.168.1.2:80" because udp' '"s25.example.com" because' \
        '"stun.stunprotocol.org" because' 'keep_alive, because'; do
        grep -qF "# Not taken over: $text" "$BATS_TEST_TMPDIR/twice.cfg" || fail "$text"
    done
    grep -q '"STUN.qq.com:3478" was dead' "$BATS_TEST_TMPDIR/twice.cfg"
}

@test "- is standard input" {
    run --separate-stderr "$build/natterctl" import - <"$folder/import/v0.9-template.json"
    [[ $status == 0 && ! $stderr ]]
    same stdin <(sed '1s/v0.9-template.json/standard input/' "$folder/import/v0.9-template.cfg") <(echo "$output")
}

@test "a file that cannot be read is named with the reason" {
    run --separate-stderr "$build/natterctl" import /nowhere/natter.json
    [[ $status == 1 && ! $output ]]
    [ "$stderr" = "natterctl: /nowhere/natter.json: cannot be read: No such file or directory" ]
    run --separate-stderr "$build/natterctl" import "$folder"
    [[ $status == 1 && ! $output ]]
    [ "$stderr" = "natterctl: $folder: cannot be read: Is a directory" ]
    run --separate-stderr "$build/natterctl" import /dev/zero
    [[ $status == 1 && ! $output ]]
    [ "$stderr" = "natterctl: /dev/zero: is larger than 1 MB; name v0.9's configuration" ]
}

@test "broken JSON is refused with line and column" {
    refused '' '2:1: unexpected end of data'
    refused '{ "logging": {' '2:1: unexpected end of data'
    refused $'{\n    "logging": { "level": "info", }\n}' '2:35: unexpected character'
    refused $'{\n    "keep_alive" "x" }' "2:18: object property name separator ':' expected"
    refused '{ } x' '1:5: unexpected character'
    refused 'logging = { };' '1:1: unexpected character'
    refused $'{ "keep_alive": "\xff" }' '1:18: invalid utf-8 string'
    refused '[ ]' '1:1: v0.9'\''s configuration is an object: { "open_port": { ... }, ... }'
    refused 'null' '1:1: v0.9'\''s configuration is an object: { "open_port": { ... }, ... }'
}

@test "what json-c would drop or change is refused" {
    refused $'{ "logging": { "level": "info" },\n  "\\u006cogging": { } }' \
        '2:3: logging: stands here for the second time in its group; keep the last, which v0.9 took, or join both'
    refused '{ "a": [ { "b": 1, "c": "}:\"" }, { "b": 2 } ], "b": { "b": 3, "b": 4 } }' \
        '1:64: b: stands here for the second time in its group; keep the last, which v0.9 took, or join both'
    refused '{ "keep_alive\u0000": 1 }' '1:3: keep_alive: a key with a NUL character in it; take it away'
    refused "{ 'keep_alive': \"x\" }" '1:3: a single quote; write double quotes'
    refused '{ "a": 1.0000000000000000000000001e5, "b": 99999999999999999999 }' \
        '1:44: a number of more than 18 digits; put it in quotes'
    run --separate-stderr "$build/natterctl" import - < <(printf '{ }\0{ "keep_alive": "x" }')
    [[ $status == 1 && ! $output ]]
    [ "$stderr" = "natterctl: standard input:1:4: here the JSON should end; take away what follows" ]
}

@test "a wrong type is refused with its key" {
    refused '{ "logging": "info" }' ' logging: must be a group: { "KEY": VALUE, ... }, not "info"'
    refused '{ "logging": { "level": 1 } }' ' logging.level: must be text in double quotes, not 1'
    refused '{ "logging": { "log_file": null } }' ' logging.log_file: must be text in double quotes, not null'
    refused '{ "status_report": { "hook": [ "a" ] } }' \
        ' status_report.hook: must be text in double quotes, not ["a"]'
    refused '{ "status_report": { "status_file": {} } }' \
        ' status_report.status_file: must be text in double quotes, not {}'
    refused '{ "open_port": [] }' ' open_port: must be a group: { "KEY": VALUE, ... }, not []'
    refused '{ "open_port": { "tcp": "1.2.3.4:80" } }' \
        ' open_port.tcp: must be a list: [ "ONE", "ANOTHER" ], not "1.2.3.4:80"'
    refused '{ "forward_port": { "udp": [ 80 ] } }' ' forward_port.udp: must be text in double quotes, not 80'
    refused '{ "stun_server": { "tcp": {} } }' ' stun_server.tcp: must be a list: [ "ONE", "ANOTHER" ], not {}'
    refused '{ "stun_server": { "udp": [ true ] } }' ' stun_server.udp: must be text in double quotes, not true'
    refused '{ "keep_alive": [ "a" ] }' ' keep_alive: must be text in double quotes, not ["a"]'
    refused '{ "status_report": { "hook": "a\u0000b" } }' \
        ' status_report.hook: a NUL character is in it, which no setting can hold; take it away'
}

@test "what natterd would refuse is refused with its key" {
    local address port
    for address in example.com:80 1.2.3.4 1.2.3.4:0 1.2.3.4:65536 1.2.3.400:80 :80 '' '1.2.3.4:80 '; do
        for port in open_port forward_port; do
            refused "{ \"$port\": { \"udp\": [ \"$address\" ] } }" \
                " $port.udp: \"$address\" is no address; write it as \"192.168.1.2:80\", an IP with a port from 1 to 65535"
        done
    done
    refused '{ "stun_server": { "tcp": [ "a b" ] } }' \
        ' stun_server.tcp: "a b" is no server; write it as "example.com" or "example.com:3478"'
    refused '{ "stun_server": { "udp": [ "" ] } }' \
        ' stun_server.udp: "" is no server; write it as "example.com" or "example.com:3478"'
    refused '{ "keep_alive": "http://example.com/" }' \
        ' keep_alive: "http://example.com/" is no server; write it as "example.com" or "example.com:80"'
    refused '{ "logging": { "level": "INFO" } }' \
        ' logging.level: "INFO" is no level; choose "debug", "info", "warning", "error" or "critical"'
}

@test "every mistake is named, without control characters" {
    run --separate-stderr "$build/natterctl" import - \
        <<<'{ "open_port": { "tcp": [ "a\u001b\n", "1.2.3.4:5" ] }, "logging": { "level": "" }, "keep_alive": 3 }'
    [[ $status == 1 && ! $output ]]
    [ "$(wc -l <<<"$stderr")" = 3 ]
    [[ $stderr == *'"a??" is no address'* ]]
}

@test "exit statuses: bad usage is 2, an output that cannot be written 1" {
    run --separate-stderr "$build/natterctl" import
    [[ $status == 2 && ! $output && $stderr == *"natterctl import FILE"* ]]
    run --separate-stderr "$build/natterctl" import one two
    [[ $status == 2 && ! $output ]]
    run bash -c '"$1" import "$2" >/dev/full' bash "$build/natterctl" "$folder/import/v0.9-template.json"
    [[ $status == 1 && $output == *"cannot write"* ]]
}
