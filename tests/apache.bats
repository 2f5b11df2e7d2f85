#!/usr/bin/env bats
# SPDX-License-Identifier: MIT
# bats file_tags=ci:parallel
# Debian's apache2, whose parent ends its whole process group when it stops, and which keeps signals of
# its own for everything.

load helpers

# All versions have one pid file: apache refuses to start while the process that it names is alive.
upgrades_and_stops() {
    local fds_of_first round
    start_server "$1"
    wait_until_started
    start_load -c 4 -p 5
    for round in {1..5}; do
        next_version
        deploy_version "$NEXT_VERSION"
        "prepare_$1"
        kill -HUP "$SERVER_PID"
        WATCH_PID='' wait_until 60 log_has 'The server has started' $((round + 1))
        WATCH_PID='' wait_until 60 is_gone "$SERVER_PID"
        newest_leader
        SERVER_PID=$NEWEST_LEADER
        assert_eq "$(request /ping)" "$NEXT_VERSION" "version that answers"
    done
    stop_load
    assert_only_generation "$SERVER_PID"
    assert_eq "$(zombies_of_test)" "" "zombies"
    run ! grep -F '[ERR]' "$OCTOPUS_LOG_FILE"
    kill -TERM "$SERVER_PID"
    assert_no_process_left
    assert_eq "$(log_count 'has shut down')" 6 "generations that shut down"
}

# bats test_tags=fast
@test "apache leaves its successor alone when it ends its process group: mpm event" {
    upgrades_and_stops apache_event
}

@test "apache leaves its successor alone when it ends its process group: mpm prefork" {
    upgrades_and_stops apache_prefork
}
