# SPDX-License-Identifier: MIT
# shellcheck shell=bash
# Servers in the foreground of a terminal of their own, and its keys.

# start_on_terminal EXAMPLE [SETTING=VALUE...]: as start_server, below script(1). LAUNCHED_PID, whose exit status is the
# server's, is the terminal; SERVER_PID the server.
start_on_terminal() {
    TERMINAL_SERVER=$1
    shift
    mkfifo "$BATS_TEST_TMPDIR/keys"
    # Both ways, so that neither side waits for the other, and no end of file comes before ours.
    exec {KEYS_FD}<>"$BATS_TEST_TMPDIR/keys"
    start_server on_terminal "$@"
    WATCH_PID=$LAUNCHED_PID wait_until 60 read_ready_line
    wait_until_started
}

prepare_on_terminal() {
    prepare_example "$TERMINAL_SERVER"
    # script(1) passes its command to a shell. The report goes past the terminal, which edits and echoes.
    # shellcheck disable=SC2016 # for the inner shell
    SERVER_COMMAND=(sh -c 'exec "$@" <"$0" >/dev/null' "$BATS_TEST_TMPDIR/keys"
        script -qefc "exec ${SERVER_COMMAND[*]@Q} >>${SERVER_LOG@Q} 2>&1" /dev/null)
}

press_ctrl_c() { printf '\003' >&"$KEYS_FD"; }
