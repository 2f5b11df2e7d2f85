#!/usr/bin/env bats
# SPDX-License-Identifier: MIT
# bats file_tags=ci:parallel
# The library built with musl-gcc, under servers that are.

load helpers

setup() {
    common_setup
    BUILD=$BUILD/musl
    LIB=$PUBLIC_LIBS/musl/liboctopus.so
}

# is_musl PID: its libc is.
is_musl() { grep -q 'linux-musl/libc.so' "/proc/$1/maps" || fail "process $1 has another libc: $(grep libc "/proc/$1/maps")"; }

# upgrades_and_stops NAME: two upgrades, each with a request under way, then a stop with one.
upgrades_and_stops() {
    local signal first
    start_server "$1" OCTOPUS_DRAIN_TIMEOUT=20s
    wait_until_started
    is_musl "$SERVER_PID"
    first=$(fd_list "$SERVER_PID" | wc -l)
    for signal in HUP HUP; do
        begin_slow_request
        upgrade "$signal"
        end_slow_request
    done
    assert_eq "$(log_count 'Imported a listener from file.')" 2 "listeners imported"
    wait_until 60 has_fd_count "$first"
    begin_slow_request
    kill -TERM "$SERVER_PID"
    end_slow_request
    assert_no_process_left
    run -7 curl --silent --noproxy '*' "$URL/ping"
    assert_eq "$(log_count 'The server has shut down.')" 3 "servers shut down"
    run ! grep -F '[ERR]' "$OCTOPUS_LOG_FILE"
}

has_fd_count() { (( $(fd_list "$SERVER_PID" | wc -l) == $1 )); }

# begin_slow_request: one that is under way when the signal comes. ping is always quick.
begin_slow_request() {
    rm -f "$BATS_TEST_TMPDIR/slow"
    curl --silent --show-error --fail --noproxy '*' --max-time 60 "$URL/chunks?n=10&ms=100" \
        >"$BATS_TEST_TMPDIR/slow" 2>&1 3>&- 4>&- &
    SLOW_PID=$!
    HELPER_PIDS+=("$SLOW_PID")
    wait_until 60 test -s "$BATS_TEST_TMPDIR/slow"
}

end_slow_request() {
    wait "$SLOW_PID" || fail "the slow request: $(<"$BATS_TEST_TMPDIR/slow")"
    [[ $SERVER_NAME == ping ]] || assert_eq "$(grep -c chunk "$BATS_TEST_TMPDIR/slow")" 10 "chunks"
}

@test "musl: upgrades and a stop: ping" { upgrades_and_stops ping; }
@test "musl: upgrades and a stop: blocking" { upgrades_and_stops blocking; }
@test "musl: upgrades and a stop: threads" { upgrades_and_stops threads; }
@test "musl: upgrades and a stop: epoll" { upgrades_and_stops epoll; }
@test "musl: upgrades and a stop: epoll with 8 MiB of static thread-local storage" { upgrades_and_stops epoll_8m; }
@test "musl: upgrades and a stop: poll" { upgrades_and_stops poll; }
@test "musl: upgrades and a stop: select" { upgrades_and_stops select; }
@test "musl: upgrades and a stop: forker" { upgrades_and_stops forker; }

# Its constructor gets no arguments from musl, and looks for them itself.
@test "musl: a hand-over of garbage is refused" {
    start_server blocking OCTOPUS_HANDOVER_FD=0
    wait_until_started
    assert_eq "$(grep -cF '[ERR]' "$OCTOPUS_LOG_FILE")" 1 "errors"
    upgrade HUP
}
