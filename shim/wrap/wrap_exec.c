/* SPDX-License-Identifier: MIT */
/* exec and spawn: a child sees what it would see without us, and a successor that starts through other
 * programs passes its inheritance on. These run in vfork children too, on their parent's memory:
 * nothing outside the stack is written. */
#include "base/interpose.h"

#include <errno.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdint.h>

#include "generation/generation.h"
#include "generation/members.h"
#include "kernel/procfs.h"
#include "signal/dispositions.h"
#include "upgrade/inheritance.h"

extern char **environ;

typedef int (*exec_function)(const char *path, char *const argv[], char *const envp[]);

static size_t count_words(char *const words[])
{
	size_t count = 0;

	while (words && words[count])
		count++;
	return count;
}

static int exec_passing_on(exec_function function, const char *path, char *const argv[],
                           char *const envp[])
{
	const size_t count = count_words(envp);
	char *extended[count + 2];
	char entry[64];
	int result;

	for (size_t i = 0; i < count; i++)
		extended[i] = envp[i];
	extended[count] = entry;
	extended[count + 1] = NULL;
	inheritance_pass_on(true, entry, sizeof(entry));
	result = function(path, argv, extended);
	inheritance_pass_on(false, NULL, 0);
	return result;
}

static int exec_by(exec_function function, const char *path, char *const argv[], char *const envp[])
{
	const uint64_t changed = dispositions_prepare_exec();
	/* A forked child that becomes another program no longer counts as a connection. */
	const bool was_connection =
		atomic_load(&generation.membership) && getpid() == generation.pid;
	int result, error;

	if (was_connection)
		members_leave();
	if (inheritance_is_waiting())
		result = exec_passing_on(function, path, argv, envp);
	else
		result = function(path, argv, envp);
	error = errno;
	if (was_connection)
		members_join(MEMBER_CONNECTION);
	dispositions_undo_exec(changed);
	errno = error;
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

/* The words of execl and its kin, up to and with the NULL. */
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

/* libc's own clone leaves no place to act in the child: what it must find is in force here for the
 * moment. Only a server that ignores a signal which is ours has such a moment. */
static int spawn_by(spawn_function function, pid_t *pid, const char *path,
                    const posix_spawn_file_actions_t *actions, const posix_spawnattr_t *attributes,
                    char *const argv[], char *const envp[])
{
	const uint64_t changed = dispositions_prepare_exec();
	const size_t count = inheritance_is_waiting() ? count_words(envp) : 0;
	char *extended[count + 2];
	char entry[64];
	int error;

	if (inheritance_is_waiting()) {
		for (size_t i = 0; i < count; i++)
			extended[i] = envp[i];
		extended[count] = entry;
		extended[count + 1] = NULL;
		inheritance_pass_on(true, entry, sizeof(entry));
		error = function(pid, path, actions, attributes, argv, extended);
		inheritance_pass_on(false, NULL, 0);
	} else {
		error = function(pid, path, actions, attributes, argv, envp);
	}
	dispositions_undo_exec(changed);
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
	if (!inheritance_owns(fd))
		(void)posix_spawn_file_actions_addclose(actions, fd);
	return true;
}

/* Python's subprocess closes so, since 3.13. To close a number that is not open is no error there. */
EXPORT int posix_spawn_file_actions_addclosefrom_np(posix_spawn_file_actions_t *actions, int from)
{
	libc_calls_ensure();
	if (!inheritance_is_waiting())
		return libc_calls.posix_spawn_file_actions_addclosefrom_np(actions, from);
	procfs_each_fd(from, add_close_unless_ours, actions);
	return 0;
}
#endif

/* system() and popen() take the environment from environ. Only a successor that has not listened yet
 * has anything to pass on, and only a wrapper program then starts others. */
struct passing {
	char **before;
	uint64_t changed;
	char entry[64];
};

static void begin_passing(struct passing *passing, char **extended, size_t count)
{
	passing->changed = dispositions_prepare_exec();
	passing->before = environ;
	if (!inheritance_is_waiting())
		return;
	for (size_t i = 0; i < count; i++)
		extended[i] = environ[i];
	extended[count] = passing->entry;
	extended[count + 1] = NULL;
	inheritance_pass_on(true, passing->entry, sizeof(passing->entry));
	environ = extended;
}

static void end_passing(const struct passing *passing)
{
	if (environ != passing->before) {
		environ = passing->before;
		inheritance_pass_on(false, NULL, 0);
	}
	dispositions_undo_exec(passing->changed);
}

EXPORT int system(const char *command)
{
	const size_t count = inheritance_is_waiting() ? count_words(environ) : 0;
	char *extended[count + 2];
	struct passing passing;
	int result;

	libc_calls_ensure();
	begin_passing(&passing, extended, count);
	result = libc_calls.system(command);
	end_passing(&passing);
	return result;
}

EXPORT FILE *popen(const char *command, const char *mode)
{
	const size_t count = inheritance_is_waiting() ? count_words(environ) : 0;
	char *extended[count + 2];
	struct passing passing;
	FILE *stream;

	libc_calls_ensure();
	begin_passing(&passing, extended, count);
	stream = libc_calls.popen(command, mode);
	end_passing(&passing);
	return stream;
}
