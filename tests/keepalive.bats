#!/usr/bin/env bats
# SPDX-License-Identifier: MIT
# Clients that keep their connections lose nothing either: not one that is busy all the time, not one
# that rests between two requests. An end or a reset that was not announced is a failure.

load helpers

# kept_through_upgrades NAME CONNECTIONS UPGRADES LOAD-OPTION...: each old generation has left long before
# the deadline of its drain, 120 s; it may still be about it during the next upgrade. KEPT_UPGRADES asks for
# another number of them.
kept_through_upgrades() {
    local name=$1 connections=$2 upgrades=${KEPT_UPGRADES:-$3} before_old='' old
    shift 3
    start_server "$name" OCTOPUS_DRAIN_TIMEOUT=120s
    wait_until_started
    start_load -k -c "$connections" "$@"
    for (( ; upgrades > 0; upgrades-- )); do
        old=$SERVER_PID
        upgrade_beside HUP
        SERVER_PID=$NEW_PID
        [[ -z $before_old ]] || WATCH_PID='' wait_until 60 is_gone "$before_old"
        before_old=$old
        wait_until 60 generation_answers_load
    done
    WATCH_PID='' wait_until 60 is_gone "$old"
    stop_load
    assert_only_generation "$SERVER_PID"
    assert_eq "$(log_count '[ERR]')" 0 "error lines"
}

@test "20 upgrades, 16 kept connections that are always busy: nginx" { kept_through_upgrades nginx 16 20; }
@test "5 upgrades, 16 kept connections that are always busy: nginx with HTTPS" { kept_through_upgrades nginx_https 16 5; }
@test "5 upgrades, 16 kept connections that are always busy: node" { kept_through_upgrades node 16 5; }
@test "5 upgrades, 16 kept connections that are always busy: gunicorn, threaded workers" { kept_through_upgrades gunicorn_gthread 16 5; }
@test "5 upgrades, 16 kept connections that are always busy: python's HTTPServer" { kept_through_upgrades python_long 16 5; }
@test "20 upgrades, 16 kept connections that are always busy: the example epoll" { kept_through_upgrades epoll 16 20; }
@test "5 upgrades, 16 kept connections that are always busy: the example ping over HTTPS" { kept_through_upgrades ping_https 16 5; }

@test "2 upgrades, 200 kept connections that are always busy: nginx" { kept_through_upgrades nginx 200 2; }
@test "2 upgrades, 200 kept connections that are always busy: nginx with HTTPS" { kept_through_upgrades nginx_https 200 2; }
@test "2 upgrades, 200 kept connections that are always busy: node" { kept_through_upgrades node 200 2; }
@test "2 upgrades, 200 kept connections that are always busy: gunicorn, threaded workers" { kept_through_upgrades gunicorn_gthread 200 2; }
@test "2 upgrades, 200 kept connections that are always busy: python's HTTPServer" { kept_through_upgrades python_long 200 2; }
@test "2 upgrades, 200 kept connections that are always busy: the example epoll" { kept_through_upgrades epoll 200 2; }
@test "2 upgrades, 200 kept connections that are always busy: the example ping over HTTPS" { kept_through_upgrades ping_https 200 2; }

@test "3 upgrades, 16 kept connections that rest for 50 ms: nginx" { kept_through_upgrades nginx 16 3 -p 50; }
@test "3 upgrades, 16 kept connections that rest for 50 ms: node" { kept_through_upgrades node 16 3 -p 50; }
@test "3 upgrades, 16 kept connections that rest for 50 ms: python's HTTPServer" { kept_through_upgrades python_long 16 3 -p 50; }
@test "3 upgrades, 16 kept connections that rest for 50 ms: the example epoll" { kept_through_upgrades epoll 16 3 -p 50; }
@test "3 upgrades, 16 kept connections that rest for 50 ms: the example ping over HTTPS" { kept_through_upgrades ping_https 16 3 -p 50; }

# A rest that the machine makes longer than OCTOPUS_IDLE_GRACE may see the end: -e.
@test "2 upgrades, 16 kept connections that rest for 500 ms: nginx" { kept_through_upgrades nginx 16 2 -p 500 -e; }
@test "2 upgrades, 16 kept connections that rest for 500 ms: node" { kept_through_upgrades node 16 2 -p 500 -e; }
@test "2 upgrades, 16 kept connections that rest for 500 ms: the example epoll" { kept_through_upgrades epoll 16 2 -p 500 -e; }

# kept_until_refused NAME: a stop tells them all; then there is nobody to connect to. A client that waits for a
# processor is told as well, unless it waits for 0.4 s.
kept_until_refused() {
    start_server "$1" OCTOPUS_DRAIN_TIMEOUT=120s
    wait_until_started
    start_load -k -r -c 16
    kill -TERM "$SERVER_PID"
    wait_until 60 is_gone "$SERVER_PID"
    finish_load
    status_of "$SERVER_PID"
    assert_eq "$EXIT_STATUS" 0 "exit status of the server"
    assert_no_process_left
}

@test "TERM, 16 kept connections that are always busy: nginx" { kept_until_refused nginx; }
@test "TERM, 16 kept connections that are always busy: nginx with HTTPS" { kept_until_refused nginx_https; }
@test "TERM, 16 kept connections that are always busy: node" { kept_until_refused node; }
@test "TERM, 16 kept connections that are always busy: gunicorn, threaded workers" { kept_until_refused gunicorn_gthread; }
@test "TERM, 16 kept connections that are always busy: python's HTTPServer" { kept_until_refused python_long; }
# bats test_tags=fast
@test "TERM, 16 kept connections that are always busy: the example epoll" { kept_until_refused epoll; }
@test "TERM, 16 kept connections that are always busy: the example forker" { kept_until_refused forker; }
@test "TERM, 16 kept connections that are always busy: the example ping over HTTPS" { kept_until_refused ping_https; }
