/* SPDX-License-Identifier: MIT */
/* The fuzzer: calls drawn by lot, with arguments drawn by lot. The same seed makes the same calls. What
 * TCP does by the clock, how much it takes or has, is not told: with a full buffer it does not even look
 * at a bad pointer. */
#include "hostile.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/select.h>
#include <sys/sendfile.h>
#include <sys/signalfd.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <time.h>
#include <unistd.h>

enum { SLOTS = 24, PARTS = 4, MESSAGES = 3, MOST_TOLD = 1 << 17 };

static struct slot {
	int fd;
	int peer;    /* of a connection, else -1 */
	bool is_tcp; /* what it takes and has is a matter of time */
} slots[SLOTS];
static bool is_silent;

/* The call, for the reader of what is told. */
static const char *drawn_call;
#define CALL(call) (drawn_call = #call, (call))
static uint64_t lot;

/* xorshift64* */
static uint32_t draw(uint32_t below)
{
	lot ^= lot >> 12;
	lot ^= lot << 25;
	lot ^= lot >> 27;
	return (uint32_t)((lot * 2685821657736338717ULL) >> 32) % below;
}

static size_t draw_size(void)
{
	static const size_t sizes[] = {0,
	                               1,
	                               2,
	                               5,
	                               6,
	                               7,
	                               8,
	                               12,
	                               38,
	                               100,
	                               1000,
	                               1001,
	                               4096,
	                               9000,
	                               20000,
	                               INT_MAX,
	                               (size_t)INT_MAX + 1,
	                               SIZE_MAX,
	                               SIZE_MAX / 2};

	return sizes[draw(sizeof(sizes) / sizeof(sizes[0]))];
}

/* Most calls get one bad argument at most, else the kernel looks no further than the first. */
static void *draw_pointer(void)
{
	if (draw(2))
		return good + (draw(4) ? draw(64) * 64 : draw(ROOM));
	return (char *)hostile_at((int)draw(PLACES)) + (draw(8) ? 0 : draw(8));
}

static void *draw_bad(void)
{
	return hostile_at((int)draw(PLACE_EDGE + 1));
}

/* No limit would be for ever. */
static const struct timespec *draw_limit(void)
{
	static const struct timespec now;

	return draw(3) ? &now : hostile_at(PLACE_LOW + (int)draw(PLACE_EDGE));
}

static int draw_flags(void)
{
	static const int flags[] = {MSG_PEEK,     MSG_TRUNC,  MSG_OOB, MSG_ERRQUEUE,
	                            MSG_NOSIGNAL, MSG_CTRUNC, MSG_EOR};
	int drawn = MSG_DONTWAIT;

	for (uint32_t i = draw(3); i > 0; i--)
		drawn |= flags[draw(sizeof(flags) / sizeof(flags[0]))];
	return drawn;
}

/* Descriptors. */

static void open_pair(struct slot *slot, int type)
{
	int ends[2] = {-1, -1};

	(void)socketpair(AF_UNIX, type | SOCK_NONBLOCK, 0, ends);
	slot->fd = ends[0];
	slot->peer = ends[1];
	(void)!write(slot->peer, "GET / HTTP/1.1\r\n\r\n", 18);
}

static void open_pipe(struct slot *slot)
{
	int ends[2] = {-1, -1};

	(void)pipe2(ends, O_NONBLOCK);
	(void)!write(ends[1], "0123456789", 10);
	slot->fd = ends[draw(2)];
	slot->peer = ends[slot->fd == ends[0]];
}

static void open_file(struct slot *slot)
{
	FILE *file = tmpfile();

	slot->fd = dup(fileno(file));
	fclose(file);
	(void)!write(slot->fd, "0123456789", 10);
	(void)lseek(slot->fd, 0, SEEK_SET);
}

static void open_slot(struct slot *slot)
{
	static int connections = 300;
	sigset_t none;

	*slot = (struct slot){-1, -1, false};
	switch (draw(12)) {
	case 0:
		open_pipe(slot);
		return;
	case 1:
		open_file(slot);
		return;
	case 2:
		slot->fd = open("/dev/null", O_RDWR);
		return;
	case 3:
		slot->fd = open("/dev/zero", O_RDWR);
		return;
	case 4:
		slot->fd = eventfd(0, EFD_NONBLOCK);
		return;
	case 5:
		slot->fd = epoll_create1(0);
		return;
	case 6:
		sigemptyset(&none);
		slot->fd = signalfd(-1, &none, SFD_NONBLOCK);
		return;
	case 7:
		open_pair(slot, SOCK_DGRAM);
		return;
	case 8:
		open_pair(slot, SOCK_SEQPACKET);
		return;
	case 9:
		open_pair(slot, SOCK_STREAM);
		return;
	default:
		if (state == STATE_ALONE || connections-- <= 0)
			return;
		slot->fd = hostile_connection(&slot->peer);
		slot->is_tcp = true;
	}
}

static void close_slot(struct slot *slot)
{
	if (slot->fd >= 0)
		close(slot->fd);
	if (slot->peer >= 0)
		close(slot->peer);
}

/* Leaves room for the next write, in silence and not by what is tested. */
static void drain_peer(const struct slot *slot)
{
	char buffer[4096];

	while (slot->is_tcp && syscall(SYS_recvfrom, slot->peer, buffer, sizeof(buffer),
	                               MSG_DONTWAIT, NULL, NULL) > 0)
		;
}

/* Arguments. */

static struct iovec *draw_list(int *ret_count)
{
	static struct iovec list[PARTS];
	static const int counts[] = {0, -1, INT_MIN, INT_MAX, 1024, 1025};

	for (int i = 0; i < PARTS; i++)
		list[i] = (struct iovec){draw_pointer(), draw(3) ? draw(200) : draw_size()};
	*ret_count = draw(8) ? 1 + (int)draw(PARTS) : counts[draw(6)];
	return draw(10) ? list : draw_bad();
}

static struct msghdr *draw_message(struct msghdr *message)
{
	static struct iovec lists[MESSAGES][PARTS];
	static unsigned which;
	static char control[256];
	int count;
	const struct iovec *list = draw_list(&count);

	*message = (struct msghdr){.msg_iov = (struct iovec *)list,
	                           .msg_iovlen = count < 0 ? draw_size() : (size_t)count};
	if (count > 0 && count <= PARTS && draw(10)) {
		which = (which + 1) % MESSAGES;
		for (int i = 0; i < PARTS; i++)
			lists[which][i] = (struct iovec){draw_pointer(), draw(200)};
		message->msg_iov = lists[which];
	}
	if (!draw(6)) {
		message->msg_control = draw(2) ? control : draw_bad();
		message->msg_controllen = draw(2) ? sizeof(control) : draw_size();
	}
	if (!draw(10)) {
		message->msg_name = draw_pointer();
		message->msg_namelen = (socklen_t)draw_size();
	}
	return draw(12) ? message : draw_bad();
}

/* Descriptors that came with a message must not pile up; nobody sends any here. */
static long call_message(int fd, bool receives)
{
	static struct msghdr message;
	struct msghdr *drawn = draw_message(&message);

	return receives ? CALL(recvmsg(fd, drawn, draw_flags()))
	                : CALL(sendmsg(fd, drawn, draw_flags()));
}

static long call_messages(int fd)
{
	static struct mmsghdr messages[MESSAGES];

	for (int i = 0; i < MESSAGES; i++) {
		if (draw_message(&messages[i].msg_hdr) != &messages[i].msg_hdr)
			messages[i].msg_hdr.msg_iov = draw_bad();
	}
	return CALL(sendmmsg(fd, draw(10) ? messages : draw_bad(), draw(5) ? MESSAGES : 0,
	                     (unsigned)draw_flags()));
}

static long call_list(int fd, bool reads)
{
	int count;
	const struct iovec *list = draw_list(&count);

	/* No list is that long. */
	if (count > PARTS && draw(2))
		count = PARTS;
	return reads ? CALL(readv(fd, list, count)) : CALL(writev(fd, list, count));
}

static long wait_by_lot(int fd)
{
	static struct pollfd requests[4];
	struct timeval none = {0, 0};

	for (int i = 0; i < 4; i++)
		requests[i] = (struct pollfd){slots[draw(SLOTS)].fd, (short)draw(0x40), 0};
	switch (draw(7)) {
	case 6:
		return CALL(epoll_ctl(fd, (int)draw(5), slots[draw(SLOTS)].fd, draw_bad()));
	case 0:
		return CALL(poll(draw(2) ? requests : draw_bad(), 4, 0));
	case 1:
		return CALL(ppoll(draw(3) ? requests : draw_bad(), 4, draw_limit(),
		                  draw(3) ? NULL : draw_bad()));
	case 2:
		return CALL(select((int)draw(200) - 50, draw_bad(), draw_bad(), draw_bad(), &none));
	case 3:
		return CALL(epoll_wait(fd, draw_pointer(), (int)draw(20) - 2, 0));
	case 4:
		return CALL(epoll_pwait(fd, draw_pointer(), (int)draw(20) - 2, 0,
		                        draw(3) ? NULL : draw_bad()));
	default:
		return CALL(epoll_pwait2(fd, draw_pointer(), 10, draw_limit(),
		                         draw(3) ? NULL : draw_bad()));
	}
}

/* How many are ready may be a matter of time. */
static long call_wait(int fd)
{
	return wait_by_lot(fd) < 0 ? -1 : 0;
}

static long call_other(int fd)
{
	socklen_t length = (socklen_t)draw_size();

	switch (draw(6)) {
	case 0:
		return CALL(getsockname(fd, draw_bad(), draw(2) ? &length : draw_bad()));
	case 1:
		return CALL(bind(fd, draw_bad(), (socklen_t)draw_size()));
	case 2:
		return CALL(accept(fd, draw_bad(), draw(2) ? &length : draw_bad()));
	case 3:
		return CALL(
			accept4(fd, draw_bad(), draw(2) ? &length : draw_bad(), (int)draw(9999)));
	case 4:
		return CALL(sigtimedwait(draw_bad(), draw_pointer(), draw_limit()));
	default:
		return CALL(signalfd(fd, draw_bad(), 0));
	}
}

static long call_by_lot(int fd)
{
	switch (draw(14)) {
	case 0:
		return CALL(read(fd, draw_pointer(), draw_size()));
	case 1:
	case 2:
		return CALL(write(fd, draw_pointer(), draw_size()));
	case 3:
		return CALL(recv(fd, draw_pointer(), draw_size(), draw_flags()));
	case 4:
		return CALL(recvfrom(fd, draw_pointer(), draw_size(), draw_flags(),
		                     draw(3) ? NULL : draw_bad(), draw(3) ? NULL : draw_bad()));
	case 5:
		return CALL(send(fd, draw_pointer(), draw_size(), draw_flags()));
	case 6:
		return CALL(sendto(fd, draw_pointer(), draw_size(), draw_flags(),
		                   draw(2) ? NULL : draw_bad(), (socklen_t)draw_size()));
	case 7:
		return call_list(fd, true);
	case 8:
		return call_list(fd, false);
	case 9:
		return call_message(fd, true);
	case 10:
		return call_message(fd, false);
	case 11:
		return call_messages(fd);
	case 12:
		return call_wait(fd);
	default:
		return call_other(fd);
	}
}

static void tell(long number, const struct slot *slot, long result, bool is_fault)
{
	const int error = errno;

	if (is_silent)
		return;
	if (is_fault)
		printf("%ld: %s: a fault\n", number, drawn_call);
	else if (slot->is_tcp && (result >= 0 || error == EAGAIN || error == EFAULT))
		printf("%ld: %s: what TCP says\n", number, drawn_call);
	else
		printf("%ld: %s: %ld %s\n", number, drawn_call, result,
		       result == -1 ? strerrorname_np(error) : "");
}

static void call_once(long number)
{
	struct slot *slot = &slots[draw(SLOTS)];
	const int fd = draw(50) ? slot->fd : (int)draw(INT_MAX);
	volatile long result = -1;

	if (!draw(40)) {
		close_slot(slot);
		open_slot(slot);
		return;
	}
	if (!is_silent)
		hostile_expect();
	errno = 0;
	if (sigsetjmp(hostile_back, 1) == 0) {
		result = call_by_lot(fd);
		tell(number, slot, result, false);
	} else {
		tell(number, slot, result, true);
	}
	drain_peer(slot);
}

static _Atomic bool is_over;

/* Answers of a server, cut anywhere. */
static void *scribble(void *unused)
{
	static const char text[] =
		"HTTP/1.1 200 OK\r\nContent-Length: 5\r\nConnection: keep-alive\r\n"
		"Transfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n0\r\n\r\n";
	uint32_t at = 1;

	while (!is_over) {
		for (int i = 0; i < 512; i++) {
			at = at * 1103515245u + 12345u;
			good[(at >> 8) % ROOM] = text[at % (sizeof(text) - 1)];
		}
		usleep(1000);
	}
	return unused;
}

static double now_s(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return (double)now.tv_sec + (double)now.tv_nsec / 1e9;
}

int hostile_fuzz(unsigned seed, double seconds, long calls, bool with_thread)
{
	const double end = now_s() + seconds;
	pthread_t scribbler;

	lot = seed * 2654435761u + 1;
	is_silent = with_thread;
	if (with_thread && pthread_create(&scribbler, NULL, scribble, NULL) != 0)
		return -1;
	for (int i = 0; i < SLOTS; i++)
		open_slot(&slots[i]);
	for (long i = 0; i < calls || now_s() < end; i++)
		call_once(i);
	is_over = true;
	if (with_thread)
		pthread_join(scribbler, NULL);
	return 0;
}
