/* SPDX-License-Identifier: MIT */
/* Wraps _exit, fork, setsid and daemon, by which a process leaves or becomes another one, and kill.
 * (A pthread_atfork hook handles the child of a fork, because it also sees the forks that libc
 * makes itself.) chdir, fchdir and umask are wrapped only so that the start image is captured
 * before they change it. */
#include "base/interpose.h"

#include <errno.h>
#include <stdatomic.h>

#include "control/controller.h"
#include "control/fork.h"
#include "control/unseen.h"
#include "generation/generation.h"
#include "generation/children.h"
#include "generation/membership.h"
#include "generation/parent.h"

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

/* The hook in the parent does not see which child it was. */
EXPORT pid_t fork(void)
{
	pid_t child;

	libc_calls_ensure();
	fork_begins();
	child = libc_calls.fork();
	fork_ends(child);
	if (child != 0)
		children_fork_ended(child);
	else
		unseen_forked();
	return child;
}

/* A child of the generation that leaves the session is about to lead it. */
static void note_daemon(void)
{
	if (atomic_load(&generation.role) == ROLE_WORKER && getpid() == generation.pid) {
		generation.is_daemonizing = true;
		generation.daemon = generation.pid;
		membership_note(HINT_MOVES);
	}
}

EXPORT pid_t setsid(void)
{
	const pid_t session = libc_calls.setsid();

	if (session >= 0)
		note_daemon();
	return session;
}

/* libc's own daemon() calls fork and setsid without the wrappers. In the parent it does not
 * return. */
EXPORT int daemon(int keep_directory, int keep_fds)
{
	int result;

	libc_calls_ensure();
	fork_makes_daemon = true;
	result = libc_calls.daemon(keep_directory, keep_fds);
	fork_makes_daemon = false;
	if (result == 0) {
		unseen_forked();
		note_daemon();
	}
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

EXPORT pid_t getppid(void)
{
	return parent_get();
}

/* Many daemons refuse to start while the pid in their pid file answers kill(pid, 0) (apache,
 * postgres, php-fpm). In a successor that is not ready yet, that pid is the predecessor's, which is
 * about to exit. */
EXPORT int kill(pid_t pid, int sig)
{
	if (sig == 0 && pid > 0 && pid == generation.lineage.predecessor.pid &&
	    generation_is_being_born()) {
		errno = ESRCH;
		return -1;
	}
	return libc_calls.kill(pid, sig);
}
