#!/usr/bin/env bats
# SPDX-License-Identifier: ISC
#
# What fails around natterd: disks and name servers. It goes on meanwhile, says so once, and recovers by itself. What
# it lacks is in starved.bats, who is killed in torture.bats.

# shellcheck source-path=SCRIPTDIR source=helper.bash
source "$BATS_TEST_DIRNAME/helper.bash"
bats_require_minimum_version 1.5.0

setup() {
    lab_need_root
    lab_up fullcone
    lab_servers
    disk=$LAB_DIR/disk
}

teardown() {
    local result=0
    [[ ! -e $LAB_DIR/natterd.pid ]] || natter_stop || result=1
    ! mountpoint -q "$disk" || umount "$disk"
    natter_down && return "$result"
}

# --- Disks ---

small_disk() {
    mkdir "$disk"
    mount -t tmpfs -o size=128k,mode=0755 tmpfs "$disk"
}

fill_disk() {
    ! dd if=/dev/zero of="$disk/filler" bs=4096 2>/dev/null
}

empty_disk() {
    rm "$disk/filler"
}

lock_disk() {
    mount -o remount,ro "$disk"
}

unlock_disk() {
    mount -o remount,rw "$disk"
}

# disk_config MAPPINGS: the status file and the memory of ports are on the disk.
disk_config() {
    natter_config <<END
$(natter_lab_servers)
status_report = { status_file = "disk/status.json"; };
mappings = ( $1 );
END
    sed -i "s|^state_dir.*|state_dir = \"$disk/state\";|" "$LAB_DIR/natter.cfg"
}

status_says() {
    [[ $(jq -r ".mappings[] | select(.name == \"$1\") | .state" "$disk/status.json") == "$2" ]]
}

logged() {
    (($(grep -cE "$1" "$LAB_DIR/natterd.log") == ${2:-1}))
}

WEB='{ name = "web"; protocol = "tcp"; target = "192.168.77.3:80"; }'
GAME='{ name = "game"; protocol = "udp"; target = "192.168.77.3:7777"; }'

# survives REASON BREAK MEND: what natterd keeps on the disk stays as it was, and is right when the disk is.
survives() {
    small_disk
    disk_config "$WEB"
    natter_start
    natter_open web
    lab_wait 5 status_says web open
    [[ $(<"$disk/state/ports") == "tcp web "* ]]

    "$2"
    disk_config "$WEB, $GAME"
    natter_ctl reload
    natter_ctl stop web
    natter_open game
    lab_wait 5 logged "error: natterd: the status file .*/status.json cannot be written: $1"
    natter_ctl start web
    natter_open web
    natter_ctl stop web
    logged "the status file .* cannot be written"
    logged "warning: natterd: cannot remember the chosen ports in .*/state/ports \($1\)"
    status_says web open
    [[ $(<"$disk/state/ports") == "tcp web "+([0-9]) ]]

    # Nothing changes any more.
    "$3"
    lab_wait 8 status_says web stopped
    lab_wait 8 grep -q "^udp game $(natter_field game bind | sed 's/.*://')\$" "$disk/state/ports"
    grep -q "^tcp web " "$disk/state/ports"
    logged "info: natterd: the status file .* is written again"
    logged "info: natterd: the chosen ports are remembered"
    [[ ! $(find "$disk" -name '*.tmp') ]]
}

@test "a full disk: status file and remembered ports stay whole, and are right by themselves when there is room" {
    survives "No space left on device" fill_disk empty_disk
}

@test "a disk that becomes read-only: the same" {
    survives "Read-only file system" lock_disk unlock_disk
}

# log_config: the log is on the disk.
log_config() {
    small_disk
    disk_config "$WEB"
    sed -i "s|^logging.*|logging = { level = \"debug\"; log_file = \"$disk/natter.log\"; };|" "$LAB_DIR/natter.cfg"
}

start_as_service() {
    natter_start_daemon
    cp "$LAB_DIR/natterd.pid-file" "$LAB_DIR/natterd.pid"
    natter_open web
}

# log_tells_of_loss REASON
log_tells_of_loss() {
    natter_ctl restart web
    natter_open web
    grep -qE "warning: natterd: [0-9]+ lines? before this one could not be written: $1" "$disk/natter.log"
}

@test "a full disk for the log: natterd goes on, and says how many lines were lost" {
    log_config
    start_as_service
    fill_disk
    # The last block of the log still has room.
    size=0
    until (($(stat -c %s "$disk/natter.log") == size)); do
        size=$(stat -c %s "$disk/natter.log")
        natter_ctl restart web
        natter_open web
    done
    empty_disk
    log_tells_of_loss "No space left on device"
    # But for the one that the disk had half room for.
    run grep -vcE '^[0-9-]{10} [0-9:]{8} (error|warning|info|debug): .+' "$disk/natter.log"
    ((output <= 1))
    # Its last words are on a disk that goes away.
    natter_stop
}

@test "a read-only disk for the log: natterd does not start with it, but goes on if it becomes so later" {
    log_config
    lock_disk
    run -1 natter_start_daemon
    [[ $output == *"$disk/natter.log: Read-only file system"* && ! -e $LAB_DIR/natter.sock ]]
    unlock_disk
    start_as_service
    # Only a broken disk becomes read-only while a file on it is open for writing.
    lab_spawn "$LAB_HOST" strace strace -P "$disk/natter.log" -e inject=write:error=EROFS -p "$(natter_pid)"
    lab_wait 5 grep -q attached "$LAB_DIR/strace.log"
    size=$(stat -c %s "$disk/natter.log")
    natter_ctl restart web
    natter_open web
    (($(stat -c %s "$disk/natter.log") == size))
    lab_end strace
    log_tells_of_loss "Read-only file system"
    natter_stop
}

# --- Names ---

# mute_names MODE...: a name server that is of no use, in a way that the name asked for chooses; see dns_standin.py. A
# mapping each needs one of these names; game has an address, too.
mute_names() {
    local mode mappings="" names="" port=8083
    natter_names
    printf 'nameserver 127.0.0.1\noptions timeout:2 attempts:1\n' >"$hosts/resolv.conf"
    lab_spawn "$LAB_HOST" names python3 "$TESTS/dns_standin.py" "$LAB_DIR/answer-late"
    lab_wait 5 grep -q listening "$LAB_DIR/names.log"
    for mode in "$@"; do
        names+="\"$mode.lab.test\", "
        mappings+="{ name = \"$mode\"; protocol = \"tcp\"; bind = \"$((port++))\"; stun_server = [ \"$mode.lab.test\" ]; keep_alive = \"203.0.113.30\"; },"
    done
    natter_config <<END
mappings = ( $mappings
             { name = "game"; protocol = "tcp"; bind = "8082"; stun_server = [ $names "203.0.113.10" ]; keep_alive = "203.0.113.31"; } );
END
}

look_ups() {
    pgrep -cx -P "$(natter_pid)" natterd || :
}

@test "name servers that are silent or talk nonsense: addresses in figures are used at once, and names as soon as they can be" {
    modes=(silent garbage failure)
    mute_names "${modes[@]}"
    natter_start
    natter_open game 5
    (($(look_ups) <= 3))
    for mode in "${modes[@]}"; do
        lab_wait 8 logged "warning: natterd: cannot resolve $mode.lab.test: "
        lab_wait 2 natter_is "$mode" state waiting
    done
    for mode in "${modes[@]}"; do
        echo "203.0.113.11 $mode.lab.test" >>"$hosts/hosts"
    done
    for mode in "${modes[@]}"; do
        natter_open "$mode" 15
        logged "cannot resolve $mode.lab.test"
    done
}

@test "a name server that takes its time: nothing else waits for it" {
    mute_names late
    printf 'nameserver 127.0.0.1\noptions timeout:30 attempts:1\n' >"$hosts/resolv.conf"
    natter_start
    natter_open game
    natter_is late state waiting
    (($(look_ups) == 1))
    touch "$LAB_DIR/answer-late"
    natter_open late 12
    run ! grep "cannot resolve" "$LAB_DIR/natterd.log"
}
