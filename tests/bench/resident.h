/* SPDX-License-Identifier: MIT */
/* What a resident server and spawn_times tell each other, in a file that both have mapped. */
#ifndef TESTS_BENCH_RESIDENT_H
#define TESTS_BENCH_RESIDENT_H

#include <fcntl.h>
#include <stdatomic.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/mman.h>
#include <unistd.h>

struct resident {
	_Atomic int32_t grow;        /* the next server that starts is to fill its memory */
	_Atomic int32_t pid;         /* of the last one that started */
	_Atomic int64_t executed_ns; /* when its main began */
	_Atomic int32_t is_ready;
	_Atomic int32_t spin;   /* the first one's thread is to run */
	_Atomic int64_t gap_ns; /* the longest time between two of its rounds */
};

static inline struct resident *resident_open(const char *path)
{
	int fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0600);
	struct resident *shared = MAP_FAILED;

	if (fd != -1 && ftruncate(fd, sizeof(*shared)) == 0)
		shared = mmap(NULL, sizeof(*shared), PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
	if (fd != -1)
		close(fd);
	return shared == MAP_FAILED ? NULL : shared;
}

#endif
