#!/bin/sh
# SPDX-License-Identifier: ISC
#
# install.sh install|uninstall: the work of `make install` and `make uninstall`, which pass the directories on in the
# environment. What install puts there it writes down in LIBEXECDIR/installed, a line each; uninstall removes exactly
# that. natter.cfg is the operator's: it is neither overwritten nor removed.
set -eu
umask 022

record=$DESTDIR$LIBEXECDIR/installed

note() {
    grep -qxF "$1" "$noted" || echo "$1" >>"$noted"
}

# directory PATH: makes it, with those above it that are missing.
directory() {
    [ ! -d "$DESTDIR$1" ] || return 0
    [ "${1%/*}" = "" ] || directory "${1%/*}"
    mkdir "$DESTDIR$1"
    note "directory $1"
}

# file MODE SOURCE TARGET
file() {
    directory "${3%/*}"
    install -m "$1" "$2" "$DESTDIR$3"
    note "file $3"
}

# translate FILE: with the directories of this installation in place of the usual ones, to $changed.
translate() {
    sed -e "s,/usr/local/libexec/natter,$LIBEXECDIR,g" -e "s,/usr/local/sbin,$SBINDIR,g" \
        -e "s,/run/natter/,$RUNDIR/,g" -e "s,/var/lib/natter,$STATEDIR,g" \
        -e "s,/etc/\(natter\|default/\|conf\.d/\),$SYSCONFDIR/\1,g" "$1" >"$changed"
}

# text MODE SOURCE TARGET: file, translated.
text() {
    translate "$2"
    file "$1" "$changed" "$3"
}

# Programs, and what they share.
install_hooks() {
    for hook in supervisor/hooks/*; do
        mode=644
        [ ! -x "$hook" ] || mode=755
        text "$mode" "$hook" "$LIBEXECDIR/hooks/${hook##*/}"
    done
}

# What this machine starts services with, unless INIT says so. Beside systemd there may be one of the others.
init_systems() {
    if [ "$INIT" != auto ]; then
        [ "$INIT" = none ] || echo "$INIT"
        return
    fi
    [ ! -d /lib/systemd/system ] || echo systemd
    if [ -e /etc/rc.common ]; then
        echo procd
    elif [ -d /run/openrc ] || { [ -x /sbin/openrc-run ] && [ ! -e /lib/lsb/init-functions ]; }; then
        echo openrc
    elif [ -e /lib/lsb/init-functions ]; then
        echo lsb
    fi
}

check_init() {
    case $1 in
    systemd | lsb | openrc | procd) return ;;
    esac
    echo "INIT: \"$1\" is no init system; choose among lsb, openrc, procd and systemd, or none, or auto" >&2
    exit 2
}

install_init() {
    case $1 in
    systemd) text 644 supervisor/init/natterd.service "$UNITDIR/natterd.service" ;;
    *) text 755 "supervisor/init/natterd.$1" "$SYSCONFDIR/init.d/natterd" ;;
    esac
}

install_pages() {
    for page in man/*.[58] man/*/*.[58]; do
        [ -f "$page" ] || continue
        language=${page#man/}
        language=${language%"${page##*/}"}
        text 644 "$page" "$MANDIR/${language}man${page##*.}/${page##*/}"
    done
}

# The account that workers run as. A package makes its own.
make_account() {
    { [ -z "$DESTDIR" ] && [ "$(id -u)" -eq 0 ] && ! id natter; } >/dev/null 2>&1 || return 0
    if command -v useradd >/dev/null; then
        useradd --system --user-group --no-create-home --home-dir /nonexistent --shell /usr/sbin/nologin natter
    elif command -v adduser >/dev/null; then
        adduser -S -D -H -h /nonexistent -s /bin/false natter
    else
        echo "There is no program that makes the account natter; workers will run as nobody." >&2
        return 0
    fi
    note "account natter"
}

install_configuration() {
    directory "$SYSCONFDIR"
    if [ -e "$DESTDIR$SYSCONFDIR/natter.cfg" ]; then
        echo "$SYSCONFDIR/natter.cfg stays as it is; $DOCDIR/examples/natter.cfg is this version's example"
    else
        translate natter.cfg
        install -m 640 "$changed" "$DESTDIR$SYSCONFDIR/natter.cfg"
    fi
}

# Also after a failure: what is there by then can be taken away.
keep_record() {
    [ ! -d "$DESTDIR$LIBEXECDIR" ] || install -m 644 "$noted" "$record"
    rm -f "$noted" "$changed"
}

# systemd finds units, and where there may be some, when it is told to look.
tell_systemd() {
    { [ -z "$DESTDIR" ] && [ "$(id -u)" -eq 0 ] && [ -d /run/systemd/system ]; } || return 0
    systemctl daemon-reload || :
}

# start_command SYSTEM...: of the one that runs here, if there are two; a user has none.
start_command() {
    [ "$(id -u)" -eq 0 ] || set -- none
    case $* in
    *systemd*) [ ! -d /run/systemd/system ] || { echo "systemctl start natterd" && return; } ;;
    esac
    case $* in
    *lsb* | *openrc* | *procd*) echo "$SYSCONFDIR/init.d/natterd start" ;;
    *) echo "$SBINDIR/natterd" ;;
    esac
}

tell_next() {
    [ -z "$DESTDIR" ] || return 0
    echo "natter is installed, and nothing is started. Edit $SYSCONFDIR/natter.cfg, have it checked, and start:"
    echo "    $SBINDIR/natterd -n"
    echo "    $(start_command "$@")"
}

install_all() {
    systems=$(init_systems)
    for system in $systems; do
        check_init "$system"
    done
    noted=$(mktemp) changed=$(mktemp)
    trap keep_record EXIT
    [ ! -e "$record" ] || cat "$record" >"$noted"
    mkdir -p "$DESTDIR/"
    directory "$LIBEXECDIR"
    note "file $LIBEXECDIR/installed"
    file 755 "$B/natterd" "$SBINDIR/natterd"
    file 755 "$B/natterctl" "$SBINDIR/natterctl"
    file 755 "$B/natter-worker" "$LIBEXECDIR/natter-worker"
    install_hooks
    install_pages
    file 644 supervisor/completion/natterctl.bash "$BASHDIR/natterctl"
    # bash looks for the name of the command that it completes.
    ln -sf natterctl "$DESTDIR$BASHDIR/natterd"
    note "file $BASHDIR/natterd"
    file 644 supervisor/completion/_natterctl "$ZSHDIR/_natterctl"
    text 644 README.md "$DOCDIR/README.md"
    text 644 natter.cfg "$DOCDIR/examples/natter.cfg"
    text 644 supervisor/init/logrotate "$SYSCONFDIR/logrotate.d/natter"
    for system in $systems; do
        install_init "$system"
    done
    install_configuration
    make_account
    tell_systemd
    tell_next "$systems"
}

remove() {
    case $1 in
    file) rm -f "$DESTDIR$2" ;;
    directory) rmdir "$DESTDIR$2" 2>/dev/null || : ;; # others use it, too
    account) { [ -n "$DESTDIR" ] || userdel "$2" || deluser "$2"; } 2>/dev/null || echo "the account $2 stays" ;;
    esac
}

# Backwards: what is in a directory was noted after it.
uninstall_all() {
    if [ ! -e "$record" ]; then
        echo "There is no $record: make install was not done with these directories" >&2
        exit 1
    fi
    sed '1!G;h;$!d' "$record" | while read -r what path; do
        remove "$what" "$path"
    done
    tell_systemd
    [ ! -d "$DESTDIR$RUNDIR" ] || rmdir "$DESTDIR$RUNDIR" 2>/dev/null || :
    for kept in "$SYSCONFDIR/natter.cfg" "$STATEDIR"; do
        [ ! -e "$DESTDIR$kept" ] || echo "$kept stays"
    done
}

case $1 in
install) install_all ;;
uninstall) uninstall_all ;;
esac
