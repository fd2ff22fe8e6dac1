# SPDX-License-Identifier: ISC
#
# Is the input Prometheus' text format 0.0.4, as strictly as natter keeps to it? Every line is a help, a type or a
# sample, nothing else; a family begins with its help and its type, its samples follow at once and it never comes
# again; names have the prefix natter_; what ends in _total is a counter, in whole numbers, and nothing else is; no
# series comes twice. Prints what is wrong with its line, and fails then.

function wrong(what) {
    print "line " NR ": " what ": " $0
    mistakes++
}

# Takes labels off the beginning of text, up to "} "; returns what follows, or "" if they are wrong.
function take_labels(text,    label, seen) {
    split("", seen)
    while (match(text, /^[a-z_][a-z0-9_]*="([^"\\]|\\["\\n])*"/)) {
        label = substr(text, 1, index(text, "=") - 1)
        if (label in seen || label ~ /^__/)
            return ""
        seen[label] = 1
        text = substr(text, RLENGTH + 1)
        if (substr(text, 1, 2) == "} ")
            return substr(text, 3)
        if (substr(text, 1, 1) != ",")
            return ""
        text = substr(text, 2)
    }
    return ""
}

function take_sample(    value, series) {
    if (!match($0, /^natter_[a-z_]+/) || substr($0, 1, RLENGTH) != family || !typed) {
        wrong("a sample that does not follow its help and type")
        return
    }
    value = substr($0, RLENGTH + 1)
    if (substr(value, 1, 1) == "{")
        value = take_labels(substr(value, 2))
    else
        sub(/^ /, "", value)
    if (value !~ /^[0-9]+(\.[0-9]+)?(e[-+][0-9]+)?$/ || (counts && value !~ /^[0-9]+$/))
        wrong("labels or a value that cannot be")
    series = substr($0, 1, length($0) - length(value) - 1)
    if (series in known)
        wrong("a series that was there before")
    known[series] = 1
    samples++
}

/^# HELP / {
    if ($3 in families || NF < 4 || $3 !~ /^natter_[a-z_]+$/ || (family != "" && !typed))
        wrong("a family that begins wrongly")
    family = $3
    families[family] = 1
    typed = 0
    next
}
/^# TYPE / {
    counts = family ~ /_total$/
    if ($3 != family || typed || NF != 4 || $4 != (counts ? "counter" : "gauge"))
        wrong("a type that cannot be")
    typed = 1
    next
}
{ take_sample() }

END {
    if (samples == 0 || (family != "" && !typed)) {
        print "it ends too early"
        mistakes++
    }
    exit mistakes > 0
}
