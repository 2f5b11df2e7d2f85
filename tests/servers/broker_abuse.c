/* SPDX-License-Identifier: MIT */
#include "broker_abuse.h"

#include "trespass.h"

#include <dirent.h>
#include <netinet/in.h>
#include <poll.h>
#include <pthread.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

/* As shim/upgrade/broker_messages.h and shim/generation/birth.h have them. */
enum { MAGIC = 0x6f637431, VERSION = 6, BIRTH = -1, MOST_LISTENERS = 512 };

enum {
	MOST_BETWEEN = 4,
	HELD = 300,
	MOST_PASSED = 200,
	REPLY_MS = 20,
	LINGERING = 8,
	LINGER_S = 600
};

struct request {
	uint32_t magic, version;
	int32_t index;
};

static struct abuse {
	pid_t boss;
	bool is_member, lingers;
	struct sockaddr_un address;
	int held[HELD];
	unsigned asked;
} abuse;

void broker_abuse_begin(pid_t boss, bool is_member, bool lingers)
{
	abuse.boss = boss;
	abuse.is_member = is_member;
	abuse.lingers = lingers;
	memset(abuse.held, -1, sizeof(abuse.held));
}

static bool read_stat(const char *pid, char name[16], pid_t *ret_parent)
{
	char path[64];
	FILE *file;
	int found = 0;

	snprintf(path, sizeof(path), "/proc/%s/stat", pid);
	file = fopen(path, "r");
	if (file) {
		found = fscanf(file, "%*d (%15[^)]) %*c %d", name, ret_parent);
		fclose(file);
	}
	return found == 2;
}

static pid_t parent_of(pid_t pid)
{
	char text[16], name[16];
	pid_t parent = 0;

	snprintf(text, sizeof(text), "%d", pid);
	return read_stat(text, name, &parent) ? parent : 0;
}

/* Of the birth of BOSS, or of the one that it has begun. */
static bool is_our_reaper(const char *pid)
{
	char name[16];
	pid_t parent, ancestor = abuse.boss;

	if (!read_stat(pid, name, &parent) || strncmp(name, "octopus:", 8) != 0)
		return false;
	memcpy(abuse.address.sun_path + 1, name + 8, 5);
	for (int i = 0; i < MOST_BETWEEN && ancestor > 1 && ancestor != atoi(pid); i++)
		ancestor = parent_of(ancestor);
	return parent == abuse.boss || ancestor == atoi(pid);
}

static bool find_broker(void)
{
	DIR *processes = opendir("/proc");
	const struct dirent *entry;
	bool is_found = false;

	abuse.address.sun_family = AF_UNIX;
	while (processes && !is_found && (entry = readdir(processes)))
		is_found = atoi(entry->d_name) > 1 && is_our_reaper(entry->d_name);
	if (processes)
		closedir(processes);
	return is_found;
}

static int connect_to_broker(void)
{
	const int fd = socket(AF_UNIX, SOCK_SEQPACKET | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);

	if (fd >= 0 &&
	    connect(fd, (void *)&abuse.address, offsetof(struct sockaddr_un, sun_path) + 6) == 0)
		return fd;
	close(fd);
	return -1;
}

static void hold_connections(void)
{
	for (int i = 0; i < HELD; i++) {
		struct pollfd held = {.fd = abuse.held[i], .events = POLLIN};

		if (abuse.held[i] >= 0 && poll(&held, 1, 0) == 0)
			continue;
		if (abuse.held[i] >= 0)
			close(abuse.held[i]);
		abuse.held[i] = connect_to_broker();
		if (abuse.held[i] < 0)
			return;
	}
}

static bool has_descriptor(struct msghdr *message)
{
	struct cmsghdr *header;

	for (header = CMSG_FIRSTHDR(message); header; header = CMSG_NXTHDR(message, header)) {
		if (header->cmsg_type == SCM_RIGHTS)
			return true;
	}
	return false;
}

static void look_at_reply(int fd, const char *how)
{
	union {
		char room[CMSG_SPACE(8 * sizeof(int))];
		struct cmsghdr header;
	} control;
	char bytes[64];
	struct iovec data = {bytes, sizeof(bytes)};
	struct msghdr message = {.msg_iov = &data,
	                         .msg_iovlen = 1,
	                         .msg_control = &control,
	                         .msg_controllen = sizeof(control)};
	struct pollfd reply = {.fd = fd, .events = POLLIN};

	if (poll(&reply, 1, REPLY_MS) == 1 && recvmsg(fd, &message, MSG_CMSG_CLOEXEC) > 0)
		trespass_note(has_descriptor(&message), how);
}

/* PASSED goes COUNT times with it. */
static bool send_passing(int connection, const void *bytes, size_t size, int passed, int count)
{
	union {
		char room[CMSG_SPACE(MOST_PASSED * sizeof(int))];
		struct cmsghdr header;
	} control = {{0}};
	struct iovec data = {(void *)(uintptr_t)bytes, size};
	struct msghdr message = {.msg_iov = &data, .msg_iovlen = 1};

	if (count) {
		message.msg_control = &control;
		message.msg_controllen = CMSG_SPACE((size_t)count * sizeof(int));
		control.header.cmsg_level = SOL_SOCKET;
		control.header.cmsg_type = SCM_RIGHTS;
		control.header.cmsg_len = CMSG_LEN((size_t)count * sizeof(int));
	}
	for (int i = 0; i < count; i++)
		memcpy(CMSG_DATA(&control.header) + (size_t)i * sizeof(int), &passed, sizeof(int));
	abuse.asked++;
	return sendmsg(connection, &message, MSG_NOSIGNAL) >= 0;
}

static void ask(const char *how, const void *bytes, size_t size, int passed, int count)
{
	const int connection = connect_to_broker();

	if (connection < 0)
		return;
	(void)send_passing(connection, bytes, size, passed, count);
	look_at_reply(connection, how);
	close(connection);
}

static void ask_for(const char *how, uint32_t magic, uint32_t version, int32_t index)
{
	const struct request request = {magic, version, index};

	ask(how, &request, sizeof(request), -1, 0);
}

/* Its other end is never read, and its last close is the broker's. */
static int make_lingering(int *ret_other)
{
	const struct linger linger = {1, LINGER_S};
	struct sockaddr_in address = {.sin_family = AF_INET};
	socklen_t length = sizeof(address);
	const int listener = socket(AF_INET, SOCK_STREAM, 0), fd = socket(AF_INET, SOCK_STREAM, 0);
	static char bytes[8 << 20];

	address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
	if (bind(listener, (void *)&address, length) || listen(listener, 1) ||
	    getsockname(listener, (void *)&address, &length) ||
	    connect(fd, (void *)&address, length))
		_exit(7);
	*ret_other = accept(listener, NULL, NULL);
	close(listener);
	(void)!send(fd, bytes, sizeof(bytes), MSG_DONTWAIT);
	(void)setsockopt(fd, SOL_SOCKET, SO_LINGER, &linger, sizeof(linger));
	return fd;
}

/* The broker may have closed its own already: then this is the last one, and lingers. */
static void *close_apart(void *fd)
{
	close((int)(intptr_t)fd);
	return NULL;
}

/* Only once: the other ends stay open, with what they have not read. */
static void pass_lingering(void)
{
	pthread_t closer;

	static const struct linger none;
	static int passed;

	for (; passed < LINGERING; passed++) {
		const int connection = connect_to_broker();
		int other, fd;

		if (connection < 0)
			return;
		fd = make_lingering(&other);
		if (!send_passing(connection, "?", 1, fd, 1))
			(void)setsockopt(fd, SOL_SOCKET, SO_LINGER, &none, sizeof(none));
		if (pthread_create(&closer, NULL, close_apart, (void *)(intptr_t)fd) == 0)
			pthread_detach(closer);
	}
}

static void ask_in_wrong_ways(void)
{
	static const int32_t wrong[] = {MOST_LISTENERS - 1, MOST_LISTENERS, -2, INT32_MAX,
	                                INT32_MIN};
	static const char zeros[4096];
	const struct request right = {MAGIC, VERSION, 0};
	char longer[sizeof(right) + 1] = {0};

	memcpy(longer, &right, sizeof(right));
	for (size_t i = 0; i < sizeof(wrong) / sizeof(wrong[0]); i++)
		ask_for("a wrong index", MAGIC, VERSION, wrong[i]);
	ask_for("another version", MAGIC, VERSION + 1, 0);
	ask_for("another magic", MAGIC + 1, VERSION, BIRTH);
	ask("an empty request", zeros, 0, -1, 0);
	ask("a short request", &right, sizeof(right) - 1, -1, 0);
	ask("a long request", longer, sizeof(longer), -1, 0);
	ask("a long request", zeros, sizeof(zeros), -1, 0);
	ask("passing descriptors", zeros, sizeof(zeros), 1, MOST_PASSED);
	ask("passing descriptors", zeros, sizeof(right), 1, 2);
	if (abuse.is_member)
		return;
	ask("asking for the birth", &(struct request){MAGIC, VERSION, BIRTH}, sizeof(right), -1, 0);
	ask("asking for a listener", &right, sizeof(right), -1, 0);
	ask("asking with a descriptor", &right, sizeof(right), 1, 1);
}

bool broker_abuse(void)
{
	if (!find_broker())
		return false;
	if (abuse.lingers)
		pass_lingering();
	ask_in_wrong_ways();
	hold_connections();
	return true;
}

void broker_abuse_tell(void)
{
	printf("hostile %d asked %u\n", getpid(), abuse.asked);
	fflush(stdout);
}
