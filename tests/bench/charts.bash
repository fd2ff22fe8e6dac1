# SPDX-License-Identifier: ISC
# shellcheck shell=bash
#
# Charts of what relays.bash measured: a panel for each measurement, a bar for each peer, a line from the slowest
# round to the fastest. To be sourced after measures.bash; relays_query gives the numbers.

CHARTS_WIDTH=420 CHARTS_HEIGHT=300 # of a panel

# charts FOLDER: FOLDER/relays.svg and FOLDER/costs.svg, of relays_query.
# shellcheck disable=SC2016 # jq's variable
charts() {
    type -P gnuplot >/dev/null || { echo "no charts: there is no gnuplot" >&2 && return; }
    charts__draw "$1/relays.svg" "Relays side by side (higher is better)" 4 < <(relays_query 'bars($about)')
    charts__draw "$1/costs.svg" "Processor time of the relay (lower is better)" 5 < <(relays_query 'cost_bars($about)')
}

# charts__draw FILE TITLE FIELD: lines of bars from standard input; the field of the measurement is its unit.
charts__draw() {
    local measures measure rows bars
    bars=$(cat)
    mapfile -t measures < <(cut -f 1 <<<"$bars" | uniq)
    [[ $bars ]] || return 0
    rows=$(((${#measures[@]} + 2) / 3))
    {
        charts__terminal "$1" $((3 * CHARTS_WIDTH)) $((rows * CHARTS_HEIGHT + 40))
        echo "set multiplot layout $rows,3 title '$2' font ',16'"
        for measure in "${measures[@]}"; do
            charts__panel "$measure" "$3" < <(awk -F '\t' -v measure="$measure" '$1 == measure' <<<"$bars")
        done
        echo "unset multiplot"
    } | gnuplot
}

charts__terminal() {
    case $1 in
    *.svg) echo "set terminal svg size $2,$3 font 'sans-serif,12' background 'white'" ;;
    *.png) echo "set terminal pngcairo size $2,$3 font 'sans-serif,10'" ;;
    esac
    cat <<END
set output '$1'
set style fill solid
set boxwidth 0.7
set key off
set grid ytics linecolor rgb '#dddddd'
set border 3 linecolor rgb '#888888'
set tics nomirror
set xtics rotate by -30
END
}

# charts__panel MEASURE FIELD
charts__panel() {
    local unit format='%.1s%c'
    unit=$(measure_field "$1" "$2")
    case $2/$unit in
    5/GB) unit="s per GB" format=%.2f ;;
    5/*) unit="µs per $unit" ;;
    esac
    echo "\$bars << END_OF_BARS"
    # natter, the others, the paths without a relay.
    awk -F '\t' -v natter=$((0x1f6fb4)) -v other=$((0xe0a458)) -v path=$((0xcccccc)) '{ color = $2 ~ /^natter/ ? natter : $2 ~ /^(direct|dnat)$/ ? path : other
        print NR, $2, $3, $4, $5, color }'
    echo "END_OF_BARS"
    cat <<END
set title "$(measure_field "$1" 3)" font ',12'
set ylabel '$unit'
set yrange [0:*]
set offsets 0.5, 0.5, graph 0.12, 0
set format y '$format'
plot \$bars using 1:3:6:xticlabels(2) with boxes linecolor rgb variable, \\
     '' using 1:4:(0):(\$5 - \$4) with vectors heads size graph 0.015,90 linecolor rgb '#333333', \\
     '' using 1:5:(\$3 < 100 ? sprintf('%.2f', \$3) : \$3 < 1e4 ? sprintf('%.0f', \$3) : sprintf('%.0fk', \$3 / 1e3)) with labels offset 0,0.7 font ',10'
END
}
