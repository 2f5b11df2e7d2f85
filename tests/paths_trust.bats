#!/usr/bin/env bats
# SPDX-License-Identifier: MIT
# bats file_tags=ci:parallel
# Nobody gains power by the paths of the log and the pid file (CVE-2016-1247), and nobody can keep the server
# waiting there. User 65534 stands for the service user, or for a neighbour. What is refused costs one line on
# stderr, and the server serves on.

load helpers
load helpers.faults

REFUSED='refused, as'

setup() {
    common_setup
    (( EUID == 0 )) || skip "needs root, who gives directories to another user"
    make_public_dir
    AS=()
    # An untouchable file, and where the tests lay their traps.
    mkdir -m 0755 "$PUBLIC_DIR/roots" "$PUBLIC_DIR/logs" "$PUBLIC_DIR/run"
    echo "a line of root's" >"$PUBLIC_DIR/roots/file"
    LOG=$PUBLIC_DIR/logs/own.log
    PID_FILE=$PUBLIC_DIR/logs/own.pid
}

as_nobody() { setpriv --reuid=65534 --regid=65534 --clear-groups "$@"; }

roots_are_untouched() {
    assert_eq "$(ls -A "$PUBLIC_DIR/roots")" file "files of root's"
    assert_eq "$(<"$PUBLIC_DIR/roots/file")" "a line of root's" "file of root's"
}

prepare_epoll_on_path() {
    prepare_example epoll
    SERVER_COMMAND=("${AS[@]}" env OCTOPUS_LOG="$LOG" "${SERVER_COMMAND[@]}")
}
prepare_python_drops_on_path() {
    SERVER_NAME=python_module
    SERVER_COMMAND=(env OCTOPUS_LOG="$LOG" /usr/bin/python3 "$SERVERS_DIR/python_drops.py" "$PORT" "$PUBLIC_DIR/drop")
}

# start_on_path: a server whose log is LOG, and whose stderr is SERVER_LOG.
start_on_path() {
    (( ${#AS[@]} == 0 )) || chown "${AS_USER:-65534}" "$PUBLIC_DIR/run"
    start_server epoll_on_path OCTOPUS_LOG=none OCTOPUS_PIDFILE="$PUBLIC_DIR/run/pid"
    OCTOPUS_LOG_FILE=$LOG
}

pid_file_is_other_than() { [[ -s $1 && $(<"$1") != "$2" ]]; }

# upgrade_by_pid_file COMMAND...: as `upgrade HUP`, wherever the log goes. COMMAND runs meanwhile.
upgrade_by_pid_file() {
    kill -HUP "$SERVER_PID"
    "$@"
    WATCH_PID='' wait_until 60 pid_file_is_other_than "$PUBLIC_DIR/run/pid" "$SERVER_PID"
    WATCH_PID='' wait_until 60 is_gone "$SERVER_PID"
    SERVER_PID=$(<"$PUBLIC_DIR/run/pid")
}

stop() {
    kill -TERM "$SERVER_PID"
    assert_no_process_left
}

# serves_into LOG: what it logs comes into LOG, without an error, through an upgrade and a stop.
serves_into() {
    OCTOPUS_LOG_FILE=$1
    wait_until_started
    upgrade HUP
    stop
    log_has 'The server has shut down.'
    run ! grep -F '[ERR]' "$OCTOPUS_LOG_FILE" "$SERVER_LOG"
}

# serves_without WHY: the lines go to stderr, with one for each generation that says WHY.
serves_without() {
    OCTOPUS_LOG_FILE=$SERVER_LOG
    wait_until_started
    upgrade HUP
    stop
    log_has 'The server has shut down.'
    assert_eq "$(errors_of)" "$(refusal "$1")"$'\n'"$(refusal "$1")" "[ERR] lines"
}

refusal() {
    echo "OCTOPUS_LOG=\"$LOG\": $REFUSED $1. Expected a file of root's or the server's user's, in a directory in which nobody else may write. Using stderr."
}

# --- the log's directory

# bats test_tags=fast
@test "a log in the service user's directory is refused to root" {
    chown 65534:65534 "$PUBLIC_DIR/logs"
    start_on_path
    serves_without "its directory belongs to another user"
    assert_eq "$(ls -A "$PUBLIC_DIR/logs")" "" "files in it"
}

@test "a log in a directory in which others may write is refused" {
    chmod 0757 "$PUBLIC_DIR/logs"
    start_on_path
    serves_without "others may write in its directory"
    assert_eq "$(ls -A "$PUBLIC_DIR/logs")" "" "files in it"
}

@test "a log in a directory in which a group may write is refused to root" {
    chmod 0775 "$PUBLIC_DIR/logs"
    start_on_path
    serves_without "others may write in its directory"
}

@test "a log in a sticky directory like /tmp is written" {
    chmod 1777 "$PUBLIC_DIR/logs"
    start_on_path
    serves_into "$LOG"
}

@test "a log in the directory of the user who runs the server is written" {
    chown 65534:65534 "$PUBLIC_DIR/logs"
    AS=(setpriv --reuid=65534 --regid=65534 --clear-groups)
    start_on_path
    serves_into "$LOG"
}

@test "a log in the directory of that user's own group is written" {
    chown 65534:65534 "$PUBLIC_DIR/logs"
    chmod 2775 "$PUBLIC_DIR/logs"
    AS=(setpriv --reuid=65534 --regid=65534 --clear-groups)
    start_on_path
    serves_into "$LOG"
}

@test "a log in a directory of yet another user is refused to a user, too" {
    chown 65533:65533 "$PUBLIC_DIR/logs"
    chmod 0777 "$PUBLIC_DIR/logs"
    AS=(setpriv --reuid=65534 --regid=65534 --clear-groups)
    start_on_path
    serves_without "its directory belongs to another user"
}

@test "a directory that is given away while the server runs is refused until it is put right" {
    start_on_path
    wait_until_started
    chmod 0777 "$PUBLIC_DIR/logs"
    upgrade_by_pid_file true
    OCTOPUS_LOG_FILE=$SERVER_LOG
    assert_eq "$(log_count "$(refusal "others may write in its directory")")" 2 "lines that say why"
    log_has 'Server'
    chmod 0755 "$PUBLIC_DIR/logs"
    stop
    OCTOPUS_LOG_FILE=$LOG
    log_has "Server ($SERVER_PID) received signal \"terminated\"."
    log_has 'The server has shut down.'
}

@test "in a user namespace, directories and links of root's outside it count as root's" {
    local unshare=(setpriv --reuid=1234 --regid=1234 --clear-groups unshare --user --map-root-user)
    "${unshare[@]}" true || skip "this machine allows no user namespaces"
    chmod 1777 "$PUBLIC_DIR/logs"
    ln -s logs "$PUBLIC_DIR/current"
    LOG=$PUBLIC_DIR/current/own.log
    AS=("${unshare[@]}") AS_USER=1234
    start_on_path
    wait_until_started
    run ! grep -F '[ERR]' "$LOG" "$SERVER_LOG"
}

# --- the way to it

@test "links on the way that only root can change are followed at the start" {
    ln -s logs "$PUBLIC_DIR/current"
    LOG=$PUBLIC_DIR/current/../current/own.log
    start_on_path
    serves_into "$PUBLIC_DIR/logs/own.log"
}

@test "a link on the way that another user can change is refused" {
    mkdir "$PUBLIC_DIR/app2"
    chown 65534 "$PUBLIC_DIR/app2"
    as_nobody ln -s "$PUBLIC_DIR/roots" "$PUBLIC_DIR/app2/current"
    LOG=$PUBLIC_DIR/app2/current/own.log
    start_on_path
    serves_without "it leads through a link that others can change"
    roots_are_untouched
}

@test "a link of another user's in a sticky directory on the way is refused" {
    as_nobody ln -s "$PUBLIC_DIR/roots" "$PUBLIC_DIR/current"
    LOG=$PUBLIC_DIR/current/own.log
    start_on_path
    serves_without "it leads through a link that others can change"
    roots_are_untouched
}

@test "root's directory in another user's is good for a log, and nothing else can take its place" {
    mkdir -p "$PUBLIC_DIR/app2/logs"
    chown 65534 "$PUBLIC_DIR/app2"
    LOG=$PUBLIC_DIR/app2/logs/own.log
    start_on_path
    wait_until_started
    as_nobody mv "$PUBLIC_DIR/app2/logs" "$PUBLIC_DIR/app2/aside"
    as_nobody ln -s "$PUBLIC_DIR/roots" "$PUBLIC_DIR/app2/logs"
    upgrade_by_pid_file true
    OCTOPUS_LOG_FILE=$SERVER_LOG
    log_has "$(refusal "something else has taken the place of a directory on the way to it")"
    log_has "$(refusal "it leads through a link that others can change")"
    as_nobody rm "$PUBLIC_DIR/app2/logs"
    as_nobody mkdir "$PUBLIC_DIR/app2/logs"
    upgrade_by_pid_file true
    log_has "$(refusal "its directory belongs to another user")"
    as_nobody rmdir "$PUBLIC_DIR/app2/logs"
    as_nobody mv "$PUBLIC_DIR/app2/aside" "$PUBLIC_DIR/app2/logs"
    stop
    grep -qF 'The server has shut down.' "$LOG"
    roots_are_untouched
}

@test "a way up from a directory of another user's is not gone" {
    mkdir "$PUBLIC_DIR/app2"
    chown 65534 "$PUBLIC_DIR/app2"
    LOG=$PUBLIC_DIR/app2/../logs/own.log
    start_on_path
    serves_without "it leads up from a directory that others can move"
}

# --- the log itself

# replaced_by WHY COMMAND...: while the server runs, COMMAND puts something in the log's place.
replaced_by() {
    start_on_path
    wait_until_started
    mv "$LOG" "$LOG.1"
    "${@:2}"
    stop
    OCTOPUS_LOG_FILE=$SERVER_LOG
    assert_eq "$(errors_of)" "$(refusal "$1")" "[ERR] lines"
    log_has 'The server has shut down.'
    roots_are_untouched
}

# bats test_tags=fast
@test "a log that a link to a file has replaced is not written" {
    replaced_by "it is a symbolic link" ln -s ../roots/file "$LOG"
}
@test "a log that a link to nowhere has replaced is not written" {
    replaced_by "it is a symbolic link" ln -s ../roots/other "$LOG"
}
@test "a log that a hard link has replaced is not written" {
    replaced_by "it has a second name, a hard link" ln "$PUBLIC_DIR/roots/file" "$LOG"
}
@test "a log that a FIFO without a reader has replaced keeps nobody waiting" {
    replaced_by "it is no regular file" mkfifo "$LOG"
}
@test "a log that a device has replaced is not opened for good" {
    replaced_by "it is no regular file" mknod "$LOG" c 1 3
}


fifo_with_a_reader() {
    mkfifo "$LOG"
    exec {READER}<>"$LOG"
}
@test "a log that a FIFO with a reader has replaced is not written" {
    replaced_by "it is no regular file" fifo_with_a_reader
    run ! read -r -t 0 -u "$READER"
    exec {READER}<&-
}

@test "a log in a sticky directory is not another user's file" {
    chmod 1777 "$PUBLIC_DIR/logs"
    as_nobody touch "$LOG"
    chmod 0666 "$LOG"
    start_on_path
    OCTOPUS_LOG_FILE=$SERVER_LOG
    wait_until_started
    grep -qF 'OCTOPUS_LOG=' "$SERVER_LOG"
    assert_eq "$(<"$LOG")" "" "the other user's file"
}

@test "a log in a sticky directory is not what another user's link leads to" {
    chmod 1777 "$PUBLIC_DIR/logs"
    as_nobody ln -s ../roots/file "$LOG"
    start_on_path
    serves_without "it leads through a link that others can change"
    roots_are_untouched
}

@test "a log that root has given to the service in a directory of root's is written" {
    touch "$LOG"
    chown 65534 "$LOG"
    start_on_path
    serves_into "$LOG"
}

@test "a FIFO that was the log at the start is written" {
    fifo_with_a_reader
    start_on_path
    OCTOPUS_LOG_FILE=$BATS_TEST_TMPDIR/read
    stop
    # Whoever opens it for reading only is told when the last writer has gone.
    exec {reader}<"$LOG" {READER}<&-
    cat <&"$reader" >"$OCTOPUS_LOG_FILE"
    log_has 'Running under liboctopus.so'
    log_has 'The server has shut down.'
    run ! grep -F '[ERR]' "$OCTOPUS_LOG_FILE" "$SERVER_LOG"
}

@test "a FIFO without a reader that was the log at the start costs lines on stderr, and nothing else" {
    mkfifo "$LOG"
    start_on_path
    OCTOPUS_LOG_FILE=$SERVER_LOG
    wait_until_started
    stop
    run ! grep -F '[ERR]' "$SERVER_LOG"
}

# goes_to_stdout LOG
goes_to_stdout() {
    LOG=$1
    start_on_path
    serves_into "$SERVER_LOG"
}
@test "OCTOPUS_LOG=/dev/stdout" { goes_to_stdout /dev/stdout; }
@test "OCTOPUS_LOG=/proc/self/fd/1" { goes_to_stdout /proc/self/fd/1; }
@test "a log that is a link to /dev/stdout, as in images of containers" {
    ln -s /dev/stdout "$LOG"
    goes_to_stdout "$LOG"
}

@test "OCTOPUS_LOG=/dev/null" {
    LOG=/dev/null
    start_on_path
    server_answers
    stop
    run ! grep -F OCTOPUS_LOG "$SERVER_LOG"
    [[ -c /dev/null ]]
}

# --- a server that gives up root

@test "a log of the service user's is written when the server has become that user, and not before" {
    chown 65534:65534 "$PUBLIC_DIR/logs"
    start_server_that_drops
    wait_until 60 grep -qF "$(refusal "its directory belongs to another user")" "$SERVER_LOG"
    touch "$PUBLIC_DIR/drop"
    OCTOPUS_LOG_FILE=$LOG
    WATCH_PID=$SERVER_PID wait_until 60 server_answers
    stop
    grep -qF 'The server has shut down.' "$LOG"
    assert_eq "$(stat -c %u "$LOG")" 65534 "owner of the log"
}

# It answers only when it has given up root.
start_server_that_drops() {
    APP_DIR=$PUBLIC_DIR/app SERVER_NAME=python_module PROTOCOL=http SERVER_LOG=$BATS_TEST_TMPDIR/server.log
    PORT=$(free_port)
    mkdir -p "$APP_DIR"
    prepare_python_drops_on_path
    launch_server OCTOPUS_LOG=none
}

# --- rotation

# rotated_by COMMAND: as logrotate does it, in the middle of each of four upgrades.
rotated_by() {
    local round
    start_on_path
    wait_until_started
    for round in 1 2 3 4; do
        upgrade_by_pid_file "$1" "$LOG.$round"
    done
    # Nothing is held meanwhile.
    run ! grep -F "$PUBLIC_DIR/logs" <(ls -l "/proc/$SERVER_PID/fd")
    stop
    log_has 'The server has shut down.'
    run ! grep -F '[ERR]' "$LOG" "$LOG".* "$SERVER_LOG"
}

by_rename() {
    mv "$LOG" "$1"
    (set -C; : >"$LOG") 2>/dev/null || true
}
@test "a log that is rotated by rename loses no line" {
    rotated_by by_rename
    assert_eq "$(cat "$LOG" "$LOG".* | grep -c 'received signal "hangup"')" 4 "lines about HUP"
    assert_eq "$(cat "$LOG" "$LOG".* | grep -c 'The server has started')" 5 "lines about starts"
    assert_eq "$(cat "$LOG" "$LOG".* | grep -c 'The server has shut down')" 5 "lines about ends"
}

by_copytruncate() {
    cp "$LOG" "$1"
    : >"$LOG"
}
@test "a log that is rotated by copytruncate goes on at its beginning" {
    rotated_by by_copytruncate
    assert_eq "$(tr -d '\0' <"$LOG" | wc -c)" "$(wc -c <"$LOG")" "bytes without holes"
    assert_regex "$(head -c 30 "$LOG")" '^[0-9]{4}/[0-9]{2}/[0-9]{2} [0-9:]{8} \[INFO\] '
}

# --- the pid file

start_with_pid_file() {
    start_server epoll OCTOPUS_PIDFILE="$PID_FILE"
    wait_until_started
}

pid_refusal() {
    echo "OCTOPUS_PIDFILE=\"$PID_FILE\": $REFUSED $1. Expected a directory of root's or the server's user's, in which nobody else may write. Serving without it."
}

# has_no_pid_file WHY
has_no_pid_file() {
    start_with_pid_file
    upgrade HUP
    stop
    assert_eq "$(errors_of)" "$(pid_refusal "$1")"$'\n'"$(pid_refusal "$1")" "[ERR] lines"
    assert_eq "$(ls -A "$PUBLIC_DIR/logs")" "" "files in the directory"
}

# bats test_tags=fast
@test "a pid file in the service user's directory is refused to root" {
    chown 65534:65534 "$PUBLIC_DIR/logs"
    has_no_pid_file "its directory belongs to another user"
}

@test "a pid file in a directory in which others may write is refused" {
    chmod 0777 "$PUBLIC_DIR/logs"
    has_no_pid_file "others may write in its directory"
}

@test "a pid file behind a link that another user can change is refused" {
    chown 65534 "$PUBLIC_DIR/logs"
    as_nobody ln -s ../roots "$PUBLIC_DIR/logs/current"
    PID_FILE=$PUBLIC_DIR/logs/current/own.pid
    start_with_pid_file
    assert_eq "$(errors_of)" "$(pid_refusal "it leads through a link that others can change")" "[ERR] lines"
    roots_are_untouched
}

@test "the service user's traps in the pid file's place do not keep root's server from stopping" {
    start_with_pid_file
    wait_until 60 pid_file_is_other_than "$PID_FILE" 0
    chown 65534:65534 "$PUBLIC_DIR/logs"
    as_nobody rm -f "$PID_FILE"
    as_nobody mkfifo "$PID_FILE"
    kill -TERM "$SERVER_PID"
    WATCH_PID='' wait_until 60 is_gone "$SERVER_PID"
    assert_no_process_left
    [[ -p $PID_FILE ]]
}

# stops_beside COMMAND...: with what COMMAND puts in the pid file's place in a directory of root's.
stops_beside() {
    start_with_pid_file
    wait_until 60 pid_file_is_other_than "$PID_FILE" 0
    "$@"
    kill -TERM "$SERVER_PID"
    WATCH_PID='' wait_until 60 is_gone "$SERVER_PID"
    assert_no_process_left
    [[ -e $PID_FILE ]]
}
another() {
    mv "$PID_FILE" "$PUBLIC_DIR/logs/other.pid"
    "$@" "$PID_FILE"
}
@test "a FIFO in the pid file's place is not waited for" { stops_beside another mkfifo; }
@test "a link in the pid file's place is not followed" { stops_beside another ln -s other.pid; }
@test "a hard link in the pid file's place is not believed" { stops_beside ln "$PID_FILE" "$PUBLIC_DIR/logs/other.pid"; }

@test "another user's file in the pid file's place in a sticky directory is not believed" {
    chmod 1777 "$PUBLIC_DIR/logs"
    stops_beside forged
}
forged() {
    rm "$PID_FILE"
    # shellcheck disable=SC2016 # that sh expands it
    as_nobody sh -c 'echo "$0" >"$1"' "$SERVER_PID" "$PID_FILE"
}

@test "a link in the pid file's place is replaced by the next version, not followed" {
    start_with_pid_file
    wait_until 60 pid_file_is_other_than "$PID_FILE" 0
    ln -sf ../roots/file "$PID_FILE"
    upgrade HUP
    assert_eq "$(<"$PID_FILE")" "$SERVER_PID" "pid file"
    [[ ! -L $PID_FILE ]]
    roots_are_untouched
    assert_eq "$(ls -A "$PUBLIC_DIR/logs")" own.pid "files in the directory"
}

# The shell becomes the server: so its pid is known before there is one.
prepare_epoll_with_a_trap() {
    prepare_example epoll
    # shellcheck disable=SC2016 # that sh expands it
    SERVER_COMMAND=(sh -c 'setpriv --reuid=65534 --clear-groups touch "$0.$$.tmp"; exec "$@"' "$PID_FILE" "${SERVER_COMMAND[@]}")
}
@test "nobody can guess the name that the pid file has before it is whole" {
    chmod 1777 "$PUBLIC_DIR/logs"
    start_server epoll_with_a_trap OCTOPUS_PIDFILE="$PID_FILE"
    wait_until_started
    assert_eq "$(<"$PID_FILE")" "$SERVER_PID" "pid file"
    assert_eq "$(stat -c %u "$PID_FILE")" 0 "owner of the pid file"
    assert_eq "$(stat -c %s "$PID_FILE.$SERVER_PID.tmp")" 0 "size of the trap"
}

# --- the program

@test "a FIFO in the program's place is not waited for: no upgrade, and the server stops when told" {
    start_server epoll
    wait_until_started
    rm "$APP_DIR/epoll"
    mkfifo "$APP_DIR/epoll"
    kill -HUP "$SERVER_PID"
    wait_until 60 log_has 'Unable to fork a child: '
    server_answers
    kill -TERM "$SERVER_PID"
    WATCH_PID='' wait_until 60 is_gone "$SERVER_PID"
    assert_no_process_left
}
