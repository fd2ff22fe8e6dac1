#!/usr/bin/env bats
# SPDX-License-Identifier: ISC
#
# natterctl and the control socket of a real natterd: who may do what, and what its commands do.

# shellcheck source-path=SCRIPTDIR source=helper.bash
source "$BATS_TEST_DIRNAME/helper.bash"
bats_require_minimum_version 1.5.0

# config_web [LINE...]: one TCP mapping, and more lines for natter.cfg.
config_web() {
    natter_config <<END
$(natter_lab_servers)
mappings = ( { name = "web"; protocol = "tcp"; bind = "0.0.0.0:8081"; target = "192.168.77.3:80"; } );
$(printf '%s\n' "$@")
END
}

# As a member of the socket's group who is not natterd's user.
ctl_as_member() {
    setpriv --reuid nobody --regid root --clear-groups "$NATTER_BUILD/natterctl" -s "$LAB_DIR/natter.sock" "$@"
}

@test "the socket's group may look; what changes something is refused with the reason, by the kernel's word" {
    config_web
    natter_start
    natter_open web
    [[ $(ctl_as_member list) == *web*open* ]]
    run -1 ctl_as_member refresh web
    [[ $output == "natterctl: web: permission denied: \"refresh\" changes"*"only root may do that; try it with sudo" ]]
    natter_ctl refresh web
}

# watcher [ARGUMENT...]: natterctl watch in the background; what it prints and its exit status are in watcher.log.
watcher() {
    # shellcheck disable=SC2016
    lab_spawn "$LAB_HOST" watcher bash -c '"$@"; echo "status $?"' - "$NATTER_BUILD/natterctl" -s "$LAB_DIR/natter.sock" watch "$@"
}

told() {
    grep -qE "$1" "$LAB_DIR/watcher.log"
}

@test "natterctl watch: what is, what happens, and that natterd ended; as text" {
    config_web
    natter_start
    outer=$(natter_open web)
    watcher
    lab_wait 5 told "^20..-..-.. ..:..:..  web  present  open at $outer(, reachable)?$"
    kill -9 "$(natter_field web pid)"
    lab_wait 5 told "  web  state  restarting at $outer.*: its worker was ended by signal 9 .*; the next one takes over$"
    lab_wait 5 told "  web  state  open at $outer"
    natter_stop
    lab_wait 5 told "^status 3$"
    told "natterctl: the natterd at $LAB_DIR/natter.sock has ended."
}

@test "natterctl watch --json: a line of JSON each, with every field; of one mapping only; other clients are served" {
    natter_config <<END
$(natter_lab_servers)
mappings = ( { name = "web"; protocol = "tcp"; bind = "0.0.0.0:8081"; target = "192.168.77.3:80"; },
             { name = "game"; protocol = "udp"; bind = "0.0.0.0:8082"; target = "192.168.77.3:90"; } );
END
    natter_start
    outer=$(natter_open web)
    natter_open game
    watcher --json web
    lab_wait 5 told '"event":"present"'
    lab_readdress 203.0.113.253
    lab_wait 20 told '"event":"change"'
    [[ $(natter_field game name) == game ]]
    natter_stop
    lab_wait 5 told "^status 3$"
    grep '^{' "$LAB_DIR/watcher.log" >"$LAB_DIR/news"
    [[ $(jq -r 'select(.event == "change") | .mapping | .name, .old_outer, .outer_ip' "$LAB_DIR/news") == \
        web$'\n'$outer$'\n'203.0.113.253 ]]
    jq -es --argjson now "$EPOCHSECONDS" 'all(.[]; .mapping.name == "web" and (.mapping | has("bytes_in")) and
        .time <= $now and .time > $now - 600)' "$LAB_DIR/news"
    run -3 natter_ctl watch
    [[ $output == *"no natterd answers"* ]]
}

@test "natterctl watch ends quietly as soon as nobody reads it any more" {
    config_web
    natter_start
    natter_open web
    # shellcheck disable=SC2016
    run -0 timeout 10 bash -c 'set -o pipefail; "$@" | head -1' - "$NATTER_BUILD/natterctl" -s "$LAB_DIR/natter.sock" watch
    [[ $output == *"  web  present  open"* && ${#lines[@]} == 1 ]]
    run -1 natter_ctl watch nobody-knows-this
    [[ $output == "natterctl: nobody-knows-this: there is no mapping of that name" ]]
}

# on_terminal ARGUMENT...: natterctl on a terminal, whose lines end with carriage returns.
on_terminal() {
    local command
    printf -v command '%q ' "$NATTER_BUILD/natterctl" -s "$LAB_DIR/natter.sock" "$@"
    TERM=xterm script -qec "$command" /dev/null </dev/null | tr -d '\r'
}

@test "a state has its colour on a terminal alone; NO_COLOR and a pipe get plain text, in columns that fit the same" {
    config_web
    natter_start
    natter_open web
    unset NO_COLOR COLUMNS
    green=$'\e[1;32mopen\e[0m'
    run -0 on_terminal list
    [[ ${lines[1]} == "web   tcp    $green   "* ]]
    plain=${output//$'\e[1;32m'/}
    [[ ${plain//$'\e[0m'/} == *"web   tcp    open   192.168.77.3:80  "* ]]
    [[ $(on_terminal show web) == *"state: "*"$green"* ]]
    [[ $(NO_COLOR=1 on_terminal list) != *$'\e'* ]]
    [[ $(natter_ctl list) != *$'\e'* ]]
}

events_told() {
    [[ $(cut -d' ' -f1 "$LAB_DIR/hooks.log" 2>/dev/null) == "$1" ]]
}

listens() {
    lab_listening "$LAB_HOST" tcp 0.0.0.0:8081
}

@test "natterctl stop lets port and address go and tells the hook; only start and restart bring the mapping back" {
    config_web 'status_report = { status_file = "status.json"; hook = "echo {event} {outer_port} >>hooks.log"; };'
    natter_start
    natter_open web
    pid=$(natter_field web pid)
    lab_wait 5 events_told up
    [[ $(natter_ctl start web) == "it was not stopped" ]]
    [[ $(natter_ctl stop web) == "stopped" ]]
    lab_wait 5 lab_gone "$pid"
    lab_wait 5 events_told up$'\n'down
    run ! listens
    [[ $(natter_ctl list) == *"web   tcp    stopped  "*"stopped with natterctl"* ]]
    [[ $(natter_ctl --json stop web) == false ]]
    lab_wait 5 jq -e '.tcp == [] and .mappings[0].state == "stopped"' "$LAB_DIR/status.json"
    # Nothing else starts it.
    run -1 natter_ctl refresh web
    [[ $output == *"web: the mapping is stopped"* ]]
    [[ $(natter_ctl refresh) == "0 mappings look again" ]]
    looks=$(grep -c "the network changed" "$LAB_DIR/natterd.log" || :)
    ip -n "$LAB_HOST" address add 192.168.77.99/24 dev eth0
    looked() {
        (($(grep -c "the network changed" "$LAB_DIR/natterd.log") > looks))
    }
    lab_wait 5 looked
    natter_is web state stopped
    natter_is web pid 0
    [[ $(natter_ctl start web) == "it starts" ]]
    natter_open web
    lab_wait 5 events_told up$'\n'down$'\n'up
    natter_ctl stop web
    natter_ctl restart web
    natter_open web
    grep -q "info: web: stopped: stopped with natterctl" "$LAB_DIR/natterd.log"
}

@test "natterctl restart: another worker in the same hole, and no hook runs; twice in a row too" {
    config_web 'status_report = { hook = "echo {event} {outer_port} >>hooks.log"; };'
    lab_web "$LAB_LAN" 192.168.77.3:80 "inside page"
    natter_start
    outer=$(natter_open web)
    pid=$(natter_field web pid)
    lab_wait 5 events_told up
    [[ $(natter_ctl restart web) == "another worker takes over" ]]
    # At once again: the hole is kept for whoever comes next.
    natter_ctl restart web
    lab_wait 5 lab_gone "$pid"
    [[ $(natter_open web) == "$outer" ]]
    (($(natter_field web pid) != pid))
    [[ $(natter_fetch "$outer") == "inside page" ]]
    events_told up
    natter_ctl stop web
    natter_ctl start web
    natter_open web
    # Who asked for it needs no warning.
    grep "info: web: restarting: restarted with natterctl" "$LAB_DIR/natterd.log"
    grep "info: web: restarting: started with natterctl" "$LAB_DIR/natterd.log"
    kill -9 "$(natter_field web pid)"
    lab_wait 5 grep "warning: web: restarting: its worker was ended by signal 9" "$LAB_DIR/natterd.log"
    run -1 ctl_as_member restart web
    [[ $output == *'permission denied: "restart" changes'* ]]
    run -2 natter_ctl re web
    [[ $output == *'"re" could be refresh or restart'*"write a letter more"* ]]
}

@test "natterctl log changes the level of natterd and of its workers while they run; anybody may ask for it" {
    config_web
    sed -i 's/level = "debug"/level = "info"/' "$LAB_DIR/natter.cfg"
    natter_start
    natter_open web
    [[ $(ctl_as_member log) == info ]]
    run -1 ctl_as_member log debug
    run -1 natter_ctl log loud
    [[ $output == "natterctl: loud: there is no such level; take error, warning, info or debug" ]]
    run ! grep -q debug: "$LAB_DIR/natterd.log"
    [[ $(natter_ctl log debug) == debug ]]
    natter_ctl refresh web
    lab_wait 5 grep -q "debug: web: STUN server .* answered" "$LAB_DIR/natterd.log"
    # Also a worker that is started later.
    natter_ctl restart web
    lab_wait 5 grep -q "debug: web: connecting -> probing" "$LAB_DIR/natterd.log"
    [[ $(natter_ctl log error --json) == '"error"' ]]
    length=$(wc -l <"$LAB_DIR/natterd.log")
    natter_open web
    natter_ctl stop web
    [[ $(natter_ctl log) == error && $(wc -l <"$LAB_DIR/natterd.log") == "$length" ]]
}

@test "the versions and the help as JSON and as one table; the beginning of a command's name is enough" {
    config_web
    natter_start
    [[ $(natter_ctl version --json | jq -r '"\(.natterctl) \(.natterd) \(.pid)"') == "1.0.0 1.0.0 $(natter_pid)" ]]
    run -3 "$NATTER_BUILD/natterctl" -s "$LAB_DIR/nobody.sock" version --json
    [[ $output != *'{'* ]]
    [[ $(natter_ctl ver) == "natterctl 1.0.0"$'\n'"natterd 1.0.0" ]]
    [[ $(natter_ctl l --json | jq -r '.[].name') == web ]]
    run -0 natter_ctl help
    for command in list names show watch refresh restart stop start log check-nat import version help; do
        [[ $output == *$'\n'"  $command "* ]]
    done
    run -2 natter_ctl ''
    [[ $output == *'there is no command ""; see natterctl help' ]]
    run -2 natter_ctl watch web game
    [[ $output == "usage: natterctl watch [NAME]" ]]
}

# completed LINE: what bash offers at its end, sorted.
completed() {
    # shellcheck disable=SC2016
    bash -c 'source "$1" && COMP_LINE=$3 COMP_POINT=${#3} && "_${3%% *}" "$2/${3%% *}" && printf "%s\n" "${COMPREPLY[@]}"' - \
        "$TESTS/../supervisor/completion/natterctl.bash" "$NATTER_BUILD" "$1" | sort | paste -sd' '
}

@test "bash completes commands, mappings' names, levels, files and options, as the programs have them" {
    natter_config <<END
$(natter_lab_servers)
mappings = ( { name = "web"; protocol = "tcp"; bind = "0.0.0.0:8081"; target = "192.168.77.3:80"; },
             { name = "web:2"; protocol = "tcp"; bind = "0.0.0.0:8082"; target = "192.168.77.3:80"; },
             { name = "game"; protocol = "udp"; target = "192.168.77.3:90"; } );
END
    natter_start
    socket=$LAB_DIR/natter.sock
    [[ $(natter_ctl names | paste -sd' ') == "web web:2 game" ]]
    [[ $(completed "natterctl ") == *check-nat*help*import*list*names*version*watch* ]]
    [[ $(completed "natterctl sto") == stop ]]
    [[ $(completed "natterctl --json wat") == watch ]]
    [[ $(completed "natterctl -s $socket show ") == "game web web:2" ]]
    [[ $(completed "natterctl --socket=$socket wat g") == game ]]
    # After a colon bash has another word.
    [[ $(completed "natterctl -s $socket restart web:") == 2 ]]
    [[ $(completed "natterctl -s $socket show web ") == "" ]]
    [[ $(completed "natterctl -s $socket list ") == "" ]]
    [[ $(completed "natterctl -s $LAB_DIR/nobody.sock show ") == "" ]]
    [[ $(completed "natterctl -s $LAB_DIR/natter.c") == "$LAB_DIR/natter.cfg" ]]
    [[ $(completed "natterctl import $LAB_DIR/natter.c") == "$LAB_DIR/natter.cfg" ]]
    [[ $(completed "natterctl list --j") == --json ]]
    [[ $(completed "natterctl log ") == "debug error info warning" ]]
    [[ $(completed "natterd --ch") == "--check --check-nat" ]]
    [[ $(completed "natterd -c $LAB_DIR/natter.c") == "$LAB_DIR/natter.cfg" ]]
}

# typed_in_zsh LINE: what a zsh makes of it when the tabulator key is hit at its end.
typed_in_zsh() {
    # shellcheck disable=SC2016
    timeout $((20 * ${NATTER_SLOW:-1})) zsh -f -c '
        zmodload zsh/zpty
        zpty shell zsh -f -i
        zpty -w shell "path=($2 \$path); fpath=($1 \$fpath); autoload -U compinit; compinit -u -D"
        zpty -w shell "keep() { print -r -- \"<\$BUFFER>\" >$3; BUFFER=\"print rea\\\"\\\"dy\"; zle accept-line }"
        zpty -w shell "zle -N keep; bindkey ^T keep"
        zpty -w -n shell $'"'\C-t'"'
        zpty -r shell text "*ready*"
        zpty -w -n shell "$4"$'"'\t\C-t'"'
        zpty -r shell text "*ready*"
        zpty -d shell
    ' - "$TESTS/../supervisor/completion" "$NATTER_BUILD" "$LAB_DIR/typed" "$1" && cat "$LAB_DIR/typed"
}

@test "zsh completes commands, mappings' names and options" {
    config_web
    natter_start
    socket=$LAB_DIR/natter.sock
    [[ $(typed_in_zsh "natterctl sto") == "<natterctl stop >" ]]
    [[ $(typed_in_zsh "natterctl -s $socket show w") == "<natterctl -s $socket show web >" ]]
    [[ $(typed_in_zsh "natterctl --socket=$socket wat ") == "<natterctl --socket=$socket wat web >" ]]
    [[ $(typed_in_zsh "natterctl list --js") == "<natterctl list --json >" ]]
    [[ $(typed_in_zsh "natterctl import $LAB_DIR/natter.c") == "<natterctl import $LAB_DIR/natter.cfg >" ]]
    [[ $(typed_in_zsh "natterd --check-") == "<natterd --check-nat >" ]]
}
