#!/usr/bin/env bats
# SPDX-License-Identifier: ISC
#
# `natterd [-t] [-u] [SRC_IP] SRC_PORT`, v0.9's form: one port from the command line, in the foreground. The name of
# a test says which command of v0.9 it takes the place of.

# shellcheck source-path=SCRIPTDIR source=helper.bash
source "$BATS_TEST_DIRNAME/helper.bash"
bats_require_minimum_version 1.5.0

# The servers of the lab are in natter.cfg, with a mapping that must not run. natterd lies where nobody can reach it
# and has a folder of its own in which it could write.
setup() {
    lab_need_root
    lab_up fullcone
    lab_servers
    natter_config <<END
$(natter_lab_servers)
keep_alive_interval = 1;
status_report = { status_file = "status.json"; hook = "touch hook.ran"; };
open_port = { tcp = [ "0.0.0.0:7777" ]; };
END
    mkdir -m 777 "$LAB_DIR/home" "$LAB_DIR/run"
    install -m 755 "$NATTER_BUILD"/natter{d,-worker} "$LAB_DIR"
    unset NO_COLOR
    export TERM=xterm
    user=(setpriv --reuid=nobody --regid=nogroup --clear-groups)
}

# Ended before the lab, so that the sanitizers' last words are heard.
teardown() {
    local result=0 name
    for name in one first; do
        [[ ! -e ${LAB_DIR:-/nonexistent}/$name.pid ]] || lab_end "$name" || result=1
    done
    natter_down || result=1
    return "$result"
}

# spawn_one COMMAND...: standard output goes to one.out, the rest to one.log. What the one before wrote there is gone.
spawn_one() {
    rm -f "$LAB_DIR/one.out"
    # shellcheck disable=SC2016 # for that shell
    lab_spawn "$LAB_HOST" one env HOME="$LAB_DIR/home" XDG_RUNTIME_DIR="$LAB_DIR/run" XDG_STATE_HOME="$LAB_DIR/run" \
        sh -c 'out=$1; shift; exec "$@" >"$out"' sh "$LAB_DIR/one.out" "$@"
}

# one ARGUMENT...: natterd as nobody, with the lab's servers; one_as_root: the same as root.
one() {
    spawn_one "${user[@]}" "$LAB_DIR/natterd" -c "$LAB_DIR/natter.cfg" "$@"
}

one_as_root() {
    spawn_one "$LAB_DIR/natterd" -c "$LAB_DIR/natter.cfg" "$@"
}

# one_on_terminal ARGUMENT...: the same with a terminal for everything; what it shows is in one.out.
one_on_terminal() {
    rm -f "$LAB_DIR/one.out"
    lab_spawn "$LAB_HOST" one socat -u \
        "EXEC:${user[*]} $LAB_DIR/natterd -c $LAB_DIR/natter.cfg $*,pty,stderr,setsid,ctty" "CREATE:$LAB_DIR/one.out"
}

lines() {
    [[ $(wc -l <"$LAB_DIR/one.out") == "$1" ]]
}

# address [LINE]: waits for that line of standard output, and prints the outer address in it.
address() {
    lab_wait 10 lines "${1:-1}" || { cat "$LAB_DIR/one.log" >&2 && return 1; }
    sed -n "${1:-1}s/.* <--> //p" "$LAB_DIR/one.out"
}

nobody_there() {
    [[ ! $(ip netns pids "$LAB_HOST") ]]
}

# Neither in its own folders nor beside natter.cfg.
nothing_written() {
    [[ ! $(find "$LAB_DIR/home" "$LAB_DIR/run" -mindepth 1) ]]
    [[ ! -e $LAB_DIR/status.json && ! -e $LAB_DIR/hook.ran && ! -e $LAB_DIR/natter.sock ]]
    [[ ! -e $LAB_DIR/natterd.pid-file && ! -e $LAB_DIR/state ]]
}

# at_once ARGUMENT...: natterd in the lab without servers of its own, for commands that end by themselves.
at_once() {
    lab_in "$LAB_HOST" timeout 10 "${user[@]}" "$LAB_DIR/natterd" "$@"
}

@test "v0.9's natter.py -t PORT: as nobody, the address that it prints shows It works! to an outside client" {
    one -t 3456
    outer=$(address)
    [[ $(<"$LAB_DIR/one.out") == "TCP 192.168.77.2:3456 <--> $outer" ]]
    [[ $(natter_fetch "$outer") == "<h1>It works!</h1><hr/>Natter" ]]
    run -0 lab_in "$LAB_INET" curl --interface 203.0.113.40 -sS -m 5 -o /dev/null -w '%{content_type}' "http://$outer/"
    [[ $output == text/html* ]]
    run -0 lab_in "$LAB_INET" curl --interface 203.0.113.41 -sS -m 5 -I "http://$outer/any/path"
    [[ $output == "HTTP/1.1 200 OK"* ]]
    grep -q "opening TCP port 3456" "$LAB_DIR/one.log"
    grep -q "connecting to a keep-alive server" "$LAB_DIR/one.log"
    grep -q "asking STUN servers" "$LAB_DIR/one.log"
    # This comes after the address.
    lab_wait 2 grep -qF "http://$outer/" "$LAB_DIR/one.log"
    run ! grep -q warning "$LAB_DIR/one.log"
    # Of natter.cfg only the servers: its mapping is not there.
    run ! lab_listening "$LAB_HOST" tcp 0.0.0.0:7777
    [[ $(pgrep -c -P "$(<"$LAB_DIR/one.pid")" -x natter-worker) == 1 ]]
    nothing_written
}

@test "v0.9's natter.py -t SRC_IP PORT: the same on one address, here as root and below 1024, two at a time" {
    one_as_root -t 192.168.77.2 80
    outer=$(address)
    [[ $(<"$LAB_DIR/one.out") == "TCP 192.168.77.2:80 <--> $outer" ]]
    lab_wait 2 lab_listening "$LAB_HOST" tcp 192.168.77.2:80
    [[ $(natter_fetch "$outer") == "<h1>It works!</h1><hr/>Natter" ]]
    [[ $(ps -o user= -p "$(pgrep -P "$(<"$LAB_DIR/one.pid")" -x natter-worker)") == nobody ]]
    for kind in out log pid; do
        mv "$LAB_DIR/one.$kind" "$LAB_DIR/first.$kind"
    done
    one_as_root -t 192.168.77.2:81
    [[ $(natter_fetch "$(address)") == "<h1>It works!</h1><hr/>Natter" ]]
    nothing_written
}

@test "v0.9's natter.py PORT: a program that shares the port is reached from outside" {
    lab_spawn "$LAB_HOST" program "${user[@]}" "$NATTER_BUILD/tests/connections" echo 0.0.0.0:3456
    lab_wait 5 lab_listening "$LAB_HOST" tcp 0.0.0.0:3456
    one 3456
    outer=$(address)
    run -0 lab_in "$LAB_INET" "$NATTER_BUILD/tests/connections" hold "$outer" 3 203.0.113.40
    [[ $output == "3 open, 3 right" ]]
    lab_end program
}

@test "-u -t PORT: every datagram from outside comes back" {
    one -u -t 3456
    outer=$(address)
    [[ $(<"$LAB_DIR/one.out") == "UDP 192.168.77.2:3456 <--> $outer" ]]
    run -0 lab_in "$LAB_INET" "$NATTER_BUILD/tests/datagrams" send "$outer" 200 203.0.113.40
    [[ $output == *"200 back, 0 damaged" ]]
    # A service's port gets no answer: nobody can make two echoes talk.
    run -0 lab_in "$LAB_INET" sh -c "echo x | socat -T 0.5 - UDP:$outer,bind=203.0.113.40:7"
    [[ ! $output ]]
    comes_back_to() {
        [[ $(lab_in "$LAB_INET" sh -c "echo x | socat -T 0.5 - UDP:$outer,bind=203.0.113.40:$1") == x ]]
    }
    lab_wait 5 comes_back_to 7007
    nothing_written
}

@test "-u PORT: a program that shares the port is reached from outside" {
    lab_spawn "$LAB_HOST" program "${user[@]}" "$NATTER_BUILD/tests/datagrams" echo 0.0.0.0:3456
    lab_wait 5 lab_listening "$LAB_HOST" udp 0.0.0.0:3456
    one -u 3456
    outer=$(address)
    # A socket of the worker's may take one that was the program's, in the moment in which it is bound and not yet
    # connected.
    lab_wait 15 lab_in "$LAB_INET" "$NATTER_BUILD/tests/datagrams" send "$outer" 100 203.0.113.40
    lab_end program
}

@test "a new outer address is printed as a second line, and the page is there" {
    one -t 3456
    first=$(address)
    lab_forget
    second=$(address 2)
    [[ $second != "$first" ]]
    [[ $(natter_fetch "$second") == "<h1>It works!</h1><hr/>Natter" ]]
}

@test "network trouble is said once with its reason and does not end it" {
    lab_stop_server nginx30
    lab_stop_server nginx31
    one -t 3456
    lab_wait 10 grep -q "^failed: .*Connection refused; natterd goes on trying" "$LAB_DIR/one.log"
    lab_start_server nginx30
    outer=$(address)
    [[ $(natter_fetch "$outer") == "<h1>It works!</h1><hr/>Natter" ]]
    lab_stop_server nginx30
    lab_wait 10 grep -q "^in doubt: .*$outer still stands" "$LAB_DIR/one.log"
    lab_stop_server coturn
    lab_wait 15 grep -q "^lost $outer: " "$LAB_DIR/one.log"
    [[ $(grep -c "goes on trying" "$LAB_DIR/one.log") -le 4 ]]
    lab_start_server coturn
    lab_start_server nginx30
    lab_wait 15 grep -q "^open at $outer again" "$LAB_DIR/one.log"
    lines 1
}

@test "a trouble whose details vary is said once: a symmetric NAT" {
    lab_nat symmetric
    one -v -t 3456
    retried() {
        [[ $(grep -c " debug: tcp-3456: .*-> backoff: You cannot perform TCP" "$LAB_DIR/one.log") -ge 3 ]]
    }
    lab_wait 20 retried
    [[ $(grep "goes on trying" "$LAB_DIR/one.log") == \
    "failed: You cannot perform TCP hole punching in a symmetric NAT network. "*[0-9]"; natterd goes on trying" ]]
}

# at_once_to SHELL-WORDS [COMMAND...]: natterd's standard output goes there, after the command; the rest is the output
# of this.
at_once_to() {
    lab_in "$LAB_HOST" timeout 20 "${user[@]}" sh -c "${*:2}
        { $LAB_DIR/natterd -c $LAB_DIR/natter.cfg -t 3456; echo status \$? >&2; } $1"
}

@test "an address that cannot be written ends it with status 1" {
    run -0 at_once_to '>/dev/full'
    [[ $output == *"cannot write the address to standard output: No space left on device; natterd ends"$'\n'"status 1" ]]
    # A pipe that nobody reads any more.
    mkfifo -m 666 "$LAB_DIR/pipe"
    run -0 at_once_to '>&4' "exec 3<>$LAB_DIR/pipe 4>$LAB_DIR/pipe 3<&-"
    [[ $(grep -c "cannot write the address to standard output: Broken pipe; natterd ends" <<<"$output") == 1 ]]
    [[ $output == *"status 1" ]]
    lab_wait 2 nobody_there
}

@test "without DNS one line says so, and only -v names every server" {
    natter_names
    summed='no name of the servers can be resolved (no DNS?); natterd goes on trying'
    spawn_one "${user[@]}" "$LAB_DIR/natterd" -t 3456
    lab_wait 15 grep -qF "$summed" "$LAB_DIR/one.log"
    run ! grep -q "cannot resolve" "$LAB_DIR/one.log"
    [[ $(grep -cF "$summed" "$LAB_DIR/one.log") == 1 ]]
    lab_end one
    spawn_one "${user[@]}" "$LAB_DIR/natterd" -v -t 3456
    several() {
        [[ $(grep -c "cannot resolve .* (trying again)" "$LAB_DIR/one.log") -gt 5 ]]
    }
    lab_wait 15 several
    grep -q " keeps tcp-3456 open, with the built-in servers$" "$LAB_DIR/one.log"
}

@test "SIGINT and SIGTERM end it within a second, with exit status 0, its worker gone and nothing left behind" {
    for signal in INT TERM; do
        rm -f "$LAB_DIR/one.out"
        # A child of this shell, which is told its exit status.
        ip netns exec "$LAB_HOST" "${user[@]}" "$LAB_DIR/natterd" -c "$LAB_DIR/natter.cfg" -t 3456 \
            >"$LAB_DIR/one.out" 2>"$LAB_DIR/one.log" </dev/null 3>&- 4>&- &
        address
        kill -"$signal" $!
        lab_wait 1 nobody_there
        wait $!
        [[ $(tail -n 1 "$LAB_DIR/one.log") == "ended: "* ]]
        nothing_written
    done
}

@test "on a terminal the address is green and a problem red; NO_COLOR, TERM=dumb and a pipe get plain text" {
    green=$'\e[1;32m' red=$'\e[31m'
    plain() {
        grep -q "kept open" "$LAB_DIR/one.out" && ! grep -q $'\e' "$LAB_DIR/one.out"
    }
    one_on_terminal -t 3456
    lab_wait 10 grep -qF "${green}TCP 192.168.77.2:3456 <--> " "$LAB_DIR/one.out"
    lab_stop_server nginx30
    lab_stop_server nginx31
    lab_stop_server coturn
    lab_wait 15 grep -qF "${red}lost " "$LAB_DIR/one.out"
    lab_start_server coturn
    lab_start_server nginx30
    lab_end one
    NO_COLOR=1 one_on_terminal -t 3457
    lab_wait 10 plain
    lab_end one
    TERM=dumb one_on_terminal -t 3458
    lab_wait 10 plain
    lab_end one
    one -t 3459
    address
    run ! grep -q $'\e' "$LAB_DIR/one.out" "$LAB_DIR/one.log"
}

@test "-v shows every step with its time" {
    one -v -t 3456
    address
    lab_wait 2 grep -q " info: tcp-3456: open at " "$LAB_DIR/one.log"
    grep -q " debug: tcp-3456: connecting -> probing" "$LAB_DIR/one.log"
    grep -q " keeps tcp-3456 open, with the servers of $LAB_DIR/natter.cfg$" "$LAB_DIR/one.log"
}

@test "a port that cannot be had is an error that says what to do, with exit status 1" {
    run -1 at_once 80
    [[ $output == *"TCP port 0.0.0.0:80: that takes root; start natterd as root, or choose a port from 1024 on"* ]]
    run -1 at_once 10.9.8.7 3456
    [[ $output == *"10.9.8.7:3456: this machine does not have that address; leave it out"* ]]
    run -1 lab_in "$LAB_HOST" timeout 10 "$NATTER_BUILD/tests/no_reuseport" "$LAB_DIR/natterd" 3456
    [[ $output == *"TCP port 0.0.0.0:3456: This system does not support reusing ports." ]]
    lab_spawn "$LAB_HOST" owner socat TCP-LISTEN:3456,fork PIPE
    lab_wait 5 lab_listening "$LAB_HOST" tcp 0.0.0.0:3456
    run -1 at_once 3456
    [[ $output == *"another program on this machine has it"*"or belongs to another user"*"as root"* ]]
    run -1 at_once -t 3456
    [[ $output == *"another program on this machine has it"*"without -t"* ]]
    lab_end owner
    lab_spawn "$LAB_HOST" owner socat -u UDP-RECV:3456 -
    lab_wait 5 lab_listening "$LAB_HOST" udp 0.0.0.0:3456
    for options in "-u" "-u -t"; do
        # shellcheck disable=SC2086 # two options
        run -1 at_once $options 3456
        [[ $output == *"UDP port 0.0.0.0:3456: another program on this machine has it"* ]]
    done
    run -1 at_once -c /nonexistent 3456
    [[ $output == *"/nonexistent: cannot be read: No such file"* ]]
    nobody_there || lab_end owner
}

# v0.9 is started like this; what it does not understand ends with a hint.
@test "a wrong command line says what is wrong, hints at --help and ends with status 2" {
    wrong() {
        run -2 "$NATTER_BUILD/natterd" "${@:2}"
        [[ $output == *"$1"*"try natterd --help" ]] || { echo "natterd ${*:2}: $output" && return 1; }
    }
    wrong '"0" is no port; give a number from 1 to 65535' 0
    wrong '"65536" is no port' 65536
    wrong '"web" is no port' web
    wrong '"natter.cfg" is no port; give a number from 1 to 65535 (-c names a configuration)' natter.cfg
    wrong '"80x" is no port' 127.0.0.1 80x
    wrong '"127.0.0.1:80" is no port' 127.0.0.1 127.0.0.1:80
    wrong '"1.2.3" is no IPv4 or IPv6 address' 1.2.3 80
    wrong '"1.2.3.4:5" is no IPv4 or IPv6 address' 1.2.3.4:5 80
    wrong '"localhost" is no IPv4 or IPv6 address' localhost 80
    wrong '127.0.0.1 is an address without a port' 127.0.0.1
    wrong '"3458" is one word too many' 127.0.0.1 3457 3458
    wrong 'the address comes first: natterd 192.168.1.2 3456' 3456 192.168.1.2
    wrong 'the address comes first: natterd fd00::2 3456' -t 3456 fd00::2
    wrong '127.0.0.1 is reached from this machine only' -t 127.0.0.1 3456
    wrong '::1 is reached from this machine only' -t '[::1]:3456'
    for address in 224.0.0.1 255.255.255.255 ff02::1 fe80::1; do
        wrong "$address is a link-local, multicast or broadcast address" "$address" 3456
    done
    wrong '::ffff:192.168.1.2 is an IPv4 address; write it as 192.168.1.2' ::ffff:192.168.1.2 3456
    wrong '-c names the file "heck-nat", which is not there; did you mean --check-nat?' -check-nat
    wrong 'no file is named; write -c FILE' --config=
    wrong 'no file is named; write -c FILE' -c '' 3456
    wrong '-t needs a port' -t
    wrong '-t needs a port' -t -c natter.cfg
    wrong '-u needs a port' --udp
    wrong '-n checks a configuration' -n 3456
    wrong "unrecognized option '--nonsense'" --nonsense
    wrong "option requires an argument" -c
}

@test "--help shows every form with an example and goes to standard output" {
    "$NATTER_BUILD/natterd" --help >"$LAB_DIR/help" 2>"$LAB_DIR/help.err"
    [[ ! -s $LAB_DIR/help.err ]]
    for text in "natterd [-fnv] [-c FILE]" "natterd [-tuv] [-c FILE] [SRC_IP] SRC_PORT" "natterd -t 3456" \
        "natterd -u -t 3456" "natterd 192.168.1.2 8080" "natterd -n -c natter.cfg"; do
        grep -qF "$text" "$LAB_DIR/help"
    done
    (($(wc -L <"$LAB_DIR/help") <= 80))
}

@test "every option of natterd --help is in natterd(8), and every option there is in --help" {
    mandoc -Tascii "$TESTS/../man/natterd.8" | sed $'s/.\b//g' >"$LAB_DIR/page"
    options() {
        grep -oE -- '^ +(-[a-zA-Z]( [a-z]+)?, )?--[a-z-]+' "$1" | grep -oE -- '--[a-z-]+|-[a-zA-Z]\b' | sort -u
    }
    "$NATTER_BUILD/natterd" --help >"$LAB_DIR/help"
    diff -u <(options "$LAB_DIR/help") <(options "$LAB_DIR/page")
    [[ $(options "$LAB_DIR/help") == *--test-page* ]]
}
