# SPDX-License-Identifier: ISC
# shellcheck shell=bash
#
# What the tests of the ready hooks share: how a hook is run, and the stand-in on loopback that some talk to
# (hooks_standin.py). Every step runs with dash and with busybox alone.

# shellcheck source-path=SCRIPTDIR source=helper.bash
source "$BATS_TEST_DIRNAME/helper.bash"

setup() {
    lab_need_root
    hooks=$(cd "$BATS_TEST_DIRNAME/../supervisor/hooks" && pwd)
    folder=$BATS_TEST_TMPDIR
    umask 077
    mkdir "$folder/tools"
    for tool in cat dirname grep id ls sed sh tr; do
        ln -s "$(command -v busybox)" "$folder/tools/$tool"
    done
    ln -s "$(command -v curl)" "$(command -v nsupdate)" "$folder/tools"
    event=up address=203.0.113.7 under=() given=()
    with dash
}

teardown() {
    standin_end
    [[ ! ${LAB_DIR:-} ]] || natter_down
}

# with dash|busybox: what runs the hooks from now on, and an outer port of its own.
with() {
    case $1 in
    dash) port=40123 shell=dash path=$PATH ;;
    busybox) port=40124 shell=$folder/tools/sh path=$folder/tools ;;
    esac
}

# hook PROGRAM [ARGUMENT...]: as natterd runs it; event and address say what for, under is a command that runs it,
# given is more of its environment.
hook() {
    "${under[@]}" env -i PATH="$path" "${given[@]}" NATTER_NAME=web NATTER_EVENT="$event" NATTER_PROTOCOL=tcp \
        NATTER_INNER_IP=192.168.1.10 NATTER_INNER_PORT=443 NATTER_OUTER_IP="$address" NATTER_OUTER_PORT="$port" \
        NATTER_OLD_OUTER_IP=203.0.113.6 NATTER_OLD_OUTER_PORT=40000 NATTER_TARGET=192.168.1.10:443 \
        NATTER_IP4P="$(ip4p)" "$shell" "$hooks/$1" "${@:2}"
}

ip4p() {
    [[ $address == *:* ]] || printf '2001::%x:cb00:7107\n' "$port"
}

# settings NAME <<END: a file of settings, and secret NAME TEXT: one of a secret.
settings() {
    cat >"$folder/$1"
}

secret() {
    printf '%s\n' "$2" >"$folder/$1"
}

# The stand-in, if it does not run yet, and where it is.
standin() {
    [[ -e $folder/port ]] || standin_start
    at=http://127.0.0.1:$(<"$folder/port")
}

standin_start() {
    /usr/bin/python3 "$BATS_TEST_DIRNAME/hooks_standin.py" "$folder" 3>&- 4>&- >"$folder/standin.log" 2>&1 &
    echo $! >"$folder/standin.pid"
    lab_wait 10 test -s "$folder/port"
}

standin_end() {
    [[ -e $folder/standin.pid ]] || return 0
    kill "$(<"$folder/standin.pid")"
    lab_wait 5 lab_gone "$(<"$folder/standin.pid")"
    rm -f "$folder/standin.pid" "$folder/port" "$folder/mishap" "$folder/requests"
}

# state EXPRESSION: is it true of what the stand-in was made to keep?
state() {
    jq -e --argjson port "$port" "$1" "$folder/state.json" >/dev/null || { jq . "$folder/state.json" && return 1; }
}

mishap() {
    echo "$1" >"$folder/mishap"
}

use_transmission() {
    standin
    secret login tr:transmission-secret
    settings transmission.conf <<END
TRANSMISSION_URL=$at/transmission/rpc
TRANSMISSION_LOGIN_FILE=$folder/login
END
}

# refused STATUS TEXT COMMAND...: it ends so, saying that, and changes nothing.
refused() {
    local before
    before=$(cat "$folder/state.json" 2>/dev/null || :)
    run "-$1" "${@:3}"
    # shellcheck disable=SC2154 # it is run's
    [[ $output == *"$2"* ]] || { echo "not said: $2: $output" && return 1; }
    [[ $(cat "$folder/state.json" 2>/dev/null || :) == "$before" ]]
}
