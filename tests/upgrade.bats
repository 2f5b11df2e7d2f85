#!/usr/bin/env bats
# SPDX-License-Identifier: MIT
# Version after version, under load, and nobody notices: the promise, for each server. Twenty in a row where what
# is new in a server (several processes, one, threads, a process for each connection) might add up; elsewhere five.

load helpers

# upgrades_under_load COUNT NAME: every upgrade is answered by a process that was not there before, no
# request fails, and nothing of earlier generations stays.
upgrades_under_load() {
    local count=$1 round
    shift
    start_server "$1"
    wait_until_started
    warm_up "$1"
    remember_first_generation
    start_load -c "$(connections_for "$1")"
    for (( round = 0; round < count; round++ )); do
        upgrade HUP
        wait_until 60 generation_answers_load
    done
    stop_load
    assert_nothing_of_the_earlier "$count"
}

# warm_up NAME: the workers are there and have served, so that what they open for good is open.
warm_up() {
    start_load -c "$(connections_for "$1")"
    wait_until 60 all_processes_answered
    stop_load
    wait_until 60 fds_are_settled
}

# all_processes_answered: each worker of a server that has two; elsewhere one answer is as good as any.
all_processes_answered() {
    case $SERVER_NAME in
    nginx* | gunicorn_*) (( $(first_pids | sort -u | wc -l) == 2 )) ;;
    *) first_pids | grep -q . ;;
    esac
}

# fds_of_generation PID: how many descriptors each of its processes has.
fds_of_generation() {
    local pid
    while read -r pid; do fd_count "$pid"; done < <(generation_of "$1") | sort -n | xargs
}

# fds_are_settled: no connection of a client is still being closed.
fds_are_settled() {
    local now
    now=$(fds_of_generation "$SERVER_PID")
    [[ $now == "${FDS_AT_LAST_LOOK:-}" ]] && return
    FDS_AT_LAST_LOOK=$now
    return 1
}

remember_first_generation() {
    FDS_OF_FIRST=$(fds_of_generation "$SERVER_PID")
    FILES_OF_FIRST=$(files_present)
}

# files_present: where the server, or the library, might leave some.
files_present() { find "$APP_DIR" /dev/shm/*octopus* -print 2>/dev/null | sort || true; }

# assert_nothing_of_the_earlier UPGRADES: no process, zombie, descriptor or file is left of them, and
# the log has one line of each kind for each.
assert_nothing_of_the_earlier() {
    assert_only_generation "$SERVER_PID"
    assert_eq "$(zombies_of_test)" "" "zombies"
    wait_until 60 has_fds_of_first
    assert_eq "$(files_present)" "$FILES_OF_FIRST" "files"
    assert_eq "$(started_pids | sort -u | wc -l)" $(($1 + 1)) "generations that started"
    assert_eq "$(log_count 'Forked child (')" "$1" "children forked"
    assert_eq "$(log_count 'was killed.')" "$1" "masters that left"
    assert_eq "$(log_count '[ERR]')" 0 "error lines"
}

# A connection that is just being served has a descriptor of its own, for a moment.
has_fds_of_first() { assert_eq "$(fds_of_generation "$SERVER_PID")" "$FDS_OF_FIRST" "descriptors"; }

@test "20 upgrades under load: nginx" { upgrades_under_load 20 nginx; }
@test "5 upgrades under load: nginx as a daemon" { upgrades_under_load 5 nginx_daemon; }
# bats test_tags=fast
@test "5 upgrades under load: nginx with HTTPS" { upgrades_under_load 5 nginx_https; }
@test "20 upgrades under load: redis" { upgrades_under_load 20 redis; }
@test "5 upgrades under load: memcached" { upgrades_under_load 5 memcached; }
@test "5 upgrades under load: node" { upgrades_under_load 5 node; }
@test "5 upgrades under load: python's HTTPServer" { upgrades_under_load 5 python_http; }
@test "5 upgrades under load: python -m http.server" { upgrades_under_load 5 python_module; }
@test "5 upgrades under load: gunicorn, sync workers" { upgrades_under_load 5 gunicorn_sync; }
@test "5 upgrades under load: gunicorn, threaded workers" { upgrades_under_load 5 gunicorn_gthread; }
@test "5 upgrades under load: the example ping" { upgrades_under_load 5 ping; }
@test "5 upgrades under load: the example ping over HTTPS" { upgrades_under_load 5 ping_https; }
@test "5 upgrades under load: the example blocking" { upgrades_under_load 5 blocking; }
@test "20 upgrades under load: the example threads" { upgrades_under_load 20 threads; }
# bats test_tags=fast
@test "5 upgrades under load: the example epoll" { upgrades_under_load 5 epoll; }
@test "5 upgrades under load: the example poll" { upgrades_under_load 5 poll; }
@test "5 upgrades under load: the example select" { upgrades_under_load 5 select; }
@test "20 upgrades under load: the example forker" { upgrades_under_load 20 forker; }

# all_listeners_upgrade NAME URL...: each is under load of its own through five upgrades of a server that
# SERVER_ARGS tells where to listen.
all_listeners_upgrade() {
    local load loads=()
    start_server "$1"
    shift
    wait_until_started
    remember_first_generation
    for LOAD_URL; do
        start_load -c 5
        loads+=("$LOAD_PID $LOAD_LOG")
    done
    for _ in {1..5}; do
        upgrade HUP
        for load in "${loads[@]}"; do
            read -r LOAD_PID LOAD_LOG <<<"$load"
            wait_until 60 generation_answers_load
        done
    done
    for load in "${loads[@]}"; do
        read -r LOAD_PID LOAD_LOG <<<"$load"
        stop_load
    done
    assert_nothing_of_the_earlier 5
}

@test "5 upgrades under load: IPv4, IPv6 and dual stack side by side" {
    local v4 v6 both
    v4=$(free_port) v6=$(free_port) both=$(free_port)
    SERVER_ARGS=(-l "127.0.0.1:$v4" -l "[::1]:$v6" -l "[::]:$both")
    all_listeners_upgrade epoll "http://127.0.0.1:$v4/ping" "http://[::1]:$v6/ping" \
        "http://127.0.0.1:$both/ping" "http://[::1]:$both/ping"
}

@test "5 upgrades under load: a thread for each of several listeners" {
    local one two
    one=$(free_port) two=$(free_port)
    SERVER_ARGS=(-l "127.0.0.1:$one" -l "127.0.0.1:$two")
    all_listeners_upgrade threads "http://127.0.0.1:$one/ping" "http://127.0.0.1:$two/ping"
}

@test "5 upgrades under load: TCP and a unix socket" {
    local port socket=$BATS_TEST_TMPDIR/socket
    port=$(free_port)
    SERVER_ARGS=(-l "127.0.0.1:$port" -u "$socket")
    all_listeners_upgrade epoll "http://127.0.0.1:$port/ping" "unix:$socket:/ping"
}

# The new version listens on one of two places, so Octopus waits a second for it to bind the other.
@test "a HUP to a new version that is not ready yet is served when it is" {
    local second old new
    PORT=$(free_port)
    second=$(free_port)
    SERVER_ARGS=(-l "127.0.0.1:$PORT" -l "127.0.0.1:$second")
    start_server epoll OCTOPUS_SETTLE_TIMEOUT=1s
    wait_until_started
    old=$SERVER_PID
    cp "$BUILD/tests/v2/epoll" "$APP_DIR/real"
    printf '%s\n' '#!/bin/sh' "exec ./real -l 127.0.0.1:$PORT" >"$APP_DIR/epoll.new"
    chmod +x "$APP_DIR/epoll.new"
    mv "$APP_DIR/epoll.new" "$APP_DIR/epoll"
    kill -HUP "$old"
    WATCH_PID='' wait_until 60 has_ready_lines 2
    new=$(sed -n 's/^ready [0-9]* //p' "$SERVER_LOG" | tail -n 1)
    kill -HUP "$new"
    WATCH_PID='' wait_until 60 log_has 'The server has started' 3
    WATCH_PID='' wait_until 60 is_gone "$old"
    assert_eq "$(log_count '[ERR]')" 0 "[ERR] lines"
    assert_eq "$(log_count 'Forked child')" 2 "children forked"
    assert_eq "$(grep -oE "has started \($new\)|Server \($new\) received" "$OCTOPUS_LOG_FILE" | head -n 1)" \
        "has started ($new)" "first line about it"
}
has_ready_lines() { (( $(grep -c '^ready ' "$SERVER_LOG") >= $1 )); }

prepare_python_vsock() { SERVER_COMMAND=(/usr/bin/python3 "$SERVERS_DIR/serves_vsock.py" "$PORT"); }

@test "a vsock listener beside one on TCP" {
    /usr/bin/python3 -c 'import socket; socket.socket(socket.AF_VSOCK)' 2>/dev/null || skip "this kernel has no vsock"
    start_server python_vsock
    wait_until_started
    upgrade HUP
    upgrade HUP
    assert_eq "$(log_count 'Imported a listener from file.')" 4 "listeners imported"
    log_has "Created a new listener on vsock:4294967295:$PORT." || fail "no line tells of it"
    kill -TERM "$SERVER_PID"
    WATCH_PID='' wait_until 60 is_gone "$SERVER_PID"
    assert_eq "$(log_count '[ERR]')" 0 "error lines"
    assert_no_process_left
}
