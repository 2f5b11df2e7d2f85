/* SPDX-License-Identifier: MIT */
/* Shuts itself into a sandbox before it serves, as vsftpd's and sshd's children and servers with
 * pledge-like filters do. The first word says how:
 *   child-strict, child-filter  each connection has a child, which may only read, write and exit
 *   self-filter                 one process, which may only accept, read, write, close and exit
 *   no-exec                     a thread for each connection; none may execute or fork
 * A forbidden call kills the process. The parent says how each child ended. */
#include "conversation.h"
#include "listeners.h"

#include <linux/filter.h>
#include <linux/seccomp.h>
#include <pthread.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#ifndef SECCOMP_RET_KILL_PROCESS
#define SECCOMP_RET_KILL_PROCESS 0x80000000U
#endif

enum { MOST_CALLS = 16 };

static struct listeners listeners;
static const char *mode;

static void die(const char *what)
{
	perror(what);
	exit(1);
}

/* Filters the calls of LIST, which ends with -1: they get ON_LIST, all others get ELSEWHERE. */
static void filter(const int *list, unsigned on_list, unsigned elsewhere, unsigned flags)
{
	struct sock_filter steps[2 * MOST_CALLS + 2];
	struct sock_fprog program = {0, steps};

	steps[program.len++] = (struct sock_filter)BPF_STMT(BPF_LD | BPF_W | BPF_ABS,
	                                                    offsetof(struct seccomp_data, nr));
	for (; *list >= 0; list++) {
		steps[program.len++] = (struct sock_filter)BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K,
		                                                    (unsigned)*list, 0, 1);
		steps[program.len++] = (struct sock_filter)BPF_STMT(BPF_RET | BPF_K, on_list);
	}
	steps[program.len++] = (struct sock_filter)BPF_STMT(BPF_RET | BPF_K, elsewhere);
	if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) != 0)
		die("PR_SET_NO_NEW_PRIVS");
	if (flags ? syscall(SYS_seccomp, SECCOMP_SET_MODE_FILTER, flags, &program) != 0
	          : prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &program) != 0)
		die("seccomp");
}

static void answer(int fd, bool is_strict)
{
	static const char response[] = "HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\npong\n";
	char request[4096];

	while (read(fd, request, sizeof(request)) > 0)
		(void)!write(fd, response, sizeof(response) - 1);
	if (is_strict) /* exit_group() is forbidden there, and so is close() */
		syscall(SYS_exit, 0);
	close(fd);
}

static void serve_in_child(int fd)
{
	const int few[] = {SYS_read, SYS_write, SYS_close, SYS_exit_group, SYS_rt_sigreturn, -1};
	const bool is_strict = strcmp(mode, "child-strict") == 0;
	int status;
	pid_t child = fork();

	if (child < 0)
		die("fork");
	if (child > 0) {
		close(fd);
		waitpid(child, &status, 0);
		printf("child ended with %d\n", status);
		fflush(stdout);
		return;
	}
	if (!is_strict)
		filter(few, SECCOMP_RET_ALLOW, SECCOMP_RET_KILL_PROCESS, 0);
	else if (prctl(PR_SET_SECCOMP, SECCOMP_MODE_STRICT) != 0)
		die("strict seccomp");
	answer(fd, is_strict);
	_exit(0);
}

static void serve_alone(int fd)
{
	answer(fd, false);
}

static void *answer_in_thread(void *argument)
{
	answer((int)(intptr_t)argument, false);
	return NULL;
}

static void serve_in_thread(int fd)
{
	pthread_t thread;

	if (pthread_create(&thread, NULL, answer_in_thread, (void *)(intptr_t)fd) != 0)
		die("pthread_create");
	pthread_detach(thread);
}

static void serve_all(void (*serve)(int))
{
	for (;;) {
		const int fd = accept(listeners.fds[0], NULL, NULL);

		if (fd >= 0)
			serve(fd);
	}
}

int main(int argc, char **argv)
{
	const int own[] = {SYS_accept, SYS_accept4,    SYS_read,         SYS_write,
	                   SYS_close,  SYS_exit_group, SYS_rt_sigreturn, -1};
	const int starts[] = {SYS_execve, SYS_execveat,
#ifdef SYS_fork
	                      SYS_fork, SYS_vfork,
#endif
	                      -1};
	struct server_options options;

	server_options_parse(argc, argv, &options);
	mode = options.argument;
	listeners_open(&options, false, &listeners);
	if (strcmp(mode, "self-filter") == 0) {
		filter(own, SECCOMP_RET_ALLOW, SECCOMP_RET_KILL_PROCESS, 0);
		serve_all(serve_alone);
	}
	if (strcmp(mode, "no-exec") == 0) {
		filter(starts, SECCOMP_RET_KILL_PROCESS, SECCOMP_RET_ALLOW,
		       SECCOMP_FILTER_FLAG_TSYNC);
		serve_all(serve_in_thread);
	}
	serve_all(serve_in_child);
}
