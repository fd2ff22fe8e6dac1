# SPDX-License-Identifier: ISC
# shellcheck shell=bash
#
# What the system tests and the demonstration share: the lab, and natterd in it. natterd runs on the lab's
# inner host, or in the namespace NATTER_PLACE, in the foreground, with a folder of its own in LAB_DIR:
# natter.cfg, status.json, hooks.log, natterd.log. NATTER_BUILD says which build is used.

TESTS=$(cd "${BASH_SOURCE[0]%/*}" && pwd)
NATTER_BUILD=${NATTER_BUILD:-$TESTS/../build}
NATTER_BUILD=$(cd "$NATTER_BUILD" && pwd)
# shellcheck source-path=SCRIPTDIR source=lab/lab.bash
source "$TESTS/lab/lab.bash"

# What a test file of the whole has before and after each test, unless it says otherwise.
setup() {
    lab_need_root
    lab_up fullcone
    lab_servers
}

teardown() {
    natter_down
}

# natter_need_usual_build: skips the test in a build with a sanitizer or with other optimisation, about which numbers of
# instructions or bytes say nothing. Also with NATTER_TEST_STRICT=1: see run.sh.
natter_need_usual_build() {
    local flags
    flags=$(<"$NATTER_BUILD/flags")
    [[ $flags != *-fsanitize* && $flags == *" -O2 "* ]] || skip "not in this build: it has a sanitizer, or not -O2"
}

# natter_names: a name service of the lab's inner host alone, which knows what a test writes into the file
# "$hosts/hosts" and answers at once for the rest. ip netns mounts the folder over /etc. natter_down removes it.
natter_names() {
    hosts=/etc/netns/$LAB_HOST
    # Another test may take the empty /etc/netns away between the two steps of it.
    lab_wait 2 mkdir -p "$hosts"
    printf '127.0.0.1 localhost\n' >"$hosts/hosts"
    printf 'nameserver 127.0.0.1\noptions timeout:1 attempts:1\n' >"$hosts/resolv.conf"
}

# natter_config <<END: what follows is natter.cfg, after the lines that put every file into the lab's folder
# and name the lab's servers.
natter_config() {
    {
        cat <<END
logging = { level = "debug"; };
control_socket = "$LAB_DIR/natter.sock";
pid_file = "$LAB_DIR/natterd.pid-file";
state_dir = "$LAB_DIR/state";
user = "nobody";
END
        cat
    } >"$LAB_DIR/natter.cfg"
}

# The lab's servers as lines for natter_config.
natter_lab_servers() {
    cat <<'END'
stun_server = { tcp = [ "203.0.113.10", "203.0.113.11:3479" ];
                udp = [ "203.0.113.20", "203.0.113.10:3478" ]; };
keep_alive = [ "203.0.113.30", "203.0.113.31" ];
END
}

# natter_start [OPTION...]: natterd in its place; returns when it answers. It runs in the background of a
# temporary process group, so its pid is in natterd.pid.
natter_start() {
    lab_spawn "${NATTER_PLACE:-$LAB_HOST}" natterd "$NATTER_BUILD/natterd" -f -c "$LAB_DIR/natter.cfg" "$@"
    lab_wait 5 natter_ctl version || { cat "$LAB_DIR/natterd.log" >&2 && return 1; }
}

# natter_start_daemon: natterd as a service; returns when it is in the background. bats would wait for whoever has its
# descriptors.
natter_start_daemon() {
    lab_in "${NATTER_PLACE:-$LAB_HOST}" "$NATTER_BUILD/natterd" -c "$LAB_DIR/natter.cfg" 3>&- 4>&-
}

# natter_start_in_quiet [OPTION...]: as natter_start. Addresses that are still being tried out by IPv6 are a change of the
# network some time later, after which every mapping looks again: they are waited for.
natter_start_in_quiet() {
    lab_wait 5 natter__network_is_quiet && natter_start "$@"
}

natter__network_is_quiet() {
    [[ ! $(lab_in "$LAB_HOST" ip -6 address show tentative) ]]
}

natter_stop() {
    lab_end natterd && natter_no_findings
}

# What the sanitizers found in natterd and its workers, whose stderr is in natterd.log.
natter_no_findings() {
    ! grep -HE 'Sanitizer|runtime error:' "$LAB_DIR"/*.log >&2
}

# For a teardown: ends natterd properly, so that leaks are looked for, then the lab. Fails if there was a finding.
natter_down() {
    local result=0
    [[ ! ${LAB_DIR:-} ]] || {
        [[ ! -e $LAB_DIR/natterd.pid ]] || natter_stop || result=1
        natter_no_findings || result=1
        rm -rf "/etc/netns/$LAB_HOST"
        rmdir --ignore-fail-on-non-empty /etc/netns 2>/dev/null || :
    }
    lab_down
    return "$result"
}

# natter_echo PLACE tcp|udp ADDRESS:PORT [NAME]: sends back what arrives there, from now on and until lab_end NAME (echo).
natter_echo() {
    local program=connections
    [[ $2 == tcp ]] || program=datagrams
    lab_spawn "$1" "${4:-echo}" "$NATTER_BUILD/tests/$program" echo "$3" && lab_wait 5 lab_listening "$1" "$2" "$3"
}

# natter_watch_published: every outer address that the status file ever has, in its list for this version and in the one
# for v0.9, line by line in watcher.log, until lab_end watcher; "in one list" if only one of the two has it.
natter_watch_published() {
    # shellcheck disable=SC2016
    lab_spawn "$LAB_HOST" watcher bash -c 'while awk -F\" "/\"outer\":/ { print \$4; n++ } END { if (n != 2) print \"in one list\" }" \
        "$0"; do sleep 0.02; done' "$LAB_DIR/status.json"
    lab_wait 2 test -s "$LAB_DIR/watcher.log"
}

natter_pid() {
    cat "$LAB_DIR/natterd.pid"
}

# natter_ctl ARGUMENT...: natterctl at this lab's natterd.
natter_ctl() {
    "$NATTER_BUILD/natterctl" -s "$LAB_DIR/natter.sock" "$@"
}

# natter_field NAME FIELD: one field of one mapping. jq takes 20 ms to start, and most fields, which are asked for all
# the time, are plain: one line each.
natter_field() {
    if [[ $2 == *.* ]]; then
        natter_ctl show "$1" --json | jq -r ".$2"
    else
        natter_ctl show "$1" --json |
            sed -nE "/^  \"$2\": / { s///; s/,\$//; s/^\"(.*)\"\$/\1/; s/\\\\\"/\"/g; p }"
    fi
}

natter_is() {
    [[ $(natter_field "$1" "$2") == "$3" ]]
}

# natter_open NAME [SECONDS]: waits until the mapping is open and prints its outer address.
natter_open() {
    lab_wait "${2:-5}" natter_is "$1" state open || { natter_trouble && return 1; }
    natter_field "$1" outer
}

natter_trouble() {
    { natter_ctl list; cat "$LAB_DIR/natterd.log"; } >&2
}

# natter_fetch ADDRESS:PORT [PATH]: what an outside client reads there.
natter_fetch() {
    lab_in "$LAB_INET" curl --interface 203.0.113.40 -sS -m 5 "http://$1/${2:-}"
}
