#!/usr/bin/env bats
# SPDX-License-Identifier: ISC
#
# make install and make uninstall, and natterd as a service of each init system, on throw-away machines.

# shellcheck source-path=SCRIPTDIR source=helper.bash
source "$BATS_TEST_DIRNAME/helper.bash"
# shellcheck source-path=SCRIPTDIR source=machine.bash
source "$BATS_TEST_DIRNAME/machine.bash"
bats_require_minimum_version 1.5.0

setup() {
    machine_need
}

teardown() {
    machine_teardown
}

# installed [NAMESPACE] [INIT]: a machine on which make install was done.
installed() {
    machine_up ${1:+"$1"}
    machine_make install INIT="${2:-lsb}"
}

# in_the_lab INIT: the same as the lab's inner host.
in_the_lab() {
    lab_up fullcone
    lab_servers
    installed "$LAB_HOST" "$1"
}

# --- make install, make uninstall ---

@test "make install with DESTDIR: everything below it, with its mode, and make uninstall leaves natter.cfg alone" {
    places=(DESTDIR=/tmp/to SBINDIR=/opt/sbin UNITDIR=/opt/units)
    machine_up
    machine_make install "${places[@]}" INIT="lsb systemd"
    run -0 machine_in find /tmp/to -type f -printf '%m %P\n'
    for file in "755 opt/sbin/natterd" "755 opt/sbin/natterctl" "755 usr/local/libexec/natter/natter-worker" \
        "644 usr/local/share/man/man8/natterd.8" "644 usr/local/share/man/man8/natterctl.8" \
        "644 usr/local/share/man/man5/natter.cfg.5" "644 usr/local/share/man/zh_CN/man8/natterd.8" \
        "644 usr/local/share/man/zh_CN/man8/natterctl.8" "644 usr/local/share/man/zh_CN/man5/natter.cfg.5" \
        "644 usr/local/share/doc/natter/examples/natter.cfg" \
        "640 etc/natter.cfg" "755 etc/init.d/natterd" "644 etc/logrotate.d/natter" "644 opt/units/natterd.service"; do
        grep -qxF "$file" <<<"$output" || { echo "missing: $file" && return 1; }
    done
    run -1 machine_in grep -rI /usr/local/sbin /tmp/to
    for hook in "$MACHINE_SOURCE"/supervisor/hooks/*; do
        [[ $(machine_in stat -c %a "/tmp/to/usr/local/libexec/natter/hooks/${hook##*/}") == "$(stat -c %a "$hook")" ]]
    done
    machine_in grep -q '^ExecStart=/opt/sbin/natterd -f' /tmp/to/opt/units/natterd.service
    run ! machine_in id natter
    machine_make uninstall "${places[@]}"
    [[ $(machine_in find /tmp/to -type f -printf '%P\n') == etc/natter.cfg ]]
    run ! machine_in test -e /tmp/to/opt
}

@test "make uninstall: the machine is as it was, but for natter.cfg" {
    machine_up
    machine_files >"$BATS_TEST_TMPDIR/before"
    machine_in cp /etc/passwd /tmp/passwd
    machine_make install
    machine_in getent passwd natter
    [[ $(machine_in natterd --version) == *1.0.0* ]]
    [[ $(machine_in man -w natterd) == */man/man8/natterd.8 ]]
    [[ $(machine_in man -L zh_CN -w natterd) == */man/zh_CN/man8/natterd.8 ]]
    [[ $(machine_in man -L zh_CN natterd) == *$'\n描述\n'* ]]
    machine_make install
    machine_make uninstall
    changes=$(machine_files | diff "$BATS_TEST_TMPDIR/before" - | grep '^[<>]')
    echo "$changes"
    [[ $changes == "> /etc/natter.cfg" ]]
    machine_in cmp /etc/passwd /tmp/passwd
    run ! machine_make uninstall
    [[ $output == *"make install was not done"* ]]
}

@test "make install never overwrites natter.cfg, and says where this version's example is" {
    machine_up
    echo '# mine' | machine_in tee /etc/natter.cfg
    run -0 machine_make install
    [[ $output == *"/etc/natter.cfg stays as it is"*/usr/local/share/doc/natter/examples/natter.cfg* ]]
    [[ $(machine_in cat /etc/natter.cfg) == '# mine' ]]
    machine_in natterd -n -c /usr/local/share/doc/natter/examples/natter.cfg
}

@test "make install that fails half-way can be taken away, and a machine without useradd is told what follows" {
    machine_up
    machine_files >"$BATS_TEST_TMPDIR/before"
    run ! machine_make install DOCDIR=/proc/nowhere
    machine_in test -e /usr/local/sbin/natterd
    machine_make uninstall
    machine_files | diff "$BATS_TEST_TMPDIR/before" -
    machine_in rm /usr/sbin/useradd /usr/sbin/adduser
    run -0 machine_make install INIT=none
    [[ $output == *"workers will run as nobody"*"natter.cfg, have it checked"*/usr/local/sbin/natterd ]]
    run -0 machine_in natterd -n
    [[ $output == *"user            nobody"* ]]
    machine_make uninstall
}

@test "make install takes the init system that is there, and refuses one that it does not know" {
    machine_up
    machine_in mkdir -p /lib/systemd/system
    machine_make install
    machine_in grep -q "BEGIN INIT INFO" /etc/init.d/natterd
    machine_in test -e /usr/local/lib/systemd/system/natterd.service
    machine_in mkdir /run/openrc
    machine_make install
    machine_in grep -q openrc-run /etc/init.d/natterd
    machine_in touch /etc/rc.common
    machine_make install
    machine_in grep -q USE_PROCD /etc/init.d/natterd
    machine_make uninstall
    run ! machine_make install INIT=launchd
    [[ $output == *'"launchd" is no init system'* ]]
    run ! machine_in test -e /usr/local/sbin/natterd
}

# --- sysv-rc ---

# lost NAME: there is no such mapping any more.
lost() {
    ! natter_ctl show "$1"
}

@test "sysv-rc: make install, service natterd start, list, edit, reload, restart, stop" {
    in_the_lab lsb
    machine_configure web 192.168.77.3:80
    lab_web "$LAB_LAN" 192.168.77.3:80 "inside page"
    run -3 machine_in service natterd status
    machine_in service natterd start
    run -0 machine_in service natterd status
    [[ $output == *"pid $(machine_pid)"* ]]
    [[ $(natter_fetch "$(natter_open web)") == "inside page" ]]
    [[ $(machine_in ps -o user= -p "$(natter_field web pid)") == natter ]]
    old=$(machine_pid)
    machine_in service natterd start
    [[ $(machine_pid) == "$old" ]]
    outer=$(natter_field web outer)
    machine_configure web 192.168.77.3:80 other 192.168.77.3:80
    machine_in service natterd reload
    [[ $(natter_fetch "$(natter_open other)") == "inside page" ]]
    machine_configure web 192.168.77.3:80
    machine_in service natterd force-reload
    lab_wait 5 lost other
    [[ $(machine_pid) == "$old" && $(natter_field web outer) == "$outer" ]]
    machine_configure other 192.168.77.3:80
    machine_in service natterd restart
    [[ $(machine_pid) != "$old" ]]
    [[ $(natter_fetch "$(natter_open other)") == "inside page" ]]
    machine_in service natterd stop
    run ! machine_runs
    run -3 machine_in service natterd status
    machine_in service natterd stop
    run -7 machine_in service natterd reload
    machine_in service natterd try-restart
    run ! machine_runs
    run -2 machine_in service natterd nonsense
    [[ $output == *Usage:*status* ]]
}

@test "sysv-rc: a start that fails says why, and a wrong natter.cfg ends nothing that runs" {
    installed
    machine_in service natterd start
    old=$(machine_pid)
    machine_ruin
    for action in restart try-restart reload force-reload start; do
        run -6 machine_in service natterd "$action"
        [[ $output == *"natter.cfg:"*keep_alive_intervall* && $(machine_pid) == "$old" ]]
    done
    machine_in service natterd status
    machine_in service natterd stop
    run -6 machine_in service natterd start
    [[ $output == *"natter.cfg:"*keep_alive_intervall* ]]
    echo 'control_socket = "/nonexistent/dir/natter.sock";' | machine_in tee /etc/natter.cfg
    run -1 machine_in service natterd start
    [[ $output == *"failed"*"/nonexistent/dir/natter.sock"* ]]
    run ! machine_runs
}

@test "sysv-rc: natterd is found wherever natter.cfg put its pid file, also when natter.cfg is another one by then" {
    installed
    machine_in mkdir /etc/elsewhere
    echo 'pid_file = "/run/elsewhere.pid";' | machine_in tee /etc/elsewhere/natter.cfg
    echo 'DAEMON_ARGS="-c /etc/elsewhere/natter.cfg"' | machine_in tee /etc/default/natterd
    machine_in service natterd start
    old=$(machine_pid /run/elsewhere.pid)
    echo 'pid_file = "/run/another.pid";' | machine_in tee /etc/elsewhere/natter.cfg
    run -0 machine_in service natterd status
    [[ $output == *"pid $old"* ]]
    machine_in service natterd restart
    run ! machine_in test -e /run/elsewhere.pid
    [[ $(machine_runs) == "$(machine_pid /run/another.pid)" ]]
    echo ruin | machine_in tee /etc/elsewhere/natter.cfg
    machine_in service natterd stop
    run ! machine_runs
}

@test "sysv-rc: only root may start and stop it; what it says may be read whatever root's umask is" {
    installed
    run -4 machine_in setpriv --reuid nobody --clear-groups service natterd start
    [[ $output == *"only root"* ]]
    echo 'status_report = { status_file = "/run/natter/status.json"; };' | machine_in tee /etc/natter.cfg
    machine_in sh -c 'umask 077; service natterd start'
    run -4 machine_in setpriv --reuid nobody --clear-groups service natterd stop
    machine_in setpriv --reuid nobody --clear-groups service natterd status
    machine_in setpriv --reuid nobody --clear-groups cat /run/natter/status.json
}

dead() {
    ! machine_runs
}

@test "sysv-rc: a natterd that was killed is said to be dead, and started again" {
    installed
    machine_in service natterd start
    killed=$(machine_pid)
    machine_in kill -9 "$killed"
    lab_wait 5 dead
    run -1 machine_in service natterd status
    [[ $output == *"its pid file /run/natter/natterd.pid is there"* ]]
    machine_in service natterd start
    [[ $(machine_runs) == "$(machine_pid)" && $(machine_pid) != "$killed" ]]
}

@test "sysv-rc: started before there is a network, natterd opens the mapping when there is one" {
    lab_up fullcone
    lab_servers
    lab_in "$LAB_HOST" ip link set lo down
    lab_in "$LAB_HOST" ip link set eth0 down
    installed "$LAB_HOST"
    machine_configure web 192.168.77.3:80
    machine_in service natterd start
    run ! natter_is web state open
    lab_in "$LAB_HOST" ip link set lo up
    lab_in "$LAB_HOST" ip link set eth0 up
    lab_in "$LAB_HOST" ip route add default via 192.168.77.1
    natter_open web 20
}

@test "sysv-rc: update-rc.d has it started and stopped with the machine" {
    installed
    machine_in update-rc.d natterd defaults
    machine_in sh -c '/etc/rc2.d/S*natterd start'
    machine_runs
    machine_in sh -c '/etc/rc0.d/K*natterd stop'
    run ! machine_runs
}

# --- the other init systems ---

# Debian's package without its installation, which is for machines that OpenRC starts.
unpack_openrc() {
    local package
    for package in "$MACHINE_SOURCE"/build/packages/{openrc,librc1,libeinfo1}_*.deb; do
        [[ -e $package || ${NATTER_TEST_STRICT:-0} == 1 ]] || skip "no OpenRC: tests/packages.sh test fetches it"
        machine_in dpkg --fsys-tarfile "$package" | machine_in tar -x --keep-directory-symlink -C /
    done
    machine_in sh -c 'grep -L openrc-run /etc/init.d/* | xargs rm -f; mkdir /run/openrc; touch /run/openrc/softlevel'
}

@test "OpenRC: enabled, it starts with the machine; status, reload, restart, stop; a wrong natter.cfg ends nothing" {
    machine_up
    unpack_openrc
    machine_make install INIT=openrc
    machine_in rc-update add natterd default
    machine_in openrc default
    machine_in rc-service natterd status
    [[ $(machine_runs) == "$(machine_pid)" ]]
    old=$(machine_pid)
    machine_configure web 192.168.77.3:80
    machine_in rc-service natterd reload
    lab_wait 5 natter_ctl show web
    [[ $(machine_pid) == "$old" ]]
    machine_in rc-service natterd restart
    [[ $(machine_pid) != "$old" ]]
    old=$(machine_pid)
    machine_ruin
    for action in restart reload checkconfig; do
        run -1 machine_in rc-service natterd "$action"
        [[ $output == *"natter.cfg:"*keep_alive_intervall* && $(machine_pid) == "$old" ]]
    done
    machine_in rc-service natterd stop
    run ! machine_runs
    run -1 machine_in rc-service natterd start
    [[ $output == *"natter.cfg:"*keep_alive_intervall* ]]
    echo 'pid_file = "/run/elsewhere.pid";' | machine_in tee /etc/natter.cfg
    machine_in rc-service natterd start
    echo 'pid_file = "/run/another.pid";' | machine_in tee /etc/natter.cfg
    machine_in rc-service natterd restart
    [[ $(machine_runs) == "$(machine_pid /run/another.pid)" ]]
    machine_in rc-service natterd stop
    run ! machine_runs
}

# In the place of OpenWrt's: it notes what procd would be asked to do.
rc_common() {
    machine_in tee /etc/rc.common <<'END' >/dev/null
#!/bin/sh
restart() { stop; start; }
for name in open_instance set_param close_instance; do
    eval "procd_$name() { echo \"$name \$*\" >>/tmp/procd; }"
done
start() { start_service "$@"; }
stop() { echo stop >>/tmp/procd; }
reload() { reload_service "$@"; }
script=$1
shift
. "$script"
"$@"
END
    machine_in chmod +x /etc/rc.common
}

@test "procd: it is to keep natterd running in the foreground; reload is natterctl's; a wrong natter.cfg ends nothing" {
    machine_up
    rc_common
    machine_make install
    printf '#!/bin/sh\necho natterctl "$@"\n' | machine_in tee /usr/local/sbin/natterctl
    machine_in /etc/init.d/natterd start
    run -0 machine_in cat /tmp/procd
    [[ $output == "open_instance "*"set_param command /usr/local/sbin/natterd -f"*"set_param respawn"*close_instance* ]]
    run -0 machine_in /etc/init.d/natterd reload
    [[ $output == "natterctl reload" ]]
    machine_in rm /tmp/procd
    machine_in /etc/init.d/natterd restart
    [[ $(machine_in cat /tmp/procd) == "stop"*open_instance* ]]
    machine_in rm /tmp/procd
    machine_ruin
    run -1 machine_in /etc/init.d/natterd restart
    [[ $output == *"natter.cfg:"*keep_alive_intervall* ]]
    run -1 machine_in /etc/init.d/natterd start
    run ! machine_in test -e /tmp/procd
}

systemd_machine() {
    natter_need_usual_build
    [[ -x /lib/systemd/systemd || ${NATTER_TEST_STRICT:-0} == 1 ]] ||
        skip "no systemd: tests/packages.sh test installs it"
    lab_up fullcone
    lab_servers
    MACHINE_INIT=systemd machine_up "$LAB_HOST"
    machine_make install INIT=systemd
}

active() {
    machine_in systemctl is-active natterd
}

# usual_confinement: what confines a worker of a natterd that nobody has restricted.
usual_confinement() {
    natter_config <<END
$(natter_lab_servers)
status_report = { status_file = "status.json"; };
mappings = ( { name = "usual"; protocol = "udp"; bind = "8099"; } );
END
    lab_spawn "$LAB_HOST" natterd "$NATTER_BUILD/natterd" -f -c "$LAB_DIR/natter.cfg"
    lab_wait 5 jq -e '.mappings[0].state == "open"' "$LAB_DIR/status.json"
    jq -r '.mappings[0].confinement' "$LAB_DIR/status.json"
    natter_stop
}

@test "systemd: enabled and started it opens a mapping under all restrictions, reloads, and comes back when killed" {
    systemd_machine
    machine_in systemd-analyze verify natterd.service
    machine_in systemd-analyze security --no-pager --offline=true --threshold=40 natterd.service >/dev/null
    machine_configure web 192.168.77.3:80
    lab_web "$LAB_LAN" 192.168.77.3:80 "inside page"
    machine_in tee -a /etc/natter.cfg <<'END'
status_report = { hook = "logger -t hook {name} $(id -u) $(touch /var/tmp/ran && echo wrote) $(touch /etc/x || echo refused)";
                  status_file = "/run/natter/status.json"; };
END
    machine_in systemctl enable --now natterd
    [[ $(natter_fetch "$(natter_open web)") == "inside page" ]]
    [[ $(machine_in ps -o user= -p "$(natter_field web pid)") == natter ]]
    [[ $(natter_field web confinement) == "$(usual_confinement)" ]]
    lab_wait 5 status_says "1 of 1 mapping open"
    lab_wait 5 journal_says "web 0 wrote refused"
    run -0 machine_in journalctl --no-pager -o cat -u natterd -p info
    [[ $output == *$'\n'"web: open at "* ]]
    run -0 machine_in journalctl --no-pager -o cat -u natterd -p warning
    [[ $output != *"web: open at"* ]]
    old=$(machine_pid)
    machine_configure web 192.168.77.3:80 other 192.168.77.3:80
    machine_in systemctl reload natterd
    natter_open other
    lab_wait 5 status_says "2 of 2 mappings open"
    machine_ruin
    run ! machine_in systemctl reload natterd
    lab_wait 5 journal_says keep_alive_intervall
    [[ $(machine_pid) == "$old" && $(natter_field web state) == open ]]
    machine_configure web 192.168.77.3:80
    echo 'status_report = { status_file = "/run/natter/status.json"; };' | machine_in tee -a /etc/natter.cfg
    machine_in systemctl reload natterd
    machine_in kill -9 "$old"
    another() {
        active && [[ $(machine_pid) != "$old" ]]
    }
    lab_wait 20 another
    natter_open web
    machine_in systemctl stop natterd
    run ! machine_runs
    [[ $(machine_in jq -r '.mappings[0].state' /run/natter/status.json) == stopped ]]
}

status_says() {
    [[ $(machine_in systemctl show -P StatusText natterd) == "$1" ]]
}

journal_says() {
    [[ $(machine_in journalctl --no-pager) == *"$1"* ]]
}

@test "systemd: a start that fails says why; a port below 1024 and one that another program has can be opened" {
    systemd_machine
    machine_ruin
    run ! machine_in systemctl start natterd
    lab_wait 5 journal_says keep_alive_intervall
    lab_web "$LAB_HOST" 192.168.77.2:8082 "owner's page"
    {
        natter_lab_servers
        echo 'mappings = ( { name = "low"; protocol = "tcp"; bind = "81"; target = "192.168.77.3:80"; },'
        echo '             { name = "owned"; protocol = "tcp"; bind = "192.168.77.2:8082"; } );'
    } | machine_in tee /etc/natter.cfg
    echo 'control_socket = "/run/natter/other.sock";' | machine_in tee -a /etc/natter.cfg
    echo 'CTL_ARGS="-s /run/natter/other.sock"' | machine_in tee /etc/default/natterd
    machine_in systemctl start natterd
    machine_in systemctl reload natterd
    # A unit that is installed again is known as it is now.
    machine_make install INIT=systemd
    [[ $(machine_in systemctl show -P NeedDaemonReload natterd) == no ]]
    machine_in ln -s other.sock /run/natter/natter.sock
    natter_open low
    [[ $(natter_fetch "$(natter_open owned)") == "owner's page" ]]
}

# --- logrotate ---

@test "logrotate takes the log away, and natterd goes on in a new one" {
    machine_up
    machine_make install
    echo 'logging = { level = "debug"; log_file = "/var/log/natter.log"; };' | machine_in tee /etc/natter.cfg
    machine_in service natterd start
    lab_wait 5 machine_in grep -q "serves 0 mappings" /var/log/natter.log
    machine_in logrotate --force /etc/logrotate.d/natter
    machine_in grep -q "serves 0 mappings" /var/log/natter.log.1
    lab_wait 5 machine_in test -e /var/log/natter.log
    machine_in service natterd stop
    machine_in grep -q "natterd: ended" /var/log/natter.log
    run ! machine_in grep -q "natterd: ended" /var/log/natter.log.1
}
