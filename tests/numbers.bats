#!/usr/bin/env bats
# SPDX-License-Identifier: MIT
# bats file_tags=ci:parallel
# A descriptor's number changes hands, in all the ways that there are: what the library knows of a connection or a
# listener ends with it, and is not taken for knowledge of what has the number then.

load helpers
load helpers.slow

SAVED=$'HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nsaved'

# --- in a drain

# hold REQUEST: a request that is under way until `release`. Sets HELD_FDS.
hold() {
    HELD_PARTS=("GET $1 HTTP/1.1"$'\r\nHost: localhost\r\nContent-Length: 1\r\n\r\n' x)
    exec {HELD_FD}<>"/dev/tcp/127.0.0.1/$PORT"
    printf %s "${HELD_PARTS[0]}" >&"$HELD_FD"
    HELD_FDS+=("$HELD_FD")
}

# drain_with COUNT: begins a stop, and returns when the library has looked at COUNT connections.
drain_with() {
    kill -TERM "$SERVER_PID"
    WATCH_PID=$SERVER_PID wait_until 60 log_has "Draining: $1 connection"
}

release_all() {
    local fd
    for fd in "${HELD_FDS[@]}"; do
        HELD_FD=$fd
        end_held_request
    done
}

# assert_saved WAY TARGET
assert_saved() {
    assert_eq "$(<"$APP_DIR/saved-$1-$2")" "$SAVED" "what was written to the $2"
    assert_eq "$(grep "^$1 to $2: " "$SERVER_LOG")" "$1 to $2: ${#SAVED} of ${#SAVED}, good" "the server's line"
}

# changes_hands WAY [TARGET...]
changes_hands() {
    local way=$1 target
    shift
    (( $# > 0 )) || set -- file socket
    HELD_FDS=()
    start_server renumber "$HELD_SETTING"
    [[ ${BARE:-0} == 1 ]] || wait_until_started
    for target; do hold "/$way/$target"; done
    [[ ${BARE:-0} == 1 ]] || drain_with $#
    release_all
    for target; do assert_saved "$way" "$target"; done
    [[ ${BARE:-0} == 1 ]] || assert_no_process_left
}

@test "the number of a connection is closed in a drain, and means something else" { changes_hands close; }
# bats test_tags=fast
@test "the number of a connection is closed by fclose in a drain, and means something else" { changes_hands fclose; }
@test "the stream of a connection is opened anew in a drain" { changes_hands freopen file; }
@test "something else is put on the number of a connection in a drain: dup2" { changes_hands dup2; }
@test "something else is put on the number of a connection in a drain: dup3" { changes_hands dup3; }
@test "the number of a connection is closed by close_range in a drain, and means something else" { changes_hands close_range; }
@test "the number of a connection is closed past libc in a drain, and means something else" { changes_hands syscall; }
@test "bare, each way of changing hands does what it is to do" {
    local way
    for way in close fclose dup2 dup3 close_range syscall; do
        BARE=1 changes_hands "$way"
        kill -KILL "$SERVER_PID"
        wait_until 60 is_gone "$SERVER_PID"
        rm "$SERVER_LOG"
        PORT=
    done
    BARE=1 changes_hands freopen file
}

@test "another listener that has the number of a quiet one in a drain is the server's own" {
    HELD_FDS=()
    start_server renumber "$HELD_SETTING"
    wait_until_started
    hold /syscall/listener
    drain_with 1
    release_all
    assert_eq "$(sed -n '/^the name\|^accept/p' "$SERVER_LOG" | xargs)" \
        "the name is a unix one accept: Resource temporarily unavailable" "the server's lines"
    assert_no_process_left
}

# --- before a drain

@test "a listener that was bound to any port is handed over as such" {
    SERVER_ARGS=(-l 127.0.0.1:0)
    start_server epoll
    wait_until_started
    upgrade HUP v2
    assert_eq "$(log_count 'Imported a listener from file.')" 1 "listeners imported"
}

@test "a listener on a number that was bound to any port before is not one of any port" {
    PORT=$(free_port)
    SERVER_ARGS=(-l "127.0.0.1:$PORT" any_port)
    start_server renumber
    wait_until_started
    upgrade_beside HUP
    wait_until 60 is_gone "$SERVER_PID"
    assert_eq "$(sed -n 's/^some port //p' "$SERVER_LOG" | grep -cvx "$PORT")" 2 "other ports"
    assert_eq "$(log_count 'Imported a listener from file.')" 1 "listeners imported"
}

# has_no_controller: no thread of ours has a descriptor open, which would take a number.
has_no_controller() { ! grep -qsx octopus /proc/"$SERVER_PID"/task/*/comm; }

# stranger_follows ARGUMENT FIRST NEXT: a connection for FIRST, a whole request or the head of one, then one for
# NEXT with the number of the first.
stranger_follows() {
    local body=
    [[ $2 == /whole ]] || body=$'Content-Length: 1\r\n'
    PORT=$(free_port)
    SERVER_ARGS=(-l "127.0.0.1:$PORT" "$1")
    start_server strangers "${DRAIN:-$HELD_SETTING}"
    exec {HELD_FD}<>"/dev/tcp/127.0.0.1/$PORT"
    printf 'GET %s HTTP/1.1\r\n%s\r\n' "$2" "$body" >&"$HELD_FD"
    timeout 60 cat <&"$HELD_FD" >/dev/null
    exec {HELD_FD}>&-
    wait_until_started
    wait_until 60 has_no_controller
    HELD_FDS=()
    hold "$3"
    WATCH_PID=$SERVER_PID wait_until 60 grep -qx 'the same number' "$SERVER_LOG"
}

@test "an answer under way is not cut because an earlier connection was idle" {
    DRAIN=OCTOPUS_DRAIN_TIMEOUT=6s stranger_follows unseen /whole /held
    drain_with 1
    # Three times what makes an idle connection end at a stop.
    holds_for 1.2 is_alive "$SERVER_PID"
    assert_eq "$(grep -c 'hung up' "$SERVER_LOG")" 0 "connections that were hung up"
    release_all
    assert_no_process_left
}

@test "a connection of which no byte is seen stays until the deadline, and no longer" {
    DRAIN=OCTOPUS_DRAIN_TIMEOUT=2s stranger_follows unseen /part /kept
    run -0 timeout 60 head -n 4 <&"$HELD_FD"
    kill -TERM "$SERVER_PID"
    assert_no_process_left
    assert_eq "$(log_count 'The drain ends with')" 1 "connections cut"
}

@test "a connection that was passed is known from its first byte on" {
    stranger_follows passed /whole /held
    drain_with 1
    release_all
    assert_regex "$HELD_ANSWER" $'\r\nConnection: close\r\n'
    assert_no_process_left
}
