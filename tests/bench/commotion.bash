# SPDX-License-Identifier: ISC
# shellcheck shell=bash
#
# What goes on during a soak beside its events: clients that come and go in every way (churn.c), natterctl that looks and
# watches, hooks, and reloads with another target, other limits, one mapping more or less, or a mistake. To be sourced
# after bench.bash. What the clients saw of each event is a line of JSON in LAB_DIR/churn.json.

COMMOTION_PORT=80    # of the target of those that are asked; on both is the same page
COMMOTION_SECONDS=2  # until a UDP client is forgotten
COMMOTION_GUEST=""   # a mapping that is not always there

# shellcheck disable=SC2034 # bench.bash reads them
commotion_settings() {
    BENCH_TARGET=192.168.77.3:$COMMOTION_PORT
    # A client who asked through a hole that is gone would else be waited for until the kernel gives it up, for hours.
    # So would one whose question was late on a busy machine: it asks again from another port.
    BENCH_TCP="tcp_timeout = 20;" BENCH_UDP="udp_timeout = 5;"
    BENCH_REPORT="hook = \"echo '{event} {name} {outer_ip}:{outer_port}' >>$LAB_DIR/hooks.log\"; "
    # A hook that takes its time, and fails, holds up nobody.
    BENCH_MORE=", { name = \"echo\"; protocol = \"tcp\"; target = \"192.168.77.3:7000\"; tcp_timeout = 10; tcp_keepalive = 3; }
        , { name = \"game\"; protocol = \"udp\"; target = \"192.168.77.3:7777\"; udp_timeout = $COMMOTION_SECONDS; }
        , { name = \"slow\"; protocol = \"tcp\"; bind = \"7999\"; hook = \"sleep 1; exit 1\"; hook_retry = 2; }$COMMOTION_GUEST"
}

# commotion_targets: besides those of bench_up, and after it.
commotion_targets() {
    lab_web "$LAB_LAN" 192.168.77.3:81 "$BENCH_PAGE" &&
        natter_echo "$LAB_LAN" tcp 192.168.77.3:7000 hold
}

# --- Clients ---

# commotion_begin SEED
commotion_begin() {
    lab_spawn "$LAB_INET" churn "$NATTER_BUILD/tests/churn" "$LAB_DIR/status.json" "$BENCH_ASKER" "$1" echo game
}

# commotion_end EVENT: the clients finish, and natterd forgets those that vanished. Prints what became of them.
commotion_end() {
    local row
    LAB_END_SECONDS=30 lab_end churn || return
    row=$(tail -n 1 "$LAB_DIR/churn.log" | jq -c --arg event "$1" '{event: $event} + .') || return
    echo "$row" | tee -a "$LAB_DIR/churn.json"
    lab_wait 30 natter_is echo connections 0 && lab_wait 30 natter_is game connections 0
}

# commotion_judge ROW: prints what is too much. Only what ends the way, or the worker, may cost a client anything.
commotion_judge() {
    jq -r '[(if .wrong > 0 then "\(.wrong) wrong" else empty end),
            (if (.event | test("^(reload|refresh|keepalive-|stun-|quiet)")) and .cut + .refused > 0 then "\(.cut) cut, \(.refused) refused"
             else empty end)] | join(", ")' <<<"$1"
}

commotion_totals() {
    jq -rs 'def total(f): map(f) | add // 0;
        "  clients: \(total(.connections)) connections, \(total(.sessions)) UDP sessions, " +
        "\(total(.bytes) / 1048576 | floor) MiB back right, \(total(.wrong)) wrong; " +
        "in events that end the way \(total(.cut)) cut, \(total(.refused)) refused, \(total(.lost)) datagrams lost"' "$LAB_DIR/churn.json"
}

# --- natterctl ---

# commotion_watchers: until it is ended. A watcher ends as with Ctrl-C, is ended, or is killed.
commotion_watchers() {
    local signal
    set +e
    while :; do
        for signal in INT TERM KILL; do
            timeout -s "$signal" 3 "$NATTER_BUILD/natterctl" -s "$LAB_DIR/natter.sock" watch
            natter_ctl list && natter_ctl show tcp1 --json && natter_ctl metrics
            echo "$signal" >&3
        done
    done >/dev/null 2>&1 3>>"$LAB_DIR/watchers"
}

# --- Reloads ---

# commotion_reload target|limits|mapping|mistake: what has changed in natter.cfg.
commotion_reload() {
    case $1 in
    target) COMMOTION_PORT=$((161 - COMMOTION_PORT)) ;;
    limits) COMMOTION_SECONDS=$((5 - COMMOTION_SECONDS)) ;;
    mapping) commotion_guest ;;
    mistake)
        commotion_mistake
        return
        ;;
    esac
    commotion_settings
    bench_config "${BENCH_NAMES[@]}" && natter_ctl reload >/dev/null
}

commotion_guest() {
    if [[ $COMMOTION_GUEST ]]; then
        COMMOTION_GUEST=""
    else
        COMMOTION_GUEST=', { name = "guest"; protocol = "tcp"; target = "192.168.77.3:80"; }'
    fi
}

# A file with a mistake changes nothing.
commotion_mistake() {
    cp "$LAB_DIR/natter.cfg" "$LAB_DIR/good.cfg"
    echo 'mistake = 1;' >>"$LAB_DIR/natter.cfg"
    ! natter_ctl reload 2>/dev/null && mv "$LAB_DIR/good.cfg" "$LAB_DIR/natter.cfg"
}

# commotion_calm: everything as it was at the beginning.
commotion_calm() {
    COMMOTION_PORT=80 COMMOTION_SECONDS=2 COMMOTION_GUEST=""
    commotion_settings
    bench_config "${BENCH_NAMES[@]}" && natter_ctl reload >/dev/null
}

# --- What is published ---

# commotion_true: is what every mapping has published what the carrier's NAT has for it, and what its hook was told? What
# is not is the last line of LAB_DIR/untrue.
commotion_true() {
    local name protocol outer bind inside list found
    inside=$(ip -n "$LAB_HOST" -4 -json address show dev eth0 | jq -r '.[0].addr_info[0].local')
    list=$(natter_ctl list --json | jq -er '.[] | "\(.name) \(.protocol) \(.outer) \(.bind)"') || return
    while read -r name protocol outer bind; do
        commotion__in_nat "$protocol" "$outer" "$inside . ${bind##*:}" || { commotion__untrue "$name" "$outer" "the NAT has" && return 1; }
        commotion__told "$name" "$outer" || { commotion__untrue "$name" "$outer" "the hook was told" && return 1; }
    done <<<"$list"
}

# commotion__in_nat PROTOCOL OUTER ENDPOINT; sets found to what is there instead.
commotion__in_nat() {
    found="$(lab_wan), $(lab_in "$LAB_CARRIER" nft get element ip lab_nat "in_$1" "{ ${2##*:} }" 2>&1 | tr -d '\n')"
    [[ $found == "${2%:*}, "*": $3 "* ]]
}

# commotion__told NAME OUTER: likewise. The hook of one mapping does not say.
commotion__told() {
    found=$(grep " $1 " "$LAB_DIR/hooks.log" | tail -n 1)
    [[ $1 == slow || $found == *" $2" ]]
}

commotion__untrue() {
    echo "$(bench_now) $1: $2 is published, but $3 $found" >>"$LAB_DIR/untrue"
}
