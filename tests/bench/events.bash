# SPDX-License-Identifier: ISC
# shellcheck shell=bash
#
# The events that a mapping has to survive, by name, and for how long it may be out of reach through each.
# Sourced by bench.bash, whose names it uses. A kind is "tcp", "udp" (alone) or "udp+tcp" (UDP beside a TCP mapping).

# Those that last come first, so that a run of all ends early.
# shellcheck disable=SC2034 # for those who source this
BENCH_EVENTS=(keepalive-requests keepalive-age keepalive-idle keepalive-silent entries-20s stun-all-down
    stun-first-down stun-liar loss-20 forget-reset forget-silence new-address new-address-silence redial link-down
    worker-killed natterd-restarted)

BENCH_FROM=0   # when the last event began
BENCH_BACK=0   # when the network was back; the same if it was never away
BENCH_NEXT=0   # for addresses that were not there before
BENCH_HOLD=60  # seconds that a lasting trouble lasts

# bench_kinds EVENT: the kinds for which it makes a difference.
bench_kinds() {
    case $1 in
    keepalive-*) echo tcp ;;
    *-silence) echo tcp udp+tcp ;;
    forget-* | new-address | redial) echo tcp udp udp+tcp ;;
    *) echo tcp udp ;;
    esac
}

# bench_what EVENT: in words.
bench_what() {
    case $1 in
    keepalive-requests) echo "keep-alive servers close after 3 requests" ;;
    keepalive-age) echo "keep-alive servers close after 30 s of age" ;;
    keepalive-idle) echo "keep-alive servers close after 5 s idle" ;;
    keepalive-silent) echo "one keep-alive server falls silent" ;;
    entries-20s) echo "the NAT's entries live 20 s" ;;
    stun-all-down) echo "all STUN servers down for a minute" ;;
    stun-first-down) echo "the first STUN server is silent" ;;
    stun-liar) echo "the first STUN server lies" ;;
    loss-20) echo "20 % loss between this machine and its servers" ;;
    forget-reset) echo "NAT forgets everything, 2 s outage, then resets" ;;
    forget-silence) echo "NAT forgets everything, 2 s outage, then silence" ;;
    new-address) echo "new outside address, then resets" ;;
    new-address-silence) echo "new outside address, then silence" ;;
    redial) echo "inside address changed, 2 s without any" ;;
    link-down) echo "inside link down for 2 s" ;;
    worker-killed) echo "worker killed with -9" ;;
    natterd-restarted) echo "natterd restarted" ;;
    esac
}

# bench_bound EVENT KIND INTERVAL: seconds that it may be out of reach after the network is back. INTERVAL is that
# of the questions that hold a UDP mapping.
bench_bound() {
    case $1/$2 in
    forget-*/udp | new-address*/udp | redial/udp) echo $(($3 + 2)) ;;
    forget-silence/*) echo 6 ;;
    forget-reset/* | new-address*/*) echo 3 ;;
    redial/* | link-down/* | natterd-restarted/*) echo 1 ;;
    worker-killed/*) echo 0.5 ;;
    *) echo 0 ;;
    esac
}

# bench_keeps_port EVENT: must the outside port stay the same?
bench_keeps_port() {
    [[ $1 != forget-* && $1 != new-address* && $1 != redial ]]
}

# bench_rounds EVENT: how often it is made to happen. How long a short one lasts depends on the moment; a worker
# that dies again and again is another matter than one that dies.
bench_rounds() {
    case $1 in
    forget-* | new-address* | redial | link-down | natterd-restarted) echo 3 ;;
    *) echo 1 ;;
    esac
}

# bench_prepare EVENT: the settings of an event that is there from the beginning; before bench_up.
# shellcheck disable=SC2034 # settings of the lab
bench_prepare() {
    # A NAT that forgets soon, and that is reminded from inside alone: the askers must not help.
    LAB_INBOUND_REFRESH=0 LAB_TCP_TIMEOUT=25 LAB_UDP_TIMEOUT=25
    case $1 in
    keepalive-requests) LAB_KEEPALIVE_REQUESTS=3 BENCH_HOLD=90 ;;
    keepalive-age) LAB_KEEPALIVE_AGE=30s BENCH_HOLD=75 ;;
    keepalive-idle) LAB_KEEPALIVE_TIMEOUT=5s ;;
    entries-20s) LAB_TCP_TIMEOUT=20 LAB_UDP_TIMEOUT=20 BENCH_HOLD=75 ;;
    stun-liar) BENCH_WITNESS=$BENCH_LIE ;;
    esac
}

# bench_make EVENT KIND: makes it happen, to its end; sets BENCH_FROM and BENCH_BACK.
bench_make() {
    BENCH_NEXT=$((BENCH_NEXT + 1))
    BENCH_FROM=$(bench_now) BENCH_BACK=0
    case $1 in
    forget-reset) LAB_TCP_LOOSE=1 bench_outage lab_forget 2 ;;
    forget-silence) LAB_TCP_LOOSE=0 bench_outage lab_forget 2 ;;
    new-address) LAB_TCP_LOOSE=1 bench_outage lab_readdress "203.0.113.$((253 - BENCH_NEXT % 100))" ;;
    new-address-silence) LAB_TCP_LOOSE=0 bench_outage lab_readdress "203.0.113.$((253 - BENCH_NEXT % 100))" ;;
    redial) bench_outage lab_redial "192.168.77.$((100 + BENCH_NEXT % 100))" 2 ;;
    link-down) bench_outage lab_link_down 2 ;;
    worker-killed) bench_kill "${BENCH_NAMES[0]}" ;;
    natterd-restarted) bench_restart ;;
    keepalive-silent) lab_silence 203.0.113.30 && bench_pause "$BENCH_HOLD" && lab_silence_end ;;
    stun-first-down) bench_first_down "$2" && bench_pause "$BENCH_HOLD" && lab_silence_end ;;
    stun-all-down) bench_stun_servers stop && bench_pause "$BENCH_HOLD" && bench_stun_servers start ;;
    loss-20) lab_loss 20 "$BENCH_ASKER" && bench_pause "$BENCH_HOLD" && lab_loss 0 ;;
    *) bench_pause "$BENCH_HOLD" ;;
    esac || return
    [[ $BENCH_BACK != 0 ]] || BENCH_BACK=$BENCH_FROM
}

bench_outage() {
    "$@" || return
    BENCH_BACK=$(bench_now)
}

# bench_kill NAME: the worker of this mapping.
bench_kill() {
    kill -KILL "$(natter_field "$1" pid)"
}

# The log goes on in another file.
bench_restart() {
    natter_stop && mv "$LAB_DIR/natterd.log" "$LAB_DIR/natterd-$BENCH_NEXT.log" && natter_start
}

# bench_first_down KIND: each protocol has a list of its own.
bench_first_down() {
    if [[ $BENCH_WITNESS ]]; then
        lab_silence "$BENCH_LIAR"
    elif [[ $1 == tcp ]]; then
        lab_silence 203.0.113.10
    else
        lab_silence 203.0.113.20
    fi
}

# bench_stun_servers start|stop
bench_stun_servers() {
    "lab_$1_server" coturn && "lab_$1_server" stund || return
    [[ ! $BENCH_WITNESS ]] || "bench_witness_$1"
}
