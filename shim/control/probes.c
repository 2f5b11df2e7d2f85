/* SPDX-License-Identifier: MIT */
#include "control/probes.h"

#include "base/clock.h"

#define CLOSE_PROBES 64
#define LIKELY_PROBES 4096
#define FIRST_GAP_NS (100 * NS_PER_MS)

enum probe probes_next(struct probes *own, uint32_t round, int64_t now_ns)
{
	if (own->round != round)
		*own = (struct probes){.round = round, .gap_ns = FIRST_GAP_NS};
	if (own->count < LIKELY_PROBES)
		own->count++;
	if (own->count <= CLOSE_PROBES) {
		own->next_ns = now_ns + own->gap_ns;
		return PROBE_ALL;
	}
	if (now_ns >= own->next_ns) {
		own->gap_ns *= 2;
		own->next_ns = now_ns + own->gap_ns;
		return PROBE_ALL;
	}
	return own->count < LIKELY_PROBES ? PROBE_LIKELY : PROBE_NOTHING;
}
