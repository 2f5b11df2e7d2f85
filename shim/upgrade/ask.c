/* SPDX-License-Identifier: MIT */
#include "upgrade/ask.h"

#include <errno.h>
#include <stddef.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <sys/un.h>
#include <unistd.h>

#include "base/interpose.h"
#include "base/own_fd.h"
#include "base/text.h"
#include "kernel/ancestry.h"
#include "kernel/passed_fds.h"
#include "kernel/process.h"
#include "kernel/trusted_peer.h"
#include "upgrade/broker_messages.h"

/* A predecessor that is stopped meanwhile cannot answer. */
#define ANSWER_S 5

/* As many ancestors may end one after the other. */
#define MOST_WALKS 16

/* PEER is who has to listen there, or 0 for whoever may. Returns a descriptor or -errno. */
static int connect_to(const char *name, pid_t peer)
{
	const struct timeval limit = {.tv_sec = ANSWER_S};
	struct sockaddr_un address = {.sun_family = AF_UNIX};
	const int fd = libc_calls.socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0);
	int error;
	pid_t found;

	if (fd < 0)
		return -errno;
	memcpy(address.sun_path + 1, name, BIRTH_BROKER - 1);
	(void)setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &limit, sizeof(limit));
	(void)setsockopt(fd, SOL_SOCKET, SO_SNDTIMEO, &limit, sizeof(limit));
	/* With a time limit a handler interrupts it, whatever its flags (signal(7)). */
	do
		error = libc_calls.connect(fd, (void *)&address,
		                           offsetof(struct sockaddr_un, sun_path) + BIRTH_BROKER) !=
		                        0
		                ? -errno
		                : 0;
	while (error == -EINTR);
	if (!error) {
		found = trusted_peer(fd);
		error = found > 0 && (peer == 0 || found == peer) ? 0 : -EPERM;
	}
	if (!error)
		return fd;
	libc_calls.close(fd);
	return error;
}

static bool is_address(const char *name)
{
	return strlen(name) == BIRTH_BROKER - 1 &&
	       strspn(name, "0123456789abcdef") == BIRTH_BROKER - 1;
}

/* The parent of a reaper is the predecessor, which listens. */
static bool is_reaper(pid_t pid, pid_t parent, char ret_name[BIRTH_BROKER])
{
	const size_t length = strlen(BROKER_PREFIX);
	char name[32];
	int fd;

	if (process_read_name(pid, name, sizeof(name)) != 0 ||
	    strncmp(name, BROKER_PREFIX, length) != 0 || !is_address(name + length))
		return false;
	memcpy(ret_name, name + length, BIRTH_BROKER);
	fd = connect_to(ret_name, parent);
	if (fd >= 0)
		libc_calls.close(fd);
	return fd >= 0;
}

/* Returns 1 if a reaper is found, 0 if there is none, or -errno where an ancestor has just ended: then its
 * children have another parent. */
static int walk_up(char ret_name[BIRTH_BROKER])
{
	struct process_stat stat;
	pid_t pid = getpid();
	int error;

	for (int i = 0; i < ANCESTORS && pid > 1; i++) {
		error = process_read_stat(pid, &stat);
		if (error)
			return error;
		if (i > 0 && is_reaper(pid, stat.parent, ret_name))
			return 1;
		pid = stat.parent;
	}
	return 0;
}

bool ask_find(char ret_name[BIRTH_BROKER])
{
	const int saved = errno;
	int found = -ENOENT;

	own_fd_begin();
	for (int i = 0; i < MOST_WALKS && found == -ENOENT; i++)
		found = walk_up(ret_name);
	own_fd_end();
	errno = saved;
	return found == 1;
}

/* Asks over FD. Returns the number of descriptors that came, or -errno. */
static int converse(int fd, int32_t index, int fds[PASSED_FDS_MOST])
{
	const struct broker_request request = {
		.magic = GENERATION_MAGIC,
		.version = GENERATION_VERSION,
		.index = index,
	};
	struct broker_reply reply;
	int result = passed_fds_send(fd, &request, sizeof(request), NULL, 0);

	if (result < 0)
		return result;
	do
		result = passed_fds_receive(fd, &reply, sizeof(reply), fds);
	while (result == -EINTR);
	if (result == 0)
		return reply.error < 0 ? reply.error : -EPROTO;
	return result;
}

/* WANTED descriptors, or -errno and none. */
static int ask(const char *name, int32_t index, int fds[PASSED_FDS_MOST], int wanted)
{
	const int saved = errno;
	int fd, count;

	fd = connect_to(name, 0);
	count = fd < 0 ? fd : converse(fd, index, fds);
	if (fd >= 0)
		libc_calls.close(fd);
	errno = saved;
	if (count < 0 || count == wanted)
		return count < 0 ? count : 0;
	while (count > 0)
		libc_calls.close(fds[--count]);
	return -EPROTO;
}

int ask_for_birth(const char *name, int *ret_words_fd, int *ret_manifest_fd)
{
	int fds[PASSED_FDS_MOST];
	const int error = ask(name, BROKER_BIRTH, fds, 2);

	if (error)
		return error;
	*ret_words_fd = fds[0];
	*ret_manifest_fd = fds[1];
	return 0;
}

int ask_for_listener(const char *name, uint32_t index)
{
	int fds[PASSED_FDS_MOST];
	const int error = ask(name, (int32_t)index, fds, 1);

	return error ? error : fds[0];
}
