#!/usr/bin/env bats
# SPDX-License-Identifier: ISC
#
# The soak's own test: does it see what leaks and who is left over, do its clients tell right from wrong, and does a
# short one end well?

# shellcheck source-path=SCRIPTDIR source=bench.bash
source "$BATS_TEST_DIRNAME/bench.bash"
# shellcheck source-path=SCRIPTDIR source=growth.bash
source "$BATS_TEST_DIRNAME/growth.bash"
bats_require_minimum_version 1.5.0

setup() {
    lab_need_root
    lab_up fullcone
}

teardown() {
    natter_down
}

# publish ADDRESS: for both of the mappings.
publish() {
    echo "{ \"mappings\": [ { \"name\": \"echo\", \"outer\": \"$1\", \"state\": \"open\" },
        { \"name\": \"game\", \"outer\": \"$1\", \"state\": \"open\" } ] }" >"$LAB_DIR/status.json"
}

# churn: prints what became of a hundred clients.
churn() {
    lab_in "$LAB_LAN" "$NATTER_BUILD/tests/churn" "$LAB_DIR/status.json" 192.168.77.3 5 echo game 100 2>"$LAB_DIR/churn.log"
}

@test "clients that come and go tell what is right, what is wrong, who is cut off and who gets nowhere" {
    natter_echo "$LAB_HOST" tcp 192.168.77.2:7000
    natter_echo "$LAB_HOST" udp 192.168.77.2:7000 datagrams
    publish 192.168.77.2:7000
    churn | jq -e '.connections > 10 and .sessions > 10 and .bytes > 100000 and .done == .connections + .sessions and .wrong == 0'
    lab_spawn "$LAB_HOST" liar socat -U TCP4-LISTEN:7001,fork,reuseaddr SYSTEM:"echo nonsense; sleep 1"
    lab_spawn "$LAB_HOST" udp-liar socat UDP4-RECVFROM:7001,fork SYSTEM:"echo nonsense"
    lab_wait 5 lab_listening "$LAB_HOST" tcp 0.0.0.0:7001
    lab_wait 5 lab_listening "$LAB_HOST" udp 0.0.0.0:7001
    publish 192.168.77.2:7001
    churn | jq -e '.wrong > 10 and .cut + .refused == 0'
    publish 192.168.77.2:7002
    churn | jq -e '.refused == .connections and .cut > 0 and .bytes == 0'
}

@test "a worker that keeps descriptors, and a process that is nobody's, are found" {
    lab_servers
    natter_config <<END
$(natter_lab_servers)
mappings = ( { name = "web"; protocol = "tcp"; target = "192.168.77.3:7000"; } );
END
    natter_echo "$LAB_LAN" tcp 192.168.77.3:7000
    natter_start_in_quiet
    outer=$(natter_open web)
    GROWTH_SETTLED=0
    growth_begin
    growth_sample
    growth_sample
    run -0 growth_verdict
    [[ $output != *GREW* ]]
    growth_processes
    lab_spawn "$LAB_INET" crowd "$NATTER_BUILD/tests/crowd" tcp "$outer" 10 203.0.113.40
    lab_wait 5 natter_is web connections 10
    growth_sample
    run -1 growth_verdict
    grep -q "^  web .*GREW$" <<<"$output"
    [[ $(grep -c GREW <<<"$output") == 1 ]]
    lab_end crowd
    lab_wait 5 natter_is web connections 0
    growth_sample
    run -0 growth_verdict
    lab_spawn "$LAB_HOST" stray sleep 60
    run ! growth__processes 1
    growth_sample
    run -1 growth_verdict
    [[ $output == *"orphan $(<"$LAB_DIR/stray.pid") sleep"* ]]
}

@test "a short soak: events, reloads and clients, and every bound is kept" {
    lab_down
    # So young, the number of UDP clients rises all the time, and is told once a second.
    run env RESULTS="$BATS_TEST_TMPDIR" TMPDIR="$BATS_TEST_TMPDIR" NATTER_BUILD="$NATTER_BUILD" GROWTH_SETTLED=1 GROWTH_DESCRIPTORS=16 SOAK_CALM=1 \
        "$BATS_TEST_DIRNAME/soak.bash" 1 2 "${NATTER_SOAK_EVENTS:-reload-limits}"
    echo "$output"
    [[ $status == 0 && $output == *"soak: every bound was kept" && $output == *" 0 wrong"* && $output == *"1 events"* ]]
    # Nothing is left, since the folder goes last.
    [[ ! $(compgen -G "$BATS_TEST_TMPDIR/natter-lab.*") ]]
}
