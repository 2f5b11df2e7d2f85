#!/usr/bin/env bats
# SPDX-License-Identifier: MIT
# What the other files measure is only worth something if the servers themselves, without the
# library, state the load that is put on them.

load helpers

stands_its_load() {
    BARE=1 start_server "$1"
    start_load -c "$(connections_for "$1")"
    holds_for 1 is_alive "$LOAD_PID"
    stop_load
    assert_only_generation "$SERVER_PID"
}

@test "every bare server stands its load: nginx" { stands_its_load nginx; }
@test "every bare server stands its load: nginx as a daemon" { stands_its_load nginx_daemon; }
@test "every bare server stands its load: nginx with HTTPS" { stands_its_load nginx_https; }
@test "every bare server stands its load: redis" { stands_its_load redis; }
@test "every bare server stands its load: memcached" { stands_its_load memcached; }
@test "every bare server stands its load: node" { stands_its_load node; }
@test "every bare server stands its load: python's HTTPServer" { stands_its_load python_http; }
@test "every bare server stands its load: python -m http.server" { stands_its_load python_module; }
@test "every bare server stands its load: gunicorn, sync workers" { stands_its_load gunicorn_sync; }
@test "every bare server stands its load: gunicorn, threaded workers" { stands_its_load gunicorn_gthread; }
@test "every bare server stands its load: the example ping" { stands_its_load ping; }
@test "every bare server stands its load: the example ping over HTTPS" { stands_its_load ping_https; }
@test "every bare server stands its load: the example blocking" { stands_its_load blocking; }
@test "every bare server stands its load: the example threads" { stands_its_load threads; }
# bats test_tags=fast
@test "every bare server stands its load: the example epoll" { stands_its_load epoll; }
@test "every bare server stands its load: the example poll" { stands_its_load poll; }
@test "every bare server stands its load: the example select" { stands_its_load select; }
@test "every bare server stands its load: the example forker" { stands_its_load forker; }
