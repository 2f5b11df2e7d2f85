#!/bin/sh
# SPDX-License-Identifier: MIT
# `make bench`: what the library costs, in ratios that were measured in one run, by turns, on one
# machine. No time decides anything, a goal that is missed is only said to be; a request that fails
# decides, and a system call more. SECTIONS="throughput calls ..." chooses.
# shellcheck disable=SC1091,SC2034,SC2317 # the parts that are included use what is here
set -eu

: "${BUILD:=build}"
: "${SECTIONS:=throughput calls instructions idle start spawn latency stop drain idle_drain peers peers_kept alone}"
: "${PAIRS:=32}" "${UPGRADES:=8}" "${LATENCY_PAIRS:=3}" "${RESIDENT_MIB:=4096}" "${STOPS:=100}"
: "${CLIENTS:=16}" "${SERVERS:=nginx memcached haproxy node}" "${LATENCY_SERVERS:=nginx node memcached}"
build=$(cd "$BUILD" && pwd)
tests=$(cd "$(dirname "$0")/.." && pwd)
lib=$build/liboctopus.so
dir=$(mktemp -d "$build/bench.XXXXXX")
chmod 0755 "$dir"
pids=
failed=0
missed=0
begun=$(date +%s)

clean_up() {
    for pid in $pids $(cat "$dir"/*.pid 2>/dev/null || :); do
        kill "$pid" 2>/dev/null || :
    done
    # shellcheck disable=SC2086 # one word per pid
    wait $pids 2>/dev/null || :
    rm -rf "$dir"
}
trap clean_up EXIT
trap 'exit 130' INT
trap 'exit 143' HUP TERM

complain() {
    echo "bench: $*" >&2
    failed=1
}

# Prints `median (lowest to highest)` of the numbers on its input, with $1 decimals.
summarize() {
    sort -n | awk -v d="${1:-2}" '{ v[NR] = $1 } END {
        m = NR % 2 ? v[(NR + 1) / 2] : (v[NR / 2] + v[NR / 2 + 1]) / 2
        printf "%.*f (%.*f to %.*f)\n", d, m, d, v[1], d, v[NR] }'
}

# The same with the quartiles instead: how far one pair is to be trusted.
summarize_quartiles() {
    sort -n | awk '{ v[NR] = $1 } END {
        m = NR % 2 ? v[(NR + 1) / 2] : (v[NR / 2] + v[NR / 2 + 1]) / 2
        printf "%.3f (half from %.3f to %.3f)\n", m, v[int((NR + 3) / 4)], v[int((3 * NR + 1) / 4)] }'
}

# percentile P: of the numbers on its input.
percentile() {
    sort -n | awk -v p="$1" '{ v[NR] = $1 } END { i = int((NR * p + 99) / 100); print v[i < 1 ? 1 : i] }'
}

# row NAME RESULT [GOAL]: one line. GOAL is `<=N` or `>=N`, for the first number of RESULT.
row() {
    verdict=
    [ -z "${3:-}" ] || verdict=$(echo "$2|$3" | awk -F'|' '{
        bound = substr($2, 3) + 0
        met = substr($2, 1, 2) == "<=" ? $1 + 0 <= bound : $1 + 0 >= bound
        print met ? "met" : "MISSED" }')
    printf '  %-46s %-46s %-8s %s\n' "$1" "$2" "${3:-}" "$verdict"
    [ "$verdict" != MISSED ] || missed=$((missed + 1))
}

. "$tests/bench/servers.sh"
. "$tests/bench/cost.sh"
. "$tests/bench/change.sh"
. "$tests/bench/peers.sh"

echo "Octopus: with the library, against without it. $(uname -sr), $(nproc) cores, load $(cut -d' ' -f1 /proc/loadavg)."
for section in $SECTIONS; do
    echo
    "section_$section"
done

echo
echo "$missed goals missed, in $(($(date +%s) - begun)) s"
exit "$failed"
