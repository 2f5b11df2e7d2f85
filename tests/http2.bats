#!/usr/bin/env bats
# SPDX-License-Identifier: MIT
# HTTP/2 in a drain: streams that were begun end in order, GOAWAY tells each client, and what is idle ends.
# bats file_tags=ci:parallel

load helpers

setup() { common_setup; }

CLIENTS=$BATS_TEST_DIRNAME/client

prepare_node_http2() { SERVER_COMMAND=(node "$SERVERS_DIR/node_http2.js" "$PORT"); }
prepare_node_http2s() {
    PROTOCOL=https
    make_certificate
    SERVER_COMMAND=(node "$SERVERS_DIR/node_http2.js" "$PORT" server.crt server.key)
}
prepare_nginx_http2() {
    SERVER_COMMAND=(/usr/sbin/nginx -p "$APP_DIR" -c "$APP_DIR/nginx.conf")
    write_nginx_config off "127.0.0.1:$PORT http2"
}
prepare_nginx_http2s() {
    PROTOCOL=https
    make_certificate
    SERVER_COMMAND=(/usr/sbin/nginx -p "$APP_DIR" -c "$APP_DIR/nginx.conf")
    write_nginx_config off "127.0.0.1:$PORT ssl http2" 'ssl_certificate server.crt; ssl_certificate_key server.key;'
}

# These servers speak nothing else in the clear.
server_answers() { curl --silent --fail --insecure --http2-prior-knowledge "$URL/ping" >/dev/null 2>&1; }

# start_client NAME ARGUMENT...: one of the clients of node's, its lines in CLIENT_LOG.
start_client() {
    CLIENT_LOG=$BATS_TEST_TMPDIR/client$((CLIENT_LOGS++)).log
    node "$CLIENTS/$1" "${@:2}" >"$CLIENT_LOG" 2>&1 </dev/null 3>&- 4>&- &
    CLIENT_PID=$!
    HELPER_PIDS+=("$CLIENT_PID")
}

client_says() { grep -qxF -- "$1" "$CLIENT_LOG"; }

# start_once PATH [MORE]: a request that is under way when this returns.
start_once() {
    start_client http2_once.js "$URL" "$@"
    WATCH_PID=$CLIENT_PID wait_until 60 client_says asked
}

# ends_well: its request was answered in full, and the client was told.
ends_well() {
    status_of "$CLIENT_PID"
    assert_eq "$(<"$CLIENT_LOG")" $'asked\ncomplete\ntold\nover' "what the client says"
}

# --- what is under way

# survives PATH [MORE]: an upgrade, and a stop.
survives() {
    start_server node_http2 OCTOPUS_DRAIN_TIMEOUT=60s
    start_once "$@"
    replace
    ends_well
    start_once "$@"
    kill -TERM "$SERVER_PID"
    ends_well
    WATCH_PID='' wait_until 60 is_gone "$SERVER_PID"
    assert_no_process_left
    assert_eq "$(log_count '[ERR]')" 0 "error lines"
}

# bats test_tags=fast
@test "a request that takes long is answered, and its client is told meanwhile" { survives '/slow?ms=1500'; }
@test "a request that takes long, beside others on its connection" { survives '/slow?ms=1500' mux; }
@test "a request that takes long, on a connection whose client pings" { survives '/slow?ms=1500' ping; }
@test "a stream of events with pauses ends in order" { survives '/events?ms=900'; }

# --- what is idle

# idle_is_told SERVER: nobody is left at the deadline.
idle_is_told() {
    start_server "$1" OCTOPUS_DRAIN_TIMEOUT=60s
    start_once /ping stay
    wait_until 60 client_says complete
    kill -TERM "$SERVER_PID"
    ends_well
    WATCH_PID='' wait_until 60 is_gone "$SERVER_PID"
    assert_eq "$(log_count 'The drain ends with')" 0 "drains that were cut"
}

# bats test_tags=fast
@test "an idle connection is told, and ends" { idle_is_told node_http2; }
@test "an idle connection of nginx is told, and ends" { idle_is_told nginx_http2; }

@test "with OCTOPUS_HTTP_CLOSE=off nobody is told, and nothing under way is cut" {
    start_server node_http2 OCTOPUS_DRAIN_TIMEOUT=60s OCTOPUS_HTTP_CLOSE=off
    start_once '/events?ms=900'
    kill -TERM "$SERVER_PID"
    status_of "$CLIENT_PID"
    assert_eq "$(<"$CLIENT_LOG")" $'asked\ncomplete\nuntold\nover' "what the client says"
    WATCH_PID='' wait_until 60 is_gone "$SERVER_PID"
}

# --- load

# Each process has an answer of its own.
count_answers() { grep -c '^first ' "$CLIENT_LOG"; }
has_more_answers() { (( $(count_answers) > $1 )); }

# is_upgraded_under_load SERVER: five times, on connections that are never idle.
is_upgraded_under_load() {
    local status=0 answers
    start_server "$1" OCTOPUS_DRAIN_TIMEOUT=60s
    start_client http2_load.js "$URL" 6 4
    WATCH_PID=$CLIENT_PID wait_until 60 client_says running
    for _ in {1..5}; do
        answers=$(count_answers)
        replace
        wait_until 60 has_more_answers "$answers"
    done
    kill -TERM "$CLIENT_PID"
    wait "$CLIENT_PID" || status=$?
    assert_eq "$status" 0 "exit status of the load, $(tail -n 8 "$CLIENT_LOG")"
    assert_eq "$(sed -n 's/^untold //p' "$CLIENT_LOG")" 0 "connections that ended untold"
    assert_within "$(sed -n 's/^told //p' "$CLIENT_LOG")" 5 60 "connections that were told"
    kill -TERM "$SERVER_PID"
    WATCH_PID='' wait_until 60 is_gone "$SERVER_PID"
    assert_no_process_left
    assert_eq "$(log_count '[ERR]')" 0 "error lines"
}

@test "five upgrades under HTTP/2 load: node" { is_upgraded_under_load node_http2; }
@test "five upgrades under HTTP/2 load: nginx" { is_upgraded_under_load nginx_http2; }
@test "five upgrades under HTTP/2 load: nginx over TLS" { is_upgraded_under_load nginx_http2s; }
