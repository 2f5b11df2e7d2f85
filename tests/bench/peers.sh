# shellcheck shell=sh disable=SC2034,SC2046,SC2154 # bench.sh includes it; commands are words
# SPDX-License-Identifier: MIT
# Side by side with what else upgrades servers: the same load, as many upgrades, the failures of each.

: "${PEERS=nginx-usr2 nginx-hup haproxy gunicorn-hup start_server}"
: "${OURS=octopus-nginx octopus-node octopus-gunicorn octopus-memcached}"
# With kept connections: a starman that is told to go keeps a busy one for ever, and memcached cannot tell
# its clients to leave.
: "${PEERS_KEPT=nginx-usr2 nginx-hup haproxy gunicorn-hup}"
: "${OURS_KEPT=octopus-nginx octopus-node octopus-gunicorn}" "${UPGRADES_KEPT:=6}" "${REST_MS:=20}"

peer_describe() {
    case $1 in
    nginx-usr2) echo "nginx, its own USR2 and QUIT" ;;
    nginx-hup) echo "nginx, its own reload (HUP)" ;;
    haproxy) echo "haproxy -W, reload (USR2)" ;;
    gunicorn-hup) echo "gunicorn, its own reload (HUP)" ;;
    start_server) echo "start_server with starman (HUP)" ;;
    octopus-*) echo "Octopus, ${1#octopus-} (HUP)" ;;
    esac
}

peer_program() {
    case $1 in
    nginx-*) echo nginx ;;
    start_server) echo starman ;;
    octopus-*) echo "${1#octopus-}" ;;
    *) echo "${1%-*}" ;;
    esac
}

write_haproxy_config() {
    cat >"$dir/haproxy.cfg" <<END_OF_CONFIG
global
    maxconn 1000
    stats socket $dir/haproxy.sock expose-fd listeners
defaults
    mode http
    timeout connect 5s
    timeout client 30s
    timeout server 30s
frontend main
    bind 127.0.0.1:$1
    http-request return status 200 content-type text/plain hdr X-Version v1 hdr X-Pid %pid string "pong"
END_OF_CONFIG
}

write_psgi() {
    cat >"$dir/app.psgi" <<'END_OF_PROGRAM'
sub { [200, ['Content-Type' => 'text/plain', 'X-Version' => 'v1', 'X-Pid' => $$], ["pong\n"]] };
END_OF_PROGRAM
}

# peer_start PEER PORT: in the background, its pid in pids.
peer_start() {
    case $1 in
    nginx-usr2)
        set -- $(command_of nginx "$2" 2)
        sed -i 's/daemon off/daemon on/' "$nginx_dir/nginx.conf"
        ;;
    nginx-hup) set -- $(command_of nginx "$2" 2) ;;
    haproxy)
        write_haproxy_config "$2"
        set -- haproxy -W -db -f "$dir/haproxy.cfg" -p "$dir/peer.pidfile"
        ;;
    gunicorn-hup) set -- $(command_of gunicorn "$2" 2) ;;
    start_server)
        write_psgi
        rm -f "$dir/status"
        set -- start_server --port "127.0.0.1:$2" --signal-on-hup=QUIT --signal-on-term=QUIT \
            --status-file="$dir/status" -- starman --workers 2 "$dir/app.psgi"
        ;;
    octopus-*)
        set -- env LD_PRELOAD="$lib" OCTOPUS_LOG="$dir/peer.log" $(command_of "${1#octopus-}" "$2" 2)
        ;;
    esac
    : >"$dir/peer.log"
    chmod 0666 "$dir/peer.log"
    "$@" >/dev/null 2>"$dir/peer.err" </dev/null &
    pids=$!
    leader=$!
}

# until_true SECONDS COMMAND...
until_true() {
    rounds=$(($1 * 50))
    shift
    until "$@"; do
        rounds=$((rounds - 1))
        [ "$rounds" -gt 0 ] || return 1
        sleep 0.02
    done
}

# nginx_pid_is_new OLD: sets new.
nginx_pid_is_new() {
    new=$(cat "$nginx_dir/server.pid" 2>/dev/null || :)
    [ -n "$new" ] && [ "$new" != "$1" ]
}
has_children() { [ "$(wc -w <"/proc/$1/task/$1/children")" -ge "$2" ]; }
# One that nobody has waited for yet is gone, too.
is_gone() {
    case $(sed 's/.*) //' "/proc/$1/stat" 2>/dev/null) in
    Z* | '') return 0 ;;
    esac
    return 1
}
# has_new_child PID OLD: one that is none of the old ones, of which some may be leaving still.
has_new_child() {
    children=$(cat "/proc/$1/task/$1/children")
    for child in $children; do
        case " $2 " in
        *" $child "*) ;;
        *) return 0 ;;
        esac
    done
    return 1
}
status_changed() { [ -s "$dir/status" ] && [ "$(cat "$dir/status")" != "$1" ]; }
status_is_single() { [ "$(wc -l <"$dir/status")" -eq 1 ]; }
started_pid() { sed -n 's/.*The server has started (\([0-9]*\)).*/\1/p' "$dir/peer.log" | tail -1; }
octopus_is_new() { [ "$(started_pid)" != "$leader" ]; }

# peer_upgrade PEER: returns when the new version serves, by the means that the peer offers.
peer_upgrade() {
    case $1 in
    nginx-usr2)
        kill -USR2 "$leader"
        until_true 10 nginx_pid_is_new "$leader" || return 1
        until_true 10 has_children "$new" 2 || return 1
        kill -QUIT "$leader"
        # Until then the new one would ignore a USR2.
        until_true 10 is_gone "$leader" || return 1
        leader=$new
        pids=$new
        ;;
    nginx-hup | gunicorn-hup)
        before=$(cat "/proc/$leader/task/$leader/children")
        kill -HUP "$leader"
        until_true 10 has_new_child "$leader" "$before"
        ;;
    haproxy)
        before=$(cat "/proc/$leader/task/$leader/children")
        kill -USR2 "$leader"
        until_true 10 has_new_child "$leader" "$before"
        ;;
    start_server)
        before=$(cat "$dir/status" 2>/dev/null || :)
        kill -HUP "$leader"
        until_true 10 status_changed "$before" && until_true 10 status_is_single
        ;;
    octopus-*)
        leader=$(started_pid)
        kill -HUP "$leader"
        until_true 10 octopus_is_new || return 1
        until_true 10 is_gone "$leader" || return 1
        leader=$(started_pid)
        pids=$leader
        ;;
    esac
}

peer_stop() {
    kill "$leader" 2>/dev/null || :
    until_true 10 is_gone "$leader" || kill -KILL "$leader"
    wait || :
    pids=
}

# start_load OPTION...: on the peer at $url, in the background, what it finds in $dir/load.*.
start_load() {
    loaders=$((loaders + 1))
    "$build/tests/load" "$@" -d 120 "$url" >"$dir/load.$loaders" </dev/null &
    echo $! >"$dir/loader.$loaders.pid"
}

end_loads() {
    for file in "$dir"/loader.*.pid; do
        loader=$(cat "$file")
        kill "$loader" 2>/dev/null || :
        wait "$loader" || :
        rm "$file"
    done
}

# across_upgrades PEER COUNT COMMAND...: that many upgrades while the loads run that COMMAND starts. Sets
# name and upgrades.
across_upgrades() {
    peer=$1 count=$2
    shift 2
    name=$(peer_describe "$peer")
    if ! command -v "$(peer_program "$peer")" >/dev/null; then
        echo "  $name: not installed here"
        return 1
    fi
    port=$(free_port 26000)
    nginx_dir=$dir/nginx.$port
    url=$(url_of "${peer#octopus-}" "$port")
    peer_start "$peer" "$port"
    wait_for_server "$url" || { tail -3 "$dir/peer.err" >&2; peer_stop; return 1; }
    # Only as a daemon does it upgrade its binary.
    if [ "$peer" = nginx-usr2 ] && until_true 10 nginx_pid_is_new "$leader"; then
        leader=$new
        pids=$new
    fi
    loaders=0
    rm -f "$dir"/load.*
    "$@"
    upgrades=0
    while [ "$upgrades" -lt "$count" ]; do
        sleep 0.2
        peer_upgrade "$peer" || { echo "  $name: an upgrade was not seen to end" >&2; break; }
        upgrades=$((upgrades + 1))
    done
    sleep 0.2
    end_loads
    peer_stop
}

# sum_of OUTCOME...: over the loads that were.
sum_of() {
    cat "$dir"/load.* | awk -v names=" $* " 'index(names, " " $1 " ") { sum += $2 } END { print sum + 0 }'
}

# The kinds of failures, and how many of each.
failure_kinds() {
    cat "$dir"/load.* | awk '
        $1 ~ /^(refused|reset|eof|short|timeout|status|protocol|other)/ { sums[$1] += $2 }
        END { for (kind in sums) if (sums[kind]) printf " %s %d", kind, sums[kind] }'
}

# judge PEER: Octopus fails no request. Sets goal, failures and requests.
judge() {
    failures=$(sum_of failures) requests=$(sum_of requests) goal=
    case $1 in
    octopus-*)
        goal='<=0'
        [ "$failures" -eq 0 ] || complain "$name: requests failed"
        ;;
    esac
}

# peer PEER: ten upgrades under load. A single client has nobody whose next connection would wake the server
# for its own: what counts then is the longest wait.
peer() {
    across_upgrades "$1" 10 start_load -c "$CLIENTS" -p 2 || return 0
    [ "$CLIENTS" -gt 1 ] || name="one client: $name"
    waits=$(sed -n 's/^latency_ms .* p99=\([0-9.]*\) max=\([0-9.]*\)$/p99 \1 ms, worst \2/p' "$dir/load.1")
    judge "$1"
    row "$name, $upgrades upgrades" "$failures of $requests, $waits$(failure_kinds)" "$goal"
}

# peer_kept PEER PAUSE_MS: a reused connection that has ended counts as a failure.
peer_kept() {
    across_upgrades "$1" "$UPGRADES_KEPT" start_load -k -c "$CLIENTS" -p "$2" || return 0
    judge "$1"
    rate=$(echo "$failures $requests" | awk '{ printf "%.0f", $1 * 1e6 / ($2 ? $2 : 1) }')
    row "$name, $([ "$2" -eq 0 ] && echo full speed || echo "rests of $2 ms")" \
        "$rate ($failures of $requests)" "$goal"
}

section_peers() {
    echo "Failures of $CLIENTS clients with a connection for each request, across 10 upgrades"
    for each in $PEERS $OURS; do
        peer "$each"
    done
}

section_alone() {
    echo "One client that connects anew for each request, across 10 upgrades"
    CLIENTS=1
    for each in nginx-usr2 octopus-nginx octopus-memcached; do
        peer "$each"
    done
    CLIENTS=16
}

section_peers_kept() {
    echo "Failures in a million requests of $CLIENTS clients that keep their connections, across $UPGRADES_KEPT upgrades"
    for each in $PEERS_KEPT $OURS_KEPT; do
        peer_kept "$each" 0
        peer_kept "$each" "$REST_MS"
    done
}

# Each with its own moments.
start_resting_loads() {
    while [ "$loaders" -lt 8 ]; do
        start_load -k -c 25 -p 2000
        sleep 0.25
    done
}

# Not among the sections that run unasked: what it tells is known.
section_rests() {
    echo "200 clients that rest 2 s on kept connections, across 10 upgrades"
    for each in nginx-usr2 nginx-hup octopus-nginx; do
        across_upgrades "$each" 10 start_resting_loads || continue
        failures=$(sum_of failures) requests=$(sum_of requests) ended=$(sum_of eof_reused)
        row "$name: ended at rest" "$ended of $requests"
        row "$name: failed otherwise" "$((failures - ended)) of $requests"
    done
}
