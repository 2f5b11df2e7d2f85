#!/usr/bin/env bats
# SPDX-License-Identifier: MIT
# bats file_tags=ci:parallel
# Debian's apache2, whose parent ends its whole process group when it stops, and which keeps signals of
# its own for everything.

load helpers

prepare_apache_event() { prepare_apache event; }
prepare_apache_prefork() { prepare_apache prefork; }

prepare_apache() {
    SERVER_COMMAND=(/usr/sbin/apache2 -DFOREGROUND -d "$APP_DIR" -f "$APP_DIR/apache.conf")
    (( EUID != 0 )) || set -- "$1" 'User www-data
Group www-data'
    cat >"$APP_DIR/apache.conf" <<CONFIG
LoadModule mpm_$1_module /usr/lib/apache2/modules/mod_mpm_$1.so
LoadModule authz_core_module /usr/lib/apache2/modules/mod_authz_core.so
LoadModule headers_module /usr/lib/apache2/modules/mod_headers.so
${2:-}
ServerName localhost
Listen 127.0.0.1:$PORT
PidFile $APP_DIR/apache.pid
ErrorLog $APP_DIR/error.log
DocumentRoot $APP_DIR
Mutex pthread
KeepAlive On
StartServers 2
CONFIG
    # In one step: the version before still serves it, and must not find it empty.
    cp "$APP_DIR/version" "$APP_DIR/ping.new"
    mv "$APP_DIR/ping.new" "$APP_DIR/ping"
}

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
