#!/usr/bin/env bats
# SPDX-License-Identifier: MIT
# bats file_tags=ci:parallel
# A server whose threads do everything at once, listening too (tests/servers/crowd.c). What their
# accesses race with is races.bats' to find.

load helpers
load helpers.slow

# Each of nine threads used to begin a generation of its own if it came while another was at it: then two
# or three controllers conducted one server. One start in two was hit.
@test "threads that listen at the same moment begin one generation" {
    for _ in {1..10}; do
        : >"$BATS_TEST_TMPDIR/server.log"
        PORT=$(free_port)
        start_server crowd
        wait_until_started
        assert_eq "$(log_count "The server has started ($SERVER_PID).")" 1 "generations"
        kill -TERM "$SERVER_PID"
        status_of "$SERVER_PID"
        assert_eq "$EXIT_STATUS" 7 "exit status"
        assert_no_process_left
    done
    run ! grep -F '[ERR]' "$OCTOPUS_LOG_FILE"
}

@test "a crowd of threads is upgraded and stopped in the middle of requests" {
    start_server crowd "$HELD_SETTING" OCTOPUS_SETTLE_TIMEOUT=2s
    wait_until_started
    for _ in 1 2 3; do upgrade_in_held_request; done
    begin_held_request
    kill -TERM "$SERVER_PID"
    end_held_request_in_drain
    assert_no_process_left
    run ! grep -F '[ERR]' "$OCTOPUS_LOG_FILE"
    assert_eq "$(log_count 'The server has shut down')" 4 "generations that shut down"
}
