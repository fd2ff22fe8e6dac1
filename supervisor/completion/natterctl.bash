# SPDX-License-Identifier: ISC
# shellcheck shell=bash
#
# What bash completes for natterctl and natterd: options, commands, and the names of natterd's mappings. Options and
# commands are asked from the program itself, so what it has is what is offered. Source it, or put it into the
# folder of bash-completion under the name natterctl. Needs no other completion's help.

# The words up to the cursor, of which the last may be empty: bash's own are also cut at colons, which names may have.
_natter_words() {
    local line=${COMP_LINE:0:COMP_POINT}
    read -ra words <<<"$line"
    [[ $line != *[[:space:]] ]] || words+=("")
    cur=${words[-1]}
    prev=${words[-2]:-}
}

# _natter_offer WORD...: those that begin like the one under the cursor, less what bash takes as words before it.
_natter_offer() {
    local word cut=${cur%"${cur##*[:=]}"}
    for word; do
        [[ $word != "$cur"* ]] || COMPREPLY+=("${word#"$cut"}")
    done
}

# _natter_offer_files BEGINNING
_natter_offer_files() {
    mapfile -t COMPREPLY < <(compgen -f -- "$1")
    compopt -o filenames 2>/dev/null || :
}

# _natter_offer_options PROGRAM: "  -s, --socket SOCKET   where ..." in its help.
_natter_offer_options() {
    local short long options=()
    while read -r short long; do
        options+=("$short" "$long")
    done < <("$1" --help 2>/dev/null | sed -nE 's/^ +((-[a-zA-Z]), )?(--[a-z-]+).*/\2 \3/p')
    _natter_offer "${options[@]}"
}

# _natterctl_read PROGRAM: "  show NAME   everything ..." in its help; takes is what each command takes.
_natterctl_read() {
    local command argument
    while read -r command argument; do
        takes[$command]=$argument
    done < <("$1" help 2>/dev/null | sed -nE 's/^  ([a-z][a-z-]*) \[?([A-Z]*).*/\1 \2/p')
}

# What stands before the cursor: the option for the socket, the command and the number of its arguments.
_natterctl_scan() {
    local i word
    for ((i = 1; i < ${#words[@]} - 1; i++)); do
        word=${words[i]}
        case $word in
        -s | --socket) socket=(-s "${words[++i]}") ;;
        -s*) socket=(-s "${word#-s}") ;;
        --socket=*) socket=(-s "${word#*=}") ;;
        -*) ;;
        *)
            [[ ! $command ]] || arguments=$((arguments + 1))
            command=${command:-$word}
            ;;
        esac
    done
}

# _natterctl_offer_argument PROGRAM: of the command, of which the beginning is enough.
_natterctl_offer_argument() {
    local word found=() names
    for word in "${!takes[@]}"; do
        [[ $word != "$command"* ]] || found+=("$word")
    done
    [[ ${takes[$command]+there} || ${#found[@]} != 1 ]] || command=${found[0]}
    case ${takes[$command]:-} in
    NAME)
        mapfile -t names < <("$1" "${socket[@]}" names 2>/dev/null)
        _natter_offer "${names[@]}"
        ;;
    LEVEL) _natter_offer error warning info debug ;;
    FILE) _natter_offer_files "$cur" ;;
    esac
}

_natterctl() {
    local words cur prev command="" arguments=0 socket=()
    local -A takes
    COMPREPLY=()
    _natter_words
    _natterctl_scan
    case $prev/$cur in
    -s/* | --socket/*) _natter_offer_files "$cur" ;;
    */--socket=*) _natter_offer_files "${cur#*=}" ;;
    */-*) _natter_offer_options "$1" ;;
    *)
        _natterctl_read "$1"
        if [[ ! $command ]]; then
            _natter_offer "${!takes[@]}"
        elif ((arguments == 0)); then
            _natterctl_offer_argument "$1"
        fi
        ;;
    esac
}

_natterd() {
    local words cur prev
    COMPREPLY=()
    _natter_words
    case $prev/$cur in
    -c/* | --config/*) _natter_offer_files "$cur" ;;
    */--config=*) _natter_offer_files "${cur#*=}" ;;
    */-*) _natter_offer_options "$1" ;;
    esac
}

complete -F _natterctl natterctl
complete -F _natterd natterd
