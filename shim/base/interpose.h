/* SPDX-License-Identifier: MIT */
/* Owns the interposition table: every libc name that liboctopus.so exports, and the real function
 * behind it. One list drives the struct, the resolver (libc_calls.c) and the test that compares the
 * list with the exports. */
#ifndef OCTOPUS_INTERPOSE_H
#define OCTOPUS_INTERPOSE_H

/* A fortified poll() or read() would be an inline function that calls __poll_chk, which we wrap
 * too. */
#undef _FORTIFY_SOURCE

#include <dlfcn.h>
#include <poll.h>
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <spawn.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <fcntl.h>
#include <sys/epoll.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/select.h>
#include <sys/sendfile.h>
#include <sys/signalfd.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/uio.h>
#include <time.h>
#include <unistd.h>

/* siginterrupt, sigset and sigignore are deprecated, but servers use them. */
#pragma GCC diagnostic ignored "-Wdeprecated-declarations"

/* musl declares these arguments as unsigned or int; glibc declares them as int or by an enum. */
#ifdef __GLIBC__
typedef int sendmmsg_flags;
typedef __rlimit_resource_t limit_number;
typedef __priority_which_t priority_kind;
#else
typedef unsigned sendmmsg_flags;
typedef int limit_number;
typedef int priority_kind;
#endif

/* Names that some libc lacks, or keeps out of its headers. Context: as libc has it. */
int __poll_chk(struct pollfd *fds, nfds_t count, int timeout, size_t size);
int __ppoll_chk(struct pollfd *fds, nfds_t count, const struct timespec *timeout,
                const sigset_t *mask, size_t size);
ssize_t __read_chk(int fd, void *buffer, size_t size, size_t room);
ssize_t __recv_chk(int fd, void *buffer, size_t size, size_t room, int flags);
ssize_t __recvfrom_chk(int fd, void *buffer, size_t size, size_t room, int flags,
                       struct sockaddr *address, socklen_t *length);
int epoll_pwait2(int epoll_fd, struct epoll_event *events, int max, const struct timespec *timeout,
                 const sigset_t *mask);
int close_range(unsigned first, unsigned last, int flags);
void closefrom(int first);
void (*bsd_signal(int sig, void (*handler)(int)))(int);
void (*sysv_signal(int sig, void (*handler)(int)))(int);
void (*__sysv_signal(int sig, void (*handler)(int)))(int);
void (*ssignal(int sig, void (*handler)(int)))(int);
int posix_spawn_file_actions_addclosefrom_np(posix_spawn_file_actions_t *actions, int from);
int __xpg_sigpause(int sig);
int __sigsuspend(const sigset_t *mask);
int __sigaction(int sig, const struct sigaction *action, struct sigaction *old);
int sigignore(int sig);
void (*sigset(int sig, void (*handler)(int)))(int);

/* Each of these is a thin layer over one system call. A call that comes before the constructor goes
 * straight to the kernel. */
#define INTERPOSED_SYSCALLS(X) \
	X(socket)              \
	X(bind)                \
	X(listen)              \
	X(accept)              \
	X(accept4)             \
	X(connect)             \
	X(shutdown)            \
	X(getsockname)         \
	X(epoll_wait)          \
	X(epoll_pwait)         \
	X(epoll_pwait2)        \
	X(poll)                \
	X(ppoll)               \
	X(select)              \
	X(pselect)             \
	X(pause)               \
	X(sigsuspend)          \
	X(sigtimedwait)        \
	X(sigpending)          \
	X(nanosleep)           \
	X(clock_nanosleep)     \
	X(signalfd)            \
	X(close)               \
	X(close_range)         \
	X(dup2)                \
	X(dup3)                \
	X(execve)              \
	X(_exit)               \
	X(prctl)               \
	X(chdir)               \
	X(fchdir)              \
	X(umask)               \
	X(kill)                \
	X(setsid)              \
	X(getppid)             \
	X(unlink)              \
	X(unlinkat)            \
	X(read)                \
	X(readv)               \
	X(recv)                \
	X(recvfrom)            \
	X(recvmsg)             \
	X(write)               \
	X(writev)              \
	X(send)                \
	X(sendto)              \
	X(sendmsg)             \
	X(sendmmsg)            \
	X(sendfile)            \
	X(splice)

/* Each of these needs more than one system call. A call that comes before the constructor resolves
 * the table on the spot. */
#define INTERPOSED_FUNCTIONS(X)  \
	X(sigaction)             \
	X(signal)                \
	X(siginterrupt)          \
	X(sigwait)               \
	X(sigwaitinfo)           \
	X(raise)                 \
	X(pthread_kill)          \
	X(pthread_cancel)        \
	X(pthread_sigmask)       \
	X(sigprocmask)           \
	X(sleep)                 \
	X(usleep)                \
	X(execv)                 \
	X(execvp)                \
	X(execvpe)               \
	X(execl)                 \
	X(execle)                \
	X(execlp)                \
	X(fexecve)               \
	X(posix_spawn)           \
	X(posix_spawnp)          \
	X(system)                \
	X(popen)                 \
	X(_Exit)                 \
	X(fork)                  \
	X(daemon)                \
	X(setrlimit)             \
	X(prlimit)               \
	X(nice)                  \
	X(setpriority)           \
	X(sched_setscheduler)    \
	X(sched_setparam)        \
	X(sched_setaffinity)     \
	X(pthread_setschedparam) \
	X(remove)                \
	X(dlopen)                \
	X(syscall)

#ifdef __GLIBC__
#define INTERPOSED_GLIBC(X)                         \
	X(__poll_chk)                               \
	X(__ppoll_chk)                              \
	X(__read_chk)                               \
	X(__recv_chk)                               \
	X(__recvfrom_chk)                           \
	X(sendfile64)                               \
	X(setrlimit64)                              \
	X(prlimit64)                                \
	X(pthread_setaffinity_np)                   \
	X(pthread_setschedprio)                     \
	X(closefrom)                                \
	X(posix_spawn_file_actions_addclosefrom_np) \
	X(ssignal)                                  \
	X(__xpg_sigpause)                           \
	X(__sigsuspend)                             \
	X(__sigaction)                              \
	X(bsd_signal)                               \
	X(sysv_signal)                              \
	X(__sysv_signal)                            \
	X(sigset)                                   \
	X(sigignore)
#else
#define INTERPOSED_GLIBC(X)
#endif

/* Functions of a TLS library. They are not in libc, so tls.h finds the real ones in another way. */
#define INTERPOSED_TLS(X) \
	X(SSL_read)       \
	X(SSL_read_ex)    \
	X(SSL_write)      \
	X(SSL_write_ex)   \
	X(SSL_sendfile)

/* Written in assembler, where the library knows how: it calls the kernel and no real one. */
#if defined(__x86_64__) || defined(__aarch64__)
#define INTERPOSED_ASSEMBLER(X) X(vfork)
#else
#define INTERPOSED_ASSEMBLER(X)
#endif

#define INTERPOSED(X) INTERPOSED_SYSCALLS(X) INTERPOSED_FUNCTIONS(X) INTERPOSED_GLIBC(X)

struct libc_calls {
#define X(name) __typeof__(name) *name;
	INTERPOSED(X)
#undef X
};

/* The real functions. libc_calls_resolve() writes the table once. Before that, the entries of
 * INTERPOSED_SYSCALLS resolve it or call the kernel, and the others are NULL. The library's own
 * code calls these functions only through this table: an unqualified close() would be our own
 * wrapper. Context: any. */
extern struct libc_calls libc_calls;

/* True once every entry is resolved. */
extern _Atomic bool libc_calls_are_resolved;

/* Fills the table from the next library in search order. A second call does nothing, and several
 * threads may make the first one at once. Context: normal, or the first call of a wrapper. */
void libc_calls_resolve(void);

/* Says that the constructor has run: from here on dlsym() may be called. ON_FIRST_CALL runs before
 * the first call of any wrapper reaches libc; threads whose first calls coincide may each run it.
 * Context: init. */
void libc_calls_loaded(void (*on_first_call)(void));

/* Resolves the table for the wrappers of INTERPOSED_FUNCTIONS. Only the first call of any wrapper
 * does work. No handler of the server runs before it, because sigaction() is a wrapper too.
 * Context: any. */
static inline void libc_calls_ensure(void)
{
	if (__builtin_expect(!atomic_load_explicit(&libc_calls_are_resolved, memory_order_acquire),
	                     0))
		libc_calls_resolve();
}

#define EXPORT __attribute__((visibility("default")))
#define UNLIKELY(claim) __builtin_expect(!!(claim), 0)

#endif
