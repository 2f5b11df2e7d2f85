#!/usr/bin/env bats
# SPDX-License-Identifier: MIT
# bats file_tags=ci:parallel
# The library cross-compiled for aarch64, under servers that are, as far as qemu-user emulates a kernel. Two
# things it does not, each of which leaves a server as it was:
# - clone(CLONE_VM) for a new process (EINVAL), so there is no successor here;
# - /proc/self/task/TID/syscall, which shows the emulator's own calls: a second thread that sits in a blocking
#   accept() is not found. The example `threads` is such a server.

load helpers

# start_emulated NAME: as start_server. The emulator itself must not be preloaded. The log is stderr: for the
# emulator / is another directory (-L), so that no walk from there comes to a path of ours.
start_emulated() {
    SERVER_NAME=$1
    make_public_dir
    APP_DIR=$PUBLIC_DIR/app
    SERVER_LOG=$BATS_TEST_TMPDIR/server.log
    OCTOPUS_LOG_FILE=$SERVER_LOG
    PROTOCOL=http
    PORT=$(free_port)
    mkdir -p "$APP_DIR"
    set_url
    background "$SERVER_LOG" --chdir="$APP_DIR" qemu-aarch64 -L /usr/aarch64-linux-gnu \
        -E LD_PRELOAD="$PUBLIC_LIBS/aarch64/liboctopus.so" -E OCTOPUS_LOG=stderr \
        -E OCTOPUS_DRAIN_TIMEOUT=20s "$BUILD/aarch64/tests/v1/$1" -l "127.0.0.1:$PORT"
    SERVER_PID=$BACKGROUND_PID
    WATCH_PID=$SERVER_PID wait_until 60 server_answers
    wait_until_started
}

# drains NAME: a stop with a request under way, which comes whole, and then an end by its own.
drains() {
    local slow
    start_emulated "$1"
    curl --silent --show-error --fail --noproxy '*' --max-time 60 "$URL/chunks?n=10&ms=100" \
        >"$BATS_TEST_TMPDIR/slow" 2>&1 3>&- 4>&- &
    slow=$!
    HELPER_PIDS+=("$slow")
    wait_until 60 test -s "$BATS_TEST_TMPDIR/slow"
    kill -TERM "$SERVER_PID"
    wait "$slow" || fail "the slow request: $(<"$BATS_TEST_TMPDIR/slow")"
    [[ $1 == ping ]] || assert_eq "$(grep -c chunk "$BATS_TEST_TMPDIR/slow")" 10 "chunks"
    status_of "$SERVER_PID"
    assert_eq "$EXIT_STATUS" 0 "exit status"
    assert_no_process_left
    assert_eq "$(log_count 'The server has shut down.')" 1 "servers shut down"
    run ! grep -F '[ERR]' "$OCTOPUS_LOG_FILE"
}

@test "aarch64: a stop loses nothing: ping" { drains ping; }
@test "aarch64: a stop loses nothing: blocking" { drains blocking; }
@test "aarch64: a stop loses nothing: epoll" { drains epoll; }
@test "aarch64: a stop loses nothing: poll" { drains poll; }
@test "aarch64: a stop loses nothing: select" { drains select; }
@test "aarch64: a stop loses nothing: forker" { drains forker; }

@test "aarch64: where no successor can be made, the server says so and serves on" {
    start_emulated epoll
    kill -HUP "$SERVER_PID"
    WATCH_PID=$SERVER_PID wait_until 60 log_has 'Unable to fork a child: clone'
    assert_eq "$(answering_pid)" "$SERVER_PID" "who answers"
    assert_eq "$(grep -cF '[ERR]' "$OCTOPUS_LOG_FILE")" 1 "errors"
}
