#!/usr/bin/env bats
# SPDX-License-Identifier: MIT
# bats file_tags=ci:parallel
# SIGKILL at each step of an upgrade and of a stop: whoever is left serves, nothing else is left, and the
# next upgrade works.

load helpers
load helpers.faults

# start NAME: a server whose successor has READY_TIMEOUT, long enough for one that a test holds up.
start() {
    make_public_dir
    start_with_failpoints "$1" OCTOPUS_READY_TIMEOUT="${READY_TIMEOUT:-30s}" OCTOPUS_DRAIN_TIMEOUT=2s OCTOPUS_STOP_TIMEOUT=2s \
        OCTOPUS_PIDFILE="$PUBLIC_DIR/pidfile" "${@:2}"
    server_answers
}

# next_upgrade_works PID: the one that is left serves alone, hands over to another, which then stops.
next_upgrade_works() {
    assert_serves_alone "$1"
    SERVER_PID=$1
    upgrade HUP
    assert_serves_alone "$SERVER_PID"
    kill -TERM "$SERVER_PID"
    assert_no_process_left
}

# assert_one_error PATTERN: the library has complained once, and like this.
assert_one_error() {
    assert_eq "$(errors_of | wc -l)" 1 "[ERR] lines ($(errors_of))"
    assert_regex "$(errors_of)" "$1"
}

# The old one dies: at these steps before there is a new one, and nothing is left of either.
old_dies_childless() {
    start epoll
    plan "1 $1 kill" "${@:2}"
    kill -HUP "$SERVER_PID"
    wait_until 60 is_gone "$SERVER_PID"
    assert_no_process_left
}

# The old one dies: the new one is there, or is being born, and serves.
old_dies() {
    start "${2:-epoll}"
    plan "1 $1 kill"
    kill -HUP "$SERVER_PID"
    wait_until 60 is_gone "$SERVER_PID"
    plan
    wait_until 60 log_has 'The server has started' 2
    next_upgrade_works "$(last_started)"
}

pidfile_names() { [[ $(cat "$PUBLIC_DIR/pidfile") == "$1" ]]; }

# The new one dies: the old one serves on, and says why.
new_dies() {
    start "${3:-epoll}"
    plan "$1 $2 kill"
    kill -HUP "$SERVER_PID"
    wait_until 60 log_has '[ERR]'
    plan
    assert_one_error "^(Child \([0-9]+\) (was|has lost its leader) .*\. Master \($SERVER_PID\) serves on\.|Unable to fork a child: .*)$"
    wait_until 60 pidfile_names "$SERVER_PID"
    next_upgrade_works "$SERVER_PID"
}

# It has said that it is ready, and the old one comes to know after its end: it was about to take that for a
# success, or sees both at once.
new_dies_at_announced() {
    start "$1"
    plan "1 accepting_successor stop" "2 announced kill"
    kill -HUP "$SERVER_PID"
    wait_until 60 is_stopped_or_knows
    wait_until 60 is_gone "$(last_started)"
    let_go
    wait_until 60 log_has '[ERR]'
    assert_one_error "^Child \([0-9]+\) .*\. Master \($SERVER_PID\) serves on\.$"
    wait_until 60 pidfile_names "$SERVER_PID"
    next_upgrade_works "$SERVER_PID"
}

is_stopped_or_knows() { is_stopped || log_has '[ERR]'; }

@test "the old one is killed at stacks" { old_dies_childless stacks; }
@test "the old one is killed at reaper" { old_dies_childless reaper; }
@test "the old one is killed at memfd" { old_dies_childless memfd; }
@test "the old one is killed at page" { old_dies_childless page; }
@test "the old one is killed at proc" { old_dies_childless proc; }
@test "the old one is killed at abandoning" { old_dies_childless abandoning "2 received kill"; }
# bats test_tags=fast
@test "the old one is killed at forked" { old_dies forked; }
@test "the old one is killed at accepting_successor" { old_dies accepting_successor; }
@test "the old one is killed at accepted_successor" { old_dies accepted_successor; }
@test "the old one is killed at draining" { old_dies draining; }
@test "the old one is killed at queue_empty" { old_dies queue_empty; }
@test "the old one is killed at quiet_listener" { old_dies quiet_listener; }
@test "the old one is killed at replaced" { old_dies replaced; }
@test "the old one is killed at stopped_accepting" { old_dies stopped_accepting; }
@test "the old one is killed at listeners_ended" { old_dies listeners_ended; }
@test "the old one is killed at drained" { old_dies drained; }

@test "the reaper is killed at successor" { new_dies 1 successor; }
@test "the new one is killed at map" { new_dies 1 map; }
@test "the new one is killed at received" { new_dies 2 received; }
@test "the new one is killed at adopted" { new_dies 2 adopted; }
@test "the new one is killed at listening" { new_dies 2 listening; }
@test "the new one is killed at thread" { new_dies 2 thread; }
@test "the new one is killed at waiting" { new_dies 2 waiting; }
@test "the new one is killed at announcing" { new_dies 2 announcing; }
@test "the new one is killed at pidfile" { new_dies 2 pidfile; }
@test "the new one is killed at announced" { new_dies_at_announced epoll; }

# Masters and their workers. A master that is killed leaves its workers, as it does without us: they
# serve on, or end, but they do not stay behind the new one's back.
@test "the old master is killed at forked" { old_dies forked prefork; }
@test "the old master is killed at accepting_successor" { old_dies accepting_successor prefork; }
@test "the old master is killed at accepted_successor" { old_dies accepted_successor prefork; }
@test "the old master is killed at draining" { old_dies draining prefork; }
@test "the old master is killed at queue_empty" { old_dies queue_empty prefork; }
@test "the old master is killed at replaced" { old_dies replaced prefork; }
@test "the old master is killed at stopped_accepting" { old_dies stopped_accepting prefork; }
@test "the old master is killed at listeners_ended" { old_dies listeners_ended prefork; }
@test "the old master is killed at drained" { old_dies drained prefork; }

@test "the new master is killed at received" { new_dies 2 received prefork; }
@test "the new master is killed at listening" { new_dies 2 listening prefork; }
@test "the new master or a worker is killed at waiting" { READY_TIMEOUT=10s new_dies 2 waiting prefork; }
@test "the new master is killed at announcing" { new_dies 2 announcing prefork; }

# The old workers die while they are to stop accepting.
old_workers_die() {
    start "$2"
    plan "1 $1 kill"
    kill -HUP "$SERVER_PID"
    wait_until 60 log_has 'The server has started' 2
    wait_until 60 is_gone "$SERVER_PID"
    plan
    next_upgrade_works "$(last_started)"
}

@test "the old workers are killed at worker_stopping" { old_workers_die worker_stopping prefork; }
@test "the old workers are killed at worker_stopped" { old_workers_die worker_stopped prefork; }
@test "nginx's old workers are killed at worker_stopping" { old_workers_die worker_stopping nginx; }
@test "nginx's old workers are killed at worker_stopped" { old_workers_die worker_stopped nginx; }

# While one stands still at a step, somebody else dies or gets a signal.
# start_and_stop_at GENERATION STEP [NAME]
start_and_stop_at() {
    start "${3:-epoll}"
    plan "$1 $2 stop"
    kill -HUP "$SERVER_PID"
    wait_until 60 is_stopped
}

# new_leader: the first process of the generation that is being born. Until then a child of the reaper,
# which is the old one's child; later an orphan.
new_leader() {
    local pid parent
    while read -r pid; do
        parent=$(parent_of "$pid")
        [[ $pid != "$SERVER_PID" && $parent != "$SERVER_PID" ]] || continue
        [[ $parent == 1 || $(parent_of "$parent") == "$SERVER_PID" ]] && ! is_worker_of_old "$parent" && echo "$pid"
    done < <(pids_of_test)
    return 0
}
is_worker_of_old() { grep -q "^$SERVER_PID started worker $1\$" "$SERVER_LOG"; }
reaper() { parent_of "$(new_leader)"; }

kill_whom() {
    local victim
    victim=$("$1")
    [[ $victim =~ ^[0-9]+$ && $victim != 1 ]] || fail "not one process to kill ($1): '$victim'"
    kill -KILL "$victim"
}

# The new one dies while the old one stands at STEP: the old one serves on.
new_dies_while_old_at() {
    start_and_stop_at 1 "$1" "${2:-epoll}"
    kill_whom new_leader
    let_go
    wait_until 60 log_has '[ERR]'
    wait_until 60 marks_its_listener "$SERVER_PID"
    next_upgrade_works "$SERVER_PID"
}

# marks_its_listener PID: other generations can see that PID accepts (a read lock on the socket, proc_locks(5)).
marks_its_listener() { grep -qE "POSIX +ADVISORY +READ +$1 " /proc/locks; }

@test "the new one is killed while the old one stands at forked" { new_dies_while_old_at forked; }
@test "the new one is killed while the old one stands at accepting_successor" { new_dies_while_old_at accepting_successor; }
@test "the new one is killed while the old one stands at accepted_successor" { new_dies_while_old_at accepted_successor; }
@test "the new one is killed while the old one stands at draining" { new_dies_while_old_at draining; }
# Nobody tells the old one that all of the new one have ended: it must not stop accepting meanwhile.
@test "the new one is killed while its reaper stands still, and the old one at draining" {
    local reaper
    start_and_stop_at 1 draining epoll
    reaper=$(reaper)
    kill -STOP "$reaper"
    kill_whom new_leader
    plan
    kill -CONT "$SERVER_PID"
    wait_until 60 log_has '[ERR]'
    wait_until 60 is_gone "$reaper"
    next_upgrade_works "$SERVER_PID"
}
# Its workers are left, of which one leads on: they serve, or the old one does.
new_master_dies_while_old_at() {
    start_and_stop_at 1 "$1" prefork
    kill_whom new_leader
    let_go
    holds_for 4 server_answers
}

@test "the new master is killed while the old one stands at accepting_successor" { new_master_dies_while_old_at accepting_successor; }
@test "the new master is killed while the old one stands at draining" { new_master_dies_while_old_at draining; }

# The old one, or its reaper, dies while the new one stands at STEP: the new one comes to serve.
old_dies_while_new_at() {
    start_and_stop_at 2 "$1" "${2:-epoll}"
    kill -KILL "$SERVER_PID"
    let_go
    wait_until 60 log_has 'The server has started' 2
    next_upgrade_works "$(last_started)"
}

reaper_dies_while_new_at() {
    start_and_stop_at 2 "$1" "${2:-epoll}"
    kill_whom reaper
    let_go
    wait_until 60 log_has 'The server has started' 2
    next_upgrade_works "$(last_started)"
}

@test "the old one is killed while the new one stands at received" { old_dies_while_new_at received; }
@test "the old one is killed while the new one stands at adopted" { old_dies_while_new_at adopted; }
@test "the old one is killed while the new one stands at listening" { old_dies_while_new_at listening; }
@test "the old one is killed while the new one stands at waiting" { old_dies_while_new_at waiting; }
@test "the old one is killed while the new one stands at announcing" { old_dies_while_new_at announcing; }
@test "the old master is killed while the new one stands at received" { old_dies_while_new_at received prefork; }
@test "the old master is killed while the new one stands at announcing" { old_dies_while_new_at announcing prefork; }
@test "the reaper is killed while the new one stands at received" { reaper_dies_while_new_at received; }
@test "the reaper is killed while the new one stands at adopted" { reaper_dies_while_new_at adopted; }
@test "the reaper is killed while the new one stands at listening" { reaper_dies_while_new_at listening; }
@test "the reaper is killed while the new one stands at waiting" { reaper_dies_while_new_at waiting; }
@test "the reaper is killed while the new one stands at announcing" { reaper_dies_while_new_at announcing; }

# The new one serves one of two ports, and has yet to open the other. As it does so, somebody dies.
# start_settling ACTION: it comes to "settling", and the gate before the other port is closed.
start_settling() {
    make_public_dir
    APP_DIR=$PUBLIC_DIR/app PORT=$(free_port)
    mkdir "$APP_DIR"
    : >"$APP_DIR/gate"
    SERVER_ARGS=(bind="$(free_port)" listen thread wait=gate bind="$PORT" listen thread ready)
    start stepwise
    rm "$APP_DIR/gate"
    plan "2 settling $1"
    kill -HUP "$SERVER_PID"
}

@test "the new one is killed at settling" {
    start_settling kill
    wait_until 60 log_has '[ERR]'
    plan
    : >"$APP_DIR/gate"
    assert_one_error "^Child \([0-9]+\) (was|has lost its leader) .*\. Master \($SERVER_PID\) serves on\.$"
    next_upgrade_works "$SERVER_PID"
}

settling_goes_on_without() {
    start_settling stop
    wait_until 60 is_stopped
    server_answers
    kill_whom "$1"
    : >"$APP_DIR/gate"
    let_go
    wait_until 60 log_has 'The server has started' 2
    next_upgrade_works "$(last_started)"
}
old_one() { echo "$SERVER_PID"; }

@test "the old one is killed while the new one stands at settling" { settling_goes_on_without old_one; }
@test "the reaper is killed while the new one stands at settling" { settling_goes_on_without reaper; }

@test "the old one is killed at accepting_successor while the new one stands at announced" {
    start epoll
    plan "1 accepting_successor stop" "2 announced stop"
    kill -HUP "$SERVER_PID"
    wait_until 60 both_are_stopped
    kill -KILL "$SERVER_PID"
    let_go
    next_upgrade_works "$(last_started)"
}
both_are_stopped() { (( $(stopped_pids | wc -l) == 2 )); }

# A successor that hangs without anybody who could tell of its end: it is cleared away all the same.
@test "the reaper is killed and the new one never comes to serve" {
    READY_TIMEOUT=3s start epoll
    cp "$BUILD/tests/faulty/hangs" "$APP_DIR/epoll.new"
    mv "$APP_DIR/epoll.new" "$APP_DIR/epoll"
    kill -HUP "$SERVER_PID"
    wait_until 60 log_has 'Forked child'
    kill_whom reaper
    wait_until 60 log_has '[ERR]'
    assert_one_error "^Child \([0-9]+\) was not ready within 3000 ms.*: killed\. Master \($SERVER_PID\) serves on\.$"
    next_upgrade_works "$SERVER_PID"
}

# Signals that come while the old one stands at STEP.
@test "TERM to the old one at forked: both leave" {
    start epoll
    plan "1 forked stop" "2 received stop"
    kill -HUP "$SERVER_PID"
    wait_until 60 both_are_stopped
    kill -TERM "$SERVER_PID"
    kill -CONT "$SERVER_PID"
    wait_until 60 is_gone "$SERVER_PID"
    let_go
    assert_no_process_left
}

signal_to_old_at() {
    start_and_stop_at 1 "$2"
    kill -"$1" "$SERVER_PID"
    let_go
    wait_until 60 is_gone "$SERVER_PID"
    assert_eq "$(log_count 'The server has started')" 2 "generations that started"
    next_upgrade_works "$(last_started)"
}

@test "TERM to the old one at accepting_successor: the new one serves" { signal_to_old_at TERM accepting_successor; }
@test "TERM to the old one at draining: the new one serves" { signal_to_old_at TERM draining; }
@test "TERM to the old one at queue_empty: the new one serves" { signal_to_old_at TERM queue_empty; }
@test "TERM to the old one at stopped_accepting: the new one serves" { signal_to_old_at TERM stopped_accepting; }
@test "TERM to the old one at listeners_ended: the new one serves" { signal_to_old_at TERM listeners_ended; }
@test "TERM to the old one at drained: the new one serves" { signal_to_old_at TERM drained; }
@test "HUP to the old one at forked: the new one serves" { signal_to_old_at HUP forked; }
@test "HUP to the old one at accepting_successor: the new one serves" { signal_to_old_at HUP accepting_successor; }
@test "HUP to the old one at draining: the new one serves" { signal_to_old_at HUP draining; }
@test "HUP to the old one at stopped_accepting: the new one serves" { signal_to_old_at HUP stopped_accepting; }
@test "HUP to the old one at drained: the new one serves" { signal_to_old_at HUP drained; }

# TERM to the new one before it is ready: it goes, the old one serves on.
stop_new_at() {
    start_and_stop_at 2 "$1"
    kill -TERM "$(new_leader)"
    let_go
    wait_until 60 log_has '[ERR]'
    next_upgrade_works "$SERVER_PID"
}

@test "TERM to the new one at received: the old one serves on" { stop_new_at received; }
@test "TERM to the new one at adopted: the old one serves on" { stop_new_at adopted; }
@test "TERM to the new one at listening: the old one serves on" { stop_new_at listening; }
@test "TERM to the new one at waiting: the old one serves on" { stop_new_at waiting; }

# HUP to the new one before it is ready: it asks for nothing that could fail the upgrade.
hang_up_new_at() {
    start_and_stop_at 2 "$1"
    kill -HUP "$(new_leader)"
    let_go
    wait_until 60 is_gone "$SERVER_PID"
    wait_until 60 only_newest_is_left
    next_upgrade_works "$(leader_pid)"
}
only_newest_is_left() { [[ $(pids_of_test) == "$(leader_pid)" ]]; }

# The new one is ready, and the old one has not seen it yet: a successor of the new one has to wait.
@test "HUP to the new one while the old one stands at forked: it is served afterwards" {
    local new
    start_and_stop_at 1 forked
    wait_until 60 log_has 'The server has started' 2
    new=$(new_leader)
    kill -HUP "$new"
    holds_for 1 is_alive "$new"
    let_go
    wait_until 60 is_gone "$SERVER_PID"
    wait_until 60 is_gone "$new"
    wait_until 60 only_newest_is_left
    assert_eq "$(log_count '[ERR]')" 0 "[ERR] lines"
    next_upgrade_works "$(leader_pid)"
}

@test "HUP to the new one at received: one of them serves" { hang_up_new_at received; }
@test "HUP to the new one at adopted: one of them serves" { hang_up_new_at adopted; }
@test "HUP to the new one at listening: one of them serves" { hang_up_new_at listening; }
@test "HUP to the new one at waiting: one of them serves" { hang_up_new_at waiting; }
@test "HUP to the new one at announcing: one of them serves" { hang_up_new_at announcing; }

# A stop on its own, with nobody to take over.
dies_while_stopping() {
    start "${2:-epoll}"
    plan "1 $1 kill"
    kill -TERM "$SERVER_PID"
    wait_until 60 is_gone "$SERVER_PID"
    assert_no_process_left
}

@test "a server that is to stop is killed at draining" { dies_while_stopping draining; }
@test "a server that is to stop is killed at queue_empty" { dies_while_stopping queue_empty; }
@test "a server that is to stop is killed at replaced" { dies_while_stopping replaced; }
@test "a server that is to stop is killed at stopped_accepting" { dies_while_stopping stopped_accepting; }
@test "a server that is to stop is killed at listeners_ended" { dies_while_stopping listeners_ended; }
@test "a server that is to stop is killed at drained" { dies_while_stopping drained; }
@test "a server that is to stop loses its workers at worker_stopping" { dies_while_stopping worker_stopping prefork; }
@test "a server that is to stop loses its workers at worker_stopped" { dies_while_stopping worker_stopped prefork; }

# It dies with a connection that its poll() has taken, or is about to take, beside another generation.
dies_at_a_report() {
    start poll
    upgrade_beside USR2
    plan "1 $1 kill"
    wait_until 60 request_ends "$SERVER_PID"
    plan
    next_upgrade_works "$NEW_PID"
}

# request_ends PID: one request, whoever answers it or not. Succeeds if PID is gone.
request_ends() {
    request /ping >/dev/null 2>&1 || true
    is_gone "$1"
}

@test "the old one is killed at taking" { dies_at_a_report taking; }
@test "the old one is killed at kept" { dies_at_a_report kept; }

@test "each step of the library is in the tables above" {
    local step missing=
    for step in $(all_failpoints); do
        # No drain is to get there: thrown.bats.
        [[ $step != accepts_go_on ]] || continue
        grep -q "[ \"]${step}[; \"]" "$BATS_TEST_FILENAME" || missing+=" $step"
    done
    assert_eq "$missing" "" "steps without a test"
}

# The first TERM's drain has only begun when the second one comes.
@test "a drain that is cut short at once does not disturb a server in accept()" {
    start blocking
    plan "1 draining stop"
    kill -TERM "$SERVER_PID"
    wait_until 60 is_stopped
    kill -TERM "$SERVER_PID"
    let_go
    status_of "$SERVER_PID"
    assert_eq "$EXIT_STATUS" 0 "exit status"
    run ! grep accept: "$SERVER_LOG"
    assert_no_process_left
}

# A connection wakes one of nginx's workers (EPOLLEXCLUSIVE, epoll_ctl(2)). Here that is one of the old
# generation, and it dies, or as here stops, before it takes the connection.
@test "a connection whose wake-up only the old generation got is served by the new one" {
    local leader worker
    start_with_failpoints nginx
    plan "1 queue_empty stop"
    kill -HUP "$SERVER_PID"
    wait_until 60 log_has 'The server has started' 2
    wait_until 60 is_stopped
    leader=$(stopped_pids)
    plan "1 accepting stop"
    wait_until 60 request_stops_worker "$leader"
    worker=$(stopped_pids | grep -vx "$leader")
    plan
    kill -CONT "$leader"
    wait "$REQUEST_PID" || fail "the request failed: $?"
    assert_eq "$(state_of "$worker")" T "state of the old worker"
    let_go
    newest_leader
    assert_serves_alone "$NEWEST_LEADER"
}

# One request at a time, until an old worker has stopped before it took one.
request_stops_worker() {
    request /ping >/dev/null 2>&1 3>&- 4>&- &
    REQUEST_PID=$!
    HELPER_PIDS+=("$REQUEST_PID")
    wait_until 60 is_answered_or_stopped "$1"
    stopped_pids | grep -qvx "$1"
}
is_answered_or_stopped() { is_gone "$REQUEST_PID" || stopped_pids | grep -qvx "$1"; }

prepare_below_a_keeper() {
    prepare_example epoll
    SERVER_COMMAND=(python3 "$BATS_TEST_DIRNAME/servers/keeper.py" "${SERVER_COMMAND[@]}")
}
is_in_group() { [[ $(ps -o pgid= -p "$1") -eq $2 ]]; }
process_is_stopped() { [[ $(ps -o state= -p "$1") == T ]]; }

# The kernel sends HUP and CONT to a group that has lost its last parent in the session while one of its processes
# was stopped (setpgid(2)). It is not the terminal that hangs up: there is none.
@test "a successor that was stopped when its session's shell was killed serves on" {
    local group
    start_server below_a_keeper OCTOPUS_DRAIN_TIMEOUT=2s
    WATCH_PID=$LAUNCHED_PID wait_until 60 read_ready_line
    wait_until_started
    group=$SERVER_PID
    upgrade HUP
    WATCH_PID=$SERVER_PID wait_until 60 is_in_group "$SERVER_PID" "$group"
    kill -STOP "$SERVER_PID"
    wait_until 60 process_is_stopped "$SERVER_PID"
    kill -KILL "$LAUNCHED_PID"
    WATCH_PID=$SERVER_PID wait_until 60 log_has "Server ($SERVER_PID) received signal \"hangup\" from the terminal"
    upgrade HUP
    kill -TERM "$SERVER_PID"
    wait_until 60 is_gone "$SERVER_PID"
}
