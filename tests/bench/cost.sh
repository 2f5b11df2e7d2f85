# shellcheck shell=sh disable=SC2034,SC2154 # bench.sh includes it, and has variables in common with it
# SPDX-License-Identifier: MIT
# What a server pays for the library while no signal comes, and what a process pays that never serves.

# one_run KIND: the load of $requests and $option on that server. Prints the processor time that the server
# took, that of the clients, and the time that went by.
one_run() {
    # shellcheck disable=SC2046,SC2086 # words, and no word where there is no option
    taskset -c "$cpu" "$build/tests/bench/cpu_time" $(family "$(cat "$dir/$1.server")") -- \
        "$build/tests/load" -c "$CLIENTS" -n "$requests" $option "$(cat "$dir/$1.url")" \
        2>"$dir/load" </dev/null || { cat "$dir/load" >&2; return 1; }
}

# start_three SERVER: bare, with the library, with an empty one; none of them is cold then.
start_three() {
    for kind in bare library empty; do
        case $kind in
        bare) preload= ;;
        library) preload=$lib ;;
        empty) preload=$build/tests/bench/empty.so ;;
        esac
        launch_server "$preload" "$1" 1 taskset -c "$cpu"
        echo "$pid" >"$dir/$kind.server"
        url_of "$1" "$port" >"$dir/$kind.url"
        one_run "$kind" >/dev/null
    done
}

# order_of ROUND: each of the orders in turn.
order_of() {
    case $(($1 % 6)) in
    0) echo bare library empty ;;
    1) echo library empty bare ;;
    2) echo empty bare library ;;
    3) echo empty library bare ;;
    4) echo library bare empty ;;
    5) echo bare empty library ;;
    esac
}

# throughput SERVER REQUESTS [-k]. New processes every fourth time: how the memory of one happens to lie
# makes a percent or two.
throughput() {
    requests=$2 option=${3:-}
    : >"$dir/rounds"
    round=0
    while [ "$round" -lt "$PAIRS" ]; do
        if [ $((round % 4)) -eq 0 ]; then
            [ -z "$pids" ] || stop_servers
            start_three "$1"
        fi
        for kind in $(order_of "$round"); do
            one_run "$kind" >"$dir/$kind.time" || { complain "$1: requests failed"; stop_servers; return 0; }
        done
        paste -d ' ' "$dir/bare.time" "$dir/library.time" "$dir/empty.time" >>"$dir/rounds"
        round=$((round + 1))
    done
    stop_servers
    # Columns: server, clients, elapsed; of the bare one, with the library, with the empty one.
    name="$1, $([ -n "$option" ] && echo kept || echo short)"
    for kind in 4 7; do
        goal=">=0.99" server_goal="<=1.01" suffix=
        [ "$kind" -eq 4 ] || goal='' server_goal='' suffix=", empty library"
        row "$name: requests$suffix" "$(awk -v k="$kind" '
            { print ($1 + $2) / ($k + $(k + 1)) }' "$dir/rounds" | summarize_quartiles)" "$goal"
        row "    by the clock" "$(awk -v k="$kind" '{ print $3 / $(k + 2) }' "$dir/rounds" | summarize_quartiles)"
        row "    the server's own time" "$(awk -v k="$kind" '
            { print $k / $1 }' "$dir/rounds" | summarize_quartiles)" "$server_goal"
    done
}

# Server and clients share one processor, so that no request finds it asleep or has to wake another, and
# what counts is the processor time that a request takes both of them: other jobs do not add to that.
section_throughput() {
    echo "Requests in a second of processor time of $CLIENTS clients and server, ratios of $PAIRS alternating pairs"
    cpu=$(taskset -cp $$ | sed 's/.*[^0-9]//')
    for server in $SERVERS; do
        throughput "$server" 1500
        throughput "$server" 4000 -k
    done
}

# trace PID OPTION...: strace on a server and its children, its own words in $dir/attached.
trace() {
    attach=
    for pid in $(family "$1"); do
        attach="$attach -p $pid"
    done
    shift
    : >"$dir/attached"
    # shellcheck disable=SC2086 # words
    strace -f "$@" $attach >/dev/null 2>"$dir/attached" &
    tracer=$!
    rounds=50
    until grep -q attached "$dir/attached"; do
        rounds=$((rounds - 1))
        if [ "$rounds" -eq 0 ] || ! kill -0 "$tracer" 2>/dev/null; then
            cat "$dir/attached" >&2
            return 1
        fi
        sleep 0.1
    done
    sleep 0.3
}

end_trace() {
    kill -INT "$tracer"
    wait "$tracer" || :
}

# count_calls PID URL REQUESTS [-k]: `CALL COUNT` lines for a server and its children.
count_calls() {
    trace "$1" -c -o "$dir/calls" || return 1
    load -n "$3" ${4:+"$4"} "$2" >/dev/null || return 1
    end_trace
    awk '$4 ~ /^[0-9]+$/ && $NF != "total" { print $NF, $4 }' "$dir/calls"
}

# calls SERVER [-k]: the system calls of one request. Those that come by the clock (a timer once a
# second) vanish in the rounding.
calls() {
    requests=1000
    if ! count_calls "$plain_pid" "$(url_of "$1" "$plain_port")" "$requests" ${2:+"$2"} >"$dir/plain" ||
        ! count_calls "$shim_pid" "$(url_of "$1" "$shim_port")" "$requests" ${2:+"$2"} >"$dir/shim"; then
        echo "not measured (may strace attach to a process here?)"
        return 0
    fi
    awk -v n="$requests" '
        FNR == NR { plain[$1] = $2; names[$1] = 1; next }
        { shim[$1] = $2; names[$1] = 1 }
        END {
            for (name in names) {
                a = sprintf("%.1f", plain[name] / n)
                b = sprintf("%.1f", shim[name] / n)
                if (a != b)
                    more = more sprintf(" %s %s instead of %s", name, b, a)
                total_plain += a
                total_shim += b
            }
            printf "%.1f with, %.1f without: %s\n", total_shim, total_plain,
                more ? "DIFFERENT:" more : "identical"
        }' "$dir/plain" "$dir/shim"
}

section_calls() {
    echo "System calls of one request"
    for server in nginx memcached; do
        start_pair "$server" 1
        for option in '' -k; do
            line=$(calls "$server" $option)
            row "$server, $([ -n "$option" ] && echo kept || echo short)" "$line"
            case $line in *DIFFERENT*) failed=1 ;; esac
        done
        stop_servers
    done
}

# end_counting: ends the server that was launched last, in its own way. A server under valgrind may lose a signal.
end_counting() {
    rounds=30
    while kill -QUIT "$pid" 2>/dev/null; do
        rounds=$((rounds - 1))
        [ "$rounds" -gt 0 ] || return 1
        timeout 2 tail -q --pid="$pid" -f /dev/null || :
    done
    wait "$pid" 2>/dev/null || :
    pids=
}

# count_instructions PRELOAD REQUESTS [-k]: sets instructions, what an nginx in one process executed in user space from
# its start to its end.
count_instructions() {
    rm -f "$dir/callgrind"
    launch_server "$1" nginx_alone 1 taskset -c "$cpu" \
        valgrind -q --tool=callgrind --run-libc-freeres=no --callgrind-out-file="$dir/callgrind" || return 1
    taskset -c "$cpu" "$build/tests/load" -c 1 -n "$2" ${3:+"$3"} "$(url_of nginx "$port")" >/dev/null || return 1
    end_counting || return 1
    instructions=$(sed -n 's/^totals: //p' "$dir/callgrind")
    [ -n "$instructions" ]
}

# instructions_each PRELOAD [-k]: sets each, the instructions of 2,000 requests: start and end do not count.
instructions_each() {
    count_instructions "$1" 1000 ${2:+"$2"} || return 1
    each=$instructions
    count_instructions "$1" 3000 ${2:+"$2"} || return 1
    each=$((instructions - each))
}

# Server and client share one processor: which of them is first decides whether the server looks once more.
section_instructions() {
    echo "Instructions of one request in the server, kernel apart, counted by callgrind"
    if ! command -v valgrind >/dev/null; then
        echo "  not measured: there is no valgrind"
        return 0
    fi
    cpu=$(taskset -cp $$ | sed 's/.*[^0-9]//')
    for option in -k ''; do
        label="nginx, $([ -n "$option" ] && echo kept || echo short)"
        if instructions_each '' $option && bare=$each && instructions_each "$lib" $option; then
            row "$label" "$(echo "$each $bare" | awk '{ printf "%.3f\n", $1 / $2 }')"
        else
            complain "$label: requests failed, or the server did not end"
            [ -z "$pids" ] || stop_servers
        fi
    done
}

# idle_calls PID: how many calls the library's threads began in 3 s, and how many the server's. The first
# line of each thread is the call that it was in when strace came.
idle_calls() {
    trace "$1" -o "$dir/calls" || return 1
    for pid in $(family "$1"); do
        grep -lx octopus "/proc/$pid/task/"*/comm 2>/dev/null || :
    done | sed 's/.*task.\([0-9]*\).comm/\1/' >"$dir/own"
    sleep 3
    end_trace
    awk -v own="$(tr '\n' ' ' <"$dir/own")" '
        BEGIN { n = split(own, tids); for (i = 1; i <= n; i++) is_own[tids[i]] = 1 }
        !seen[$1]++ || / resumed>/ { next }
        { if ($1 in is_own) mine++; else others++ }
        END { print mine + 0, others + 0 }' "$dir/calls"
}

section_idle() {
    echo "System calls in 3 s of an idle server"
    for server in nginx memcached node; do
        start_pair "$server" 2
        if plain=$(idle_calls "$plain_pid") && with=$(idle_calls "$shim_pid"); then
            row "$server: calls by the library" \
                "${with% *}; the server ${with#* }, bare ${plain#* }; $(grep -c . "$dir/own" || :) threads" "<=0"
            [ "${with% *}" -eq 0 ] || complain "$server: the library does not rest"
        fi
        stop_servers
    done
}

section_start() {
    echo "Start of /bin/true, against preloading an empty library"
    for limit in 1024 20000; do
        if numbers=$("$build/tests/bench/start_cost" "$lib" "$build/tests/bench/empty.so" "$limit"); then
            row "/bin/true, $limit descriptors allowed" "$(echo "$numbers" | awk '
                { printf "%.3f (%.3f to %.3f), %.0f us more\n", $1, $2, $3, $4 }')" "<=1.05"
        else
            echo "  $limit descriptors allowed: not measured, the limit cannot be raised so far here"
        fi
    done
}
