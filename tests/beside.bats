#!/usr/bin/env bats
# SPDX-License-Identifier: MIT
# bats file_tags=ci:parallel
# Two generations and more serve side by side, and any of them may leave without a failed request.

load helpers
load helpers.beside
load helpers.faults
load helpers.slow

# two_serve_side_by_side NAME SIGNAL: both answer, then the old one leaves.
two_serve_side_by_side() {
    local old
    start_server "$1"
    wait_until_started
    old=$SERVER_PID
    fresh_load
    upgrade_beside "$2"
    wait_until 60 log_has "Master ($old) is still alive."
    stop_load
    assert_serving "$old" "$NEW_PID"
    stop_generation "$old"
    assert_only_generation "$NEW_PID"
    assert_serving "$NEW_PID"
    assert_eq "$(log_count '[ERR]')" 0 "error lines"
    run ! log_has 'was killed.'
}

@test "two generations side by side after USR1: nginx" { two_serve_side_by_side nginx USR1; }
@test "two generations side by side after USR2: nginx as a daemon" { two_serve_side_by_side nginx_daemon USR2; }
@test "two generations side by side after USR2: nginx with HTTPS" { two_serve_side_by_side nginx_https USR2; }
@test "two generations side by side after USR1: redis" { two_serve_side_by_side redis USR1; }
@test "two generations side by side after USR2: memcached" { two_serve_side_by_side memcached USR2; }
@test "two generations side by side after USR2: node" { two_serve_side_by_side node USR2; }
@test "two generations side by side after USR1: python's HTTPServer" { two_serve_side_by_side python_http USR1; }
@test "two generations side by side after USR1: gunicorn, sync workers" { two_serve_side_by_side gunicorn_sync USR1; }
@test "two generations side by side after USR2: gunicorn, threaded workers" { two_serve_side_by_side gunicorn_gthread USR2; }
@test "two generations side by side after USR1: the example ping" { two_serve_side_by_side ping USR1; }
@test "two generations side by side after USR2: the example ping over HTTPS" { two_serve_side_by_side ping_https USR2; }
@test "two generations side by side after USR2: the example blocking" { two_serve_side_by_side blocking USR2; }
@test "two generations side by side after USR1: the example threads" { two_serve_side_by_side threads USR1; }
# bats test_tags=fast
@test "two generations side by side after USR1: the example epoll" { two_serve_side_by_side epoll USR1; }
@test "two generations side by side after USR2: the example poll" { two_serve_side_by_side poll USR2; }
@test "two generations side by side after USR1: the example select" { two_serve_side_by_side select USR1; }
@test "two generations side by side after USR2: the example forker" { two_serve_side_by_side forker USR2; }

# the_new_one_leaves NAME: the old one serves on, and is upgraded another time.
the_new_one_leaves() {
    local old
    start_server "$1"
    wait_until_started
    old=$SERVER_PID
    upgrade_beside USR2
    assert_serving "$old" "$NEW_PID"
    stop_generation "$NEW_PID"
    assert_only_generation "$old"
    assert_serving "$old"
    fresh_load
    upgrade HUP
    wait_until 60 generation_seen "$SERVER_PID"
    stop_load
    assert_only_generation "$SERVER_PID"
    assert_eq "$(log_count '[ERR]')" 0 "error lines"
}

@test "the new one leaves and the old one serves on: nginx" { the_new_one_leaves nginx; }
@test "the new one leaves and the old one serves on: memcached" { the_new_one_leaves memcached; }
@test "the new one leaves and the old one serves on: node" { the_new_one_leaves node; }
@test "the new one leaves and the old one serves on: gunicorn, sync workers" { the_new_one_leaves gunicorn_sync; }
@test "the new one leaves and the old one serves on: the example blocking" { the_new_one_leaves blocking; }
@test "the new one leaves and the old one serves on: the example threads" { the_new_one_leaves threads; }
@test "the new one leaves and the old one serves on: the example epoll" { the_new_one_leaves epoll; }
@test "the new one leaves and the old one serves on: the example forker" { the_new_one_leaves forker; }

# replaces_when_told NAME SIGNAL
replaces_when_told() {
    local old
    start_server "$1" OCTOPUS_KILL_MASTER=1
    wait_until_started
    old=$SERVER_PID
    fresh_load
    upgrade "$2"
    wait_until 60 generation_seen "$SERVER_PID"
    stop_load
    assert_only_generation "$SERVER_PID"
    log_has "Master ($old) was killed." || fail "no line that the old one was told to leave"
    assert_eq "$(log_count 'is still alive.')" 0 "lines that it stays"
}

@test "with OCTOPUS_KILL_MASTER=1 the old one leaves after USR1" { replaces_when_told epoll USR1; }
@test "with OCTOPUS_KILL_MASTER=1 the old one leaves after USR2" { replaces_when_told threads USR2; }
@test "with OCTOPUS_KILL_MASTER=1 the old one leaves after USR2: nginx" { replaces_when_told nginx USR2; }

@test "three generations side by side, the middle one leaves first, then the oldest" {
    local first second third
    start_server epoll
    wait_until_started
    first=$SERVER_PID
    upgrade_beside USR2
    second=$NEW_PID
    SERVER_PID=$second upgrade_beside USR2
    third=$NEW_PID
    assert_serving "$first" "$second" "$third"
    stop_generation "$second"
    assert_serving "$first" "$third"
    stop_generation "$first"
    assert_only_generation "$third"
    stop_last_under_load "$third"
}

@test "three generations side by side, all of the first, leave in turn" {
    local first second third
    start_server threads
    wait_until_started
    first=$SERVER_PID
    upgrade_beside USR1
    second=$NEW_PID
    upgrade_beside USR2
    third=$NEW_PID
    assert_serving "$first" "$second" "$third"
    stop_generation "$first"
    assert_serving "$second" "$third"
    stop_generation "$third"
    assert_only_generation "$second"
    stop_last_under_load "$second"
}

# stop_last_under_load PID: with nobody else to serve, later connections are refused.
stop_last_under_load() {
    fresh_load -r
    kill -TERM "$1"
    finish_load
    wait_until 60 is_gone "$1"
    assert_no_process_left
    assert_eq "$(log_count '[ERR]')" 0 "error lines"
}

@test "HUP to the older of two replaces it while the newer serves on" {
    local first second third
    start_server epoll
    wait_until_started
    first=$SERVER_PID
    upgrade_beside USR2
    second=$NEW_PID
    fresh_load
    # Either of the two that serve then may answer a probe, so none is sent.
    upgrade_beside HUP
    third=$NEW_PID
    wait_until 60 is_gone "$first"
    stop_load
    assert_serving "$second" "$third"
    stop_generation "$third"
    assert_only_generation "$second"
    stop_last_under_load "$second"
}

@test "HUP to both of two leaves two" {
    local first second third fourth
    start_server blocking
    wait_until_started
    first=$SERVER_PID
    upgrade_beside USR2
    second=$NEW_PID
    fresh_load
    upgrade_beside HUP
    third=$NEW_PID
    SERVER_PID=$second upgrade_beside HUP
    fourth=$NEW_PID
    wait_until 60 is_gone "$first"
    wait_until 60 is_gone "$second"
    stop_load
    assert_serving "$third" "$fourth"
    stop_generation "$fourth"
    assert_only_generation "$third"
    stop_last_under_load "$third"
}

# upgrades_while_draining NAME: the first generation has a request to finish, meanwhile there are two
# upgrades more.
upgrades_while_draining() {
    local first
    start_server "$1" "$HELD_SETTING"
    wait_until_started
    first=$SERVER_PID
    begin_held_request
    fresh_load
    upgrade_beside HUP
    SERVER_PID=$NEW_PID upgrade_beside HUP
    SERVER_PID=$NEW_PID upgrade_beside HUP
    is_alive "$first" || fail "the first generation did not wait for its request"
    wait_until 60 generation_seen "$NEW_PID"
    end_held_request
    stop_load
    assert_only_generation "$NEW_PID"
    assert_eq "$(log_count 'was killed.')" 3 "masters that left"
    assert_eq "$(log_count '[ERR]')" 0 "error lines"
}

@test "upgrades while an earlier generation still drains: nginx" { upgrades_while_draining nginx; }
@test "upgrades while an earlier generation still drains: node" { upgrades_while_draining node; }
@test "upgrades while an earlier generation still drains: the example threads" { upgrades_while_draining threads; }
@test "upgrades while an earlier generation still drains: the example epoll" { upgrades_while_draining epoll; }
@test "upgrades while an earlier generation still drains: the example forker" { upgrades_while_draining forker; }

# deploy_gated: the next generation does not listen before a line comes through the gate.
deploy_gated() {
    mkfifo "$APP_DIR/gate"
    deploy_script 'read -r line <gate' 'exec ./real "$@"'
}

@test "a second signal while a successor is being born is refused with one line" {
    local first signal
    start_server epoll
    wait_until_started
    first=$SERVER_PID
    fresh_load
    deploy_gated
    kill -HUP "$first"
    wait_until 60 log_has 'Forked child ('
    for signal in HUP USR1 USR2; do
        kill -"$signal" "$first"
        wait_until 60 refusals "$signal"
    done
    read_answer
    assert_eq "$ANSWER_PID" "$first" "pid that answers meanwhile"
    echo >"$APP_DIR/gate"
    wait_until 60 is_newest_leader_other_than "$first"
    wait_until 60 is_gone "$first"
    wait_until 60 generation_seen "$NEWEST_LEADER"
    stop_load
    assert_only_generation "$NEWEST_LEADER"
    assert_eq "$(log_count 'Forked child (')" 1 "children forked"
    assert_eq "$(log_count '[ERR]')" 3 "error lines"
    load_saw_version v2 || fail "the second version has not answered"
}

# refusals SIGNAL: as many lines as signals so far.
refusals() {
    local -A wanted=([HUP]=1 [USR1]=2 [USR2]=3)
    assert_eq "$(log_count 'Refused to fork a child')" "${wanted[$1]}"
}

# bats test_tags=fast
@test "TERM while a successor is being born cancels it and stops" {
    start_server threads
    wait_until_started
    fresh_load -r
    deploy_gated
    kill -HUP "$SERVER_PID"
    wait_until 60 log_has 'Forked child ('
    kill -TERM "$SERVER_PID"
    finish_load
    status_of "$SERVER_PID"
    assert_eq "$EXIT_STATUS" 0 "exit status"
    assert_no_process_left
    log_has 'was cancelled' || fail "no line about the successor"
}

# A version that leaves one of two listeners to the old one is not accepted soon. It serves meanwhile.
# bats test_tags=fast
@test "TERM while a successor serves that is not accepted yet: what it has taken is served" {
    local dropped first
    dropped=$(free_port) PORT=$(free_port)
    SERVER_ARGS=(-l "127.0.0.1:$PORT" -l "127.0.0.1:$dropped")
    start_server epoll
    wait_until_started
    first=$SERVER_PID
    deploy_script "exec ./real -l 127.0.0.1:$PORT"
    kill -HUP "$first"
    wait_until 60 log_has 'Forked child ('
    wait_until 60 keep_connection_to "$(sed -n 's/.*Forked child (\([0-9]*\))\.$/\1/p' "$OCTOPUS_LOG_FILE")"
    printf 'GET /slow?ms=1500 HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n' >&"$KEPT"
    kill -TERM "$first"
    wait_until 60 log_has 'was cancelled'
    await_answer
    [[ $ANSWER_PID != "$first" ]] || fail "the first one has answered"
    status_of "$first"
    assert_eq "$EXIT_STATUS" 0 "exit status"
    assert_no_process_left
    assert_eq "$(log_count '[ERR]')" 0 "error lines"
}

# polls_beside_waiting OLD NEW LEAVES: one polls before it accepts, the other one waits in accept(); then the `old` or
# the `new` one leaves.
polls_beside_waiting() {
    local -A leaders
    start_server "$1"
    wait_until_started
    leaders[old]=$SERVER_PID
    fresh_load
    cp "$BUILD/tests/v2/$2" "$APP_DIR/$1.new"
    deploy_version() { mv "$APP_DIR/$SERVER_NAME.new" "$APP_DIR/$SERVER_NAME"; }
    upgrade_beside USR2
    leaders[new]=$NEW_PID
    wait_until 60 generation_seen "$NEW_PID"
    stop_load
    assert_serving "${leaders[@]}"
    stop_generation "${leaders[$3]}"
    unset "leaders[$3]"
    assert_serving "${leaders[@]}"
    stop_last_under_load "${leaders[@]}"
    run ! grep -F accept: "$SERVER_LOG"
}

@test "the example threads beside the example poll, which leaves first" { polls_beside_waiting threads poll new; }
@test "the example threads beside the example poll, leaving first" { polls_beside_waiting threads poll old; }
@test "the example poll beside the example threads, which leave first" { polls_beside_waiting poll threads new; }
@test "the example poll beside the example threads, leaving first" { polls_beside_waiting poll threads old; }
@test "the example poll beside the example epoll, leaving first" { polls_beside_waiting poll epoll old; }
