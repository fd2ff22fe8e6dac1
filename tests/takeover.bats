#!/usr/bin/env bats
# SPDX-License-Identifier: ISC
#
# What the death of a worker costs, as an outside client sees it that uses the mapping without a pause, and what a
# restart of natterd costs.

# shellcheck source-path=SCRIPTDIR source=helper.bash
source "$BATS_TEST_DIRNAME/helper.bash"
bats_require_minimum_version 1.5.0

WEB='{ name = "web"; protocol = "tcp"; bind = "0.0.0.0:8081"; target = "192.168.77.3:80"; }'
GAME='{ name = "game"; protocol = "udp"; bind = "0.0.0.0:8082"; target = "192.168.77.3:7777"; }'
KILLS=10

mapping() {
    natter_config <<END
$(natter_lab_servers)
status_report = { status_file = "$LAB_DIR/status.json"; hook = "echo {outer_ip}:{outer_port} >>$LAB_DIR/hooks.log"; };
mappings = ( $1 );
END
}

# A natterd whose workers can be exchanged.
own_programs() {
    mkdir "$LAB_DIR/bin"
    install -m 755 "$NATTER_BUILD"/natter{d,-worker} "$LAB_DIR/bin"
    lab_spawn "$LAB_HOST" natterd "$LAB_DIR/bin/natterd" -f -c "$LAB_DIR/natter.cfg"
    lab_wait 5 natter_ctl version
}

# next_worker COMMAND: what runs in the place of every further worker.
next_worker() {
    printf '#!/bin/sh\n%s\n' "$1" >"$LAB_DIR/bin/new"
    chmod 755 "$LAB_DIR/bin/new"
    mv "$LAB_DIR/bin/new" "$LAB_DIR/bin/natter-worker"
}

# An outside client that fetches again and again; a line for each: curl's exit status, seconds.
start_fetching() {
    # shellcheck disable=SC2016
    lab_spawn "$LAB_INET" client bash -c 'while curl --interface 203.0.113.40 -s -m 10 -o /dev/null \
        -w "%{exitcode} %{time_total}\n" "http://$0/" || true; do sleep 0.03; done' "$1"
    lab_wait 5 grep -q "^0 " "$LAB_DIR/client.log"
}

# The same that sends a datagram and waits for it to come back, for a second at most: "0" or "1".
start_sending() {
    # shellcheck disable=SC2016
    lab_spawn "$LAB_INET" client bash -c 'for ((n = 0; ; n++)); do exec 5<>"/dev/udp/${0/://}"
        echo "$n" >&5; [[ $(timeout "$1" dd bs=1500 count=1 status=none <&5) == "$n" ]]; echo $?; sleep 0.03; done' \
        "$1" "${NATTER_SLOW:-1}"
    lab_wait 5 grep -q 0 "$LAB_DIR/client.log"
}

# What holds the mapping: the kernel's number of the connection, and its two ends.
keep_alives() {
    lab_in "$LAB_HOST" ss -Htne state established "sport = :8081" "dport = :80" |
        awk '{ match($0, /sk:[0-9a-f]+/); print substr($0, RSTART, RLENGTH), $3, $4 }' | sort
}

# The status file is written a moment after natterctl shows the same.
names_address() {
    [[ $(jq -r '.tcp[0].outer' "$LAB_DIR/status.json") == "$1" ]]
}

descriptors() {
    find "/proc/$(natter_pid)/fd" -mindepth 1 | wc -l
}

# Nothing leaks: natterd has as many as before, but for the keep-alives that it may hold.
as_many_descriptors() {
    (($(descriptors) <= $1 + 4))
}

# Has the mapping been open for so long that another death is followed by the next worker at once?
proved() {
    ((${EPOCHREALTIME/./} > opened + 1100000))
}

# kill_again NAME: kills the worker of an open mapping and waits for the next one.
kill_again() {
    local worker opened=${EPOCHREALTIME/./}
    lab_wait 5 proved
    worker=$(natter_field "$1" pid)
    kill -9 "$worker"
    replaced() {
        [[ $(natter_field "$1" pid) != "$worker" ]] && natter_is "$1" state open
    }
    lab_wait 5 replaced "$1"
}

# Sockets on a port of the host, but for those that only the kernel remembers.
port_in_use() {
    [[ $(lab_in "$LAB_HOST" ss -Hanut exclude time-wait "sport = :$1") ]]
}

port_free() {
    ! port_in_use "$1"
}

@test "a worker that is killed again and again: clients are served at once, the same connection holds the same port" {
    mapping "$WEB"
    lab_web "$LAB_LAN" 192.168.77.3:80 "inside page"
    natter_start
    outer=$(natter_open web)
    keep_alives=$(keep_alives)
    [[ $keep_alives == "sk:"* ]]
    descriptors=$(descriptors)
    lab_wait 2 names_address "$outer"
    natter_watch_published
    start_fetching "$outer"
    for ((n = 0; n < KILLS; n++)); do
        kill_again web
        [[ $(natter_field web outer) == "$outer" ]]
    done
    lab_end client
    lab_end watcher
    run ! grep "tampered" "$LAB_DIR/natterd.log"
    # Nobody is refused or turned away; only what a worker was relaying when it died is cut.
    sort "$LAB_DIR/client.log" | cut -d' ' -f1 | uniq -c
    run ! grep -vE '^(0|52|56) ' "$LAB_DIR/client.log"
    (($(grep -cv '^0 ' "$LAB_DIR/client.log") <= KILLS))
    longest=$(cut -d' ' -f2 "$LAB_DIR/client.log" | sort -n | tail -n 1)
    echo "$(wc -l <"$LAB_DIR/client.log") fetches, the longest took $longest s"
    awk "BEGIN { exit !($longest < ${NATTER_SLOW:-1} * 0.5) }"
    [[ ! $(comm -23 <(echo "$keep_alives") <(keep_alives)) ]]
    [[ $(sort -u "$LAB_DIR/watcher.log") == "$outer" ]]
    [[ $(<"$LAB_DIR/hooks.log") == "$outer" ]]
    [[ $(natter_field web restarts) == "$KILLS" ]]
    lab_wait 10 as_many_descriptors "$descriptors"
    natter_stop
    port_free 8081
}

@test "a UDP worker that is killed again and again: datagrams wait, and the outside port stays" {
    mapping "$GAME"
    natter_echo "$LAB_LAN" udp 192.168.77.3:7777
    own_programs
    outer=$(natter_open game)
    # Slow enough for some datagrams to come while nobody is there.
    next_worker "sleep 0.2; exec '$NATTER_BUILD/natter-worker'"
    descriptors=$(descriptors)
    start_sending "$outer"
    for _ in 1 2 3 4 5; do
        kill_again game
        [[ $(natter_field game outer) == "$outer" ]]
    done
    lab_end client
    run ! grep "tampered" "$LAB_DIR/natterd.log"
    # Lost is at most what a dead worker was just relaying; each death finds a datagram on the way to the next one.
    sort "$LAB_DIR/client.log" | uniq -c
    run ! grep -q 11 <(tr -d '\n' <"$LAB_DIR/client.log")
    (($(grep -c 1 "$LAB_DIR/client.log") <= 3))
    [[ $(<"$LAB_DIR/hooks.log") == "$outer" ]]
    lab_wait 10 as_many_descriptors "$descriptors"
    natter_stop
    port_free 8082
}

withdrawn() {
    [[ ! $(natter_field web outer) && $(jq -c "[.mappings[0].outer, .tcp]" "$LAB_DIR/status.json") == '["",[]]' ]]
}

@test "if the next worker dies too, the address is withdrawn and the port closed" {
    mapping "$WEB"
    own_programs
    natter_open web
    next_worker "exit 1"
    kill -9 "$(natter_field web pid)"
    lab_wait 2 withdrawn
    [[ $(natter_field web error) == "its worker ended with status 1" ]]
    port_free 8081
    run -7 lab_in "$LAB_LAN" curl -sS -m 5 http://192.168.77.2:8081/
    # The web server was told, too.
    [[ ! $(lab_in "$LAB_INET" ss -Htn state established "sport = :80") ]]
}

@test "if the next worker does nothing, nobody waits for it longer than 10 s" {
    mapping "$WEB"
    own_programs
    outer=$(natter_open web)
    worker=$(natter_field web pid)
    next_worker "exec sleep 60"
    kill -9 "$worker"
    another() {
        [[ $(natter_field web pid) != "$worker" && $(natter_field web pid) != 0 ]]
    }
    lab_wait 5 another
    natter_is web state degraded
    natter_is web outer "$outer"
    [[ $(natter_field web error) == "its worker was ended by signal 9 (Killed); the next one takes over" ]]
    port_in_use 8081
    lab_wait 15 withdrawn
    [[ $(natter_field web error) == *"did not take over in time" ]]
    port_free 8081
}

@test "natterd is restarted: the outside port is the same, and out of reach for less than a second" {
    mapping "$WEB"
    lab_web "$LAB_LAN" 192.168.77.3:80 "inside page"
    natter_start
    outer=$(natter_open web)
    # The times at which somebody was served: the longest between two is what was out of reach.
    # shellcheck disable=SC2016
    lab_spawn "$LAB_INET" client bash -c 'while :; do
        if curl --interface 203.0.113.40 -sf -m 1 -o /dev/null "http://$0/"; then echo "${EPOCHREALTIME/./}"; fi
    done' "$outer"
    served_again() {
        (($(wc -l <"$LAB_DIR/client.log") > served + 3))
    }
    served=0
    lab_wait 5 served_again
    natter_stop
    served=$(wc -l <"$LAB_DIR/client.log")
    natter_start
    [[ $(natter_open web) == "$outer" ]]
    lab_wait 5 served_again
    lab_end client
    gap=$(awk 'NR > 1 && $1 - last > gap { gap = $1 - last } { last = $1 } END { print gap }' "$LAB_DIR/client.log")
    echo "out of reach for $gap us"
    ((gap < ${NATTER_SLOW:-1} * 1000000))
}
