/* SPDX-License-Identifier: MIT */
#include "generation/news.h"

#include <errno.h>
#include <stdatomic.h>
#include <string.h>

#include "base/failpoint.h"
#include "base/interpose.h"
#include "base/own_fd.h"
#include "base/raw_memory.h"
#include "generation/sealed.h"

#define NEWS_SIZE 4096

news_place news_page;

/* Where this process writes its own; NULL: it has none. */
static struct news *_Atomic written;

/* Without a memfd two mappings of the same memory are all there is, and mprotect(2) could make the
 * second one writable again. */
static const struct news *second_view(struct news *page, int fd)
{
	const struct news *view = fd >= 0 ? sealed_map_for_reading(fd, NEWS_SIZE) : NULL;
	long again;

	if (view)
		return view;
	again = raw_map_again(page, NEWS_SIZE);
	if (raw_map_failed(again))
		return NULL;
	(void)raw_make_read_only((void *)again, NEWS_SIZE);
	return (const void *)again;
}

static int map_both(int fd)
{
	const long address = raw_map(NULL, NEWS_SIZE, PROT_READ | PROT_WRITE, MAP_SHARED, fd);
	struct news *page = (void *)address;
	const struct news *view;
	int error = failpoint("page");

	if (raw_map_failed(address) || error)
		return error ? error : (int)address;
	memcpy(page, news(), sizeof(*page));
	view = second_view(page, fd);
	if (!view || raw_keep_from_children(page, NEWS_SIZE) != 0) {
		raw_unmap(page, NEWS_SIZE);
		return -ENOMEM;
	}
	atomic_store(&written, page);
	atomic_store(&news_page, view);
	return 0;
}

/* The mapping for writing was there before the seal, and stays. */
int news_make(void)
{
	int fd, error;

	own_fd_begin();
	fd = sealed_make(NEWS_NAME, NEWS_SIZE);
	error = map_both(fd);
	if (fd >= 0)
		libc_calls.close(fd);
	own_fd_end();
	return error;
}

struct news *news_own(void)
{
	static struct news nobodys;
	struct news *page = atomic_load(&written);

	return page ? page : &nobodys;
}

bool news_is_own(void)
{
	return atomic_load(&written) != NULL;
}

void news_leave(void)
{
	atomic_store(&news_page, NULL);
}

void news_forked(void)
{
	atomic_store(&written, NULL);
}
