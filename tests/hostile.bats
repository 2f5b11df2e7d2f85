#!/usr/bin/env bats
# SPDX-License-Identifier: MIT
# bats file_tags=ci:parallel
# A hand-over that is not one: forged by hand (servers/forge.c), cut off, or of another version. The
# server says so in one line, and runs as if there had been none.

load helpers

# start_forged SERVER KIND [SETTING=VALUE...]: as start_server, by way of the forger, which must not be
# preloaded itself: it listens too.
start_forged() {
    local server=$1 kind=$2
    shift 2
    SERVER_NAME=$server
    make_public_dir
    APP_DIR=$PUBLIC_DIR/app
    SERVER_LOG=$BATS_TEST_TMPDIR/server.log
    OCTOPUS_LOG_FILE=$APP_DIR/octopus.log
    PROTOCOL=http
    PORT=$(free_port)
    mkdir -p "$APP_DIR"
    echo v1 >"$APP_DIR/version"
    : >"$OCTOPUS_LOG_FILE"
    if [[ $(type -t "prepare_$server") == function ]]; then "prepare_$server"; else prepare_example "$server"; fi
    set_url
    background "$SERVER_LOG" --chdir="$APP_DIR" "$BUILD/tests/forge" "$kind" "$PORT" \
        env LD_PRELOAD="$LIB" OCTOPUS_LOG="$OCTOPUS_LOG_FILE" OCTOPUS_SETTLE_TIMEOUT=1s CHILD_COMMAND=env "$@" "${SERVER_COMMAND[@]}"
    SERVER_PID=$BACKGROUND_PID
    LAUNCHED_PID=$BACKGROUND_PID
    WATCH_PID=$LAUNCHED_PID wait_until 60 server_answers
    wait_until_started
}

# runs_without KIND TEXT: one line, with TEXT in it, and nothing else is different.
runs_without() {
    start_forged blocking "$1"
    assert_eq "$(answering_pid)" "$SERVER_PID" "who answers"
    assert_errors "$2"
    assert_eq "$(log_count 'Created a new listener on')" 1 "listeners created"
    run ! grep -q OCTOPUS_HANDOVER_FD <(request '/child?via=fork')
    upgrade HUP
    assert_errors "$2"
    assert_only_generation "$SERVER_PID"
}

# assert_errors TEXT: the library's log holds one error, and TEXT is in it.
assert_errors() {
    local errors
    errors=$(grep -F '[ERR]' "$OCTOPUS_LOG_FILE")
    [[ $(wc -l <<<"$errors") == 1 && $errors == *"$1"* ]] || fail "errors: got '$errors', expected one with '$1'"
}

# Whatever else is refused here, this is not: the forger knows its trade.
# bats test_tags=fast
@test "a hand-over forged without a fault is taken" {
    start_forged blocking good
    assert_eq "$(log_count 'Imported a listener from file.')" 1 "listeners imported"
    run ! grep -F '[ERR]' "$OCTOPUS_LOG_FILE"
    assert_eq "$(answering_pid)" "$SERVER_PID" "who answers"
    run ! grep -q OCTOPUS_HANDOVER_FD <(request '/child?via=fork')
    upgrade HUP
}

@test "variable: empty" { runs_without value= 'expected a descriptor'; }
@test "variable: a word" { runs_without value=three 'OCTOPUS_HANDOVER_FD="three": expected a descriptor'; }
@test "variable: a number with a tail" { runs_without value=200x 'expected a descriptor'; }
@test "variable: a number behind a blank" { runs_without 'value= 200' 'expected a descriptor'; }
@test "variable: negative" { runs_without value=-1 'expected a descriptor'; }
@test "variable: more than a descriptor can be" { runs_without value=4294967296 'expected a descriptor'; }
@test "variable: more than 64 bits" { runs_without value=18446744073709551816 'expected a descriptor'; }
@test "variable: two lines stay one line of the log" { runs_without $'value=1\n2' 'expected a descriptor'; }
@test "variable: so long that a line does not hold it" {
    runs_without "value=$(printf '7%.0s' {1..5000})" 'expected a descriptor'
}

@test "page: closed" { runs_without value=200 'no such descriptor'; }
@test "page: standard input" { runs_without value=0 'not the page of a generation'; }
@test "page: a pipe" { runs_without pipe 'not the page of a generation'; }
# bats test_tags=fast
@test "page: a socket" { runs_without socket 'not the page of a generation'; }
@test "page: a directory" { runs_without directory 'not the page of a generation'; }
@test "page: a regular file, which others may cut off" { runs_without regular_file 'not the page of a generation'; }
@test "page: a memfd that may shrink" { runs_without unsealed_memfd 'not the page of a generation'; }
@test "page: an empty memfd" { runs_without empty_memfd 'not the page of a generation'; }
@test "page: a memfd that is too small" { runs_without small_memfd 'not the page of a generation'; }
@test "page: a memfd that lacks its last byte" { runs_without truncated_memfd 'not the page of a generation'; }
@test "page: a memfd open for reading only" { runs_without read_only_memfd 'cannot be mapped'; }
@test "page: a memfd sealed against writing" { runs_without write_sealed_memfd 'cannot be mapped'; }
@test "page: garbage" { runs_without garbage 'not the page of a generation'; }
@test "page: zeros" { runs_without zeros 'not the page of a generation'; }
@test "page: 4294967295 listeners" { runs_without many_listeners 'not the page of a generation'; }
@test "page: one listener more than there is room for" { runs_without one_listener_too_many 'not the page of a generation'; }
@test "page: of a later version" { runs_without future_version 'the predecessor runs liboctopus.so 9.9.9, this one is '; }
@test "page: of an earlier version" { runs_without past_version 'the predecessor runs liboctopus.so of an earlier release, this one is '; }
@test "page: of the version before this one" { runs_without former_version 'the predecessor runs liboctopus.so 0.0.9, this one is '; }
@test "page: shorter than it should be, as it says itself" { runs_without small_size 'runs liboctopus'; }

@test "listener: closed" { runs_without closed_listener 'descriptor 900: it is not open'; }
@test "listener: negative" { runs_without negative_listener 'descriptor -7: it is not open'; }
@test "listener: a number beyond all limits" { runs_without huge_listener 'descriptor 2147483647: it is not open'; }
@test "listener: the page itself" { runs_without page_as_listener 'it is not a socket'; }
@test "listener: a file" { runs_without file_as_listener 'it is not a socket'; }
@test "listener: standard output" { runs_without standard_output 'it is not a socket'; }
@test "listener: a socket that does not listen" { runs_without not_listening 'it does not listen'; }
@test "listener: a UDP socket" { runs_without udp 'it is of another type'; }
@test "listener: a UDP socket, and the page says so" { runs_without udp_as_declared 'it does not listen'; }
@test "listener: of another family" { runs_without other_family 'it is of another family'; }
@test "listener: on another address" { runs_without other_address 'another address'; }
@test "listener: an address longer than its room" { runs_without huge_address_length 'another address'; }
@test "listener: no address" { runs_without no_address 'another address'; }
@test "listener: a unix address without an end" { runs_without endless_unix_address 'another address'; }

# The second mention would close whatever the server has opened at the number by then.
@test "listener: named twice is taken once" {
    start_forged blocking duplicate_listener
    assert_eq "$(log_count 'Imported a listener from file.')" 1 "listeners imported"
    assert_errors 'descriptor 201: it is named twice'
    upgrade HUP
}

# A page that has been used: a wrapper starts its server again, say.
for_a_server_of_its_own() {
    local first
    start_forged nginx "$1"
    first=$(generation_of "$SERVER_PID" | sort)
    holds_for 3 server_answers
    assert_eq "$(generation_of "$SERVER_PID" | sort)" "$first" "processes of the server"
    upgrade HUP
}

@test "state: the generation has left" { for_a_server_of_its_own has_left; }
@test "state: the predecessor has left" { for_a_server_of_its_own predecessor_left; }
@test "state: it was given up by a predecessor that is gone" { for_a_server_of_its_own given_up; }
@test "state: somebody who is gone has said that it is ready" { for_a_server_of_its_own is_ready; }
@test "state: somebody who is gone has claimed everything" { for_a_server_of_its_own all_claimed; }
@test "state: another process leads it" { runs_without led_by_another 'it is not open'; }

@test "manifest: none" { runs_without no_manifest 'not the page of a generation'; }
@test "manifest: one that somebody may still change" { runs_without manifest_unsealed 'not the page of a generation'; }
@test "manifest: one that lacks its last byte" { runs_without manifest_short 'not the page of a generation'; }
@test "manifest: of another version than the page" { runs_without manifest_of_other_version 'not the page of a generation'; }
@test "manifest: the page itself" { runs_without page_as_manifest 'not the page of a generation'; }
