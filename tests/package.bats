#!/usr/bin/env bats
# SPDX-License-Identifier: ISC
#
# The Debian package: built by make deb, installed, upgraded and purged on throw-away machines.

# shellcheck source-path=SCRIPTDIR source=helper.bash
source "$BATS_TEST_DIRNAME/helper.bash"
# shellcheck source-path=SCRIPTDIR source=machine.bash
source "$BATS_TEST_DIRNAME/machine.bash"
bats_require_minimum_version 1.5.0

# The package is built with Debian's own flags, whatever NATTER_BUILD is: once is enough. That and lintian only need the
# processors, which the tests beside this have first.
setup() {
    natter_need_usual_build
    machine_need
    type -P dpkg-buildpackage dh >/dev/null || [[ ${NATTER_TEST_STRICT:-0} == 1 ]] ||
        skip "nothing to build a package with: tests/packages.sh deb installs it"
    folder=$BATS_FILE_TMPDIR/deb
    compgen -G "$folder/*.deb" || (cd "$MACHINE_SOURCE" && nice supervisor/debian/build.sh "$folder")
    package=$(compgen -G "$folder/natter_*.deb")
}

teardown() {
    machine_teardown
}

# older PACKAGE: makes of it one of an earlier version, which does not know this version's page of natterctl.
older() {
    dpkg-deb -R "$package" "$BATS_TEST_TMPDIR/older"
    sed -i 's/^Version: .*/Version: 0.9.9/' "$BATS_TEST_TMPDIR/older/DEBIAN/control"
    rm "$BATS_TEST_TMPDIR/older/usr/share/man/man8/natterctl.8.gz"
    dpkg-deb --root-owner-group -b "$BATS_TEST_TMPDIR/older" "$1"
}

# install_package FILE: as dpkg -i, which says nothing and never asks.
install_package() {
    machine_in tee /tmp/natter.deb <"$1" >/dev/null
    machine_in env DEBIAN_FRONTEND=noninteractive dpkg -i /tmp/natter.deb
}

@test "package: its version is the Makefile's, and lintian finds nothing" {
    [[ $(dpkg-deb -f "$package" Version) == "$(sed -n 's/^VERSION = //p' "$MACHINE_SOURCE/Makefile")" ]]
    type -P lintian || [[ ${NATTER_TEST_STRICT:-0} == 1 ]] || skip "no lintian: tests/packages.sh ci installs it"
    run -0 nice lintian --allow-root --fail-on error,warning "$folder"/*.changes
    [[ ! $output ]] || { echo "$output" && return 1; }
    # These it keeps to itself, unless it is asked.
    run -0 nice lintian --allow-root --tags hardening-no-bindnow,hardening-no-fortify-functions "$folder"/*.changes
    [[ ! $output ]] || { echo "$output" && return 1; }
}

@test "package: installed it serves nothing and says so; configured it opens a mapping, through an upgrade too; purged it leaves nothing" {
    lab_up fullcone
    lab_servers
    lab_web "$LAB_LAN" 192.168.77.3:80 "inside page"
    older "$BATS_TEST_TMPDIR/older.deb"
    machine_up "$LAB_HOST"
    machine_files >"$BATS_TEST_TMPDIR/before"
    machine_in cp /etc/passwd /etc/group /tmp
    install_package "$BATS_TEST_TMPDIR/older.deb"
    machine_in service natterd status
    machine_in natterctl list
    [[ ! $(machine_in pgrep natter-worker) ]]
    [[ $(machine_in stat -c '%a %U' /etc/natter.cfg) == "640 root" ]]

    machine_configure web 192.168.77.3:80
    machine_in service natterd restart
    outer=$(natter_open web)
    [[ $(machine_in ps -o user= -p "$(natter_field web pid)") == natter ]]
    old=$(machine_pid)
    install_package "$package"
    [[ $(machine_pid) != "$old" ]]
    [[ $(natter_open web) == "$outer" ]]
    [[ $(natter_fetch "$outer") == "inside page" ]]
    machine_in test -e /usr/share/man/man8/natterctl.8.gz
    [[ $(machine_in man -L zh_CN natterctl) == *$'\n描述\n'* ]]

    machine_in dpkg -r natter
    run ! machine_runs
    machine_in grep -q 192.168.77.3 /etc/natter.cfg
    # The init script stays until the purge, and does nothing.
    machine_in sh /etc/init.d/natterd start
    run ! machine_runs
    machine_in sh -c 'echo old >/var/log/natter.log; cp /var/log/natter.log /var/log/natter.log.1'
    machine_in dpkg -P natter
    machine_files | diff "$BATS_TEST_TMPDIR/before" -
    run ! machine_in test -e /var/log/natter.log
    machine_in cmp /etc/passwd /tmp/passwd
    machine_in cmp /etc/group /tmp/group
}

@test "package: an upgrade with a wrong natter.cfg says so, ends well, and leaves natterd running" {
    older "$BATS_TEST_TMPDIR/older.deb"
    machine_up
    install_package "$BATS_TEST_TMPDIR/older.deb"
    old=$(machine_pid)
    machine_ruin
    run -0 install_package "$package"
    [[ $output == *"natter.cfg:"*keep_alive_intervall* && $(machine_runs) == "$old" ]]
    [[ $(machine_in dpkg -l natter) == *"ii  natter "*1.0.0* ]]
}

@test "package: under systemd it is enabled and started, started again by an upgrade, and gone after a purge" {
    older "$BATS_TEST_TMPDIR/older.deb"
    MACHINE_INIT=systemd machine_up
    machine_files >"$BATS_TEST_TMPDIR/before"
    install_package "$BATS_TEST_TMPDIR/older.deb"
    machine_in systemctl is-enabled natterd
    machine_in systemctl is-active natterd
    [[ $(machine_in systemctl show -P FragmentPath natterd) == /lib/systemd/system/natterd.service ]]
    old=$(machine_pid)
    install_package "$package"
    machine_in systemctl is-active natterd
    [[ $(machine_runs) != "$old" ]]
    machine_in dpkg -P natter
    run ! machine_runs
    machine_files | diff "$BATS_TEST_TMPDIR/before" -
}
