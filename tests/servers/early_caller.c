/* SPDX-License-Identifier: MIT */
/* A library whose constructor calls what liboctopus.so interposes before the latter's constructor has
 * run, as allocators do (jemalloc under redis). It demands of each call what libc would answer, and
 * ends the process with 99 if one answers anything else. Preloaded as
 * LD_PRELOAD="liboctopus.so early_caller.so": constructors run from the last to the first. */
#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <poll.h>
#include <signal.h>
#include <spawn.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/select.h>
#include <sys/signalfd.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

/* siginterrupt() is, and in use. */
#pragma GCC diagnostic ignored "-Wdeprecated-declarations"

#define DEMAND(claim) demand((claim), #claim, __LINE__)

extern char **environ;

static void demand(bool claim, const char *what, int line)
{
	if (claim)
		return;
	dprintf(STDERR_FILENO, "early call, line %d: %s: %s\n", line, what, strerror(errno));
	syscall(SYS_exit_group, 99);
}

static bool fails(long result, int error)
{
	return result == -1 && errno == error;
}

static void call_files(void)
{
	int null_fd = open("/dev/null", O_RDWR | O_CLOEXEC);

	DEMAND(fails(close(-1), EBADF));
	DEMAND(fails(dup2(-1, 50), EBADF));
	DEMAND(dup2(null_fd, null_fd) == null_fd);
	DEMAND(fails(dup2(50, 50), EBADF));
	DEMAND(dup2(null_fd, 50) == 50);
	DEMAND(fails(dup3(null_fd, null_fd, 0), EINVAL));
	DEMAND(dup3(null_fd, 51, O_CLOEXEC) == 51);
	DEMAND(fcntl(51, F_GETFD) == FD_CLOEXEC);
	DEMAND(close_range(51, 51, 0) == 0);
	DEMAND(close(50) == 0);
	/* Beyond what is open: lower numbers may be an inheritance that nobody knows of yet. */
	closefrom(1 << 20);
	DEMAND(close_range(1 << 20, ~0U, 0) == 0);
	DEMAND(close(null_fd) == 0);
	DEMAND(fails(unlink("/nowhere/early"), ENOENT));
	DEMAND(fails(unlinkat(AT_FDCWD, "/nowhere/early", 0), ENOENT));
	DEMAND(fails(remove("/nowhere/early"), ENOENT));
}

/* A listener of this moment is none that Octopus would have to know: it is closed again. */
static void call_sockets(void)
{
	struct sockaddr_in address = {.sin_family = AF_INET,
	                              .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
	socklen_t length = sizeof(address);
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);

	DEMAND(fd >= 0);
	DEMAND(bind(fd, (const void *)&address, sizeof(address)) == 0);
	DEMAND(getsockname(fd, (void *)&address, &length) == 0);
	DEMAND(address.sin_port != 0);
	DEMAND(fails(accept(fd, NULL, NULL), EINVAL));
	DEMAND(fails(accept4(-1, NULL, NULL, 0), EBADF));
	DEMAND(fails(listen(-1, 1), EBADF));
	DEMAND(fails(shutdown(fd, SHUT_RDWR), ENOTCONN));
	DEMAND(close(fd) == 0);
}

static void call_waits(void)
{
	struct timespec none = {0}, moment = {0, 1000};
	struct timeval no_time = {0};
	struct epoll_event event;
	struct pollfd nobody = {.fd = -1};
	int epoll_fd = epoll_create1(EPOLL_CLOEXEC);

	DEMAND(epoll_wait(epoll_fd, &event, 1, 0) == 0);
	DEMAND(epoll_pwait(epoll_fd, &event, 1, 1, NULL) == 0);
	DEMAND(epoll_pwait2(epoll_fd, &event, 1, &none, NULL) == 0);
	DEMAND(fails(epoll_wait(-1, &event, 1, 0), EBADF));
	DEMAND(close(epoll_fd) == 0);
	DEMAND(poll(&nobody, 1, 0) == 0);
	DEMAND(poll(NULL, 0, 1) == 0);
	DEMAND(ppoll(&nobody, 1, &none, NULL) == 0);
	DEMAND(select(0, NULL, NULL, NULL, &no_time) == 0);
	DEMAND(pselect(0, NULL, NULL, NULL, &none, NULL) == 0);
	DEMAND(nanosleep(&moment, NULL) == 0);
	DEMAND(clock_nanosleep(CLOCK_MONOTONIC, 0, &moment, NULL) == 0);
	DEMAND(clock_nanosleep(-1, 0, &moment, NULL) == EINVAL);
	DEMAND(usleep(1) == 0);
	DEMAND(sleep(0) == 0);
}

static void on_signal(int sig)
{
	(void)sig;
}

static void call_signals(void)
{
	const struct timespec none = {0};
	struct sigaction action;
	sigset_t set, before;

	DEMAND(sigaction(SIGUSR1, NULL, &action) == 0);
	DEMAND(action.sa_handler == SIG_DFL);
	DEMAND(fails(sigaction(SIGKILL, &action, NULL), EINVAL));
	DEMAND(signal(SIGUSR1, on_signal) == SIG_DFL);
	DEMAND(siginterrupt(SIGUSR1, 1) == 0);
	DEMAND(sigaction(SIGUSR1, NULL, &action) == 0);
	DEMAND(action.sa_handler == on_signal && !(action.sa_flags & SA_RESTART));
	DEMAND(siginterrupt(SIGUSR1, 0) == 0);
	DEMAND(signal(SIGUSR1, SIG_DFL) == on_signal);
	sigemptyset(&set);
	sigaddset(&set, SIGUSR1);
	DEMAND(fails(sigtimedwait(&set, NULL, &none), EAGAIN));
	sigprocmask(SIG_BLOCK, &set, &before);
	int fd = signalfd(-1, &set, SFD_CLOEXEC);
	DEMAND(fd >= 0 && close(fd) == 0);
	raise(SIGUSR1);
	sigset_t pending;
	DEMAND(sigpending(&pending) == 0 && sigismember(&pending, SIGUSR1) == 1);
	DEMAND(sigwaitinfo(&set, NULL) == SIGUSR1);
	sigprocmask(SIG_SETMASK, &before, NULL);
}

static void call_children(void)
{
	char *const words[] = {"true", NULL};
	int status;
	pid_t pid;

	DEMAND(fails(execve("/nowhere/early", words, environ), ENOENT));
	DEMAND(fails(execv("/nowhere/early", words), ENOENT));
	DEMAND(fails(execvp("/nowhere/early", words), ENOENT));
	DEMAND(fails(execl("/nowhere/early", "early", (char *)NULL), ENOENT));
	DEMAND(posix_spawnp(&pid, "true", NULL, NULL, words, environ) == 0);
	DEMAND(waitpid(pid, &status, 0) == pid && status == 0);
	DEMAND(system("true") == 0);
	FILE *stream = popen("true", "r");
	DEMAND(stream && pclose(stream) == 0);
	pid = fork();
	if (pid == 0)
		_exit(setsid() > 0 ? 42 : 43);
	DEMAND(waitpid(pid, &status, 0) == pid && WEXITSTATUS(status) == 42);
}

/* The children of call_children() load this library too. */
__attribute__((constructor)) static void call_early(void)
{
	if (getenv("EARLY_CALLER_RAN"))
		return;
	setenv("EARLY_CALLER_RAN", "1", 1);
	DEMAND(syscall(SYS_getpid) == getpid());
	DEMAND(fails(syscall(SYS_close, -1), EBADF));
	DEMAND(fails(syscall(SYS_accept4, -1, NULL, NULL, 0), EBADF));
	call_files();
	call_sockets();
	call_waits();
	call_signals();
	call_children();
	unsetenv("EARLY_CALLER_RAN");
	dprintf(STDERR_FILENO, "called early\n");
}
