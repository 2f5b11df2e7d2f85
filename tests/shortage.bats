#!/usr/bin/env bats
# SPDX-License-Identifier: MIT
# bats file_tags=ci:parallel
# Something that the library needs is not to be had: it says so in a line, the server serves throughout,
# and as soon as it is there again the next upgrade works.

load helpers
load helpers.faults

setup() {
    common_setup
    declare -gA ERRNO=([EPERM]=1 [ENOENT]=2 [EAGAIN]=11 [ENOMEM]=12 [EACCES]=13 [ENFILE]=23 [EMFILE]=24
        [ENOSPC]=28 [EROFS]=30 [ENOSYS]=38 [ENOBUFS]=105)
}

# start NAME [SETTING=VALUE...]: under a light load, which every upgrade leaves unharmed.
start() {
    make_public_dir
    start_with_failpoints "$@" OCTOPUS_READY_TIMEOUT=30s OCTOPUS_DRAIN_TIMEOUT=2s OCTOPUS_STOP_TIMEOUT=2s \
        OCTOPUS_PIDFILE="$PUBLIC_DIR/pidfile"
    wait_until 60 server_answers
    FDS_BEFORE=$(fd_list "$SERVER_PID")
    start_load -c 2 -p 10
}

fds_are_as_before() { diff <(fd_list "$SERVER_PID") - <<<"$FDS_BEFORE"; }

has_errors() { (( $(errors_of | wc -l) >= $1 )); }

# untouched_and_upgradable: the old one is as it was, and the next upgrade works.
untouched_and_upgradable() {
    plan
    stop_load
    assert_serves_alone "$SERVER_PID"
    wait_until 60 fds_are_as_before
    start_load -c 2 -p 10
    upgrade HUP
    stop_load
    assert_serves_alone "$SERVER_PID"
}

# rolls_back PATTERN GENERATION STEP ERRNO...: for each ERRNO the upgrade is called off, with a line
# like PATTERN, in which NAME stands for the error.
rolls_back() {
    local pattern=$1 generation=$2 step=$3 name round=0
    shift 3
    start "${SERVER:-epoll}"
    for name; do
        round=$((round + 1))
        plan "$generation $step ${ERRNO[$name]}"
        kill -HUP "$SERVER_PID"
        WATCH_PID=$SERVER_PID wait_until 60 has_errors $(( round * ${LINES_EACH:-1} ))
        assert_eq "$(errors_of | wc -l)" $(( round * ${LINES_EACH:-1} )) "[ERR] lines ($(errors_of))"
        assert_regex "$(errors_of | tail -n "${LINES_EACH:-1}" | head -n 1)" "${pattern//NAME/$name}"
        server_answers
    done
    untouched_and_upgradable
}

# goes_on PATTERN GENERATION STEP ERRNO...: the upgrade works all the same. PATTERN is of the one line
# that says what is missing; none if it is empty.
goes_on() {
    local pattern=$1 generation=$2 step=$3 name errors before=0
    shift 3
    start "${SERVER:-epoll}"
    for name; do
        plan "$generation $step ${ERRNO[$name]}"
        upgrade HUP
        errors=$(errors_of | tail -n +$((before + 1)))
        before=$(errors_of | wc -l)
        if [[ -z $pattern ]]; then
            assert_eq "$errors" "" "[ERR] lines"
        else
            assert_eq "$(wc -l <<<"$errors")" 1 "[ERR] lines ($errors)"
            assert_regex "$errors" "${pattern//NAME/$name}"
        fi
        generation=$((generation + 1))
    done
    stop_load
    plan
    start_load -c 2 -p 10
    upgrade HUP
    stop_load
    assert_serves_alone "$SERVER_PID"
}

@test "no shared memory for the new one: memfd" {
    rolls_back '^Unable to fork a child: .*shared memory.* \(NAME\)' 1 memfd EMFILE ENFILE ENOMEM EPERM
}
@test "no shared memory for the new one: mapping" {
    rolls_back '^Unable to fork a child: .*shared memory.* \(NAME\)' 1 page ENOMEM EAGAIN EPERM
}
@test "no stacks for the spawn" {
    rolls_back '^Unable to fork a child: .*NAME' 1 stacks ENOMEM EAGAIN
}
@test "no process for the reaper" {
    rolls_back '^Unable to fork a child: clone: NAME' 1 reaper EAGAIN ENOMEM EPERM ENOSYS
}
@test "no process for the new one" {
    rolls_back '^Unable to fork a child: clone: NAME' 1 successor EAGAIN ENOMEM EPERM
}
@test "the new one cannot map its page" {
    LINES_EACH=2 rolls_back '^Ignored OCTOPUS_HANDOVER_FD=.* cannot be mapped.*' 1 map ENOMEM EAGAIN EPERM
}
@test "no controller for the new one" {
    LINES_EACH=2 rolls_back '^No thread for the controller \(NAME\): this new version cannot take over\.$' 2 thread EAGAIN ENOMEM EPERM
}

@test "no pid file for the new one" {
    goes_on '^OCTOPUS_PIDFILE=".*/pidfile": expected a path that can be written \(NAME\)\. Serving without it\.$' 2 pidfile \
        ENOSPC EROFS EACCES EMFILE ENFILE
}
@test "no /proc for the old one: epoll" { goes_on '' 1 proc EMFILE ENFILE ENOENT EACCES ENOMEM; }
@test "no /proc for the old one: blocking" { SERVER=blocking goes_on '' 1 proc EMFILE ENOENT; }
@test "no /proc for the old one: threads" { SERVER=threads goes_on '' 1 proc EMFILE ENOENT; }
@test "no /proc for the new one: epoll" { goes_on '' 2 proc EMFILE ENFILE ENOENT EACCES ENOMEM; }
@test "no quiet listener for the old one: epoll" {
    goes_on 'stop accepting.*\(NAME\)' 1 quiet_listener EMFILE ENFILE ENOMEM ENOBUFS
}
@test "no quiet listener for the old one: blocking" {
    SERVER=blocking goes_on 'stop accepting.*\(NAME\)' 1 quiet_listener EMFILE ENOMEM
}

# stops PATTERN STEP ERRNO...: a stop loses nothing.
stops() {
    local pattern=$1 step=$2 name status errors
    shift 2
    for name; do
        start "${SERVER:-epoll}"
        stop_load
        start_load -r -c 2 -p 10
        plan "1 $step ${ERRNO[$name]}"
        kill -TERM "$SERVER_PID"
        status_of "$SERVER_PID"
        assert_eq "$EXIT_STATUS" 0 "exit status of the server"
        status=0
        wait "$LOAD_PID" || status=$?
        assert_eq "$status" 0 "exit status of the load, $(cat "$LOAD_LOG")"
        assert_no_process_left
        errors=$(errors_of)
        if [[ -z $pattern ]]; then
            assert_eq "$errors" "" "[ERR] lines"
        else
            assert_eq "$(wc -l <<<"$errors")" 1 "[ERR] lines ($errors)"
            assert_regex "$errors" "${pattern//NAME/$name}"
        fi
        unset PORT
        rm -f "$SERVER_LOG" "$OCTOPUS_LOG_FILE"
    done
}

@test "a stop without /proc: epoll" { stops '' proc EMFILE ENOENT; }
@test "a stop without /proc: blocking" { SERVER=blocking stops '' proc EMFILE ENOENT; }
@test "a stop without a quiet listener: epoll" { stops 'stop accepting.*\(NAME\)' quiet_listener EMFILE ENOBUFS; }
@test "a stop without a quiet listener: blocking" { SERVER=blocking stops 'stop accepting.*\(NAME\)' quiet_listener EMFILE ENOBUFS; }

# At the first start: the server runs as it would without us, and says that it does.
# runs_bare PATTERN STEP ERRNO
runs_bare() {
    make_public_dir
    FAILPOINTS_PLAN=$PUBLIC_DIR/failpoints
    plan "1 $2 ${ERRNO[$3]}"
    LIB=$FAILPOINTS_LIB start_server epoll OCTOPUS_FAILPOINTS="$FAILPOINTS_PLAN"
    server_answers
    assert_eq "$(errors_of | wc -l)" 1 "[ERR] lines ($(errors_of))"
    assert_regex "$(errors_of)" "${1//NAME/$3}"
    # Its signals are its own, but for 32, which libc keeps for itself.
    assert_eq "$(status_field "$SERVER_PID" SigCgt)" 0000000080000000 "caught signals"
    kill -HUP "$SERVER_PID"
    status_of "$SERVER_PID"
    assert_eq "$EXIT_STATUS" 129 "exit status"
    assert_no_process_left
}

@test "no shared memory at the first start" {
    runs_bare '^No shared memory for the generation \(NAME\): running without Octopus\.$' page ENOMEM
}
# bats test_tags=fast
@test "no controller at the first start" {
    runs_bare '^No thread for the controller \(NAME\): running without Octopus\.$' thread EAGAIN
}

# Without an anonymous file the page is still passed on by fork; it is only needed for an upgrade.
@test "no memfd at the first start: upgrades work as soon as there are some" {
    make_public_dir
    FAILPOINTS_PLAN=$PUBLIC_DIR/failpoints
    plan "1 memfd ${ERRNO[EPERM]}"
    LIB=$FAILPOINTS_LIB start_server prefork OCTOPUS_FAILPOINTS="$FAILPOINTS_PLAN"
    wait_until 60 server_answers
    plan
    upgrade HUP
    assert_serves_alone "$SERVER_PID"
}

# Real shortages, without any step.

@test "every descriptor is in use: the upgrade is called off, and works when there are some again" {
    local fds holder
    start_server epoll
    wait_until_started
    FDS_BEFORE=$(fd_list "$SERVER_PID")
    fds=$(fd_count "$SERVER_PID")
    prlimit --pid "$SERVER_PID" --nofile=$((fds + 20)):$((fds + 20))
    "$BUILD/tests/hold" -n 20 -i "$URL" >"$BATS_TEST_TMPDIR/hold.log" 2>&1 3>&- &
    holder=$!
    HELPER_PIDS+=("$holder")
    wait_until 60 has_fds $((fds + 20))
    kill -HUP "$SERVER_PID"
    # The log cannot be opened either: stderr is open already.
    wait_until 60 grep -q '\[ERR\] Unable to fork a child: .*(EMFILE)' "$SERVER_LOG"
    assert_eq "$(grep -c '\[ERR\]' "$SERVER_LOG")" 1 "[ERR] lines"
    kill -KILL "$holder"
    wait_until 60 fds_are_as_before
    start_load -c 2 -p 10
    upgrade HUP
    stop_load
    assert_serves_alone "$SERVER_PID"
}

# A sleeping accept() has put a descriptor aside, gives it up when our signal wakes it, and wants it back.
@test "every descriptor is in use, one of them by accept(): no upgrade takes it away" {
    local fds holder
    start_server threads
    wait_until_started
    fds=$(fd_count "$SERVER_PID")
    prlimit --pid "$SERVER_PID" --nofile=$((fds + 21)):$((fds + 21))
    "$BUILD/tests/hold" -n 20 -i "$URL" >"$BATS_TEST_TMPDIR/hold.log" 2>&1 3>&- &
    holder=$!
    HELPER_PIDS+=("$holder")
    wait_until 60 has_fds $((fds + 20))
    # With that one descriptor the upgrade may just succeed.
    kill -HUP "$SERVER_PID"
    wait_until 60 upgrade_is_over
    kill -KILL "$holder"
    # If it has succeeded, the old one may still be on its way, and would serve on when the new one ends.
    newest_leader
    kill -TERM "$NEWEST_LEADER"
    [[ $NEWEST_LEADER == "$SERVER_PID" ]] || kill -TERM "$SERVER_PID" 2>/dev/null || true
    assert_no_process_left
    # The example ends at an accept() that fails.
    run ! grep accept: "$SERVER_LOG"
}
upgrade_is_over() {
    grep -q 'Unable to fork a child' "$SERVER_LOG" || is_newest_leader_other_than "$SERVER_PID"
}

has_fds() { (( $(fd_count "$SERVER_PID") == $1 )); }

@test "every descriptor is in use: a stop tells the idle connections to go, and none is reset" {
    local fds holder status=0
    start_server threads OCTOPUS_DRAIN_TIMEOUT=3s
    wait_until_started
    fds=$(fd_count "$SERVER_PID")
    # The last one is what accept() has put aside for the next connection.
    prlimit --pid "$SERVER_PID" --nofile=$((fds + 21)):$((fds + 21))
    "$BUILD/tests/hold" -n 20 -i "$URL" >"$BATS_TEST_TMPDIR/hold.log" 2>&1 3>&- &
    holder=$!
    HELPER_PIDS+=("$holder")
    wait_until 60 has_fds $((fds + 20))
    kill -TERM "$SERVER_PID"
    status_of "$SERVER_PID"
    wait "$holder" || status=$?
    assert_eq "$EXIT_STATUS" 0 "exit status of the server"
    assert_eq "$status" 0 "exit status of hold: $(cat "$BATS_TEST_TMPDIR/hold.log")"
    assert_no_process_left
}

# Root's processes are not counted.
prepare_epoll_as_nobody() {
    prepare_example epoll
    (( EUID != 0 )) || SERVER_COMMAND=(setpriv --reuid=65534 --regid=65534 --clear-groups "${SERVER_COMMAND[@]}")
}

limit_processes() {
    local as=()
    (( EUID != 0 )) || as=(setpriv --reuid=65534 --regid=65534 --clear-groups)
    "${as[@]}" prlimit --pid "$SERVER_PID" --nproc="$1":
}

@test "no more processes for this user: the upgrade is called off, and works when there are some again" {
    make_public_dir
    mkdir -p "$PUBLIC_DIR/app"
    chmod 1777 "$PUBLIC_DIR/app"
    start_server epoll_as_nobody
    wait_until_started
    FDS_BEFORE=$(fd_list "$SERVER_PID")
    limit_processes 1
    kill -HUP "$SERVER_PID"
    wait_until 60 has_errors 1
    assert_eq "$(errors_of | wc -l)" 1 "[ERR] lines ($(errors_of))"
    assert_regex "$(errors_of)" '^Unable to fork a child: no thread for the controller \(EAGAIN\)\.'
    server_answers
    wait_until 60 fds_are_as_before
    limit_processes "$(ulimit -H -u)"
    start_load -c 2 -p 10
    upgrade HUP
    stop_load
    assert_serves_alone "$SERVER_PID"
}

# in_private_mounts SETUP COMMAND...: sets SERVER_COMMAND to COMMAND in mounts of its own, after SETUP.
in_private_mounts() {
    local setup=$1 unshare=(unshare --mount)
    shift
    (( EUID == 0 )) || unshare+=(--user --map-root-user)
    SERVER_COMMAND=("${unshare[@]}" sh -c "$setup && exec \"\$@\"" sh "$@")
}

prepare_epoll_without_proc() { prepare_example epoll; in_private_mounts 'mount -t tmpfs none /proc' "${SERVER_COMMAND[@]}"; }
prepare_blocking_without_proc() { prepare_example blocking; in_private_mounts 'mount -t tmpfs none /proc' "${SERVER_COMMAND[@]}"; }
prepare_prefork_without_proc() { prepare_example prefork; in_private_mounts 'mount -t tmpfs none /proc' "${SERVER_COMMAND[@]}"; }

works_without_proc() {
    start_server "$1" OCTOPUS_DRAIN_TIMEOUT=2s OCTOPUS_STOP_TIMEOUT=2s
    wait_until_started
    start_load -c 2 -p 10
    upgrade HUP
    upgrade HUP
    stop_load
    assert_serves_alone "$SERVER_PID"
    kill -TERM "$SERVER_PID"
    assert_no_process_left
}

@test "no /proc: upgrades of the example epoll" { works_without_proc epoll_without_proc; }
@test "no /proc: upgrades of the example blocking" { works_without_proc blocking_without_proc; }
@test "no /proc: upgrades of the example prefork" { works_without_proc prefork_without_proc; }

prepare_epoll_with_poor_disks() {
    prepare_example epoll
    mkdir -p "$PUBLIC_DIR/readonly" "$PUBLIC_DIR/full"
    in_private_mounts "mount -t tmpfs -o ro none $PUBLIC_DIR/readonly && mount -t tmpfs -o size=4k,nr_inodes=3 none $PUBLIC_DIR/full && \
        { head -c 8192 /dev/zero >$PUBLIC_DIR/full/one 2>/dev/null || true; }" "${SERVER_COMMAND[@]}"
}

# poor_pidfile PATH ERRNO
poor_pidfile() {
    make_public_dir
    start_server epoll_with_poor_disks OCTOPUS_PIDFILE="$PUBLIC_DIR/$1"
    wait_until_started
    start_load -c 2 -p 10
    upgrade HUP
    stop_load
    assert_eq "$(errors_of | grep -c "^OCTOPUS_PIDFILE=\"$PUBLIC_DIR/$1\": expected a path that can be written ($2)\. Serving without it\.\$")" 2 \
        "lines about the pid file ($(errors_of))"
    assert_eq "$(errors_of | wc -l)" 2 "[ERR] lines"
    kill -TERM "$SERVER_PID"
    assert_no_process_left
}

@test "a pid file on a disk that is read-only" { poor_pidfile readonly/pid EROFS; }
@test "a pid file on a disk that is full" { poor_pidfile full/pid ENOSPC; }

prepare_epoll_with_poor_log() {
    prepare_epoll_with_poor_disks
    SERVER_COMMAND=(env OCTOPUS_LOG="$POOR_LOG" "${SERVER_COMMAND[@]}")
}

# poor_log PATH: the lines go to stderr, with one that says why.
poor_log() {
    POOR_LOG=$1
    start_server epoll_with_poor_log OCTOPUS_LOG=none
    OCTOPUS_LOG_FILE=$SERVER_LOG
    wait_until_started
    upgrade HUP
    assert_eq "$(errors_of | grep -c "OCTOPUS_LOG.*$1")" 2 "lines about the log ($(errors_of))"
    server_answers
    kill -TERM "$SERVER_PID"
    assert_no_process_left
}

@test "a log on a disk that is read-only" { make_public_dir; poor_log "$PUBLIC_DIR/readonly/log"; }
@test "a log in a directory that is not there" { make_public_dir; poor_log "$PUBLIC_DIR/nowhere/log"; }

# A seccomp filter forbids what we need, for ever.
prepare_epoll_confined() { prepare_example epoll; SERVER_COMMAND=("$BUILD/tests/confined" "${FORBIDDEN[@]}" -- "${SERVER_COMMAND[@]}"); }

# stays_under_filter PATTERN CALL...: no upgrade, but a line for each attempt, and the server serves.
stays_under_filter() {
    local pattern=$1 round
    shift
    FORBIDDEN=("$@")
    start_server epoll_confined
    wait_until_started
    FDS_BEFORE=$(fd_list "$SERVER_PID")
    start_load -c 2 -p 10
    for round in 1 2; do
        kill -HUP "$SERVER_PID"
        wait_until 60 has_errors "$round"
    done
    stop_load
    assert_eq "$(errors_of | grep -cE "$pattern")" 2 "lines ($(errors_of))"
    assert_eq "$(errors_of | wc -l)" 2 "[ERR] lines"
    wait_until 60 fds_are_as_before
    assert_serves_alone "$SERVER_PID"
    kill -TERM "$SERVER_PID"
    status_of "$SERVER_PID"
    assert_eq "$EXIT_STATUS" 0 "exit status"
}

@test "a filter forbids memfd_create" { stays_under_filter '^Unable to fork a child: .*shared memory.*\(EPERM\)' memfd_create; }
@test "a filter forbids new processes" { stays_under_filter '^Unable to fork a child: clone: EPERM, under a seccomp filter\.' fork; }

@test "a filter forbids new threads and processes: the server runs without us" {
    FORBIDDEN=(clone)
    start_server epoll_confined
    assert_eq "$(errors_of)" "No thread for the controller (EPERM): running without Octopus." "[ERR] lines"
    server_answers
    kill -TERM "$SERVER_PID"
    status_of "$SERVER_PID"
    assert_eq "$EXIT_STATUS" 143 "exit status"
}

# upgrades_under_filter CALL...: there is another way.
upgrades_under_filter() {
    FORBIDDEN=("$@")
    start_server epoll_confined OCTOPUS_DRAIN_TIMEOUT=2s
    wait_until_started
    start_load -c 2 -p 10
    upgrade HUP
    upgrade HUP
    stop_load
    assert_eq "$(errors_of)" "" "[ERR] lines"
    assert_serves_alone "$SERVER_PID"
    kill -TERM "$SERVER_PID"
    assert_no_process_left
}

@test "a filter forbids getdents64" { upgrades_under_filter getdents64; }
@test "a filter forbids prlimit64" { upgrades_under_filter prlimit64; }
@test "a filter forbids tgkill" { upgrades_under_filter tgkill; }
@test "a filter forbids setpgid" { upgrades_under_filter setpgid; }
@test "a filter forbids prctl" { upgrades_under_filter prctl; }
@test "a filter forbids close_range" { upgrades_under_filter close_range; }
