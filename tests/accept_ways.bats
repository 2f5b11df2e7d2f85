#!/usr/bin/env bats
# SPDX-License-Identifier: MIT
# Two generations share a listener that blocks. A server sees of its accept() what it would see if it were alone: no
# error, no wait where its poll() has told of a connection, and no such report where the other generation was quicker.

load helpers
load helpers.beside
load helpers.faults

prepare_way() {
    SERVER_ARGS=("$WAY" -l "127.0.0.1:${PORT:=$(free_port)}")
    prepare_example accept_ways
}
prepare_python_way() { SERVER_COMMAND=(/usr/bin/python3 "$SERVERS_DIR/python_accepts.py" "$PORT" "$WAY"); }
prepare_php_way() { SERVER_COMMAND=(/usr/bin/php "$SERVERS_DIR/php_accepts.php" "$PORT"); }

# sees_no_error NAME [WAY]: under load, through 5 upgrades and beside another generation.
sees_no_error() {
    local old
    WAY=${2:-} start_server "$1"
    wait_until_started
    fresh_load
    for _ in {1..5}; do upgrade HUP; done
    old=$SERVER_PID
    upgrade_beside USR2
    wait_until 60 generation_seen "$NEW_PID"
    stop_load
    assert_serving "$old" "$NEW_PID"
    stop_generation "$old"
    assert_only_generation "$NEW_PID"
    assert_serving "$NEW_PID"
    run ! grep -i accept "$SERVER_LOG"
    assert_eq "$(log_count '[ERR]')" 0 "error lines"
}

@test "accept() that waits" { sees_no_error way accept; }
@test "accept() that waits, and connections that are polled" { sees_no_error way polled_connection; }
@test "accept() with a time limit" { sees_no_error way limited_accept; }
@test "accept4() with flags, after poll" { sees_no_error way accept4; }
@test "accept() after poll" { sees_no_error way poll; }
@test "accept() after ppoll" { sees_no_error way ppoll; }
@test "accept() after select" { sees_no_error way select; }
@test "accept() after pselect" { sees_no_error way pselect; }
@test "accept() after epoll" { sees_no_error way epoll; }
@test "accept() after epoll_pwait2" { sees_no_error way epoll_pwait2; }
@test "accept() after epoll, edge-triggered" { sees_no_error way edge; }
@test "accept() after epoll, for one report at a time" { sees_no_error way oneshot; }
@test "accept() after epoll, exclusive" { sees_no_error way exclusive; }
@test "accept() after epoll on a set in a set" { sees_no_error way nested; }
@test "accept() that waits while a timer ticks" { sees_no_error way ticking_accept; }
@test "accept() after poll while a timer ticks" { sees_no_error way ticking_poll; }
@test "accept() after a second poll" { sees_no_error way second_poll; }
@test "accept() after a second select" { sees_no_error way second_select; }
@test "accept() after a second epoll" { sees_no_error way second_epoll; }
@test "accept() in a child that the poll of its master has started" { sees_no_error way child; }
@test "accept() after poll in several threads" { sees_no_error way threads; }
@test "accept() of Python, and connections with a time limit" { sees_no_error python_way waits; }
@test "accept() of Python with a time limit" { sees_no_error python_way limited; }
@test "accept() of Python's selectors" { sees_no_error python_way selects; }
@test "stream_socket_accept() of PHP" { sees_no_error php_way; }

prepare_blocking_epoll() {
    SERVER_ARGS=("$WAY" -l "127.0.0.1:${PORT:=$(free_port)}")
    prepare_example epoll
}

# start_both NAME [WAY]: two generations, and a connection KEPT to the one in the place that OF names. Sets BOTH. Each
# has accepted before.
start_both() {
    WAY=${2:-} start_with_failpoints "$1"
    BOTH=("$SERVER_PID")
    upgrade_beside USR2
    BOTH+=("$NEW_PID")
    wait_until 60 keep_connection_to "${BOTH[2 - OF]}"
    wait_until 60 keep_connection_to "${BOTH[OF - 1]}"
}

# request_stops_one: one request at a time, until a process has stopped at the place of the plan.
request_stops_one() {
    request /ping >"$BATS_TEST_TMPDIR/answer" 2>&1 3>&- 4>&- &
    REQUEST_PID=$!
    HELPER_PIDS+=("$REQUEST_PID")
    wait_until 60 is_answered_or_stopped
    is_stopped
}
is_answered_or_stopped() { is_gone "$REQUEST_PID" || is_stopped; }

# stops_one STEP: the generation OF has stopped there because of a request.
stops_one() {
    plan "$OF $1 stop"
    wait_until 60 request_stops_one
    assert_eq "$(stopped_pids)" "${BOTH[OF - 1]}" "stopped process"
}

# comes_too_late GENERATION NAME [WAY]: this one of two has been told of a connection, and the other one takes it. It
# answers its own client, because its wait goes on.
comes_too_late() {
    local OF=$1
    start_both "${@:2}"
    stops_one taking
    wait "$REQUEST_PID" || fail "the other one has not answered: $?"
    let_go
    converse
    assert_eq "$ANSWER_PID" "${BOTH[OF - 1]}" "pid that answers on the kept connection"
    kill -STOP "${BOTH[2 - OF]}"
    request /ping | grep -qw "${BOTH[OF - 1]}" || fail "another one has answered"
    kill -CONT "${BOTH[2 - OF]}"
    run ! grep -F accept: "$SERVER_LOG"
}

@test "a connection that the new one takes does not hold the old one up: poll" { comes_too_late 1 poll; }
@test "a connection that the old one takes does not hold the new one up: poll" { comes_too_late 2 poll; }
@test "a connection that the new one takes does not hold the old one up: select" { comes_too_late 1 select; }
@test "a connection that the old one takes does not hold the new one up: select" { comes_too_late 2 select; }
@test "a connection that the new one takes does not hold the old one up: epoll" { comes_too_late 1 blocking_epoll level; }
@test "a connection that the old one takes does not hold the new one up: epoll" { comes_too_late 2 blocking_epoll level; }
@test "a connection that the new one takes does not hold the old one up: epoll, edge-triggered" { comes_too_late 1 blocking_epoll edge; }
@test "a connection that the new one takes does not hold the old one up: epoll, for one report at a time" { comes_too_late 1 blocking_epoll oneshot; }

# gets_what_it_was_told_of GENERATION NAME [WAY]: it stands before its accept(), and nobody takes the connection from it.
gets_what_it_was_told_of() {
    local OF=$1
    start_both "${@:2}"
    stops_one accepting
    request /ping | grep -qw "${BOTH[2 - OF]}" || fail "the other one has not answered"
    is_alive "$REQUEST_PID" || fail "the other one has taken the first connection, too"
    let_go
    wait "$REQUEST_PID" || fail "no answer: $?"
    grep -qw "${BOTH[OF - 1]}" "$BATS_TEST_TMPDIR/answer" || fail "the other one has answered"
    converse
    run ! grep -F accept: "$SERVER_LOG"
}

@test "what its wait has told of is there for the old one: poll" { gets_what_it_was_told_of 1 poll; }
@test "what its wait has told of is there for the new one: poll" { gets_what_it_was_told_of 2 poll; }
@test "what its wait has told of is there for the old one: select" { gets_what_it_was_told_of 1 select; }
@test "what its wait has told of is there for the old one: epoll" { gets_what_it_was_told_of 1 blocking_epoll level; }
@test "what its wait has told of is there for the new one: epoll, edge-triggered" { gets_what_it_was_told_of 2 blocking_epoll edge; }
@test "what its wait has told of is there for the new one: epoll, for one report at a time" { gets_what_it_was_told_of 2 blocking_epoll oneshot; }

at_the_gate() { grep -q 'at the gate' "$SERVER_LOG"; }

# The other one is stopped until then.
@test "what a wait has taken counts in a drain, and accept() still gets it" {
    local new
    WAY=gate start_with_failpoints way
    request /ping
    upgrade_beside USR2
    new=$NEW_PID
    kill -STOP "$new"
    mkfifo "$APP_DIR/gate"
    request /ping >"$BATS_TEST_TMPDIR/answer" 2>&1 3>&- 4>&- &
    REQUEST_PID=$!
    HELPER_PIDS+=("$REQUEST_PID")
    wait_until 60 at_the_gate
    kill -CONT "$new"
    plan "1 stopped_accepting stop"
    kill -TERM "$SERVER_PID"
    wait_until 60 is_stopped
    let_go
    echo >"$APP_DIR/gate"
    wait "$REQUEST_PID" || fail "no answer: $?"
    grep -qw "$SERVER_PID" "$BATS_TEST_TMPDIR/answer" || fail "the other one has answered"
    rm "$APP_DIR/gate"
    status_of "$SERVER_PID"
    assert_eq "$EXIT_STATUS" 0 "exit status"
    run ! grep -F accept: "$SERVER_LOG"
}

# A process that has never accepted may be a master that only polls: its first connection is not taken for it.
@test "a first accept() that comes too late waits for the next connection" {
    local new
    start_with_failpoints poll
    plan "2 accepting stop"
    upgrade_beside USR2
    new=$NEW_PID
    wait_until 60 request_stops_one
    assert_eq "$(stopped_pids)" "$new" "stopped process"
    wait "$REQUEST_PID" || fail "the old one has not answered: $?"
    let_go
    wait_until 60 keep_connection_to "$new"
    run ! grep -F accept: "$SERVER_LOG"
}

# The listener is unblocked by the one, so that accept() of the other one waits in our place.
waits_beside_poll() {
    WAY=poll start_server way
    wait_until_started
    deploy_version() { deploy_script "exec ./real $TO -l 127.0.0.1:$PORT"; }
    TO=$1
    upgrade_beside USR2
    assert_serving "$SERVER_PID" "$NEW_PID"
    (( $(flags_of_listener "$NEW_PID") & 04000 )) || fail "a listener that blocks"
    assert_serving "$SERVER_PID" "$NEW_PID"
    kill -STOP "$SERVER_PID"
    [[ $1 != limited_accept ]] || wait_until 60 times_out_more "$NEW_PID" "$(times_out "$NEW_PID")"
    request /ping | grep -qw "$NEW_PID" || fail "another one has answered"
    kill -CONT "$SERVER_PID"
    stop_generation "$SERVER_PID"
    assert_serving "$NEW_PID"
    run ! grep -F accept: "$SERVER_LOG"
}

@test "accept() that waits beside poll" { waits_beside_poll accept; }
@test "accept() with a time limit beside poll" { waits_beside_poll limited_accept; }
@test "accept() that waits beside poll, while a timer ticks that cuts no call short" { waits_beside_poll restarting_accept; }
@test "accept() that waits beside poll, while a timer ticks" { waits_beside_poll ticking_accept; }

# flags_of_listener PID: O_NONBLOCK is 04000 (open(2)).
flags_of_listener() {
    local fd inode
    inode=$(ss -Hltne "sport = :$PORT" | sed 's/.* ino:\([0-9]*\) .*/\1/')
    fd=$(find "/proc/$1/fd" -lname "socket:\[$inode\]" -printf '%f\n' -quit)
    sed -n 's/^flags:[[:space:]]*//p' "/proc/$1/fdinfo/$fd"
}

# Of several threads that are told of one connection all but one sleep in accept(), with us or without.
@test "a stop fails no accept() of threads that sleep there" {
    WAY=herd start_server way
    request /ping
    wait_until_started
    kill -TERM "$SERVER_PID"
    status_of "$SERVER_PID"
    assert_eq "$EXIT_STATUS" 0 "exit status"
    run ! grep -F accept: "$SERVER_LOG"
    assert_no_process_left
}

# times_out_more PID COUNT: its waits have ended more often than COUNT times.
times_out_more() { (( $(times_out "$1") > $2 )); }
times_out() { grep -c "^$1 timed out" "$SERVER_LOG" || true; }

# ends_in_time WAY: its waits have a limit, and reports that turn out to be of nothing do not lengthen it.
ends_in_time() {
    WAY=$1 start_server way
    wait_until_started
    upgrade_beside USR2
    assert_serving "$SERVER_PID" "$NEW_PID"
    wait_until 60 times_out_more "$SERVER_PID" "$(times_out "$SERVER_PID")"
    wait_until 60 times_out_more "$NEW_PID" "$(times_out "$NEW_PID")"
}

@test "a poll with a limit ends beside another generation" { ends_in_time poll; }
@test "a ppoll with a limit ends beside another generation" { ends_in_time ppoll; }
@test "a select with a limit ends beside another generation" { ends_in_time select; }
@test "a pselect with a limit ends beside another generation" { ends_in_time pselect; }
@test "an epoll_wait with a limit ends beside another generation" { ends_in_time epoll; }
@test "an epoll_pwait2 with a limit ends beside another generation" { ends_in_time epoll_pwait2; }
