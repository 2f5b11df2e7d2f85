# shellcheck shell=sh disable=SC2034,SC2154 # bench.sh includes it, and has variables in common with it
# SPDX-License-Identifier: MIT
# What upgrades and stops cost.

# one_latency SERVER [COPY]: p99 and max in ms across upgrades, or across starts of a copy.
one_latency() {
    gap=400
    port=$(free_port 22000)
    url=$(url_of "$1" "$port")
    set -- "$1" "${2:-}" "$(command_of "$1" "$port" 2)"
    copy=
    [ -z "$2" ] || copy="-- $(command_of "$1" "$(free_port 23000)" 2)"
    rm -f "$dir/times"
    # shellcheck disable=SC2086 # words
    "$build/tests/bench/upgrade_times" "$dir/fifo" "$UPGRADES" "$gap" \
        env LD_PRELOAD="$lib" $3 $copy >"$dir/times" &
    upgrader=$!
    echo "$upgrader" >"$dir/upgrader.pid"
    rounds=100
    until grep -q first_start "$dir/times" 2>/dev/null; do
        rounds=$((rounds - 1))
        [ "$rounds" -gt 0 ] && kill -0 "$upgrader" 2>/dev/null || return 1
        sleep 0.05
    done
    load -c "$CLIENTS" -p 2 -d "$(((UPGRADES + 2) * gap / 1000))" "$url" >"$dir/load" || {
        echo "bench: requests failed:" >&2
        cat "$dir/load" >&2
        failed_here=1
    }
    wait "$upgrader" || return 1
    rm "$dir/upgrader.pid"
    [ -z "${failed_here:-}" ] || return 1
    sed -n 's/^latency_ms .* p99=\([0-9.]*\) max=\([0-9.]*\)$/\1 \2/p' "$dir/load"
}

# latency SERVER: by turns, every second pair the other way round.
latency() {
    : >"$dir/latencies"
    : >"$dir/stages"
    round=0
    while [ "$round" -lt "$LATENCY_PAIRS" ]; do
        if [ $((round % 2)) -eq 1 ]; then
            none=$(one_latency "$1" copy) || { complain "$1: no upgrade, and still failed"; return 0; }
        fi
        across=$(one_latency "$1") || { complain "$1: an upgrade failed"; return 0; }
        cat "$dir/times" >>"$dir/stages"
        if [ $((round % 2)) -eq 0 ]; then
            none=$(one_latency "$1" copy) || { complain "$1: no upgrade, and still failed"; return 0; }
        fi
        echo "$across $none" >>"$dir/latencies"
        round=$((round + 1))
    done
    awk -v server="$1" '
        { n[$1]++; middle[$1] += $2; if ($3 > worst[$1]) worst[$1] = $3 }
        END {
            printf "  %s, ms after the signal, median (worst): executed %.1f (%.1f), ready %.1f (%.1f),",
                server, middle["executed"] / n["executed"], worst["executed"],
                middle["ready"] / n["ready"], worst["ready"]
            printf " old one gone %.1f (%.1f); a first start takes %.1f\n",
                middle["gone"] / n["gone"], worst["gone"], middle["first_start"] / n["first_start"]
        }' "$dir/stages"
    row "$1, upgrades: p99 latency" "$(awk '{ print $1 / $3 }' "$dir/latencies" | summarize)" "<=1.2"
    row "$1, upgrades: worst latency" "$(awk '{ print $2 / $4 }' "$dir/latencies" | summarize)" "<=1.2"
    echo "    in ms: p99 $(awk '{ print $1 }' "$dir/latencies" | summarize)," \
        "copy $(awk '{ print $3 }' "$dir/latencies" | summarize);" \
        "worst $(awk '{ print $2 }' "$dir/latencies" | summarize)," \
        "copy $(awk '{ print $4 }' "$dir/latencies" | summarize)"
}

section_latency() {
    echo "Latency of $CLIENTS clients across $UPGRADES upgrades, against the same load while a copy starts on another"
    echo "port at the same moments; $LATENCY_PAIRS alternating pairs"
    for server in $LATENCY_SERVERS; do
        latency "$server"
    done
}
