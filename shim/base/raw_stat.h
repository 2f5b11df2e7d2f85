/* SPDX-License-Identifier: MIT */
/* Owns the stat calls without libc. Another preload's may take a lock that other processes share (those
 * of libfaketime, a semaphore in a file of /dev/shm), and a process that was killed keeps it. On
 * 64-bit machines the kernel's struct stat is libc's. Each returns 0, or -1 and errno, as stat(2). */
#ifndef OCTOPUS_RAW_STAT_H
#define OCTOPUS_RAW_STAT_H

#include <fcntl.h>
#include <sys/stat.h>

#include "base/raw_syscall.h"

/* Context: any. */
static inline int raw_fstatat(int directory_fd, const char *path, struct stat *ret, int flags)
{
	*ret = (struct stat){0}; /* an analyser does not see the kernel write it */
	return (int)raw_result(RAW4(SYS_newfstatat, directory_fd, path, ret, flags));
}

/* Context: any. */
static inline int raw_fstat(int fd, struct stat *ret)
{
	*ret = (struct stat){0};
	return (int)raw_result(RAW2(SYS_fstat, fd, ret));
}

/* Context: any. */
static inline int raw_stat(const char *path, struct stat *ret)
{
	return raw_fstatat(AT_FDCWD, path, ret, 0);
}

#endif
