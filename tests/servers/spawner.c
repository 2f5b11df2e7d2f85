/* SPDX-License-Identifier: MIT */
/* A parent between Octopus and the server: `spawner HOW COMMAND...` runs COMMAND as its child, waits,
 * and passes its exit status on. */
#include <fcntl.h>
#include <spawn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

extern char **environ;

static void die(const char *what)
{
	perror(what);
	exit(126);
}

static pid_t by_fork(char **command)
{
	pid_t pid = fork();

	if (pid == 0) {
		execv(command[0], command);
		_exit(127);
	}
	return pid;
}

/* As careful programs do: nothing but the standard descriptors reaches the child. */
static pid_t by_vfork_closing_all(char **command)
{
	pid_t pid = vfork();

	if (pid == 0) {
		close_range(3, ~0U, 0);
		execvp(command[0], command);
		_exit(127);
	}
	return pid;
}

static pid_t by_fexecve(char **command)
{
	pid_t pid = fork();

	if (pid == 0) {
		int fd = open(command[0], O_PATH | O_CLOEXEC);
		fexecve(fd, command, environ);
		_exit(127);
	}
	return pid;
}

static pid_t spawn(char **command, const posix_spawn_file_actions_t *actions)
{
	pid_t pid;

	return posix_spawnp(&pid, command[0], actions, NULL, command, environ) == 0 ? pid : -1;
}

static pid_t by_posix_spawn(char **command)
{
	return spawn(command, NULL);
}

static pid_t by_posix_spawn_closefrom(char **command)
{
	posix_spawn_file_actions_t actions;

	posix_spawn_file_actions_init(&actions);
	posix_spawn_file_actions_addclosefrom_np(&actions, 3);
	pid_t pid = spawn(command, &actions);
	posix_spawn_file_actions_destroy(&actions);
	return pid;
}

static const char *join(char **words)
{
	static char line[4096];

	line[0] = '\0';
	for (; *words; words++) {
		strncat(line, *words, sizeof(line) - strlen(line) - 2);
		strcat(line, " ");
	}
	return line;
}

static int by_system(char **command)
{
	return system(join(command));
}

static int by_popen(char **command)
{
	FILE *stream = popen(join(command), "w");

	if (!stream)
		die("popen");
	return pclose(stream);
}

static const struct {
	const char *how;
	pid_t (*start)(char **command);
	int (*run)(char **command);
} ways[] = {
	{"fork", by_fork, NULL},
	{"vfork_closing_all", by_vfork_closing_all, NULL},
	{"fexecve", by_fexecve, NULL},
	{"posix_spawn", by_posix_spawn, NULL},
	{"posix_spawn_closefrom", by_posix_spawn_closefrom, NULL},
	{"system", NULL, by_system},
	{"popen", NULL, by_popen},
};

static int run(size_t way, char **command)
{
	int status = 0;

	if (ways[way].run)
		return ways[way].run(command);
	pid_t pid = ways[way].start(command);
	if (pid == -1 || waitpid(pid, &status, 0) != pid)
		die(command[0]);
	return status;
}

int main(int argc, char **argv)
{
	for (size_t i = 0; argc > 2 && i < sizeof(ways) / sizeof(ways[0]); i++) {
		if (strcmp(ways[i].how, argv[1]) == 0) {
			const int status = run(i, argv + 2);
			return WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
		}
	}
	fprintf(stderr, "usage: spawner HOW COMMAND...\n");
	return 125;
}
