/* SPDX-License-Identifier: MIT */
/* Wraps exec and spawn: a child sees what it would see without Octopus, and a successor that starts
 * through other programs passes its inheritance on. The exec functions also run in vfork children,
 * in their parent's memory, so there they write only to the stack. */
#include "base/interpose.h"

#include <stdarg.h>
#include <stdbool.h>
#include <stdint.h>

#include "generation/generation.h"
#include "generation/membership.h"
#include "kernel/procfs.h"
#include "upgrade/waiting.h"
#include "upgrade/pass_on.h"

extern char **environ;

typedef int (*exec_function)(const char *path, char *const argv[], char *const envp[]);

static int exec_by(exec_function function, const char *path, char *const argv[], char *const envp[])
{
	/* A forked child that becomes another program no longer counts as a connection. */
	const bool was_connection = membership_is_joined() && getpid() == generation.pid;
	const size_t entries = pass_on_room(envp, false);
	char *room[entries];
	struct pass_on pass_on;
	int result;

	if (was_connection)
		membership_leave(true);
	result = function(path, argv, pass_on_begin(&pass_on, envp, false, room, entries));
	pass_on_end(&pass_on);
	if (was_connection)
		membership_join(MEMBER_CONNECTION);
	return result;
}

EXPORT int execve(const char *path, char *const argv[], char *const envp[])
{
	return exec_by(libc_calls.execve, path, argv, envp);
}

EXPORT int execv(const char *path, char *const argv[])
{
	return execve(path, argv, environ);
}

EXPORT int execvpe(const char *file, char *const argv[], char *const envp[])
{
	libc_calls_ensure();
	return exec_by(libc_calls.execvpe, file, argv, envp);
}

EXPORT int execvp(const char *file, char *const argv[])
{
	return execvpe(file, argv, environ);
}

static int fexec_at(const char *fd_as_path, char *const argv[], char *const envp[])
{
	return libc_calls.fexecve((int)(intptr_t)fd_as_path, argv, envp);
}

EXPORT int fexecve(int fd, char *const argv[], char *const envp[])
{
	libc_calls_ensure();
	return exec_by(fexec_at, (const char *)(intptr_t)fd, argv, envp);
}

/* Counts the words of execl and its kin, the NULL included. */
static size_t count_arguments(va_list list)
{
	size_t count = 1;

	while (va_arg(list, char *))
		count++;
	return count + 1;
}

/* FIRST is argv[0]; SIZE counts the NULL. */
static void copy_arguments(char **argv, size_t size, const char *first, va_list list)
{
	argv[0] = (char *)(uintptr_t)first;
	for (size_t i = 1; i < size; i++)
		argv[i] = va_arg(list, char *);
}

#define COLLECT_ARGUMENTS(argv, first, list)       \
	va_list list;                              \
	va_start(list, first);                     \
	const size_t size = count_arguments(list); \
	va_end(list);                              \
	char *argv[size];                          \
	va_start(list, first);                     \
	copy_arguments(argv, size, first, list)

EXPORT int execl(const char *path, const char *first, ...)
{
	COLLECT_ARGUMENTS(argv, first, list);
	va_end(list);
	return execve(path, argv, environ);
}

EXPORT int execlp(const char *file, const char *first, ...)
{
	COLLECT_ARGUMENTS(argv, first, list);
	va_end(list);
	return execvpe(file, argv, environ);
}

EXPORT int execle(const char *path, const char *first, ...)
{
	char *const *envp;

	COLLECT_ARGUMENTS(argv, first, list);
	envp = va_arg(list, char *const *);
	va_end(list);
	return execve(path, argv, envp);
}

typedef int (*spawn_function)(pid_t *, const char *, const posix_spawn_file_actions_t *,
                              const posix_spawnattr_t *, char *const[], char *const[]);

/* libc's own clone has no hook in the child. So this process itself takes on, for the moment, what
 * the child must find. It only has to if the server ignores a signal that Octopus has taken. */
static int spawn_by(spawn_function function, pid_t *pid, const char *path,
                    const posix_spawn_file_actions_t *actions, const posix_spawnattr_t *attributes,
                    char *const argv[], char *const envp[])
{
	const size_t entries = pass_on_room(envp, true);
	char *room[entries];
	struct pass_on pass_on;
	int error;

	error = function(pid, path, actions, attributes, argv,
	                 pass_on_begin(&pass_on, envp, true, room, entries));
	pass_on_end(&pass_on);
	return error;
}

EXPORT int posix_spawn(pid_t *pid, const char *path, const posix_spawn_file_actions_t *actions,
                       const posix_spawnattr_t *attributes, char *const argv[], char *const envp[])
{
	libc_calls_ensure();
	return spawn_by(libc_calls.posix_spawn, pid, path, actions, attributes, argv, envp);
}

EXPORT int posix_spawnp(pid_t *pid, const char *file, const posix_spawn_file_actions_t *actions,
                        const posix_spawnattr_t *attributes, char *const argv[], char *const envp[])
{
	libc_calls_ensure();
	return spawn_by(libc_calls.posix_spawnp, pid, file, actions, attributes, argv, envp);
}

#ifdef __GLIBC__
static bool add_close_unless_ours(int fd, void *actions)
{
	if (!waiting_owns(fd))
		(void)posix_spawn_file_actions_addclose(actions, fd);
	return true;
}

/* Python's subprocess uses this since 3.13. It is no error there to close a number that is not
 * open. */
EXPORT int posix_spawn_file_actions_addclosefrom_np(posix_spawn_file_actions_t *actions, int from)
{
	libc_calls_ensure();
	if (!waiting_exists())
		return libc_calls.posix_spawn_file_actions_addclosefrom_np(actions, from);
	procfs_each_fd(from, add_close_unless_ours, actions);
	return 0;
}
#endif

/* system() and popen() read the environment from environ. */
EXPORT int system(const char *command)
{
	const size_t entries = pass_on_room(environ, true);
	char *room[entries];
	char **const before = environ;
	struct pass_on pass_on;
	int result;

	libc_calls_ensure();
	environ = (char **)(uintptr_t)pass_on_begin(&pass_on, before, true, room, entries);
	result = libc_calls.system(command);
	environ = before;
	pass_on_end(&pass_on);
	return result;
}

EXPORT FILE *popen(const char *command, const char *mode)
{
	const size_t entries = pass_on_room(environ, true);
	char *room[entries];
	char **const before = environ;
	struct pass_on pass_on;
	FILE *stream;

	libc_calls_ensure();
	environ = (char **)(uintptr_t)pass_on_begin(&pass_on, before, true, room, entries);
	stream = libc_calls.popen(command, mode);
	environ = before;
	pass_on_end(&pass_on);
	return stream;
}
