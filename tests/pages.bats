#!/usr/bin/env bats
# SPDX-License-Identifier: ISC
#
# The manual pages, in every language that there is, against the programs: each option, command and key stands in its
# page, and none that there is not. NATTER_BUILD says which build is used.

# shellcheck source-path=SCRIPTDIR source=config.bash
source "$BATS_TEST_DIRNAME/config.bash"
bats_require_minimum_version 1.5.0

# pages NAME: the page of that name, then its translations.
pages() {
    local page
    for page in "man/$1" man/*/"$1"; do
        [ ! -e "$page" ] || echo "$page"
    done
}

# compare NAME: the words on standard input, a line each, are those that page_words FUNCTION finds in each page.
compare() {
    local wanted page
    wanted=$(sort -u)
    [ "$(wc -l <<<"$wanted")" -ge 4 ] || fail "too few words to believe: $wanted"
    for page in $(pages "$1"); do
        diff -u --label program --label "$page" <(cat <<<"$wanted") <("$2" "$page" | sort -u) >&2 || fail "$page"
    done
}

# help_options COMMAND...: "-c" and "--config" of lines such as "  -c, --config FILE  ...".
help_options() {
    "$@" | sed -nE 's/^ +(-[A-Za-z]), (--[a-z-]+).*/\1\n\2/p; s/^ +(--[a-z-]+).*/\1/p'
}

# page_options PAGE: the same of lines such as ".It Fl c Ar file , Fl Fl config Ns = Ns Ar file".
page_options() {
    sed -n 's/^\.It \(Fl .*\)/\1/p' "$1" | grep -oE 'Fl (Fl )?[A-Za-z-]+' | sed -E 's/^Fl Fl /--/; s/^Fl /-/'
}

# help_commands: of lines such as "  show NAME   ...".
help_commands() {
    "$build/natterctl" help | sed -nE 's/^  ([a-z]+[a-z-]*)( .*|$)/\1/p'
}

# page_commands PAGE: of the first list of lines such as ".It Cm show Ar name".
page_commands() {
    awk '/^\.It Cm / { print $3; on = 1 } on && /^\.S[hs] / { exit }' "$1"
}

# print_keys: those of the effective configuration, also where nothing but a comment could be written.
print_keys() {
    echo 'mappings = ( { protocol = "tcp"; target = "127.0.0.1:1"; }, { protocol = "udp"; target = "127.0.0.1:1"; } );' \
        >"$BATS_TEST_TMPDIR/all.cfg"
    "$build/natterd" -n -v -c "$BATS_TEST_TMPDIR/all.cfg" | sed -nE 's/^ *([a-z_]+) = .*/\1/p; s/^ *# ([a-z_]+): .*/\1/p'
}

page_keys() {
    sed -nE 's/^\.(It )?Ic ([a-z_]+)( .*)?$/\2/p' "$1"
}

# table_fields: those of a mapping, in the table that everything prints from.
table_fields() {
    sed -nE 's/^    \{\.name = "([a-z0-9_]+)".*/\1/p' supervisor/record.c
}

# page_fields PAGE: of the list or table whose width is that of a field, with lines such as ".It bind Ta text Ta its port"
# or ".It inner , inner_ip".
page_fields() {
    awk '/^\.Bl .*[ "]keep_alive_(interval|round_trip)("|$)/ { on = 1; next } /^\.El/ { on = 0 }
        on && sub(/^\.It /, "") && !/^Em / { sub(/ Ta .*/, ""); gsub(/ , /, "\n"); print }' "$1"
}

@test "each summary of a command line fits a terminal of 80 columns" {
    for summary in "$build/natterd --help" "$build/natterctl --help" "make -s help"; do
        # shellcheck disable=SC2086 # words
        run -0 $summary
        [ "${#lines[@]}" -ge 10 ]
        for line in "${lines[@]}"; do
            [ "${#line}" -le 80 ] || fail "$summary: $line"
        done
    done
}

@test "natterd(8) has natterd's options" {
    help_options "$build/natterd" --help | compare natterd.8 page_options
}

@test "natterctl(8) has natterctl's options" {
    help_options "$build/natterctl" --help | compare natterctl.8 page_options
}

@test "natterctl(8) has natterctl's commands" {
    help_commands | compare natterctl.8 page_commands
}

@test "natter.cfg(5) has the keys of a configuration" {
    print_keys | compare natter.cfg.5 page_keys
}

@test "natterd(8) and natterctl(8) have the fields of a mapping" {
    table_fields | compare natterd.8 page_fields
    table_fields | compare natterctl.8 page_fields
}

@test "every page is well-formed" {
    command -v mandoc >/dev/null || skip "mandoc is not installed"
    local name
    for name in natterd.8 natterctl.8 natter.cfg.5; do
        pages "$name" | xargs mandoc -Tlint -W warning
    done
}
