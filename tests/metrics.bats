#!/usr/bin/env bats
# SPDX-License-Identifier: ISC
#
# natterctl metrics: Prometheus' text format, and that its numbers are true of real mappings.

# shellcheck source-path=SCRIPTDIR source=helper.bash
source "$BATS_TEST_DIRNAME/helper.bash"
bats_require_minimum_version 1.5.0

# A web server, an echo, a target that refuses, and a port that another program has.
start_mappings() {
    natter_config <<END
$(natter_lab_servers)
keep_alive_interval = 1;
mappings = (
    { name = "web"; protocol = "tcp"; bind = "8081"; target = "192.168.77.3:80"; },
    { name = "game"; protocol = "udp"; bind = "8082"; target = "192.168.77.3:7777"; },
    { name = "closed"; protocol = "tcp"; bind = "8083"; target = "192.168.77.3:9"; },
    { name = "taken"; protocol = "tcp"; bind = "8084"; target = "192.168.77.3:80"; }
);
END
    lab_web "$LAB_LAN" 192.168.77.3:80 "inside page"
    natter_echo "$LAB_LAN" udp 192.168.77.3:7777
    lab_spawn "$LAB_HOST" owner socat TCP-LISTEN:8084,fork PIPE
    lab_wait 5 lab_listening "$LAB_HOST" tcp 0.0.0.0:8084
    natter_start
    lab_wait 5 natter_is taken state backoff
    web=$(natter_open web) game=$(natter_open game) closed=$(natter_open closed)
}

# sample NAME METRIC [LABEL="VALUE"]: what natterctl metrics says now, without natter_mapping_.
sample() {
    natter_ctl metrics | awk -v name="natter_mapping_$2{name=\"$1\"," -v label="${3:-}" \
        'index($0, name) == 1 && (label == "" || index($0, "," label "}")) { print $NF }'
}

sample_is() {
    [[ $(sample "${@:2}") == "$1" ]]
}

# sample_in LEAST MOST NAME METRIC...: not less and not more.
sample_in() {
    awk -v least="$1" -v most="$2" -v value="$(sample "${@:3}")" 'BEGIN { exit !(value != "" && value >= least && value <= most) }'
}

# fetch: an outside client's connection to web; what it sends and gets is added to connections, sent and got.
fetch() {
    local bytes
    bytes=$(lab_in "$LAB_INET" curl --interface 203.0.113.40 -sS -m 5 -o "$LAB_DIR/page" \
        -w '%{size_request} %{size_header} %{size_download}' "http://$web/")
    read -r request header page <<<"$bytes"
    connections=$((connections + 1)) sent=$((sent + request)) got=$((got + header + page))
}

counted() {
    sample_is "$connections" web connections_total && sample_is "$sent" web receive_bytes_total &&
        sample_is "$got" web transmit_bytes_total && sample_is 0 web open_connections
}

# only_grew BEFORE AFTER: no counter is less than it was, or gone.
only_grew() {
    awk '!/_total[{]/ { next } NR == FNR { was[$1] = $2; n++; next } { is[$1] = $2 }
        END { for (s in was) if (is[s] == "" || is[s] < was[s]) { print s, was[s], is[s]; bad++ } exit bad > 0 || n == 0 }' "$@"
}

@test "what natterctl metrics prints is Prometheus' text format, of every mapping whatever its state" {
    start_mappings
    natter_ctl metrics >"$LAB_DIR/metrics"
    awk -f "$TESTS/metrics.awk" "$LAB_DIR/metrics"
    for name in web game closed taken; do
        # One sample of each that is always known; 16 causes, 7 states, 3 events, 3 kinds of reach.
        (($(grep -c "{name=\"$name\"," "$LAB_DIR/metrics") >= 7 + 16 + 7 + 3 + 3))
    done
    grep -q '^natter_build_info{version="1.0.0"} 1$' "$LAB_DIR/metrics"
    started=$(awk '/^natter_start_time_seconds / { print $2 }' "$LAB_DIR/metrics")
    ((started > 0 && EPOCHSECONDS - started <= 120))
    run -2 natter_ctl --json metrics
    [[ $output == *"--json list"* ]]
    run -2 natter_ctl metrics web
    [[ $(natter_ctl m) == "# HELP natter_build_info"* ]]
}

@test "natterctl(8) explains every metric and every cause" {
    "$NATTER_BUILD/tests/test_metrics" "$LAB_DIR/metrics"
    page=$TESTS/../man/natterctl.8
    {
        sed -n 's/^# TYPE natter_mapping_\([a-z_]*\) .*/.It \1 Ta/p' "$LAB_DIR/metrics"
        sed -n 's/.*cause="\([a-z_]*\)".*/.It \1/p' "$LAB_DIR/metrics" | sort -u
    } >"$LAB_DIR/wanted"
    (($(wc -l <"$LAB_DIR/wanted") >= 15 + 16))
    while read -r line; do
        grep -qE "^${line/./\\.}( |\$)" "$page" || { echo "missing: $line" && return 1; }
    done <"$LAB_DIR/wanted"
}

@test "promtool accepts it, also with names that natter.cfg would not allow" {
    "$NATTER_BUILD/tests/test_metrics" "$LAB_DIR/odd"
    grep -F 'name="a\"b\\c\nd{},= #' "$LAB_DIR/odd"
    awk -f "$TESTS/metrics.awk" "$LAB_DIR/odd"
    type -P promtool >/dev/null || skip "no promtool here; tests/packages.sh ci gets it"
    start_mappings
    natter_ctl metrics >"$LAB_DIR/metrics"
    for file in metrics odd; do
        run -0 promtool check metrics <"$LAB_DIR/$file"
        [[ ! $output ]]
    done
}

@test "the checker of the format sees mistakes" {
    printf '%s\n' '# HELP natter_a_total x' '# TYPE natter_a_total counter' \
        'natter_a_total{name="a\"b\\c\nd"} 1' >"$LAB_DIR/good"
    awk -f "$TESTS/metrics.awk" "$LAB_DIR/good"
    changes=(s/counter/gauge/ 's/ 1$/ x/' 's/ 1$/ 1.5/' 's/^natter_a_total{/natter_b_total{/' 1d 2d 3d 3p 's/\\n/\\t/'
        's/\\\\c/\\c/' 's/"}/",name="x"}/' 's/}/,}/' 3G '3a# EOF' 1p 2p s/natter_a/other_a/)
    for change in "${changes[@]}"; do
        sed "$change" "$LAB_DIR/good" >"$LAB_DIR/bad"
        echo "$change"
        run -1 awk -f "$TESTS/metrics.awk" "$LAB_DIR/bad"
    done
}

# Both numbers come with the worker's next report, and may grow until then.
sent_back() {
    sample_is "$(sample game receive_bytes_total)" game transmit_bytes_total
}

@test "bytes, connections, sessions, round trips and states are those that were" {
    start_mappings
    connections=0 sent=0 got=0
    for _ in 1 2 3; do fetch; done
    lab_wait 5 counted
    lab_in "$LAB_INET" "$NATTER_BUILD/tests/datagrams" send "$game" 10 203.0.113.40
    lab_wait 5 sample_is 1 game connections_total
    sample_is 1 game open_connections
    # Ten datagrams of 4 to 65,507 bytes.
    lab_wait 5 sample_in 40 655070 game receive_bytes_total
    lab_wait 5 sent_back
    for name in web game; do
        sample_is 1 "$name" state 'state="open"' && sample_is 0 "$name" state 'state="backoff"'
        sample_is 1 "$name" address_changes_total 'event="up"'
        sample_is 1 "$name" keep_alive_interval_seconds
        sample_in $((EPOCHSECONDS - 60)) "$EPOCHSECONDS" "$name" address_timestamp_seconds
        lab_wait 5 sample_in 0.000001 2 "$name" stun_round_trip_seconds
    done
    # The first request goes out within 5 s.
    lab_wait 10 sample_in 0.000001 2 web keep_alive_round_trip_seconds
    [[ ! $(sample game keep_alive_round_trip_seconds) && ! $(sample taken address_timestamp_seconds) ]]
    sample_is 1 taken state 'state="backoff"'
    [[ $(natter_field web connections_total) == 3 ]]
    natter_ctl show web | grep -E '^stun_round_trip: +[0-9]+ \([0-9.]+ ms\)$'
}

@test "failures are counted by their cause, and changes of the address" {
    start_mappings
    lab_wait 5 sample_in 1 100 taken failures_total 'cause="port_unavailable"'
    sample_is 0 web failures_total 'cause="port_unavailable"'
    run ! natter_fetch "$closed"
    lab_wait 5 sample_is 1 closed failures_total 'cause="target_refused"'
    sample_is 0 game failures_total 'cause="stun_silent"'
    natter_ctl metrics >"$LAB_DIR/before"

    lab_silence 203.0.113.10 203.0.113.11 203.0.113.20 203.0.113.21 203.0.113.30 203.0.113.31
    lab_wait 10 sample_in 1 100 game failures_total 'cause="stun_silent"'
    lab_wait 10 sample_in 1 100 web failures_total 'cause="keep_alive_lost"'
    lab_wait 10 sample_is 1 game state 'state="degraded"'
    lab_silence_end
    natter_open game 20

    lab_readdress 203.0.113.253
    lab_wait 20 sample_is 1 game address_changes_total 'event="change"'
    natter_ctl metrics >"$LAB_DIR/after"
    only_grew "$LAB_DIR/before" "$LAB_DIR/after"
    natter_ctl show taken | grep -E '^failures: +[0-9]+ \(port_unavailable [0-9]+\)$'
}

@test "a worker that is killed takes nothing back that it had counted" {
    start_mappings
    connections=0 sent=0 got=0
    fetch
    lab_wait 5 counted
    natter_ctl metrics >"$LAB_DIR/before"
    for kills in 1 2; do
        kill -9 "$(natter_field web pid)"
        lab_wait 5 sample_is "$kills" web worker_restarts_total
        natter_open web
        fetch
        lab_wait 5 counted
        sample_is "$kills" web failures_total 'cause="worker_died"'
        natter_ctl metrics >"$LAB_DIR/after"
        only_grew "$LAB_DIR/before" "$LAB_DIR/after"
        mv "$LAB_DIR/after" "$LAB_DIR/before"
    done
    sample_is 0 game worker_restarts_total
}
