#!/usr/bin/env bats
# SPDX-License-Identifier: ISC
#
# natterd as a service: the start in the background, the pid file, errors and their exit statuses, natterctl
# without a daemon, a hook that misbehaves.

# shellcheck source-path=SCRIPTDIR source=helper.bash
source "$BATS_TEST_DIRNAME/helper.bash"
bats_require_minimum_version 1.5.0

config_web() {
    natter_config <<END
$(natter_lab_servers)
mappings = ( { name = "web"; protocol = "tcp"; bind = "0.0.0.0:8081"; target = "192.168.77.3:80"; } );
$(cat)
END
}

none_running() {
    [[ ! $(ip netns pids "$LAB_HOST") ]]
}

# As an init script would: in the background, with a log file.
start_daemon() {
    sed -i 's|^logging.*|logging = { level = "info"; log_file = "natter.log"; };|' "$LAB_DIR/natter.cfg"
    natter_start_daemon
}

@test "started as a daemon it returns when the service is up, with its pid file, its log and no terminal" {
    config_web </dev/null
    start_daemon
    natter_ctl version
    pid=$(<"$LAB_DIR/natterd.pid-file")
    # Character device 1, 3 is /dev/null.
    [[ $(stat -Lc %t:%T "/proc/$pid/fd/0" "/proc/$pid/fd/1" "/proc/$pid/fd/2" | sort -u) == 1:3 ]]
    [[ $(ps -o ppid= -p "$pid") -eq 1 || $(ps -o sid= -p "$pid") -ne $(ps -o sid= -p $$) ]]
    natter_open web
    lab_wait 2 grep -q "info: web: open at" "$LAB_DIR/natter.log"
    kill "$pid"
    lab_wait 1 lab_gone "$pid"
    [[ ! -e $LAB_DIR/natterd.pid-file ]]
}

@test "started without standard descriptors it takes nothing else for them" {
    config_web </dev/null
    for option in -f ""; do
        lab_spawn "$LAB_HOST" natterd sh -c "exec '$NATTER_BUILD/natterd' $option -c '$LAB_DIR/natter.cfg' <&- >&- 2>&-"
        natter_open web
        pid=$(<"$LAB_DIR/natterd.pid-file")
        [[ $(stat -Lc %t:%T "/proc/$pid/fd/0" "/proc/$pid/fd/1" "/proc/$pid/fd/2" | sort -u) == 1:3 ]]
        kill "$pid"
        lab_wait 2 lab_gone "$pid"
    done
}

@test "signals that mean other things elsewhere do not end a daemon" {
    config_web </dev/null
    start_daemon
    pid=$(<"$LAB_DIR/natterd.pid-file")
    natter_open web
    kill -HUP "$pid"
    kill -USR1 "$pid"
    kill -USR2 "$pid"
    lab_wait 2 grep -q "read $LAB_DIR/natter.cfg again: 1 mapping kept" "$LAB_DIR/natter.log"
    natter_is web state open
}

@test "a second natterd on the same pid file is refused, and the first one goes on" {
    config_web </dev/null
    start_daemon
    run start_daemon
    [[ $status == 1 && $output == *"already running as process $(<"$LAB_DIR/natterd.pid-file")"* ]]
    natter_open web
}

@test "what keeps a daemon from starting is said on the terminal, with exit status 1" {
    config_web </dev/null
    sed -i 's|^control_socket.*|control_socket = "/nonexistent/dir/natter.sock";|' "$LAB_DIR/natter.cfg"
    run start_daemon
    [[ $status == 1 && $output == *"/nonexistent/dir/natter.sock"*"No such file"* ]]
    [[ ! -e $LAB_DIR/natterd.pid-file ]]
    lab_wait 1 none_running
}

@test "a wrong natter.cfg is refused whole, with file and line, and nothing starts" {
    config_web <<<'keep_alive_intervall = 5;'
    run start_daemon
    [[ $status == 1 ]]
    [[ $output == *"natter.cfg:"*"keep_alive_intervall"*"keep_alive_interval"* ]]
    [[ ! -e $LAB_DIR/natterd.pid-file && ! -e $LAB_DIR/natter.sock ]]
}

@test "the list of an empty configuration says what to do next, and that is right" {
    natter_config < <(natter_lab_servers)
    natter_start
    run natter_ctl list
    [[ $status == 0 && ${lines[0]} == "No mappings: $LAB_DIR/natter.cfg asks for none. "* && $output == *"natterctl reload"* ]]
    grep '^    mappings = ' <<<"$output" >>"$LAB_DIR/natter.cfg"
    run "$NATTER_BUILD/natterd" -n -c "$LAB_DIR/natter.cfg"
    [[ $status == 0 && ${lines[0]} == *": 1 mapping" ]]
    [[ $(natter_ctl --json list | jq -c .) == "[]" ]]
}

@test "natterd -n says what would run and touches nothing" {
    config_web </dev/null
    run "$NATTER_BUILD/natterd" -n -c "$LAB_DIR/natter.cfg"
    [[ $status == 0 && $output == *web*tcp*0.0.0.0:8081*192.168.77.3:80* ]]
    [[ ! -e $LAB_DIR/natterd.pid-file && ! -e $LAB_DIR/natter.sock && ! -e $LAB_DIR/state ]]
}

@test "usage: --help and --version succeed, nonsense is refused with a hint and exit status 2" {
    for program in natterd natterctl; do
        run -0 "$NATTER_BUILD/$program" --help
        [[ $output == *[Uu]sage* ]]
        run -0 "$NATTER_BUILD/$program" --version
        [[ $output == *"$(sed -n 's/^VERSION = //p' "$TESTS/../Makefile")"* ]]
        run -2 "$NATTER_BUILD/$program" --nonsense
        [[ $output == *--help* ]]
    done
    run -2 "$NATTER_BUILD/natter-worker"
    [[ $output == *natterd* ]]
}

@test "natterctl without a daemon says so, with exit status 3; an unknown mapping is 1" {
    run -3 natter_ctl list
    [[ $output == *"$LAB_DIR/natter.sock"* ]]
    config_web </dev/null
    natter_start
    run -1 natter_ctl show nobody-knows-this
    [[ $output == *nobody-knows-this* ]]
    [[ $(natter_ctl version) == *1.0.0* ]]
}

@test "natterctl refresh: one mapping or all look again at once, and it says how many" {
    config_web <<<'keep_alive_interval = 3600;'
    natter_start
    natter_open web
    looks() {
        grep -c "web: STUN server .* answered" "$LAB_DIR/natterd.log"
    }
    looked_since() {
        (($(looks) > $1))
    }
    before=$(looks)
    [[ $(natter_ctl refresh web) == "1 mapping looks again" ]]
    lab_wait 5 looked_since "$before"
    natter_open web
    before=$(looks)
    [[ $(natter_ctl --json refresh) == 1 ]]
    lab_wait 5 looked_since "$before"
    run -1 natter_ctl refresh nobody-knows-this
    [[ $output == *"nobody-knows-this: there is no mapping of that name"* ]]
    run -2 natter_ctl refresh web game
    [[ $output == "usage: natterctl refresh [NAME]" ]]
    run -2 natter_ctl show
    [[ $output == "usage: natterctl show NAME" ]]
}

# The pause after the sixth death is 16 s.
@test "natterctl refresh starts a worker that waits to be restarted" {
    config_web </dev/null
    natter_start
    another_worker() {
        natter_ctl refresh web && (($(natter_field web pid) != 0 && $(natter_field web pid) != $1))
    }
    for _ in {1..6}; do
        pid=$(natter_field web pid)
        kill -9 "$pid"
        lab_wait 3 another_worker "$pid"
    done
    natter_open web
}

@test "the control socket belongs to natterd's user and group, not to the workers', and has mode 0660" {
    config_web </dev/null
    natter_start
    [[ $(stat -c %a:%U:%G "$LAB_DIR/natter.sock") == 660:root:root ]]
}

@test "a port that another program has is said plainly, and taken as soon as it is free" {
    lab_spawn "$LAB_HOST" owner socat TCP-LISTEN:8081,fork PIPE
    lab_wait 5 lab_listening "$LAB_HOST" tcp 0.0.0.0:8081
    config_web </dev/null
    natter_start
    lab_wait 5 natter_is web state backoff
    [[ $(natter_field web error) == *"0.0.0.0:8081"*"Address already in use"* ]]
    lab_end owner
    natter_open web 20
}

@test "a hook that hangs holds up nothing: the address is published and natterctl answers" {
    config_web <<<'status_report = { hook = "sleep 1000 & echo $! > hook.pid; wait"; status_file = "status.json"; };'
    natter_start
    outer=$(natter_open web)
    published() {
        [[ $(jq -r '.tcp[0].outer' "$LAB_DIR/status.json") == "$outer" ]]
    }
    lab_wait 5 published
    lab_wait 5 test -s "$LAB_DIR/hook.pid"
    natter_stop
    # The end of natterd is the end of its hooks and of what they started.
    lab_wait 2 lab_gone "$(<"$LAB_DIR/hook.pid")"
}

# manager SOCKET: in the place of a service manager; what it is told is in told.txt.
manager() {
    lab_spawn "$LAB_HOST" manager socat -u "$1" "CREATE:$LAB_DIR/told.txt"
}

told() {
    tr '\n' ' ' <"$LAB_DIR/told.txt" | grep -qE "$1"
}

@test "a service manager is told of the start, of what is open and of the end, and no child can tell it anything" {
    manager "UNIX-RECV:$LAB_DIR/manager.sock"
    lab_wait 5 test -S "$LAB_DIR/manager.sock"
    config_web <<<'status_report = { hook = "env > hook.env"; };'
    NOTIFY_SOCKET=$LAB_DIR/manager.sock natter_start
    lab_wait 5 told "^READY=1 MAINPID=$(natter_pid)"
    natter_open web
    lab_wait 5 told 'STATUS=0 of 1 mapping open.*STATUS=1 of 1 mapping open'
    lab_wait 5 grep -q ^NATTER_NAME=web "$LAB_DIR/hook.env"
    run ! grep NOTIFY_SOCKET "$LAB_DIR/hook.env"
    [[ $(tr '\0' '\n' <"/proc/$(natter_field web pid)/environ") != *NOTIFY_SOCKET* ]]
    natter_ctl reload
    lab_wait 5 told 'RELOADING=1 MONOTONIC_USEC=[0-9]+ ?READY=1'
    natter_stop
    lab_wait 5 told 'STOPPING=1'
}

@test "the socket of a service manager may be in no file system, and may be gone" {
    manager "ABSTRACT-RECV:$LAB_DIR"
    told_by_hand() {
        printf 'HAND=1\n' | lab_in "$LAB_HOST" socat -u - "ABSTRACT-SENDTO:$LAB_DIR" && told HAND=1
    }
    lab_wait 5 told_by_hand
    config_web </dev/null
    NOTIFY_SOCKET=@$LAB_DIR natter_start
    lab_wait 5 told READY=1
    lab_end manager
    natter_open web
    natter_stop
    grep -q 'warning: natterd: the service manager cannot be told "STOPPING=1": Connection refused' \
        "$LAB_DIR/natterd.log"
}

@test "a daemon tells a service manager nothing: whoever started it waits for it to go into the background" {
    manager "UNIX-RECV:$LAB_DIR/manager.sock"
    lab_wait 5 test -S "$LAB_DIR/manager.sock"
    config_web <<<'status_report = { hook = "env > hook.env"; };'
    NOTIFY_SOCKET=$LAB_DIR/manager.sock start_daemon
    natter_open web
    lab_wait 5 grep -q ^NATTER_NAME=web "$LAB_DIR/hook.env"
    run ! grep NOTIFY_SOCKET "$LAB_DIR/hook.env"
    kill "$(<"$LAB_DIR/natterd.pid-file")"
    lab_wait 5 none_left_but_manager
    [[ ! -s $LAB_DIR/told.txt ]]
}

none_left_but_manager() {
    [[ $(ip netns pids "$LAB_HOST") == "$(<"$LAB_DIR/manager.pid")" ]]
}
