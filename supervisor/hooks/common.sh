# SPDX-License-Identifier: ISC
# shellcheck shell=sh
#
# What the ready hooks share; not a program. For any POSIX shell. A message says what was wrong, where, and what to
# do. Exit status 1: it may work the next time; 2: it will not before the settings or the call have changed. Secrets
# only pass through the shell's own commands and through pipes, so that no list of processes shows them.

program=${0##*/}
answer='' status='' event=''

fail() {
    echo "$program: $1" >&2
    exit "${2:-1}"
}

# The comment at the top of the program is its help.
show_help() {
    sed -n '1d; /^# SPDX/d; /^#/!q; s/^# \{0,1\}//; p' "$0" | sed 1d
    exit 0
}

# need_tool NAME: a program that has to be installed.
need_tool() {
    command -v "$1" >/dev/null || fail "$1 is not installed, or not in PATH; install it" 2
}

# need_private FILE LETTERS: FILE is the owner's alone to change; what those have who are neither its owner nor in
# its group is a dash for each of LETTERS ("r" or "w").
need_private() {
    facts=$(ls -lnLd -- "$1" 2>/dev/null) || fail "$1: cannot be found by user $(id -u); is the path right?" 2
    read -r mode _ owner _ <<END
$facts
END
    [ "$owner" = 0 ] || [ "$owner" = "$(id -u)" ] ||
        fail "$1: belongs to user $owner, who could change what it says; make it root's" 2
    case $mode in
    ?????w* | ????????w*) fail "$1: others may write it; chmod go-w $1" 2 ;;
    ???????r*) [ "$2" != r ] || fail "$1: everybody may read it; chmod o= $1" 2 ;;
    esac
    [ -r "$1" ] || fail "$1: user $(id -u) may not read it; give it to a group of that user (chgrp, chmod g+r)" 2
}

# begin [SETTINGS [EVENT]]: takes the program's arguments and settings.
begin() {
    case ${1-} in
    -h | --help) show_help ;;
    -*) fail "unknown option $1; see $program --help" 2 ;;
    esac
    [ $# -le 2 ] || fail "too many arguments; see $program --help" 2
    event=${2:-${NATTER_EVENT-}}
    if [ -n "${1-}" ]; then
        need_private "$1" w
        case $1 in
        */*) settings=$1 ;;
        *) settings=./$1 ;; # or it would be looked for in PATH
        esac
        # shellcheck source=/dev/null
        . "$settings"
    fi
    case $event in
    up | change | down) ;;
    *) fail "the event is '$event', not up, change or down; natterd tells it, by hand give it as second argument" 2 ;;
    esac
    if [ "$event" != down ]; then
        need_word NATTER_OUTER_IP
        need_number NATTER_OUTER_PORT 1 65535
    fi
}

# need_set NAME [HINT]
need_set() {
    eval "value=\${$1-}"
    [ -n "$value" ] || fail "$1 is not set${2:+: $2}; see $program --help" 2
}

# need_word NAME [HINT]: nothing in it that JSON, a URL or nsupdate would take as something else.
need_word() {
    need_set "$@"
    case $value in
    *[!A-Za-z0-9._:-]*) fail "$1: '$value' has a character that cannot stand there" 2 ;;
    esac
}

# need_number NAME LEAST MOST
need_number() {
    need_word "$1"
    case $value in
    *[!0-9]* | 0?* | ??????????*) fail "$1: '$value' is no number" 2 ;;
    esac
    if [ "$value" -lt "$2" ] || [ "$value" -gt "$3" ]; then
        fail "$1: $value is not within $2 and $3" 2
    fi
}

# take_secret NAME: the first line of the file that NAME_FILE names goes into the variable NAME, unless it has a value.
take_secret() {
    eval "file=\${$1_FILE-}; value=\${$1-}"
    [ -z "$value" ] && [ -n "$file" ] || return 0
    need_private "$file" r
    IFS= read -r value <"$file" || [ -n "$value" ] || fail "$file: is empty; put the secret into its first line" 2
    eval "$1=\$value"
}

# escaped TEXT: for between double quotes in JSON and in curl's configuration. Line ends become spaces.
escaped() {
    printf '%s' "$1" | tr '\r\n' '  ' | sed 's/[\\"]/\\&/g'
}

# option NAME TEXT: a line of curl's configuration.
option() {
    printf '%s = "%s"\n' "$1" "$(escaped "$2")"
}

# http METHOD URL [LINES]: LINES are more of curl's configuration. The answer with its headers is then in $answer,
# the status in $status. Ends the program if there is no answer.
http() {
    answer=$({ option request "$1" && option url "$2" && printf '%s\n' "${3-}"; } |
        curl -q -sS --connect-timeout 5 -m 10 -D - -w '\n%{http_code}' -K -) ||
        fail "no answer from $(place "$2"); is it running, and is the address right?"
    status=${answer##*
}
    answer=$(printf '%s\n' "${answer%
*}" | tr -d '\r')
}

# place URL: the part of it that is no secret.
place() {
    printf '%s\n' "$1" | sed 's|^\([a-z]*://\)\([^/@]*@\)\{0,1\}\([^/?#]*\).*|\1\3|'
}

# header NAME: of the answer, a line for each; what follows a semicolon is left out.
header() {
    printf '%s\n' "$answer" | grep -i "^$1:" | sed 's/^[^:]*: *//; s/ *;.*//'
}

# has PATTERN: is it in the answer?
has() {
    printf '%s\n' "$answer" | grep -qi "$1"
}

# refused URL EXPLANATION: ends the program for a status that is no success. What the other side has against the
# request will be no other the next time, unless that was its number or its moment.
refused() {
    case $status in
    408 | 409 | 425 | 429) code=1 ;;
    4??) code=2 ;;
    *) code=1 ;;
    esac
    fail "$(place "$1") answered with status $status: $2" "$code"
}
