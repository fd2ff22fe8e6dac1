# SPDX-License-Identifier: ISC
# A module: the figures that natter's relay is to reach, and what a run came to.
include "relays";

def peers_best: ["haproxy", "nginx"];

# Each: what, of which measurement, which field of a summary, against which peers (the best of them), at least or at
# most how much. Without peers the field itself is compared.
def ratios:
    def faster($measures; $what; $against): $measures[] as $m | $against | to_entries[]
        | {what: "\($what), against \(.key)", measure: $m, field: "median", peers: (if .key == "haproxy or nginx" then peers_best else [.key] end),
           least: .value};
    faster(["bulk-1", "bulk-1-back"]; "bulk TCP, 1 stream"; {haproxy: 1.05, natmap: 1.15, dnat: 0.90}),
    faster(["bulk-8", "bulk-8-back"]; "bulk TCP, 8 streams"; {haproxy: 1.15, natmap: 1.55, dnat: 0.50}),
    (["bulk-1", "bulk-1-back"][] | {what: "processor time per GB, 1 stream, against haproxy", measure: ., field: "cpu", peers: ["haproxy"], most: 0.85}),
    (["bulk-8", "bulk-8-back"][] | {what: "processor time per GB, 8 streams, against haproxy", measure: ., field: "cpu", peers: ["haproxy"], most: 0.55}),
    faster(["connections"]; "connections per second"; {"haproxy or nginx": 1.05, natmap: 2.1}),
    (["requests-64", "requests-1000"][] as $m | faster([$m]; "requests"; {"haproxy or nginx": 1.05, natmap: 1.5}),
        {what: "p99 of requests, against the best", measure: $m, field: "p99_ms", peers: (peers_best + ["natmap"]), most: 1}),
    (["udp-64", "udp-1400"][] as $m | faster([$m]; "UDP, 1 client"; {natmap: 1.2, dnat: 1.0}),
        {what: "UDP, 1 client, loss in percent", measure: $m, field: "loss", times: 100, most: 1}),
    faster(["udp-segments"]; "UDP, segmenting sender"; {natmap: 10}),
    (["pings-16", "pings-1000"][] as $m | faster([$m]; "UDP round trips"; {natmap: 1.25}),
        {what: "UDP round trips lost", measure: $m, field: "lost", most: 0}),
    ({private: ["private memory of an idle worker, KiB", 250], tcp: ["own memory for 1,000 idle TCP connections, KiB", 512],
      tcp_descriptors: ["descriptors for 1,000 TCP connections", 2000], udp: ["own memory for 1,000 UDP sessions, KiB", 1536],
      tcp_left: ["KiB not given back after TCP connections", 64], udp_left: ["KiB not given back after UDP sessions", 64]}
     | to_entries[] | {what: .value[0], measure: "memory", field: .key, most: .value[1]}
     | if .field == "tcp_descriptors" then .least = .most else . end);

# The best that one of the peers has; null if none was measured.
def best($figure): [.[$figure.peers[]] // empty | .[$figure.field] // empty]
    | if . == [] then null elif $figure.least then max else min end;

# What natter came to: a ratio, or its own number.
def came_to($figure): .natter[$figure.field] as $own
    | if $own == null then null elif $figure.peers == null then $own * ($figure.times // 1)
      else best($figure) as $other | if ($other // 0) == 0 then null else $own / $other end end;

# All figures with "got" and "result": ok, missed, or "-" if it was not measured.
def figures($about): (summaries($about) + {memory: memories}) as $all
    | [ratios as $figure | $figure + {got: (($all[$figure.measure] // {}) | came_to($figure))}
        | .result = if .got == null then "-"
            elif (.least == null or .got >= .least) and (.most == null or .got <= .most) then "ok" else "missed" end];

def wanted: if .least == .most then "= \(.least)" elif .least then ">= \(.least)" else "<= \(.most)" end;

def figures_table($about): figures($about) | select(any(.result != "-"))
    | "", "\("figure to reach" | left(52)) \("measurement" | left(14)) \("wanted" | right(8)) \("got" | right(8))",
      (.[] | select(.result != "-") | . as $it | "\(.what | left(52)) \(.measure | left(14)) \(wanted | right(8))"
        + " \(.got | fixed(if $it.peers then 2 elif fabs < 10 then 1 else 0 end) | right(8))  \(.result)"),
      (map(select(.result == "-").what) | if . == [] then empty else "Not measured: \(length) figures (natmap: say NATMAP=PROGRAM)." end),
      "\(map(select(.result == "ok")) | length) reached, \(map(select(.result == "missed")) | length) missed";
