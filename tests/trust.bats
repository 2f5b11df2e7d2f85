#!/usr/bin/env bats
# SPDX-License-Identifier: MIT
# bats file_tags=ci:parallel
# A worker gains nothing through the library: whatever it writes where it can (servers/hostile_worker.c), the
# leader signals nobody else, lives, upgrades and stops in time.

load helpers
load helpers.faults
load helpers.slow

# start: the server with its hostile worker, and the victim that it names.
start() {
    make_public_dir
    sleep 600 3>&- &
    VICTIM=$!
    HELPER_PIDS+=("$VICTIM")
    PORT=$(free_port)
    SERVER_ARGS=(-l "127.0.0.1:$PORT" "$VICTIM${PATTERN:+,$PATTERN}")
    "${STARTER:-start_with_failpoints}" hostile_worker OCTOPUS_DRAIN_TIMEOUT=1s OCTOPUS_STOP_TIMEOUT=1s
    wait_until_started
    turn 1
}

# hostile_count: how many workers have turned and attacked for a while.
hostile_count() { awk '$1 == "hostile" && $3 == "shares" { print $2 }' "$SERVER_LOG" | sort -u | wc -l; }

# turn COUNT: sends clients until so many workers have turned since the start.
turn() { wait_until 60 has_turned "$1"; }
has_turned() {
    server_answers || true
    (( $(hostile_count) >= $1 ))
}

# rounds: how often hostile workers have told of themselves.
rounds() { grep -c '^hostile .* shares' "$SERVER_LOG"; }

# goes_on: the attack has gone on for some rounds from now.
goes_on() {
    local before
    before=$(rounds)
    wait_until 60 has_rounds $((before + 1))
}
has_rounds() { (( $(rounds) >= $1 )); }

assert_nothing_gained() {
    assert_eq "$(grep -c '^hostile .* gained by' "$SERVER_LOG")" 0 \
        "gains ($(grep '^hostile .* gained by' "$SERVER_LOG" | head -3))"
    is_alive "$VICTIM" || fail "the victim $VICTIM is dead"
    run ! grep -E 'Sanitizer|runtime error' "$SERVER_LOG"
    run ! grep -E 'has died|killed by signal' "$OCTOPUS_LOG_FILE"
}

# upgrade_under_attack: hands over; the new one has a hostile worker, too.
upgrade_under_attack() {
    local old=$SERVER_PID before
    before=$(hostile_count)
    kill -HUP "$old"
    finish_upgrade "$old"
    turn $((before + 1))
}

finish_upgrade() {
    wait_until 60 is_gone "$1"
    wait_until 60 server_answers
    SERVER_PID=$(last_started)
    is_alive "$SERVER_PID" || fail "the new one $SERVER_PID is not there"
    [[ $SERVER_PID != "$1" ]] || fail "there is no new one"
}

stop_in_time() {
    kill -TERM "$SERVER_PID"
    wait_until 60 is_gone "$SERVER_PID"
    run -0 grep -c 'The server has shut down' "$OCTOPUS_LOG_FILE"
    assert_nothing_gained
}

# bats test_tags=fast
@test "a worker can write its own page and the doorbell, and nothing else by any way" {
    start
    goes_on
    assert_eq "$(awk '$3 == "shares" { print $4 }' "$SERVER_LOG" | sort -u)" 2 "mappings that it shares"
    assert_nothing_gained
}

@test "an idle leader has no descriptor and no thread for it" {
    start
    goes_on
    assert_eq "$(status_field "$SERVER_PID" Threads)" 1 "threads"
    assert_eq "$(find "/proc/$SERVER_PID/fd" -lname 'anon_inode:*' -o -lname '*memfd*' 2>/dev/null | wc -l)" 0 "descriptors"
}

@test "upgrades and a stop beside a hostile worker" {
    start
    upgrade_under_attack
    goes_on
    upgrade_under_attack
    goes_on
    stop_in_time
}

@test "upgrades and a stop beside a hostile worker, under UBSan" {
    LIB=$PUBLIC_LIBS/ubsan/liboctopus.so
    STARTER=start_server start
    upgrade_under_attack
    goes_on
    stop_in_time
}

@test "a generation beside, and both leave" {
    local old
    start
    old=$SERVER_PID
    kill -USR2 "$old"
    wait_until 60 log_has 'is still alive'
    SERVER_PID=$(last_started)
    turn 2
    stop_in_time
    SERVER_PID=$old
    wait_until 60 server_answers
    stop_in_time
}

# The whole server stands still at a step, but not its hostile worker.
upgrade_at() {
    local old
    start
    old=$SERVER_PID
    plan "$1 $2 stop"
    kill -HUP "$old"
    wait_until 60 is_stopped
    goes_on
    let_go
    finish_upgrade "$old"
    assert_nothing_gained
    upgrade_under_attack
    stop_in_time
}

@test "the old one stands at forked" { upgrade_at 1 forked; }
@test "the old one stands at accepting_successor" { upgrade_at 1 accepting_successor; }
@test "the old one stands at accepted_successor" { upgrade_at 1 accepted_successor; }
@test "the old one stands at draining" { upgrade_at 1 draining; }
@test "the old one stands at stopped_accepting" { upgrade_at 1 stopped_accepting; }
@test "the old one stands at listeners_ended" { upgrade_at 1 listeners_ended; }
@test "the old one stands at drained" { upgrade_at 1 drained; }
@test "the new one stands at received" { upgrade_at 2 received; }
@test "the new one stands at adopted" { upgrade_at 2 adopted; }
@test "the new one stands at listening" { upgrade_at 2 listening; }
@test "the new one stands at announcing" { upgrade_at 2 announcing; }

stop_at() {
    start
    plan "1 $1 stop"
    kill -TERM "$SERVER_PID"
    wait_until 60 is_stopped
    goes_on
    let_go
    wait_until 60 is_gone "$SERVER_PID"
    assert_nothing_gained
}

@test "a stop stands at draining" { stop_at draining; }
@test "a stop stands at stopped_accepting" { stop_at stopped_accepting; }
@test "a stop stands at listeners_ended" { stop_at listeners_ended; }
@test "a stop stands at drained" { stop_at drained; }

upgrades_and_stops_beside() {
    PATTERN=$1 start
    upgrade_under_attack
    stop_in_time
}

@test "a worker that writes the pid of a stranger everywhere" { upgrades_and_stops_beside victim; }
@test "a worker that writes the pid of the leader everywhere" { upgrades_and_stops_beside leader; }
@test "a worker that writes zeros everywhere" { upgrades_and_stops_beside zeros; }
@test "a worker that writes ones everywhere" { upgrades_and_stops_beside ones; }
@test "a worker that writes random bytes everywhere" { upgrades_and_stops_beside random; }

@test "a new version that fails is cleared away, and the next one serves" {
    start
    cp "$BUILD/tests/faulty/exits_at_once" "$APP_DIR/new"
    mv "$APP_DIR/new" "$APP_DIR/hostile_worker"
    kill -HUP "$SERVER_PID"
    wait_until 60 log_has '[ERR]'
    assert_regex "$(errors_of)" "^Child \([0-9]+\) exited with status 3 .*\. Master \($SERVER_PID\) serves on\.$"
    wait_until 60 server_answers
    goes_on
    assert_nothing_gained
    deploy_version v2
    upgrade_under_attack
    stop_in_time
}
