# shellcheck shell=sh disable=SC2034,SC2154 # bench.sh includes it, and has variables in common with it
# SPDX-License-Identifier: MIT
# The servers that are measured.

# The first free port from $1 on.
free_port() {
    port=$1
    while grep -q "$(printf ':%04X 0' "$port")" /proc/net/tcp; do
        port=$((port + 1))
    done
    echo "$port"
}

# write_nginx_config PORT WORKERS
write_nginx_config() {
    mkdir -p "$dir/nginx.$1"
    cat >"$dir/nginx.$1/nginx.conf" <<END_OF_CONFIG
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
END_OF_CONFIG
}

# write_haproxy_pong PORT THREADS: it answers itself.
write_haproxy_pong() {
    cat >"$dir/haproxy.$1.cfg" <<END_OF_CONFIG
global
    nbthread $2
defaults
    mode http
    timeout client 60s
    timeout server 60s
    timeout connect 5s
frontend pong
    bind 127.0.0.1:$1
    http-request return status 200 content-type text/plain string "pong v1 1\n" hdr X-Version v1 hdr X-Pid 1
END_OF_CONFIG
}

# command_of SERVER PORT WORKERS: what starts it, one word each, none with a space in it.
command_of() {
    echo v1 >"$dir/version"
    case $1 in
    nginx)
        write_nginx_config "$2" "$3"
        echo "$(command -v nginx) -p $dir/nginx.$2 -c $dir/nginx.$2/nginx.conf"
        ;;
    nginx_alone)
        write_nginx_config "$2" 1
        # It looks at the clock once an hour: what a look costs depends on the time that went by.
        echo 'master_process off; timer_resolution 3600s;' >>"$dir/nginx.$2/nginx.conf"
        echo "$(command -v nginx) -p $dir/nginx.$2 -c $dir/nginx.$2/nginx.conf"
        ;;
    memcached)
        user=
        [ "$(id -u)" -ne 0 ] || user="-u nobody"
        echo "memcached -l 127.0.0.1 -p $2 -U 0 -t $3 $user"
        ;;
    haproxy)
        write_haproxy_pong "$2" "$3"
        echo "haproxy -db -f $dir/haproxy.$2.cfg"
        ;;
    node) echo "env -C $dir node $tests/servers/node_http.js $2" ;;
    epoll) echo "$build/tests/v1/epoll -l 127.0.0.1:$2" ;;
    gunicorn)
        echo "env -C $dir gunicorn --workers $3 --worker-class gthread --threads 8 --bind 127.0.0.1:$2" \
            "--pythonpath $tests/servers --log-level error wsgi_app:application"
        ;;
    esac
}

url_of() {
    case $1 in
    memcached) echo "memcached://127.0.0.1:$2" ;;
    *) echo "http://127.0.0.1:$2/ping" ;;
    esac
}

load() { "$build/tests/load" "$@" </dev/null; }

# launch_server PRELOAD SERVER WORKERS [COMMAND...]: under COMMAND, if there is one. Sets port and pid.
launch_server() {
    preload=$1 name=$2
    port=$(free_port 21000)
    words=$(command_of "$2" "$port" "$3")
    shift 3
    # shellcheck disable=SC2086 # words
    env OCTOPUS_LOG=none ${preload:+LD_PRELOAD="$preload"} "$@" $words >/dev/null 2>&1 </dev/null &
    pid=$!
    pids="$pids $pid"
    wait_for_listener "$port"
    wait_for_server "$(url_of "$name" "$port")"
}

# wait_for_listener PORT: so that the first load that a server answers finds it there from the first request on.
wait_for_listener() {
    rounds=100
    until grep -q "$(printf ':%04X 00000000:0000 0A' "$1")" /proc/net/tcp || [ "$rounds" -eq 0 ]; do
        rounds=$((rounds - 1))
        sleep 0.1
    done
}

# start_pair SERVER WORKERS: one with and one without the library; sets plain_port, plain_pid,
# shim_port and shim_pid.
start_pair() {
    launch_server '' "$1" "$2"
    plain_port=$port plain_pid=$pid
    launch_server "$lib" "$1" "$2"
    shim_port=$port shim_pid=$pid
}

wait_for_server() {
    rounds=100
    until load -n 100 "$1" >/dev/null 2>&1; do
        rounds=$((rounds - 1))
        [ "$rounds" -gt 0 ] || { echo "bench: $1 does not answer" >&2; return 1; }
        sleep 0.1
    done
}

stop_servers() {
    # shellcheck disable=SC2086 # one word per pid
    kill $pids || complain "a server has ended by itself"
    # shellcheck disable=SC2086
    { wait $pids; } 2>/dev/null || :
    pids=
}

# family PID: it and its children.
family() { echo "$1 $(cat "/proc/$1/task/$1/children" 2>/dev/null || :)"; }
