/* SPDX-License-Identifier: MIT */
#include "control/settling.h"

/* So much earlier, on a busy machine too. */
#define MOST_MARGIN_MS 1000
#define MARGIN_PART 10

static int64_t smaller(int64_t a, int64_t b)
{
	return a < b ? a : b;
}

int64_t settling_end(const struct settling *settling)
{
	const int64_t margin = smaller(settling->ready_timeout / MARGIN_PART, MOST_MARGIN_MS);
	const int64_t end = settling->first_wait + settling->timeout;

	if (settling->ready_until == 0 || settling->timeout > settling->ready_timeout)
		return end;
	return smaller(end, settling->ready_until - margin);
}
