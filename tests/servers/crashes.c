/* SPDX-License-Identifier: MIT */
/* A new version that crashes before it listens. */
#include <stdlib.h>
#include <sys/resource.h>

int main(void)
{
	/* The crash is wanted, a core file is not. */
	setrlimit(RLIMIT_CORE, &(struct rlimit){0, 0});
	abort();
}
