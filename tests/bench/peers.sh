# shellcheck shell=sh disable=SC2034,SC2046,SC2154 # bench.sh includes it; commands are words
# SPDX-License-Identifier: MIT
# Side by side with what else upgrades servers: the same load, as many upgrades, the failures of each.

: "${PEERS=nginx-usr2 nginx-hup haproxy gunicorn-hup start_server}"
: "${OURS=octopus-nginx octopus-node octopus-gunicorn octopus-memcached}"

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
        # A kept connection that is busy lasts until then.
        set -- env LD_PRELOAD="$lib" OCTOPUS_LOG="$dir/peer.log" OCTOPUS_DRAIN_TIMEOUT=1s $(command_of "${1#octopus-}" "$2" 2)
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
children_changed() {
    now=$(cat "/proc/$1/task/$1/children")
    [ -n "$now" ] && [ "$now" != "$2" ]
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
        until_true 10 children_changed "$leader" "$before"
        ;;
    haproxy)
        before=$(cat "/proc/$leader/task/$leader/children")
        kill -USR2 "$leader"
        until_true 10 children_changed "$leader" "$before"
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

# peer PEER [-k]: ten upgrades under load. A single client has nobody whose next connection would wake
# the server for its own: what counts then is the longest wait.
peer() {
    name=$(peer_describe "$1")
    if ! command -v "$(peer_program "$1")" >/dev/null; then
        echo "  $name: not installed here"
        return 0
    fi
    port=$(free_port 26000)
    nginx_dir=$dir/nginx.$port
    url=$(url_of "${1#octopus-}" "$port")
    peer_start "$1" "$port"
    wait_for_server "$url" || { tail -3 "$dir/peer.err" >&2; peer_stop; return 0; }
    # Only as a daemon does it upgrade its binary.
    if [ "$1" = nginx-usr2 ] && until_true 10 nginx_pid_is_new "$leader"; then
        leader=$new
        pids=$new
    fi
    "$build/tests/load" -c "$CLIENTS" -d 60 -p 2 ${2:+"$2"} "$url" >"$dir/load" </dev/null &
    loader=$!
    echo "$loader" >"$dir/loader.pid"
    upgrades=0
    while [ "$upgrades" -lt 10 ]; do
        sleep 0.2
        peer_upgrade "$1" || { echo "  $name: an upgrade was not seen to end" >&2; break; }
        upgrades=$((upgrades + 1))
    done
    sleep 0.2
    kill "$loader"
    wait "$loader" || :
    rm "$dir/loader.pid"
    peer_stop
    [ "$CLIENTS" -gt 1 ] || name="one client: $name"
    row "$name, ${2:+kept, }$upgrades upgrades" "$(awk '
        $1 == "requests" { requests = $2 }
        $1 == "failures" { failures = $2 }
        $1 == "latency_ms" { p99 = $3; max = $4; sub(/.*=/, "", p99); sub(/.*=/, "", max) }
        $1 ~ /^(refused|reset|eof|short|timeout|status|protocol|other)/ && $2 { kinds = kinds " " $1 " " $2 }
        END { printf "%d of %d, p99 %s ms, worst %s%s", failures, requests, p99, max, kinds }' "$dir/load")" \
        "$(case $1${2:-} in octopus-*-k) ;; octopus-*) echo "<=0" ;; esac)"
    case $1${2:-} in
    octopus-*-k) ;;
    octopus-*) grep -qx 'failures 0' "$dir/load" || complain "$name: requests failed" ;;
    esac
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

# Not among the sections that run unasked. start_server is none of it: a starman that is told to go keeps
# a busy connection for ever.
section_peers_kept() {
    echo "The same with kept connections (Octopus does not announce their end yet)"
    for each in $(echo "$PEERS" | sed 's/start_server//') $OURS; do
        peer "$each" -k
    done
}
