# SPDX-License-Identifier: MIT
# shellcheck shell=bash
# A request that is under way while something happens to the server.

# start_slow_request MS: sets SLOW_PID; returns when the server has read the request.
start_slow_request() {
    request "/slow?ms=$1" >"$BATS_TEST_TMPDIR/slow.out" 2>&1 3>&- &
    SLOW_PID=$!
    HELPER_PIDS+=("$SLOW_PID")
    wait_until "${SLOW_START_SECONDS:-5}" slow_request_is_read
}

slow_request_is_read() { [[ -n $(ss -Htn state established "sport = :$PORT" | awk '$1 == 0') ]]; }

assert_slow_request_completed() {
    status_of "$SLOW_PID"
    assert_eq "$EXIT_STATUS" 0 "curl's exit status ($(<"$BATS_TEST_TMPDIR/slow.out"))"
    assert_eq "$(cut -d ' ' -f 1 <"$BATS_TEST_TMPDIR/slow.out")" pong "answer of the slow request"
}
