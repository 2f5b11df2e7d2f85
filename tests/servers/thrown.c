/* SPDX-License-Identifier: MIT */
/* Serves its first listener, and throws threads out of calls that wait for ever: out of each call once by
 * pthread_cancel(), once by siglongjmp() from a handler. It reports what became of each thread. One that has
 * jumped stays, and makes no further call that the library wraps. Then it says `waits`. The calls use
 * its second listener. Before all that a thread listens that is cancelled already. */
#include "conversation.h"
#include "listeners.h"
#include "signal_words.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <poll.h>
#include <pthread.h>
#include <setjmp.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/select.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <time.h>
#include <unistd.h>

enum { LONG_S = 600, THROWING = SIGPWR };

static struct listeners listeners;
static int listener_fd, epoll_fd, quiet_fds[2], full_fds[2];
static const struct timespec long_time = {LONG_S, 0};
static char bytes[65536];

static void call_accept(void)
{
	accept(listener_fd, NULL, NULL);
}

static void call_accept4(void)
{
	accept4(listener_fd, NULL, NULL, SOCK_CLOEXEC);
}

static void call_poll(void)
{
	poll(&(struct pollfd){.fd = listener_fd, .events = POLLIN}, 1, -1);
}

static void call_ppoll(void)
{
	ppoll(&(struct pollfd){.fd = listener_fd, .events = POLLIN}, 1, &long_time, NULL);
}

static void call_select(void)
{
	fd_set in;

	FD_ZERO(&in);
	FD_SET(listener_fd, &in);
	select(listener_fd + 1, &in, NULL, NULL, NULL);
}

static void call_pselect(void)
{
	fd_set in;

	FD_ZERO(&in);
	FD_SET(listener_fd, &in);
	pselect(listener_fd + 1, &in, NULL, NULL, &long_time, NULL);
}

static void call_epoll_wait(void)
{
	struct epoll_event event;

	epoll_wait(epoll_fd, &event, 1, -1);
}

static void call_epoll_pwait(void)
{
	struct epoll_event event;

	epoll_pwait(epoll_fd, &event, 1, LONG_S * 1000, NULL);
}

static void call_read(void)
{
	if (read(quiet_fds[0], bytes, 1) == 0)
		exit(3);
}

static void call_readv(void)
{
	readv(quiet_fds[0], &(struct iovec){bytes, 1}, 1);
}

static void call_recv(void)
{
	recv(quiet_fds[0], bytes, 1, 0);
}

static void call_recvfrom(void)
{
	recvfrom(quiet_fds[0], bytes, 1, 0, NULL, NULL);
}

static void call_recvmsg(void)
{
	recvmsg(quiet_fds[0],
	        &(struct msghdr){.msg_iov = &(struct iovec){bytes, 1}, .msg_iovlen = 1}, 0);
}

static void call_write(void)
{
	if (write(full_fds[0], bytes, 1) == 0)
		exit(3);
}

static void call_send(void)
{
	send(full_fds[0], bytes, 1, 0);
}

static void call_sendmsg(void)
{
	sendmsg(full_fds[0],
	        &(struct msghdr){.msg_iov = &(struct iovec){bytes, 1}, .msg_iovlen = 1}, 0);
}

static void call_pause(void)
{
	pause();
}

static void call_nanosleep(void)
{
	nanosleep(&long_time, NULL);
}

static void call_clock_nanosleep(void)
{
	clock_nanosleep(CLOCK_MONOTONIC, 0, &long_time, NULL);
}

static void call_sleep(void)
{
	sleep(LONG_S);
}

static void call_sigwait(void)
{
	sigset_t set;
	int sig;

	sigemptyset(&set);
	sigaddset(&set, SIGALRM);
	sigwait(&set, &sig);
}

static void call_sigsuspend(void)
{
	sigset_t mask;

	sigemptyset(&mask);
	sigsuspend(&mask);
}

static const struct {
	const char *name;
	void (*make)(void);
} calls[] = {
	{"accept", call_accept},
	{"accept4", call_accept4},
	{"poll", call_poll},
	{"ppoll", call_ppoll},
	{"select", call_select},
	{"pselect", call_pselect},
	{"epoll_wait", call_epoll_wait},
	{"epoll_pwait", call_epoll_pwait},
	{"read", call_read},
	{"readv", call_readv},
	{"recv", call_recv},
	{"recvfrom", call_recvfrom},
	{"recvmsg", call_recvmsg},
	{"write", call_write},
	{"send", call_send},
	{"sendmsg", call_sendmsg},
	{"pause", call_pause},
	{"nanosleep", call_nanosleep},
	{"clock_nanosleep", call_clock_nanosleep},
	{"sleep", call_sleep},
	{"sigwait", call_sigwait},
	{"sigsuspend", call_sigsuspend},
};

static struct thrown {
	void (*make)(void);
	pthread_t thread;
	sigjmp_buf way_out;
	_Atomic pid_t tid; /* set right before the call */
	_Atomic bool is_out;
} thrown[2 * sizeof(calls) / sizeof(calls[0])];
static __thread struct thrown *own;

static void on_throwing(int sig)
{
	(void)sig;
	siglongjmp(own->way_out, 1);
}

static void *run(void *context)
{
	own = context;
	if (sigsetjmp(own->way_out, 1) == 0) {
		atomic_store(&own->tid, (pid_t)syscall(SYS_gettid));
		own->make();
		return NULL;
	}
	atomic_store(&own->is_out, true);
	/* For ever, and in a call of the kernel's that no library sees. */
	while (syscall(SYS_futex, &own->is_out, 0 /* FUTEX_WAIT */, 1, NULL, NULL, 0) == 0)
		continue;
	for (;;)
		syscall(SYS_ppoll, NULL, 0, NULL, NULL, 0);
}

static void pause_briefly(void)
{
	syscall(SYS_nanosleep, &(struct timespec){0, 1000000}, NULL);
}

static bool sleeps(pid_t tid)
{
	char path[64], text[512];
	FILE *file;
	size_t length;
	const char *state;

	snprintf(path, sizeof(path), "/proc/self/task/%d/stat", tid);
	file = fopen(path, "re");
	if (!file)
		return false;
	length = fread(text, 1, sizeof(text) - 1, file);
	fclose(file);
	text[length] = '\0';
	state = strrchr(text, ')');
	return state && state[2] == 'S';
}

static void begin(struct thrown *it, void (*make)(void))
{
	it->make = make;
	if (pthread_create(&it->thread, NULL, run, it) != 0)
		exit(3);
	while (!atomic_load(&it->tid) || !sleeps(atomic_load(&it->tid)))
		pause_briefly();
}

static const char *cancel(struct thrown *it)
{
	void *result;

	pthread_cancel(it->thread);
	pthread_join(it->thread, &result);
	return result == PTHREAD_CANCELED ? "cancelled" : "returned";
}

static const char *throw_out(struct thrown *it)
{
	pthread_kill(it->thread, THROWING);
	while (!atomic_load(&it->is_out))
		pause_briefly();
	return "jumped";
}

static void report(const char *name, const char *what)
{
	struct report_line line;

	report_begin(&line);
	report_add(&line, name);
	report_add(&line, what ? " " : "");
	report_add(&line, what ? what : "");
	report_end(&line);
}

static void *serve(void *unused)
{
	(void)unused;
	for (;;) {
		const int fd = listeners_accept(listeners.fds[0], SOCK_CLOEXEC);

		if (fd != -1)
			conversation_serve_fd(fd, true);
	}
	return NULL;
}

/* None of these calls is a cancellation point (pthreads(7)). */
static void *listen_cancelled(void *ret_is_done)
{
	const struct sockaddr_in address = {.sin_family = AF_INET,
	                                    .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
	const int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

	pthread_cancel(pthread_self());
	if (bind(fd, (const void *)&address, sizeof(address)) == 0 && listen(fd, 1) == 0)
		*(bool *)ret_is_done = true;
	pthread_testcancel();
	return NULL;
}

static void listen_first(void)
{
	bool is_done = false;
	pthread_t thread;
	void *result;

	if (pthread_create(&thread, NULL, listen_cancelled, &is_done) != 0)
		exit(3);
	pthread_join(thread, &result);
	report("listen", is_done && result == PTHREAD_CANCELED ? "cancelled later" : "cut short");
}

static void make_waits(void)
{
	struct epoll_event event = {.events = EPOLLIN};

	listener_fd = listeners.fds[1];
	epoll_fd = epoll_create1(EPOLL_CLOEXEC);
	if (epoll_ctl(epoll_fd, EPOLL_CTL_ADD, listener_fd, &event) != 0 ||
	    socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, quiet_fds) != 0 ||
	    socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, full_fds) != 0)
		exit(3);
	while (send(full_fds[0], bytes, sizeof(bytes), MSG_DONTWAIT) > 0)
		continue;
}

int main(int argc, char **argv)
{
	const struct sigaction action = {.sa_handler = on_throwing};
	struct server_options options;
	pthread_t thread;

	server_options_parse(argc, argv, &options);
	sigaction(THROWING, &action, NULL);
	listen_first();
	listeners_open(&options, false, &listeners);
	make_waits();
	if (pthread_create(&thread, NULL, serve, NULL) != 0)
		return 3;
	for (size_t i = 0; i < sizeof(calls) / sizeof(calls[0]); i++) {
		begin(&thrown[2 * i], calls[i].make);
		report(calls[i].name, cancel(&thrown[2 * i]));
		begin(&thrown[2 * i + 1], calls[i].make);
		report(calls[i].name, throw_out(&thrown[2 * i + 1]));
	}
	report("waits", NULL);
	for (;;)
		pause();
}
