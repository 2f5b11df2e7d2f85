#!/usr/bin/env bats
# SPDX-License-Identifier: MIT
# bats file_tags=ci:parallel
# However a server is started and its new version put in place: the next generation is the new version,
# with the arguments, the environment and the working directory of the first.

load helpers

setup() {
    common_setup
    make_public_dir
    # A name that falls apart wherever something forgets to quote it.
    APP_DIR="$PUBLIC_DIR/my app's"
    mkdir -p "$APP_DIR/v1" "$APP_DIR/v2"
    cp "$BUILD/tests/v1/epoll" "$APP_DIR/v1/server"
    cp "$BUILD/tests/v2/epoll" "$APP_DIR/v2/server"
    ln -s v1 "$APP_DIR/current"
    PORT=$(free_port)
    PLACE=127.0.0.1:$PORT
    SERVER_NAME=deployed
    PROTOCOL=http
    SERVER_LOG=$BATS_TEST_TMPDIR/server.log
}

# run_deployed COMMAND...: runs it in APP_DIR and waits until a server of it has started; COMMAND itself
# may have ended by then. Every server here tells its version in a header.
run_deployed() {
    SERVER_COMMAND=("$@")
    launch_server OCTOPUS_LOG="$BATS_TEST_TMPDIR/octopus.log"
    wait_until 60 log_has 'The server has started'
    newest_leader
    SERVER_PID=$NEWEST_LEADER
    assert_eq "$(answering_version)" v1 "version that answers"
    image_of "$SERVER_PID" >"$BATS_TEST_TMPDIR/image1"
}

# next_generation_is VERSION: it answers, and is executed as the first one was.
next_generation_is() {
    replaced_by "$1"
    diff "$BATS_TEST_TMPDIR/image1" <(image_of "$SERVER_PID")
}

# replaced_by VERSION
replaced_by() {
    replace
    assert_eq "$(answering_version)" "$1" "version that answers"
    run ! grep -F '[ERR]' "$OCTOPUS_LOG_FILE"
}

# image_of PID: each argument, the directory, each variable. The kernel shows an empty one in the place of that
# which named the hand-over.
image_of() {
    printf 'argument <%q>\n' "$(tr '\0' '|' <"/proc/$1/cmdline")"
    echo "directory $(readlink "/proc/$1/cwd")"
    tr '\0\n' '\n|' <"/proc/$1/environ" | grep . | LC_ALL=C sort
}

# link_current VERSION, rename_over FILE: the two ways in which new versions come.
link_current() {
    ln -s "$1" "$APP_DIR/current.new"
    mv -T "$APP_DIR/current.new" "$APP_DIR/current"
}

rename_over() {
    cp "$APP_DIR/v2/server" "$1.new"
    mv "$1.new" "$1"
}

executes() { [[ $(readlink "/proc/$SERVER_PID/exe") == "$APP_DIR/$1" ]]; }

# bats test_tags=fast
@test "a symlink in the path is followed anew" {
    run_deployed "$APP_DIR/current/server" -l "$PLACE"
    link_current v2
    next_generation_is v2
    executes v2/server
    link_current v1
    next_generation_is v1
    executes v1/server
}

@test "a symlink in a relative path is followed anew" {
    run_deployed current/server -l "$PLACE"
    link_current v2
    next_generation_is v2
}

@test "a symlink that is the file itself is followed anew" {
    ln -s v1/server "$APP_DIR/server"
    run_deployed ./server -l "$PLACE"
    ln -sfn v2/server "$APP_DIR/server"
    next_generation_is v2
}

@test "a symlink that is the working directory is followed anew" {
    # The shell leaves the way it went in PWD.
    run_deployed sh -c 'cd current && exec ./server "$@"' sh -l "$PLACE"
    assert_eq "$(readlink "/proc/$SERVER_PID/cwd")" "$APP_DIR/v1" "directory"
    link_current v2
    replaced_by v2
    assert_eq "$(readlink "/proc/$SERVER_PID/cwd")" "$APP_DIR/v2" "directory"
    diff <(grep -v ^directory "$BATS_TEST_TMPDIR/image1") <(image_of "$SERVER_PID" | grep -v ^directory)
    link_current v1
    next_generation_is v1
}

@test "a PWD that leads elsewhere does not move the server" {
    run_deployed env PWD="$APP_DIR/v2" v1/server -l "$PLACE"
    next_generation_is v1
}

# bats test_tags=fast
@test "a binary that is replaced by a rename is the new one" {
    run_deployed "$APP_DIR/v1/server" -l "$PLACE"
    rename_over "$APP_DIR/v1/server"
    next_generation_is v2
}

@test "a relative name leads from the directory of the start" {
    run_deployed v1/server -l "$PLACE"
    rename_over "$APP_DIR/v1/server"
    next_generation_is v2
    next_generation_is v2
}

@test "a whole directory that is replaced is entered anew" {
    run_deployed sh -c 'cd v1 && exec ./server "$@"' sh -l "$PLACE"
    mv "$APP_DIR/v1" "$APP_DIR/old"
    cp -r "$APP_DIR/v2" "$APP_DIR/v1"
    next_generation_is v2
}

@test "a bare name that was found by PATH" {
    run_deployed env PATH="$APP_DIR/v1:$PATH" server -l "$PLACE"
    assert_eq "$(tr '\0' ' ' <"/proc/$SERVER_PID/cmdline")" "server -l $PLACE "
    rename_over "$APP_DIR/v1/server"
    next_generation_is v2
    next_generation_is v2
}

@test "a bare name that was found by a relative entry of PATH" {
    run_deployed env PATH="v1:$PATH" server -l "$PLACE"
    rename_over "$APP_DIR/v1/server"
    next_generation_is v2
}

@test "a bare name that was found by a symlink in PATH" {
    run_deployed env PATH="$APP_DIR/current:$PATH" server -l "$PLACE"
    link_current v2
    next_generation_is v2
}

@test "an argv[0] that is no path at all" {
    run_deployed bash -c 'exec -a "-my own name" v1/server "$@"' bash -l "$PLACE"
    rename_over "$APP_DIR/v1/server"
    next_generation_is v2
}

@test "arguments with spaces, quotes, line ends, and none at all" {
    # shellcheck disable=SC2016 # that is the point
    run_deployed v1/server -l "$PLACE" "two words" "" "  " "it's \"so\"" $'line\nend' '$HOME' ''
    assert_eq "$(tr -cd '\0' <"/proc/$SERVER_PID/cmdline" | wc -c)" 10 "arguments"
    rename_over "$APP_DIR/v1/server"
    next_generation_is v2
    next_generation_is v2
}

@test "100 KiB of environment" {
    local variables=() i filling
    printf -v filling '%1000s' ''
    for i in {1..100}; do variables+=("FILLING_$i=${filling// /x}$i"); done
    run_deployed env "${variables[@]}" EMPTY= "LINES=$(printf 'one\ntwo')" v1/server -l "$PLACE"
    assert_within "$(wc -c <"/proc/$SERVER_PID/environ")" 102400 200000 "bytes of environment"
    rename_over "$APP_DIR/v1/server"
    next_generation_is v2
    next_generation_is v2
}

@test "100 KiB of arguments" {
    local arguments=() i filling
    printf -v filling '%1000s' ''
    for i in {1..100}; do arguments+=("${filling// /y}$i"); done
    run_deployed v1/server -l "$PLACE" "${arguments[@]}"
    rename_over "$APP_DIR/v1/server"
    next_generation_is v2
}

@test "an empty environment but for what is needed" {
    run_deployed env --ignore-environment LD_PRELOAD="$LIB" OCTOPUS_LOG="$BATS_TEST_TMPDIR/octopus.log" \
        "$APP_DIR/v1/server" -l "$PLACE"
    rename_over "$APP_DIR/v1/server"
    next_generation_is v2
}

@test "a sh script that executes the server with its arguments" {
    # shellcheck disable=SC2016 # the script expands it
    printf '%s\n' '#!/bin/sh' 'export FROM_SCRIPT="a b"' \
        'exec v1/server -l "$1" "two words" "" "$2"' >"$APP_DIR/start"
    chmod +x "$APP_DIR/start"
    run_deployed ./start "$PLACE" 'a  third'
    rename_over "$APP_DIR/v1/server"
    next_generation_is v2
    grep -qx 'FROM_SCRIPT=a b' "$BATS_TEST_TMPDIR/image1"
}

# write_python_script FIRST-LINE VERSION: the server as a script that is executed itself.
write_python_script() {
    { echo "$1"; cat "$SERVERS_DIR/python_http.py"; } >"$APP_DIR/server.py.new"
    chmod +x "$APP_DIR/server.py.new"
    mv "$APP_DIR/server.py.new" "$APP_DIR/server.py"
    echo "$2" >"$APP_DIR/version"
}

@test "a script with #! and its interpreter" {
    write_python_script '#!/usr/bin/python3' v1
    run_deployed ./server.py "$PORT" "two words" ""
    write_python_script '#!/usr/bin/python3' v2
    next_generation_is v2
    next_generation_is v2
}

@test "a script that changes the option of its interpreter" {
    write_python_script '#!/usr/bin/python3 -u' v1
    run_deployed ./server.py "$PORT" "two words"
    next_generation_is v1
    write_python_script '#!/usr/bin/python3 -O' v2
    replaced_by v2
    assert_eq "$(tr '\0' '|' <"/proc/$SERVER_PID/cmdline")" "/usr/bin/python3|-O|./server.py|$PORT|two words|"
    write_python_script '#!/usr/bin/python3' v3
    replaced_by v3
    assert_eq "$(tr '\0' '|' <"/proc/$SERVER_PID/cmdline")" "/usr/bin/python3|./server.py|$PORT|two words|"
}

@test "a script that was found by PATH" {
    write_python_script '#!/usr/bin/python3' v1
    run_deployed env PATH="$APP_DIR:$PATH" server.py "$PORT"
    write_python_script '#!/usr/bin/python3' v2
    next_generation_is v2
}

@test "a script with #!/usr/bin/env" {
    write_python_script '#!/usr/bin/env python3' v1
    run_deployed ./server.py "$PORT" "two words" ""
    write_python_script '#!/usr/bin/env python3' v2
    next_generation_is v2
    next_generation_is v2
}

@test "a script with #!/usr/bin/env -S" {
    write_python_script '#!/usr/bin/env -S python3 -u' v1
    run_deployed "$APP_DIR/server.py" "$PORT" "two words"
    write_python_script '#!/usr/bin/env -S python3 -u' v2
    next_generation_is v2
}

@test "an interpreter that is called by name" {
    write_python_script '# A comment.' v1
    run_deployed python3 -u server.py "$PORT" "two words"
    write_python_script '# Another.' v2
    next_generation_is v2
}

@test "a shell that stays and waits for the server ends with it, and the successor stays" {
    run_deployed sh -c 'v1/server "$@"; echo "status $?"' sh -l "$PLACE" "two words"
    rename_over "$APP_DIR/v1/server"
    next_generation_is v2
    status_of "$LAUNCHED_PID"
    assert_eq "$EXIT_STATUS" 0 "exit status of the shell"
    grep -qx 'status 0' "$SERVER_LOG"
    next_generation_is v2
    assert_only_generation "$SERVER_PID"
}

@test "a server in the background of a shell that is gone" {
    run_deployed sh -c 'v1/server "$@" & exit 0' sh -l "$PLACE"
    rename_over "$APP_DIR/v1/server"
    next_generation_is v2
}

@test "env and other launchers in between" {
    run_deployed env A='b c' nice -n 1 setsid --wait nohup v1/server -l "$PLACE"
    rename_over "$APP_DIR/v1/server"
    next_generation_is v2
    assert_eq "$(ps -o ni= -p "$SERVER_PID" | xargs)" $(( $(nice) + 1 )) "nice value"
}

@test "a server that spoils its arguments and environment before its first call" {
    "${CC:-cc}" -D_GNU_SOURCE -o "$APP_DIR/early" "$SERVERS_DIR/early.c"
    run_deployed env EARLY_SECRET=kept ./early "$PORT"
    replaced_by v1
    replaced_by v1
}

# A server that writes over its arguments (setproctitle) may write over its environment too, so that only
# what it shows of itself can be compared.
# titles_stay NAME PROCESSES
titles_stay() {
    local titles
    start_server "$1"
    wait_until_started
    wait_until 60 has_processes "$2"
    titles=$(titles)
    upgrade HUP
    wait_until 60 has_titles "$titles"
    upgrade HUP
    wait_until 60 has_titles "$titles"
    assert_eq "$(readlink "/proc/$SERVER_PID/cwd")" "$APP_DIR" "directory"
    run ! grep -F '[ERR]' "$OCTOPUS_LOG_FILE"
}

# Sorted by what they say: pids start again at the bottom some time.
titles() { generation_of "$SERVER_PID" | while read -r pid; do tr '\0' ' ' <"/proc/$pid/cmdline"; echo; done | sort; }
has_processes() { (( $(generation_of "$SERVER_PID" | wc -l) == $1 )); }
has_titles() { [[ $(titles) == "$1" ]]; }

@test "a server that writes over its arguments: nginx" { titles_stay nginx 3; }
@test "a server that writes over its arguments: redis" { titles_stay redis 1; }
@test "a server that writes over its arguments: gunicorn" { titles_stay gunicorn_sync 3; }
