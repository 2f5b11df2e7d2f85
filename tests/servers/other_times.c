/* SPDX-License-Identifier: MIT */
/* A library that shows its process another time, as libfaketime does, for tests of what is preloaded
 * beside liboctopus.so. OTHER_TIME=still: the clock stands, and no sleep ends. OTHER_TIME=racing: the
 * clock gains a day with each look, and every sleep ends at once. As in libfaketime, the stat calls take a
 * lock; here somebody holds it for ever. */
#include <poll.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/time.h>
#include <time.h>
#include <unistd.h>

#define DAY 86400

static long looks;
static bool is_racing;

__attribute__((constructor)) static void choose(void)
{
	const char *word = getenv("OTHER_TIME");

	is_racing = word && strcmp(word, "racing") == 0;
}

static time_t other_time(void)
{
	return 1000000000 + (is_racing ? __atomic_fetch_add(&looks, 1, __ATOMIC_RELAXED) * DAY : 0);
}

int clock_gettime(clockid_t clock, struct timespec *ret_time)
{
	(void)clock;
	*ret_time = (struct timespec){other_time(), 0};
	return 0;
}

time_t time(time_t *ret_time)
{
	const time_t now = other_time();

	if (ret_time)
		*ret_time = now;
	return now;
}

int gettimeofday(struct timeval *restrict ret_time, void *restrict zone)
{
	(void)zone;
	*ret_time = (struct timeval){other_time(), 0};
	return 0;
}

static int other_sleep(void)
{
	if (!is_racing)
		syscall(SYS_ppoll, NULL, 0, NULL, NULL, 0);
	return 0;
}

int nanosleep(const struct timespec *request, struct timespec *rest)
{
	(void)request, (void)rest;
	return other_sleep();
}

int clock_nanosleep(clockid_t clock, int flags, const struct timespec *request,
                    struct timespec *rest)
{
	(void)clock, (void)flags, (void)request, (void)rest;
	return other_sleep();
}

int poll(struct pollfd *fds, nfds_t count, int timeout)
{
	const struct timespec none = {0};
	const bool is_look = timeout == 0 || (timeout > 0 && is_racing);

	return (int)syscall(SYS_ppoll, fds, count, is_look ? &none : NULL, NULL, 0);
}

static int wait_for_lock(void)
{
	return (int)syscall(SYS_ppoll, NULL, 0, NULL, NULL, 0);
}

int stat(const char *restrict path, struct stat *restrict ret)
{
	(void)path, (void)ret;
	return wait_for_lock();
}

int lstat(const char *restrict path, struct stat *restrict ret)
{
	(void)path, (void)ret;
	return wait_for_lock();
}

int fstat(int fd, struct stat *ret)
{
	(void)fd, (void)ret;
	return wait_for_lock();
}

int fstatat(int fd, const char *restrict path, struct stat *restrict ret, int flags)
{
	(void)fd, (void)path, (void)ret, (void)flags;
	return wait_for_lock();
}
