#!/bin/bash
# SPDX-License-Identifier: ISC
#
# reloads.bash [RELOADS]: one natterd reads natter.cfg again so many times (default 10,000), half of them with another
# target for one of its two mappings, one in ten a file that is refused, some by a signal. Through the mapping that
# stays as it is goes one connection, on which a client gets its own words back all the time. Ends with the figures;
# fails if the connection broke, the mapping had another worker, address or hole, or natterd or a worker grew.
set -euo pipefail

# shellcheck source-path=SCRIPTDIR source=helper.bash
source "$(dirname "$0")/helper.bash"

reloads=${1:-10000}
MEMORY_ROOM=256 # KiB that are no growth: how a heap is filled varies
# A sanitizer keeps what was freed for a while.
[[ $(<"$NATTER_BUILD/flags") != *-fsanitize* ]] || MEMORY_ROOM=262144
done_well=0 refused=0

config() {
    natter_config <<END
$(natter_lab_servers)
status_report = { status_file = "status.json"; };
mappings = ( { name = "web"; protocol = "tcp"; bind = "8081"; target = "192.168.77.3:80"; },
             { name = "other"; protocol = "tcp"; bind = "8082"; target = "192.168.77.3:$1"; } );
END
    sed -i 's/debug/error/' "$LAB_DIR/natter.cfg"
    mv "$LAB_DIR/natter.cfg" "$LAB_DIR/to-$1.cfg"
}

# Each as a file of its own, so that the copy is all that a reload costs.
make_configs() {
    config 80
    config 81
    sed 's/protocol = "tcp"; bind = "8082"/protocol = "tpc"; bind = "8082"/' "$LAB_DIR/to-80.cfg" >"$LAB_DIR/refused.cfg"
    use to-80
}

use() {
    cp "$LAB_DIR/$1.cfg" "$LAB_DIR/new.cfg"
    mv "$LAB_DIR/new.cfg" "$LAB_DIR/natter.cfg"
}

# reload NUMBER
reload() {
    case $(($1 % 10)) in
    0 | 2 | 4 | 6 | 8) use "to-$((80 + $1 / 2 % 2))" ;;
    5)
        use refused
        ! natter_ctl reload >/dev/null 2>&1 || fail "a bad file was taken"
        refused=$((refused + 1))
        return
        ;;
    7) kill -HUP "$(natter_pid)" && done_well=$((done_well + 1)) && return ;;
    9) use "to-$((80 + $1 / 2 % 2))" ;;
    esac
    natter_ctl reload >/dev/null || fail "a good file was refused"
    done_well=$((done_well + 1))
}

# talk: a client's own words, on one connection.
talk() {
    lab_spawn "$LAB_INET" talk sh -c \
        "while sleep 0.2; do date +%s.%N; done | socat - TCP:$1,bind=203.0.113.40"
    lab_wait 5 has_heard 2
}

has_heard() {
    (($(wc -l <"$LAB_DIR/talk.log") >= $1))
}

# sample: "ROLE DESCRIPTORS KIB" of natterd and each worker.
sample() {
    local pid
    for pid in $(ip netns pids "$LAB_HOST" | sort -n); do
        echo "$(ps -o comm= -p "$pid") $(find "/proc/$pid/fd" -mindepth 1 | wc -l)" \
            "$(awk '/^Private_Dirty/ { sum += $2 } END { print sum }' "/proc/$pid/smaps_rollup")"
    done
}

# compare BEFORE AFTER
compare() {
    paste -d ' ' <(echo "$1") <(echo "$2") | awk -v room="$MEMORY_ROOM" '
        { printf "  %-14s descriptors %d -> %d, private memory %d -> %d KiB\n", $1, $2, $5, $3, $6 }
        NF != 6 || $1 != $4 || $5 > $2 || $6 > $3 + room { bad = 1 }
        END { exit bad }'
}

as_it_was() {
    natter_is web pid "$worker" && natter_is web outer "$outer" && natter_is web since "$since" &&
        natter_is web holes_lost 0 && natter_is web state open && natter_is other state open
}

fail() {
    echo "reloads: $1" >&2
    exit 1
}

end() {
    local result=$?
    natter_down || result=1
    exit "$result"
}

lab_need_root
trap end EXIT
trap 'exit 143' TERM INT
lab_up fullcone
lab_servers
for port in 80 81; do
    natter_echo "$LAB_LAN" tcp "192.168.77.3:$port" "echo$port"
done
make_configs
natter_start
outer=$(natter_open web) worker=$(natter_field web pid) since=$(natter_field web since)
natter_open other >/dev/null
talk "$outer"
# What is made once, by the first of each kind, is no growth.
for ((n = 0; n < 50; n++)); do
    reload "$n"
done
before=$(sample)
began=$EPOCHREALTIME
for ((; n < reloads; n++)); do
    reload "$n"
done
took=$(awk "BEGIN { printf \"%.0f\", $EPOCHREALTIME - $began }")
use to-80
natter_ctl reload >/dev/null
lab_wait 5 as_it_was || fail "the mapping that stayed as it is did not"
lab_wait 5 has_heard "$(($(wc -l <"$LAB_DIR/talk.log") + 3))" ||
    fail "the connection is broken"
compare "$before" "$(sample)" || fail "somebody grew, or was lost"
echo "reloads: $done_well done, $refused refused in $took s; one connection lived through them, with $(wc -l <"$LAB_DIR/talk.log") answers"
