/* SPDX-License-Identifier: MIT */
/* A program that is made setuid, setgid or capable by the tests. It has more power than its caller, and tells
 * what it finds: usage: privileged calls [LIBRARY] | serve PORT | lower COMMAND...
 * calls: looks at /marker, and then makes the calls that a server makes; whoever traces it sees which.
 * serve: listens on PORT of 127.0.0.1, past libc if the port is given with a minus, and waits for a client.
 * lower: becomes its caller for good, so that what it executes is no such program, and executes that. */
#include <arpa/inet.h>
#include <dlfcn.h>
#include <errno.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <netinet/in.h>
#include <poll.h>
#include <signal.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/auxv.h>
#include <sys/prctl.h>
#include <sys/signalfd.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/time.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

static int bind_to(int port)
{
	struct sockaddr_in address = {.sin_family = AF_INET,
	                              .sin_port = htons((in_port_t)port),
	                              .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
	const int fd = socket(AF_INET, SOCK_STREAM, 0), on = 1;

	/* Connections of an earlier server may rest on the port (TIME_WAIT, tcp(7)). */
	(void)setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof(on));
	if (bind(fd, (void *)&address, sizeof(address)) == 0)
		return fd;
	printf("bind: %s\n", strerror(errno));
	exit(3);
}

static void meet_client(int listener_fd)
{
	struct sockaddr_in address;
	socklen_t length = sizeof(address);
	const int client_fd = socket(AF_INET, SOCK_STREAM, 0);
	struct pollfd wanted = {.fd = listener_fd, .events = POLLIN};
	char byte = 'a';
	int fd;

	getsockname(listener_fd, (void *)&address, &length);
	connect(client_fd, (void *)&address, length);
	poll(&wanted, 1, 10000);
	fd = accept(listener_fd, NULL, NULL);
	(void)!write(client_fd, &byte, 1);
	(void)!read(fd, &byte, 1);
	(void)!send(fd, &byte, 1, 0);
	close(fd);
	close(client_fd);
}

static void listen_in_both_ways(void)
{
	const int fd = bind_to(0), past_fd = bind_to(0);

	listen(fd, 8);
	meet_client(fd);
	(void)!syscall(SYS_listen, past_fd, 8);
	meet_client(past_fd);
	shutdown(fd, SHUT_RD);
	close(fd);
	close(past_fd);
}

static void on_signal(int sig)
{
	(void)sig;
}

/* What the calls read and write lies on the heap, where a library cannot know that it is there. */
static void handle_signals(void)
{
	struct heap {
		struct timespec request, rest;
		sigset_t set;
		siginfo_t info;
	} *heap = calloc(1, sizeof(*heap));
	struct itimerval soon = {.it_value.tv_usec = 20000};
	struct sigaction action = {.sa_handler = on_signal};
	int fd;

	sigaction(SIGHUP, &action, NULL);
	sigaction(SIGALRM, &action, NULL);
	signal(SIGUSR1, on_signal);
	kill(getpid(), SIGHUP);
	raise(SIGUSR1);
	sigaddset(&heap->set, SIGTERM);
	sigprocmask(SIG_BLOCK, &heap->set, NULL);
	kill(getpid(), SIGTERM);
	sigtimedwait(&heap->set, &heap->info, &heap->request);
	fd = signalfd(-1, &heap->set, SFD_NONBLOCK);
	heap->request.tv_sec = 60;
	setitimer(ITIMER_REAL, &soon, NULL);
	nanosleep(&heap->request, &heap->rest);
	setitimer(ITIMER_REAL, &soon, NULL);
	clock_nanosleep(CLOCK_MONOTONIC, 0, &heap->request, &heap->rest);
	close(fd);
	free(heap);
}

static void have_child(void)
{
	int status;

	if (fork() == 0)
		_exit(4);
	wait(&status);
	(void)!system(":");
}

/* A filter that allows all but setdomainname(2), which kills. */
static void enter_sandbox(void)
{
	struct sock_filter steps[] = {
		BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, nr)),
		BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, SYS_setdomainname, 0, 1),
		BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_KILL),
		BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW),
	};
	struct sock_fprog program = {sizeof(steps) / sizeof(steps[0]), steps};

	prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0);
	prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &program, 0, 0);
}

static void make_calls(const char *library)
{
	(void)!access("/marker", F_OK);
	if (library && !dlopen(library, RTLD_NOW | RTLD_DEEPBIND))
		printf("%s\n", dlerror());
	listen_in_both_ways();
	handle_signals();
	have_child();
	enter_sandbox();
	listen_in_both_ways();
	(void)!unlink("/no/such/file");
	printf("done\n");
}

static void serve(int port)
{
	const int fd = bind_to(abs(port));

	if (port < 0)
		(void)!syscall(SYS_listen, fd, 8);
	else
		listen(fd, 8);
	printf("ready %d %d\n", abs(port), getpid());
	fflush(stdout);
	for (;;)
		close(accept(fd, NULL, NULL));
}

static void lower(char **command)
{
	if (setresgid(getgid(), getgid(), getgid()) || setresuid(getuid(), getuid(), getuid()))
		exit(4);
	execvp(command[0], command);
	exit(5);
}

int main(int argc, char **argv)
{
	printf("secure %lu\n", getauxval(AT_SECURE));
	fflush(stdout);
	if (argc > 1 && strcmp(argv[1], "calls") == 0)
		make_calls(argv[2]);
	else if (argc > 2 && strcmp(argv[1], "serve") == 0)
		serve(atoi(argv[2]));
	else if (argc > 2 && strcmp(argv[1], "lower") == 0)
		lower(argv + 2);
	return 0;
}
