/* SPDX-License-Identifier: MIT */
#include "child.h"

#include <fcntl.h>
#include <spawn.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

extern char **environ;

/* Reads all of FD into a fresh buffer and closes it. */
static char *read_to_end(int fd, size_t *ret_len)
{
	size_t room = 4096;
	size_t len = 0;
	char *text = malloc(room);
	ssize_t got = 0;

	while (text && (got = read(fd, text + len, room - len)) > 0) {
		len += (size_t)got;
		if (len == room) {
			room *= 2;
			char *larger = realloc(text, room);
			if (!larger)
				free(text);
			text = larger;
		}
	}
	close(fd);
	*ret_len = len;
	return text;
}

/* system() has no pipe of its own. A file, unlike a pipe, adds no descriptor to what the child
 * inherits, and a name without random letters keeps what it reports comparable. */
static char *run_by_system(const char *command, size_t *ret_len)
{
	static atomic_int serial;
	const char *dir = getenv("TMPDIR");
	char *path = NULL;
	char *line = NULL;
	char *output = NULL;

	if (asprintf(&path, "%s/child_%d_%d", dir ? dir : "/tmp", (int)getpid(), serial++) < 0)
		return NULL;
	int fd = open(path, O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
	if (fd == -1)
		goto out;
	if (asprintf(&line, "(%s) >'%s'", command, path) > 0 && system(line) != -1)
		output = read_to_end(fd, ret_len);
	else
		close(fd);
	unlink(path);
	free(line);
out:
	free(path);
	return output;
}

static char *run_by_popen(const char *command, size_t *ret_len)
{
	FILE *stream = popen(command, "r");

	if (!stream)
		return NULL;
	char *output = read_to_end(dup(fileno(stream)), ret_len);
	pclose(stream);
	return output;
}

/* Runs in a child that may share our memory (vfork), so it only makes system calls. */
static void become_shell(const char *command, int output_fd)
{
	dup2(output_fd, STDOUT_FILENO);
	execl("/bin/sh", "sh", "-c", command, (char *)NULL);
	_exit(127);
}

static pid_t start_by_fork(const char *command, int output_fd)
{
	pid_t pid = fork();

	if (pid == 0)
		become_shell(command, output_fd);
	return pid;
}

static pid_t start_by_vfork(const char *command, int output_fd)
{
	pid_t pid = vfork();

	if (pid == 0)
		become_shell(command, output_fd);
	return pid;
}

static pid_t start_by_spawn(const char *command, int output_fd)
{
	char *argv[] = {"sh", "-c", (char *)command, NULL};
	posix_spawn_file_actions_t actions;
	pid_t pid = -1;

	posix_spawn_file_actions_init(&actions);
	posix_spawn_file_actions_adddup2(&actions, output_fd, STDOUT_FILENO);
	if (posix_spawn(&pid, "/bin/sh", &actions, NULL, argv, environ) != 0)
		pid = -1;
	posix_spawn_file_actions_destroy(&actions);
	return pid;
}

static char *run_by_pipe(pid_t (*start)(const char *, int), const char *command, size_t *ret_len)
{
	int ends[2];

	if (pipe2(ends, O_CLOEXEC) == -1)
		return NULL;
	pid_t pid = start(command, ends[1]);
	close(ends[1]);
	char *output = read_to_end(ends[0], ret_len);
	if (pid == -1) {
		free(output);
		return NULL;
	}
	waitpid(pid, NULL, 0);
	return output;
}

char *child_run(const char *via, size_t *ret_len)
{
	const char *command = getenv("CHILD_COMMAND");

	if (!command)
		command = "true";
	if (strcmp(via, "system") == 0)
		return run_by_system(command, ret_len);
	if (strcmp(via, "popen") == 0)
		return run_by_popen(command, ret_len);
	if (strcmp(via, "fork") == 0)
		return run_by_pipe(start_by_fork, command, ret_len);
	if (strcmp(via, "vfork") == 0)
		return run_by_pipe(start_by_vfork, command, ret_len);
	if (strcmp(via, "spawn") == 0)
		return run_by_pipe(start_by_spawn, command, ret_len);
	return NULL;
}
