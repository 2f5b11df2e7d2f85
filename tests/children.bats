#!/usr/bin/env bats
# SPDX-License-Identifier: MIT
# bats file_tags=ci:parallel
# What a server starts (a shell, a CGI, a helper) sees what it would see without the library:
# dispositions, mask, descriptors, umask, threads, variables.

load helpers

C_WAYS=(system popen fork vfork spawn)
# Where nobody can wait for a child, system() fails, with or without us.
UNAWAITED_WAYS=(popen fork vfork spawn)

# With exec, because dash unblocks signals before it forks.
# start_parent: $PARENT, with one log of the library for all runs, so that the
# variable for it is the same too.
start_parent() {
    : >"$BATS_TEST_TMPDIR/server.log"
    start_server "$PARENT" CHILD_COMMAND="exec $BUILD/tests/child_report" TMPDIR="$BATS_TEST_TMPDIR" \
        OCTOPUS_LOG="$BATS_TEST_TMPDIR/octopus.log"
}

# reports: what a child sees, started in each of WAYS. The preload itself passes on, as any variable does.
reports() {
    local way report
    for way in "${WAYS[@]}"; do
        # An earlier connection that is just being closed would be seen too.
        wait_until 60 has_no_connection
        echo "== $way"
        report=$(request "/child?via=$way") || return
        grep -v '^env LD_PRELOAD=' <<<"$report" | mask_connection
    done
}

# accept(2) takes its number before it waits. Where one thread waits while another serves, that number is
# above those that the serving thread has open just then: its connection, and a file or a pipe if it was
# the quicker one. All other parents have a number for a connection that never changes.
mask_connection() {
    if [[ $PARENT == threads ]]; then sed -E 's/^fd [0-9]+ (socket.*, connected)$/fd N \1/'; else cat; fi
}

has_no_connection() { [[ $(ss -Htnp "sport = :$PORT") != *pid=* ]]; }

# Bare, in the first generation, and in the third.
children_see_no_difference() {
    local bare
    BARE=1 start_parent
    bare=$(reports)
    assert_eq "$(grep -c '^umask ' <<<"$bare")" "${#WAYS[@]}" "reports"
    kill -KILL "$SERVER_PID"
    wait_until 60 is_gone "$SERVER_PID"
    start_parent
    wait_until_started
    diff - <(reports) <<<"$bare"
    upgrade HUP
    diff - <(reports) <<<"$bare"
    upgrade HUP
    diff - <(reports) <<<"$bare"
    assert_only_generation "$SERVER_PID"
    assert_eq "$(zombies_of_test)" "" "zombies"
}

# launched_by COMMAND...: the example PARENT, executed by COMMAND, which comes to be it.
launched_by() {
    local launcher
    printf -v launcher '%q ' "$@"
    eval "prepare_$PARENT() { prepare_example $PARENT; SERVER_COMMAND=($launcher \"\${SERVER_COMMAND[@]}\"); }"
}

@test "children of a C server, by each way to start them" {
    PARENT=threads WAYS=("${C_WAYS[@]}")
    children_see_no_difference
}

@test "children of a process that was forked for one connection" {
    PARENT=forker WAYS=("${UNAWAITED_WAYS[@]}")
    children_see_no_difference
}

@test "children of a server that was started with signals ignored, as nohup does" {
    PARENT=threads WAYS=("${C_WAYS[@]}")
    launched_by env --ignore-signal=HUP,USR1,PIPE,QUIT
    children_see_no_difference
    assert_eq "$(request '/child?via=fork' | grep -cE '^signal (1|3|10|13) IGN$')" 4 "ignored signals"
}

@test "children of a server that was started with every signal of ours ignored" {
    PARENT=threads WAYS=("${C_WAYS[@]}")
    launched_by env --ignore-signal=HUP,USR1,USR2,INT,TERM
    children_see_no_difference
    assert_eq "$(request '/child?via=fork' | grep -cE '^signal (1|2|10|12|15) IGN$')" 5 "ignored signals"
}

@test "children of a server that was started with signals blocked" {
    PARENT=threads WAYS=("${C_WAYS[@]}")
    launched_by env --block-signal=HUP,USR2,WINCH
    children_see_no_difference
    assert_eq "$(request '/child?via=fork' | grep '^blocked')" "blocked 1 12 28"
}

@test "children of a server that was started with another umask" {
    PARENT=threads WAYS=("${C_WAYS[@]}")
    launched_by sh -c 'umask 027; exec "$@"' sh
    children_see_no_difference
    assert_eq "$(request '/child?via=fork' | grep '^umask')" "umask 0027"
}

@test "children of a server that was started without a standard input" {
    PARENT=threads WAYS=("${C_WAYS[@]}")
    launched_by sh -c 'exec "$@" <&-' sh
    children_see_no_difference
}

@test "children of a server that was started by nohup" {
    PARENT=threads WAYS=("${C_WAYS[@]}")
    launched_by nohup
    children_see_no_difference
}

# bats test_tags=fast,slow
@test "children while a successor is being born see nothing of it" {
    PARENT=threads WAYS=("${C_WAYS[@]}")
    local before
    start_parent
    wait_until_started
    before=$(reports)
    mkfifo "$APP_DIR/gate"
    printf '%s\n' '#!/bin/sh' 'read -r line <gate' "exec $BUILD/tests/v2/threads \"\$@\"" >"$APP_DIR/new"
    chmod +x "$APP_DIR/new"
    mv "$APP_DIR/new" "$APP_DIR/threads"
    kill -HUP "$SERVER_PID"
    wait_until 60 log_has 'Forked child'
    diff - <(reports) <<<"$before"
    echo >"$APP_DIR/gate"
    wait_until 60 is_newest_leader_other_than "$SERVER_PID"
    wait_until 60 is_gone "$SERVER_PID"
    diff - <(reports) <<<"$before"
}

@test "children of Python, by each way to start them" {
    PARENT=python_children WAYS=(subprocess shell inheriting popen posix_spawn)
    prepare_python_children() { SERVER_COMMAND=(/usr/bin/python3 "$SERVERS_DIR/python_children.py" "$PORT"); }
    children_see_no_difference
}

@test "children of node, by each way to start them" {
    PARENT=node_children WAYS=(spawn exec sync)
    prepare_node_children() { SERVER_COMMAND=(node "$SERVERS_DIR/node_children.js" "$PORT"); }
    children_see_no_difference
}
