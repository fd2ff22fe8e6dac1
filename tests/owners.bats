#!/usr/bin/env bats
# SPDX-License-Identifier: ISC
#
# The files that natterd makes: their owners and modes, that nothing is written where a link of somebody else leads, and
# that nobody can keep natterd from its own.

# shellcheck source-path=SCRIPTDIR source=helper.bash
source "$BATS_TEST_DIRNAME/helper.bash"
bats_require_minimum_version 1.5.0

udp='{ name = "game"; protocol = "udp"; bind = "0.0.0.0:8081"; target = "192.168.77.3:2456"; }'

# config MAPPING <<END: what follows comes after it.
config() {
    natter_config <<END
$(natter_lab_servers)
mappings = ( $1 );
$(cat)
END
}

logged() {
    grep -qF -- "$1" "$LAB_DIR/natterd.log"
}

# A daemon with every file that natterd makes, in directories that it makes.
daemon_config() {
    config '{ name = "game"; protocol = "udp"; target = "192.168.77.3:2456"; }' \
        <<<'status_report = { status_file = "status.json"; };'
    sed -i "s|^logging.*|logging = { log_file = \"natter.log\"; };|; s|$LAB_DIR/natterd.pid-file|$LAB_DIR/run/pid|
        s|$LAB_DIR/natter.sock|$LAB_DIR/ctl/sock|" "$LAB_DIR/natter.cfg"
}

# daemon [UMASK]
daemon() {
    lab_in "$LAB_HOST" sh -c "umask ${1:-022}; exec '$NATTER_BUILD/natterd' -c '$LAB_DIR/natter.cfg'" 3>&- 4>&-
}

@test "the owners and modes of files and directories are the same whatever the umask is" {
    daemon_config
    cd "$LAB_DIR"
    for mask in 000 077; do
        daemon "$mask"
        pid=$(<run/pid)
        [[ $(stat -c '%n %a %U:%G' run run/pid ctl ctl/sock state state/ports status.json natter.log) == "run 755 root:root
run/pid 644 root:root
ctl 755 root:root
ctl/sock 660 root:root
state 755 root:root
state/ports 644 root:root
status.json 644 root:root
natter.log 640 root:root" ]]
        kill "$pid"
        lab_wait 5 lab_gone "$pid"
        rm -r run ctl state status.json natter.log
    done
}

# refused TEXT: natterd does not start and says so, and the victim is as it was.
refused() {
    local said
    if said=$(daemon 2>&1); then
        kill "$(<run/pid)"
        return 1
    fi
    echo "$said"
    [[ $said == *"$1"* && $(<victim) == precious ]]
}

@test "log file, pid file and control socket: not through links, and no pid file of somebody else" {
    daemon_config
    cd "$LAB_DIR"
    mkdir run
    echo precious >victim
    for how in --symbolic --physical; do
        what=$([[ $how == --symbolic ]] && echo "it is a symbolic link" || echo "it has another name")
        ln "$how" "$LAB_DIR/victim" natter.log
        refused "cannot open the log file $LAB_DIR/natter.log: $what"
        rm natter.log
        ln "$how" "$LAB_DIR/victim" run/pid
        refused "cannot write the pid file $LAB_DIR/run/pid: $what"
        rm run/pid
    done
    install -o nobody /dev/null run/pid
    refused "cannot write the pid file $LAB_DIR/run/pid: it belongs to somebody else"
    rm run/pid
    # To nothing, where it would have a file made.
    ln -s "$LAB_DIR/made" natter.log
    refused "it is a symbolic link"
    [[ ! -e made ]]
    rm -r natter.log ctl
    mkdir private
    ln -s private ctl
    chown -h nobody ctl
    refused "cannot open the control socket $LAB_DIR/ctl/sock: it is a symbolic link, or the way to it leads"
    [[ ! $(ls private) ]]
    # Root's own leads there.
    chown -h root ctl
    daemon
    pid=$(<run/pid)
    [[ -S private/sock ]]
    kill "$pid"
    lab_wait 5 lab_gone "$pid"
}

# A clean end removes it; here natterd was killed.
@test "a pid file that somebody else has locked keeps no natterd from starting again, but a natterd that runs does" {
    daemon_config
    cd "$LAB_DIR"
    chmod 711 .
    daemon
    # It gets the lock when natterd dies.
    lab_spawn "$LAB_HOST" lock setpriv --reuid=games --regid=games --clear-groups \
        flock --shared run/pid sh -c 'echo locked; exec sleep 1000'
    pid=$(<run/pid)
    kill -9 "$pid"
    lab_wait 5 grep -q locked lock.log
    lab_wait 5 lab_gone "$pid"
    daemon
    [[ $(<run/pid) != "$pid" ]]
    run -1 daemon
    [[ $output == *"already running as process $(<run/pid) (pid file"* ]]
    pid=$(<run/pid)
    kill "$pid"
    lab_wait 5 lab_gone "$pid"
    [[ ! -e run/pid ]]
}

@test "status file and remembered ports: not through a symbolic link at their name, nor of somebody else on the way" {
    config '{ name = "game"; protocol = "udp"; target = "192.168.77.3:2456"; }' \
        <<<'status_report = { status_file = "open/status.json"; };'
    cd "$LAB_DIR"
    mkdir -m 1777 open state
    mkdir private
    echo precious | tee victim >private/status.json
    ln -s ../victim open/status.json
    ln -s ../victim state/ports
    natter_start
    natter_open game
    logged "the status file $LAB_DIR/open/status.json cannot be written: it is a symbolic link"
    logged "cannot remember the chosen ports in $LAB_DIR/state/ports (it is a symbolic link"
    natter_stop
    rm -r open
    ln -s private open
    chown -h nobody open
    natter_start
    logged "the status file $LAB_DIR/open/status.json cannot be written: it is a symbolic link, or the way to it"
    natter_stop
    [[ $(<victim) == precious && $(<private/status.json) == precious && $(ls private) == status.json ]]
    # Root's own leads there.
    chown -h root open
    natter_start
    lab_wait 5 grep -q '"pid"' private/status.json
}

status_has_worker() {
    [[ $(jq -r '.mappings[0].pid' open/status.json) == "$(natter_field game pid)" ]]
}

@test "in a directory for everybody nobody can lead natterd's temporary file elsewhere or keep it from writing" {
    config "$udp" <<<'status_report = { status_file = "open/status.json"; };'
    cd "$LAB_DIR"
    mkdir -m 1777 open
    # Whose directory it is may remove what he likes.
    chown games open
    echo precious >victim
    natter_start
    natter_open game
    temporary=open/status.json.$(natter_pid).tmp
    ln -s ../victim "$temporary"
    chown -h nobody "$temporary"
    kill -9 "$(natter_field game pid)"
    lab_wait 10 natter_is game restarts 1
    natter_open game 10
    lab_wait 5 status_has_worker
    [[ $(<victim) == precious && -L $temporary ]]
    # Nor is anything replaced that belongs to another, where only he may.
    natter_stop
    rm open/*
    install -o nobody /dev/null open/status.json
    natter_start
    logged "the status file $LAB_DIR/open/status.json cannot be written: Operation not permitted; if somebody else's file"
    [[ ! -s open/status.json ]]
}
