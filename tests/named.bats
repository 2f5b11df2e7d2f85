#!/usr/bin/env bats
# SPDX-License-Identifier: MIT
# bats file_tags=ci:parallel
# Servers with habits of their own, each upgraded ten times under load, once idle in between, and stopped.

load helpers

setup() { common_setup; }

prepare_haproxy() {
    printf '%s\n' global 'maxconn 500' defaults 'mode http' 'timeout client 30s' 'timeout server 30s' 'timeout connect 5s' \
        'frontend f' "bind 127.0.0.1:$PORT" \
        "http-request return status 200 content-type text/plain hdr X-Version $(<"$APP_DIR/version") hdr X-Pid %pid lf-string \"pong $(<"$APP_DIR/version") %pid\n\"" \
        >"$APP_DIR/haproxy.cfg.new"
    mv "$APP_DIR/haproxy.cfg.new" "$APP_DIR/haproxy.cfg"
    SERVER_COMMAND=(/usr/sbin/haproxy "$HAPROXY_MODE" -f "$APP_DIR/haproxy.cfg")
}

prepare_puma() {
    cat >"$APP_DIR/config.ru" <<'RUBY'
version = File.read('version').strip
run ->(_env) { [200, { 'Content-Type' => 'text/plain', 'X-Version' => version, 'X-Pid' => Process.pid.to_s }, ["pong #{version} #{Process.pid}\n"]] }
RUBY
    SERVER_COMMAND=(/usr/bin/puma --bind "tcp://127.0.0.1:$PORT" --threads 4:4 --environment production "${PUMA_OPTIONS[@]}" config.ru)
}

# ten_upgrades NAME [LOAD-OPTION...]
ten_upgrades() {
    start_server "$1"
    wait_until_started
    for _ in 1 2; do
        start_load -c 4 "${@:2}"
        for _ in {1..5}; do
            replace
            wait_until 60 generation_answers_load
        done
        stop_load
        replace
    done
    kill -TERM "$SERVER_PID"
    WATCH_PID='' wait_until 60 is_gone "$SERVER_PID"
    assert_no_process_left
    assert_eq "$(log_count '[ERR]')" 0 "error lines"
    assert_eq "$(log_count 'serves on until it does')" 0 "upgrades that were waited for"
}

# bats test_tags=fast
@test "haproxy in the foreground" { HAPROXY_MODE=-db ten_upgrades haproxy -p 5; }
@test "haproxy in the foreground, kept connections" { HAPROXY_MODE=-db ten_upgrades haproxy -k; }
@test "puma" { ten_upgrades puma -p 5; }
@test "puma, kept connections" { ten_upgrades puma -k; }
@test "puma with two workers" {
    PUMA_OPTIONS=(--workers 2)
    ten_upgrades puma -p 5
}

# haproxy's master executes itself anew, and reloads at HUP: its signals are left to it.
has_another_worker() { [[ $(pgrep --parent "$SERVER_PID") =~ ^[0-9]+$ && $(pgrep --parent "$SERVER_PID") != "$1" ]]; }
@test "haproxy with a master reloads by itself at HUP" {
    local worker
    HAPROXY_MODE=-W start_server haproxy
    start_load -c 4 -p 5
    for _ in {1..10}; do
        worker=$(pgrep --parent "$SERVER_PID")
        kill -HUP "$SERVER_PID"
        wait_until 60 has_another_worker "$worker"
    done
    stop_load
    kill -TERM "$SERVER_PID"
    WATCH_PID='' wait_until 60 is_gone "$SERVER_PID"
    assert_no_process_left
}
