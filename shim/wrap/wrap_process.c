/* SPDX-License-Identifier: MIT */
/* _exit, fork, setsid, daemon: a process that leaves, or becomes another one. (In the child a fork is
 * watched through pthread_atfork, which also sees those that libc makes itself.) And what a successor is to find as it was at the start: its capture comes with the
 * first call of any wrapper, so these need no more than to be wrappers. */
#include "base/interpose.h"

#include <errno.h>
#include <stdatomic.h>

#include "control/controller.h"
#include "control/takeover.h"
#include "generation/generation.h"

EXPORT __attribute__((noreturn)) void _exit(int status)
{
	controller_on_exit();
	libc_calls._exit(status);
	__builtin_unreachable();
}

EXPORT __attribute__((noreturn)) void _Exit(int status)
{
	_exit(status);
}

/* A child for one connection has its slot in the generation before its parent can close the
 * connection: in between, the drain would see neither. */
EXPORT pid_t fork(void)
{
	pid_t child;

	libc_calls_ensure();
	takeover_before_fork();
	child = libc_calls.fork();
	if (child != 0)
		takeover_after_fork(child);
	return child;
}

/* A child of the generation that leaves the session is on its way to lead it. */
static void note_daemon(void)
{
	if (atomic_load(&generation.role) == ROLE_WORKER && getpid() == generation.pid) {
		generation.is_daemonizing = true;
		atomic_store(&generation.page->is_moving, 1);
	}
}

EXPORT pid_t setsid(void)
{
	const pid_t session = libc_calls.setsid();

	if (session >= 0)
		note_daemon();
	return session;
}

/* libc's own forks and calls setsid past us; in the parent it does not return. */
EXPORT int daemon(int keep_directory, int keep_fds)
{
	int result;

	libc_calls_ensure();
	result = libc_calls.daemon(keep_directory, keep_fds);
	if (result == 0)
		note_daemon();
	return result;
}

EXPORT int chdir(const char *path)
{
	return libc_calls.chdir(path);
}

EXPORT int fchdir(int fd)
{
	return libc_calls.fchdir(fd);
}

EXPORT mode_t umask(mode_t mask)
{
	return libc_calls.umask(mask);
}

/* Many daemons refuse to start while the pid in their pid file answers kill(pid, 0) (apache, postgres,
 * php-fpm). In a successor that is being born that pid is its predecessor's, which is about to go. */
EXPORT int kill(pid_t pid, int sig)
{
	if (sig == 0 && generation.page && pid > 0 && pid == generation.page->predecessor &&
	    !atomic_load(&generation.page->is_ready)) {
		errno = ESRCH;
		return -1;
	}
	return libc_calls.kill(pid, sig);
}
