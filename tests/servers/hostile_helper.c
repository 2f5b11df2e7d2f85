/* SPDX-License-Identifier: MIT */
/* A server whose every version starts helpers before it listens, and waits until they have turned on
 * everybody else: on the memory and the descriptors that they have, and on the broker of the birth. They
 * go on until they are killed, through all upgrades. The argument names them, each by its way:
 *
 * other   nobody by fork and exec, without descriptors
 * nobody  the same by fork alone
 * fork    this user by fork alone: it belongs to the birth, and sends only wrong requests
 * linger  as other, but without the library: passes sockets whose close sleeps
 *
 * If there is a file `fail`, the server then exits with 3. Now and then a helper tells as trespass.h
 * says; `hostile PID asked N` says how often it has asked a broker by then. */
#include "broker_abuse.h"
#include "conversation.h"
#include "listeners.h"
#include "trespass.h"

#include <grp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

enum { NOBODY = 65534, ROUNDS_BEFORE = 3, LIFE_S = 300, HIGHEST_FD = 1024 };

static void become_nobody(void)
{
	if (getuid() == 0 && (setgroups(0, NULL) || setgid(NOBODY) || setuid(NOBODY)))
		_exit(9);
}

/* The server has none yet. */
static void look_for_listeners(void)
{
	for (int fd = 0; fd < HIGHEST_FD; fd++) {
		int is_listening = 0;
		socklen_t size = sizeof(is_listening);

		if (getsockopt(fd, SOL_SOCKET, SO_ACCEPTCONN, &is_listening, &size) == 0)
			trespass_note(is_listening, "a listener that it has");
	}
}

/* BOSS has started it. A byte over TELL_FD says that it has begun. */
static void attack_for_ever(const char *way, pid_t boss, int tell_fd)
{
	alarm(LIFE_S);
	trespass_begin((uint32_t)boss, 0);
	broker_abuse_begin(boss, getuid() != NOBODY, strcmp(way, "linger") == 0);
	for (unsigned round_number = 1;; round_number++) {
		trespass();
		look_for_listeners();
		if (!broker_abuse())
			usleep(20000);
		if (round_number % ROUNDS_BEFORE == 0) {
			trespass_tell();
			broker_abuse_tell();
		}
		if (round_number == ROUNDS_BEFORE) {
			(void)!write(tell_fd, "!", 1);
			close(tell_fd);
		}
		usleep(5000);
	}
}

static void start_helper(const char *way)
{
	const pid_t boss = getpid();
	int pair[2];
	char boss_text[16], fd_text[16], byte;

	if (pipe(pair))
		exit(1);
	if (fork() == 0) {
		if (strcmp(way, "fork") != 0)
			become_nobody();
		if (strcmp(way, "linger") == 0)
			unsetenv("LD_PRELOAD");
		else if (strcmp(way, "other") != 0)
			attack_for_ever(way, boss, pair[1]);
		snprintf(boss_text, sizeof(boss_text), "%d", boss);
		snprintf(fd_text, sizeof(fd_text), "%d", dup2(pair[1], 3));
		closefrom(4);
		execl("/proc/self/exe", "helper", "--attack", way, boss_text, fd_text, NULL);
		_exit(8);
	}
	close(pair[1]);
	if (read(pair[0], &byte, 1) != 1)
		exit(1);
	close(pair[0]);
}

static void serve(int fd)
{
	conversation_serve_fd(fd, true);
}

int main(int argc, char **argv)
{
	struct server_options options;
	struct listeners listeners;
	char *ways;

	if (argc == 5 && strcmp(argv[1], "--attack") == 0)
		attack_for_ever(argv[2], (pid_t)atoi(argv[3]), atoi(argv[4]));
	server_options_parse(argc, argv, &options);
	ways = strdup(options.argument ? options.argument : "");
	for (char *way = strtok(ways, ","); way; way = strtok(NULL, ","))
		start_helper(way);
	free(ways);
	if (access("fail", F_OK) == 0)
		return 3;
	listeners_open(&options, false, &listeners);
	listeners_serve(&listeners, 0, serve);
}
