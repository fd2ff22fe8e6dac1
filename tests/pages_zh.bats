#!/usr/bin/env bats
# SPDX-License-Identifier: ISC
#
# The Chinese pages in man/zh_CN say what the English ones say, as far as a program can tell: the same sections,
# paragraphs, entries and examples in the same order, and in each section the same literal words and numbers. So who
# changes one page has to change the other. And man shows them to whoever has a Chinese locale. The README's quick
# start in Chinese is here too.

# shellcheck source-path=SCRIPTDIR source=config.bash
source "$BATS_TEST_DIRNAME/config.bash"
man=$BATS_TEST_DIRNAME/../man
pages=(natterd.8 natterctl.8 natter.cfg.5)

# A Chinese locale that the system need not have, and the pages where make install puts them.
setup_file() {
    export LOCPATH=$BATS_FILE_TMPDIR/locale MANPATH=$BATS_FILE_TMPDIR/man MANWIDTH=80
    local page
    mkdir "$LOCPATH"
    localedef -i zh_CN -f UTF-8 "$LOCPATH/zh_CN.UTF-8"
    for page in natterd.8 natterctl.8 natter.cfg.5; do
        install -D -m 644 -t "$MANPATH/man${page##*.}" "$BATS_TEST_DIRNAME/../man/$page"
        install -D -m 644 -t "$MANPATH/zh_CN/man${page##*.}" "$BATS_TEST_DIRNAME/../man/zh_CN/$page"
    done
}

# chinese COMMAND...: the command in a Chinese locale. natterd's own locale does not matter: it has no translations.
chinese() {
    LC_ALL=zh_CN.UTF-8 "$@"
}

# skeleton PAGE: what is the same in every language, each behind its line and a tab. The text of headings is not, and
# a term without a macro may be translated; what stands behind a term in a table is.
skeleton() {
    awk '
    /^\.\\"/ { next }
    /^\.Bd/ { example = 1 }
    example { print FNR "\t" $0 }
    /^\.Ed/ { example = 0; next }
    example { next }
    /^\.S[hs] / { synopsis = $2 == "SYNOPSIS"; print FNR "\t" (/ (NAME|SYNOPSIS)$/ ? $0 : $1); next }
    /^\.Bl/ { print FNR "\t" $1 " " $2; next }
    /^\.It/ { sub(/ Ta .*/, ""); print FNR "\t" $0; next }
    /^\.(Pp|El|Dl)/ || synopsis { print FNR "\t" $0 }
    ' "$1"
}

# vocabulary PAGE: each literal word and each number of two digits and more, behind the number of its section.
# Examples are left out, as skeleton has them.
vocabulary() {
    awk '
    function tell(word) { print section ": " word }
    /^\.\\"/ || /^\.Dd/ { next }
    /^\.S[hs] / { section++; next }
    /^\.Bd/ { example = 1 }
    /^\.Ed/ { example = 0 }
    example || /^\.(Dl|Bl)/ { next }
    {
        macro = ""
        for (i = 1; /^\./ && i <= NF; i++) {
            word = i == 1 ? substr($1, 2) : $i
            if (word == "Xr") {
                tell("Xr " $(i + 1) " " $(i + 2))
                i += 2
            } else if (word ~ /^[A-Z][a-z]$/)
                macro = word
            else if (macro ~ /^(Ic|Cm|Ev|Dv|Pa|Fl)$/ && word !~ /^[[:punct:]]$/)
                tell(macro " " word)
        }
        rest = $0
        while (match(rest, /[0-9][0-9.]*[0-9]/)) {
            tell(substr(rest, RSTART, RLENGTH))
            rest = substr(rest, RSTART + RLENGTH)
        }
    }' "$1" | sort -u
}

@test "the Chinese pages have the sections, paragraphs, entries and examples of the English ones" {
    local page failed=0
    for page in "${pages[@]}"; do
        LC_ALL=C awk -F '\t' -v page="$page" '
        NR == FNR { line[FNR] = $1; text[FNR] = $2; n = FNR; next }
        { m = FNR }
        # A word may be translated unless a macro, other than Em, says that it is literal.
        text[m] == $2 || ($2 ~ /^\.It .*[\200-\377]/ && text[m] ~ /^\.It / && text[m] !~ /^\.It ([A-DF-Z][a-z]|E[a-ln-z]) /) { next }
        {
            print "man/" page ":" line[m] ": " text[m] "\nman/zh_CN/" page ":" $1 ": " $2
            bad = 1
            exit
        }
        END {
            if (!bad && m < n)
                print "man/" page ":" line[m + 1] ": " text[m + 1] "\nman/zh_CN/" page ": ends before it"
            exit bad || m < n
        }' <(skeleton "$man/$page") <(skeleton "$man/zh_CN/$page") || failed=1
    done
    [ "$failed" = 0 ]
}

@test "the Chinese pages have the literal words and numbers of the English ones in each section" {
    local page failed=0
    for page in "${pages[@]}"; do
        diff -U 0 --label "man/$page" --label "man/zh_CN/$page" <(vocabulary "$man/$page") <(vocabulary "$man/zh_CN/$page") ||
            failed=1
    done
    [ "$failed" = 0 ]
}

@test "the Chinese pages refer to headings that they have, and keep marks out of quoted literals" {
    local page heading failed=0
    for page in "${pages[@]}"; do
        while read -r heading; do
            grep -qxE "\.S[hs] $heading" "$man/zh_CN/$page" || { echo "man/zh_CN/$page: no heading $heading" && failed=1; }
        done < <(sed -nE 's/^\..*Sx ([^“”]*[^“” ])( Ns.*)?$/\1/p' "$man/zh_CN/$page")
        # .Ql and its like take all that follows in the line into the quotes.
        ! grep -nE '^\.([DPQS]q|Ql) .*(，|。|；|：|、|（|）)' "$man/zh_CN/$page" || failed=1
        # Behind a Chinese letter a half-width mark would be out of place.
        ! LC_ALL=C grep -nE '[^ -~](,|;|:|\?|!|\(|\)|\.( |$))' "$man/zh_CN/$page" || failed=1
    done
    [ "$failed" = 0 ]
}

@test "man shows the Chinese pages in a Chinese locale and the English ones otherwise" {
    local page name shown
    for page in "${pages[@]}"; do
        name=${page%.*}
        shown=$(chinese man "${page##*.}" "$name")
        [[ $shown == *$'\n描述\n'* ]]
        shown=$(LC_ALL=C.UTF-8 man -L zh_CN.UTF-8 "${page##*.}" "$name")
        [[ $shown == *$'\n描述\n'* ]]
        shown=$(LC_ALL=C.UTF-8 man "${page##*.}" "$name")
        [[ $shown == *$'\nDESCRIPTION\n'* && $shown != *描述* ]]
        # What whatis and apropos find.
        [[ $(chinese lexgrog "$man/zh_CN/$page") == *"\"$name - "* ]]
    done
}

# fits FILE: no line with Chinese letters is wider than a terminal; else they are printed.
fits() {
    local line
    [ "$(chinese grep -P '[^\x00-\x{2fff}]' "$1" | chinese wc -L)" -gt 80 ] || return 0
    chinese grep -P '[^\x00-\x{2fff}]' "$1" | while IFS= read -r line; do
        [ "$(chinese wc -L <<<"$line")" -le 80 ] || echo "too wide: $line"
    done
    return 1
}

# man -l does not know the page's language, and so breaks lines at spaces alone, as mandoc does.
@test "man and mandoc render the Chinese pages whole, and no line is wider than 80 columns" {
    local page program failed=0
    for page in "${pages[@]}"; do
        chinese man --warnings "${page##*.}" "${page%.*}" >"$BATS_TEST_TMPDIR/man" 2>"$BATS_TEST_TMPDIR/errors"
        chinese man --warnings -l "$man/zh_CN/$page" >"$BATS_TEST_TMPDIR/man-l" 2>>"$BATS_TEST_TMPDIR/errors"
        chinese mandoc -Tutf8 "$man/zh_CN/$page" | chinese col -bx >"$BATS_TEST_TMPDIR/mandoc"
        for program in man man-l mandoc; do
            fits "$BATS_TEST_TMPDIR/$program" || failed=1
            # Letters that could not be shown are missing, or are shown as marks or numbers.
            ! grep -nE '�|u[0-9A-F]{4}|\?\?' "$BATS_TEST_TMPDIR/$program" || failed=1
            # Both show the same letters, whatever they make of spaces and breaks.
            chinese grep -oP '[\x{4e00}-\x{9fff}]' "$BATS_TEST_TMPDIR/$program" >"$BATS_TEST_TMPDIR/$program.letters"
        done
        cat "$BATS_TEST_TMPDIR/errors" && [ ! -s "$BATS_TEST_TMPDIR/errors" ] || failed=1
        for program in man-l mandoc; do
            cmp "$BATS_TEST_TMPDIR/man.letters" "$BATS_TEST_TMPDIR/$program.letters" || failed=1
        done
    done
    [ "$failed" = 0 ]
}

@test "natterd takes the configurations of the README's Chinese quick start" {
    local file n=0
    (cd "$BATS_TEST_TMPDIR" && awk '
    /^## / { inside = $0 == "## 快速上手" }
    /^```$/ { example = 0 }
    inside && example { print >"example" example ".cfg" }
    /^```conf$/ { example = ++n }' "$BATS_TEST_DIRNAME/../README.md")
    for file in "$BATS_TEST_TMPDIR"/example*.cfg; do
        check "$file" || fail "$(cat "$file" "$BATS_TEST_TMPDIR/err")"
        n=$((n + 1))
    done
    [ "$n" -ge 2 ]
}
