#!/usr/bin/env bats
# SPDX-License-Identifier: ISC
#
# What natterd and its workers lack: descriptors, processes, memory. They go on meanwhile, say so once, and recover by
# themselves. What fails around them is in faults.bats.

# shellcheck source-path=SCRIPTDIR source=helper.bash
source "$BATS_TEST_DIRNAME/helper.bash"
bats_require_minimum_version 1.5.0

logged() {
    (($(grep -cE "$1" "$LAB_DIR/natterd.log") == ${2:-1}))
}

# --- Descriptors ---

# prlimit_of PID OPTION...: as its user, which is enough for the soft limit, also where root may not do everything.
prlimit_of() {
    setpriv --reuid "$(awk '/^Uid:/ { print $2 }' "/proc/$1/status")" --regid "$(awk '/^Gid:/ { print $2 }' "/proc/$1/status")" \
        --clear-groups prlimit --pid "$1" "${@:2}"
}

# has_no_client PID: the last one may have left before natterd knows.
has_no_client() {
    ! ss -xHnp state established | grep -q "/natter.sock .*pid=$1,"
}

# limit_descriptors PID: it gets none beyond those that it has.
limit_descriptors() {
    local n=0
    lab_wait 5 has_no_client "$1"
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
    natter_echo "$LAB_LAN" tcp 192.168.77.3:80
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

# to_port N: a mapping N, which leads to that port and whose own natterd chooses.
to_port() {
    echo "{ name = \"$1\"; protocol = \"tcp\"; target = \"192.168.77.3:$1\"; }"
}

# mappings_to PORT...
mappings_to() {
    natter_config <<END
$(natter_lab_servers)
mappings = ( $(for n in "$@"; do to_port "$n"; done | sed '$!s/$/,/') );
END
}

@test "natterd without memory for another natter.cfg: it is refused, and nothing changes until there is some" {
    mappings_to 80
    natter_start
    before=$(natter_open 80) worker=$(natter_field 80 pid) pid=$(natter_pid)
    mappings_to {1..2000}
    no_memory "$pid"
    run -1 natter_ctl reload
    [[ $output == *"natter.cfg: cannot be read: Cannot allocate memory"* ]]
    natter_is 80 pid "$worker"
    natter_is 80 outer "$before"
    mappings_to 80 81
    some_memory "$pid"
    natter_ctl reload
    natter_open 81
    natter_is 80 pid "$worker"
}
