# shellcheck shell=sh disable=SC2034,SC2154 # bench.sh includes it, and has variables in common with it
# SPDX-License-Identifier: MIT
# What upgrades and stops cost.

section_spawn() {
    echo "From the signal to the first line of the successor's main, ms"
    available=$(awk '$1 == "MemAvailable:" { print int($2 / 1024) }' /proc/meminfo)
    [ "$available" -gt $((RESIDENT_MIB + 1024)) ] || RESIDENT_MIB=$((available / 2))
    OCTOPUS_LOG=none BENCH_PRELOAD=$lib "$build/tests/bench/spawn_times" "$build/tests/bench/resident" \
        "$dir/resident" "$RESIDENT_MIB" "$(free_port 24000)" 25 </dev/null >"$dir/spawn" &
    echo $! >"$dir/spawn.pid"
    wait $! || { complain "no successor of a large server"; return 0; }
    rm "$dir/spawn.pid"
    row "successor executed, nothing resident" "$(awk '{ print $1 }' "$dir/spawn" | summarize 1)"
    row "successor executed, $RESIDENT_MIB MiB resident" "$(awk '{ print $3 }' "$dir/spawn" | summarize 1)"
    row "the difference" "$(awk '{ print $3 - $1 }' "$dir/spawn" | summarize 1)" "<=5"
    row "a thread's longest pause, nothing resident" "$(awk '{ print $2 }' "$dir/spawn" | summarize 2)"
    row "a thread's longest pause, $RESIDENT_MIB MiB" "$(awk '{ print $4 }' "$dir/spawn" | summarize 2)"
}

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

# drained PRELOAD OPTION...: `MS-UNTIL-GONE CPU-MS` of each stop of the epoll example.
drained() {
    preload=$1
    shift
    port=$(free_port 25000)
    OCTOPUS_LOG=none OCTOPUS_DRAIN_TIMEOUT=30s "$build/tests/bench/drain_times" "$@" "$port" \
        env ${preload:+LD_PRELOAD="$preload"} "$build/tests/v1/epoll" -l "127.0.0.1:$port" \
        >"$dir/drain.out" 2>"$dir/drain.err" </dev/null &
    echo $! >"$dir/drain.pid"
    is_good=true
    wait $! || { cat "$dir/drain.err" >&2; is_good=false; }
    rm "$dir/drain.pid"
    grep '^[0-9.-]* [0-9.-]*$' "$dir/drain.out" && "$is_good"
}

section_stop() {
    echo "From the last connection closed to the process gone, $STOPS stops of the epoll example, ms"
    drained "$lib" -n 4 -h 20 -r "$STOPS" >"$dir/stops" ||
        complain "of $STOPS stops, that after $(wc -l <"$dir/stops") failed"
    [ -s "$dir/stops" ] || return 0
    row "last connection closed to gone" "$(awk '{ print $1 }' "$dir/stops" | summarize 1)" "<=10"
    row "  99 in 100" "$(awk '{ print $1 }' "$dir/stops" | percentile 99)"
}

# A drain as a whole: half a second of waiting, then all connections close.
section_drain() {
    echo "Processor time of a drain with many open connections, in microseconds per connection"
    for count in 1000 10000; do
        : >"$dir/drain.$count"
        for round in 1 2 3; do
            if ! bare=$(drained '' -n "$count" -h 500 -s -b) || ! with=$(drained "$lib" -n "$count" -h 500 -s); then
                complain "a drain with $count connections failed"
                return 0
            fi
            echo "${with#* } ${bare#* }" >>"$dir/drain.$count"
        done
        for kind in 1 2; do
            row "$count connections: $([ "$kind" -eq 1 ] && echo the drain || echo "they close, no drain")" \
                "$(awk -v k="$kind" -v n="$count" '{ print $k * 1000 / n }' "$dir/drain.$count" | summarize 1)"
        done
    done
    row "a connection of 10,000 to one of 1,000" \
        "$(paste "$dir/drain.10000" "$dir/drain.1000" | awk '{ print $1 / 10 / $3 }' | summarize)" "<=1.2"
}

# A stop with connections that are kept, and that nobody uses.
section_idle_drain() {
    echo "From the signal to the process gone, with idle connections that all see a clean end, ms"
    for count in 1000 10000; do
        : >"$dir/drain.$count"
        for round in 1 2 3; do
            drained "$lib" -n "$count" -i >>"$dir/drain.$count" || {
                complain "a stop with $count idle connections failed"
                return 0
            }
        done
        row "$count idle connections" "$(awk '{ print $1 }' "$dir/drain.$count" | summarize 0)" \
            "$([ "$count" -lt 10000 ] || echo '<=2000')"
    done
}
