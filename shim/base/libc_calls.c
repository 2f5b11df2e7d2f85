/* SPDX-License-Identifier: MIT */
/* Over 300 lines: each system call has an early version here, all of the same few lines. */
#include "base/interpose.h"

#include <dlfcn.h>
#include <limits.h>
#include <stdarg.h>

#include "base/raw_syscall.h"

/* The early functions are the first contents of the table. Before the constructor they call the
 * kernel: allocators (jemalloc under redis, mimalloc) call libc from their own constructors, and
 * dlsym() might allocate there. After the constructor the first call resolves the whole table. So a
 * program that calls none of these functions does not pay for it (60 calls of dlsym() take some 40
 * us). A process that listens has resolved the table long before a handler of ours can run. */
_Atomic bool libc_calls_are_resolved;

/* NULL until the constructor has run. */
static void (*_Atomic before_first_call)(void);

static bool resolve_if_loaded(void)
{
	const bool is_loaded = atomic_load(&before_first_call);

	if (is_loaded)
		libc_calls_resolve();
	return is_loaded;
}

#define OR_REAL(name, ...)                                          \
	if (resolve_if_loaded() && libc_calls.name != early_##name) \
	return libc_calls.name(__VA_ARGS__)

static int early_socket(int family, int type, int protocol)
{
	OR_REAL(socket, family, type, protocol);
	return (int)raw_result(RAW3(SYS_socket, family, type, protocol));
}

static int early_bind(int fd, const struct sockaddr *addr, socklen_t length)
{
	OR_REAL(bind, fd, addr, length);
	return (int)raw_result(RAW3(SYS_bind, fd, addr, length));
}

static int early_listen(int fd, int backlog)
{
	OR_REAL(listen, fd, backlog);
	return (int)raw_result(RAW2(SYS_listen, fd, backlog));
}

static int early_accept4(int fd, struct sockaddr *addr, socklen_t *length, int flags)
{
	OR_REAL(accept4, fd, addr, length, flags);
	return (int)raw_result(RAW4(SYS_accept4, fd, addr, length, flags));
}

static int early_accept(int fd, struct sockaddr *addr, socklen_t *length)
{
	OR_REAL(accept, fd, addr, length);
	return early_accept4(fd, addr, length, 0);
}

static int early_connect(int fd, const struct sockaddr *addr, socklen_t length)
{
	OR_REAL(connect, fd, addr, length);
	return (int)raw_result(RAW3(SYS_connect, fd, addr, length));
}

static int early_shutdown(int fd, int how)
{
	OR_REAL(shutdown, fd, how);
	return (int)raw_result(RAW2(SYS_shutdown, fd, how));
}

static int early_getsockname(int fd, struct sockaddr *addr, socklen_t *length)
{
	OR_REAL(getsockname, fd, addr, length);
	return (int)raw_result(RAW3(SYS_getsockname, fd, addr, length));
}

static int early_epoll_pwait(int fd, struct epoll_event *events, int max, int timeout,
                             const sigset_t *mask)
{
	OR_REAL(epoll_pwait, fd, events, max, timeout, mask);
	return (int)raw_result(
		RAW6(SYS_epoll_pwait, fd, events, max, timeout, mask, _NSIG / CHAR_BIT));
}

static int early_epoll_wait(int fd, struct epoll_event *events, int max, int timeout)
{
	OR_REAL(epoll_wait, fd, events, max, timeout);
	return early_epoll_pwait(fd, events, max, timeout, NULL);
}

static int early_epoll_pwait2(int fd, struct epoll_event *events, int max,
                              const struct timespec *timeout, const sigset_t *mask)
{
	OR_REAL(epoll_pwait2, fd, events, max, timeout, mask);
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
	OR_REAL(ppoll, fds, count, timeout, mask);
	/* ppoll(2) writes the remaining time back; callers of libc do not expect that. */
	struct timespec copy = timeout ? *timeout : (struct timespec){0};

	return (int)raw_result(
		RAW5(SYS_ppoll, fds, count, timeout ? &copy : NULL, mask, _NSIG / CHAR_BIT));
}

static int early_poll(struct pollfd *fds, nfds_t count, int timeout)
{
	OR_REAL(poll, fds, count, timeout);
	struct timespec limit = {timeout / 1000, timeout % 1000 * 1000000L};

	return early_ppoll(fds, count, timeout < 0 ? NULL : &limit, NULL);
}

static int early_pselect(int count, fd_set *in, fd_set *out, fd_set *urgent,
                         const struct timespec *timeout, const sigset_t *mask)
{
	OR_REAL(pselect, count, in, out, urgent, timeout, mask);
	struct timespec copy = timeout ? *timeout : (struct timespec){0};
	const long pair[2] = {(long)mask, _NSIG / CHAR_BIT};

	return (int)raw_result(
		RAW6(SYS_pselect6, count, in, out, urgent, timeout ? &copy : NULL, pair));
}

static int early_select(int count, fd_set *in, fd_set *out, fd_set *urgent, struct timeval *timeout)
{
	OR_REAL(select, count, in, out, urgent, timeout);
	struct timespec limit = {0};

	if (timeout)
		limit = (struct timespec){timeout->tv_sec, timeout->tv_usec * 1000};
	return early_pselect(count, in, out, urgent, timeout ? &limit : NULL, NULL);
}

static int early_pause(void)
{
	OR_REAL(pause);
	return early_ppoll(NULL, 0, NULL, NULL);
}

static int early_sigsuspend(const sigset_t *mask)
{
	OR_REAL(sigsuspend, mask);
	return (int)raw_result(RAW2(SYS_rt_sigsuspend, mask, _NSIG / CHAR_BIT));
}

static int early_sigtimedwait(const sigset_t *set, siginfo_t *info, const struct timespec *timeout)
{
	OR_REAL(sigtimedwait, set, info, timeout);
	return (int)raw_result(RAW4(SYS_rt_sigtimedwait, set, info, timeout, _NSIG / CHAR_BIT));
}

static int early_sigpending(sigset_t *set)
{
	OR_REAL(sigpending, set);
	return (int)raw_result(RAW2(SYS_rt_sigpending, set, _NSIG / CHAR_BIT));
}

static int early_nanosleep(const struct timespec *request, struct timespec *remaining)
{
	OR_REAL(nanosleep, request, remaining);
	return (int)raw_result(RAW2(SYS_nanosleep, request, remaining));
}

static int early_clock_nanosleep(clockid_t clock, int flags, const struct timespec *request,
                                 struct timespec *remaining)
{
	OR_REAL(clock_nanosleep, clock, flags, request, remaining);
	return (int)-RAW4(SYS_clock_nanosleep, clock, flags, request, remaining);
}

static int early_signalfd(int fd, const sigset_t *mask, int flags)
{
	OR_REAL(signalfd, fd, mask, flags);
	return (int)raw_result(RAW4(SYS_signalfd4, fd, mask, _NSIG / CHAR_BIT, flags));
}

static int early_close(int fd)
{
	OR_REAL(close, fd);
	return (int)raw_result(RAW1(SYS_close, fd));
}

static int early_close_range(unsigned first, unsigned last, int flags)
{
	OR_REAL(close_range, first, last, flags);
#ifdef SYS_close_range
	return (int)raw_result(RAW3(SYS_close_range, first, last, flags));
#else
	(void)first, (void)last, (void)flags;
	return (int)raw_result(-ENOSYS);
#endif
}

static int early_dup3(int from, int to, int flags)
{
	OR_REAL(dup3, from, to, flags);
	return (int)raw_result(RAW3(SYS_dup3, from, to, flags));
}

static int early_dup2(int from, int to)
{
	OR_REAL(dup2, from, to);
	if (from == to)
		return raw_result(RAW2(SYS_fcntl, from, 1 /* F_GETFD */)) < 0 ? -1 : to;
	return early_dup3(from, to, 0);
}

static int early_execve(const char *path, char *const argv[], char *const envp[])
{
	OR_REAL(execve, path, argv, envp);
	return (int)raw_result(RAW3(SYS_execve, path, argv, envp));
}

static __attribute__((noreturn)) void early__exit(int status)
{
	if (resolve_if_loaded() && libc_calls._exit != early__exit)
		libc_calls._exit(status);
	for (;;)
		(void)RAW1(SYS_exit_group, status);
}

static pid_t early_setsid(void)
{
	OR_REAL(setsid);
	return (pid_t)raw_result(RAW0(SYS_setsid));
}

static pid_t early_getppid(void)
{
	OR_REAL(getppid);
	return (pid_t)raw_result(RAW0(SYS_getppid));
}

static int early_kill(pid_t pid, int sig)
{
	OR_REAL(kill, pid, sig);
	return (int)raw_result(RAW2(SYS_kill, pid, sig));
}

static int early_chdir(const char *path)
{
	OR_REAL(chdir, path);
	return (int)raw_result(RAW1(SYS_chdir, path));
}

static int early_fchdir(int fd)
{
	OR_REAL(fchdir, fd);
	return (int)raw_result(RAW1(SYS_fchdir, fd));
}

static mode_t early_umask(mode_t mask)
{
	OR_REAL(umask, mask);
	return (mode_t)RAW1(SYS_umask, mask);
}

static int early_unlinkat(int dir_fd, const char *path, int flags)
{
	OR_REAL(unlinkat, dir_fd, path, flags);
	return (int)raw_result(RAW3(SYS_unlinkat, dir_fd, path, flags));
}

static int early_unlink(const char *path)
{
	OR_REAL(unlink, path);
	return early_unlinkat(-100 /* AT_FDCWD */, path, 0);
}

static ssize_t early_read(int fd, void *buffer, size_t size)
{
	OR_REAL(read, fd, buffer, size);
	return raw_result(RAW3(SYS_read, fd, buffer, size));
}

static ssize_t early_readv(int fd, const struct iovec *parts, int count)
{
	OR_REAL(readv, fd, parts, count);
	return raw_result(RAW3(SYS_readv, fd, parts, count));
}

static ssize_t early_recvfrom(int fd, void *buffer, size_t size, int flags,
                              struct sockaddr *address, socklen_t *length)
{
	OR_REAL(recvfrom, fd, buffer, size, flags, address, length);
	return raw_result(RAW6(SYS_recvfrom, fd, buffer, size, flags, address, length));
}

static ssize_t early_recv(int fd, void *buffer, size_t size, int flags)
{
	OR_REAL(recv, fd, buffer, size, flags);
	return early_recvfrom(fd, buffer, size, flags, NULL, NULL);
}

static ssize_t early_recvmsg(int fd, struct msghdr *message, int flags)
{
	OR_REAL(recvmsg, fd, message, flags);
	return raw_result(RAW3(SYS_recvmsg, fd, message, flags));
}

static int early_prctl(int option, ...)
{
	unsigned long a[4];
	va_list list;

	va_start(list, option);
	for (int i = 0; i < 4; i++)
		a[i] = va_arg(list, unsigned long);
	va_end(list);
	OR_REAL(prctl, option, a[0], a[1], a[2], a[3]);
	return (int)raw_result(RAW5(SYS_prctl, option, a[0], a[1], a[2], a[3]));
}

static ssize_t early_write(int fd, const void *bytes, size_t size)
{
	OR_REAL(write, fd, bytes, size);
	return raw_result(RAW3(SYS_write, fd, bytes, size));
}

static ssize_t early_writev(int fd, const struct iovec *parts, int count)
{
	OR_REAL(writev, fd, parts, count);
	return raw_result(RAW3(SYS_writev, fd, parts, count));
}

static ssize_t early_sendto(int fd, const void *bytes, size_t size, int flags,
                            const struct sockaddr *address, socklen_t length)
{
	OR_REAL(sendto, fd, bytes, size, flags, address, length);
	return raw_result(RAW6(SYS_sendto, fd, bytes, size, flags, address, length));
}

static ssize_t early_send(int fd, const void *bytes, size_t size, int flags)
{
	OR_REAL(send, fd, bytes, size, flags);
	return early_sendto(fd, bytes, size, flags, NULL, 0);
}

static ssize_t early_sendmsg(int fd, const struct msghdr *message, int flags)
{
	OR_REAL(sendmsg, fd, message, flags);
	return raw_result(RAW3(SYS_sendmsg, fd, message, flags));
}

static int early_sendmmsg(int fd, struct mmsghdr *messages, unsigned count, sendmmsg_flags flags)
{
	OR_REAL(sendmmsg, fd, messages, count, flags);
	return (int)raw_result(RAW4(SYS_sendmmsg, fd, messages, count, flags));
}

static ssize_t early_sendfile(int to, int from, off_t *offset, size_t size)
{
	OR_REAL(sendfile, to, from, offset, size);
	return raw_result(RAW4(SYS_sendfile, to, from, offset, size));
}

static ssize_t early_splice(int from, off64_t *from_offset, int to, off64_t *to_offset, size_t size,
                            unsigned flags)
{
	OR_REAL(splice, from, from_offset, to, to_offset, size, flags);
	return raw_result(RAW6(SYS_splice, from, from_offset, to, to_offset, size, flags));
}

struct libc_calls libc_calls = {
#define X(name) .name = early_##name,
	INTERPOSED_SYSCALLS(X)
#undef X
};

void libc_calls_loaded(void (*on_first_call)(void))
{
	atomic_store(&before_first_call, on_first_call);
	/* An early caller has resolved the table, so no later call would run ON_FIRST_CALL. */
	if (atomic_load(&libc_calls_are_resolved))
		on_first_call();
}

static void prepare_first_call(void)
{
	void (*prepare)(void) = atomic_load(&before_first_call);

	if (prepare)
		prepare();
}

/* A name that this libc lacks keeps its early function. Another thread may call by an entry that is
 * resolved already, so this writes none that has its value. */
static void resolve(_Atomic(void *) *entry, const char *name)
{
	void *found = dlsym(RTLD_NEXT, name);

	if (found && atomic_load_explicit(entry, memory_order_relaxed) != found)
		atomic_store_explicit(entry, found, memory_order_relaxed);
}

/* There is no lock, which a signal handler or a fork could meet half-way. Each of several threads
 * that make their first calls at once resolves the whole table, with the same values. */
void libc_calls_resolve(void)
{
	if (atomic_load_explicit(&libc_calls_are_resolved, memory_order_acquire))
		return;
	prepare_first_call();

	/* ISO C has no cast from an object pointer to a function pointer, but POSIX dlsym() needs
	 * one: hence the way through void *. */
#define X(name) resolve((_Atomic(void *) *)(void *)&libc_calls.name, #name);
	INTERPOSED(X)
#undef X
	atomic_store(&libc_calls_are_resolved, true);
	/* The constructor may have run in another thread meanwhile. It has seen the flag, or this
	 * sees its function. */
	prepare_first_call();
}
