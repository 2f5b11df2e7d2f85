#!/bin/bash
# SPDX-License-Identifier: MIT
# Upgrades of the real servers, one server after the other, under load, with faults thrown in at random.
# SOAK_UPGRADES (1000) is how many; SOAK_SEED repeats a run's faults; SOAK_SERVERS names the servers. Ends
# with a tally, and with 1 if a request failed, a fault was not survived or something was left.
# shellcheck disable=SC1091,SC2034,SC2015
set -u

BATS_TEST_DIRNAME=$(cd "$(dirname "$0")" && pwd)
BUILD=$(cd "${BUILD:-$BATS_TEST_DIRNAME/../build}" && pwd)
source "$BATS_TEST_DIRNAME/helpers.public.bash"
LIB=$BUILD/failpoints/liboctopus.so
make_public_root
LIB=$PUBLIC_LIBS/liboctopus.so
SOAK_DIR=$(mktemp -d "${TMPDIR:-/tmp}/octopus-soak.XXXXXX")
BATS_RUN_TMPDIR=$SOAK_DIR
BATS_TEST_TMPDIR=$SOAK_DIR/turn
# What the helpers take from bats.
bats_require_minimum_version() { :; }
bats_load_library() { :; }
fail() { echo "$*" >&2; return 1; }
source "$BATS_TEST_DIRNAME/helpers.bash"
source "$BATS_TEST_DIRNAME/helpers.faults.bash"

unset LD_PRELOAD "${!OCTOPUS_@}"
: "${SOAK_UPGRADES:=1000}" "${SOAK_SEED:=$SRANDOM}" "${SOAK_PER_TURN:=10}"
RANDOM=$((SOAK_SEED % 32768))
: "${SOAK_SERVERS:=nginx redis epoll memcached node prefork python_http gunicorn_sync nginx_https threads gunicorn_gthread}"
read -ra SERVERS <<<"$SOAK_SERVERS"

# The steps at which a new generation can die and the old one serves on, and what can run out.
DEADLY_STEPS=(map received adopted listening)
SCARCE_STEPS=(memfd page stacks reaper successor)
ERRNOS=(11 12 23 24)

upgrades=0 faults=0 requests=0 failures=0 trouble=0

clean_up() {
    common_teardown
    rm -rf "$SOAK_DIR" "$PUBLIC_ROOT"
}
trap clean_up EXIT
trap 'exit 130' INT TERM

# one_of ITEM...: sets PICKED.
one_of() {
    local items=("$@")
    PICKED=${items[RANDOM % ${#items[@]}]}
}

begin_load() { start_load -c "$(connections_for "$SERVER_NAME")" -p 5; }

end_load() {
    local status=0
    stop_load || status=1
    requests=$((requests + $(sed -n 's/^requests //p' "$LOAD_LOG" | tail -n 1)))
    failures=$((failures + ${LOAD_FAILURES:-1}))
    return $status
}

start_turn() {
    unset PORT
    APP_DIR=
    EXAMPLE=
    mkdir -p "$BATS_TEST_TMPDIR"
    start_in_turn "$1" && begin_load
}

# The same place again after a stop: same port, same files.
start_in_turn() {
    make_public_dir || return
    FAILPOINTS_PLAN=$PUBLIC_DIR/failpoints
    plan
    rm -f "$BATS_TEST_TMPDIR/server.log"
    BEFORE_START=$(sed -n '$=' "${APP_DIR:-$PUBLIC_DIR/app}/octopus.log" 2>/dev/null)
    start_server "$1" OCTOPUS_FAILPOINTS="$FAILPOINTS_PLAN" OCTOPUS_READY_TIMEOUT=10s && wait_until_started
}

error_count() { errors_of | wc -l; }
has_more_errors() { (( $(error_count) > $1 )); }

# generation_number: of the one that serves.
generation_number() { echo $(( $(tail -n +$((${BEFORE_START:-0} + 1)) "$OCTOPUS_LOG_FILE" | grep -c 'was killed\.$') + 1 )); }

# fault_at_failpoint STEP ACTION [AHEAD]: AHEAD is 1 for a step of the new one.
# The new one is killed at a step, or something is not to be had: the old one serves on.
fault_at_failpoint() {
    local before number
    before=$(error_count)
    number=$(( $(generation_number) + ${3:-0} ))
    # A process that has not mapped its page counts as the first.
    [[ $1 != map ]] || number=1
    plan "$number $1 $2"
    kill -HUP "$SERVER_PID"
    WATCH_PID=$SERVER_PID wait_until 60 has_more_errors "$before" || return
    plan
    server_answers && wait_until 60 is_alone
}

is_alone() { [[ -z $(strangers_to "$SERVER_PID") && -z $(stopped_pids) ]]; }

birth_is_killed() {
    one_of "${DEADLY_STEPS[@]}"
    fault_at_failpoint "$PICKED" kill 1
}

something_is_scarce() {
    local step
    one_of "${SCARCE_STEPS[@]}"
    step=$PICKED
    one_of "${ERRNOS[@]}"
    fault_at_failpoint "$step" "$PICKED"
}

# Only our own servers' files are ours to break.
binary_is_bad() {
    local before
    if [[ -z ${EXAMPLE:-} ]]; then
        something_is_scarce
        return
    fi
    before=$(error_count)
    cp "$BUILD/tests/faulty/crashes" "$APP_DIR/$EXAMPLE.new"
    mv "$APP_DIR/$EXAMPLE.new" "$APP_DIR/$EXAMPLE"
    kill -HUP "$SERVER_PID"
    WATCH_PID=$SERVER_PID wait_until 60 has_more_errors "$before" || return
    server_answers
}

stop_and_restart() {
    end_load || return
    kill -TERM "$SERVER_PID"
    assert_no_process_left || return
    start_in_turn "$SERVER_NAME" && begin_load
}

signals_burst() {
    local sent
    for (( sent = 0; sent < 50; sent++ )); do
        kill -HUP "$SERVER_PID" 2>/dev/null || break
    done
    wait_until 60 has_one_leader
}

has_one_leader() {
    local leader
    leader=$(leader_pid)
    [[ -n $leader && -z $(strangers_to "$leader") ]] && SERVER_PID=$leader
}

one_fault() {
    faults=$((faults + 1))
    one_of birth_is_killed something_is_scarce binary_is_bad stop_and_restart signals_burst
    LAST_EVENT=$PICKED
    "$PICKED"
}

# turn SERVER UPGRADES
turn() {
    local left=$2
    LAST_EVENT="start"
    start_turn "$1" || return
    while (( left > 0 )); do
        if (( RANDOM % 4 == 0 )); then
            one_fault || return
            continue
        fi
        LAST_EVENT=upgrade
        upgrade HUP || return
        upgrades=$((upgrades + 1))
        left=$((left - 1))
    done
    LAST_EVENT="the end of the turn"
    end_load && assert_serves_alone "$SERVER_PID" || return
    kill -TERM "$SERVER_PID"
    assert_no_process_left
}

echo "seed $SOAK_SEED, $SOAK_UPGRADES upgrades"
for (( round = 0; upgrades < SOAK_UPGRADES; round++ )); do
    server=${SERVERS[round % ${#SERVERS[@]}]}
    common_setup
    wanted=$((SOAK_UPGRADES - upgrades < SOAK_PER_TURN ? SOAK_UPGRADES - upgrades : SOAK_PER_TURN))
    if turn "$server" "$wanted"; then
        BATS_TEST_COMPLETED=1
        echo "$server: $upgrades upgrades, $faults faults, $requests requests, $failures failures so far"
    else
        BATS_TEST_COMPLETED=
        trouble=$((trouble + 1))
        echo "$server: TROUBLE at $LAST_EVENT (seed $SOAK_SEED)"
    fi
    common_teardown
    rm -rf "$BATS_TEST_TMPDIR"
    PUBLIC_DIR=
    BATS_TEST_COMPLETED=1
    (( trouble < 20 )) || break
done
echo "$upgrades upgrades, $faults faults, $requests requests, $failures failures, $trouble in trouble, seed $SOAK_SEED"
(( failures == 0 && trouble == 0 ))
