#!/usr/bin/env bats
# SPDX-License-Identifier: MIT
# bats file_tags=ci:parallel
# The helpers that decide whether a test passes, where a mistake would hide a defect.

load helpers
load setup_suite

# bats test_tags=fast
@test "waiting ends at its deadline" {
    local begin
    begin=$(now_ms)
    run ! wait_until 0.3 false
    assert_output --partial "not within 0.3 s: false"
    assert_within $(( $(now_ms) - begin )) 300 60000 "milliseconds"
}

@test "waiting ends at once when the watched process has died" {
    background /dev/null false
    status_of "$BACKGROUND_PID"
    WATCH_PID=$BACKGROUND_PID run ! wait_until 60 false
    assert_output --partial "ended while waiting"
}

@test "a process that daemonized, changed its user and cleared its environment is found and ended" {
    local command=(sleep 60)
    (( EUID != 0 )) || command=(setpriv --reuid 65534 --clear-groups "${command[@]}")
    background /dev/null sh -c 'setsid env --ignore-environment "$@" & exit 0' sh "${command[@]}"
    status_of "$BACKGROUND_PID"
    run -0 pids_of_test
    assert_eq "${#lines[@]}" 1 "processes found"
    SETTLE_SECONDS=0.3
    run ! assert_only_generation "$$"
    run ! assert_no_process_left
    common_teardown
    assert_no_process_left
}

@test "a server under test starts with no signal ignored or blocked, in a group of its own, without the tests' descriptors" {
    local log=$BATS_TEST_TMPDIR/status.log
    background "$log" sh -c 'grep -E "^Sig(Ign|Blk)" /proc/self/status; ls /proc/$$/fd; exec ps -o pid=,pgid= -p $$'
    status_of "$BACKGROUND_PID"
    run -0 cat "$log"
    # GNU parallel ignores 32 and 33 too, which belong to libc: no sigaction(2) call of ours may touch them.
    assert_eq "$(grep -cE '^Sig...:.0{7}[01][08]0{7}$' "$log")" 2 "empty signal sets"
    assert_eq "$(grep -cx '[0-9]*' "$log")" 3 "descriptors"
    assert_eq "$(tail -n 1 "$log" | xargs)" "$BACKGROUND_PID $BACKGROUND_PID" "pid and group"
}

@test "ports are handed out once" {
    assert_eq "$(for _ in {1..30}; do free_port; done | sort | uniq -d)" ""
}

# bats test_tags=fast
@test "a load that met a failure fails the test" {
    BARE=1 start_server ping
    start_load -c 1 -p 20
    kill -KILL "$SERVER_PID"
    holds_for 0.3 is_alive "$LOAD_PID"
    run ! stop_load
    assert_output --partial "refused"
}

@test "what servers preload can be read by every user, wherever the tree and TMPDIR are" {
    mkdir -m 0700 "$BATS_TEST_TMPDIR/own"
    mkdir "$BATS_TEST_TMPDIR/own/within"
    TMPDIR=$BATS_TEST_TMPDIR/own/within
    umask 077
    make_public_root
    assert_eq "${PUBLIC_ROOT%/*}" /tmp "parent of what is public"
    assert_eq "$(stat -c %a "$PUBLIC_ROOT" "$PUBLIC_LIBS" "$PUBLIC_LIBS/steps" | uniq)" 755 "modes of directories"
    assert_eq "$(stat -c %a "$PUBLIC_LIBS"/liboctopus.so "$PUBLIC_LIBS"/steps/liboctopus.so | uniq)" 644 "modes of files"
    teardown_suite
    run ! test -e "$PUBLIC_ROOT"
}
