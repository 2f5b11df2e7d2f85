/* SPDX-License-Identifier: MIT */
#include "signal_waits.h"

#include "conversation.h"
#include "signal_words.h"

#include <errno.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/select.h>
#include <sys/signalfd.h>
#include <sys/socket.h>
#include <sys/uio.h>
#include <time.h>
#include <unistd.h>

enum { LONG_S = 600 };

static const struct timespec long_time = {LONG_S, 0};

/* Says how CALL ended: "pause: EINTR", "poll: 1". */
static void report_result(const char *call, long result)
{
	const int error = errno;
	struct report_line line;

	report_begin(&line);
	report_add(&line, call);
	report_add(&line, ": ");
	if (result >= 0)
		report_add_number(&line, result);
	else
		report_add(&line, strerrorname_np(error));
	report_end(&line);
}

static bool report_got(const char *call, int sig, int code)
{
	struct report_line line;

	report_begin(&line);
	report_add(&line, call);
	report_add(&line, ": ");
	report_add(&line, signal_word(sig));
	report_add(&line, " ");
	report_add(&line, signal_code_word(code));
	report_end(&line);
	return true;
}

/* All but what WAIT names. */
static sigset_t complement(const struct signal_wait *wait)
{
	sigset_t mask;

	pthread_sigmask(SIG_SETMASK, NULL, &mask);
	for (int sig = 1; sig < SIGRTMIN; sig++) {
		if (sigismember(&wait->set, sig) == 1)
			sigdelset(&mask, sig);
	}
	return mask;
}

static bool wait_pause(const struct signal_wait *wait)
{
	(void)wait;
	report_result("pause", pause());
	return false;
}

static bool wait_sigsuspend(const struct signal_wait *wait)
{
	const sigset_t mask = complement(wait);

	report_result("sigsuspend", sigsuspend(&mask));
	return false;
}

/* Blocked until it is there, as while a long handler runs. It looks often, so it is likely to see
 * what comes before another thread can take it. */
static bool wait_unblock(const struct signal_wait *wait)
{
	sigset_t pending, both;

	do {
		usleep(1);
		sigpending(&pending);
		sigandset(&both, &pending, &wait->set);
	} while (sigisemptyset(&both));
	pthread_sigmask(SIG_UNBLOCK, &wait->set, NULL);
	report_result("unblock", 0);
	return false;
}

static bool wait_nanosleep(const struct signal_wait *wait)
{
	(void)wait;
	report_result("nanosleep", nanosleep(&long_time, NULL));
	return false;
}

static bool wait_clock_nanosleep(const struct signal_wait *wait)
{
	(void)wait;
	errno = clock_nanosleep(CLOCK_MONOTONIC, 0, &long_time, NULL);
	report_result("clock_nanosleep", errno ? -1 : 0);
	return false;
}

static bool wait_sleep(const struct signal_wait *wait)
{
	(void)wait;
	report_result("sleep", sleep(LONG_S) > 0);
	return false;
}

static bool wait_read(const struct signal_wait *wait)
{
	char byte;

	report_result("read", read(wait->pipe_fd, &byte, 1));
	return false;
}

static bool wait_poll(const struct signal_wait *wait)
{
	struct pollfd request = {.fd = wait->pipe_fd, .events = POLLIN};

	report_result("poll", poll(&request, 1, LONG_S * 1000));
	return false;
}

static bool wait_ppoll(const struct signal_wait *wait)
{
	struct pollfd request = {.fd = -1};
	const sigset_t mask = complement(wait);

	report_result("ppoll", ppoll(&request, 1, &long_time, &mask));
	return false;
}

static bool wait_select(const struct signal_wait *wait)
{
	struct timeval limit = {LONG_S, 0};
	fd_set in;

	FD_ZERO(&in);
	FD_SET(wait->pipe_fd, &in);
	report_result("select", select(wait->pipe_fd + 1, &in, NULL, NULL, &limit));
	return false;
}

static bool wait_pselect(const struct signal_wait *wait)
{
	const sigset_t mask = complement(wait);

	report_result("pselect", pselect(0, NULL, NULL, NULL, &long_time, &mask));
	return false;
}

static int epoll_of(int fd)
{
	struct epoll_event event = {.events = EPOLLIN};
	int epoll_fd = epoll_create1(EPOLL_CLOEXEC);

	if (epoll_fd == -1 || epoll_ctl(epoll_fd, EPOLL_CTL_ADD, fd, &event) == -1) {
		perror("epoll");
		exit(1);
	}
	return epoll_fd;
}

static bool wait_epoll_wait(const struct signal_wait *wait)
{
	int epoll_fd = epoll_of(wait->pipe_fd);
	struct epoll_event event;

	report_result("epoll_wait", epoll_wait(epoll_fd, &event, 1, LONG_S * 1000));
	close(epoll_fd);
	return false;
}

static bool wait_epoll_pwait(const struct signal_wait *wait)
{
	int epoll_fd = epoll_create1(EPOLL_CLOEXEC);
	const sigset_t mask = complement(wait);
	struct epoll_event event;

	report_result("epoll_pwait", epoll_pwait(epoll_fd, &event, 1, LONG_S * 1000, &mask));
	close(epoll_fd);
	return false;
}

static bool wait_epoll_pwait2(const struct signal_wait *wait)
{
	int epoll_fd = epoll_create1(EPOLL_CLOEXEC);
	const sigset_t mask = complement(wait);
	struct epoll_event event;

	report_result("epoll_pwait2", epoll_pwait2(epoll_fd, &event, 1, &long_time, &mask));
	close(epoll_fd);
	return false;
}

static bool wait_sigwait(const struct signal_wait *wait)
{
	struct report_line line;
	int sig = 0;

	errno = sigwait(&wait->set, &sig);
	if (errno) {
		report_result("sigwait", -1);
		return false;
	}
	report_begin(&line);
	report_add(&line, "sigwait: ");
	report_add(&line, signal_word(sig));
	report_end(&line);
	return true;
}

static bool wait_sigwaitinfo(const struct signal_wait *wait)
{
	siginfo_t info;
	int sig = sigwaitinfo(&wait->set, &info);

	if (sig > 0)
		return report_got("sigwaitinfo", info.si_signo, info.si_code);
	report_result("sigwaitinfo", sig);
	return false;
}

static bool wait_sigtimedwait(const struct signal_wait *wait)
{
	siginfo_t info;
	int sig = sigtimedwait(&wait->set, &info, &long_time);

	if (sig > 0)
		return report_got("sigtimedwait", info.si_signo, info.si_code);
	report_result("sigtimedwait", sig);
	return false;
}

static bool wait_signalfd(const struct signal_wait *wait)
{
	struct signalfd_siginfo info;
	ssize_t len = read(wait->signal_fd, &info, sizeof(info));

	if (len == sizeof(info))
		return report_got("signalfd", (int)info.ssi_signo, info.ssi_code);
	report_result("signalfd", len);
	return false;
}

static bool wait_signalfd_epoll(const struct signal_wait *wait)
{
	static int epoll_fd = -1;
	struct epoll_event event;

	if (epoll_fd == -1)
		epoll_fd = epoll_of(wait->signal_fd);
	int count = epoll_wait(epoll_fd, &event, 1, -1);
	if (count == 1)
		return wait_signalfd(wait);
	report_result("epoll_wait", count);
	return false;
}

/* Serves on the listener meanwhile. */
static bool wait_accept(const struct signal_wait *wait)
{
	int fd = accept(wait->listener_fd, NULL, NULL);

	if (fd == -1)
		report_result("accept", fd);
	else
		conversation_serve_fd(fd, true);
	return false;
}

/* With a limit on the listener, accept() is not restarted after a handler (signal(7)). */
static bool wait_limited_accept(const struct signal_wait *wait)
{
	const struct timeval limit = {LONG_S, 0};

	setsockopt(wait->listener_fd, SOL_SOCKET, SO_RCVTIMEO, &limit, sizeof(limit));
	return wait_accept(wait);
}

/* The same on a connection. */
static int limited_connection(int option, int *ret_peer_fd)
{
	const struct timeval limit = {LONG_S, 0};
	int pair[2];

	if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, pair) != 0) {
		perror("socketpair");
		exit(2);
	}
	setsockopt(pair[0], SOL_SOCKET, option, &limit, sizeof(limit));
	*ret_peer_fd = pair[1];
	return pair[0];
}

static bool wait_limited_read(const struct signal_wait *wait)
{
	int peer_fd;
	const int fd = limited_connection(SO_RCVTIMEO, &peer_fd);
	char byte;

	(void)wait;
	report_result("read", read(fd, &byte, 1));
	return false;
}

static bool wait_limited_readv(const struct signal_wait *wait)
{
	int peer_fd;
	const int fd = limited_connection(SO_RCVTIMEO, &peer_fd);
	char byte;

	(void)wait;
	report_result("readv", readv(fd, &(struct iovec){&byte, 1}, 1));
	return false;
}

static bool wait_limited_recv(const struct signal_wait *wait)
{
	int peer_fd;
	const int fd = limited_connection(SO_RCVTIMEO, &peer_fd);
	char byte;

	(void)wait;
	report_result("recv", recv(fd, &byte, 1, 0));
	return false;
}

static bool wait_limited_recvfrom(const struct signal_wait *wait)
{
	int peer_fd;
	const int fd = limited_connection(SO_RCVTIMEO, &peer_fd);
	char byte;

	(void)wait;
	report_result("recvfrom", recvfrom(fd, &byte, 1, 0, NULL, NULL));
	return false;
}

static bool wait_limited_recvmsg(const struct signal_wait *wait)
{
	int peer_fd;
	const int fd = limited_connection(SO_RCVTIMEO, &peer_fd);
	char byte;
	struct msghdr message = {.msg_iov = &(struct iovec){&byte, 1}, .msg_iovlen = 1};

	(void)wait;
	report_result("recvmsg", recvmsg(fd, &message, 0));
	return false;
}

/* Until the peer, which never reads, can be sent no more. */
static int full_connection(void)
{
	static const char bytes[4096];
	int peer_fd;
	const int fd = limited_connection(SO_SNDTIMEO, &peer_fd);

	while (send(fd, bytes, sizeof(bytes), MSG_DONTWAIT) > 0)
		;
	while (send(fd, bytes, 1, MSG_DONTWAIT) > 0)
		;
	return fd;
}

static bool wait_limited_write(const struct signal_wait *wait)
{
	(void)wait;
	report_result("write", write(full_connection(), "x", 1));
	return false;
}

static bool wait_limited_writev(const struct signal_wait *wait)
{
	char byte = 'x';

	(void)wait;
	report_result("writev", writev(full_connection(), &(struct iovec){&byte, 1}, 1));
	return false;
}

static bool wait_limited_send(const struct signal_wait *wait)
{
	(void)wait;
	report_result("send", send(full_connection(), "x", 1, 0));
	return false;
}

static bool wait_limited_sendto(const struct signal_wait *wait)
{
	(void)wait;
	report_result("sendto", sendto(full_connection(), "x", 1, 0, NULL, 0));
	return false;
}

static bool wait_limited_sendmsg(const struct signal_wait *wait)
{
	char byte = 'x';
	const struct msghdr message = {.msg_iov = &(struct iovec){&byte, 1}, .msg_iovlen = 1};

	(void)wait;
	report_result("sendmsg", sendmsg(full_connection(), &message, 0));
	return false;
}

static const struct {
	const char *name;
	bool (*once)(const struct signal_wait *wait);
} waits[] = {
	{"pause", wait_pause},
	{"sigsuspend", wait_sigsuspend},
	{"unblock", wait_unblock},
	{"nanosleep", wait_nanosleep},
	{"clock_nanosleep", wait_clock_nanosleep},
	{"sleep", wait_sleep},
	{"read", wait_read},
	{"poll", wait_poll},
	{"ppoll", wait_ppoll},
	{"select", wait_select},
	{"pselect", wait_pselect},
	{"epoll_wait", wait_epoll_wait},
	{"epoll_pwait", wait_epoll_pwait},
	{"epoll_pwait2", wait_epoll_pwait2},
	{"sigwait", wait_sigwait},
	{"sigwaitinfo", wait_sigwaitinfo},
	{"sigtimedwait", wait_sigtimedwait},
	{"signalfd", wait_signalfd},
	{"signalfd_epoll", wait_signalfd_epoll},
	{"accept", wait_accept},
	{"limited_accept", wait_limited_accept},
	{"limited_read", wait_limited_read},
	{"limited_readv", wait_limited_readv},
	{"limited_recv", wait_limited_recv},
	{"limited_recvfrom", wait_limited_recvfrom},
	{"limited_recvmsg", wait_limited_recvmsg},
	{"limited_write", wait_limited_write},
	{"limited_writev", wait_limited_writev},
	{"limited_send", wait_limited_send},
	{"limited_sendto", wait_limited_sendto},
	{"limited_sendmsg", wait_limited_sendmsg},
};

bool signal_wait_once(const char *name, const struct signal_wait *wait)
{
	for (size_t i = 0; i < sizeof(waits) / sizeof(waits[0]); i++) {
		if (strcmp(waits[i].name, name) == 0)
			return waits[i].once(wait);
	}
	fprintf(stderr, "unknown wait: %s\n", name);
	exit(2);
}
