#!/bin/sh
# SPDX-License-Identifier: MIT
# Installs from Debian the peers that the bench compares with. What cannot be had is left out of the
# comparison, so nothing fails here.
set -eu

missing=
for package in haproxy gunicorn libserver-starter-perl starman; do
    [ "$(dpkg-query --show --showformat='${db:Status-Status}' "$package" 2>/dev/null)" = installed ] ||
        missing="$missing $package"
done
[ -n "$missing" ] || exit 0
if ! command -v apt-get >/dev/null || [ "$(id -u)" -ne 0 ]; then
    echo "$0: not there, and left out:$missing" >&2
    exit 0
fi

# Their services must not come up.
policy=/usr/sbin/policy-rc.d
if [ ! -e "$policy" ]; then
    trap 'rm -f "$policy"' EXIT
    trap 'exit 1' HUP INT TERM
    printf '#!/bin/sh\nexit 101\n' >"$policy"
    chmod 0755 "$policy"
fi

export DEBIAN_FRONTEND=noninteractive
# shellcheck disable=SC2086 # one word per package
{ apt-get update -q && apt-get install -q -y --no-install-recommends $missing; } </dev/null >&2 ||
    echo "$0: not all could be installed:$missing" >&2
