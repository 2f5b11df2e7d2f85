/* SPDX-License-Identifier: MIT */
#include "generation/doorbell.h"

#include <stddef.h>

#include "base/raw_memory.h"

struct doorbell *doorbell;

int doorbell_make(void)
{
	const long page =
		raw_map(NULL, sizeof(struct doorbell), PROT_READ | PROT_WRITE, MAP_SHARED, -1);

	if (raw_map_failed(page))
		return (int)page;
	doorbell = (void *)page;
	return 0;
}

void doorbell_ring(void)
{
	if (doorbell)
		bell_ring(&doorbell->bell);
}
