#!/bin/bash
# SPDX-License-Identifier: ISC
#
# torture.bash [KILLS [SEED]]: one natterd with a TCP and a UDP mapping, a hook and a name that hangs, of which one
# process after the other is killed with SIGKILL: a worker, a look-up, a hook or natterd itself, which is started again
# as an init would, and is killed at a random moment of its start, too. Default: 1000 kills and seed 1, which decides
# who and when. After each kill: the status file is whole, no process is left over,
# and a client outside is answered at the addresses that are published. Ends with the figures; fails at the first
# thing that is wrong, and then leaves natterd.log in KEEP (default: build/torture).
set -euo pipefail

# shellcheck source-path=SCRIPTDIR source=helper.bash
source "$(dirname "$0")/helper.bash"

kills=${1:-1000}
seed=${2:-1}
KEEP=${KEEP:-$NATTER_BUILD/torture}
declare -A killed=([natterd]=0 [worker]=0 [look-up]=0 [hook]=0)
slowest=0 leftovers=0

# draw N: sets drawn to a number from 0 to N - 1 (Lehmer's generator, the same everywhere).
draw() {
    seed=$((seed * 48271 % 2147483647))
    drawn=$((seed / 7 % $1))
}

config() {
    natter_config <<END
$(natter_lab_servers)
status_report = { status_file = "status.json"; hook = "echo {event} {name} {outer} >>hook.log; sleep 0.3"; };
mappings = ( { name = "web"; protocol = "tcp"; target = "192.168.77.3:80"; stun_server = [ "203.0.113.10", "stun.lab.test" ]; },
             { name = "game"; protocol = "udp"; target = "192.168.77.3:7777"; } );
END
    sed -i 's/debug/info/' "$LAB_DIR/natter.cfg"
}

# As an init does it, at once, whoever of the last one is still there.
start() {
    cat "$LAB_DIR/natterd.log" >>"$LAB_DIR/all.log" 2>/dev/null || :
    lab_spawn "$LAB_HOST" natterd "$NATTER_BUILD/natterd" -f -c "$LAB_DIR/natter.cfg"
}

# pids_of ROLE: of this natterd, which may be none.
pids_of() {
    local p
    case $1 in
    natterd) natter_pid ;;
    worker) pgrep -x -P "$(natter_pid)" natter-worker ;;
    look-up)
        for p in $(pgrep -x -P "$(natter_pid)" natterd); do
            pgrep -P "$p" >/dev/null || echo "$p"
        done
        ;;
    hook)
        for p in $(ip netns pids "$LAB_HOST"); do
            [[ $(ps -o comm= -p "$p") != sh ]] || echo "$p"
        done
        ;;
    esac || :
}

# Also a hook or a look-up, if there is one; if not, a worker.
choose_victim() {
    local role roles=(natterd worker look-up hook) list=()
    draw 4
    [[ ${roles[drawn]} != hook ]] || { natter_ctl stop game && natter_ctl start game; } >/dev/null
    for role in "${roles[drawn]}" worker; do
        mapfile -t list < <(pids_of "$role")
        ((${#list[@]} == 0)) || break
    done
    victim=$role
    draw "$((${#list[@]} > 0 ? ${#list[@]} : 1))"
    pid=${list[drawn]:-}
}

pause() {
    draw "$1"
    sleep "0.$(printf %03d "$drawn")"
}

# finish PID: as the victim.
finish() {
    kill -KILL "$1" 2>/dev/null || return 0
    killed[$victim]=$((killed[$victim] + 1))
}

kill_somebody() {
    pause 500
    choose_victim
    [[ ! $pid ]] || finish "$pid"
}

# Every second time it is killed again while it starts.
restart() {
    start
    until draw 2 && ((drawn == 0)); do
        pause 150
        finish "$(natter_pid)"
        status_is_whole || fail "the status file is torn"
        start
    done
}

status_is_whole() {
    [[ ! -e $LAB_DIR/status.json ]] ||
        jq -e '(.mappings | length == 2) and .version and .pid' "$LAB_DIR/status.json" >/dev/null
}

# Whoever runs a program of ours and is no child of this natterd.
strangers() {
    local parent p
    parent=$(natter_pid)
    for p in $(ip netns pids "$LAB_HOST"); do
        [[ $p == "$parent" || $(ps -o ppid= -p "$p" 2>/dev/null | tr -d ' ') == "$parent" ]] && continue
        # A hook that was not killed may end what it does, and its sleep is its own child.
        [[ $(ps -o comm= -p "$p" 2>/dev/null) == natter* && $(ps -o state= -p "$p") != Z ]] && echo "$p"
    done
    return 0
}

none_left() {
    [[ ! $(strangers) ]]
}

recovered() {
    local now
    now=$(jq -r '.mappings[] | select(.state == "open") | .outer' "$LAB_DIR/status.json" 2>/dev/null | wc -l)
    ((now == 2)) && [[ $(jq .pid "$LAB_DIR/status.json") == "$(natter_pid)" ]] && natter_is web state open &&
        natter_is game state open
}

addresses_are_right() {
    local web game
    web=$(jq -r '.mappings[0].outer' "$LAB_DIR/status.json")
    game=$(jq -r '.mappings[1].outer' "$LAB_DIR/status.json")
    [[ $(natter_fetch "$web") == "inside page" ]] &&
        lab_in "$LAB_INET" "$NATTER_BUILD/tests/datagrams" send "$game" 1 203.0.113.40 >/dev/null
}

check() {
    local began=$EPOCHREALTIME took
    status_is_whole || fail "the status file is torn"
    [[ $victim != natterd ]] || restart
    lab_wait 3 none_left || fail "left over: $(strangers)"
    lab_wait 30 recovered || fail "not open again"
    lab_wait 5 addresses_are_right || fail "another address than the published one"
    status_is_whole || fail "the status file is torn"
    took=$(awk "BEGIN { printf \"%.0f\", ($EPOCHREALTIME - $began) * 1000 }")
    ((took <= slowest)) || slowest=$took
    leftovers=$(find "$LAB_DIR" -name '*.tmp' | wc -l)
    ((leftovers <= 2)) || fail "temporaries pile up"
}

fail() {
    echo "torture: after a kill of $victim: $1" >&2
    exit 1
}

end() {
    local result=$?
    if ((result != 0)) && [[ ${LAB_DIR:-} ]]; then
        mkdir -p "$KEEP"
        cp "$LAB_DIR"/*.log "$LAB_DIR/status.json" "$KEEP" 2>/dev/null || :
    fi
    natter_down || result=1
    exit "$result"
}

echo "torture: $kills kills, seed $seed"
lab_need_root
trap end EXIT
trap 'exit 143' TERM INT
lab_up fullcone
lab_servers
natter_names
printf 'nameserver 127.0.0.1\noptions timeout:5 attempts:2\n' >"$hosts/resolv.conf"
lab_spawn "$LAB_HOST" names python3 "$TESTS/dns_standin.py"
lab_web "$LAB_LAN" 192.168.77.3:80 "inside page"
natter_echo "$LAB_LAN" udp 192.168.77.3:7777
config
victim=natterd
check
sum=0 told=0
while ((sum < kills)); do
    kill_somebody
    check
    sum=$((killed[natterd] + killed[worker] + killed[look-up] + killed[hook]))
    ((sum / 100 == told)) || { told=$((sum / 100)) && echo "$sum kills, the slowest recovery $slowest ms"; }
done
printf 'torture: %d kills: natterd %d, workers %d, look-ups %d, hooks %d; slowest recovery %d ms; nothing torn, left or wrong\n' \
    "$sum" "${killed[natterd]}" "${killed[worker]}" "${killed[look-up]}" "${killed[hook]}" "$slowest"
