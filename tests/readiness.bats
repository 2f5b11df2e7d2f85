#!/usr/bin/env bats
# SPDX-License-Identifier: MIT
# bats file_tags=ci:parallel
# When a version is ready: it waits for clients on all that it has inherited. Servers open their ports one by one,
# and wait for clients in ways that no call of the waiting thread tells of.

load helpers

# start_steps WORD...: the server that does as these words say; PORT is the one that it binds last.
# SETTINGS: settings of the library.
# shellcheck disable=SC2034 # for start_server
start_steps() {
    SERVER_ARGS=("$@")
    start_server stepwise "${SETTINGS[@]}"
}

setup() {
    common_setup
    make_public_dir
    APP_DIR=$PUBLIC_DIR/app
    mkdir -p "$APP_DIR"
    SETTINGS=(OCTOPUS_PIDFILE="$APP_DIR/pidfile")
    METRICS=$(free_port) PORT=$(free_port)
    open_gate
}

open_gate() { : >"$APP_DIR/gate"; }

# awaits PORT...: the log says once that the new version is to come there.
awaits() {
    local list
    printf -v list ", ${LISTENS_ON:-127.0.0.1}:%s" "$@"
    wait_until 60 log_has " does not wait for clients on ${list:2} yet. Master ($SERVER_PID) serves on until it does, for "
}

# upgrade_lingers PORT...: an upgrade is begun, and is not over before the gate opens; the ports lack until then.
upgrade_lingers() {
    BEFORE=$SERVER_PID
    rm "$APP_DIR/gate"
    next_version
    deploy_version "$NEXT_VERSION"
    kill -HUP "$SERVER_PID"
    awaits "$@"
    newest_leader
    assert_eq "$NEWEST_LEADER" "$BEFORE" "leader while the new one is not ready"
}

# upgrade_ends: the gate opens, and all that is asked from now on is answered by the new one.
upgrade_ends() {
    open_gate
    follow_successor "$BEFORE"
    read_answer
    assert_eq "$ANSWER_PID $ANSWER_VERSION" "$SERVER_PID $NEXT_VERSION" "who answers"
    assert_eq "$(log_count ' does not wait for clients on ')" 1 "lines about what lacks"
    assert_eq "$(log_count '[ERR]')" 0 "error lines"
}

# comes_late: the new one opens METRICS at once and PORT later; no request on either is lost.
comes_late() {
    wait_until_started
    start_load -c 4 -p 5
    upgrade_lingers "$PORT"
    upgrade_ends
    stop_load
}

# --- one port after another

# bats test_tags=fast
@test "a metrics port first, the main port later: threads that accept" {
    start_steps bind="$METRICS" listen thread wait=gate bind="$PORT" listen thread ready
    comes_late
    upgrade HUP
    kill -TERM "$SERVER_PID"
    assert_no_process_left
}
@test "a metrics port first, the main port later: a thread that accepts, and poll" {
    start_steps bind="$METRICS" listen thread wait=gate bind="$PORT" listen ready poll
    comes_late
}
@test "a metrics port first, the main port later: one epoll set and one thread" {
    start_steps set sleeper bind="$METRICS" listen add wait=gate bind="$PORT" listen ready add
    comes_late
}

# The connections would wait in the backlog until the server is done with what it does in between.
# bats test_tags=fast
@test "a main port that is bound at once and accepted on later" {
    start_steps bind="$METRICS" listen thread bind="$PORT" listen ready wait=gate thread
    wait_until_started
    comes_late
}

prepare_stepwise_daemon() {
    SERVER_ARGS=(bind="$METRICS" listen daemon thread wait=gate bind="$PORT" listen thread)
    prepare_example stepwise
}

# The child goes on, opens the other port, and leads.
@test "a metrics port first, the main port later, in a new version that becomes a daemon in between" {
    start_server stepwise_daemon "${SETTINGS[@]}"
    comes_late
    assert_only_generation "$SERVER_PID"
}

# Its master waits on the metrics port, and no worker does.
@test "a metrics port first, the main port later, in workers" {
    start_steps bind="$METRICS" listen thread wait=gate bind="$PORT" listen ready fork thread
    wait_until_started
    start_load -c 4 -p 5
    upgrade_lingers "$PORT"
    open_gate
    follow_successor "$BEFORE"
    stop_load
    assert_eq "$(log_count '[ERR]')" 0 "error lines"
}

prepare_node_late() { SERVER_COMMAND=(node "${NODE_OPTIONS_OF_TEST[@]}" "$SERVERS_DIR/node_late.js" "$PORT" "${METRICS_OF_NODE[@]}"); }
prepare_python_late() { SERVER_COMMAND=(/usr/bin/python3 "$SERVERS_DIR/python_late.py" "$PORT" "$METRICS"); }
# shellcheck disable=SC2034 # for start_server
prepare_java_late() {
    javac -d "$APP_DIR" "$SERVERS_DIR/JavaLate.java"
    SERVER_COMMAND=(java -Xshare:auto -XX:TieredStopAtLevel=1 "${JAVA_OPTIONS[@]}" -cp "$APP_DIR" JavaLate "$PORT")
}

@test "a metrics port first, the main port later: node" {
    METRICS_OF_NODE=("$METRICS")
    start_server node_late "${SETTINGS[@]}"
    comes_late
}
@test "a metrics port first, the main port later: python" {
    start_server python_late "${SETTINGS[@]}"
    comes_late
}
@test "node --inspect, the main port later" {
    NODE_OPTIONS_OF_TEST=(--inspect="127.0.0.1:$METRICS")
    start_server node_late "${SETTINGS[@]}"
    comes_late
}
@test "java with a debugger's port, the main port later" {
    JAVA_OPTIONS=("-agentlib:jdwp=transport=dt_socket,server=y,suspend=n,address=127.0.0.1:$METRICS")
    LISTENS_ON='[::ffff:127.0.0.1]'
    start_server java_late "${SETTINGS[@]}"
    comes_late
}
@test "java with JMX, the main port later" {
    JAVA_OPTIONS=(-Dcom.sun.management.jmxremote.port="$METRICS" -Dcom.sun.management.jmxremote.rmi.port="$METRICS"
        -Dcom.sun.management.jmxremote.authenticate=false -Dcom.sun.management.jmxremote.ssl=false
        -Dcom.sun.management.jmxremote.host=127.0.0.1 -Djava.rmi.server.hostname=127.0.0.1)
    LISTENS_ON='[::ffff:127.0.0.1]'
    start_server java_late "${SETTINGS[@]}"
    comes_late
}

# --- what does not come

# drops_metrics SETTING...: a version that binds PORT only; BEFORE is to be replaced by it.
drops_metrics() {
    SETTINGS+=("$@")
    start_steps bind="$METRICS" listen thread bind="$PORT" listen thread ready
    wait_until_started
    deploy_script "exec ./real bind=$PORT listen thread ready"
    BEFORE=$SERVER_PID
    kill -HUP "$SERVER_PID"
}

# assert_refused PORT
assert_refused() { ! { : <>"/dev/tcp/127.0.0.1/$1"; } 2>/dev/null || fail "somebody listens on $1"; }

# bats test_tags=fast
@test "a port that the new version does not bind any more is given up after OCTOPUS_SETTLE_TIMEOUT" {
    drops_metrics OCTOPUS_SETTLE_TIMEOUT=1200ms
    awaits "$METRICS"
    follow_successor "$BEFORE"
    log_has "Server ($SERVER_PID) has not waited for clients on 127.0.0.1:$METRICS within 2 s, and takes over all the same." || fail "no line"
    assert_refused "$METRICS"
    assert_eq "$(answering_pid)" "$SERVER_PID" "who answers"
    assert_eq "$(log_count '[ERR]')" 0 "error lines"
}

@test "without OCTOPUS_SETTLE_TIMEOUT it is given up in time for OCTOPUS_READY_TIMEOUT" {
    drops_metrics OCTOPUS_READY_TIMEOUT=4s
    follow_successor "$BEFORE"
    assert_refused "$METRICS"
    assert_eq "$(log_count '[ERR]')" 0 "error lines"
}

@test "with an OCTOPUS_SETTLE_TIMEOUT longer than OCTOPUS_READY_TIMEOUT the upgrade is given up, and not the port" {
    drops_metrics OCTOPUS_READY_TIMEOUT=2s OCTOPUS_SETTLE_TIMEOUT=3s
    wait_until 60 log_has "was not ready within 2000 ms: killed. Master ($BEFORE) serves on."
    log_has " does not wait for clients on 127.0.0.1:$METRICS yet." || fail "no line says what for"
    PORT=$METRICS read_answer
    assert_eq "$ANSWER_PID" "$BEFORE" "who answers"
}

# --- ways to wait

# is_ready_twice WORD...: such a server is ready at its start and after an upgrade, without any client.
is_ready_twice() {
    start_steps "$@"
    wait_until 60 log_has "The server has started ($SERVER_PID)."
    wait_until 60 grep -qx "$SERVER_PID" "$APP_DIR/pidfile"
    upgrade_in_silence
    wait_until 60 has_no_thread_of_ours "$SERVER_PID"
}

upgrade_in_silence() {
    BEFORE=$SERVER_PID
    next_version
    deploy_version "$NEXT_VERSION"
    kill -HUP "$BEFORE"
    follow_successor "$BEFORE"
    assert_eq "$(<"$APP_DIR/pidfile")" "$SERVER_PID" "pid file"
    assert_eq "$(answering_pid)" "$SERVER_PID" "who answers"
    assert_eq "$(log_count '[ERR]')" 0 "error lines"
}

has_no_thread_of_ours() { ! grep -qsx octopus "/proc/$1/task"/*/comm; }

# bats test_tags=fast
@test "a listener that comes into an epoll set in which a thread sleeps" {
    is_ready_twice set sleeper bind="$PORT" listen ready add
}
@test "a listener that was in an epoll set, in which a thread sleeps, before it listened" {
    is_ready_twice set sleeper bind="$PORT" add ready listen
}
@test "a listener that comes into an epoll set within the one in which a thread sleeps" {
    is_ready_twice set outer sleeper bind="$PORT" listen ready add
}
@test "a listener that comes into an epoll set, in a process of whose threads /proc tells nothing" {
    is_ready_twice set sleeper hidden bind="$PORT" listen ready add
}

# The threads that wait for something else do so 1,000 times a second.
@test "a listener that comes into an epoll set beside busy threads" {
    is_ready_twice busy busy set sleeper bind="$PORT" listen ready add
}
# bats test_tags=fast
@test "a first poll() of a listener long after the busy waits of other threads" {
    start_steps busy busy bind="$PORT" listen ready wait=late poll
    # So many waits that none of them is looked at any more.
    wait_until 60 has_waited "$SERVER_PID" 2000
    : >"$APP_DIR/late"
    wait_until 60 log_has "The server has started ($SERVER_PID)."
}

# has_waited PID TIMES: its threads have given up the processor so often.
has_waited() {
    (( $(awk '/^voluntary_ctxt_switches/ { sum += $2 } END { print sum }' "/proc/$1/task"/*/status) > $2 ))
}

@test "under load, a listener that comes into an epoll set in which a thread sleeps" {
    local round
    start_steps set sleeper bind="$PORT" listen ready add
    wait_until_started
    start_load -c 4
    for round in 1 2 3 4 5; do
        upgrade_in_silence
    done
    stop_load
}

# A worker without a controller would not stop accepting.
@test "a listener that comes into an epoll set in which a thread of a worker sleeps" {
    SETTINGS+=(OCTOPUS_DRAIN_TIMEOUT=10m)
    start_steps bind="$PORT" listen ready fork set sleeper add
    wait_until 60 log_has "The server has started ($SERVER_PID)."
    deploy_version v2
    replace
    assert_eq "$(answering_version)" v2 "version that answers"
    assert_only_generation "$SERVER_PID"
    assert_eq "$(log_count '[ERR]')" 0 "error lines"
}

# bats test_tags=fast
@test "no listen() on what listens already: a thread that accepts" { is_ready_twice bind="$PORT" ask ready thread; }
@test "no listen() on what listens already: poll" { is_ready_twice bind="$PORT" ask ready poll; }
@test "no listen() on what listens already: epoll" { is_ready_twice bind="$PORT" ask set ready add sleeper; }
# Its master never waits for clients.
@test "no listen() on what listens already: workers" {
    SETTINGS+=(OCTOPUS_DRAIN_TIMEOUT=10m OCTOPUS_READY_TIMEOUT=20s)
    start_steps bind="$PORT" ask ready fork thread
    wait_until 60 log_has "The server has started ($SERVER_PID)."
    deploy_version v2
    replace
    assert_eq "$(answering_version)" v2 "version that answers"
    assert_only_generation "$SERVER_PID"
    assert_eq "$(log_count '[ERR]')" 0 "error lines"
}
@test "no listen() on what listens already: a listener that comes into an epoll set" {
    is_ready_twice set sleeper bind="$PORT" ask ready add
}
