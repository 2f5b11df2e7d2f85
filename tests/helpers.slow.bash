# SPDX-License-Identifier: MIT
# shellcheck shell=bash
# A request that is under way while something happens to the server: its end is held back until the test
# has seen what it waits for, however long that takes. Start servers with HELD_SETTING: no deadline of the
# drain's may cut it.

HELD_SETTING=OCTOPUS_DRAIN_TIMEOUT=120s
# Our own servers wait for the body. Others would answer without it: of them the head is held back.
HELD_PARTS=($'GET /ping HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\nContent-Length: 1\r\n\r\n' x)
HELD_HEAD_PARTS=($'GET /ping HTTP/1.1\r\nHos' $'t: localhost\r\nConnection: close\r\n\r\n')

# begin_held_request: returns when the server has read its first part. Sets HELD_FD and DRAINS_BEFORE.
begin_held_request() {
    DRAINS_BEFORE=$(log_count 'Digesting requests')
    exec {HELD_FD}<>"/dev/tcp/127.0.0.1/$PORT"
    [[ -n ${EXAMPLE:-} ]] || HELD_PARTS=("${HELD_HEAD_PARTS[@]}")
    printf %s "${HELD_PARTS[0]}" >&"$HELD_FD"
    WATCH_PID='' wait_until 60 held_request_is_read
}

held_request_is_read() {
    ss -HtniO state established "sport = :$PORT" | awk -v field="bytes_received:${#HELD_PARTS[0]}" '
        $1 == 0 { for (i = 1; i <= NF; i++) found += $i == field } END { exit !found }'
}

# end_held_request: succeeds if it is answered in full. Sets HELD_ANSWER.
end_held_request() {
    local status=0
    printf %s "${HELD_PARTS[1]}" >&"$HELD_FD" || status=$?
    HELD_ANSWER=$(timeout 60 cat <&"$HELD_FD") || status=$?
    exec {HELD_FD}>&-
    [[ $status == 0 && $HELD_ANSWER == 'HTTP/1.'[01]' 200 '*$'\npong '* ]] && return
    fail "held request: status $status, answer '$HELD_ANSWER'"
}

# end_held_request_in_drain [CONDITION...]: lets the request go when a drain has begun and CONDITION holds.
end_held_request_in_drain() {
    WATCH_PID='' wait_until 60 has_begun_to_drain
    (( $# == 0 )) || WATCH_PID='' wait_until 60 "$@"
    end_held_request
}

has_begun_to_drain() { (( $(log_count 'Digesting requests') > DRAINS_BEFORE )); }

# upgrade_in_held_request [CONDITION...]: as `upgrade HUP`, in the middle of a request.
upgrade_in_held_request() {
    begin_held_request
    upgrade_beside HUP
    end_held_request_in_drain "$@"
    follow_upgrade
}
