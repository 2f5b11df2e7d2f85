/* SPDX-License-Identifier: MIT */
/* The walk: each name that the library exports, called with each hostile argument in turn. A new
 * wrapper needs a row in the table at the end. */
#include "hostile.h"

#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <netinet/in.h>
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <spawn.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/prctl.h>
#include <sys/select.h>
#include <sys/sendfile.h>
#include <sys/signalfd.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/time.h>
#include <sys/uio.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#pragma GCC diagnostic ignored "-Wdeprecated-declarations"

int __poll_chk(struct pollfd *fds, nfds_t count, int timeout, size_t size);
int __ppoll_chk(struct pollfd *fds, nfds_t count, const struct timespec *timeout,
                const sigset_t *mask, size_t size);
ssize_t __read_chk(int fd, void *buffer, size_t size, size_t room);
ssize_t __recv_chk(int fd, void *buffer, size_t size, size_t room, int flags);
ssize_t __recvfrom_chk(int fd, void *buffer, size_t size, size_t room, int flags,
                       struct sockaddr *address, socklen_t *length);
int __xpg_sigpause(int sig);
int __sigsuspend(const sigset_t *mask);
int __sigaction(int sig, const struct sigaction *action, struct sigaction *old);
void (*bsd_signal(int sig, void (*handler)(int)))(int);

extern char **environ;
const char *row_name;

/* The compiler must neither know where a pointer points nor that it must not be NULL. */
static void *at_place(int place)
{
	void *volatile at = hostile_at(place);

	return at;
}

/* The connection of the last case serves again unless bytes went over it. */
static struct connection {
	int fd, peer;
	bool is_fed;
} for_reads = {-1, -1, false}, for_writes = {-1, -1, false};

static int use(struct connection *connection)
{
	if (connection->fd >= 0 && hostile_result <= 0)
		return connection->fd;
	if (connection->fd >= 0) {
		close(connection->fd);
		close(connection->peer);
	}
	connection->fd = hostile_connection(&connection->peer);
	connection->is_fed = false;
	return connection->fd;
}

/* A connection with ten bytes to read. */
static int fed(void)
{
	struct pollfd request = {.fd = use(&for_reads), .events = POLLIN};

	if (!for_reads.is_fed &&
	    (write(for_reads.peer, "GET /a?bcd", 10) != 10 || poll(&request, 1, 60000) != 1))
		abort();
	for_reads.is_fed = true;
	return request.fd;
}

/* A connection that owes an answer. */
static int owing(void)
{
	return use(&for_writes);
}

#define WITH(fd_expression, what, call)              \
	EACH_PLACE(place)                            \
	{                                            \
		void *const at = at_place(place);    \
		const int fd = fd_expression;        \
                                                     \
		(void)at;                            \
		(void)fd;                            \
		TRY(what, place_names[place], call); \
		if (hostile_result > 0)              \
			use_up();                    \
	}
#define READS(what, call) WITH(fed(), what, call)
#define WRITES(what, call) WITH(owing(), what, call)
#define CALLS(what, call) WITH(-1, what, call)

/* Neither connection is fresh after a success: the next case gets another one. */
static void use_up(void)
{
	if (for_reads.fd >= 0)
		for_reads.is_fed = false;
}

static const size_t sizes[] = {0, 10, 5000, SIZE_MAX, (size_t)INT_MAX + 1};
#define EACH_SIZE(size) for (size_t i_ = 0, size; i_ < 5 && (size = sizes[i_], true); i_++)

static int device(const char *path)
{
	static int fds[2] = {-1, -1};
	int *fd = &fds[strcmp(path, "/dev/null") == 0];

	if (*fd < 0)
		*fd = open(path, O_RDWR);
	return *fd;
}
#define NULL_FD device("/dev/null")
#define ZERO_FD device("/dev/zero")

/* Lists. */

static struct iovec parts[1100];

static struct iovec *list_of(void *at, size_t size)
{
	parts[0] = (struct iovec){"", 0};
	parts[1] = (struct iovec){at, size};
	return parts;
}

static struct iovec *long_list(void *at)
{
	for (int i = 0; i < 1100; i++)
		parts[i] = (struct iovec){i < 1000 ? good : at, 4};
	return parts;
}

static struct msghdr *message_of(struct iovec *list, size_t count)
{
	static struct msghdr message;

	message = (struct msghdr){.msg_iov = list, .msg_iovlen = count};
	return &message;
}

static struct mmsghdr *messages_of(void *at, size_t size)
{
	static struct mmsghdr messages[2];
	static struct iovec first = {"HTTP/1.1 ", 9};

	messages[0].msg_hdr = *message_of(&first, 1);
	messages[1].msg_hdr = *message_of(list_of(at, size), 2);
	return messages;
}

/* Reading. */

static void walk_read(void)
{
	EACH_SIZE(size)
	READS("some", read(fd, at, size));
	CALLS("no descriptor", read(-1, at, 10));
	CALLS("zeros", read(ZERO_FD, at, 10));
	CALLS("a device without bytes", read(NULL_FD, at, 10));
}

static void walk_readv(void)
{
	EACH_SIZE(size)
	READS("a part", readv(fd, list_of(at, size), 2));
	READS("the list", readv(fd, at, 2));
	READS("no list", readv(fd, at, 0));
	READS("a count below 0", readv(fd, at, -1));
	READS("a huge count", readv(fd, at, INT_MAX));
	READS("a long list", readv(fd, long_list(at), 1024));
	READS("too long a list", readv(fd, long_list(at), 1025));
}

static const int receive_flags[] = {0,       MSG_PEEK,     MSG_TRUNC,
                                    MSG_OOB, MSG_ERRQUEUE, MSG_PEEK | MSG_TRUNC};
#define EACH_FLAG(flag) \
	for (size_t f_ = 0, flag; f_ < 6 && (flag = (size_t)receive_flags[f_], true); f_++)

static void walk_recv(void)
{
	EACH_FLAG(flags)
	EACH_SIZE(size)
	READS("some", recv(fd, at, size, (int)flags | MSG_DONTWAIT));
	CALLS("no socket", recv(NULL_FD, at, 10, 0));
}

static void walk_recvfrom(void)
{
	EACH_FLAG(flags)
	READS("the buffer", recvfrom(fd, at, 1 << 30, (int)flags, NULL, NULL));
	READS("the address", recvfrom(fd, good, 5, 0, at, (socklen_t[]){28}));
	READS("the length", recvfrom(fd, good, 5, 0, (void *)good, at));
}

static void walk_recvmsg(void)
{
	EACH_FLAG(flags)
	READS("a part", recvmsg(fd, message_of(list_of(at, 100), 2), (int)flags));
	READS("the message", recvmsg(fd, at, 0));
	READS("the list", recvmsg(fd, message_of(at, 2), 0));
	READS("no list", recvmsg(fd, message_of(NULL, 0), MSG_TRUNC));
	READS("a huge count", recvmsg(fd, message_of(at, SIZE_MAX), 0));
	READS("control", recvmsg(fd,
	                         &(struct msghdr){.msg_control = at,
	                                          .msg_controllen = 100,
	                                          .msg_iov = list_of(good, 5),
	                                          .msg_iovlen = 2},
	                         0));
}

/* A message that brings a descriptor. */
static int with_passed_fd(void)
{
	static int ends[2] = {-1, -1};
	char control[CMSG_SPACE(sizeof(int))] = {0};
	struct msghdr message = {.msg_iov = &(struct iovec){"x", 1},
	                         .msg_iovlen = 1,
	                         .msg_control = control,
	                         .msg_controllen = sizeof(control)};
	struct cmsghdr *header = CMSG_FIRSTHDR(&message);

	if (ends[0] >= 0) {
		close(ends[0]);
		close(ends[1]);
	}
	if (socketpair(AF_UNIX, SOCK_STREAM, 0, ends) != 0)
		abort();
	header->cmsg_level = SOL_SOCKET;
	header->cmsg_type = SCM_RIGHTS;
	header->cmsg_len = CMSG_LEN(sizeof(int));
	memcpy(CMSG_DATA(header), &ends[0], sizeof(int));
	if (sendmsg(ends[1], &message, 0) != 1)
		abort();
	return ends[0];
}

/* What does not fit is cut off. */
static void walk_passed(void)
{
	for (size_t size = 0; size <= CMSG_SPACE(sizeof(int)); size += 4) {
		char control[64] = {0};
		struct msghdr message = {.msg_iov = &(struct iovec){good, 1},
		                         .msg_iovlen = 1,
		                         .msg_control = control,
		                         .msg_controllen = size};
		int passed = -1;

		TRY("a passed descriptor", "cut off", recvmsg(with_passed_fd(), &message, 0));
		memcpy(&passed, CMSG_DATA((struct cmsghdr *)(void *)control), sizeof(passed));
		printf("%zu: %zu, %#x\n", size, (size_t)message.msg_controllen,
		       (unsigned)message.msg_flags);
		if (passed > 0)
			close(passed);
	}
}

static void walk_recvmsg_all(void)
{
	walk_recvmsg();
	walk_passed();
}

static void walk_read_chk(void)
{
	READS("some", __read_chk(fd, at, 100, 100));
}
static void walk_recv_chk(void)
{
	READS("some", __recv_chk(fd, at, 1 << 30, SIZE_MAX, MSG_TRUNC));
}
static void walk_recvfrom_chk(void)
{
	READS("some", __recvfrom_chk(fd, at, 1 << 30, SIZE_MAX, MSG_TRUNC, NULL, NULL));
}

/* Writing. */

static void walk_write(void)
{
	EACH_SIZE(size)
	WRITES("some", write(fd, at, size));
	CALLS("no descriptor", write(-1, at, 10));
	CALLS("a device that looks at nothing", write(NULL_FD, at, 1000));
	CALLS("another such device", write(ZERO_FD, at, 1000));
}

/* A number that was a connection's. */
static void walk_write_after_close(void)
{
	const int fd = owing();

	dup2(NULL_FD, fd);
	CALLS("a device in a connection's place", write(fd, at, 1000));
	for_writes.fd = -1;
	hostile_result = 0;
}

static void walk_write_all(void)
{
	walk_write();
	walk_write_after_close();
}

static void walk_writev(void)
{
	EACH_SIZE(size)
	WRITES("a part", writev(fd, list_of(at, size), 2));
	WRITES("the list", writev(fd, at, 2));
	WRITES("no list", writev(fd, at, 0));
	WRITES("a count below 0", writev(fd, at, -1));
	WRITES("a huge count", writev(fd, at, INT_MAX));
	WRITES("a long list", writev(fd, long_list(at), 1024));
	WRITES("too long a list", writev(fd, long_list(at), 1025));
	CALLS("a device that looks at nothing", writev(NULL_FD, list_of(at, 1000), 2));
}

static void walk_send(void)
{
	EACH_SIZE(size)
	WRITES("some", send(fd, at, size, MSG_NOSIGNAL));
	WRITES("urgent", send(fd, at, 1, MSG_OOB));
	CALLS("no socket", send(NULL_FD, at, 10, 0));
}

static void walk_sendto(void)
{
	EACH_SIZE(size)
	WRITES("some", sendto(fd, at, size, 0, NULL, 0));
	WRITES("the address", sendto(fd, good, 10, 0, at, sizeof(struct sockaddr_in)));
}

static void walk_sendmsg(void)
{
	EACH_SIZE(size)
	WRITES("a part", sendmsg(fd, message_of(list_of(at, size), 2), 0));
	WRITES("the message", sendmsg(fd, at, 0));
	WRITES("the list", sendmsg(fd, message_of(at, 2), 0));
	WRITES("no list", sendmsg(fd, message_of(at, 0), 0));
	WRITES("a huge count", sendmsg(fd, message_of(at, SIZE_MAX), 0));
	WRITES("2^32 parts", sendmsg(fd, message_of(at, (size_t)UINT_MAX + 1), 0));
	WRITES("control", sendmsg(fd,
	                          &(struct msghdr){.msg_control = at,
	                                           .msg_controllen = 100,
	                                           .msg_iov = list_of(good, 5),
	                                           .msg_iovlen = 2},
	                          0));
	CALLS("no descriptor", sendmsg(-1, at, 0));
}

static void walk_sendmmsg(void)
{
	EACH_SIZE(size)
	WRITES("a part", sendmmsg(fd, messages_of(at, size), 2, 0));
	WRITES("the messages", sendmmsg(fd, at, 2, 0));
	WRITES("none", sendmmsg(fd, at, 0, 0));
	WRITES("many", sendmmsg(fd, at, UINT_MAX, 0));
}

/* A list whose lengths cannot be written back. */
static void walk_sendmmsg_read_only(void)
{
	struct mmsghdr *messages = hostile_read_only(messages_of(good, 5), 2 * sizeof(*messages));
	const int fd = owing();

	TRY("the messages", "read-only", sendmmsg(fd, messages, 2, 0));
}

static void walk_sendmmsg_all(void)
{
	walk_sendmmsg();
	walk_sendmmsg_read_only();
}

static void walk_sendfile(void)
{
	WRITES("the offset", sendfile(fd, ZERO_FD, at, 10));
}
static void walk_sendfile64(void)
{
	WRITES("the offset", sendfile64(fd, ZERO_FD, at, 10));
}
static void walk_splice(void)
{
	WRITES("the offset", splice(fd, at, fd, NULL, 10, SPLICE_F_NONBLOCK));
}

/* Waiting. */

static const struct timespec now = {0, 0};
static const struct timespec moment = {0, 1000000};

static void walk_epoll(void)
{
	const int set = epoll_create1(0);
	struct epoll_event event = {.events = EPOLLIN};

	(void)epoll_ctl(set, EPOLL_CTL_ADD, fed(), &event);
	CALLS("the events", epoll_wait(set, at, 10, 0));
	CALLS("no room", epoll_wait(set, at, 0, 0));
	CALLS("room below 0", epoll_wait(set, at, -1, 0));
	CALLS("too much room", epoll_wait(set, at, INT_MAX, 0));
	CALLS("no set", epoll_wait(-1, at, 10, 0));
	row_name = "epoll_pwait";
	CALLS("the events", epoll_pwait(set, at, 10, 0, NULL));
	CALLS("the mask", epoll_pwait(set, (void *)good, 10, 0, at));
	row_name = "epoll_pwait2";
	CALLS("the events", epoll_pwait2(set, at, 10, &now, NULL));
	CALLS("the limit",
	      epoll_pwait2(set, (void *)good, 10, place == PLACE_NULL ? &now : at, NULL));
	CALLS("the mask", epoll_pwait2(set, (void *)good, 10, &now, at));
	close(set);
}

static void walk_poll(void)
{
	CALLS("the list", poll(at, 2, 0));
	CALLS("no list", poll(at, 0, 0));
	CALLS("a long list", poll(at, 100, 0));
	CALLS("a huge list", poll(at, ULONG_MAX / 8, 0));
}

static void walk_ppoll(void)
{
	CALLS("the list", ppoll(at, 2, &now, NULL));
	CALLS("the limit", ppoll(NULL, 0, place == PLACE_NULL ? &now : at, NULL));
	CALLS("the mask", ppoll(NULL, 0, &now, at));
	TRY("a limit below 0", "", ppoll(NULL, 0, &(struct timespec){-1, 0}, NULL));
	TRY("too many ns", "", ppoll(NULL, 0, &(struct timespec){INT_MAX, LONG_MAX}, NULL));
}

static void walk_poll_chk(void)
{
	CALLS("the list", __poll_chk(at, 2, 0, 100));
}
static void walk_ppoll_chk(void)
{
	CALLS("the list", __ppoll_chk(at, 2, &now, NULL, 100));
	CALLS("the limit", __ppoll_chk(NULL, 0, place == PLACE_NULL ? &now : at, NULL, 100));
}

static void walk_select(void)
{
	struct timeval none = {0, 0};

	/* The descriptors are those of the first bytes: only what cannot be read is told alike. */
	EACH_BAD_PLACE(place)
	TRY("a set", place_names[place], select(64, at_place(place), NULL, NULL, &none));
	EACH_BAD_PLACE(place)
	TRY("two sets", place_names[place],
	    select(64, NULL, at_place(place), at_place(place), &none));
	CALLS("a count below 0", select(-1, at, at, at, &none));
	CALLS("no count", select(0, at, at, at, &none));
	EACH_BAD_PLACE(place)
	TRY("the limit", place_names[place],
	    select(0, NULL, NULL, NULL, place == PLACE_NULL ? &none : at_place(place)));
}

static void walk_pselect(void)
{
	EACH_BAD_PLACE(place)
	TRY("a set", place_names[place], pselect(64, at_place(place), NULL, NULL, &now, NULL));
	CALLS("a count below 0", pselect(-1, at, at, at, &now, NULL));
	CALLS("the limit", pselect(0, NULL, NULL, NULL, place == PLACE_NULL ? &now : at, NULL));
	CALLS("the mask", pselect(0, NULL, NULL, NULL, &now, at));
}

/* Sleeping. An alarm interrupts each. */

static void on_alarm(int sig)
{
	(void)sig;
}

static void set_alarm(void)
{
	const struct itimerval often = {{0, 20000}, {0, 20000}};
	const struct sigaction action = {.sa_handler = on_alarm};

	(void)sigaction(SIGALRM, &action, NULL);
	(void)setitimer(ITIMER_REAL, &often, NULL);
}

static void stop_alarm(void)
{
	(void)setitimer(ITIMER_REAL, &(struct itimerval){0}, NULL);
}

static void walk_nanosleep(void)
{
	const struct timespec long_time = {100, 0};

	CALLS("the time", nanosleep(at, NULL));
	TRY("a time below 0", "", nanosleep(&(struct timespec){-1, 0}, NULL));
	CALLS("the rest, not interrupted", nanosleep(&moment, at));
	set_alarm();
	EACH_BAD_PLACE(place)
	TRY("the rest", place_names[place], nanosleep(&long_time, at_place(place)));
	TRY("the rest", "read-only", nanosleep(&long_time, at_place(PLACE_READ_ONLY)));
	stop_alarm();
}

static void walk_clock_nanosleep(void)
{
	const struct timespec long_time = {100, 0};

	CALLS("the time", clock_nanosleep(CLOCK_MONOTONIC, 0, at, NULL));
	CALLS("no clock", clock_nanosleep(-999, 0, at, at));
	set_alarm();
	EACH_BAD_PLACE(place)
	TRY("the rest", place_names[place],
	    clock_nanosleep(CLOCK_MONOTONIC, 0, &long_time, at_place(place)));
	TRY("the rest", "read-only",
	    clock_nanosleep(CLOCK_MONOTONIC, 0, &long_time, at_place(PLACE_READ_ONLY)));
	stop_alarm();
}

/* Signals. */

#define OWN_SIGNAL (SIGRTMIN + 1)

static sigset_t *own_set(void)
{
	static sigset_t set;

	sigemptyset(&set);
	sigaddset(&set, OWN_SIGNAL);
	return &set;
}

static sigset_t *with_one_pending(void)
{
	(void)sigprocmask(SIG_BLOCK, own_set(), NULL);
	(void)raise(OWN_SIGNAL);
	return own_set();
}

static void walk_sigtimedwait(void)
{
	EACH_BAD_PLACE(place)
	TRY("the set", place_names[place], sigtimedwait(at_place(place), NULL, &now));
	EACH_BAD_PLACE(place)
	TRY("the limit", place_names[place],
	    sigtimedwait(own_set(), NULL, place == PLACE_NULL ? &now : at_place(place)));
	EACH_BAD_PLACE(place)
	TRY("the information", place_names[place],
	    sigtimedwait(with_one_pending(), at_place(place), &now));
	TRY("the information", "read-only",
	    sigtimedwait(with_one_pending(), at_place(PLACE_READ_ONLY), &now));
	TRY("a limit below 0", "", sigtimedwait(own_set(), NULL, &(struct timespec){-1, 0}));
}

static void walk_sigpending(void)
{
	EACH_BAD_PLACE(place)
	TRY("the set", place_names[place], sigpending(at_place(place)));
}

static void walk_sigwaitinfo(void)
{
	EACH_BAD_PLACE(place)
	TRY("the set", place_names[place], sigwaitinfo(at_place(place), NULL));
	EACH_BAD_PLACE(place)
	TRY("the information", place_names[place],
	    sigwaitinfo(with_one_pending(), at_place(place)));
}

static void walk_sigwait(void)
{
	EACH_BAD_PLACE(place)
	TRY("the set", place_names[place], sigwait(at_place(place), (int *)(void *)good));
	EACH_BAD_PLACE(place)
	TRY("the signal", place_names[place], sigwait(with_one_pending(), at_place(place)));
}

static void walk_sigsuspend(void)
{
	EACH_BAD_PLACE(place)
	TRY("the mask", place_names[place], sigsuspend(at_place(place)));
	row_name = "__sigsuspend";
	EACH_BAD_PLACE(place)
	TRY("the mask", place_names[place], __sigsuspend(at_place(place)));
}

static void walk_signalfd(void)
{
	CALLS("no signalfd", signalfd(NULL_FD, at, 0));
	EACH_BAD_PLACE(place)
	TRY_FD("the mask", place_names[place], signalfd(-1, at_place(place), 0));
	CALLS("the flags", signalfd(-1, at, -1));
}

static const int bad_signals[] = {INT_MIN, -1, 0, 32, 33, SIGKILL, SIGSTOP, 65, INT_MAX};
#define EACH_BAD_SIGNAL(i) for (int i = 0; i < 9; i++)

static void try_sigaction(const char *name,
                          int (*function)(int, const struct sigaction *, struct sigaction *))
{
	row_name = name;
	EACH_BAD_SIGNAL(i)
	{
		EACH_BAD_PLACE(place)
		{
			if (place != PLACE_NULL)
				TRY("a bad signal", place_names[place],
				    function(bad_signals[i], at_place(place), NULL));
		}
		TRY("a bad signal", "", function(bad_signals[i], NULL, NULL));
	}
	EACH_BAD_PLACE(place)
	{
		TRY("the action", place_names[place], function(SIGHUP, at_place(place), NULL));
		TRY("the old one", place_names[place], function(SIGHUP, NULL, at_place(place)));
		TRY("the action of a free signal", place_names[place],
		    function(OWN_SIGNAL, at_place(place), NULL));
	}
}

static void walk_sigaction(void)
{
	try_sigaction("sigaction", sigaction);
	try_sigaction("__sigaction", __sigaction);
}

static void walk_signal(void)
{
	static const struct {
		const char *name;
		void (*(*function)(int, void (*)(int)))(int);
	} all[] = {{"signal", signal},
	           {"bsd_signal", bsd_signal},
	           {"ssignal", ssignal},
	           {"sysv_signal", sysv_signal},
	           {"__sysv_signal", __sysv_signal},
	           {"sigset", sigset}};

	for (size_t which = 0; which < sizeof(all) / sizeof(all[0]); which++) {
		row_name = all[which].name;
		EACH_BAD_SIGNAL(i)
		TRY("a bad signal", "", all[which].function(bad_signals[i], SIG_DFL));
		TRY("SIG_ERR", "", all[which].function(OWN_SIGNAL, SIG_ERR));
	}
	row_name = "siginterrupt";
	EACH_BAD_SIGNAL(i)
	TRY("a bad signal", "", siginterrupt(bad_signals[i], 0));
	row_name = "sigignore";
	EACH_BAD_SIGNAL(i)
	TRY("a bad signal", "", sigignore(bad_signals[i]));
	row_name = "__xpg_sigpause";
	TRY("a bad signal", "", __xpg_sigpause(-1));
	TRY("a bad signal", "", __xpg_sigpause(65));
	row_name = "kill";
	TRY("a bad signal", "", kill(getpid(), 99));
	TRY("no process", "", kill(INT_MAX, 0));
	row_name = "raise";
	TRY("a bad signal", "", raise(-1));
	TRY("a bad signal", "", raise(65));
	row_name = "pthread_kill";
	TRY("a bad signal", "", pthread_kill(pthread_self(), -1));
	TRY("a bad signal", "", pthread_kill(pthread_self(), 65));
	row_name = "sigprocmask";
	CALLS("a set", sigprocmask(SIG_UNBLOCK, at, NULL));
	CALLS("an old set", sigprocmask(SIG_BLOCK, NULL, at));
	TRY("no way", "", sigprocmask(99, &(sigset_t){0}, NULL));
	row_name = "pthread_sigmask";
	CALLS("a set", pthread_sigmask(SIG_UNBLOCK, at, NULL));
	CALLS("an old set", pthread_sigmask(SIG_BLOCK, NULL, at));
	TRY("no way", "", pthread_sigmask(99, &(sigset_t){0}, NULL));
}

/* Sockets. */

static int fresh_socket(int family)
{
	static int fd = -1;

	if (fd >= 0)
		close(fd);
	fd = socket(family, SOCK_STREAM | SOCK_NONBLOCK, 0);
	return fd;
}

static void walk_bind(void)
{
	static const socklen_t lengths[] = {0, 1, 2, 16, 110, 128, 129, UINT_MAX};

	for (size_t i = 0; i < sizeof(lengths) / sizeof(lengths[0]); i++) {
		CALLS("inet", bind(fresh_socket(AF_INET), at, lengths[i]));
		CALLS("inet6", bind(fresh_socket(AF_INET6), at, lengths[i]));
		CALLS("unix", bind(fresh_socket(AF_UNIX), at, lengths[i]));
		CALLS("no socket", bind(-1, at, lengths[i]));
	}
}

static void walk_connect(void)
{
	static const socklen_t lengths[] = {0, 1, 2, 16, 110, 128, 129, UINT_MAX};

	for (size_t i = 0; i < sizeof(lengths) / sizeof(lengths[0]); i++) {
		CALLS("inet", connect(fresh_socket(AF_INET), at, lengths[i]));
		CALLS("inet6", connect(fresh_socket(AF_INET6), at, lengths[i]));
		CALLS("unix", connect(fresh_socket(AF_UNIX), at, lengths[i]));
		CALLS("no socket", connect(-1, at, lengths[i]));
	}
}

static void walk_accept(void)
{
	const int listener = unix_listener >= 0 ? unix_listener : NULL_FD;

	CALLS("the address", accept(listener, at, (socklen_t[]){110}));
	CALLS("the length", accept(listener, (void *)good, at));
	CALLS("no socket", accept(-1, at, at));
	CALLS("no listener", accept(fresh_socket(AF_UNIX), at, at));
	row_name = "accept4";
	CALLS("the address", accept4(listener, at, (socklen_t[]){110}, 0));
	CALLS("the length", accept4(listener, (void *)good, at, 0));
	CALLS("the flags", accept4(listener, at, at, -1));
}

/* To a client whose address the kernel cannot write. */
static void walk_accept_client(void)
{
	EACH_PLACE(place)
	{
		const struct sockaddr_un address = {.sun_family = AF_UNIX,
		                                    .sun_path = "hostile.socket"};
		const int client = socket(AF_UNIX, SOCK_STREAM, 0);

		if (state != STATE_LISTENING)
			break;
		if (connect(client, (const void *)&address, sizeof(address)) != 0)
			abort();
		TRY_FD("a client", place_names[place],
		       accept(unix_listener, at_place(place), (socklen_t[]){110}));
		/* The kernel may have lost the client, or not. */
		while (accept(unix_listener, NULL, NULL) >= 0)
			;
		close(client);
	}
}

static void walk_accept_all(void)
{
	walk_accept();
	row_name = "accept";
	walk_accept_client();
}

static void walk_getsockname(void)
{
	static const socklen_t lengths[] = {0,  1,  2,  6,   7,   9,       12,
	                                    16, 17, 28, 110, 128, INT_MAX, UINT_MAX};
	const int own = unix_listener >= 0 ? unix_listener : fresh_socket(AF_UNIX);

	for (size_t i = 0; i < sizeof(lengths) / sizeof(lengths[0]); i++) {
		socklen_t length;

		EACH_PLACE(place)
		{
			length = lengths[i];
			TRY("the address", place_names[place],
			    getsockname(own, at_place(place), &length));
			printf("length %u\n", length);
		}
		/* The end of the memory lies within the name. */
		length = lengths[i];
		errno = 0;
		if (getsockname(own, (void *)(good + ROOM - 12), &length) != 0)
			printf("at the end: %s\n", strerrorname_np(errno));
		printf("length %u\n", length);
	}
	CALLS("the length", getsockname(own, (void *)(good + 100), at));
	EACH_BAD_PLACE(place)
	TRY("both", place_names[place], getsockname(own, at_place(place), at_place(place)));
	EACH_BAD_PLACE(place)
	TRY("the address of TCP", place_names[place],
	    getsockname(tcp_listener, at_place(place), (socklen_t[]){28}));
	CALLS("no socket", getsockname(-1, at, at));
}

static void walk_numbers(void)
{
	row_name = "socket";
	TRY_FD("a bad family", "", socket(-1, SOCK_STREAM, 0));
	TRY_FD("a bad type", "", socket(AF_INET, -1, 0));
	row_name = "listen";
	TRY("no socket", "", listen(-1, 1));
	TRY("no socket", "", listen(NULL_FD, INT_MIN));
	row_name = "shutdown";
	TRY("no socket", "", shutdown(-1, SHUT_RDWR));
	TRY("a bad way", "", shutdown(fresh_socket(AF_UNIX), 99));
	row_name = "close";
	TRY("no descriptor", "", close(-1));
	TRY("no descriptor", "", close(INT_MIN));
	TRY("no descriptor", "", close(INT_MAX));
	row_name = "close_range";
	TRY("backwards", "", close_range(9, 8, 0));
	TRY("the flags", "", close_range(UINT_MAX, UINT_MAX, -1));
	row_name = "dup2";
	TRY("no descriptor", "", dup2(-1, 9));
	TRY("onto none", "", dup2(NULL_FD, -1));
	TRY("onto none", "", dup2(NULL_FD, INT_MAX));
	row_name = "dup3";
	TRY("no descriptor", "", dup3(-1, 9, 0));
	TRY("onto itself", "", dup3(NULL_FD, NULL_FD, 0));
	TRY("the flags", "", dup3(NULL_FD, 9, -1));
	row_name = "fchdir";
	TRY("no descriptor", "", fchdir(-1));
	row_name = "umask";
	TRY("too many bits", "", umask(~0u));
	TRY("too many bits", "", umask(022));
}

/* Paths and programs. */

static char *const no_words[] = {NULL};

static void walk_paths(void)
{
	row_name = "chdir";
	CALLS("the path", chdir(at));
	row_name = "unlink";
	CALLS("the path", unlink(at));
	row_name = "unlinkat";
	CALLS("the path", unlinkat(AT_FDCWD, at, 0));
	CALLS("the path", unlinkat(-1, at, AT_REMOVEDIR));
	row_name = "remove";
	CALLS("the path", remove(at));
}

static void walk_exec(void)
{
	row_name = "execve";
	CALLS("the path", execve(at, no_words, no_words));
	EACH_BAD_PLACE(place)
	{
		TRY("the words", place_names[place], execve("/bin/", at_place(place), no_words));
		TRY("the environment", place_names[place],
		    execve("/bin/", no_words, at_place(place)));
		if (place == PLACE_NULL)
			continue;
		TRY("the words", place_names[place],
		    execve("/bin/true", at_place(place), no_words));
		TRY("the environment", place_names[place],
		    execve("/bin/true", no_words, at_place(place)));
	}
	row_name = "execv";
	CALLS("the path", execv(at, no_words));
	row_name = "execvp";
	CALLS("the file", execvp(at, no_words));
	row_name = "execvpe";
	CALLS("the file", execvpe(at, no_words, no_words));
	CALLS("the environment", execvpe("/bin/", no_words, at));
	row_name = "execl";
	CALLS("the path", execl(at, "", (char *)NULL));
	row_name = "execle";
	CALLS("the path", execle(at, "", (char *)NULL, no_words));
	CALLS("the environment", execle("/bin/", "", (char *)NULL, at));
	row_name = "execlp";
	CALLS("the file", execlp(at, "", (char *)NULL));
	row_name = "fexecve";
	CALLS("the words", fexecve(-1, at, no_words));
	CALLS("the environment", fexecve(-1, no_words, at));
}

static void walk_spawn(void)
{
	char *const words[] = {"true", NULL};
	pid_t child = 0;

	row_name = "posix_spawn";
	CALLS("the path", posix_spawn(&child, at, NULL, NULL, words, no_words));
	EACH_BAD_PLACE(place)
	{
		if (place == PLACE_NULL)
			continue;
		TRY("the words", place_names[place],
		    posix_spawn(&child, "/bin/true", NULL, NULL, at_place(place), no_words));
		TRY("the environment", place_names[place],
		    posix_spawn(&child, "/bin/true", NULL, NULL, words, at_place(place)));
	}
	row_name = "posix_spawnp";
	TRY("the environment", "none",
	    posix_spawnp(&child, "true", NULL, NULL, words, at_place(PLACE_NONE)));
	row_name = "posix_spawn_file_actions_addclosefrom_np";
	TRY("a bad number", "",
	    posix_spawn_file_actions_addclosefrom_np(&(posix_spawn_file_actions_t){0}, -1));
	row_name = "system";
	CALLS("the command", place >= PLACE_READ_ONLY ? 0 : system(at));
	row_name = "popen";
	TRY("the mode", "", (long)popen("true", "bad"));
}

static void walk_syscall(void)
{
	CALLS("accept4", syscall(SYS_accept4, -1, at, at, 0));
	CALLS("bind", syscall(SYS_bind, fresh_socket(AF_UNIX), at, 16));
	CALLS("listen", syscall(SYS_listen, -1, 1));
	CALLS("read", syscall(SYS_read, ZERO_FD, at, 10));
	TRY("no call", "", syscall(99999));
	TRY("no call", "", syscall(-1));
}

/* Only filters and modes that the kernel refuses: an accepted one stays. */
static void walk_prctl(void)
{
	const struct sock_fprog no_instructions = {.len = 0};

	CALLS("a name", prctl(PR_GET_NAME, at));
	CALLS("a filter", prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, at));
	TRY("an empty filter", "", prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &no_instructions));
	TRY("a mode that does not exist", "", prctl(PR_SET_SECCOMP, 99, NULL));
	TRY("an option that does not exist", "", prctl(-1, 0, 0, 0, 0));
}

/* libc itself follows the name. */
static void walk_dlopen(void)
{
	TRY("no such file", "", dlopen("/no/such/library.so", RTLD_NOW) ? 0 : -1);
	TRY("no such name", "", dlopen("no-such-library.so", RTLD_NOW | RTLD_DEEPBIND) ? 0 : -1);
	TRY("no library", "", dlopen("/dev/null", RTLD_LAZY | RTLD_DEEPBIND) ? 0 : -1);
	TRY("no mode", "", dlopen("libc.so.6", 0) ? 0 : -1);
	TRY("the program itself", "", dlopen(NULL, RTLD_NOW) ? 0 : -1);
}

/* OTHERS are the names that the function walks besides. */
static const struct {
	const char *name;
	void (*walk)(void);
	const char *others;
} rows[] = {
	/* First: the library looks at only so many sets before it knows that the server is ready. */
	{"select", walk_select, ""},
	{"poll", walk_poll, ""},
	{"read", walk_read, ""},
	{"readv", walk_readv, ""},
	{"recv", walk_recv, ""},
	{"recvfrom", walk_recvfrom, ""},
	{"recvmsg", walk_recvmsg_all, ""},
	{"__read_chk", walk_read_chk, ""},
	{"__recv_chk", walk_recv_chk, ""},
	{"__recvfrom_chk", walk_recvfrom_chk, ""},
	{"write", walk_write_all, ""},
	{"writev", walk_writev, ""},
	{"send", walk_send, ""},
	{"sendto", walk_sendto, ""},
	{"sendmsg", walk_sendmsg, ""},
	{"sendmmsg", walk_sendmmsg_all, ""},
	{"sendfile", walk_sendfile, ""},
	{"sendfile64", walk_sendfile64, ""},
	{"splice", walk_splice, ""},
	{"epoll_wait", walk_epoll, "epoll_pwait epoll_pwait2"},
	{"ppoll", walk_ppoll, ""},
	{"__poll_chk", walk_poll_chk, ""},
	{"__ppoll_chk", walk_ppoll_chk, ""},
	{"pselect", walk_pselect, ""},
	{"nanosleep", walk_nanosleep, ""},
	{"clock_nanosleep", walk_clock_nanosleep, ""},
	{"sigtimedwait", walk_sigtimedwait, ""},
	{"sigpending", walk_sigpending, ""},
	{"sigwaitinfo", walk_sigwaitinfo, ""},
	{"sigwait", walk_sigwait, ""},
	{"sigsuspend", walk_sigsuspend, "__sigsuspend"},
	{"signalfd", walk_signalfd, ""},
	{"sigaction", walk_sigaction, "__sigaction"},
	{"signal", walk_signal,
         "bsd_signal ssignal sysv_signal __sysv_signal sigset siginterrupt sigignore "
         "__xpg_sigpause kill raise pthread_kill pthread_cancel pthread_sigmask sigprocmask"},
	{"bind", walk_bind, ""},
	{"connect", walk_connect, ""},
	{"accept", walk_accept_all, "accept4"},
	{"getsockname", walk_getsockname, ""},
	{"socket", walk_numbers, "listen shutdown close close_range dup2 dup3 fchdir umask"},
	{"chdir", walk_paths, "unlink unlinkat remove"},
	{"execve", walk_exec, "execv execvp execvpe execl execle execlp fexecve"},
	{"posix_spawn", walk_spawn,
         "posix_spawnp posix_spawn_file_actions_addclosefrom_np system popen"},
	{"syscall", walk_syscall, ""},
	{"prctl", walk_prctl, ""},
	{"dlopen", walk_dlopen, ""},
};
enum { ROWS = sizeof(rows) / sizeof(rows[0]) };

void hostile_list(void)
{
	for (int i = 0; i < ROWS; i++)
		printf("%s %s\n", rows[i].name, rows[i].others);
}

void hostile_walk(void)
{
	for (int i = 0; i < ROWS; i++) {
		row_name = rows[i].name;
		rows[i].walk();
	}
}
