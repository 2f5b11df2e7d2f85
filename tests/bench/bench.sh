#!/bin/sh
# SPDX-License-Identifier: MIT
# `make bench`: what the library costs, in ratios that were measured in one run, by turns, on one
# machine. No absolute time decides anything; a request that fails does, and a system call more.
set -eu

: "${BUILD:=build}" "${PAIRS:=9}" "${SECONDS_EACH:=1}" "${UPGRADES:=8}" "${LATENCY_PAIRS:=3}"
build=$(cd "$BUILD" && pwd)
lib=$build/liboctopus.so
dir=$(mktemp -d "$build/bench.XXXXXX")
chmod 0755 "$dir"
pids=
failed=0

# shellcheck disable=SC2317 # called by the trap
clean_up() {
    for pid in $pids $(cat "$dir/upgrader" 2>/dev/null || :); do
        kill "$pid" 2>/dev/null || :
    done
    # shellcheck disable=SC2086 # one word per pid
    wait $pids 2>/dev/null || :
    rm -rf "$dir"
}
trap clean_up EXIT
trap 'exit 130' INT
trap 'exit 143' HUP TERM

complain() {
    echo "bench: $*" >&2
    failed=1
}

# The first free port from $1 on.
free_port() {
    port=$1
    while grep -q "$(printf ':%04X 0' "$port")" /proc/net/tcp; do
        port=$((port + 1))
    done
    echo "$port"
}

# write_nginx_config PORT WORKERS: prints the path.
write_nginx_config() {
    mkdir -p "$dir/nginx.$1"
    cat >"$dir/nginx.$1/nginx.conf" <<END
daemon off;
worker_processes $2;
pid server.pid;
error_log error.log;
events { worker_connections 512; }
http {
    access_log off;
    keepalive_requests 1000000000;
    client_body_temp_path body;
    proxy_temp_path proxy;
    fastcgi_temp_path fastcgi;
    uwsgi_temp_path uwsgi;
    scgi_temp_path scgi;
    server {
        listen 127.0.0.1:$1;
        add_header X-Pid \$pid always;
        add_header X-Version v1 always;
        location / { return 200 "pong v1 \$pid\n"; }
    }
}
END
}

# command_of SERVER PORT WORKERS: what starts it, one word each, none with a space in it.
command_of() {
    case $1 in
    nginx)
        write_nginx_config "$2" "$3"
        echo "nginx -p $dir/nginx.$2 -c $dir/nginx.$2/nginx.conf"
        ;;
    memcached)
        user=
        [ "$(id -u)" -ne 0 ] || user="-u nobody"
        echo "memcached -l 127.0.0.1 -p $2 -U 0 -t $3 $user"
        ;;
    esac
}

url_of() {
    case $1 in
    nginx) echo "http://127.0.0.1:$2/ping" ;;
    memcached) echo "memcached://127.0.0.1:$2" ;;
    esac
}

load() { "$build/tests/load" "$@" </dev/null; }

# start_pair SERVER WORKERS: one with and one without the library; sets plain_port, plain_pid,
# shim_port and shim_pid.
start_pair() {
    plain_port=$(free_port 21000)
    # shellcheck disable=SC2046 # words
    exec_server plain $(command_of "$1" "$plain_port" "$2")
    plain_pid=$!
    shim_port=$(free_port $((plain_port + 1)))
    # shellcheck disable=SC2046 # words
    exec_server shim $(command_of "$1" "$shim_port" "$2")
    shim_pid=$!
    pids="$plain_pid $shim_pid"
    for port in "$plain_port" "$shim_port"; do
        wait_for_server "$(url_of "$1" "$port")"
    done
}

exec_server() {
    preload=
    [ "$1" = plain ] || preload=LD_PRELOAD=$lib
    shift
    # shellcheck disable=SC2086 # no word where there is nothing to set
    env OCTOPUS_LOG=none $preload "$@" >/dev/null 2>&1 </dev/null &
}

wait_for_server() {
    rounds=100
    until load -n 100 "$1" >/dev/null 2>&1; do
        rounds=$((rounds - 1))
        [ "$rounds" -gt 0 ] || { echo "bench: $1 does not answer" >&2; exit 1; }
        sleep 0.1
    done
}

stop_pair() {
    # shellcheck disable=SC2086 # one word per pid
    kill $pids
    # shellcheck disable=SC2086
    wait $pids || :
    pids=
}

# rate KIND URL: requests in a second.
rate() {
    case $1 in
    wrk) wrk -t 1 -c 16 -d "${SECONDS_EACH}s" "$2" | sed -n 's/^Requests\/sec: *//p' ;;
    kept) load -c 16 -d "$SECONDS_EACH" -k "$2" | sed -n 's/^requests //p' ;;
    short) load -c 16 -d "$SECONDS_EACH" "$2" | sed -n 's/^requests //p' ;;
    esac
}

# Prints `median (min-max)` of the numbers on its input.
summarize() {
    sort -n | awk '{ v[NR] = $1 } END {
        m = NR % 2 ? v[(NR + 1) / 2] : (v[NR / 2] + v[NR / 2 + 1]) / 2
        printf "%.2f (%.2f-%.2f)\n", m, v[1], v[NR] }'
}

# throughput SERVER KIND: by turns, and every second pair the other way round.
throughput() {
    plain_url=$(url_of "$1" "$plain_port")
    shim_url=$(url_of "$1" "$shim_port")
    round=0
    while [ "$round" -lt "$PAIRS" ]; do
        if [ $((round % 2)) -eq 0 ]; then
            plain=$(rate "$2" "$plain_url")
            with=$(rate "$2" "$shim_url")
        else
            with=$(rate "$2" "$shim_url")
            plain=$(rate "$2" "$plain_url")
        fi
        echo "$with $plain"
        round=$((round + 1))
    done | awk '{ print $1 / $2 }' | summarize
}

# count_calls PID URL REQUESTS OPTION...: `CALL COUNT` lines for a server and its children.
count_calls() {
    server=$1 url=$2 requests=$3
    shift 3
    children=$(cat "/proc/$server/task/$server/children" 2>/dev/null || :)
    attach="-p $server"
    for child in $children; do
        attach="$attach -p $child"
    done
    : >"$dir/attached"
    # shellcheck disable=SC2086 # words
    strace -f -c -o "$dir/calls" $attach >/dev/null 2>"$dir/attached" &
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
    load -n "$requests" "$@" "$url" >/dev/null || return 1
    kill -INT "$tracer"
    wait "$tracer" || :
    awk '$4 ~ /^[0-9]+$/ && $NF != "total" { print $NF, $4 }' "$dir/calls"
}

# calls SERVER OPTION...: the system calls of one request. Those that come by the clock (a timer
# once a second) vanish in the rounding.
calls() {
    name=$1
    shift
    requests=1000
    if ! count_calls "$plain_pid" "$(url_of "$name" "$plain_port")" "$requests" "$@" >"$dir/plain" ||
        ! count_calls "$shim_pid" "$(url_of "$name" "$shim_port")" "$requests" "$@" >"$dir/shim"; then
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

# one_latency SERVER [COPY]: p99 and max in ms across upgrades, or across starts of a copy.
one_latency() {
    gap=500
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
    echo "$upgrader" >"$dir/upgrader"
    rounds=100
    until grep -q first_start "$dir/times" 2>/dev/null; do
        rounds=$((rounds - 1))
        [ "$rounds" -gt 0 ] && kill -0 "$upgrader" 2>/dev/null || return 1
        sleep 0.05
    done
    load -c 16 -p 2 -d "$(((UPGRADES + 2) * gap / 1000))" "$url" >"$dir/load" || {
        echo "bench: requests failed:" >&2
        cat "$dir/load" >&2
        failed_here=1
    }
    wait "$upgrader" || return 1
    rm "$dir/upgrader"
    [ -z "${failed_here:-}" ] || return 1
    sed -n 's/^latency_ms .* p99=\([0-9.]*\) max=\([0-9.]*\)$/\1 \2/p' "$dir/load"
}

# latency SERVER
latency() {
    : >"$dir/latencies"
    : >"$dir/stages"
    round=0
    while [ "$round" -lt "$LATENCY_PAIRS" ]; do
        across=$(one_latency "$1") || { complain "$1: an upgrade failed"; return 0; }
        cat "$dir/times" >>"$dir/stages"
        none=$(one_latency "$1" copy) || { complain "$1: no upgrade, and still failed"; return 0; }
        echo "$across $none" >>"$dir/latencies"
        round=$((round + 1))
    done
    awk -v server="$1" '
        { n[$1]++; middle[$1] += $2; if ($3 > worst[$1]) worst[$1] = $3 }
        END {
            printf "  %-10s successor executed %.1f (%.1f), ready %.1f (%.1f), old one gone %.1f (%.1f);",
                server, middle["executed"] / n["executed"], worst["executed"],
                middle["ready"] / n["ready"], worst["ready"],
                middle["gone"] / n["gone"], worst["gone"]
            printf " a first start takes %.1f\n", middle["first_start"] / n["first_start"]
        }' "$dir/stages"
    printf '  %-10s p99 %s, worst %s; worst in ms: %s, without upgrades %s\n' "" \
        "$(awk '{ print $1 / $3 }' "$dir/latencies" | summarize)" \
        "$(awk '{ print $2 / $4 }' "$dir/latencies" | summarize)" \
        "$(awk '{ print $2 }' "$dir/latencies" | summarize)" \
        "$(awk '{ print $4 }' "$dir/latencies" | summarize)"
}

echo "Octopus: ratios of with the library to without it, median (min-max). $(uname -sr), $(nproc) cores."
echo
echo "Throughput, $PAIRS alternating pairs of $SECONDS_EACH s, 16 clients"
start_pair nginx 2
printf '  %-32s %s\n' "nginx, short connections" "$(throughput nginx short)"
printf '  %-32s %s\n' "nginx, kept connections (wrk)" "$(throughput nginx wrk)"
stop_pair
start_pair memcached 2
printf '  %-32s %s\n' "memcached, short connections" "$(throughput memcached short)"
printf '  %-32s %s\n' "memcached, kept connections" "$(throughput memcached kept)"
stop_pair

echo
echo "System calls of one request"
for server in nginx memcached; do
    start_pair "$server" 1
    for kind in short kept; do
        option=
        [ "$kind" = short ] || option=-k
        # shellcheck disable=SC2086 # no word where there is none
        line=$(calls "$server" $option)
        printf '  %-32s %s\n' "$server, $kind connections" "$line"
        case $line in *DIFFERENT*) failed=1 ;; esac
    done
    stop_pair
done

echo
echo "Start of /bin/true, against preloading an empty library"
for limit in 1024 20000; do
    if numbers=$("$build/tests/bench/start_cost" "$lib" "$build/tests/bench/empty.so" "$limit"); then
        echo "$numbers" | awk -v limit="$limit" '
            { printf "  %-32s %.2f (%.2f-%.2f), %.0f microseconds more\n", limit " descriptors allowed", $1, $2, $3, $4 }'
    else
        echo "  $limit descriptors allowed: not measured, the limit cannot be raised so far here"
    fi
done

echo
echo "$UPGRADES upgrades under 16 clients, $LATENCY_PAIRS times: ms after the signal, median (worst); then the latency"
echo "across them, as a ratio to the same load while a copy of the server starts on another port"
latency nginx
latency memcached
exit "$failed"
