/* SPDX-License-Identifier: MIT */
/* The only file that is compiled once per version. */
#include "identity.h"

#include <unistd.h>

const char identity_version[] = SERVER_VERSION;

static int server_pid;

void identity_set_pid(void)
{
	server_pid = getpid();
}

int identity_pid(void)
{
	return server_pid;
}
