#!/usr/bin/env bats
# SPDX-License-Identifier: ISC
#
# natter.cfg read again: what is the same goes on without noticing, what can be applied in place is, and a bad file
# changes nothing.

# shellcheck source-path=SCRIPTDIR source=helper.bash
source "$BATS_TEST_DIRNAME/helper.bash"
bats_require_minimum_version 1.5.0

# config_mappings SETTINGS <<END: the mappings are what follows.
config_mappings() {
    natter_config <<END
$(natter_lab_servers)
$1
mappings = (
$(cat)
);
END
}

WEB='{ name = "web"; protocol = "tcp"; bind = "0.0.0.0:8081"; target = "192.168.77.3:80"; }'
WEB2='{ name = "web"; protocol = "tcp"; bind = "0.0.0.0:8081"; target = "192.168.77.3:81"; }'
GAME='{ name = "game"; protocol = "udp"; bind = "0.0.0.0:8082"; target = "192.168.77.3:7777"; }'

reload() {
    run -0 natter_ctl reload
    echo "$output"
}

# same_hole NAME: the same worker, outside port and hole as remember NAME saw.
remember() {
    worker=$(natter_field "$1" pid) outer=$(natter_open "$1") since=$(natter_field "$1" since)
    lost=$(natter_field "$1" holes_lost)
}

same_hole() {
    natter_is "$1" pid "$worker" && natter_is "$1" outer "$outer" && natter_is "$1" since "$since" &&
        natter_is "$1" state open && natter_is "$1" holes_lost "$lost"
}

# echo_at PORT: a TCP service of the other machine that sends back what it is sent.
echo_at() {
    natter_echo "$LAB_LAN" tcp "192.168.77.3:$1" "echo$1"
}

# How many connections the other machine's service at this port has.
served_at() {
    lab_in "$LAB_LAN" ss -Htn state established "sport = :$1" | wc -l
}

serves_many() {
    (($(served_at "$1") == $2))
}

# keep NAME OUTER COUNT: an outside client that keeps so many connections open.
keep() {
    lab_spawn "$LAB_INET" "$1" "$NATTER_BUILD/tests/connections" keep "$2" "$3" 203.0.113.40
    lab_wait 10 grep -q "$3 open, $3 right" "$LAB_DIR/$1.log"
}

# Every mapping's name, worker and outside address.
everything() {
    natter_ctl list --json | jq -r '.[] | [.name, .pid, .outer, .holes_lost] | @tsv'
}

fifty() {
    local n target
    for n in {1..50}; do
        target=80
        ((n != 7)) || target=$1
        echo "{ name = \"m$n\"; protocol = \"tcp\"; bind = \"0.0.0.0:$((6000 + n))\"; target = \"192.168.77.3:$target\"; }$( ((n == 50)) || echo ,)"
    done | config_mappings ""
}

all_open() {
    [[ $(natter_ctl list --json | jq '[.[] | select(.state == "open")] | length') == 50 ]]
}

@test "50 mappings, one with another target: no connection breaks, no outside port changes, new ones go to the new target" {
    echo_at 80
    echo_at 81
    fifty 80
    natter_start
    lab_wait 10 all_open
    for n in {11..30}; do
        keep "client$n" "$(natter_field "m$n" outer)" 1
    done
    keep changed "$(natter_field m7 outer)" 1
    before=$(everything)
    lab_wait 2 serves_many 80 21
    fifty 81
    reload
    [[ $output == "49 mappings kept, 1 changed, 0 replaced, 0 added, 0 removed" ]]
    lab_in "$LAB_INET" timeout 20 "$NATTER_BUILD/tests/connections" hold "$(natter_field m7 outer)" 3 203.0.113.40
    lab_wait 2 natter_is m7 target 192.168.77.3:81
    keep new "$(natter_field m7 outer)" 1
    lab_wait 2 serves_many 81 1
    serves_many 80 21
    [[ $(everything) == "$before" ]]
    for n in {11..30}; do
        lab_in "$LAB_INET" timeout 20 "$NATTER_BUILD/tests/connections" hold "$(natter_field "m$n" outer)" 1 203.0.113.40
    done
    run ! grep -E "worker .* started|open at" <(sed '1,/read .* again/d' "$LAB_DIR/natterd.log")
}

@test "target and servers on other ports: the worker, which cannot connect to them, gets its connections from natterd" {
    echo_at 7001
    echo_at 7002
    lab_web "$LAB_INET" 203.0.113.31:8080 "a keep-alive server"
    config_mappings "" <<<"${WEB/:80\"/:7001\"}"
    natter_start
    remember web
    keep old "$outer" 2
    natter_config <<END
stun_server = { tcp = [ "203.0.113.11:3479" ]; };
keep_alive = "203.0.113.31:8080";
mappings = ( ${WEB/:80\"/:7002\"} );
END
    reload
    keep new "$outer" 3
    lab_wait 2 serves_many 7002 3
    lab_in "$LAB_INET" timeout 20 "$NATTER_BUILD/tests/connections" hold "$outer" 300 203.0.113.40
    only_8080() {
        [[ $(lab_in "$LAB_HOST" ss -Htn state established "sport = :8081 and dst 203.0.113.0/24" |
            awk '$4 !~ /203.0.113.40/ { print $4 }') == 203.0.113.31:8080 ]]
    }
    lab_wait 5 only_8080
    natter_ctl refresh
    lab_wait 5 grep -q "STUN server 203.0.113.11:3479 answered" "$LAB_DIR/natterd.log"
    # Where it may go by itself again.
    config_mappings "" <<<"${WEB/:80\"/:7001\"}"
    reload
    keep more "$outer" 1
    lab_wait 2 serves_many 7001 3
    serves_many 7002 3
    same_hole web
    run ! grep "open -> " "$LAB_DIR/natterd.log"
}

@test "a bad file changes nothing and says every mistake with file and line, to whoever asked and in the log" {
    config_mappings "" <<<"$WEB, $GAME"
    natter_start
    remember web
    config_mappings "stun_interval = 3;" <<<"$WEB2, { name = \"bad\"; protocol = \"sctp\"; }"
    run -1 --separate-stderr natter_ctl reload
    [[ ! $output ]]
    # shellcheck disable=SC2154
    [[ ${stderr_lines[0]} == "$LAB_DIR/natter.cfg:"*": stun_interval: "* ]]
    [[ ${stderr_lines[1]} == "$LAB_DIR/natter.cfg:"*": mappings.protocol: "* ]]
    [[ ${stderr_lines[-1]} == "natterctl: natter.cfg is refused and nothing has changed" ]]
    grep -qF "error: ${stderr_lines[1]}" "$LAB_DIR/natterd.log"
    grep -q "natter.cfg is refused and nothing has changed" "$LAB_DIR/natterd.log"
    same_hole web
    [[ $(natter_field web target) == 192.168.77.3:80 && $(natter_ctl list --json | jq length) == 2 ]]
    rm "$LAB_DIR/natter.cfg"
    run -1 natter_ctl reload
    [[ $output == *"$LAB_DIR/natter.cfg: cannot be read: No such file or directory"* ]]
    mkfifo "$LAB_DIR/natter.cfg"
    run -1 natter_ctl reload
    [[ $output == *"is no regular file"* ]]
    same_hole web
}

@test "mappings that come, go, move or are only called otherwise; ports that natterd chose stay" {
    config_mappings "status_report = { status_file = \"status.json\"; };" <<END
$WEB, $GAME, { name = "chosen"; protocol = "tcp"; target = "192.168.77.3:80"; },
{ name = "moves"; protocol = "tcp"; bind = "8083"; target = "192.168.77.3:80"; }
END
    lab_web "$LAB_LAN" 192.168.77.3:80 "inside page"
    natter_start
    natter_open game
    natter_open moves
    chosen=$(natter_field chosen bind)
    remember chosen
    game=$(natter_field game pid)
    # A worker that hangs is not waited for.
    kill -STOP "$game"
    remember web
    config_mappings "status_report = { status_file = \"status.json\"; };" <<END
{ name = "new"; protocol = "tcp"; target = "192.168.77.3:80"; },
{ name = "moves"; protocol = "tcp"; bind = "8084"; target = "192.168.77.3:80"; },
{ name = "chosen"; protocol = "tcp"; target = "192.168.77.3:80"; keep_alive_interval = 3; },
{ name = "page"; protocol = "tcp"; bind = "0.0.0.0:8081"; target = "192.168.77.3:80"; }
END
    reload
    [[ $output == "0 mappings kept, 2 changed, 1 replaced, 1 added, 1 removed" ]]
    [[ $(natter_ctl list --json | jq -r '.[].name' | paste -sd' ') == "new moves chosen page" ]]
    same_hole page
    natter_is chosen bind "$chosen"
    lab_wait 2 natter_is chosen keep_alive_interval 3
    lab_wait 2 lab_gone "$game"
    [[ ! $(lab_in "$LAB_HOST" ss -Hanu "sport = :8082") ]]
    [[ $(natter_fetch "$(natter_open moves)") == "inside page" ]]
    grep "info: moves: lost .*: natter.cfg has another address, port or protocol for it" "$LAB_DIR/natterd.log"
    [[ $(natter_field moves bind) == 0.0.0.0:8084 && $(natter_field moves restarts) == 1 ]]
    [[ $(natter_fetch "$(natter_open new)") == "inside page" ]]
    status_names_all() {
        [[ $(jq -r '.mappings[].name' "$LAB_DIR/status.json" | paste -sd' ') == "new moves chosen page" ]]
    }
    lab_wait 2 status_names_all
    natter_stop
    natter_start
    [[ $(natter_field chosen bind) == "$chosen" ]]
}

@test "a mapping whose port natterd chose and that has only another name keeps port and hole" {
    alike='protocol = "tcp"; target = "192.168.77.3:80"; }'
    config_mappings "" <<<"{ name = \"a\"; $alike, { name = \"b\"; $alike, { name = \"c\"; protocol = \"tcp\"; target = \"192.168.77.3:81\"; }"
    natter_start
    natter_open b
    natter_open c
    remember a
    bind=$(natter_field a bind) kept=$(natter_field b bind)
    # Two that lead alike take over one only; d leads elsewhere than c, whose port is left.
    config_mappings "" <<<"{ name = \"x\"; $alike, { name = \"b\"; $alike, { name = \"y\"; $alike, { name = \"d\"; protocol = \"tcp\"; target = \"192.168.77.3:82\"; }"
    reload
    [[ $output == "1 mapping kept, 1 changed, 0 replaced, 2 added, 1 removed" ]]
    same_hole x
    natter_is x bind "$bind"
    natter_is b bind "$kept"
    natter_stop
    natter_start
    natter_is x bind "$bind"
    natter_is b bind "$kept"
}

# The old listener and the new one are of the same port, and only the address, the protocol or the mapping is another.
@test "a port that one mapping leaves is another's at once" {
    echo_at 80
    config_mappings "" <<<"$WEB, { name = \"b\"; protocol = \"tcp\"; bind = \"8083\"; target = \"192.168.77.3:80\"; }"
    natter_start
    natter_open web
    natter_open b
    config_mappings "" <<END
{ name = "b"; protocol = "tcp"; bind = "192.168.77.2:8081"; target = "192.168.77.3:80"; },
{ name = "c"; protocol = "tcp"; bind = "8083"; target = "192.168.77.3:80"; }
END
    reload
    [[ $output == "0 mappings kept, 0 changed, 1 replaced, 1 added, 1 removed" ]]
    for name in b c; do
        at=$(natter_open "$name")
        lab_in "$LAB_INET" timeout 20 "$NATTER_BUILD/tests/connections" hold "$at" 3 203.0.113.40
        natter_is "$name" holes_lost 0
    done
    run ! grep "in use" "$LAB_DIR/natterd.log"
}

@test "a target that goes leaves the port to another program, and one that comes is served: the hole stays, connections go on" {
    echo_at 80
    config_mappings "" <<<"$WEB"
    natter_start_in_quiet
    remember web
    keep client "$outer" 2
    config_mappings "" <<<'{ name = "web"; protocol = "tcp"; bind = "0.0.0.0:8081"; }'
    reload
    [[ $output == "0 mappings kept, 1 changed, 0 replaced, 0 added, 0 removed" ]]
    nobody_listens() {
        [[ ! $(lab_in "$LAB_HOST" ss -Hltn "sport = :8081") ]]
    }
    lab_wait 2 nobody_listens
    natter_echo "$LAB_HOST" tcp 0.0.0.0:8081 own
    lab_in "$LAB_INET" timeout 20 "$NATTER_BUILD/tests/connections" hold "$outer" 3 203.0.113.40
    serves_many 80 2
    same_hole web
    lab_end own
    config_mappings "" <<<"$WEB"
    reload
    lab_wait 2 lab_listening "$LAB_HOST" tcp 0.0.0.0:8081
    keep more "$outer" 1
    lab_wait 2 serves_many 80 3
    same_hole web
    run ! grep -e "open -> " "$LAB_DIR/natterd.log"
}

@test "UDP: clients keep their target and new ones have the new one; a target that goes and comes again" {
    natter_echo "$LAB_LAN" udp 192.168.77.3:7777
    config_mappings "" <<<"${GAME/7777/7000}"
    natter_start
    remember game
    config_mappings "" <<<"$GAME"
    reload
    lab_in "$LAB_INET" "$NATTER_BUILD/tests/datagrams" send "$outer" 200 203.0.113.40
    config_mappings "" <<<'{ name = "game"; protocol = "udp"; bind = "0.0.0.0:8082"; }'
    reload
    natter_echo "$LAB_HOST" udp 192.168.77.2:8082 own
    lab_in "$LAB_INET" "$NATTER_BUILD/tests/datagrams" send "$outer" 200 203.0.113.40
    lab_end own
    config_mappings "" <<<"$GAME"
    reload
    lab_wait 2 lab_listening "$LAB_HOST" udp 0.0.0.0:8082
    lab_in "$LAB_INET" "$NATTER_BUILD/tests/datagrams" send "$outer" 200 203.0.113.40
    same_hole game
}

@test "intervals, time limits, servers, hook and log level apply at once, and the hole stays" {
    echo_at 80
    config_mappings "keep_alive_interval = 3600;" <<<"$WEB"
    natter_start
    remember web
    keep client "$outer" 1
    config_mappings "keep_alive_interval = 1; stun_interval = 10;" <<END
{ name = "web"; protocol = "tcp"; bind = "0.0.0.0:8081"; target = "192.168.77.3:80"; tcp_timeout = 2; keep_alive = "203.0.113.31";
  congestion_control = "reno"; hook = "echo {outer_ip}:{outer_port} >>hook.txt"; }
END
    sed -i 's/level = "debug"/level = "info"/' "$LAB_DIR/natter.cfg"
    reload
    [[ $output == "0 mappings kept, 1 changed, 0 replaced, 0 added, 0 removed" ]]
    lab_wait 2 natter_is web keep_alive_interval 1
    ended() {
        (($(served_at 80) == 0))
    }
    lab_wait 10 ended
    only_31() {
        [[ $(lab_in "$LAB_HOST" ss -Htn state established "sport = :8081 and dport = :80" | awk '{ print $4 }') == 203.0.113.31:80 ]]
    }
    lab_wait 5 only_31
    same_hole web
    lab_in "$LAB_HOST" ss -Hltni "sport = :8081" | grep -q reno
    sed -i 's/level = "info"/level = "debug"/' "$LAB_DIR/natter.cfg"
    before=$(wc -l <"$LAB_DIR/natterd.log")
    reload
    [[ $output == "1 mapping kept, 0 changed, 0 replaced, 0 added, 0 removed" ]]
    natter_ctl refresh
    speaks() {
        tail -n "+$before" "$LAB_DIR/natterd.log" | grep -q "debug: web: STUN server .* answered"
    }
    lab_wait 10 speaks
    same_hole web
}

@test "SIGHUP reloads, also in the foreground without a terminal; a daemon opens its log file anew" {
    config_mappings "" <<<"$WEB"
    natter_start
    remember web
    config_mappings "" <<<"$WEB2"
    kill -HUP "$(natter_pid)"
    lab_wait 2 natter_is web target 192.168.77.3:81
    grep -q "read $LAB_DIR/natter.cfg again: 0 mappings kept, 1 changed" "$LAB_DIR/natterd.log"
    same_hole web
    natter_stop
    sed -i 's|^logging.*|logging = { level = "info"; log_file = "first.log"; };|' "$LAB_DIR/natter.cfg"
    natter_start_daemon
    pid=$(<"$LAB_DIR/natterd.pid-file")
    mv "$LAB_DIR/first.log" "$LAB_DIR/old.log"
    kill -HUP "$pid"
    lab_wait 2 grep -q "read $LAB_DIR/natter.cfg again: 1 mapping kept" "$LAB_DIR/first.log"
    sed -i 's|first.log|/nonexistent/second.log|' "$LAB_DIR/natter.cfg"
    kill -HUP "$pid"
    lab_wait 2 grep -q "cannot open the log file /nonexistent/second.log" "$LAB_DIR/first.log"
    sed -i 's|/nonexistent/second.log|second.log|' "$LAB_DIR/natter.cfg"
    kill -HUP "$pid"
    lab_wait 2 grep -q "again: 1 mapping kept" "$LAB_DIR/second.log"
    kill "$pid"
    lab_wait 2 lab_gone "$pid"
}

@test "in the foreground a terminal that goes away is the end, but a SIGHUP from elsewhere is not" {
    config_mappings "" <<<"$WEB"
    lab_spawn "$LAB_HOST" terminal socat -d -u "EXEC:$NATTER_BUILD/natterd -f -c $LAB_DIR/natter.cfg,pty,ctty,setsid,stderr" \
        "OPEN:$LAB_DIR/terminal.txt,creat,append"
    lab_wait 5 natter_ctl version
    pid=$(<"$LAB_DIR/natterd.pid-file")
    kill -HUP "$pid"
    lab_wait 2 grep -q "again: 1 mapping kept" "$LAB_DIR/terminal.txt"
    natter_open web
    # It would end its child if it could.
    kill -KILL "$(<"$LAB_DIR/terminal.pid")"
    lab_wait 2 lab_gone "$pid"
}

@test "what only a start can apply keeps its value, and the reload says so" {
    config_mappings "" <<<"$WEB"
    natter_start
    remember web
    sed -i -e 's|^control_socket.*|control_socket = "other.sock";|' -e 's|^user.*|user = "daemon";|' \
        -e 's|^state_dir.*|state_dir = "elsewhere";|' "$LAB_DIR/natter.cfg"
    reload
    [[ $output == "1 mapping kept, 0 changed, 0 replaced, 0 added, 0 removed; needs a restart: user, control_socket, state_dir" ]]
    [[ $(natter_ctl --json reload | jq -c .needs_restart) == '["user","control_socket","state_dir"]' ]]
    same_hole web
    kill -9 "$worker"
    lab_wait 5 natter_is web restarts 1
    # It gives up root by itself.
    runs_as() {
        [[ $(stat -c %U "/proc/$(natter_field web pid)") == "$1" ]]
    }
    lab_wait 5 runs_as nobody
}

@test "a mapping that is stopped stays so, whatever becomes of it" {
    config_mappings "" <<<"$WEB"
    natter_start
    natter_open web
    natter_ctl stop web
    config_mappings "" <<<"$WEB2"
    reload
    [[ $output == "0 mappings kept, 1 changed, "* ]]
    config_mappings "" <<<"${WEB/8081/8084}"
    reload
    [[ $output == "0 mappings kept, 0 changed, 1 replaced, "* ]]
    [[ $(natter_field web state) == stopped && $(natter_field web pid) == 0 ]]
    natter_ctl start web
    natter_open web
    [[ $(natter_field web bind) == 0.0.0.0:8084 ]]
}

@test "another status file, or none: the old one names no address that nobody keeps current" {
    config_mappings "status_report = { status_file = \"one.json\"; };" <<<"$WEB"
    natter_start
    remember web
    config_mappings "status_report = { status_file = \"two.json\"; };" <<<"$WEB"
    reload
    named() {
        [[ $(jq -r '.tcp[0].outer' "$LAB_DIR/two.json") == "$outer" ]]
    }
    lab_wait 2 named
    [[ $(jq -r '.tcp | length' "$LAB_DIR/one.json") == 0 ]]
    same_hole web
}

@test "servers by name: new ones are looked up, and old ones forgotten" {
    natter_names
    printf '203.0.113.10 one.example\n203.0.113.20 two.example\n' >>"$hosts/hosts"
    natter_config <<END
stun_server = { tcp = [ "one.example" ]; };
keep_alive = "203.0.113.30";
mappings = ( $WEB );
END
    natter_start
    remember web
    natter_config <<END
stun_server = { tcp = [ "203.0.113.11", "nobody.example" ]; };
keep_alive = "203.0.113.30";
mappings = ( $WEB );
END
    reload
    lab_wait 5 grep -q "cannot resolve nobody.example" "$LAB_DIR/natterd.log"
    natter_ctl refresh
    lab_wait 5 grep -q "STUN server 203.0.113.11:3478 answered" "$LAB_DIR/natterd.log"
    same_hole web
}

@test "hooks: a mapping that goes is told so, one that is only called otherwise with both names, and no other runs" {
    tell='hook = "echo {event} {name} >>hooks.txt"'
    config_mappings "status_report = { $tell; };" <<END
$WEB, { name = "a"; protocol = "tcp"; bind = "8083"; target = "192.168.77.3:80"; },
{ name = "b"; protocol = "tcp"; bind = "8084"; target = "192.168.77.3:80"; }
END
    natter_start
    has_run() {
        [[ $(sort "$LAB_DIR/hooks.txt" | paste -sd,) == "$1" ]]
    }
    lab_wait 10 has_run "up a,up b,up web"
    config_mappings "status_report = { hook = \"echo other {event} {name} >>hooks.txt\"; };" <<END
$WEB2, { name = "c"; protocol = "tcp"; bind = "8084"; target = "192.168.77.3:80"; }
END
    reload
    [[ $output == "0 mappings kept, 2 changed, 0 replaced, 0 added, 1 removed" ]]
    lab_wait 10 has_run "down a,down b,other up c,up a,up b,up web"
}

descriptors() {
    find "/proc/$1/fd" -mindepth 1 | wc -l
}

memory() {
    awk '/^VmRSS:/ { print $2 }' "/proc/$1/status"
}

workers() {
    pgrep -P "$(natter_pid)" -x natter-worker | wc -l
}

has_workers() {
    (($(workers) == $1))
}

@test "hundreds of reloads leave descriptors, memory and workers as they were" {
    one="$WEB, $GAME, { name = \"a\"; protocol = \"tcp\"; bind = \"8083\"; target = \"192.168.77.3:80\"; hook = \"true\"; }"
    two="$GAME, $WEB2, { name = \"b\"; protocol = \"tcp\"; bind = \"8084\"; target = \"192.168.77.3:80\"; }"
    config_mappings "" <<<"$two"
    cp "$LAB_DIR/natter.cfg" "$LAB_DIR/two.cfg"
    config_mappings "" <<<"$one"
    cp "$LAB_DIR/natter.cfg" "$LAB_DIR/one.cfg"
    sed -i 's/level = "debug"/level = "warning"/' "$LAB_DIR"/{one,two,natter}.cfg
    natter_start
    remember web
    natterd=$(natter_pid)
    many_reloads() {
        local n
        for ((n = 0; n < $1; n++)); do
            cp "$LAB_DIR/two.cfg" "$LAB_DIR/natter.cfg"
            natter_ctl reload
            cp "$LAB_DIR/one.cfg" "$LAB_DIR/natter.cfg"
            natter_ctl reload
        done
        natter_open a 20
        lab_wait 5 has_workers 3
    }
    many_reloads 20
    fds=$(descriptors "$natterd") worker_fds=$(descriptors "$worker")
    kib=$(memory "$natterd") worker_kib=$(memory "$worker")
    many_reloads 100
    same_hole web
    echo "descriptors $fds $(descriptors "$natterd"), $worker_fds $(descriptors "$worker")"
    echo "KiB $kib $(memory "$natterd"), $worker_kib $(memory "$worker")"
    (($(descriptors "$natterd") <= fds + 4 && $(descriptors "$worker") <= worker_fds + 2))
    natter_need_usual_build
    (($(memory "$natterd") <= kib + 200 && $(memory "$worker") <= worker_kib + 200))
}
