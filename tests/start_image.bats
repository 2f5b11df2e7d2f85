#!/usr/bin/env bats
# SPDX-License-Identifier: MIT
# bats file_tags=ci:parallel
# A successor begins with what its predecessor was started with, and not with what that has made of it: descriptors,
# limits, priorities, and its parent. (Arguments, variables and the directory: deploy.bats; the umask: children.bats.)

load helpers

setup() {
    common_setup
    make_public_dir
    APP_DIR=$PUBLIC_DIR
    PORT=$(free_port)
    SERVER_NAME=started_with
    PROTOCOL=http
    SERVER_LOG=$BATS_TEST_TMPDIR/server.log
    PROGRAM=(/usr/bin/python3 "$BATS_TEST_DIRNAME/servers/started_with.py" "$PORT")
    : >"$APP_DIR/habits"
}

# has_habits HABIT...: those of the generations that are started from now on.
has_habits() { printf '%s\n' "$@" >"$APP_DIR/habits"; }

# run_program LAUNCHER...: starts the server by it, bare with BARE=1. REPORT1 is what the server was started with.
run_program() {
    SERVER_COMMAND=("$@" "${PROGRAM[@]}")
    launch_server "${SETTINGS[@]}"
    wait_until 60 server_answers
    [[ ${BARE:-0} == 1 ]] || { wait_until 60 log_has 'The server has started'; newest_leader; SERVER_PID=$NEWEST_LEADER; }
    request / >"$BATS_TEST_TMPDIR/report1"
}
SETTINGS=()

# next_begins_alike: so does the generation after it.
next_begins_alike() {
    replace
    diff "$BATS_TEST_TMPDIR/report1" <(request /)
    replace
    diff "$BATS_TEST_TMPDIR/report1" <(request /)
    run ! grep -F '[ERR]' "$OCTOPUS_LOG_FILE"
}

# fds_there: the descriptors that the one who answers was started with.
fds_there() { request / | grep '^fd' || true; }
report1_has() { grep -qx -- "$1" "$BATS_TEST_TMPDIR/report1" || fail "the first was not started with '$1': $(cat "$BATS_TEST_TMPDIR/report1")"; }

# --- limits and scheduling ---

# bats test_tags=fast
@test "limits, priorities, CPUs and OOM score: the server spoils its own" {
    has_habits spoil
    run_program
    next_begins_alike
}

@test "limits, priorities and OOM score that a launcher has set" {
    has_habits spoil
    run_program nice -n 3 ionice -c 2 -n 6 choom -n 50 -- prlimit --nofile=300: --core=0: --stack=9000000:
    report1_has "nice $(( $(nice) + 3 ))"
    report1_has 'oom 50'
    report1_has 'ioprio 16390'
    next_begins_alike
}

@test "a scheduling policy and one CPU, by a launcher" {
    run_program chrt --batch 0 taskset -c "$(taskset -cp $$ | sed 's/.*[ ,-]//')"
    report1_has 'policy 3 0'
    next_begins_alike
}

@test "a soft limit of descriptors that the server raises, as java and node do" {
    has_habits raise
    run_program prlimit --nofile=100:
    next_begins_alike
}

@test "a soft limit below the numbers of the listeners" {
    run_program prlimit --nofile=12:
    next_begins_alike
}

@test "a hard limit that the server lowers" {
    bash -c 'ulimit -n 100 && ulimit -n 200' 2>/dev/null || skip "needs CAP_SYS_RESOURCE"
    has_habits 'lower'
    run_program
    next_begins_alike
}

# --- descriptors ---

# with_fds REDIRECTIONS: starts the server from bash with these.
with_fds() { run_program bash -c "exec $1; "'exec "$@"' bash; }

# bats test_tags=fast
@test "a lock and a log that the server was started with are in each successor" {
    has_habits 'write 5'
    # shellcheck disable=SC2016 # that bash expands it
    run_program bash -c 'exec 9>lock 5>>own.log; flock -n 9 && exec "$@"' bash
    report1_has "fd 9 $APP_DIR/lock"
    run -1 flock -n "$APP_DIR/lock" true
    next_begins_alike
    run -1 flock -n "$APP_DIR/lock" true
    assert_eq "$(sort -u "$APP_DIR/own.log" | wc -l)" 3 "processes that have written to the log"
}

# start_reader: cat, which reads the pipe until all who can write to it have gone.
start_reader() {
    mkfifo "$APP_DIR/pipe"
    background "$BATS_TEST_TMPDIR/from_pipe" cat "$APP_DIR/pipe"
    READER=$BACKGROUND_PID
}

@test "a pipe, a socket and high numbers, whatever else the server has open" {
    start_reader
    has_habits 'write 6' 'reuse 7' 'reuse 40'
    with_fds '6>pipe 200<>/dev/udp/127.0.0.1/9 255</dev/null'
    report1_has "fd 6 $APP_DIR/pipe"
    report1_has 'fd 200 socket:.*'
    report1_has 'fd 255 /dev/null'
    next_begins_alike
    kill -TERM "$SERVER_PID"
    status_of "$READER"
    assert_eq "$EXIT_STATUS" 0 "exit status of the reader"
    assert_eq "$(sort -u "$BATS_TEST_TMPDIR/from_pipe" | wc -l)" 3 "processes that have written to the pipe"
}

@test "a server that was started without 0 and 1, whose listener has such a number" {
    with_fds '<&- >&- 5</dev/zero'
    next_begins_alike
}

# bats test_tags=fast
@test "a pipe that the server has closed is held open by nobody, and written to by nobody" {
    start_reader
    has_habits 'write 6' 'close 6' 'reuse 6'
    with_fds '6>pipe'
    status_of "$READER"
    assert_eq "$EXIT_STATUS" 0 "exit status of the reader"
    replace
    assert_eq "$(fds_there)" "fd 6 /dev/null" "descriptors of the successor"
    replace
    assert_eq "$(fds_there)" "fd 6 /dev/null" "descriptors of the next one"
    assert_eq "$(wc -l <"$BATS_TEST_TMPDIR/from_pipe")" 1 "lines through the pipe"
}

@test "a descriptor that the server has moved is back at its number" {
    has_habits 'move 6 70' 'write 70'
    with_fds '6>>out'
    next_begins_alike
    assert_eq "$(sort -u "$APP_DIR/out" | wc -l)" 3 "processes that have written to it"
}

@test "a descriptor to read that the server has closed is not there, nor what has its number now" {
    : >"$APP_DIR/in"
    has_habits 'close 6' 'reuse 6'
    with_fds '6<in'
    has_habits 'reuse 6'
    replace
    assert_eq "$(fds_there)" "" "descriptors of the successor"
    replace
    assert_eq "$(fds_there)" "" "descriptors of the next one"
}

@test "a descriptor that the server has opened itself is not there" {
    has_habits 'reuse 5' 'reuse 60'
    run_program
    next_begins_alike
}

# --- the parent ---

# A parent that keeps the server: it waits for all its children, also for one that it does not know.
KEEPER='import os, signal, sys
if os.fork() == 0: os.execvp(sys.argv[1], sys.argv[1:])
while True:
    try: os.wait()
    except ChildProcessError: signal.pause()'

run_kept() { run_program /usr/bin/python3 -c "$KEEPER" "$@"; }

# leaves_in_order: the parent dies, and the server is told so and drains.
leaves_in_order() {
    kill -KILL "$LAUNCHED_PID"
    wait_until 60 is_gone "$SERVER_PID"
    wait_until 60 log_has "$1"
    assert_no_process_left
}

# bats test_tags=fast
@test "getppid() answers the parent of the start, while that lives" {
    has_habits watch-parent
    run_kept
    report1_has "parent $LAUNCHED_PID"
    next_begins_alike
    holds_for 0.5 server_answers
    kill -KILL "$LAUNCHED_PID"
    wait_until 60 is_gone "$SERVER_PID"
    assert_no_process_left
}

leads_a_session() { assert_eq "$(ps -o sid= -p "$1" | tr -d ' ')" "$1" "session of the daemon"; }

@test "a daemon's successor is not told that it is one already" {
    has_habits daemonize
    run_program
    leads_a_session "$SERVER_PID"
    replace
    leads_a_session "$SERVER_PID"
    replace
    leads_a_session "$SERVER_PID"
}

@test "a daemon that a program of the new version starts" {
    run_program
    has_habits start-below daemonize
    replace
    leads_a_session "$SERVER_PID"
}

# bats test_tags=fast
@test "a signal for the parent's death, by a launcher" {
    run_kept setpriv --pdeathsig TERM
    report1_has 'death signal 15'
    report1_has "parent $LAUNCHED_PID"
    next_begins_alike
    assert_eq "$(zombies_of_test)" "" "zombies"
    leaves_in_order 'The server has shut down'
}

# bats test_tags=fast
@test "a signal for the parent's death, asked for by the server" {
    has_habits death-signal
    run_kept
    next_begins_alike
    holds_for 0.5 server_answers
    leaves_in_order 'The server has shut down'
}

@test "a signal for the parent's death that only the new version asks for does not end it" {
    run_kept
    has_habits death-signal
    replace
    holds_for 0.5 server_answers
    replace
    holds_for 0.5 server_answers
    run ! grep -F '[ERR]' "$OCTOPUS_LOG_FILE"
}

# serves_on LINE: the new version was no good, and the log says so.
serves_on() {
    kill -HUP "$SERVER_PID"
    wait_until 60 log_has "$1"
    server_answers
    assert_only_generation "$LAUNCHED_PID"
    has_habits death-signal
    replace
}

@test "a new version below the same parent that ends" {
    SETTINGS=(OCTOPUS_READY_TIMEOUT=600s)
    has_habits death-signal
    run_kept
    has_habits break
    serves_on ' has ended before it listened. Master ('
}

@test "a new version below the same parent that hangs" {
    SETTINGS=(OCTOPUS_READY_TIMEOUT=2s)
    has_habits death-signal
    run_kept
    has_habits hang
    serves_on ' was not ready within 2000 ms: killed. Master ('
}

@test "a new version below the same parent that cannot be executed" {
    cp "$BATS_TEST_DIRNAME/servers/started_with.py" "$APP_DIR/server"
    sed -i '1i #!/usr/bin/python3' "$APP_DIR/server"
    chmod +x "$APP_DIR/server"
    PROGRAM=("$APP_DIR/server" "$PORT")
    has_habits death-signal
    run_kept
    chmod -x "$APP_DIR/server"
    kill -HUP "$SERVER_PID"
    wait_until 60 log_has 'permission denied'
    server_answers
    chmod +x "$APP_DIR/server"
    replace
    assert_only_generation "$LAUNCHED_PID"
}

@test "a new version below the same parent that becomes a daemon" {
    has_habits death-signal
    run_kept
    has_habits daemonize
    serves_on ' has ended before '
}

# It may have accepted by then: it drains.
@test "a new version below the same parent whose daemon listens while the first process waits for it" {
    has_habits death-signal
    run_kept
    has_habits daemonize-late
    serves_on ' has ended before '
}

@test "a new version below the same parent that leaves a helper behind" {
    has_habits death-signal
    run_kept
    has_habits leave-helper break
    serves_on ' has ended before it listened. Master ('
}

@test "a new version below the same parent that leaves a worker behind" {
    has_habits death-signal
    run_kept
    has_habits leave-worker
    serves_on ' has ended before '
}
