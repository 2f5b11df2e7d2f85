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
    # For disable_coredump it calls setrlimit(), and so the library's wrapper, before it is ready itself.
    OPTIONS=detect_leaks=0:disable_coredump=0
    [[ -z ${SANITIZER:-} ]] || RUNTIME=$("${CC:-cc}" -print-file-name="$SANITIZER")
}

# upgrades_and_stops NAME: with a request under way each time, and not one report.
upgrades_and_stops() {
    start_server "$1" "LD_PRELOAD=$RUNTIME $LIB" ASAN_OPTIONS="$OPTIONS" "$HELD_SETTING"
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

# lives_beside NAME ARGUMENT HOSTILE: upgrades and stops, once so many hostile processes have attacked, and more.
lives_beside() {
    local old
    PORT=$(free_port)
    SERVER_ARGS=(-l "127.0.0.1:$PORT" "$2")
    start_server "$1" "LD_PRELOAD=$RUNTIME $LIB" ASAN_OPTIONS="$OPTIONS" OCTOPUS_DRAIN_TIMEOUT=1s
    wait_until_started
    wait_until 60 have_attacked "$3"
    old=$SERVER_PID
    kill -HUP "$old"
    WATCH_PID='' wait_until 60 is_newest_leader_other_than "$old"
    WATCH_PID='' wait_until 60 is_gone "$old"
    SERVER_PID=$NEWEST_LEADER
    wait_until 60 have_attacked $((2 * $3))
    kill -TERM "$SERVER_PID"
    WATCH_PID='' wait_until 60 is_gone "$SERVER_PID"
    run ! grep -E 'Sanitizer|runtime error|gained by' "$SERVER_LOG"
    run ! grep -F '[ERR]' "$OCTOPUS_LOG_FILE"
    assert_eq "$(log_count 'The server has shut down')" 2 "generations that shut down"
}

# have_attacked COUNT: a hostile worker turns with its first client.
have_attacked() {
    server_answers || true
    (( $(awk '$1 == "hostile" && $3 == "shares" { print $2 }' "$SERVER_LOG" | sort -u | wc -l) >= $1 ))
}

@test "sanitized: beside a hostile worker" { lives_beside hostile_worker 1 1; }
@test "sanitized: beside hostile helpers" { lives_beside hostile_helper other,nobody,fork 3; }
