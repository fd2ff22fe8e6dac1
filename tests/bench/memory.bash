# SPDX-License-Identifier: ISC
# shellcheck shell=bash
#
# What a relay costs that has nothing to do, or a thousand clients that do nothing: memory, descriptors, wake-ups.
# Of the processes that relay one service, as natter has one for each mapping. To be sourced after peers.bash.

MEMORY_CLIENTS=1000
: "${MEMORY_UDP_TIMEOUT:=5}"    # seconds after which the relay forgets a UDP client
: "${MEMORY_IDLE_SECONDS:=12}" # for wake-ups: more than one keep-alive

# memory PEER: one object. The peer starts anew for it, and again after it. KiB, but for descriptors and wake-ups:
#
#     private, pss           of the idle relay of a TCP service; wakeups: a minute
#     supervisor             private memory of natter's other process
#     tcp, udp               more private memory with so many clients; tcp_left, udp_left: when they are gone
#     tcp_descriptors ..     more of them
#     tcp_kernel, udp_kernel more memory of this machine's kernel, the ends included: less that of "direct"
memory() {
    local result
    memory__restart "$1" "$MEMORY_UDP_TIMEOUT" || return
    peer_begin "$1"
    result=$({ memory__idle "$1" && memory__tcp "$1" && memory__udp "$1"; } 2>"$LAB_DIR/measure.log" | jq -cs add) ||
        result=$(jq -Rs '{error: .}' "$LAB_DIR/measure.log")
    peer_finish "$1"
    echo "$result"
    memory__restart "$1" "$PEERS_UDP_TIMEOUT"
}

memory__restart() {
    peer_stop "$1" && PEERS_UDP_TIMEOUT=$2 peer_start "$1"
}

# memory__of FIELD PID...: the sum of this field of smaps_rollup.
memory__of() {
    local pid
    for pid in "${@:2}"; do
        # A process of a connection may just have ended.
        cat "/proc/$pid/smaps_rollup" 2>/dev/null || :
    done | awk -v field="^$1" '$1 ~ field { sum += $2 } END { print sum + 0 }'
}

# memory__look PEER SERVICE: sets private, descriptors and kernel.
memory__look() {
    local pids
    mapfile -t pids < <(peer_worker "$1" "$2")
    private=$(memory__of Private_ "${pids[@]}")
    descriptors=$(memory__descriptors "${pids[@]}")
    kernel=$(awk '/^(Slab|KernelStack|PageTables|Percpu):/ { sum += $2 } END { print sum }' /proc/meminfo)
}

# memory__descriptors PID...: the fewest of a few looks, since natter may just be asking a server.
memory__descriptors() {
    local pid fds least=1000000
    for _ in 1 2 3 4 5; do
        fds=()
        for pid in "$@"; do
            fds+=("/proc/$pid/fd/"*)
        done
        ((${#fds[@]} >= least)) || least=${#fds[@]}
        sleep 0.02
    done
    echo "$least"
}

memory__switches() {
    local pid
    for pid in "$@"; do
        cat "/proc/$pid/status"
    done | awk '/^voluntary_ctxt/ { sum += $2 } END { print sum + 0 }'
}

memory__idle() {
    local pids others switches
    mapfile -t pids < <(peer_worker "$1" hold)
    others=0 switches=0
    if ((${#pids[@]})); then
        # What a start leaves to be done shall be over.
        sleep 2
        switches=$(memory__switches "${pids[@]}")
        sleep "$MEMORY_IDLE_SECONDS"
        switches=$(($(memory__switches "${pids[@]}") - switches))
    fi
    [[ $(peer_kind "$1") != natter ]] || others=$(memory__of Private_ "$(<"$(peer__folder "$1")/natterd.pid")")
    echo "{\"private\":$(memory__of Private_ "${pids[@]}"),\"pss\":$(memory__of Pss: "${pids[@]}"),\"supervisor\":$others,
        \"wakeups\":$((switches * 60 / MEMORY_IDLE_SECONDS))}"
}

# memory__few PEER SERVICE COUNT: has the relay no more descriptors than that?
memory__few() {
    local private descriptors kernel
    memory__look "$1" "$2"
    ((descriptors <= $3))
}

# memory__compare NAME PEER SERVICE COMMAND...: looks before and after the command.
memory__compare() {
    local private descriptors kernel before
    memory__look "$2" "$3"
    before=("$private" "$descriptors" "$kernel")
    "${@:4}" || return
    memory__look "$2" "$3"
    echo "{\"$1\":$((private - before[0])),\"$1_descriptors\":$((descriptors - before[1])),\"$1_kernel\":$((kernel - before[2]))}"
}

# memory__left NAME PEER SERVICE BEFORE-PRIVATE BEFORE-DESCRIPTORS: what is still there when all descriptors are back,
# or cannot be any more.
memory__left() {
    local private descriptors kernel
    lab_wait 15 memory__few "$2" "$3" "$5" || :
    memory__look "$2" "$3"
    echo "{\"$1_left\":$((private - $4)),\"$1_descriptors_left\":$((descriptors - $5))}"
}

memory__tcp() {
    local private descriptors kernel
    memory__look "$1" hold
    memory__compare tcp "$1" hold memory__keep "$1" || echo '{"incomplete": "not every TCP client was served"}'
    lab_end keep
    memory__left tcp "$1" hold "$private" "$descriptors"
}

memory__keep() {
    lab_spawn "$LAB_INET" keep "$NATTER_BUILD/tests/connections" keep "$(peer_address "$1" hold)" "$MEMORY_CLIENTS"
    lab_wait 20 grep -q "right$" "$LAB_DIR/keep.log" && grep -q " $MEMORY_CLIENTS right$" "$LAB_DIR/keep.log"
}

memory__udp() {
    local private descriptors kernel
    peer_serves "$1" echo && [[ $(peer_kind "$1") != socat ]] || return 0
    memory__look "$1" echo
    memory__compare udp "$1" echo memory__ask "$1" || echo '{"incomplete": "UDP could not be measured"}'
    memory__left udp "$1" echo "$private" "$descriptors"
}

# Long enough for those to ask again that were lost in the opening burst.
memory__ask() {
    lab_in "$LAB_INET" "$NATTER_BUILD/tests/pings" ask "$(peer_address "$1" echo)" 0.7 64 "$MEMORY_CLIENTS" 1 >"$LAB_DIR/memory.json"
}
