#!/usr/bin/env bats
# SPDX-License-Identifier: MIT
# bats file_tags=ci:parallel
# Upgrades and stops with the library under a sanitizer: UBSan in trap mode, or, from `make asan`, the one
# whose run-time SANITIZER names; that one is preloaded before the library, as it demands, and library
# and servers are both built with it.

load helpers
load helpers.slow

setup() {
    common_setup
    [[ -n ${SANITIZED_LIB:-} ]] || LIB=$PUBLIC_LIBS/ubsan/liboctopus.so
    RUNTIME=
    [[ -z ${SANITIZER:-} ]] || RUNTIME=$("${CC:-cc}" -print-file-name="$SANITIZER")
}

# upgrades_and_stops NAME: with a request under way each time, and not one report.
upgrades_and_stops() {
    start_server "$1" "LD_PRELOAD=$RUNTIME $LIB" ASAN_OPTIONS=detect_leaks=0 "$HELD_SETTING"
    wait_until_started
    for _ in 1 2; do upgrade_in_held_request; done
    begin_held_request
    kill -TERM "$SERVER_PID"
    end_held_request_in_drain
    assert_no_process_left
    run ! grep -E 'Sanitizer|runtime error' "$SERVER_LOG"
    run ! grep -F '[ERR]' "$OCTOPUS_LOG_FILE"
    assert_eq "$(log_count 'The server has shut down')" 3 "generations that shut down"
}

@test "sanitized: the example blocking" { upgrades_and_stops blocking; }
@test "sanitized: the example threads" { upgrades_and_stops threads; }
@test "sanitized: the example epoll" { upgrades_and_stops epoll; }
@test "sanitized: the example poll" { upgrades_and_stops poll; }
@test "sanitized: the example select" { upgrades_and_stops select; }
@test "sanitized: the example forker" { upgrades_and_stops forker; }
@test "sanitized: the example prefork" { upgrades_and_stops prefork; }
