/* SPDX-License-Identifier: MIT */
#include "upgrade/broker.h"

#include <errno.h>
#include <stddef.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/interpose.h"
#include "base/own_fd.h"
#include "base/raw_stat.h"
#include "kernel/close_apart.h"
#include "kernel/passed_fds.h"
#include "kernel/procfs.h"
#include "kernel/sandbox.h"
#include "kernel/socket_identity.h"
#include "kernel/trusted_peer.h"
#include "upgrade/broker_messages.h"
#include "upgrade/family.h"
#include "upgrade/inherited.h"

/* One that belongs to the birth asks as soon as it is connected. So many that have not are kept until the
 * next round; the others wait to be accepted. */
#define REQUEST_MS 50
#define MOST_SILENT 16

/* Anybody in this network namespace may connect, and the controller has other work. */
#define MOST_AT_ONCE 64

#define MOST_LEAVING ((MOST_AT_ONCE + MOST_SILENT) * (1 + PASSED_FDS_MOST) + 1)

#ifndef SO_PASSRIGHTS
#define SO_PASSRIGHTS 83 /* asm-generic/socket.h, Linux 6.16 */
#endif

struct silent {
	int fd;
	uint64_t identity; /* 0: none is kept here */
	int64_t until;     /* ms */
};

/* The controller's own. */
static struct {
	int fd;            /* -1: none */
	uint64_t identity; /* socket_identity.h: the server may have closed the number */
	struct silent silent[MOST_SILENT];
	int leaving[MOST_LEAVING]; /* to be closed when all have been looked at */
	int leaving_count;
	bool takes_descriptors; /* whoever connects may pass some */
	int words_fd;
	ino_t words_ino;
	const struct manifest *manifest;
	const struct spawn_fd *listeners;
} broker = {.fd = -1, .words_fd = -1};

/* What strangers pass would have to be closed (close_apart.h). Before Linux 6.16 nobody can refuse it. */
static bool refuse_descriptors(int fd)
{
	const int allow = 0;

	return setsockopt(fd, SOL_SOCKET, SO_PASSRIGHTS, &allow, sizeof(allow)) == 0;
}

/* The address is a zero byte and five digits (unix(7), "Autobind"). */
static int open_socket(char ret_name[BIRTH_BROKER])
{
	const int fd = libc_calls.socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	struct sockaddr_un address = {.sun_family = AF_UNIX};
	socklen_t length = sizeof(address);

	if (fd < 0)
		return -errno;
	broker.takes_descriptors = !refuse_descriptors(fd);
	if (libc_calls.bind(fd, (void *)&address, sizeof(sa_family_t)) == 0 &&
	    libc_calls.listen(fd, SOMAXCONN) == 0 &&
	    libc_calls.getsockname(fd, (void *)&address, &length) == 0 &&
	    length == offsetof(struct sockaddr_un, sun_path) + BIRTH_BROKER) {
		memcpy(ret_name, address.sun_path + 1, BIRTH_BROKER - 1);
		ret_name[BIRTH_BROKER - 1] = '\0';
		return fd;
	}
	libc_calls.close(fd);
	return -EADDRNOTAVAIL;
}

/* Without /proc nobody would find it, and it could not tell who asks. */
int broker_open(char ret_name[BIRTH_BROKER])
{
	if (sandbox_deadly_for_controller(SANDBOX_BROKER) || procfs_is_dead(getpid()))
		return -EPERM;
	broker.fd = open_socket(ret_name);
	if (broker.fd < 0)
		return broker.fd;
	broker.identity = socket_identity(broker.fd);
	return 0;
}

void broker_begin(int words_fd, const struct manifest *manifest, const struct spawn_fd *listeners)
{
	struct stat words;

	broker.words_fd = words_fd;
	broker.words_ino = raw_fstat(words_fd, &words) == 0 ? words.st_ino : 0;
	broker.manifest = manifest;
	broker.listeners = listeners;
}

static bool has_words(void)
{
	struct stat words;

	return raw_fstat(broker.words_fd, &words) == 0 && words.st_ino == broker.words_ino;
}

static bool has_socket(void)
{
	return socket_identity(broker.fd) == broker.identity;
}

static void let_leave(int fd)
{
	if (broker.takes_descriptors && broker.leaving_count < MOST_LEAVING)
		broker.leaving[broker.leaving_count++] = fd;
	else
		libc_calls.close(fd);
}

static void close_leaving(void)
{
	close_apart(broker.leaving, broker.leaving_count);
	broker.leaving_count = 0;
}

/* A helper that has become another user belongs to the birth, too, and gets nothing. */
static bool may_ask(int fd)
{
	return family_confirm(trusted_peer(fd)).pid > 0;
}

static int give(int fd, int error, const int *fds, int count)
{
	const struct broker_reply reply = {.magic = GENERATION_MAGIC, .error = error};

	return passed_fds_send(fd, &reply, sizeof(reply), fds, count);
}

static void give_birth(int fd)
{
	struct manifest manifest = *broker.manifest;
	const int manifest_fd = manifest_seal(&manifest);
	const int fds[] = {broker.words_fd, manifest_fd};

	if (manifest_fd < 0 || !has_words())
		(void)give(fd, manifest_fd < 0 ? manifest_fd : -EBADF, NULL, 0);
	else
		(void)give(fd, 0, fds, 2);
	if (manifest_fd >= 0)
		libc_calls.close(manifest_fd);
}

/* The server may have closed it since, or put something else in its place. */
static void give_listener(int fd, uint32_t index)
{
	const int listener_fd = broker.listeners[index].from;

	if (inherited_fault(listener_fd, &broker.manifest->listeners[index]))
		(void)give(fd, -EBADF, NULL, 0);
	else
		(void)give(fd, 0, &listener_fd, 1);
}

/* Returns false while there is no request. */
static bool answer(int fd)
{
	int fds[PASSED_FDS_MOST];
	struct broker_request request;
	int count = passed_fds_receive(fd, &request, sizeof(request), fds);

	while (count > 0)
		let_leave(fds[--count]);
	if (count < 0 || request.magic != GENERATION_MAGIC)
		return count != -EAGAIN;
	if (request.version != GENERATION_VERSION)
		(void)give(fd, -EPROTONOSUPPORT, NULL, 0);
	else if (request.index == BROKER_BIRTH)
		give_birth(fd);
	else if (request.index >= 0 && (uint32_t)request.index < broker.manifest->listener_count)
		give_listener(fd, (uint32_t)request.index);
	else
		(void)give(fd, -EINVAL, NULL, 0);
	return true;
}

static bool is_kept(const struct silent *silent)
{
	return silent->identity && socket_identity(silent->fd) == silent->identity;
}

static void dismiss(struct silent *silent)
{
	if (is_kept(silent))
		let_leave(silent->fd);
	silent->identity = 0;
}

static void look_again(void)
{
	for (int i = 0; i < MOST_SILENT; i++) {
		struct silent *silent = &broker.silent[i];

		if (!is_kept(silent) || answer(silent->fd) || clock_now_ms() >= silent->until)
			dismiss(silent);
	}
}

static struct silent *find_place(void)
{
	for (int i = 0; i < MOST_SILENT; i++) {
		if (!broker.silent[i].identity)
			return &broker.silent[i];
	}
	return NULL;
}

static void receive(int fd, struct silent *place)
{
	if (!may_ask(fd) || answer(fd)) {
		let_leave(fd);
		return;
	}
	place->fd = fd;
	place->identity = socket_identity(fd);
	place->until = clock_now_ms() + REQUEST_MS;
}

bool broker_answer(void)
{
	struct silent *place;
	int fd, count = 0;

	if (broker.fd < 0)
		return false;
	own_fd_begin();
	look_again();
	while (count++ < MOST_AT_ONCE && (place = find_place()) && has_socket() &&
	       (fd = libc_calls.accept4(broker.fd, NULL, NULL, SOCK_CLOEXEC | SOCK_NONBLOCK)) >= 0)
		receive(fd, place);
	close_leaving();
	own_fd_end();
	return true;
}

static void end(void)
{
	for (int i = 0; i < MOST_SILENT; i++)
		dismiss(&broker.silent[i]);
	if (broker.fd >= 0 && has_socket())
		let_leave(broker.fd);
	if (broker.words_fd >= 0 && has_words())
		libc_calls.close(broker.words_fd);
	broker.fd = broker.words_fd = -1;
}

void broker_close(void)
{
	end();
	close_leaving();
}

/* The parent still has what the child closes. */
void broker_forked(void)
{
	broker.takes_descriptors = false;
	end();
}
