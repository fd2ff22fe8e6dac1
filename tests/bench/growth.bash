# SPDX-License-Identifier: ISC
# shellcheck shell=bash
#
# Do natterd and its workers grow, and is a process left? Samples descriptors and private memory of each process;
# at the end compares each one's last sample with the first that was taken when it had settled. Sourced by soak.bash.

: "${GROWTH_SETTLED:=120}"   # seconds of age from which on a process is measured
GROWTH_MEMORY=256           # so many KiB more than at first, or a tenth more, are no growth: memory of clients varies
# A sanitizer keeps what was freed for a while, and looks for leaks itself.
[[ $(<"$NATTER_BUILD/flags") != *-fsanitize* ]] || GROWTH_MEMORY=65536
: "${GROWTH_DESCRIPTORS:=4}" # the same for descriptors, those of UDP clients not counted

growth_begin() {
    : >"$LAB_DIR/growth"
    : >"$LAB_DIR/samples"
}

# growth_watch SECONDS: until it is ended, each so many seconds a line "TIME PROCESSES THREADS DESCRIPTORS KIB LOG-BYTES"
# of all processes together, whatever they are just doing.
growth_watch() {
    while sleep "$1"; do
        growth_total
    done >>"$LAB_DIR/samples" 2>/dev/null
}

growth_total() {
    local pid pids fds=() threads=() files=()
    mapfile -t pids < <(ip netns pids "$LAB_HOST")
    for pid in "${pids[@]}"; do
        fds+=("/proc/$pid/fd/"*) threads+=("/proc/$pid/task/"*) files+=("/proc/$pid/smaps_rollup")
    done
    echo "$(bench_now) ${#pids[@]} ${#threads[@]} ${#fds[@]} $(cat "${files[@]}" | awk '/^Private_Dirty/ { sum += $2 } END { print sum }') \
        $(stat -c %s "$LAB_DIR/natterd.log")"
}

# growth_sample: a line "ROLE PID AGE DESCRIPTORS KIB" for each process; says what is a zombie or has lost its parent.
growth_sample() {
    local parent pid role
    parent=$(natter_pid)
    growth_line natterd "$parent"
    for pid in $(ip netns pids "$LAB_HOST"); do
        [[ $pid != "$parent" ]] || continue
        growth_family "$parent" "$pid"
        # Its title has the mapping's name; a hook or a resolver is gone soon.
        role=$(ps -o args= -p "$pid" | sed -En 's/^natter-worker: ([^ ]+) .*/\1/p')
        [[ ! $role ]] || growth_line "$role" "$pid"
    done
}

growth_line() {
    local age memory
    age=$(ps -o etimes= -p "$2") || return 0
    # Not Private_Clean: a library's pages are private as long as no other natterd on the machine has them, too.
    memory=$(awk '/^Private_Dirty/ { sum += $2 } END { print sum }' "/proc/$2/smaps_rollup" 2>/dev/null) || return 0
    echo "$1 $2 $age $(growth_descriptors "$1" "$2") $memory" >>"$LAB_DIR/growth"
}

# growth_processes: natterd, a worker for each mapping, and nobody else.
growth_processes() {
    lab_wait 10 growth__processes "$(natter_ctl list --json | jq length)"
}

growth__processes() {
    (($(ip netns pids "$LAB_HOST" | wc -l) == $1 + 1))
}

# growth_descriptors ROLE PID: the fewest of a few looks, since an asker's connection may just pass. A UDP client has a
# descriptor until it is forgotten, and each ask is a client.
growth_descriptors() {
    local fds least=1000000 clients=0
    [[ $1 != udp* ]] || clients=$(natter_field "$1" connections)
    for _ in 1 2 3 4 5; do
        fds=("/proc/$2/fd/"*)
        ((${#fds[@]} >= least)) || least=${#fds[@]}
        sleep 0.02
    done
    echo $((least - clients))
}

# growth_family PARENT PID
growth_family() {
    local state ppid name
    read -r state ppid name < <(ps -o state=,ppid=,comm= -p "$2") || return 0
    if [[ $state == Z ]]; then
        echo "zombie $2 $name" >>"$LAB_DIR/growth"
    elif [[ $ppid != "$1" ]]; then
        echo "orphan $2 $name" >>"$LAB_DIR/growth"
    fi
}

# growth_verdict: a line for each process that lived long enough; fails if one grew, or was a zombie or an orphan.
growth_verdict() {
    awk -v settled="$GROWTH_SETTLED" -v memory="$GROWTH_MEMORY" -v descriptors="$GROWTH_DESCRIPTORS" '
        NF == 3 { print "  " $0; bad = 1; next }
        $3 < settled { next }
        !($2 in role) { order[++count] = $2; role[$2] = $1; age[$2] = $3; fds[$2] = $4; kib[$2] = $5 }
        { last_age[$2] = $3; last_fds[$2] = $4; last_kib[$2] = $5 }
        END {
            for (i = 1; i <= count; i++) {
                pid = order[i]
                room = kib[pid] / 10 > memory ? kib[pid] / 10 : memory
                grew = last_fds[pid] > fds[pid] + descriptors || last_kib[pid] > kib[pid] + room
                bad = bad || grew
                printf "  %-12s %6d s: descriptors %d -> %d, private memory %d -> %d KiB%s\n", role[pid],
                    last_age[pid] - age[pid], fds[pid], last_fds[pid], kib[pid], last_kib[pid], grew ? "  GREW" : ""
            }
            exit bad
        }' "$LAB_DIR/growth"
}

# growth_range: the samples of growth_watch in one line each.
growth_range() {
    awk '
        BEGIN { split("processes threads descriptors KiB-private log-bytes", name) }
        NF == 6 {
            samples++
            for (i = 1; i <= 5; i++) {
                if (samples == 1) first[i] = least[i] = $(i + 1)
                if ($(i + 1) < least[i]) least[i] = $(i + 1)
                if ($(i + 1) > most[i]) most[i] = $(i + 1)
                last[i] = $(i + 1)
            }
        }
        END {
            printf "  %d samples of all processes\n", samples
            for (i = 1; i <= 5; i++)
                printf "  %-12s first %d, least %d, most %d, last %d\n", name[i], first[i], least[i], most[i], last[i]
        }' "$LAB_DIR/samples"
}

# growth_nobody_left: after the end of natterd.
growth_nobody_left() {
    lab_wait 2 growth_empty || { ps -o pid,ppid,state,args -p "$(ip netns pids "$LAB_HOST" | paste -sd,)" && return 1; }
}

growth_empty() {
    [[ ! $(ip netns pids "$LAB_HOST") ]]
}
