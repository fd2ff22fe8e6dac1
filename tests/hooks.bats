#!/usr/bin/env bats
# SPDX-License-Identifier: ISC
#
# Hooks of a running natterd: those that misbehave, a service that is down when it is told, an account of their own,
# and what they are told at the end. What runs when, in every order, is in unit/test_hook.c.

# shellcheck source-path=SCRIPTDIR source=helper.bash
source "$BATS_TEST_DIRNAME/helper.bash"

# udp NAME PORT SETTINGS: a mapping that notices another address soon.
udp() {
    echo "{ name = \"$1\"; protocol = \"udp\"; bind = \"0.0.0.0:$2\"; target = \"192.168.77.3:2456\"; keep_alive_interval = 1; $3 },"
}

# config_mappings MAPPING... <<END: what follows comes after them.
config_mappings() {
    natter_config <<END
$(natter_lab_servers)
mappings = ( $(printf '%s\n' "$@" | sed '$s/,$//') );
$(cat)
END
}

told() {
    [[ $(<"$LAB_DIR/$1.txt") == "$2" ]]
}

logged() {
    grep -qF -- "$1" "$LAB_DIR/natterd.log"
}

# How often the log has it, for whoever reads no debugging.
times_logged() {
    grep -v ' debug: ' "$LAB_DIR/natterd.log" | grep -cF -- "$1"
}

moved() {
    natter_is "$1" state open && [[ $(natter_field "$1" outer) == 203.0.113.253:* ]]
}

# Each tells its story into a file, and misbehaves when it is told the first address.
@test "a hook that hangs, one that fails, one that floods its output, one that is missing: said once, and the next event gets through" {
    # shellcheck disable=SC2016
    local names=(hangs fails floods missing) name story='echo {event} {outer_ip}:{outer_port} >>{name}.txt; '
    config_mappings \
        "$(udp hangs 8081 "hook = \"$story [ {event} != up ] || sleep 1000\"; hook_timeout = 1;")" \
        "$(udp fails 8082 "hook = \"$story exit 3\"; hook_retry = 1;")" \
        "$(udp floods 8083 "hook = \"$story [ {event} != up ] || yes\"; hook_timeout = 1;")" \
        "$(udp missing 8084 "hook = \"$story /nowhere/program {event}\";")" </dev/null
    natter_start
    declare -A first
    for name in "${names[@]}"; do
        first[$name]=$(natter_open "$name")
    done
    lab_wait 5 logged "hangs: hook: still running after 1 s, and ended"
    lab_wait 5 logged "floods: hook: still running after 1 s, and ended"
    lab_wait 5 logged "debug: fails: hook: failed with exit status 3"
    lab_readdress 203.0.113.253
    for name in "${names[@]}"; do
        lab_wait 20 moved "$name"
        second=$(natter_field "$name" outer)
        case $name in
        # Each told twice, the first time and again.
        fails) lab_wait 5 told fails "up ${first[fails]}
up ${first[fails]}
change $second
change $second" ;;
        *) lab_wait 5 told "$name" "up ${first[$name]}
change $second" ;;
        esac
    done
    lab_wait 5 logged "hangs: hook: done, after it had failed"
    lab_wait 5 logged "floods: hook: done, after it had failed"
    [[ $(times_logged "hangs: hook: ") == 2 && $(times_logged "fails: hook: ") == 1 ]]
    [[ $(times_logged "missing: hook: failed with exit status 127: a program was not found") == 1 ]]
    [[ $(times_logged "floods: hook: y") == 1 && $(times_logged "floods: last message repeated 99 times") == 1 ]]
    [[ $(times_logged "more lines were not logged") == 1 && $(times_logged "floods: hook: ") == 4 ]]
    for name in "${names[@]}"; do
        [[ $(natter_field "$name" restarts) == 0 ]]
    done
}

@test "a service that is down when it should be told is told when it is back, and of the newest address alone" {
    config_mappings "$(udp game 8081 "hook = \"curl -sf -m 2 http://192.168.77.3:8088/{outer_ip}-{outer_port}\"; hook_retry = 1000;")" \
        </dev/null
    natter_start
    natter_open game
    lab_wait 5 logged "warning: game: hook: failed with exit status 7; it runs again in 1 s (repetition 1 of 1000)"
    lab_readdress 203.0.113.253
    lab_wait 20 moved game
    lab_web "$LAB_LAN" 192.168.77.3:8088 "it is there"
    # The server has no such page; -f makes that a failure.
    lab_wait 20 logged "failed with exit status 22"
    natter_outer=$(natter_field game outer)
    # It writes that after it has answered.
    lab_wait 5 test -s "$LAB_DIR/web-192.168.77.3:8088.d/access.log"
    asked=$(sed -n 's|.*"GET /\([^ ]*\) .*|\1|p' "$LAB_DIR"/web-192.168.77.3:8088.d/access.log | sort -u)
    [[ $asked == "${natter_outer/:/-}" ]]
    [[ $(times_logged "game: hook: failed") == 1 ]]
}

@test "hook_user: the account's identity and environment, no right of natterd's, and its own output" {
    cat >"$LAB_DIR/who.sh" <<'END'
echo "as $(id -un) groups $(id -G) home $HOME user $USER $LOGNAME shell $SHELL"
cat natter.cfg
touch made
kill -0 "$(cat natterd.pid-file)"
echo named >/dev/stderr
echo $(grep -E '^Cap(Prm|Eff|Amb)' /proc/self/status)
END
    config_mappings "$(udp game 8081 'hook = "sh who.sh"; hook_user = "games";')" </dev/null
    chmod 600 "$LAB_DIR/natter.cfg"
    natter_start
    natter_open game
    IFS=: read -r _ _ _ group _ home shell < <(getent passwd games)
    lab_wait 5 logged "game: hook: as games groups $group home $home user games games shell $shell"
    lab_wait 5 logged "natter.cfg: Permission denied"
    lab_wait 5 logged "game: hook: named"
    lab_wait 5 grep -qE 'game: hook: (Cap[A-Z][a-z]+: 0{16} ?){3}$' "$LAB_DIR/natterd.log"
    logged "Operation not permitted"
    [[ ! -e $LAB_DIR/made ]]
}

workers_gone() {
    [[ ! $(pgrep -P "$(natter_pid)" -x natter-worker) ]]
}

all_are_told() {
    (($(times_logged ": hook: down m") == 20))
}

@test "natterd's end: every mapping's hook is told down, all at once, after the workers; a second signal waits for none" {
    mappings=()
    for i in {1..20}; do
        mappings+=("$(udp "m$i" $((8080 + i)) "")")
    done
    # A command that does not ask for it is not told.
    mappings+=("$(udp plain 8201 "hook = \\\"echo {outer_ip} >>plain.txt\\\";" | sed 's/\\"/"/g')")
    config_mappings "${mappings[@]}" <<'END'
status_report = { status_file = "status.json";
    hook = "[ {event} = up ] || { echo {event} {name} {old_outer_ip}:{old_outer_port} $NATTER_STATE; until [ -e go ]; do sleep 0.2; done; echo {name} >>gone.txt; }"; };
END
    natter_start
    for i in {1..20}; do
        natter_open "m$i" 10
    done
    outer=$(natter_field m7 outer)
    lab_wait 2 test -s "$LAB_DIR/plain.txt"
    pid=$(natter_pid)
    kill "$pid"
    lab_wait 1 workers_gone
    # By then natterctl is told that there is no natterd, and the status file says so.
    lab_wait 1 logged "m7: hook: down m7 $outer stopped"
    lab_wait 2 all_are_told
    [[ ! -e $LAB_DIR/natter.sock && $(<"$LAB_DIR/natterd.pid-file") == "$pid" ]]
    [[ $(jq -r '.mappings[6] | .state + " " + .old_outer' "$LAB_DIR/status.json") == "stopped $outer" ]]
    touch "$LAB_DIR/go"
    lab_wait 2 lab_gone "$pid"
    [[ ! -e $LAB_DIR/natterd.pid-file ]]
    [[ $(sort -u "$LAB_DIR/gone.txt" | wc -l) == 20 && $(wc -l <"$LAB_DIR/plain.txt") == 1 ]]
    logged "natterd: ended"

    rm "$LAB_DIR/go"
    natter_start
    natter_open m7
    pid=$(natter_pid)
    kill "$pid"
    lab_wait 2 logged "m7: hook: down m7"
    kill -INT "$pid"
    lab_wait 1 lab_gone "$pid"
    logged "m7: hook: natterd ends without waiting for it any longer"
}

@test "natterd's end is over within 6 s whatever a hook does, and what hung is told the end" {
    # shellcheck disable=SC2016
    config_mappings \
        "$(udp hangs 8081 'hook = "[ {event} = down ] && echo down >>hangs.txt || { sleep 1000 & echo $! >hangs.pid; wait; }";')" \
        "$(udp deaf 8082 'hook = "trap : TERM; echo {event} >>deaf.txt; echo $$ >deaf.pid; while :; do sleep 1; done";')" </dev/null
    natter_start
    natter_open hangs
    natter_open deaf
    lab_wait 5 test -s "$LAB_DIR/hangs.pid"
    lab_wait 5 test -s "$LAB_DIR/deaf.pid"
    pid=$(natter_pid)
    kill "$pid"
    lab_wait 6 lab_gone "$pid"
    told hangs down
    told deaf $'up\ndown'
    lab_wait 1 lab_gone "$(<"$LAB_DIR/hangs.pid")"
    lab_wait 1 lab_gone "$(<"$LAB_DIR/deaf.pid")"
    logged "warning: deaf: hook: natterd ends without waiting for it any longer"
}

@test "nothing that reaches a shell can be anything but a name or an address" {
    # shellcheck disable=SC2016
    for name in '$(touch made)' 'a b' 'a;b' 'a\"b' "a'b" '*' '-rf' 'a`b`' 'a\\b' 'a\nb' '~root' '#'; do
        config_mappings "$(udp "$name" 8081 "")" </dev/null
        run "$NATTER_BUILD/natterd" -n -c "$LAB_DIR/natter.cfg"
        [[ $status == 1 && $output == *"is no name"* ]]
    done
    # shellcheck disable=SC2016
    for target in '$(touch made):80' '192.168.77.3:80; touch made' '192.168.77.3:$PORT' '[fd00::1%;a]:80'; do
        config_mappings "{ protocol = \"udp\"; target = \"$target\"; }" </dev/null
        run "$NATTER_BUILD/natterd" -n -c "$LAB_DIR/natter.cfg"
        [[ $status == 1 && $output == *"is no address to forward to"* ]]
    done
}
