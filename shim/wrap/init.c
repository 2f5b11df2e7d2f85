/* SPDX-License-Identifier: MIT */
/* Owns the constructor and the destructor, and the order of start-up. A process that never listens
 * pays for nothing else. */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "base/failpoint.h"
#include "base/interpose.h"
#include "base/secure_mode.h"
#include "control/activation.h"
#include "control/controller.h"
#include "control/first_wait.h"
#include "control/holder.h"
#include "control/master.h"
#include "control/unseen.h"
#include "generation/start_fds.h"
#include "generation/start_image.h"
#include "generation/start_listeners.h"
#include "signal/wake_signal.h"

extern char **environ;

/* Removes the variables that begin with PREFIX before the program copies the environment (Python does
 * so at start). Returns what follows PREFIX in the last one, which stays in the kernel's own string
 * area; NULL if there is none. */
static const char *take_variables(const char *prefix)
{
	const size_t length = strlen(prefix);
	const char *rest = NULL;
	char **to = environ;

	for (char **from = environ; from && *from; from++) {
		if (strncmp(*from, prefix, length) == 0)
			rest = *from + length;
		else
			*to++ = *from;
	}
	if (rest)
		*to = NULL;
	return rest;
}

/* The variable said what this process inherits. A child that executes nothing has its parent's string area,
 * and shows it in /proc/PID/environ. */
static void wipe(const char *value, const char *prefix)
{
	char *entry = (char *)(uintptr_t)(value - strlen(prefix));

	memset(entry, 0, strlen(entry));
}

static void do_nothing(void)
{
}

/* Before the first call of a wrapper. */
static void begin(void)
{
	start_image_capture();
	wake_signal_hear(master_hear);
	if (start_listeners_exist())
		first_wait_expect_unseen();
}

/* What the program executes may be in no secure mode, and would do as its caller's variables say:
 * ld.so(8) removes its own from the environment, too. */
static void stay_out(void)
{
	libc_calls_loaded(do_nothing);
	(void)take_variables("OCTOPUS_");
}

#ifdef __GLIBC__
#define START_ARGUMENTS int argc, char **argv, char **envp
#else
#define START_ARGUMENTS void
#endif

__attribute__((constructor)) static void octopus_init(START_ARGUMENTS)
{
	const char *handover;

	if (secure_mode_is_on()) {
		stay_out();
		return;
	}
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
	start_fds_capture();
	libc_calls_loaded(begin);
	unseen_use(activation_on_unseen);
	master_use(activation_as_master);
	holder_begin();
	failpoint_begin(start_image_getenv("OCTOPUS_FAILPOINTS"));
	handover = take_variables(HANDOVER_VARIABLE "=");
	if (handover) {
		activation_as_successor(handover);
		start_listeners_look(); /* without those that came with the hand-over */
		wipe(handover, HANDOVER_VARIABLE "=");
	}
}

__attribute__((destructor)) static void octopus_exit(void)
{
	activation_on_exit();
	controller_on_exit();
}
