/* SPDX-License-Identifier: MIT */
#include "generation/sealed.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/failpoint.h"
#include "base/interpose.h"
#include "base/raw_memory.h"
#include "base/raw_stat.h"
#include "base/text.h"

#ifndef MFD_CLOEXEC
#define MFD_CLOEXEC 1u
#define MFD_ALLOW_SEALING 2u
#endif
#ifndef F_SEAL_FUTURE_WRITE
#define F_SEAL_FUTURE_WRITE 0x10
#endif

int sealed_make(size_t size)
{
	int error = failpoint("memfd");
	int fd;

	if (error)
		return error;
	fd = (int)RAW2(SYS_memfd_create, "octopus", MFD_CLOEXEC | MFD_ALLOW_SEALING);
	if (fd < 0)
		return fd;
	if (ftruncate(fd, (off_t)size) != 0) {
		error = -errno;
		libc_calls.close(fd);
		return error;
	}
	(void)fcntl(fd, F_ADD_SEALS, F_SEAL_SHRINK | F_SEAL_GROW);
	return fd;
}

/* A shared mapping of a file that is open for reading only can never become writable (mmap(2)). */
static int open_for_reading(int fd)
{
	char path[64];

	text_format(path, sizeof(path), "/proc/self/fd/%d", fd);
	return open(path, O_RDONLY | O_CLOEXEC);
}

const void *sealed_map_for_reading(int fd, size_t size)
{
	const bool is_sealed = fcntl(fd, F_ADD_SEALS, F_SEAL_FUTURE_WRITE | F_SEAL_SEAL) == 0;
	const int reading_fd = is_sealed ? fd : open_for_reading(fd);
	long view;

	if (reading_fd < 0)
		return NULL;
	view = raw_map(NULL, size, PROT_READ, MAP_SHARED, reading_fd);
	if (!is_sealed)
		libc_calls.close(reading_fd);
	return raw_map_failed(view) ? NULL : (const void *)view;
}

int sealed_against_all(int fd)
{
	const int seals = F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_WRITE | F_SEAL_SEAL;

	return fcntl(fd, F_ADD_SEALS, seals) == 0 ? 0 : -errno;
}

bool sealed_is(int fd, size_t least, bool is_final)
{
	const int wanted = F_SEAL_SHRINK | (is_final ? F_SEAL_WRITE : 0);
	const int seals = fcntl(fd, F_GET_SEALS);
	struct stat what;

	return raw_fstat(fd, &what) == 0 && S_ISREG(what.st_mode) && what.st_size >= (off_t)least &&
	       seals >= 0 && (seals & wanted) == wanted;
}
