#!/usr/bin/env bats
# SPDX-License-Identifier: ISC
#
# What comes over natterd's boundaries: workers that a stranger has taken over (tests/lab/hostile.c), and clients of
# the control socket that do their worst. Nobody else may notice.

# shellcheck source-path=SCRIPTDIR source=helper.bash
source "$BATS_TEST_DIRNAME/helper.bash"
bats_require_minimum_version 1.5.0

# evil ACT PROTOCOL: a mapping whose worker does this, as a line for natter.cfg; the port is the next one.
evil() {
    echo "{ name = \"evil-$1\"; protocol = \"${2:-tcp}\"; bind = \"0.0.0.0:$((++port))\"; target = \"192.168.77.3:80\"; }"
}

# One mapping for each act, and two that are to be left in peace.
hostile_config() {
    local port=9000 act
    natter_config <<END
$(natter_lab_servers)
status_report = { status_file = "$LAB_DIR/status.json"; hook = "echo {name} >>$LAB_DIR/hooks.log"; };
mappings = (
    { name = "web"; protocol = "tcp"; bind = "0.0.0.0:8081"; target = "192.168.77.3:7777"; },
    { name = "game"; protocol = "udp"; bind = "0.0.0.0:8082"; target = "192.168.77.3:7777"; },
$(for act in noise escape forge log reports flap boast lies pass many wishes deaf linger hang close silent dies stays poison-tcp; do
        evil "$act"
        echo ,
    done
    port=9100
    evil poison-udp udp)
);
END
    sed -i 's/level = "debug"/level = "info"/' "$LAB_DIR/natter.cfg"
}

# natterd with the hostile worker for the mappings of its name, and the real one for others.
start_with_hostile() {
    mkdir -p "$LAB_DIR/bin"
    install -m 755 "$NATTER_BUILD/natterd" "$LAB_DIR/bin/natterd"
    install -m 755 "$NATTER_BUILD/natter-worker" "$LAB_DIR/bin/natter-worker.real"
    install -m 755 "$NATTER_BUILD/tests/hostile" "$LAB_DIR/bin/natter-worker"
    lab_spawn "$LAB_HOST" natterd "$LAB_DIR/bin/natterd" -f -c "$LAB_DIR/natter.cfg"
    lab_wait 5 natter_ctl version
}

# A sanitizer takes terabytes of addresses for itself, and does not give back what was freed.
is_sanitized() {
    [[ $(<"$NATTER_BUILD/flags") == *-fsanitize* ]]
}

# has_not_grown KIB: natterd has no more than a little beyond that.
has_not_grown() {
    is_sanitized || (($(memory) < $1 + 4096))
}

# Figures of natterd: memory in KiB, descriptors, hundredths of a second of processor time.
memory() {
    sed -n 's/^VmRSS:[[:space:]]*\([0-9]*\).*/\1/p' "/proc/$(natter_pid)/status"
}

descriptors() {
    find "/proc/$(natter_pid)/fd" -mindepth 1 | wc -l
}

processor() {
    awk '{ sub(/.*\) /, ""); print $12 + $13 }' "/proc/$(natter_pid)/stat"
}

# ask_steadily: natterctl again and again; a line with the milliseconds of each.
ask_steadily() {
    # shellcheck disable=SC2016
    lab_spawn "$LAB_HOST" asker bash -c 'while began=${EPOCHREALTIME/./}; "$0" -s "$1" list >/dev/null; do
        echo $(((${EPOCHREALTIME/./} - began) / 1000)); sleep 0.1; done; echo "failed"' \
        "$NATTER_BUILD/natterctl" "$LAB_DIR/natter.sock"
}

# longest NAME: the largest number in its log.
longest() {
    sort -n "$LAB_DIR/$1.log" | tail -n 1
}

# ended NAME WHY: natterd ended a worker of this mapping for this reason.
ended() {
    grep -qE "error: evil-$1: its worker $2 and is ended" "$LAB_DIR/natterd.log"
}

# None of its programs runs any more. Whom natterd kills at its end it does not wait for.
all_have_ended() {
    [[ ! $(find /proc/[0-9]*/exe -lname "$LAB_DIR/bin/*" 2>/dev/null) ]]
}

replaced() {
    (($(natter_field "evil-$1" restarts) >= 1))
}

@test "nineteen hostile workers: each costs its own mapping alone, and natterd neither stalls nor grows" {
    hostile_config
    lab_spawn "$LAB_LAN" echo socat TCP-LISTEN:7777,bind=192.168.77.3,fork,reuseaddr EXEC:cat
    lab_wait 5 lab_listening "$LAB_LAN" tcp 192.168.77.3:7777
    start_with_hostile
    began=$SECONDS
    outer=$(natter_open web)
    game=$(natter_open game)
    lab_spawn "$LAB_INET" steady python3 "$TESTS/boundary.py" steady "${outer%:*}" "${outer##*:}"
    lab_wait 5 test -s "$LAB_DIR/steady.log"
    ask_steadily
    lab_spawn "$LAB_HOST" drip python3 "$TESTS/boundary.py" drip "$LAB_DIR/natter.sock"
    web=$(natter_field web pid)
    memory=$(memory)
    processor=$(processor)
    ended_for() {
        lab_wait "${3:-10}" ended "$1" "$2" || { natter_trouble && return 1; }
    }
    ended_for noise "(sent|passed|counts|sends) .*"
    ended_for escape "sent a malformed report"
    ended_for forge "sent a malformed log line"
    ended_for log "writes log lines without end"
    ended_for reports "sends without end"
    ended_for wishes "sends without end"
    ended_for deaf "(does not read|sends without end)"
    lab_wait 5 replaced close
    lab_wait 5 replaced dies
    # What was poisoned is not handed on: a good worker opens the mapping, and strangers get in.
    for name in evil-poison-tcp evil-poison-udp; do
        lab_wait 10 grep "warning: $name: a socket that its last worker left has been tampered with" "$LAB_DIR/natterd.log"
        natter_open "$name" 15
    done
    # Somebody who hangs is noticed when there is something to read for it.
    natter_ctl refresh
    ended_for hang "does not read" 20
    ended_for silent "has not said anything since it was started" 40
    # Half a request, byte by byte, has as much time as nothing at all.
    lab_wait 40 grep -E '^(29|3[0-9])$' "$LAB_DIR/drip.log"
    lasted=$((SECONDS - began))
    # Nobody else has noticed.
    [[ $(natter_field web pid) == "$web" && $(natter_field web outer) == "$outer" && $(natter_field game outer) == "$game" ]]
    lab_gone "$(<"$LAB_DIR/steady.pid")" && cat "$LAB_DIR/steady.log" && return 1
    lab_end steady
    lab_end asker
    run ! grep -v '^[0-9]*$' "$LAB_DIR/steady.log" "$LAB_DIR/asker.log"
    echo "$lasted s; the longest answer took $(longest steady) ms on the connection, $(longest asker) ms from natterctl"
    (($(longest steady) < 500 * ${NATTER_SLOW:-1} && $(longest asker) < 1000 * ${NATTER_SLOW:-1}))
    echo "natterd: $(memory) KiB, at first $memory; $(descriptors) descriptors; $((processor = $(processor) - processor)) ticks"
    has_not_grown "$memory"
    (($(descriptors) < 200))
    ((processor < lasted * 50))
    echo "$(wc -l <"$LAB_DIR/natterd.log") lines in the log; hooks:"
    sort "$LAB_DIR/hooks.log" | uniq -c
    (($(wc -l <"$LAB_DIR/natterd.log") < 10 * 19 * lasted))
    (($(sort "$LAB_DIR/hooks.log" | uniq -c | sort -n | awk 'END { print $1 }') <= 11 + lasted / 10))
    run ! grep -aP '\x1b|^2026-01-01' "$LAB_DIR/natterd.log"
    # One that stays is killed.
    began=${EPOCHREALTIME/./}
    natter_stop
    ((${EPOCHREALTIME/./} - began < 2000000 * ${NATTER_SLOW:-1}))
    lab_wait 2 all_have_ended
}

two_mappings() {
    natter_config <<END
$(natter_lab_servers)
mappings = ( { name = "web"; protocol = "tcp"; bind = "0.0.0.0:8081"; target = "192.168.77.3:80"; },
             { name = "game"; protocol = "udp"; bind = "0.0.0.0:8082"; target = "192.168.77.3:90"; } );
END
}

as_few_descriptors() {
    (($(descriptors) <= $1))
}

@test "hostile clients of the control socket: others are answered meanwhile, and natterd keeps nothing of it" {
    two_mappings
    natter_start
    natter_open web
    natter_open game
    pids=$(natter_field web pid),$(natter_field game pid)
    python3 "$TESTS/boundary.py" attack "$LAB_DIR/natter.sock" >"$LAB_DIR/first.log"
    memory=$(memory)
    descriptors=$(descriptors)
    # The second time nothing is new to it.
    run -0 python3 "$TESTS/boundary.py" attack "$LAB_DIR/natter.sock"
    echo "$output"
    ((${#lines[@]} == 13))
    (($(sort -n <<<"$output" | tail -n 1 | cut -d' ' -f1) < 1000 * ${NATTER_SLOW:-1}))
    lab_wait 5 as_few_descriptors "$descriptors"
    echo "natterd: $(memory) KiB, $memory before; $(descriptors) descriptors"
    has_not_grown "$memory"
    natter_ctl list
    # "web" with a NUL behind it, and the like, was no mapping's name.
    natter_is web state open
    [[ $(natter_field web pid),$(natter_field game pid) == "$pids" ]]
}

# asks_impostor KIND [COMMAND...]: natterctl's answer when this is in natterd's place.
asks_impostor() {
    rm -f "$LAB_DIR/fake.sock"
    lab_spawn "$LAB_HOST" impostor python3 "$TESTS/boundary.py" impostor "$LAB_DIR/fake.sock" "$1"
    lab_wait 5 test -S "$LAB_DIR/fake.sock"
    (
        is_sanitized || ulimit -v 400000
        exec timeout 20 "$NATTER_BUILD/natterctl" -s "$LAB_DIR/fake.sock" "${@:2}" 2>&1
    )
}

@test "natterctl at an impostor's socket: it ends, takes no memory without end, and nothing reaches the terminal" {
    for kind in garbage list nothing; do
        run -3 asks_impostor "$kind" list
        [[ $output == *"no natterd answers at $LAB_DIR/fake.sock"* ]]
    done
    run -3 asks_impostor endless list
    [[ $output == *"Message too long"* ]]
    run -3 asks_impostor drip list
    [[ $output == *"timed out"* ]]
    run -1 asks_impostor escapes list
    [[ $output == *"owned"* && ! $output =~ [[:cntrl:]][^[:print:]] && $output != *$'\e'* && $output != *$'\x9b'* ]]
    for options in "list" "list --json" "names" "show web" "metrics"; do
        # shellcheck disable=SC2086
        run asks_impostor mapping $options
        ((status < 4))
        [[ $output != *$'\e'* && $output != *$'\x9b'* && $output != *$'\a'* ]]
    done
}
