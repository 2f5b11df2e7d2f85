#!/bin/sh
# SPDX-License-Identifier: MIT
# `make demo`: the example server, which knows nothing of Octopus, is upgraded twice and stopped
# while 16 clients use it. Ends with the tally, and with a status other than 0 if a request failed.
# shellcheck disable=SC2317 # functions are called by traps and through wait_for
set -eu

clients=16
build=$(cd "${BUILD:-build}" && pwd)
dir=$(mktemp -d "$build/demo.XXXXXX" 2>/dev/null || mktemp -d)
load_pid=
shown=0

if [ -t 1 ] && [ "${TERM:-dumb}" != dumb ] && [ -z "${NO_COLOR:-}" ]; then
    bold=$(printf '\033[1m') dim=$(printf '\033[2m') plain=$(printf '\033[0m')
else
    bold='' dim='' plain=''
fi

step() { printf '\n%s%s%s\n' "$bold" "$*" "$plain"; }
tell() { printf '  %s\n' "$*"; }

# Every generation says `ready PORT PID` on its standard output.
ready_pids() { sed -n 's/^ready [0-9]* //p' "$dir/out"; }

# A pid may be somebody else's by now: ours still stand in our directory.
running_servers() {
    for pid in $(ready_pids); do
        [ "$(readlink "/proc/$pid/cwd")" != "$dir" ] || echo "$pid"
    done
}

# Two stop signals: the second cuts the drain short.
clean_up() {
    [ -z "$load_pid" ] || kill "$load_pid" 2>/dev/null || :
    for signal in TERM TERM KILL; do
        for pid in $(running_servers 2>/dev/null); do
            kill "-$signal" "$pid" 2>/dev/null || :
            sleep 0.1
        done
    done
    rm -rf "$dir"
}
trap clean_up EXIT
trap 'echo; echo "demo: interrupted" >&2; exit 130' INT
trap 'exit 143' HUP TERM

# What the library has logged since the last time.
show_log() {
    lines=$(wc -l <"$dir/log")
    [ "$lines" -gt "$shown" ] || return 0
    sed -n "$((shown + 1)),${lines}s/.*/  $dim&$plain/p" "$dir/log"
    shown=$lines
}

# wait_for WHAT COMMAND...: shows the log until COMMAND succeeds; 10 s are more than enough.
wait_for() {
    what=$1
    shift
    rounds=200
    until "$@"; do
        show_log
        rounds=$((rounds - 1))
        if [ "$rounds" -eq 0 ]; then
            echo "demo: waited in vain for $what" >&2
            cat "$dir/load" >&2
            exit 1
        fi
        sleep 0.05
    done
    show_log
}

has_line() { grep -q "$1" "$2"; }
is_ready() { [ "$(ready_pids | wc -l)" -ge "$1" ]; }
is_gone() { ! [ -d "/proc/$1" ] || grep -q '^State:.*zombie' "/proc/$1/status" 2>/dev/null; }

# deploy VERSION: by a rename, as package managers do; a running program keeps its old file.
deploy() {
    cp "$build/tests/$1/ping" "$dir/ping.new"
    mv "$dir/ping.new" "$dir/ping"
}

# upgrade VERSION: returns when it answers and its predecessor has gone.
upgrade() {
    old=$server
    generation=$((generation + 1))
    deploy "$1"
    tell "\$ cp $1/ping ./ping.new && mv ping.new ping"
    tell "\$ kill -HUP $old"
    kill -HUP "$old"
    wait_for "generation $generation" is_ready "$generation"
    server=$(ready_pids | sed -n "${generation}p")
    wait_for "an answer of $1" has_line "^first $1 $server\$" "$dir/load"
    tell "-> $1 ($server) answers the clients."
    wait_for "the end of $old" is_gone "$old"
    tell "-> $old has left."
    sleep 2
}

deploy v1
: >"$dir/log"
: >"$dir/out"
: >"$dir/load"
# By a short name: LD_PRELOAD takes a space or a colon for the end of the path.
ln -s "$build/liboctopus.so" "$dir/liboctopus.so"
cd "$dir"

step "1. The example server starts, as version 1, with the library preloaded."
tell "\$ LD_PRELOAD=./liboctopus.so ./ping -l 127.0.0.1:0"
LD_PRELOAD=./liboctopus.so OCTOPUS_LOG=stderr ./ping -l 127.0.0.1:0 >>out 2>>log </dev/null &
wait_for "the server" is_ready 1
generation=1
server=$(ready_pids)
port=$(sed -n 's/^ready \([0-9]*\) .*/\1/p' out)
wait_for "the library" has_line 'The server has started' log

step "2. $clients clients ask it without a pause, each request on a new connection."
"$build/tests/load_plain" -c "$clients" -r "http://127.0.0.1:$port/ping" >>load 2>&1 </dev/null &
load_pid=$!
wait_for "the clients" has_line '^running' load
tell "-> v1 ($server) answers the clients."
sleep 2

step "3. Version 2 is put in place of version 1; HUP tells the server."
upgrade v2

step "4. Version 2 was a mistake: back to version 1."
upgrade v1

step "5. TERM: the server turns new clients away, answers what it has accepted, and exits."
tell "\$ kill -TERM $server"
kill -TERM "$server"
wait_for "the end of $server" is_gone "$server"
status=0
wait "$load_pid" || status=$?
load_pid=
tell "-> The clients are refused, and end."

step "The tally"
awk '
    $1 == "requests" || $1 == "failures" { count[$1] = $2 }
    $1 == "latency_ms" { slowest = substr($4, 5) }
    $1 == "answered" { answered[++n] = sprintf("%9d by %s (pid %d)", $4, $2, $3) }
    END {
        printf "  requests %9d\n", count["requests"]
        for (i = 1; i <= n; i++)
            printf "  %s %s\n", i == 1 ? "answered" : "        ", answered[i]
        printf "  failures %9d\n", count["failures"]
        printf "  slowest  %9.1f ms\n", slowest
    }' load
if [ "$status" -ne 0 ]; then
    echo "demo: requests failed:" >&2
    sed '/^first /d; /^running/d' load >&2
fi
exit "$status"
