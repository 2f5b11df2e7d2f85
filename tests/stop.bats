#!/usr/bin/env bats
# SPDX-License-Identifier: MIT
# A stop loses nothing: what the kernel has accepted is answered, what comes later is refused, and
# a deadline bounds it all.

load helpers
load helpers.slow

# stops_under_load NAME SIGNAL: the load ends when it is refused; until then each request is answered.
stops_under_load() {
    start_server "$1"
    wait_until_started
    start_load -c "$(connections_for "$1")" -r
    kill -"$2" "$SERVER_PID"
    finish_load
    assert_ends_well
    assert_eq "$(log_count 'received signal')" 1 "signals received"
    assert_eq "$(log_count '[ERR]')" 0 "error lines"
}

# assert_ends_well: the server exits with 0 and leaves nothing. A daemon's status is init's to know.
assert_ends_well() {
    wait_until 60 is_gone "$SERVER_PID"
    if [[ $SERVER_NAME != *_daemon ]]; then
        status_of "$SERVER_PID"
        assert_eq "$EXIT_STATUS" 0 "exit status of the server"
    fi
    assert_no_process_left
    log_has 'The server has shut down.' || fail "no last line in the log"
}

@test "TERM under load: nginx" { stops_under_load nginx TERM; }
@test "TERM under load: nginx as a daemon" { stops_under_load nginx_daemon TERM; }
@test "TERM under load: nginx with HTTPS" { stops_under_load nginx_https TERM; }
@test "TERM under load: redis" { stops_under_load redis TERM; }
@test "TERM under load: memcached" { stops_under_load memcached TERM; }
@test "TERM under load: node" { stops_under_load node TERM; }
@test "TERM under load: python's HTTPServer" { stops_under_load python_http TERM; }
@test "TERM under load: python -m http.server" { stops_under_load python_module TERM; }
@test "TERM under load: gunicorn, sync workers" { stops_under_load gunicorn_sync TERM; }
@test "TERM under load: gunicorn, threaded workers" { stops_under_load gunicorn_gthread TERM; }
@test "TERM under load: the example ping" { stops_under_load ping TERM; }
@test "TERM under load: the example ping over HTTPS" { stops_under_load ping_https TERM; }
@test "TERM under load: the example blocking" { stops_under_load blocking TERM; }
# bats test_tags=fast
@test "TERM under load: the example threads" { stops_under_load threads TERM; }
@test "TERM under load: the example epoll" { stops_under_load epoll TERM; }
@test "TERM under load: the example poll" { stops_under_load poll TERM; }
@test "TERM under load: the example select" { stops_under_load select TERM; }
@test "TERM under load: the example forker" { stops_under_load forker TERM; }
@test "INT under load: nginx" { stops_under_load nginx INT; }
@test "INT under load: redis" { stops_under_load redis INT; }
@test "INT under load: memcached" { stops_under_load memcached INT; }
@test "INT under load: node" { stops_under_load node INT; }
@test "INT under load: python's HTTPServer" { stops_under_load python_http INT; }
@test "INT under load: gunicorn, sync workers" { stops_under_load gunicorn_sync INT; }
@test "INT under load: the example threads" { stops_under_load threads INT; }
@test "INT under load: the example forker" { stops_under_load forker INT; }

# The unix listener has no load of its own: its newcomers cannot be kept out (shim/LIMITS.md, Sockets).
@test "TERM under load: several listeners, IPv6 and a unix socket among them" {
    local v4 v6 load loads=() socket=$BATS_TEST_TMPDIR/socket
    v4=$(free_port) v6=$(free_port)
    SERVER_ARGS=(-l "127.0.0.1:$v4" -l "[::]:$v6" -u "$socket")
    start_server poll
    wait_until_started
    for LOAD_URL in "http://127.0.0.1:$v4/ping" "http://[::1]:$v6/ping" "http://127.0.0.1:$v6/ping"; do
        start_load -c 4 -r
        loads+=("$LOAD_PID $LOAD_LOG")
    done
    kill -TERM "$SERVER_PID"
    for load in "${loads[@]}"; do
        read -r LOAD_PID LOAD_LOG <<<"$load"
        finish_load
    done
    assert_ends_well
}

@test "TERM under load after three upgrades" {
    start_server epoll
    wait_until_started
    start_load -c 16 -r
    for _ in 1 2 3; do upgrade HUP; done
    kill -TERM "$SERVER_PID"
    finish_load
    wait_until 60 is_gone "$SERVER_PID"
    assert_no_process_left
}

# queued_are_answered NAME HOLD-OPTION...: the server is busy and 32 connections wait to be accepted when
# the stop comes.
queued_are_answered() {
    start_server "$1" "$HELD_SETTING"
    shift
    wait_until_started
    begin_held_request
    start_hold -n 32 "$@"
    assert_eq "$(requests_taken)" 1 "connections that the server has taken"
    kill -TERM "$SERVER_PID"
    wait_until 60 log_has 'Digesting requests'
    release_hold
    end_held_request
    finish_hold 32
    assert_ends_well
}

# bats test_tags=ci:parallel
@test "connections in the accept queue that have sent their request are answered after TERM" {
    queued_are_answered blocking -q
}

# bats test_tags=ci:parallel
@test "connections in the accept queue that have sent nothing yet are answered after TERM" {
    queued_are_answered blocking
}

# bats test_tags=ci:parallel
@test "connections in the accept queue of a unix socket are answered after TERM" {
    local socket=$BATS_TEST_TMPDIR/socket
    PORT=$(free_port)
    SERVER_ARGS=(-l "127.0.0.1:$PORT" -u "$socket")
    start_server epoll
    wait_until_started
    # Stopped, it accepts nothing; what connects now waits.
    kill -STOP "$SERVER_PID"
    LOAD_URL=unix:$socket:/ping start_hold -n 32 -q
    kill -TERM "$SERVER_PID"
    kill -CONT "$SERVER_PID"
    release_hold
    finish_hold 32
    assert_ends_well
}

# frozen_queue_is_answered NAME: nothing of the server runs while the connections come and the signal
# is sent, so all of them wait to be accepted when it learns of the stop.
frozen_queue_is_answered() {
    local pid
    start_server "$1"
    wait_until_started
    workers_of "$SERVER_PID"
    for pid in "${WORKERS[@]}"; do kill -STOP "$pid"; done
    start_hold -n 32 -q
    kill -TERM "$SERVER_PID"
    for pid in "${WORKERS[@]}"; do kill -CONT "$pid"; done
    release_hold
    finish_hold 32
    assert_ends_well
}

# bats test_tags=ci:parallel
@test "a queue of 32 that waits when TERM comes is answered: nginx" { frozen_queue_is_answered nginx; }
# bats test_tags=ci:parallel
@test "a queue of 32 that waits when TERM comes is answered: node" { frozen_queue_is_answered node; }
# bats test_tags=ci:parallel
@test "a queue of 32 that waits when TERM comes is answered: redis" { frozen_queue_is_answered redis; }
# bats test_tags=ci:parallel
@test "a queue of 32 that waits when TERM comes is answered: memcached" { frozen_queue_is_answered memcached; }
# bats test_tags=ci:parallel
@test "a queue of 32 that waits when TERM comes is answered: gunicorn, sync workers" { frozen_queue_is_answered gunicorn_sync; }
# bats test_tags=ci:parallel
@test "a queue of 32 that waits when TERM comes is answered: the example threads" { frozen_queue_is_answered threads; }
# bats test_tags=ci:parallel,fast
@test "a queue of 32 that waits when TERM comes is answered: the example epoll" { frozen_queue_is_answered epoll; }
# bats test_tags=ci:parallel
@test "a queue of 32 that waits when TERM comes is answered: the example select" { frozen_queue_is_answered select; }
# bats test_tags=ci:parallel
@test "a queue of 32 that waits when TERM comes is answered: the example forker" { frozen_queue_is_answered forker; }

# bats test_tags=ci:parallel
@test "a child that is forked while the queue is emptied has nothing of the listener" {
    local listener
    start_server forker
    wait_until_started
    listener=$(readlink "/proc/$SERVER_PID/fd/$(listener_fd)")
    kill -STOP "$SERVER_PID"
    start_hold -n 32
    kill -TERM "$SERVER_PID"
    kill -CONT "$SERVER_PID"
    wait_until 60 has_children 32
    assert_eq "$(held_by_children "$listener")" 0 "descriptors of the listener"
    release_hold
    finish_hold 32
    assert_ends_well
}

listener_fd() {
    ss -Hltnp "sport = :$PORT" | sed 's/.*fd=\([0-9]*\).*/\1/'
}
has_children() { (( $(wc -w <"/proc/$SERVER_PID/task/$SERVER_PID/children") == $1 )); }
held_by_children() {
    local pid
    for pid in $(<"/proc/$SERVER_PID/task/$SERVER_PID/children"); do readlink "/proc/$pid/fd/"*; done |
        grep -cxF "$1" || true
}

# accepted_are_answered NAME: connections that were accepted and have sent nothing when the stop comes.
accepted_are_answered() {
    start_server "$1"
    wait_until_started
    start_hold -n 32
    kill -TERM "$SERVER_PID"
    wait_until 60 log_has 'Digesting requests'
    release_hold
    finish_hold 32
    assert_ends_well
}

# bats test_tags=ci:parallel
@test "connections that send their request only after TERM are answered: the example epoll" { accepted_are_answered epoll; }
# bats test_tags=ci:parallel
@test "connections that send their request only after TERM are answered: the example threads" { accepted_are_answered threads; }
# bats test_tags=ci:parallel
@test "connections that send their request only after TERM are answered: the example forker" { accepted_are_answered forker; }
# bats test_tags=ci:parallel
@test "connections that send their request only after TERM are answered: nginx" { accepted_are_answered nginx; }
# bats test_tags=ci:parallel
@test "connections that send their request only after TERM are answered: node" { accepted_are_answered node; }

# slow_request_completes NAME: one of 1 s is begun before TERM.
slow_request_completes() {
    start_server "$1"
    wait_until_started
    start_slow 1000
    kill -TERM "$SERVER_PID"
    finish_slow "$SLOW_PID" 1000
    assert_ends_well
}

# bats test_tags=ci:parallel
@test "a request of 1 s outlives TERM: nginx" { slow_request_completes nginx; }
# bats test_tags=ci:parallel
@test "a request of 1 s outlives TERM: node" { slow_request_completes node; }
# bats test_tags=ci:parallel
@test "a request of 1 s outlives TERM: python's HTTPServer" { slow_request_completes python_http; }
# bats test_tags=ci:parallel
@test "a request of 1 s outlives TERM: gunicorn, sync workers" { slow_request_completes gunicorn_sync; }
# bats test_tags=ci:parallel
@test "a request of 1 s outlives TERM: gunicorn, threaded workers" { slow_request_completes gunicorn_gthread; }
# bats test_tags=ci:parallel
@test "a request of 1 s outlives TERM: the example blocking" { slow_request_completes blocking; }
# bats test_tags=ci:parallel
@test "a request of 1 s outlives TERM: the example threads" { slow_request_completes threads; }
# bats test_tags=ci:parallel
@test "a request of 1 s outlives TERM: the example epoll" { slow_request_completes epoll; }
# bats test_tags=ci:parallel
@test "a request of 1 s outlives TERM: the example poll" { slow_request_completes poll; }
# bats test_tags=ci:parallel
@test "a request of 1 s outlives TERM: the example select" { slow_request_completes select; }
# bats test_tags=ci:parallel
@test "a request of 1 s outlives TERM: the example forker" { slow_request_completes forker; }

# slow_request_is_cut NAME SECONDS [SETTING]: one of 90 s is begun before TERM; the deadline is after SECONDS.
slow_request_is_cut() {
    local begin
    start_server "$1" "${@:3}"
    wait_until_started
    start_slow 90000
    begin=$(now_ms)
    kill -TERM "$SERVER_PID"
    wait_until 60 is_gone "$SERVER_PID"
    assert_within $(( $(now_ms) - begin )) $(( $2 * 1000 - 500 )) 60000 "milliseconds until it was gone"
    status_of "$SERVER_PID"
    assert_eq "$EXIT_STATUS" 0 "exit status of the server"
    run ! finish_slow "$SLOW_PID" 90000
    assert_no_process_left
}

# bats test_tags=ci:parallel
@test "a request that outlasts the deadline of 5 s is cut: the example epoll" { slow_request_is_cut epoll 5; }
# bats test_tags=ci:parallel
@test "a request that outlasts a deadline of 1 s is cut: nginx" { slow_request_is_cut nginx 1 OCTOPUS_DRAIN_TIMEOUT=1s; }
# bats test_tags=ci:parallel
@test "a request that outlasts a deadline of 1 s is cut: node" { slow_request_is_cut node 1 OCTOPUS_DRAIN_TIMEOUT=1s; }
# bats test_tags=ci:parallel
@test "a request that outlasts a deadline of 1 s is cut: python's HTTPServer" { slow_request_is_cut python_http 1 OCTOPUS_DRAIN_TIMEOUT=1s; }
# bats test_tags=ci:parallel
@test "a request that outlasts a deadline of 1 s is cut: the example threads" { slow_request_is_cut threads 1 OCTOPUS_DRAIN_TIMEOUT=1s; }
# bats test_tags=ci:parallel
@test "a request that outlasts a deadline of 1 s is cut: the example blocking" { slow_request_is_cut blocking 1 OCTOPUS_DRAIN_TIMEOUT=1s; }
# bats test_tags=ci:parallel
@test "a request that outlasts a deadline of 1 s is cut: the example forker" { slow_request_is_cut forker 1 OCTOPUS_DRAIN_TIMEOUT=1s; }

# second_stop_cuts NAME SIGNAL SIGNAL: what the deadline would have cut is cut at once.
second_stop_cuts() {
    start_server "$1" OCTOPUS_DRAIN_TIMEOUT=120s
    wait_until_started
    start_slow 90000
    kill -"$2" "$SERVER_PID"
    wait_until 60 log_has 'Digesting requests'
    holds_for 0.3 is_alive "$SERVER_PID"
    kill -"$3" "$SERVER_PID"
    wait_until 60 is_gone "$SERVER_PID"
    run ! finish_slow "$SLOW_PID" 90000
    assert_ends_well
}

# bats test_tags=ci:parallel
@test "a second TERM cuts the drain short: the example threads" { second_stop_cuts threads TERM TERM; }
# bats test_tags=ci:parallel
@test "a second TERM cuts the drain short: the example forker" { second_stop_cuts forker TERM TERM; }
# bats test_tags=ci:parallel
@test "a second TERM cuts the drain short: nginx" { second_stop_cuts nginx TERM TERM; }
# bats test_tags=ci:parallel
@test "an INT after a TERM cuts the drain short: node" { second_stop_cuts node TERM INT; }
# bats test_tags=ci:parallel
@test "a second TERM cuts the lame duck's time short" {
    start_server threads OCTOPUS_LAME_DUCK=120s
    wait_until_started
    kill -TERM "$SERVER_PID"
    wait_until 60 log_has 'received signal'
    kill -TERM "$SERVER_PID"
    wait_until 60 is_gone "$SERVER_PID"
    assert_ends_well
}

@test "a lame duck goes on accepting, then refuses" {
    local begin
    start_server epoll OCTOPUS_LAME_DUCK=2s
    wait_until_started
    start_load -c 16 -r
    begin=$(now_ms)
    kill -TERM "$SERVER_PID"
    wait_until 60 log_has 'received signal'
    read_answer
    assert_eq "$ANSWER_PID" "$SERVER_PID" "pid that answers"
    run ! log_has 'Digesting requests'
    wait_until 60 log_has 'Digesting requests'
    assert_within $(( $(now_ms) - begin )) 1900 60000 "milliseconds of a lame duck"
    finish_load
    assert_ends_well
}

# bats test_tags=ci:parallel
@test "TERM to the old one after HUP does not cut its requests short" {
    local old
    start_server threads "$HELD_SETTING"
    wait_until_started
    old=$SERVER_PID
    begin_held_request
    upgrade_beside HUP
    wait_until 60 log_has "Master ($old) was killed."
    kill -TERM "$old"
    wait_until 60 log_has 'received signal "terminated"'
    end_held_request
    assert_eq "${HELD_ANSWER##*$'\n'}" "pong v1 $old" "answer"
    wait_until 60 is_gone "$old"
    status_of "$old"
    assert_eq "$EXIT_STATUS" 0 "exit status of the old server"
    assert_only_generation "$NEW_PID"
    read_answer
    assert_eq "$ANSWER_PID" "$NEW_PID" "pid that answers"
}

# bats test_tags=ci:parallel,fast
@test "an idle server stops at once" {
    start_server threads OCTOPUS_DRAIN_TIMEOUT=120s
    wait_until_started
    kill -TERM "$SERVER_PID"
    wait_until 60 is_gone "$SERVER_PID"
    assert_ends_well
}
