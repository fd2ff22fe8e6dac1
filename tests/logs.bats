#!/usr/bin/env bats
# SPDX-License-Identifier: ISC
#
# natterd's log: whose each line is, what a repeated line becomes, and a file that is moved away.

# shellcheck source-path=SCRIPTDIR source=helper.bash
source "$BATS_TEST_DIRNAME/helper.bash"
bats_require_minimum_version 1.5.0

# In the background, with a log file beside natter.cfg.
start_daemon() {
    sed -i 's|^logging.*|logging = { level = "info"; log_file = "natter.log"; };|' "$LAB_DIR/natter.cfg"
    natter_start_daemon
    pid=$(<"$LAB_DIR/natterd.pid-file")
}

end_daemon() {
    kill "$pid"
    lab_wait 3 lab_gone "$pid"
}

kill_worker() {
    local old
    old=$(natter_field "$1" pid)
    kill -9 "$old"
    lab_wait 5 worker_changed "$1" "$old"
    natter_open "$1"
}

worker_changed() {
    [[ $(natter_field "$1" pid) != "$2" && $(natter_field "$1" pid) != 0 ]]
}

@test "what is well from the start logs no warning" {
    natter_config <<END
$(natter_lab_servers)
mappings = ( { name = "web"; protocol = "tcp"; bind = "0.0.0.0:8081"; }, { name = "game"; protocol = "udp"; bind = "0.0.0.0:8082"; },
    { name = "served"; protocol = "tcp"; bind = "0.0.0.0:8083"; target = "192.168.77.3:80"; } );
END
    natter_start
    natter_open web
    natter_open game
    natter_open served
    run -1 grep -E "warning|error" "$LAB_DIR/natterd.log"
}

@test "every line begins with a time, a level and its subject" {
    natter_config <<END
$(natter_lab_servers)
status_report = { status_file = "status.json"; hook = "echo a line; echo another >&2; exit 1"; };
mappings = ( { name = "web"; protocol = "tcp"; bind = "8081"; target = "192.168.77.3:80"; },
             { name = "a:b"; protocol = "udp"; bind = "8082"; target = "192.168.77.3:9"; } );
END
    natter_start
    natter_fetch "$(natter_open web)" || : # its target refuses
    natter_open a:b
    kill_worker web
    natter_ctl refresh
    natter_ctl check-nat || :
    kill -USR1 "$(natter_pid)"
    lab_wait 5 grep -q " info: web: hook: another$" "$LAB_DIR/natterd.log"
    lab_wait 2 grep -q " debug: natterd: there is no log file" "$LAB_DIR/natterd.log"
    natter_stop
    ! grep -vE "^[0-9]{4}(-[0-9]{2}){2} ([0-9]{2}:){2}[0-9]{2} (error|warning|info|debug): (natterd|web|a:b|check-(udp|tcp)): " \
        "$LAB_DIR/natterd.log" || false
}

@test "a repeated line is counted, at the latest when natterd ends" {
    natter_config <<END
$(natter_lab_servers)
mappings = ( { name = "web"; protocol = "tcp"; bind = "8081"; target = "192.168.77.3:80";
               hook = "for i in 1 2 3 4 5 6; do echo the same; done; touch $LAB_DIR/hook.ran"; } );
END
    start_daemon
    natter_open web
    lab_wait 5 test -e "$LAB_DIR/hook.ran"
    end_daemon
    (($(grep -c "info: web: hook: the same$" "$LAB_DIR/natter.log") == 1))
    (($(grep -c "info: web: last message repeated 5 times$" "$LAB_DIR/natter.log") == 1))
}

@test "SIGUSR1 opens the log file again, or says why not and goes on with the old one" {
    natter_config < <(natter_lab_servers)
    start_daemon
    mv "$LAB_DIR/natter.log" "$LAB_DIR/natter.log.1"
    kill -USR1 "$pid"
    lab_wait 2 grep -q "info: natterd: the log file was opened again" "$LAB_DIR/natter.log"
    [[ $(stat -c %a "$LAB_DIR/natter.log") == 640 ]]
    # The old one was closed.
    [[ $(find "/proc/$pid/fd" -lname "*/${LAB_DIR##*/}/natter.log*" | wc -l) == 1 ]]
    mv "$LAB_DIR/natter.log" "$LAB_DIR/natter.log.2"
    ln -s /etc/passwd "$LAB_DIR/natter.log"
    kill -USR1 "$pid"
    lab_wait 2 grep -q "error: natterd: cannot open the log file .*: it is a symbolic link, .*; lines go to the old one" \
        "$LAB_DIR/natter.log.2"
    rm "$LAB_DIR/natter.log"
    mkfifo "$LAB_DIR/natter.log"
    kill -USR1 "$pid"
    # The pipe does not stay for the teardown, which reads all logs.
    lab_wait 2 grep -q "error: natterd: cannot open the log file .*: No such device or address; lines go to the old one" \
        "$LAB_DIR/natter.log.2" || { rm "$LAB_DIR/natter.log" && false; }
    rm "$LAB_DIR/natter.log"
    natter_ctl version
    kill -USR1 "$pid"
    lab_wait 2 grep -q "info: natterd: the log file was opened again" "$LAB_DIR/natter.log"
    end_daemon
    grep -q "natterd: ended" "$LAB_DIR/natter.log"
}
