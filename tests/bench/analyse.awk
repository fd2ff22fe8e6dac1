# SPDX-License-Identifier: ISC
#
# What an asker saw of one event: reads its lines (asker.c) sorted by time, with the variables from (the event
# begins), back (the network is back; equal to from if it was never away) and to (the end of what counts).
# Prints a JSON object:
#
#   out_of_reach     seconds from each failed ask to the next one that succeeds, summed up
#   beyond           the part of it after the network was back
#   longest          the longest such time, without the outage
#   to_new           seconds from back to the first publication of another address than at from; null if none
#   addresses        how many different addresses were published
#   false            how many publications were false: at least half a second long, the outage not counted, and no
#                    ask succeeded in that time; those before from count if they began less than lead seconds earlier
#   asks, failed     how many

function larger(a, b) { return a > b ? a : b }
function smaller(a, b) { return a < b ? a : b }

# The span of the address that was published until now ends.
function end_span(at,    length_) {
    if (address == "-")
        return
    length_ = at - begun - larger(0, smaller(at, back) - larger(begun, from))
    if (begun >= from - lead && length_ >= 0.5 && good == 0 && tried > 0)
        false_++
    if (at >= from && !(address in seen)) {
        seen[address] = 1
        addresses++
    }
}

function end_gap(at,    length_) {
    out += at - gap
    length_ = larger(0, at - larger(gap, back))
    beyond += length_
    longest = larger(longest, length_)
    gap = 0
}

BEGIN {
    address = "-"
    lead += 0
    # An ask that was under way when the event began belongs to it.
    first = from - 0.2
}

$2 >= to { next }

$1 == "pub" && $3 != address {
    end_span($2)
    address = $3
    begun = $2
    good = tried = 0
    if ($2 < from)
        old = address
    else if (address != "-" && address != old && to_new == "")
        to_new = larger(0, $2 - back)
}

$1 == "ask" && $3 == address {
    tried++
    good += $4 == "ok"
}

$1 == "ask" && $2 >= first {
    asks++
    failed += $4 != "ok"
    if ($4 != "ok" && !gap)
        gap = $2
    else if ($4 == "ok" && gap)
        end_gap($2)
}

END {
    end_span(to)
    if (gap)
        end_gap(to)
    printf "{\"out_of_reach\":%.1f,\"beyond\":%.1f,\"longest\":%.1f,\"to_new\":%s,\"addresses\":%d,\"false\":%d,", out, beyond,
        longest, to_new == "" ? "null" : sprintf("%.1f", to_new), addresses, false_
    printf "\"asks\":%d,\"failed\":%d}\n", asks, failed
}
