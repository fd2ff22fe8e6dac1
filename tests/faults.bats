#!/usr/bin/env bats
# SPDX-License-Identifier: ISC
#
# What fails around natterd: disks, descriptors, processes, names. It goes on meanwhile, says so once, and recovers by
# itself. Who is killed is in torture.bats.

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

@test "a full disk for the log: natterd goes on, and says how many lines were lost" {
    small_disk
    disk_config "$WEB"
    sed -i "s|^logging.*|logging = { level = \"debug\"; log_file = \"$disk/natter.log\"; };|" "$LAB_DIR/natter.cfg"
    lab_in "$LAB_HOST" "$NATTER_BUILD/natterd" -c "$LAB_DIR/natter.cfg" 3>&- 4>&-
    cp "$LAB_DIR/natterd.pid-file" "$LAB_DIR/natterd.pid"
    natter_open web
    fill_disk
    # The last block of the log still has room.
    size=0
    until (($(stat -c %s "$disk/natter.log") == size)); do
        size=$(stat -c %s "$disk/natter.log")
        natter_ctl restart web
        natter_open web
    done
    empty_disk
    natter_ctl restart web
    natter_open web
    grep -qE "warning: natterd: [0-9]+ lines? before this one could not be written: No space left on device" "$disk/natter.log"
    # But for the one that the disk had half room for.
    run grep -vcE '^[0-9-]{10} [0-9:]{8} (error|warning|info|debug): .+' "$disk/natter.log"
    ((output <= 1))
    # Its last words are on a disk that goes away.
    natter_stop
}

# --- Descriptors ---

# prlimit_of PID OPTION...: as its user, which is enough for the soft limit, also where root may not do everything.
prlimit_of() {
    setpriv --reuid "$(awk '/^Uid:/ { print $2 }' "/proc/$1/status")" --regid "$(awk '/^Gid:/ { print $2 }' "/proc/$1/status")" \
        --clear-groups prlimit --pid "$1" "${@:2}"
}

# limit_descriptors PID: it gets none beyond those that it has.
limit_descriptors() {
    local n=0
    while [[ -e /proc/$1/fd/$n ]]; do
        n=$((n + 1))
    done
    prlimit_of "$1" --nofile="$n:"
}

free_descriptors() {
    prlimit_of "$1" --nofile=1024:
}

# busy PID: of the next second, the percentage that it ran.
busy() {
    local before
    before=$(ticks "$1")
    sleep 1
    echo $((($(ticks "$1") - before) * 100 / $(getconf CLK_TCK)))
}

ticks() {
    awk '{ print $14 + $15 }' "/proc/$1/stat"
}

served_mappings() {
    natter_config <<END
$(natter_lab_servers)
status_report = { status_file = "status.json"; };
mappings = ( { name = "web"; protocol = "tcp"; bind = "8081"; target = "192.168.77.3:80"; $1 },
             { name = "game"; protocol = "tcp"; bind = "8082"; target = "192.168.77.3:80"; } );
END
    lab_web "$LAB_LAN" 192.168.77.3:80 "inside page"
}

@test "natterd without a free descriptor: it does not spin, the rest goes on, and all comes back" {
    served_mappings
    natter_start
    web=$(natter_open web) game=$(natter_open game) pid=$(natter_pid)
    worker=$(natter_field web pid)
    limit_descriptors "$pid"
    kill -9 "$worker"
    lab_wait 5 logged "warning: web: its worker cannot be started: Too many open files"
    # The dead worker's descriptor is this client's, and the next client has to wait.
    lab_spawn "$LAB_HOST" watcher "$NATTER_BUILD/natterctl" -s "$LAB_DIR/natter.sock" watch
    lab_wait 5 grep -q web "$LAB_DIR/watcher.log"
    lab_spawn "$LAB_HOST" late "$NATTER_BUILD/natterctl" -s "$LAB_DIR/natter.sock" version
    lab_wait 5 logged "a client of the control socket could not be accepted: Too many open files"
    (($(busy "$pid") < 30))
    [[ $(natter_fetch "$game") == "inside page" ]]

    run ! grep natterd "$LAB_DIR/late.log"
    free_descriptors "$pid"
    lab_wait 5 grep -q natterd "$LAB_DIR/late.log"
    [[ $(natter_open web 20) == "$web" ]]
    [[ $(natter_fetch "$web") == "inside page" ]]
    logged "warning: .*its worker cannot be started"
    # Also the file that was written last.
    lab_wait 8 jq -e '[.mappings[] | select(.state == "open")] | length == 2' "$LAB_DIR/status.json"
}

@test "a worker without a free descriptor: it does not spin, and who comes is served when there is room" {
    served_mappings
    natter_start
    web=$(natter_open web) worker=$(natter_field web pid)
    limit_descriptors "$worker"
    for n in 1 2 3; do
        lab_spawn "$LAB_INET" "late$n" curl --interface 203.0.113.40 -sS -m 20 "http://$web/"
    done
    (($(busy "$worker") < 30))
    natter_is web state open
    free_descriptors "$worker"
    for n in 1 2 3; do
        lab_wait 10 grep -q "inside page" "$LAB_DIR/late$n.log"
    done
    natter_is web pid "$worker"
}

# --- Processes ---

@test "no process can be started: workers, look-ups and hooks are tried again, and the rest goes on" {
    # A number that no account has, so that nobody else's processes count; the limit does not hold for root.
    user=62347
    chown "$user" "$LAB_DIR"
    natter_names
    served_mappings 'hook = "echo {event} {outer} >>hook.log";'
    lab_spawn "$LAB_HOST" natterd setpriv --reuid "$user" --regid "$user" --clear-groups \
        "$NATTER_BUILD/natterd" -f -c "$LAB_DIR/natter.cfg"
    lab_wait 5 natter_ctl version
    web=$(natter_open web) game=$(natter_open game) pid=$(natter_pid)
    lab_wait 5 grep -qx "up $web" "$LAB_DIR/hook.log"
    prlimit_of "$pid" --nproc=1:
    sed -i 's|"203.0.113.11:3479"|"stun.lab.test"|' "$LAB_DIR/natter.cfg"
    natter_ctl reload
    natter_ctl stop web
    natter_ctl start web
    lab_wait 5 logged "warning: natterd: cannot resolve stun.lab.test: Resource temporarily unavailable"
    lab_wait 5 logged "warning: web: hook: cannot be started: Resource temporarily unavailable; trying again in 1 s"
    lab_wait 5 natter_is web error "its worker cannot be started: Resource temporarily unavailable"
    [[ $(natter_fetch "$game") == "inside page" ]]
    (($(busy "$pid") < 30))

    echo "203.0.113.10 stun.lab.test" >>"$hosts/hosts"
    prlimit_of "$pid" --nproc=1000:
    web=$(natter_open web 20)
    lab_wait 10 logged "natterd: stun.lab.test resolves again"
    lab_wait 10 grep -qx "up $web" "$LAB_DIR/hook.log"
    logged "warning: .*its worker cannot be started"
    logged "warning: .*hook: cannot be started"
    natter_is game outer "$game"
}

# --- Names ---

# mute_names MODE: names are asked of a server that is of no use; see dns_standin.py.
mute_names() {
    natter_names
    printf 'nameserver 127.0.0.1\noptions timeout:2 attempts:1\n' >"$hosts/resolv.conf"
    lab_spawn "$LAB_HOST" names python3 "$TESTS/dns_standin.py" "$1"
    lab_wait 5 grep -q listening "$LAB_DIR/names.log"
    natter_config <<END
mappings = ( { name = "web"; protocol = "tcp"; bind = "8081"; stun_server = [ "stun.lab.test" ]; keep_alive = "203.0.113.30"; },
             { name = "game"; protocol = "tcp"; bind = "8082"; stun_server = [ "stun.lab.test", "203.0.113.10" ]; keep_alive = "203.0.113.31"; } );
END
}

look_ups() {
    pgrep -cx -P "$(natter_pid)" natterd || :
}

@test "name servers that are silent or talk nonsense: addresses in figures are used at once, and names as soon as they can be" {
    for mode in silent garbage failure; do
        mute_names "$mode"
        natter_start
        natter_open game 5
        (($(look_ups) <= 1))
        lab_wait 8 logged "warning: natterd: cannot resolve stun.lab.test: "
        lab_wait 2 natter_is web state waiting
        echo "203.0.113.11 stun.lab.test" >>"$hosts/hosts"
        natter_open web 15
        logged "cannot resolve stun.lab.test"
        natter_stop
        lab_end names
    done
}

@test "a name server that takes its time: nothing else waits for it" {
    mute_names 3
    printf 'nameserver 127.0.0.1\noptions timeout:20 attempts:1\n' >"$hosts/resolv.conf"
    natter_start
    natter_open game 2
    natter_is web state waiting
    (($(look_ups) == 1))
    natter_open web 10
    run ! grep "cannot resolve" "$LAB_DIR/natterd.log"
}

# --- Memory ---

# no_memory PID: it gets no more than it has.
no_memory() {
    prlimit_of "$1" --as="$(($(awk '/^VmSize/ { print $2 }' "/proc/$1/status") * 1024)):"
}

some_memory() {
    prlimit_of "$1" --as=unlimited:
}

@test "a worker without memory: who is there stays, and who comes has to wait until there is some" {
    natter_need_usual_build # a sanitizer does not live without memory
    served_mappings
    lab_end web-192.168.77.3:80
    lab_spawn "$LAB_LAN" echo "$NATTER_BUILD/tests/connections" echo 192.168.77.3:80
    lab_wait 5 lab_listening "$LAB_LAN" tcp 192.168.77.3:80
    natter_start_in_quiet # a look at another network takes memory, without which a worker ends
    web=$(natter_open web) worker=$(natter_field web pid)
    lab_spawn "$LAB_INET" keep "$NATTER_BUILD/tests/connections" keep "$web" 20 203.0.113.40
    lab_wait 5 grep -q "20 open, 20 right" "$LAB_DIR/keep.log"
    no_memory "$worker"
    lab_spawn "$LAB_INET" crowd "$NATTER_BUILD/tests/connections" keep "$web" 1000 203.0.113.41
    lab_wait 5 logged "warning: web: no room for more than [0-9]+ connections \(Cannot allocate memory\): new ones have to wait"
    (($(busy "$worker") < 30))
    (($(lab_in "$LAB_INET" ss -Htn state established src 203.0.113.40 | wc -l) == 20))
    some_memory "$worker"
    # But for the few that were tried before it could.
    lab_wait 15 grep -qE "1000 open, (9[0-9][0-9]|1000) right" "$LAB_DIR/crowd.log"
    lab_in "$LAB_INET" "$NATTER_BUILD/tests/connections" hold "$web" 100 203.0.113.41
    natter_is web pid "$worker"
    natter_is web outer "$web"
}

many_mappings() {
    natter_config <<END
$(natter_lab_servers)
status_report = { status_file = "status.json"; };
mappings = ( $(for n in {1..2000}; do echo "{ name = \"m$n\"; protocol = \"tcp\"; target = \"192.168.77.3:$n\"; },"; done)
    $WEB );
END
}

@test "natterd without memory for another natter.cfg: it is refused, and nothing changes until there is some" {
    disk_config "$WEB"
    mkdir "$disk"
    natter_start
    web=$(natter_open web) worker=$(natter_field web pid) pid=$(natter_pid)
    many_mappings
    no_memory "$pid"
    run -1 natter_ctl reload
    [[ $output == *"natter.cfg: cannot be read: Cannot allocate memory"* ]]
    natter_is web pid "$worker"
    natter_is web outer "$web"
    disk_config "$WEB, $GAME"
    some_memory "$pid"
    natter_ctl reload
    natter_open game
    natter_is web pid "$worker"
}
