# SPDX-License-Identifier: MIT
# shellcheck shell=bash
# What every test file loads: waiting, comparing, ports, background processes and their clean-up.
# A file that overrides setup or teardown calls common_setup and common_teardown from its own.

bats_require_minimum_version 1.8.0

# load_library NAME: as bats_load_library, but without the processes that its load.bash runs, a dozen a test.
load_library() {
    local directories directory part
    IFS=: read -r -a directories <<<"${BATS_LIB_PATH:-}"
    for directory in "${directories[@]}"; do
        [[ -d $directory/$1/src ]] || continue
        # shellcheck disable=SC1090 # not known before
        for part in "$directory/$1/src"/*.bash; do source "$part"; done
        return
    done
    bats_load_library "$1"
}
load_library bats-support
load_library bats-assert

: "${BUILD:=$BATS_TEST_DIRNAME/../build}"
: "${LIB:=$BUILD/liboctopus.so}"

source "$BATS_TEST_DIRNAME/helpers.proc.bash"
source "$BATS_TEST_DIRNAME/helpers.load.bash"
source "$BATS_TEST_DIRNAME/helpers.servers.bash"

setup() { common_setup; }
teardown() { common_teardown; }

common_setup() {
    trace_test_only
    # Unique over all test runs of the machine, and a number; see pids_of_test.
    local now=${EPOCHREALTIME/[.,]/}
    TEST_MARK=$BASHPID${now:5}
    WATCH_PID=
    SERVER_PID=
    LOAD_PID=
    HELPER_PIDS=()
    DEPLOYED=1
    OCTOPUS_LOG_FILE=
    PUBLIC_DIR=
    exec {PAUSE_FD}<> <(:)
}

# trace_test_only: bats takes a note of each command before it runs, so that it can tell the line that failed.
# That costs more than most commands. From here on it does so in the test and in the functions of its file, and
# what a helper does is told by the line that calls it.
trace_test_only() {
    local lines line
    set +T
    # They take the trap away, which without functrace would be back when they return.
    declare -ft bats_error_trap bats_check_status_from_trap || true
    mapfile -t lines <"$BATS_TEST_FILENAME"
    for line in "${lines[@]}"; do
        [[ $line != [a-z]*'() '* ]] || declare -ft "${line%%'()'*}" 2>/dev/null || true
    done
}

# Ends whatever the test left. A failed test first shows the logs that explain it.
common_teardown() {
    [[ -n ${BATS_TEST_COMPLETED:-} ]] || show_logs
    local pids=("${HELPER_PIDS[@]}")
    # Twice: one that was being forked when we looked is there the second time.
    for _ in 1 2; do
        mapfile -t -O "${#pids[@]}" pids < <(pids_of_test)
        (( ${#pids[@]} > 0 )) || break
        kill -KILL "${pids[@]}" 2>/dev/null || true
    done
    # Not a bare wait: bats' own countdown to the timeout is a child of this shell too.
    (( ${#pids[@]} == 0 )) || wait "${pids[@]}" 2>/dev/null || true
    [[ -z ${PUBLIC_DIR:-} ]] || rm -rf "$PUBLIC_DIR"
}

# make_public_dir: sets PUBLIC_DIR, a directory that servers which drop root can reach and write to. The
# directories of bats are for their owner only. Removed by the teardown.
make_public_dir() {
    [[ -z ${PUBLIC_DIR:-} ]] || return 0
    PUBLIC_DIR=$PUBLIC_ROOT/$TEST_MARK
    mkdir -m 1777 "$PUBLIC_DIR"
}

show_logs() {
    local log
    for log in "$BATS_TEST_TMPDIR"/*.log "${OCTOPUS_LOG_FILE:-}" "${APP_DIR:-}/error.log"; do
        [[ -s $log ]] || continue
        echo "--- ${log##*/} (last 40 lines)"
        tail -n 40 "$log"
    done
}

# wait_until SECONDS COMMAND...: polls until COMMAND succeeds. Fails after SECONDS, or at once when
# WATCH_PID is set and that process has ended.
# It forks nothing, nor do the commands that tests wait with most: beside a load each fork takes long. The
# pause after a look is twice as long as the look: a costly one must not slow what it waits for.
wait_until() {
    local seconds=$1 deadline look rest
    shift
    set_deadline "$seconds"
    while look=${EPOCHREALTIME/[.,]/}; ! "$@"; do
        if [[ -n ${WATCH_PID:-} ]] && ! is_alive "$WATCH_PID"; then
            # It may have done what we wait for just before it ended.
            "$@" && return
            fail "process $WATCH_PID ended while waiting for: $*"
            return
        fi
        if (( ${EPOCHREALTIME/[.,]/} > deadline )); then
            fail "not within $seconds s: $*"
            return
        fi
        look=$(( (${EPOCHREALTIME/[.,]/} - look) * 2 ))
        printf -v rest '0.%06d' $(( look < 10000 ? 10000 : look > 50000 ? 50000 : look ))
        pause "$rest"
    done
}

# holds_for SECONDS COMMAND...: COMMAND succeeds now and at every look until SECONDS have passed.
holds_for() {
    local seconds=$1 deadline
    shift
    set_deadline "$seconds"
    while (( ${EPOCHREALTIME/[.,]/} < deadline )); do
        "$@" || { fail "did not hold for $seconds s: $*"; return; }
        pause 0.1
    done
}

# pause SECONDS: what a polling loop does between two looks. PAUSE_FD is a pipe that nothing ever comes from.
pause() { read -r -t "$1" -u "$PAUSE_FD" || true; }

# set_deadline SECONDS: sets the caller's `deadline`, in microseconds.
set_deadline() {
    local whole=${1%%.*} part=
    [[ $1 != *.* ]] || part=${1#*.}
    part=${part}000000
    deadline=$(( ${EPOCHREALTIME/[.,]/} + 10#${whole:-0} * 1000000 + 10#${part:0:6} ))
}

now_ms() { echo $(( ${EPOCHREALTIME/[.,]/} / 1000 )); }

# assert_eq ACTUAL EXPECTED [WHAT]
assert_eq() {
    [[ $1 == "$2" ]] && return
    fail "${3:-value}: got '$1', expected '$2'"
}

# assert_within ACTUAL LOW HIGH [WHAT]: integers, bounds included.
assert_within() {
    (( $1 >= $2 && $1 <= $3 )) && return
    fail "${4:-value}: got $1, expected $2 to $3"
}

# free_port: prints a port of 127.0.0.1 and ::1 that nobody listens on and no other test of this run
# was given. Below the ephemeral range, so that no client connection takes it meanwhile.
free_port() {
    local port
    [[ -d ${TEST_PORTS_DIR:=$BATS_RUN_TMPDIR/ports} ]] || mkdir -p "$TEST_PORTS_DIR"
    for _ in {1..200}; do
        port=$(( 12000 + SRANDOM % 18000 ))
        # Only one of all that try creates it, without a process for it.
        ( set -C; : >"$TEST_PORTS_DIR/$port" ) 2>/dev/null || continue
        [[ -z $(ss -Hltn "sport = :$port") ]] || continue
        echo "$port"
        return
    done
    fail "no free port"
}

# background LOG COMMAND...: starts COMMAND as a user's shell would from a terminal of its own: a
# process group of its own, no ignored signals, nothing of bats' descriptors. Carries the test's mark.
# Sets BACKGROUND_PID, which is COMMAND itself, so that `wait` gives its exit status.
background() {
    local log=$1
    shift
    (
        ulimit -S -x "$TEST_MARK"
        close_extra_fds
        exec setsid env --default-signal "$@" </dev/null >>"$log" 2>&1
    ) &
    BACKGROUND_PID=$!
}

# An fd of bats held by a process that stays makes bats wait for it.
close_extra_fds() {
    local fd
    for fd in /proc/"$BASHPID"/fd/*; do
        fd=${fd##*/}
        (( fd <= 2 || fd == 255 )) || eval "exec $fd>&-"
    done
}

# status_of PID: waits for a process started with background; sets EXIT_STATUS.
status_of() {
    EXIT_STATUS=0
    wait "$1" || EXIT_STATUS=$?
}
