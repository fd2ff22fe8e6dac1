# SPDX-License-Identifier: ISC
# shellcheck shell=bash
#
# A throw-away machine: this one's files, copied where they are written to, in a memory of its own, with processes,
# mounts and a network of its own. What is installed, started or broken there is gone with it, and the machine
# that the tests run on notices nothing. Source helper.bash first; machine_down belongs into the teardown.

MACHINE_SOURCE=$(cd "$TESTS/.." && pwd)

# machine_obstacle: prints why there can be no such machine here; nothing if there can.
machine_obstacle() {
    lab_obstacle
    unshare --mount --propagation private bash -c 'mount -t tmpfs tmpfs /mnt && mkdir /mnt/{up,work,root} &&
        mount -t overlay -o lowerdir=/,upperdir=/mnt/up,workdir=/mnt/work overlay /mnt/root' 2>/dev/null ||
        echo "root may not mount an overlay here"
}

machine_need() {
    local obstacle
    obstacle=$(machine_obstacle)
    [[ $obstacle ]] || return 0
    [[ ${NATTER_TEST_STRICT:-0} == 1 ]] || skip "no throw-away machine: $obstacle"
    echo "no throw-away machine: $obstacle" >&2
    return 1
}

# machine_up [NAMESPACE]: with the network of the namespace, or with none, not even loopback. With MACHINE_INIT=systemd
# systemd is its first process and reaches the target multi-user, with its journal and no service that is not enabled
# later. Otherwise nothing runs there.
machine_up() {
    local network=(unshare --net) folders=("$MACHINE_SOURCE")
    (($# == 0)) || network=(ip netns exec "$1")
    [[ $NATTER_BUILD/ == "$MACHINE_SOURCE"/* ]] || folders+=("$NATTER_BUILD")
    MACHINE_DIR=$(mktemp -d)
    setsid "${network[@]}" unshare --mount --pid --uts --ipc --cgroup --fork --propagation private \
        bash "$TESTS/machine.bash" "${MACHINE_INIT:-nothing}" "$MACHINE_DIR" "${folders[@]}" \
        >"$MACHINE_DIR/log" 2>&1 3>&- 4>&- &
    MACHINE_PARENT=$!
    lab_wait 10 machine__is_up || { cat "$MACHINE_DIR/log" >&2 && return 1; }
}

machine__is_up() {
    MACHINE=$(pgrep -P "$MACHINE_PARENT") || return
    case ${MACHINE_INIT:-nothing} in
    nothing) machine_in test -e /run/machine-is-up ;;
    systemd) machine_in systemctl is-active multi-user.target ;;
    esac
}

# With its first process ends every other one.
machine_down() {
    [[ ${MACHINE_DIR:-} ]] || return 0
    [[ ! ${MACHINE:-} ]] || kill -KILL "$MACHINE"
    lab_wait 5 lab_gone "$MACHINE_PARENT"
    rm -rf "$MACHINE_DIR"
    unset MACHINE_DIR MACHINE
}

# machine_in COMMAND...: as root's login there would.
machine_in() {
    nsenter --target "$MACHINE" --mount --pid --uts --ipc --net --root env -i -C / HOME=/root TERM=dumb LC_ALL=C.UTF-8 \
        PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin "$@" 3>&- 4>&-
}

# machine_make TARGET [VARIABLE=VALUE...]: in the source tree there, with what is built in NATTER_BUILD already.
machine_make() {
    machine_in make -s -C "$MACHINE_SOURCE" -o all B="$NATTER_BUILD" "$@"
}

# machine_teardown: for teardown, with the lab that may have been made.
machine_teardown() {
    local result=0
    machine_down || result=1
    natter_down || result=1
    return "$result"
}

# The files where something may be installed, or left, but what is none of natter's: packages' and accounts' own, and
# what other tests put on this machine meanwhile.
machine_files() {
    machine_in find /etc /lib/systemd/system /opt /run /usr/libexec /usr/local /usr/sbin \
        /usr/share/{bash-completion,doc,man,zsh} /var -xdev -maxdepth 5 \
        -not -path '/etc/*-' -not -path /etc/.pwd.lock -not -path '/etc/netns*' -not -path '/run/systemd/*' \
        -not -path /run/adduser -not -path '/var/lib/dpkg/*' -not -path '/var/cache/*' -not -path '/var/log/*log' | sort
}

# --- natterd as the machine's service ---

# machine_configure NAME TARGET...: its natter.cfg has these mappings and the lab's servers.
machine_configure() {
    {
        natter_lab_servers
        echo 'mappings = ('
        while (($#)); do
            echo "{ name = \"$1\"; protocol = \"tcp\"; target = \"$2\"; }"
            shift 2
            (($# == 0)) || echo ,
        done
        echo ');'
    } | machine_in tee /etc/natter.cfg >/dev/null
}

# machine_ruin: its natter.cfg has a mistake from now on.
machine_ruin() {
    echo 'keep_alive_intervall = 5;' | machine_in tee -a /etc/natter.cfg >/dev/null
}

# machine_pid [PIDFILE]
machine_pid() {
    machine_in cat "${1:-/run/natter/natterd.pid}"
}

# machine_runs: does natterd run there? Prints its pid.
machine_runs() {
    machine_in pgrep -x natterd
}

# In the place of helper.bash's: the machine's natterctl.
natter_ctl() {
    machine_in natterctl "$@"
}

# --- How it is made ---

# machine__mount DIRECTORY ROOT: what is written to DIRECTORY goes no further than to the copy at ROOT.
machine__mount() {
    local name=${1//\//_}
    mkdir -p "up$name" "work$name" "$2"
    mount -t overlay -o "lowerdir=$1,upperdir=up$name,workdir=work$name" overlay "$2"
}

# No device of this machine but those that are nothing, and no log.
machine__devices() {
    local device
    mount -t tmpfs -o mode=755 tmpfs "$1/dev"
    mkdir "$1/dev/pts" "$1/dev/shm"
    for device in null zero full random urandom tty; do
        touch "$1/dev/$device"
        mount --bind "/dev/$device" "$1/dev/$device"
    done
    mount -t devpts -o newinstance,ptmxmode=666 devpts "$1/dev/pts"
    ln -s pts/ptmx "$1/dev/ptmx"
    ln -s /proc/self/fd "$1/dev/fd"
}

# Without the units that this machine starts.
machine__start_systemd() {
    rm -rf etc/rc?.d/* etc/systemd/system/*.{wants,requires} {usr/,}lib/systemd/system/*.{wants,requires}
    printf '[Unit]\nWants=systemd-journald.service\n' >etc/systemd/system/multi-user.target
    ln -sf multi-user.target etc/systemd/system/default.target
    mount -t cgroup2 cgroup2 sys/fs/cgroup
    exec chroot . sh -c 'umount -l /mnt; exec env -i container=tests /lib/systemd/systemd --log-target=journal'
}

# A first process that reaps orphans, as an init does, and otherwise sits there, in what it calls runlevel 2.
machine__start_nothing() {
    rm -f sbin/runlevel
    printf '#!/bin/sh\necho N 2\n' >sbin/runlevel
    chmod +x sbin/runlevel
    exec chroot . bash -c 'umount -l /mnt; mkfifo /run/nothing; exec <>/run/nothing
        : >/run/machine-is-up; while :; do read -r; done'
}

# machine__boot INIT DIRECTORY FOLDER...: becomes the machine's first process, with the machine's files in memory.
machine__boot() {
    local init=$1 root=$2/root folder
    mount -t tmpfs tmpfs "$2"
    cd "$2"
    machine__mount / "$root"
    machine__devices "$root"
    mount -t proc proc "$root/proc"
    mount -t sysfs sysfs "$root/sys"
    mount -t tmpfs -o mode=755 tmpfs "$root/run"
    mount -t tmpfs -o mode=1777 tmpfs "$root/tmp"
    for folder in "${@:3}"; do
        machine__mount "$folder" "$root$folder"
    done
    # Services may start: this is a machine of its own, whatever is said of the other, and if that has no init.
    rm -f "$root/usr/sbin/policy-rc.d"
    printf '#!/bin/sh\nexit 0\n' >"$root/usr/sbin/policy-rc.d"
    chmod +x "$root/usr/sbin/policy-rc.d"
    # No index of all manual pages for each package.
    rm -f "$root/var/lib/man-db/auto-update"
    hostname machine
    cd "$root"
    pivot_root . mnt
    "machine__start_$init"
}

if [[ ${BASH_SOURCE[0]} == "$0" ]]; then
    set -euo pipefail
    shopt -s nullglob
    machine__boot "$@"
fi
