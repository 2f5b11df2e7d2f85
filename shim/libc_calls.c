/* SPDX-License-Identifier: MIT */
#include "interpose.h"

#include <dlfcn.h>
#include <limits.h>

#include "raw_syscall.h"

/* What a call does that arrives before the constructor: allocators (jemalloc under redis, mimalloc)
 * call libc from theirs, and dlsym() there might allocate. */
static int early_socket(int family, int type, int protocol)
{
	return (int)raw_result(RAW3(SYS_socket, family, type, protocol));
}

static int early_bind(int fd, const struct sockaddr *addr, socklen_t length)
{
	return (int)raw_result(RAW3(SYS_bind, fd, addr, length));
}

static int early_listen(int fd, int backlog)
{
	return (int)raw_result(RAW2(SYS_listen, fd, backlog));
}

static int early_accept4(int fd, struct sockaddr *addr, socklen_t *length, int flags)
{
	return (int)raw_result(RAW4(SYS_accept4, fd, addr, length, flags));
}

static int early_accept(int fd, struct sockaddr *addr, socklen_t *length)
{
	return early_accept4(fd, addr, length, 0);
}

static int early_shutdown(int fd, int how)
{
	return (int)raw_result(RAW2(SYS_shutdown, fd, how));
}

static int early_getsockname(int fd, struct sockaddr *addr, socklen_t *length)
{
	return (int)raw_result(RAW3(SYS_getsockname, fd, addr, length));
}

static int early_epoll_pwait(int fd, struct epoll_event *events, int max, int timeout,
                             const sigset_t *mask)
{
	return (int)raw_result(
		RAW6(SYS_epoll_pwait, fd, events, max, timeout, mask, _NSIG / CHAR_BIT));
}

static int early_epoll_wait(int fd, struct epoll_event *events, int max, int timeout)
{
	return early_epoll_pwait(fd, events, max, timeout, NULL);
}

static int early_epoll_pwait2(int fd, struct epoll_event *events, int max,
                              const struct timespec *timeout, const sigset_t *mask)
{
#ifdef SYS_epoll_pwait2
	return (int)raw_result(
		RAW6(SYS_epoll_pwait2, fd, events, max, timeout, mask, _NSIG / CHAR_BIT));
#else
	(void)fd, (void)events, (void)max, (void)timeout, (void)mask;
	return (int)raw_result(-ENOSYS);
#endif
}

static int early_ppoll(struct pollfd *fds, nfds_t count, const struct timespec *timeout,
                       const sigset_t *mask)
{
	/* The kernel writes the remaining time back; libc callers do not expect that. */
	struct timespec copy = timeout ? *timeout : (struct timespec){0};

	return (int)raw_result(
		RAW5(SYS_ppoll, fds, count, timeout ? &copy : NULL, mask, _NSIG / CHAR_BIT));
}

static int early_poll(struct pollfd *fds, nfds_t count, int timeout)
{
	struct timespec limit = {timeout / 1000, timeout % 1000 * 1000000L};

	return early_ppoll(fds, count, timeout < 0 ? NULL : &limit, NULL);
}

static int early_pselect(int count, fd_set *in, fd_set *out, fd_set *urgent,
                         const struct timespec *timeout, const sigset_t *mask)
{
	struct timespec copy = timeout ? *timeout : (struct timespec){0};
	const long pair[2] = {(long)mask, _NSIG / CHAR_BIT};

	return (int)raw_result(
		RAW6(SYS_pselect6, count, in, out, urgent, timeout ? &copy : NULL, pair));
}

static int early_select(int count, fd_set *in, fd_set *out, fd_set *urgent, struct timeval *timeout)
{
	struct timespec limit = {0};

	if (timeout)
		limit = (struct timespec){timeout->tv_sec, timeout->tv_usec * 1000};
	return early_pselect(count, in, out, urgent, timeout ? &limit : NULL, NULL);
}

static int early_pause(void)
{
	return early_ppoll(NULL, 0, NULL, NULL);
}

static int early_sigsuspend(const sigset_t *mask)
{
	return (int)raw_result(RAW2(SYS_rt_sigsuspend, mask, _NSIG / CHAR_BIT));
}

static int early_sigtimedwait(const sigset_t *set, siginfo_t *info, const struct timespec *timeout)
{
	return (int)raw_result(RAW4(SYS_rt_sigtimedwait, set, info, timeout, _NSIG / CHAR_BIT));
}

static int early_nanosleep(const struct timespec *request, struct timespec *remaining)
{
	return (int)raw_result(RAW2(SYS_nanosleep, request, remaining));
}

static int early_clock_nanosleep(clockid_t clock, int flags, const struct timespec *request,
                                 struct timespec *remaining)
{
	return (int)-RAW4(SYS_clock_nanosleep, clock, flags, request, remaining);
}

static int early_signalfd(int fd, const sigset_t *mask, int flags)
{
	return (int)raw_result(RAW4(SYS_signalfd4, fd, mask, _NSIG / CHAR_BIT, flags));
}

static int early_close(int fd)
{
	return (int)raw_result(RAW1(SYS_close, fd));
}

static int early_close_range(unsigned first, unsigned last, int flags)
{
#ifdef SYS_close_range
	return (int)raw_result(RAW3(SYS_close_range, first, last, flags));
#else
	(void)first, (void)last, (void)flags;
	return (int)raw_result(-ENOSYS);
#endif
}

static int early_dup3(int from, int to, int flags)
{
	return (int)raw_result(RAW3(SYS_dup3, from, to, flags));
}

static int early_dup2(int from, int to)
{
	if (from == to)
		return raw_result(RAW2(SYS_fcntl, from, 1 /* F_GETFD */)) < 0 ? -1 : to;
	return early_dup3(from, to, 0);
}

static int early_execve(const char *path, char *const argv[], char *const envp[])
{
	return (int)raw_result(RAW3(SYS_execve, path, argv, envp));
}

static __attribute__((noreturn)) void early__exit(int status)
{
	for (;;)
		(void)RAW1(SYS_exit_group, status);
}

static pid_t early_setsid(void)
{
	return (pid_t)raw_result(RAW0(SYS_setsid));
}

static int early_unlinkat(int dir_fd, const char *path, int flags)
{
	return (int)raw_result(RAW3(SYS_unlinkat, dir_fd, path, flags));
}

static int early_unlink(const char *path)
{
	return early_unlinkat(-100 /* AT_FDCWD */, path, 0);
}

struct libc_calls libc_calls = {
#define X(name) .name = early_##name,
	INTERPOSED_SYSCALLS(X)
#undef X
};

void libc_calls_resolve(void)
{
	void *found;

	/* A name that this libc lacks keeps its way to the kernel. ISO C has no cast from an object
	 * pointer to a function pointer; POSIX dlsym() asks for one, hence the copy through void **. */
#define X(name)                          \
	found = dlsym(RTLD_NEXT, #name); \
	if (found)                       \
		*(void **)&libc_calls.name = found;
	INTERPOSED(X)
#undef X
}
