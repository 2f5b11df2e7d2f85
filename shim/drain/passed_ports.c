/* SPDX-License-Identifier: MIT */
#include "drain/passed_ports.h"

#include <stdatomic.h>

/* A handler writes it. */
static _Atomic uint16_t ports[PASSED_PORTS_MOST];

bool passed_ports_have(uint16_t port)
{
	for (int i = 0; port && i < PASSED_PORTS_MOST; i++) {
		if (atomic_load(&ports[i]) == port)
			return true;
	}
	return false;
}

void passed_ports_add(uint16_t port)
{
	for (int i = 0; i < PASSED_PORTS_MOST && !passed_ports_have(port); i++) {
		uint16_t none = 0;

		(void)atomic_compare_exchange_strong(&ports[i], &none, port);
	}
}
