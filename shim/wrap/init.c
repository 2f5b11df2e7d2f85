/* SPDX-License-Identifier: MIT */
/* Owns the constructor and the destructor, and the order of start-up. A process that never listens
 * pays for nothing else. */
#include <stdlib.h>
#include <string.h>

#include "base/failpoint.h"
#include "base/interpose.h"
#include "control/activation.h"
#include "control/controller.h"
#include "control/unseen.h"
#include "generation/start_image.h"

extern char **environ;

/* Removes the variable before the program copies the environment (Python does so at start). Returns
 * its value, which stays in the kernel's own string area. */
static const char *take_handover_variable(void)
{
	const size_t length = strlen(HANDOVER_VARIABLE);
	const char *value = NULL;
	char **to = environ;

	for (char **from = environ; from && *from; from++) {
		if (strncmp(*from, HANDOVER_VARIABLE, length) == 0 && (*from)[length] == '=')
			value = *from + length + 1;
		else
			*to++ = *from;
	}
	if (value)
		*to = NULL;
	return value;
}

#ifdef __GLIBC__
#define START_ARGUMENTS int argc, char **argv, char **envp
#else
#define START_ARGUMENTS void
#endif

__attribute__((constructor)) static void octopus_init(START_ARGUMENTS)
{
	const char *handover;

#ifndef __GLIBC__
	/* musl passes no arguments to a constructor. The kernel's layout (elf(5) ABI) is argc,
	 * argv, NULL, envp, NULL, and environ still is that envp. */
	char **envp = environ, **argv = environ - 1;
	long argc = 0;

	while (argv[-1] != (char *)argc) {
		argv--;
		argc++;
	}
#endif
	(void)start_image_copy_words((int)argc, argv, envp);
	libc_calls_loaded(start_image_capture);
	unseen_use(activation_on_unseen);
	failpoint_begin(start_image_getenv("OCTOPUS_FAILPOINTS"));
	handover = take_handover_variable();
	if (handover)
		activation_as_successor(handover);
}

__attribute__((destructor)) static void octopus_exit(void)
{
	controller_on_exit();
}
