# SPDX-License-Identifier: ISC
# The tables of relays.bash, from its lines as one array and $measures, the text of MEASURES in measures.bash.

def median: sort | if length == 0 then null
    elif length % 2 == 1 then .[length / 2 | floor] else (.[length / 2 - 1] + .[length / 2]) / 2 end;

# Three significant digits, thousands with commas, "-" for null.
def commas: tostring | if test("^-?[0-9]{4,}$") then [scan("-|[0-9]")] | . as $d
    | [range(0; length)] | map((if . > 0 and (($d | length) - .) % 3 == 0 and $d[. - 1] != "-" then "," else "" end) + $d[.])
    | join("") else . end;
def fixed($digits): pow(10; $digits) as $p | . * $p | round | tostring
    | if $digits == 0 then . else (if startswith("-") then "-" else "" end) + (ltrimstr("-")
    | (("0" * ($digits + 1 - length)) // "") + . | .[:length - $digits] + "." + .[length - $digits:]) end;
def shown: if . == null then "-"
    else fabs as $a | if $a >= 1000 then round | commas elif $a >= 100 then fixed(0) elif $a >= 10 then fixed(1)
    elif $a == 0 then "0" elif $a >= 0.1 then fixed(2) else fixed(4) end end;
def ratio: if . == null then "-" else fixed(2) end;
def left($width): . + ((" " * ($width - length)) // "");
def right($width): ((" " * ($width - length)) // "") + .;

def described: split("\n") | map(select(. != "") | split("|")
    | {key: .[0], value: {what: .[2], unit: .[3], amount: .[4]}}) | from_entries;

# Of all rounds of one measurement with one peer.
def summary:
    map(select(.error == null)) as $good
    | {count: ($good | length), failed: (length - ($good | length))}
    + if $good == [] then {} else {
        median: ($good | map(.value) | median), least: ($good | map(.value) | min), most: ($good | map(.value) | max),
        cpu: ($good | map(select(.amount > 0) | .cpu_s / .amount) | median)}
    + ([["loss", "p50_ms", "p99_ms", "lost", "errors", "twice"][] as $name
        | select($good[0] | has($name)) | {key: $name, value: ($good | map(.[$name]) | median)}] | from_entries) end;

# {measure: {peer: summary}}, both in the order of the lines.
def summaries: map(select(.measure and .value != null or .error != null))
    | reduce .[] as $line ({}; .[$line.measure][$line.peer] += [$line])
    | map_values(map_values(summary));

def cost($amount): if .cpu == null or .cpu == 0 then ""
    elif $amount == "GB" then "\(.cpu | fixed(2)) s per GB" else "\(.cpu * 1e6 | fixed(2)) us per \($amount)" end;

def remarks: [
    (if .loss != null then "loss \(.loss * 100 | fixed(1)) %" else empty end),
    (if .p50_ms != null then "p50 \(.p50_ms | fixed(2)) ms, p99 \(.p99_ms | fixed(2)) ms" else empty end),
    (if (.lost // 0) > 0 then "\(.lost | shown) lost" else empty end),
    (if (.errors // 0) > 0 then "\(.errors | shown) errors" else empty end),
    (if (.twice // 0) > 0 then "\(.twice | shown) twice" else empty end),
    (if .failed > 0 then "\(.failed) failed" else empty end)] | join(", ");

def table($about): .natter.median as $natter
    | to_entries[] | .key as $peer | .value
    | "  \($peer | left(14)) \(.median | shown | right(10))  \(if .count > 0 then "\(.least | shown) .. \(.most | shown)" else "" end | left(22))"
    + " \(if $natter != null and (.median // 0) > 0 then $natter / .median else null end | ratio | right(6))"
    + "  \(cost($about.amount) | left(24)) \(remarks)" | sub(" +$"; "");

($measures | described) as $about | summaries | to_entries[] | select($about[.key]) | .key as $key
| "", "\($about[$key].what), \($about[$key].unit)  [\($key)]",
  "  \("peer" | left(14)) \("median" | right(10))  \("least .. most" | left(22)) natter/  processor time",
  (.value | table($about[$key]))
