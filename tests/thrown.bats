#!/usr/bin/env bats
# SPDX-License-Identifier: MIT
# bats file_tags=ci:parallel
# A thread can be thrown out of a call that the library wraps: by pthread_cancel, or by siglongjmp from a handler. That
# works as it does without the library, and leaves nothing behind that an upgrade or a stop would wait for.

load helpers
load helpers.faults

# report_of PID: what became of the threads of this process.
report_of() { sed -n "s/^$1 //p" "$SERVER_LOG"; }

has_thrown_all() { grep -q "^$1 waits$" "$SERVER_LOG"; }

# start_thrown STARTER [SETTING=VALUE...]: until all its threads are out.
start_thrown() {
    PORT=${PORT:-$(free_port)}
    SERVER_ARGS=(-l "127.0.0.1:$PORT" -l 127.0.0.1:0)
    : >"$BATS_TEST_TMPDIR/server.log"
    "$1" thrown "${@:2}"
    WATCH_PID=$SERVER_PID wait_until 60 has_thrown_all "$SERVER_PID"
}

# bats test_tags=fast
@test "threads leave wrapped calls as bare, and no drain waits for them" {
    local bare old
    BARE=1 start_thrown start_server
    bare=$(report_of "$SERVER_PID")
    assert_eq "$(grep -c ' cancelled$' <<<"$bare") $(grep -c ' jumped$' <<<"$bare")" "22 22" "threads that are out"
    assert_eq "$(head -n 1 <<<"$bare")" 'listen cancelled later' "first line"
    kill -KILL "$SERVER_PID"
    WATCH_PID='' wait_until 60 is_gone "$SERVER_PID"

    # The step is reached when the wait for those who are in accept() has taken all its time.
    # In the end no thread waits on the other listener.
    start_thrown start_with_failpoints OCTOPUS_SETTLE_TIMEOUT=2s
    plan '1 accepts_go_on kill' '2 accepts_go_on kill'
    assert_eq "$(report_of "$SERVER_PID")" "$bare" "report"
    old=$SERVER_PID
    upgrade HUP
    status_of "$old"
    assert_eq "$EXIT_STATUS" 0 "exit status of the first generation"
    wait_until 60 has_thrown_all "$SERVER_PID"
    assert_eq "$(report_of "$SERVER_PID")" "$bare" "report of the second generation"
    kill -TERM "$SERVER_PID"
    WATCH_PID='' wait_until 60 log_has 'The server has shut down.' 2
    assert_no_process_left
}
