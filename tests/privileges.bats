#!/usr/bin/env bats
# SPDX-License-Identifier: ISC
#
# What natterd and its children may: capabilities, users, umask, and that no hook outlives who watches it. The files
# that natterd makes are in owners.bats.

# shellcheck source-path=SCRIPTDIR source=helper.bash
source "$BATS_TEST_DIRNAME/helper.bash"
bats_require_minimum_version 1.5.0

declare -gA number=([chown]=0 [dac_override]=1 [dac_read_search]=2 [fowner]=3 [fsetid]=4 [kill]=5 [setgid]=6 [setuid]=7
    [setpcap]=8 [net_bind_service]=10 [net_admin]=12 [net_raw]=13 [ipc_lock]=14 [sys_chroot]=18 [sys_ptrace]=19
    [sys_admin]=21 [sys_nice]=23 [sys_resource]=24 [audit_write]=29)
sockets_and_children=(net_bind_service net_admin net_raw setuid setgid setpcap kill sys_ptrace)
own=("${sockets_and_children[@]}" dac_override chown)
workers=(sys_chroot sys_resource)
all=("${own[@]}" "${workers[@]}" dac_read_search fowner fsetid sys_admin sys_nice ipc_lock audit_write)
none=0000000000000000

proc_status() {
    sed -n "s/^$2:[[:space:]]*//p" "/proc/$1/status"
}

# set_of NAME...: the capabilities of those that this test has itself, as /proc shows a set.
set_of() {
    local name bits=0
    for name in "$@"; do
        ((bits |= 1 << number[$name]))
    done
    printf '%016x\n' $((bits & 0x$(proc_status self CapPrm)))
}

# limit PID NAME: the soft and the hard limit of a process.
limit() {
    sed -n "s/^$2 *\([^ ]*\) *\([^ ]*\) .*/\1 \2/p" "/proc/$1/limits"
}

# udp NAME PORT [SETTINGS]
udp() {
    echo "{ name = \"$1\"; protocol = \"udp\"; bind = \"0.0.0.0:$2\"; target = \"192.168.77.3:2456\"; ${3:-} }"
}

# config MAPPING... <<END: what follows comes after them.
config() {
    natter_config <<END
$(natter_lab_servers)
mappings = ( $(printf '%s\n' "$@" | sed '$!s/$/,/') );
$(cat)
END
}

logged() {
    grep -qF -- "$1" "$LAB_DIR/natterd.log"
}

# What a hook says of itself, as tell.sh.
tell='grep -E "^(Cap|Groups|NoNew|Umask)" /proc/self/status | tr -s "[:blank:]" " "; ulimit -Sn'

# hook_said NAME LINE...
hook_said() {
    local line
    for line in "${@:2}"; do
        lab_wait 5 logged "$1: hook: $line" || { natter_trouble && return 1; }
    done
}

@test "natterd keeps ten capabilities; nothing can be gained but what its children take at exec" {
    config "$(udp game 8081)" </dev/null
    natter_start
    natter_open game
    for set in CapPrm CapEff; do
        [[ $(proc_status "$(natter_pid)" "$set") == "$(set_of "${own[@]}")" ]]
    done
    [[ $(proc_status "$(natter_pid)" CapBnd) == "$(set_of "${all[@]}")" ]]
    [[ $(proc_status "$(natter_pid)" CapInh) == "$none" && $(proc_status "$(natter_pid)" CapAmb) == "$none" ]]
    [[ $(proc_status "$(natter_pid)" NoNewPrivs) == 0 ]]
    [[ $(proc_status "$(natter_pid)" Umask) == 0022 ]]
}

@test "hooks: of root with what the manual says, of another user without any; umask and limit are those of the start" {
    config "$(udp root 8081 'hook = "sh tell.sh; echo more >>theirs";')" \
        "$(udp games 8082 'hook = "sh tell.sh"; hook_user = "games";')" </dev/null
    echo "$tell" >"$LAB_DIR/tell.sh"
    chmod 711 "$LAB_DIR"
    install -o games -m 600 /dev/null "$LAB_DIR/theirs"
    lab_spawn "$LAB_HOST" natterd \
        sh -c "umask 027; ulimit -Sn 333; exec '$NATTER_BUILD/natterd' -f -c '$LAB_DIR/natter.cfg'"
    lab_wait 5 natter_ctl version
    most=$(set_of "${all[@]}")
    hook_said root "CapPrm: $most" "CapEff: $most" "CapBnd: $most" "CapInh: $none" "NoNewPrivs: 0" "Umask: 0027" 333
    lab_wait 5 grep -q more "$LAB_DIR/theirs"
    hook_said games "CapPrm: $none" "CapEff: $none" "CapInh: $none" "CapAmb: $none" "CapBnd: $most" "NoNewPrivs: 0" \
        "Umask: 0027" "Groups: $(id -G games)" 333
    [[ $(limit "$(natter_pid)" "Max open files") != 333* ]]
}

a_look_up() {
    pgrep -P "$(natter_pid)" -u nobody -x natterd
}

@test "a look-up is the workers' user, with no capability, group, process, file or way to gain any, and dies with natterd" {
    natter_names
    lab_spawn "$LAB_HOST" names socat -u UDP-RECV:53,bind=127.0.0.1 STDOUT
    lab_wait 5 lab_listening "$LAB_HOST" udp 127.0.0.1:53
    natter_config <<END
stun_server = { tcp = [ "203.0.113.10" ]; udp = [ "names.example" ]; };
mappings = ( $(udp game 8081) );
END
    sed -i 's/timeout:1/timeout:20/' "$hosts/resolv.conf"
    natter_start
    # When it asks it has given up what it does not need.
    lab_wait 5 test -s "$LAB_DIR/names.log"
    pid=$(a_look_up)
    [[ $(proc_status "$pid" Uid) == "$(id -u nobody)"* && ! $(proc_status "$pid" Groups) ]]
    for set in CapInh CapPrm CapEff CapBnd CapAmb; do
        [[ $(proc_status "$pid" "$set") == "$none" ]]
    done
    [[ $(proc_status "$pid" NoNewPrivs) == 1 ]]
    [[ $(stat -c %U "/proc/$pid/environ") == root ]]
    for resource in "Max processes" "Max file size" "Max core file size"; do
        [[ $(limit "$pid" "$resource") == "0 0" ]]
    done
    kill -9 "$(natter_pid)"
    lab_wait 1 lab_gone "$pid"
}

@test "kill -9 of natterd ends hooks and what they started, after a second also those that do not listen" {
    # shellcheck disable=SC2016
    config "$(udp root 8081 'hook = "trap \"echo tidied >tidy; exit\" TERM; sleep 1000 & echo $! >root.pid; wait";')" \
        "$(udp games 8082 'hook = "trap \"\" TERM; echo $$ $PPID; sleep 1000"; hook_user = "games";')" </dev/null
    natter_start
    lab_wait 5 test -s "$LAB_DIR/root.pid"
    lab_wait 5 grep -qE 'games: hook: [0-9]+ [0-9]+$' "$LAB_DIR/natterd.log"
    read -r shell guard < <(sed -n 's/.*games: hook: \([0-9]* [0-9]*\)$/\1/p' "$LAB_DIR/natterd.log")
    [[ $(<"/proc/$guard/comm") == natterd-hook && $(proc_status "$guard" CapPrm) == "$(set_of kill)" ]]
    [[ ! $(ls "/proc/$guard/fd") ]]
    kill -9 "$(natter_pid)"
    lab_wait 1 lab_gone "$(<"$LAB_DIR/root.pid")"
    lab_wait 1 grep -q tidied "$LAB_DIR/tidy"
    for pid in "$shell" "$guard"; do
        lab_wait 3 lab_gone "$pid"
    done
}

@test "a hook ends with its guard, so that it does not run beside the next one" {
    # shellcheck disable=SC2016
    config "$(udp game 8081 'hook = "trap \"\" TERM; echo $PPID; sleep 1000 & echo $! >sleep.pid; wait";')" </dev/null
    natter_start
    lab_wait 5 test -s "$LAB_DIR/sleep.pid"
    lab_wait 5 grep -qE 'game: hook: [0-9]+$' "$LAB_DIR/natterd.log"
    kill -9 "$(sed -n 's/.*game: hook: \([0-9]*\)$/\1/p' "$LAB_DIR/natterd.log")"
    hook_said game "ended by signal 9 (Killed)"
    lab_wait 1 lab_gone "$(<"$LAB_DIR/sleep.pid")"
}

@test "a hook whose guard may start no further process says why" {
    # A number that no account has, so that nobody else's processes count; the limit does not hold for root.
    user=62348
    chown "$user" "$LAB_DIR"
    config "$(udp game 8081 'hook = "true";')" </dev/null
    # natterd, its worker and the guard.
    lab_spawn "$LAB_HOST" natterd prlimit --nproc=3: setpriv --reuid "$user" --regid "$user" --clear-groups \
        "$NATTER_BUILD/natterd" -f -c "$LAB_DIR/natter.cfg"
    lab_wait 5 natter_ctl version
    hook_said game "cannot be started: Resource temporarily unavailable" "failed with exit status 126"
}

@test "a reload can have all that a start can: other owners' files, low ports, hooks, and who has a port" {
    config "$(udp game 8081)" </dev/null
    natter_start
    natter_open game
    cd "$LAB_DIR"
    chmod 711 .
    install -d -o games -m 700 theirs
    lab_spawn "$LAB_HOST" owner setpriv --reuid=games --regid=games --clear-groups socat TCP-LISTEN:8083,fork PIPE
    lab_wait 5 lab_listening "$LAB_HOST" tcp 0.0.0.0:8083
    config "$(udp game 8081)" "$(udp low 81 'hook = "id -un >>theirs/root";')" \
        '{ name = "web"; protocol = "tcp"; bind = "0.0.0.0:80"; target = "192.168.77.3:80"; hook = "id -un"; hook_user = "games"; }' \
        '{ name = "busy"; protocol = "tcp"; bind = "0.0.0.0:8083"; target = "192.168.77.3:80"; }' \
        <<<'status_report = { status_file = "theirs/status.json"; };'
    chown games natter.cfg
    chmod 600 natter.cfg
    natter_ctl reload
    natter_open low
    natter_open web
    hook_said web games
    lab_wait 5 grep -qx root theirs/root
    lab_wait 5 logged "socat (process "
    [[ $(stat -c %a:%U theirs/status.json) == 644:root ]]
    kill -9 "$(natter_field web pid)"
    lab_wait 10 natter_is web restarts 1
    natter_open web 10
}

@test "under no_new_privs, which a service manager may set, children get no less" {
    config "$(udp root 8081 'hook = "sh tell.sh";')" "$(udp games 8082 'hook = "id -un"; hook_user = "games";')" </dev/null
    echo "$tell" >"$LAB_DIR/tell.sh"
    chmod 711 "$LAB_DIR"
    lab_spawn "$LAB_HOST" natterd setpriv --no-new-privs "$NATTER_BUILD/natterd" -f -c "$LAB_DIR/natter.cfg"
    lab_wait 5 natter_ctl version
    most=$(set_of "${all[@]}")
    hook_said root "CapPrm: $most" "CapEff: $most" "NoNewPrivs: 1"
    hook_said games games
    [[ $(proc_status "$(natter_pid)" CapEff) == "$(set_of "${own[@]}")" ]]
    [[ $(proc_status "$(natter_pid)" CapPrm) == "$most" ]]
    natter_need_usual_build
    [[ $(natter_field root confinement) == chroot* ]]
}

@test "root without what workers need does not start, and says what that is" {
    config "$(udp game 8081)" </dev/null
    for right in setuid setgid setpcap; do
        for options in "-c $LAB_DIR/natter.cfg" "-f -c $LAB_DIR/natter.cfg" "-u 8081" --check-nat; do
            # shellcheck disable=SC2086 # words
            run ! lab_in "$LAB_HOST" setpriv --bounding-set "-$right" "$NATTER_BUILD/natterd" $options 3>&- 4>&-
            [[ $output == *"no worker can be started by root without CAP_SETUID, CAP_SETGID and CAP_SETPCAP: "* ]]
            [[ $options != --check-nat || $status == 2 ]]
        done
    done
    [[ ! -e $LAB_DIR/natterd.pid-file ]]
    # One can do without the others.
    lab_spawn "$LAB_HOST" natterd setpriv --bounding-set -all,+setuid,+setgid,+setpcap \
        "$NATTER_BUILD/natterd" -f -c "$LAB_DIR/natter.cfg"
    natter_open game
    logged "warning: natterd: without CAP_KILL, "
}

@test "one port from the command line: no files, no hooks, and no right for either" {
    natter_config < <(natter_lab_servers)
    lab_spawn "$LAB_HOST" natterd "$NATTER_BUILD/natterd" -u -t -c "$LAB_DIR/natter.cfg" 81
    lab_wait 5 logged " <--> 203.0.113.254:"
    rights=("${sockets_and_children[@]}" dac_read_search)
    [[ $(proc_status "$(natter_pid)" CapEff) == "$(set_of "${rights[@]}")" ]]
    for set in CapPrm CapBnd; do
        [[ $(proc_status "$(natter_pid)" "$set") == "$(set_of "${rights[@]}" "${workers[@]}")" ]]
    done
    [[ $(proc_status "$(natter_pid)" NoNewPrivs) == 1 ]]
}
