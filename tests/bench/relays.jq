# SPDX-License-Identifier: ISC
# A module: what the lines of relays.bash say. Its functions take an array of all lines; $about is "described" of the
# text of MEASURES in measures.bash.

def median: sort | if length == 0 then null
    elif length % 2 == 1 then .[length / 2 | floor] else (.[length / 2 - 1] + .[length / 2]) / 2 end;

# --- Numbers and columns as text ---

def spaces: if . > 0 then " " * . else "" end;
def left($width): . + ($width - length | spaces);
def right($width): ($width - length | spaces) + .;

# "1234567" becomes "1,234,567".
def commas: if length > 3 then (.[:-3] | commas) + "," + .[-3:] else . end;

# With so many digits after the point.
def fixed($digits): (if . < 0 then "-" else "" end)
    + (fabs * pow(10; $digits) | round | tostring | if length <= $digits then ("0" * ($digits + 1 - length)) + . else . end
       | if $digits == 0 then commas else (.[:-$digits] | commas) + "." + .[-$digits:] end);

# With three significant digits, or all in front of the point.
def shown: if . == null then "-"
    else fabs as $a | if $a == 0 then "0" elif $a >= 100 then fixed(0) elif $a >= 10 then fixed(1) else fixed(2) end end;

# --- Summaries ---

def described: split("\n") | map(select(. != "") | split("|")
    | {key: .[0], value: {what: .[2], unit: .[3], amount: .[4]}}) | from_entries;

# Of all rounds of one measurement with one peer.
def summary:
    map(select(.error == null)) as $good
    | {count: ($good | length), failed: (length - ($good | length))}
    + if $good == [] then {} else {
        median: ($good | map(.value) | median), least: ($good | map(.value) | min), most: ($good | map(.value) | max),
        cpu: ($good | map(select(.amount > 0 and .cpu_s > 0) | .cpu_s / .amount) | median)}
    + ([["loss", "p50_ms", "p99_ms", "lost", "errors", "twice"][] as $name
        | select($good[0] | has($name)) | {key: $name, value: ($good | map(.[$name]) | median)}] | from_entries) end;

# {measure: {peer: summary}}, in the order of $about and of the peers.
def summaries($about): . as $lines
    | (map(select(.about) | .about.peers[]?) + (map(.peer // empty))) as $peers
    | reduce ($about | keys_unsorted[]) as $measure ({}; . + {($measure):
        (reduce ($peers[]) as $peer ({}; if has($peer) then . else
            ($lines | map(select(.measure == $measure and .peer == $peer))) as $its
            | if $its == [] then . else .[$peer] = ($its | summary) end end))})
    | with_entries(select(.value != {}));

# {peer: object} of the measurement "memory"; kernel memory is less that of the ends, as the direct path has it.
def memories: map(select(.measure == "memory" and .error == null)) | map({key: .peer, value: .}) | from_entries
    | .direct as $ends | map_values(if $ends == null or .tcp_kernel == null then del(.tcp_kernel, .udp_kernel)
        else .tcp_kernel -= $ends.tcp_kernel | if .udp_kernel and $ends.udp_kernel then .udp_kernel -= $ends.udp_kernel
        else del(.udp_kernel) end end);

# --- Tables ---

def cost($amount): if .cpu == null then ""
    elif $amount == "GB" then "\(.cpu | fixed(2)) s per GB" else "\(.cpu * 1e6 | fixed(2)) us per \($amount)" end;

def remarks: [
    (if .loss != null then "loss \(.loss * 100 | fixed(1)) %" else empty end),
    (if .p50_ms != null then "p50 \(.p50_ms | fixed(2)) ms, p99 \(.p99_ms | fixed(2)) ms" else empty end),
    (if (.lost // 0) > 0 then "\(.lost | shown) lost" else empty end),
    (if (.errors // 0) > 0 then "\(.errors | shown) errors" else empty end),
    (if (.twice // 0) > 0 then "\(.twice | shown) twice" else empty end),
    (if .failed > 0 then "\(.failed) failed" else empty end)] | join(", ");

def span: if .count > 0 then "\(.least | shown) .. \(.most | shown)" else "" end;

def table($about): .natter.median as $natter | to_entries[] | .key as $peer | .value
    | "  \($peer | left(14)) \(.median | shown | right(10))  \(span | left(22))"
    + " \(if $natter != null and (.median // 0) > 0 then $natter / .median | fixed(2) else "-" end | right(7))"
    + "  \(cost($about.amount) | left(24)) \(remarks)" | sub(" +$"; "");

# natter/: natter's median in proportion to this peer's.
def tables($about): summaries($about) | to_entries[] | .key as $key
    | "", "\($about[$key].what), \($about[$key].unit)  [\($key)]",
      "  \("peer" | left(14)) \("median" | right(10))  \("least .. most" | left(22)) \("natter/" | right(7))  processor time",
      (.value | table($about[$key]));

def memory_row: [.private, .pss, .supervisor, .wakeups, .tcp, .tcp_kernel, .tcp_descriptors, .tcp_left, .udp, .udp_kernel,
    .udp_descriptors, .udp_left] | map(if . == null then "-" else fixed(0) end | right(10)) | join("");

def memory_table: memories | select(. != {})
    | "", "memory, KiB; more for 1,000 idle clients, and what is left when they are gone  [memory]",
      "  \("peer" | left(14))" + (["private", "PSS", "natterd", "wakes/min", "TCP own", "kernel", "fds", "left", "UDP own", "kernel",
        "fds", "left"] | map(right(10)) | join("")),
      (to_entries[] | select(.key != "direct") | "  \(.key | left(14))\(.value | memory_row)");

# --- How noisy was it? ---

# The median over all measurements of (most - least) / median; null if each was measured once.
def noise($about; $peer): [summaries($about)[][$peer] // empty | select(.count > 1 and .median > 0)
    | (.most - .least) / .median] | median;

def noise_lines($about): (map(.about // empty) | first) as $run
    | "", "\($run.date), \($run.machine); load at the begin \($run.load); rounds: \($run.rounds), of \($run.seconds) s",
      (["direct", "natter"][] as $peer | noise($about; $peer) | select(. != null)
        | "From the slowest round to the fastest \($peer) varied by \(. * 100 | fixed(0)) % (median over the measurements)."),
      (if $run.rounds < 3 then "Fewer than three rounds tell little: differences below 10 % mean nothing." else empty end);

# --- For README.md and for charts ---

def markdown($about): summaries($about) as $all | ([$all[] | keys_unsorted[]] | reduce .[] as $p ([]; if index($p) then . else . + [$p] end)) as $peers
    | "| | " + ($peers | join(" | ")) + " |", "|---|" + ("---|" * ($peers | length)),
      ($all | to_entries[] | "| \($about[.key].what), \($about[.key].unit) | "
        + ([.value[$peers[]] | if . == null then "" else (.median | shown)
            + (if (.loss // 0) >= 0.005 then " (loss \(.loss * 100 | fixed(0)) %)" else "" end) end] | join(" | ")) + " |");

# A line for each bar: measurement, peer, median, least, most, separated by tabs.
def bars($about): summaries($about) | to_entries[] | .key as $key | .value | to_entries[] | select(.value.count > 0)
    | [$key, .key, .value.median, .value.least, .value.most] | @tsv;
# The same of the processor time.
def cost_bars($about): summaries($about) | to_entries[] | .key as $key | .value | to_entries[] | select(.value.cpu)
    | ((if $about[$key].amount == "GB" then 1 else 1e6 end) * .value.cpu) as $cost | [$key, .key, $cost, $cost, $cost] | @tsv;
