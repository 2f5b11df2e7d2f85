#!/usr/bin/env bats
# SPDX-License-Identifier: MIT
# bats file_tags=ci:parallel
# A master and its workers, a terminal, a process group: who is meant by a signal, and who is not.

load helpers
load helpers.terminal
load helpers.slow

# start_prefork [HABIT]: see tests/servers/prefork.c. Sets WORKERS.
start_prefork() {
    PORT=$(free_port)
    SERVER_ARGS=(-l "127.0.0.1:$PORT" "$@")
    start_server prefork "$HELD_SETTING"
    wait_until_started
    WATCH_PID=$SERVER_PID wait_until 60 has_workers "$SERVER_PID" 2
}

# has_workers MASTER COUNT: so many were ever started. Sets WORKERS to the last two.
has_workers() {
    mapfile -t WORKERS < <(sed -n "s/^$1 started worker //p" "$SERVER_LOG" | tail -n 2)
    (( $(grep -c "^$1 started worker " "$SERVER_LOG") == $2 ))
}

# got PID WHAT [COUNT]: PID reported just so often (1) that it got WHAT.
got() { (( $(grep -c "^$1 .* got $2" "$SERVER_LOG") == ${3:-1} )); }

# assert_got PID WHAT COUNT
assert_got() { assert_eq "$(grep -c "^$1 .* got $2" "$SERVER_LOG")" "$3" "times that $1 got $2"; }

workers_hear_their_master_at_once() {
    local worker
    start_prefork "$@"
    begin_held_request
    kill -WINCH "$SERVER_PID"
    for worker in "${WORKERS[@]}"; do
        [[ ${1:-} == signalfd ]] || WATCH_PID=$SERVER_PID wait_until 60 got "$worker" 'USR1 SI_USER'
    done
    end_held_request
    for worker in "${WORKERS[@]}"; do
        WATCH_PID=$SERVER_PID wait_until 60 got "$worker" 'USR1 SI_USER'
    done
    run ! grep -F 'received signal' "$OCTOPUS_LOG_FILE"
}

master_renews_its_workers() {
    local worker before
    start_prefork "$@"
    before=("${WORKERS[@]}")
    kill -QUIT "$SERVER_PID"
    for worker in "${before[@]}"; do
        WATCH_PID=$SERVER_PID wait_until 60 got "$worker" 'TERM SI_USER'
        wait_until 60 is_gone "$worker"
    done
    WATCH_PID=$SERVER_PID wait_until 60 has_workers "$SERVER_PID" 4
    request /ping >/dev/null
    run ! grep -F 'received signal' "$OCTOPUS_LOG_FILE"
    upgrade HUP
    assert_only_generation "$SERVER_PID"
    kill -TERM "$SERVER_PID"
    assert_no_process_left
}

stop_loses_nothing() {
    local worker
    start_prefork "$@"
    begin_held_request
    kill -TERM "$SERVER_PID"
    end_held_request_in_drain
    status_of "$SERVER_PID"
    assert_eq "$EXIT_STATUS" 7 "exit status"
    assert_got "$SERVER_PID" 'TERM SI_USER' 1
    for worker in "${WORKERS[@]}"; do
        assert_got "$worker" 'TERM SI_USER' 1
    done
    assert_no_process_left
}

# bats test_tags=fast
@test "workers hear their master's USR1 at once, and go on serving" { workers_hear_their_master_at_once; }

@test "workers hear their master's USR1 by a signalfd that it made before the fork" {
    workers_hear_their_master_at_once signalfd
}

@test "a master ends its workers and starts new ones, and is upgraded as ever" { master_renews_its_workers; }

@test "a master ends workers that hear it by a signalfd, and is upgraded as ever" {
    master_renews_its_workers signalfd
}

@test "a worker that somebody else ends hears it" {
    start_prefork
    kill -TERM "${WORKERS[0]}"
    WATCH_PID=$SERVER_PID wait_until 60 got "${WORKERS[0]}" 'TERM SI_USER'
    WATCH_PID=$SERVER_PID wait_until 60 has_workers "$SERVER_PID" 3
    request /ping >/dev/null
    run ! grep -F 'received signal' "$OCTOPUS_LOG_FILE"
}

# bats test_tags=fast
@test "a stop lets workers finish, and ends each of them once" { stop_loses_nothing; }
@test "a stop lets workers with a signalfd finish, and ends each of them once" { stop_loses_nothing signalfd; }
@test "a stop of a whole process group by itself lets workers finish" { stop_loses_nothing group; }

term_to_group() { kill -TERM -- "-$SERVER_PID"; }
term_to_workers_first() { kill -TERM "${WORKERS[@]}" "$SERVER_PID"; }
term_to_leader_first() { kill -TERM "$SERVER_PID" "${WORKERS[@]}"; }

# As a service manager stops a unit: systemd.kill(5), KillMode=control-group.
# stop_of_all_loses_nothing WHOM: a function that sends TERM.
stop_of_all_loses_nothing() {
    local worker
    start_prefork
    begin_held_request
    "$1"
    end_held_request_in_drain
    status_of "$SERVER_PID"
    assert_eq "$EXIT_STATUS" 7 "exit status"
    assert_eq "$(log_count 'Digesting requests')" 1 "drains"
    assert_got "$SERVER_PID" 'TERM SI_USER' 1
    for worker in "${WORKERS[@]}"; do
        assert_got "$worker" 'TERM SI_USER' 1
    done
    assert_no_process_left
}

# bats test_tags=fast
@test "a stop sent to the whole process group is the leader's to conduct" { stop_of_all_loses_nothing term_to_group; }
@test "a stop sent to all processes, the workers first, is the leader's to conduct" {
    stop_of_all_loses_nothing term_to_workers_first
}
@test "a stop sent to all processes, the leader first, is the leader's to conduct" {
    stop_of_all_loses_nothing term_to_leader_first
}

@test "a stop sent to all processes waits for a leader that gets no processor" {
    start_prefork
    kill -STOP "$SERVER_PID"
    begin_held_request
    kill -TERM "$SERVER_PID" "${WORKERS[@]}"
    WATCH_PID='' holds_for 1 is_alive "${WORKERS[0]}"
    kill -CONT "$SERVER_PID"
    end_held_request_in_drain
    status_of "$SERVER_PID"
    assert_eq "$EXIT_STATUS" 7 "exit status"
    assert_no_process_left
}

@test "a worker that somebody else ends while the leader has ended hears it at once" {
    start_prefork
    kill -KILL "$SERVER_PID"
    kill -TERM "${WORKERS[0]}"
    WATCH_PID='' wait_until 60 got "${WORKERS[0]}" 'TERM SI_USER'
    kill -KILL "${WORKERS[1]}"
    WATCH_PID='' wait_until 60 is_gone "${WORKERS[1]}"
}

@test "Ctrl-C drains once: the workers finish their requests" {
    start_on_terminal prefork "$HELD_SETTING"
    WATCH_PID=$SERVER_PID wait_until 60 has_workers "$SERVER_PID" 2
    begin_held_request
    press_ctrl_c
    end_held_request_in_drain
    status_of "$LAUNCHED_PID"
    assert_eq "$EXIT_STATUS" 7 "exit status"
    assert_eq "$(log_count 'received signal "interrupt"')" 1 "interrupts"
    assert_eq "$(log_count 'Digesting requests')" 1 "drains"
    assert_got "$SERVER_PID" 'TERM SI_USER' 1
    assert_no_process_left
}

@test "Ctrl-C drains once: a server without handlers" {
    start_on_terminal threads "$HELD_SETTING"
    begin_held_request
    press_ctrl_c
    end_held_request_in_drain
    status_of "$LAUNCHED_PID"
    assert_eq "$EXIT_STATUS" 0 "exit status"
    assert_eq "$(log_count 'received signal "interrupt"')" 1 "interrupts"
    assert_no_process_left
}

@test "a second Ctrl-C cuts the drain short" {
    start_on_terminal prefork "$HELD_SETTING"
    begin_held_request
    press_ctrl_c
    WATCH_PID=$SERVER_PID wait_until 60 log_has 'Digesting requests'
    press_ctrl_c
    WATCH_PID='' wait_until 60 is_gone "$SERVER_PID"
    assert_no_process_left
    run ! end_held_request
}

@test "Ctrl-C reaches the successor that serves beside" {
    start_on_terminal prefork
    upgrade_beside USR2
    WATCH_PID=$SERVER_PID wait_until 60 log_has 'is still alive'
    press_ctrl_c
    assert_no_process_left
    assert_got "$SERVER_PID" 'TERM SI_USER' 1
    assert_got "$NEW_PID" 'TERM SI_USER' 1
}

@test "Ctrl-C during a drain after an upgrade does not stop the successor twice" {
    start_on_terminal prefork "$HELD_SETTING"
    begin_held_request
    upgrade_beside HUP
    press_ctrl_c
    end_held_request_in_drain log_has 'received signal "interrupt"'
    assert_no_process_left
    assert_got "$SERVER_PID" 'TERM SI_USER' 1
    assert_got "$NEW_PID" 'TERM SI_USER' 1
}

@test "a terminal that goes away ends the server, after its requests" {
    start_on_terminal prefork "$HELD_SETTING"
    begin_held_request
    kill -KILL "$LAUNCHED_PID"
    end_held_request_in_drain
    assert_no_process_left
}

@test "a server that ends its own process group leaves its successor alone" {
    local round
    start_prefork group
    start_load -c 4 -p 5
    for round in {1..5}; do
        upgrade HUP
        wait_until 60 has_workers "$SERVER_PID" 2
    done
    stop_load
    assert_only_generation "$SERVER_PID"
    kill -TERM "$SERVER_PID"
    assert_no_process_left
}

# Left alone they would end too, but not before their own grace and OCTOPUS_STOP_TIMEOUT are over.
@test "workers that do not stop are killed together with their leader" {
    local worker
    PORT=$(free_port)
    SERVER_ARGS=(-l "127.0.0.1:$PORT" stay)
    start_server prefork OCTOPUS_STOP_TIMEOUT=2s
    wait_until_started
    WATCH_PID=$SERVER_PID wait_until 60 has_workers "$SERVER_PID" 2
    kill -TERM "$SERVER_PID"
    WATCH_PID=$SERVER_PID wait_until 60 got "$SERVER_PID" 'TERM SI_USER'
    status_of "$SERVER_PID"
    assert_eq "$EXIT_STATUS" 137 "exit status"
    for worker in "${WORKERS[@]}"; do wait_until 1 is_gone "$worker"; done
    assert_no_process_left
}
