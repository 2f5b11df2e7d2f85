#!/usr/bin/env bats
# SPDX-License-Identifier: MIT
# Twenty versions in a row, under load, and nobody notices: the promise, for each server.

load helpers

# upgrades_under_load NAME: every upgrade is answered by a process that was not there before, no
# request fails, and nothing of earlier generations stays.
upgrades_under_load() {
    local fds_of_first previous round
    start_server "$1"
    wait_until 5 grep -q 'The server has started' "$SERVER_LOG"
    fds_of_first=$(fd_count "$SERVER_PID")
    start_load -c "$(connections_for "$1")"
    for round in {1..20}; do
        previous=$SERVER_PID
        upgrade HUP
        wait_until 10 new_generation_answers_load "$previous"
    done
    stop_load
    assert_only_generation "$SERVER_PID"
    assert_eq "$(zombies_of_test)" "" "zombies"
    wait_until 5 has_fds "$SERVER_PID" "$fds_of_first"
    assert_eq "$(grep -c 'Forked child' "$SERVER_LOG")" 20 "children forked"
    run ! grep -F '[ERR]' "$SERVER_LOG"
}

# new_generation_answers_load PREVIOUS-LEADER: a process of the present generation has answered the
# load, and so has none that was started before it. Servers that tell no pid answer a probe.
new_generation_answers_load() {
    local pid
    if [[ $SERVER_NAME == python_module ]]; then
        server_answers
        return
    fi
    while read -r pid; do
        ! load_saw_pid "$pid" || return 0
    done < <(generation_of "$SERVER_PID")
    # A process per connection is gone again by the time one looks.
    [[ $SERVER_NAME == forker ]] && load_saw_version "v$DEPLOYED"
}

# A connection that is just being served has a descriptor of its own, for a moment.
has_fds() { assert_eq "$(fd_count "$1")" "$2" "descriptors"; }

@test "20 upgrades under load: nginx" { upgrades_under_load nginx; }
@test "20 upgrades under load: nginx as a daemon" { upgrades_under_load nginx_daemon; }
@test "20 upgrades under load: nginx with HTTPS" { upgrades_under_load nginx_https; }
@test "20 upgrades under load: redis" { upgrades_under_load redis; }
@test "20 upgrades under load: memcached" { upgrades_under_load memcached; }
@test "20 upgrades under load: node" { upgrades_under_load node; }
@test "20 upgrades under load: python's HTTPServer" { upgrades_under_load python_http; }
@test "20 upgrades under load: python -m http.server" { upgrades_under_load python_module; }
@test "20 upgrades under load: gunicorn, sync workers" { upgrades_under_load gunicorn_sync; }
@test "20 upgrades under load: gunicorn, threaded workers" { upgrades_under_load gunicorn_gthread; }
@test "20 upgrades under load: the example ping" { upgrades_under_load ping; }
@test "20 upgrades under load: the example ping over HTTPS" { upgrades_under_load ping_https; }
@test "20 upgrades under load: the example blocking" { upgrades_under_load blocking; }
@test "20 upgrades under load: the example threads" { upgrades_under_load threads; }
@test "20 upgrades under load: the example epoll" { upgrades_under_load epoll; }
@test "20 upgrades under load: the example poll" { upgrades_under_load poll; }
@test "20 upgrades under load: the example select" { upgrades_under_load select; }
@test "20 upgrades under load: the example forker" { upgrades_under_load forker; }
