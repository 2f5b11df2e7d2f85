/* SPDX-License-Identifier: MIT */
#include "generation/page.h"

#include <errno.h>
#include <fcntl.h>
#include <stddef.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>

#include "base/failpoint.h"
#include "base/interpose.h"
#include "base/raw_syscall.h"
#include "base/text.h"

#ifndef MFD_CLOEXEC
#define MFD_CLOEXEC 1u
#define MFD_ALLOW_SEALING 2u
#endif

#define PAGE_SIZE_ROUNDED ((sizeof(struct generation_page) + 4095) & ~(size_t)4095)

/* Returns a sealed memfd of the page's size, or -errno. */
static int make_memfd(void)
{
	int error = failpoint("memfd");
	int fd;

	if (error)
		return error;
	fd = (int)RAW2(SYS_memfd_create, "octopus", MFD_CLOEXEC | MFD_ALLOW_SEALING);
	if (fd < 0)
		return fd;
	if (ftruncate(fd, (off_t)PAGE_SIZE_ROUNDED) != 0) {
		error = -errno;
		libc_calls.close(fd);
		return error;
	}
	/* Nobody may take the memory away under a mapping: that would be a SIGBUS later. */
	(void)fcntl(fd, F_ADD_SEALS, F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_SEAL);
	return fd;
}

int page_make(struct generation_page **ret_page, int *ret_fd)
{
	const int fd = make_memfd();
	const int flags = MAP_SHARED | (fd < 0 ? MAP_ANONYMOUS : 0);
	struct generation_page *page =
		mmap(NULL, PAGE_SIZE_ROUNDED, PROT_READ | PROT_WRITE, flags, fd < 0 ? -1 : fd, 0);

	if (page == MAP_FAILED || (errno = -failpoint("page")) != 0) {
		const int error = -errno;

		if (fd >= 0)
			libc_calls.close(fd);
		return error;
	}
	page->magic = GENERATION_MAGIC;
	page->version = GENERATION_VERSION;
	page->size = sizeof(*page);
	text_format(page->release, sizeof(page->release), "%s", OCTOPUS_VERSION);
	*ret_page = page;
	*ret_fd = fd;
	return 0;
}

/* The other side may be another version of this library, or somebody who set the variable to
 * whatever number: nothing in the page is believed before this. Later it may only grow at its end
 * within a version. SIZE is the file's: behind its end a mapping is a SIGBUS (mmap(2)). */
static int check_page(const struct generation_page *page, off_t size)
{
	if (page->magic != GENERATION_MAGIC)
		return -EPROTO;
	if (page->version != GENERATION_VERSION || page->size < sizeof(*page))
		return -EPROTONOSUPPORT;
	if (size < (off_t)sizeof(*page))
		return -EPROTO;
	return page->listener_count <= GENERATION_LISTENERS ? 0 : -EPROTO;
}

/* Version 3 is the first that says its release. */
static void read_release(const struct generation_page *page, char *ret_release, size_t size)
{
	char release[GENERATION_RELEASE + 1] = {0};

	memcpy(release, page->release, GENERATION_RELEASE);
	text_format(ret_release, size, "%s", page->version < 3 ? "of an earlier release" : release);
}

int page_map(int fd, struct generation_page **ret_page, char ret_release[GENERATION_RELEASE + 8])
{
	struct generation_page *page;
	struct stat what;
	int seals, error;

	if (fstat(fd, &what) != 0)
		return -errno;
	/* A file that somebody could still truncate would mean SIGBUS later. */
	seals = fcntl(fd, F_GET_SEALS);
	if (!S_ISREG(what.st_mode) ||
	    what.st_size < (off_t)offsetof(struct generation_page, bell) || seals < 0 ||
	    !(seals & F_SEAL_SHRINK))
		return -EPROTO;
	page = mmap(NULL, PAGE_SIZE_ROUNDED, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
	if (page == MAP_FAILED || (errno = -failpoint("map")) != 0)
		return -errno;
	error = check_page(page, what.st_size);
	if (error == -EPROTONOSUPPORT)
		read_release(page, ret_release, GENERATION_RELEASE + 8);
	if (error) {
		page_drop(page);
		return error;
	}
	*ret_page = page;
	return 0;
}

void page_drop(struct generation_page *page)
{
	if (page)
		(void)munmap(page, PAGE_SIZE_ROUNDED);
}
