#!/usr/bin/env bats
# SPDX-License-Identifier: ISC
#
# Who is killed, at any moment: no file is torn, no process is left, and all is right again by itself.

# shellcheck source-path=SCRIPTDIR source=helper.bash
source "$BATS_TEST_DIRNAME/helper.bash"
bats_require_minimum_version 1.5.0

# doing MAPPINGS
doing() {
    natter_config <<END
$(natter_lab_servers)
status_report = { status_file = "status.json"; };
mappings = ( $1 );
END
}

WEB='{ name = "web"; protocol = "tcp"; target = "192.168.77.3:80"; }'
GAME='{ name = "game"; protocol = "udp"; target = "192.168.77.3:7777"; }'

# kill_at FILE CALL COMMAND...: natterd is killed when it is about to make this system call, of those that replace the
# file: on its temporary, but fsync:2 is for the directory.
kill_at() {
    local pid call=${2%:*} number=${2#*:} only=()
    pid=$(natter_pid)
    [[ $call != /* && $call != fsync ]] && only=(-P "$1.$pid.tmp")
    [[ $number != "$2" ]] || number=1
    lab_spawn "$LAB_HOST" strace strace -e "trace=$call" "${only[@]}" -e "inject=$call:signal=KILL:when=$number" -p "$pid"
    lab_wait 5 grep -q attached "$LAB_DIR/strace.log"
    # natterd may be gone before it answers.
    "${@:3}" || :
    lab_wait 5 lab_gone "$pid"
    lab_wait 5 lab_gone "$(<"$LAB_DIR/strace.pid")"
}

nobody_left() {
    [[ ! $(ip netns pids "$LAB_HOST") ]]
}

# tidy_again: another natterd opens what there was, and has removed what the last one left.
tidy_again() {
    lab_wait 3 nobody_left
    natter_start
    natter_open web
    natter_open game
    [[ ! $(find "$LAB_DIR" -name '*.tmp') ]]
}

state_in_file() {
    jq -re ".mappings[] | select(.name == \"$1\") | .state" "$LAB_DIR/status.json"
}

# last_written NAME...: the file has these mappings, open and found to be reachable, after which nothing more is written.
last_written() {
    [[ $(jq -r '.mappings[] | "\(.name) \(.state) \(.reach)"' "$LAB_DIR/status.json") == "$(printf '%s open reachable\n' "$@")" ]]
}

@test "a kill at each step of a write of the status file: it is the old one or the new one" {
    doing "$WEB, $GAME"
    natter_start_in_quiet
    for step in write fsync:1 /^rename fsync:2; do
        lab_wait 5 last_written web game
        cp "$LAB_DIR/status.json" "$LAB_DIR/old"
        kill_at "$LAB_DIR/status.json" "$step" natter_ctl stop game
        if [[ $step == fsync:2 ]]; then
            [[ $(state_in_file game) == stopped ]]
        else
            cmp "$LAB_DIR/old" "$LAB_DIR/status.json"
            (($(find "$LAB_DIR" -name 'status.json.*.tmp' | wc -l) == 1))
        fi
        tidy_again
    done
}

@test "a kill at each step of a write of the remembered ports: none is forgotten" {
    doing "$WEB"
    natter_start_in_quiet
    natter_open web
    web=$(<"$LAB_DIR/state/ports")
    for step in write fsync:1 /^rename fsync:2; do
        doing "$WEB"
        natter_ctl reload
        lab_wait 5 last_written web
        echo "$web" >"$LAB_DIR/state/ports"
        doing "$WEB, $GAME"
        kill_at "$LAB_DIR/state/ports" "$step" natter_ctl reload
        if [[ $step == fsync:2 ]]; then
            grep -q "^udp game " "$LAB_DIR/state/ports"
            grep -qxF "$web" "$LAB_DIR/state/ports"
        else
            [[ $(<"$LAB_DIR/state/ports") == "$web" ]]
        fi
        tidy_again
        [[ tcp\ web\ $(natter_field web bind | sed 's/.*://') == "$web" ]]
    done
}

@test "natterd, workers, look-ups and hooks are killed at any moment (a longer run: make torture)" {
    natter_down
    # Two natterds, which mostly wait.
    KEEP=$NATTER_BUILD/torture2 "$TESTS/torture.bash" 7 "$RANDOM" 3>&- 4>&- &
    "$TESTS/torture.bash" 8 "$RANDOM"
    wait "$!"
}

@test "300 reloads: a connection lives through them, and nothing grows (10,000: make reloads)" {
    natter_down
    "$TESTS/reloads.bash" 300
}
