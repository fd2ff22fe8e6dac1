#!/usr/bin/env bats
# SPDX-License-Identifier: ISC
#
# The measurements measure themselves: does an asker see what is published and what answers, is the right thing
# worked out from its lines? Without natter's programs.

# shellcheck source-path=SCRIPTDIR source=../helper.bash
source "$BATS_TEST_DIRNAME/../helper.bash"
bats_require_minimum_version 1.5.0

setup() {
    lab_need_root
    lab_up open
    status=$LAB_DIR/status.json
}

teardown() {
    lab_down
}

# publish ADDRESS STATE: as natterd does, by renaming.
publish() {
    echo "{ \"mappings\": [ { \"name\": \"other\", \"outer\": \"192.0.2.1:1\", \"state\": \"open\" },
        { \"name\": \"web\", \"outer\": \"$1\", \"state\": \"$2\" } ] }" >"$status.new"
    mv "$status.new" "$status"
}

ask() {
    lab_spawn "$LAB_INET" asker "$NATTER_BUILD/tests/asker" "$1" web "$status" 203.0.113.40 "${@:2}"
}

logged() {
    grep -qE "$1" "$LAB_DIR/asker.log"
}

@test "an asker over TCP asks at the address last published, tells right from wrong and from nothing" {
    lab_web "$LAB_LAN" 192.168.77.3:80 "inside page"
    lab_web "$LAB_LAN" 192.168.77.3:81 "another page"
    ask tcp "inside page"
    lab_wait 2 logged '^pub [0-9.]+ - none$'
    publish 192.168.77.3:80 open
    lab_wait 2 logged '^pub [0-9.]+ 192.168.77.3:80 open$'
    lab_wait 2 logged '^ask [0-9.]+ 192.168.77.3:80 ok 0\.0'
    publish "" stopped
    lab_wait 2 logged '^pub [0-9.]+ - stopped$'
    before=$(grep -c ':80 ok' "$LAB_DIR/asker.log")
    more() { (($(grep -c ':80 ok' "$LAB_DIR/asker.log") > before + 2)); }
    lab_wait 2 more
    publish 192.168.77.3:81 open
    lab_wait 2 logged ':81 wrong'
    publish 192.168.77.3:82 open
    lab_wait 2 logged ':82 refused'
    lab_in "$LAB_CARRIER" nft "add table ip t; add chain ip t c { type filter hook forward priority 0; }; add rule ip t c drop"
    lab_wait 4 logged ':82 silence 1\.0'
}

@test "an asker over UDP expects its own datagram back" {
    natter_echo "$LAB_LAN" udp 192.168.77.3:7777
    lab_spawn "$LAB_LAN" liar socat UDP4-RECVFROM:7778,fork SYSTEM:"echo nonsense"
    lab_wait 5 lab_listening "$LAB_LAN" udp 0.0.0.0:7778
    publish 192.168.77.3:7777 open
    ask udp
    lab_wait 2 logged '^ask [0-9.]+ 192.168.77.3:7777 ok 0\.0'
    publish 192.168.77.3:7778 open
    lab_wait 2 logged ':7778 wrong'
    publish 192.168.77.3:7779 open
    lab_wait 2 logged ':7779 refused'
}

# saw FROM BACK TO: what is worked out from the lines of standard input.
saw() {
    sort -s -k 2,2n | awk -v from="$1" -v back="$2" -v to="$3" -f "$BATS_TEST_DIRNAME/analyse.awk" | jq -c .
}

# asks FROM TO ADDRESS REASON: ten a second.
asks() {
    awk -v from="$1" -v to="$2" -v rest="$3 $4 0.001" 'BEGIN { for (t = from * 10; t < to * 10; t++) printf "ask %.1f %s\n", t / 10, rest }'
}

@test "seconds out of reach begin with the first ask that failed; the outage is told apart" {
    result=$(
        {
            echo "pub 1 a open"
            asks 1 10 a ok
            asks 10 15 a silence
            echo "pub 15 b open"
            asks 15 20 b ok
        } | saw 10 12 20
    )
    [[ $result == '{"out_of_reach":5,"beyond":3,"longest":3,"to_new":3,"addresses":2,"false":0,"asks":102,"failed":50}' ]]
}

@test "several times out of reach are summed up; one that does not end lasts until the end" {
    result=$(
        {
            echo "pub 1 a open"
            asks 1 10 a ok
            asks 10 11 a reset
            asks 11 12 a ok
            asks 12 15 a reset
        } | saw 10 10 15
    )
    [[ $result == '{"out_of_reach":4,"beyond":4,"longest":3,"to_new":null,"addresses":1,"false":0,"asks":52,"failed":40}' ]]
}

@test "an address that never answered was false, unless only briefly or during the outage" {
    result=$(
        {
            echo "pub 1 a open"
            asks 1 10 a ok
            echo "pub 10 b open" # only during the outage
            asks 10 12 b silence
            echo "pub 12 c open" # too short
            asks 12 12.3 c refused
            echo "pub 12.3 d open"
            asks 12.3 13 d refused
            echo "pub 13 - open" # nothing, and the asks go to the last one
            asks 13 14 d refused
            echo "pub 14 e open"
            asks 14 16 e ok
        } | saw 10 12 16
    )
    [[ $result == *'"addresses":5,"false":1,'* ]]
}
