/* SPDX-License-Identifier: MIT */
/* Owns what a process of a new version and its predecessor's broker say to each other, over a socket of
 * type SOCK_SEQPACKET: one request and one reply on each connection. */
#ifndef OCTOPUS_BROKER_MESSAGES_H
#define OCTOPUS_BROKER_MESSAGES_H

#include <stdint.h>

#include "generation/birth.h"

/* Whoever knows no variable finds the broker by the name of its reaper, an ancestor: "octopus:" and the
 * five digits that the kernel has chosen for the abstract address (unix(7), "Autobind"). */
#define BROKER_PREFIX "octopus:"

/* Asks for the words and the manifest of the birth, in that order, and not for a listener. */
#define BROKER_BIRTH (-1)

struct broker_request {
	uint32_t magic, version; /* GENERATION_ */
	int32_t index; /* as in birth.h, of a listener or of a kept file, or BROKER_BIRTH */
};

struct broker_reply {
	uint32_t magic;
	int32_t error; /* 0, or -errno: no descriptor comes with it */
};

#endif
