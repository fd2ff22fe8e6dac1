#!/usr/bin/env bats
# SPDX-License-Identifier: ISC
#
# The processes: who the workers are and what they hold, what the death of one costs, and that none survives
# natterd.

# shellcheck source-path=SCRIPTDIR source=helper.bash
source "$BATS_TEST_DIRNAME/helper.bash"
bats_require_minimum_version 1.5.0

proc_status() {
    sed -n "s/^$2:[[:space:]]*//p" "/proc/$1/status"
}

# Its brackets would be a pattern to find.
owners_of_pipe() {
    find /proc/[0-9]*/fd -lname "pipe:?${1//[^0-9]/}?" 2>/dev/null | cut -d/ -f3 | sort -u
}

one_mapping() {
    natter_config <<END
$(natter_lab_servers)
mappings = ( { name = "web"; protocol = "tcp"; bind = "0.0.0.0:${1:-8081}"; target = "192.168.77.3:80"; } );
END
}

# Fifty mappings m1 .. m50 on ports 6001 .. 6050.
fifty_mappings() {
    natter_config <<END
$(natter_lab_servers)
mappings = (
$(for n in {1..50}; do
        echo "{ name = \"m$n\"; protocol = \"tcp\"; bind = \"0.0.0.0:$((6000 + n))\"; target = \"192.168.77.3:80\"; }$( ((n == 50)) || echo ,)"
    done)
);
END
}

count_open() {
    natter_ctl list --json | jq '[.[] | select(.state == "open")] | length'
}

all_open() {
    [[ $(count_open) == 50 ]]
}

workers_of() {
    pgrep -P "$1" -x natter-worker || :
}

fifty_workers() {
    (($(workers_of "$(natter_pid)" | wc -l) == 50))
}

all_gone() {
    local pid
    for pid in "$@"; do
        lab_gone "$pid" || return
    done
}

@test "a worker has the unprivileged user, no capability, no_new_privs, no foreign descriptor, and a telling title" {
    one_mapping 80
    natter_start
    natter_open web
    worker=$(natter_field web pid)
    nobody=$(id -u nobody)
    group=$(id -g nobody)
    [[ $(proc_status "$worker" Uid) == "$nobody"$'\t'"$nobody"$'\t'"$nobody"$'\t'"$nobody" ]]
    [[ $(proc_status "$worker" Gid) == "$group"$'\t'"$group"$'\t'"$group"$'\t'"$group" ]]
    [[ ! $(proc_status "$worker" Groups) ]]
    for set in CapInh CapPrm CapEff CapBnd CapAmb; do
        [[ $(proc_status "$worker" "$set") =~ ^0+$ ]]
    done
    [[ $(proc_status "$worker" NoNewPrivs) == 1 ]]
    [[ $(ps -o args= -p "$worker") == "natter-worker: web tcp 0.0.0.0:80 open at "* ]]
    [[ $(ps -o user= -p "$worker") == nobody ]]
    # The three standard ones, sockets, the loop's own, and a pipe of the loop's that nobody else has.
    for fd in /proc/"$worker"/fd/*; do
        # One that was closed meanwhile is none.
        what=$(readlink "$fd") || continue
        case ${fd##*/}:$what in
        [012]:* | *:socket:* | *:anon_inode:*) ;;
        *:pipe:*) [[ $(owners_of_pipe "$what") == "$worker" ]] ;;
        *) echo "a foreign descriptor: $fd $what" && return 1 ;;
        esac
    done
}

# started_ms PID: when it was started, however late a busy machine sees it; self: now.
started_ms() {
    sed 's/.*) //' "/proc/$1/stat" | awk -v hz="$(getconf CLK_TCK)" '{ printf "%d\n", $20 * 1000 / hz }'
}

# limit PID NAME: the soft and the hard limit of a process.
limit() {
    sed -n "s/^$2 *\([^ ]*\) *\([^ ]*\) .*/\1 \2/p" "/proc/$1/limits"
}

@test "a worker's root is empty, files, processes and system calls are out of its reach, and natterctl says so" {
    natter_need_usual_build
    one_mapping 80
    natter_start
    natter_open web
    worker=$(natter_field web pid)
    # A kernel may be without Landlock, or with one that knows no ports yet.
    [[ $(natter_field web confinement) =~ ^chroot,\ (landlock,\ (landlock-tcp,\ )?)?seccomp$ ]]
    [[ $(readlink "/proc/$worker/root") == *" (deleted)" && ! $(ls -A "/proc/$worker/root/") ]]
    [[ $(proc_status "$worker" Seccomp) == 2 ]]
    for resource in "Max file size" "Max core file size" "Max processes"; do
        [[ $(limit "$worker" "$resource") == "0 0" ]]
    done
    for fd in 0 1 2; do
        [[ $(readlink "/proc/$worker/fd/$fd") == /dev/null ]]
    done
    # Not dumpable: what /proc has of it is root's.
    [[ $(stat -c %U "/proc/$worker/environ") == root ]]
}

# without CALL:HOW HELD SAID: two workers whose kernel answers that call so are open, confined by the rest, and natterd
# says so once.
without() {
    lab_spawn "$LAB_HOST" natterd strace -D -f -qq -o /dev/null -e trace="${1%%:*}" -e inject="$1" \
        "$NATTER_BUILD/natterd" -f -c "$LAB_DIR/natter.cfg"
    lab_wait 5 natter_ctl version
    natter_open web
    natter_open game
    natter_ctl list --json | jq -e --arg held "$2" 'all(.[]; .confinement == $held)'
    grep -qE "$3" "$LAB_DIR/natterd.log"
    [[ $(grep -cE "(info|warning): .*run without" "$LAB_DIR/natterd.log") == 1 ]]
    natter_stop
}

@test "a kernel without Landlock, its ports, the filter or chroot: workers run, and natterd says so once" {
    natter_need_usual_build
    natter_config <<END
$(natter_lab_servers)
mappings = ( { name = "web"; protocol = "tcp"; target = "192.168.77.3:80"; },
             { name = "game"; protocol = "udp"; target = "192.168.77.3:7777"; } );
END
    natter_start
    natter_open web
    most=$(natter_field web confinement)
    natter_stop
    [[ $most == "chroot, landlock, landlock-tcp, seccomp" ]] || skip "not in this build: its kernel lacks some"
    without landlock_create_ruleset:error=ENOSYS "chroot, seccomp" "warning: .* without landlock, landlock-tcp, which"
    # What it asks first is the version.
    without landlock_create_ruleset:retval=3:when=1 "chroot, landlock, seccomp" "info: .* without landlock-tcp, since"
    without seccomp:error=EINVAL "chroot, landlock, landlock-tcp" "warning: .* without seccomp, which"
    without chroot:error=EPERM "landlock, landlock-tcp, seccomp" "warning: .* without chroot, which"
}

@test "a secret in natterd's environment reaches no worker" {
    one_mapping
    export HOOK_SECRET=hunter2
    natter_start
    natter_open web
    grep -q hunter2 "/proc/$(natter_pid)/environ"
    run ! grep -q hunter2 "/proc/$(natter_field web pid)/environ"
}

@test "50 mappings are open within 3 s; one worker's death leaves the others' connections and its own outside port" {
    fifty_mappings
    lab_web "$LAB_LAN" 192.168.77.3:80 "inside page"
    natter_start
    lab_wait 3 all_open
    before=$(natter_ctl list --json | jq -r '.[].outer')
    # A client in the middle of something on every other mapping.
    connections() {
        lab_in "$LAB_INET" ss -Htn state established src 203.0.113.40 | wc -l
    }
    for outer in $(natter_ctl list --json | jq -r '.[] | select(.name != "m7") | .outer'); do
        lab_spawn "$LAB_INET" "client-$outer" socat -u "TCP:$outer,bind=203.0.113.40" -
    done
    all_connected() {
        [[ $(connections) == 49 ]]
    }
    lab_wait 10 all_connected
    pids=$(natter_ctl list --json | jq -r '.[] | select(.name != "m7") | .pid')
    worker=$(natter_field m7 pid)
    kill -9 "$worker"
    replaced() {
        [[ $(natter_field m7 pid) != "$worker" ]] && natter_is m7 state open
    }
    lab_wait 5 replaced
    [[ $(natter_ctl list --json | jq -r '.[].outer') == "$before" ]]
    [[ $(natter_ctl list --json | jq -r '.[] | select(.name != "m7") | .pid') == "$pids" ]]
    all_connected
    [[ $(natter_fetch "$(natter_field m7 outer)") == "inside page" ]]
}

@test "a worker that dies again and again is replaced at once the first time, then with growing pauses" {
    one_mapping
    natter_start
    followed() {
        next=$(workers_of "$(natter_pid)" | grep -vx "$dead")
    }
    least=() most=()
    natter_open web 10
    # None of the next ones proves itself, which it would with the mapping open for a second.
    lab_stop_server coturn
    next=$(natter_field web pid)
    for _ in 1 2 3; do
        dead=$next
        began=$(started_ms self)
        kill -9 "$dead"
        killed=$(started_ms self)
        lab_wait 10 followed
        # It died somewhere between the two.
        followed=$(started_ms "$next")
        least+=($((followed - killed))) most+=($((followed - began)))
    done
    echo "replaced after ${least[*]} to ${most[*]} ms"
    ((least[0] < 900 && most[1] >= 900 && most[2] >= 1900))
}

@test "natterd ends at SIGTERM and at SIGINT within a second, cleanly, with every worker" {
    fifty_mappings
    for signal in TERM INT; do
        natter_start
        # A worker has its name once it is more than a fork of natterd.
        lab_wait 5 fifty_workers
        mapfile -t workers < <(workers_of "$(natter_pid)")
        kill -"$signal" "$(natter_pid)"
        lab_wait 1 all_gone "$(natter_pid)" "${workers[@]}"
        grep -q "natterd: ended" "$LAB_DIR/natterd.log"
        [[ ! -e $LAB_DIR/natter.sock && ! -e $LAB_DIR/natterd.pid-file ]]
    done
}

@test "kill -9 of natterd ends every worker within a second, and the next natterd starts over the remains" {
    fifty_mappings
    natter_start
    lab_wait 10 all_open
    mapfile -t workers < <(workers_of "$(natter_pid)")
    ((${#workers[@]} == 50))
    # Nor does one live on that hears of it no more.
    kill -STOP "${workers[7]}"
    kill -9 "$(natter_pid)"
    lab_wait 1 all_gone "${workers[@]}"
    natter_start
    lab_wait 10 all_open
}

@test "without root natterd runs with what it has and says in one line what is missing" {
    chmod 777 "$LAB_DIR"
    natter_config <<END
$(natter_lab_servers)
mappings = ( { name = "web"; protocol = "tcp"; bind = "0.0.0.0:8081"; target = "192.168.77.3:80"; } );
END
    lab_web "$LAB_LAN" 192.168.77.3:80 "inside page"
    # Where nobody can reach them, wherever this checkout lies.
    install -m 755 "$NATTER_BUILD"/natter{d,-worker} "$LAB_DIR"
    lab_spawn "$LAB_HOST" natterd setpriv --reuid=nobody --regid=nogroup --clear-groups \
        "$LAB_DIR/natterd" -f -c "$LAB_DIR/natter.cfg"
    outer=$(natter_open web)
    [[ $(natter_fetch "$outer") == "inside page" ]]
    [[ $(grep -c "without root" "$LAB_DIR/natterd.log") == 1 ]]
    [[ $(ps -o user= -p "$(natter_pid)") == nobody ]]
    [[ $(ps -o user= -p "$(natter_field web pid)") == nobody ]]
}
