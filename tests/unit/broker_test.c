/* SPDX-License-Identifier: MIT */
/* Asks the broker of a birth in every wrong way, and in the right one. This process is predecessor
 * and asker at once. A broker that waited for anybody would wait for ever.
 * Links: upgrade/broker.c kernel/trusted_peer.c kernel/close_apart.c upgrade/inherited.c kernel/passed_fds.c generation/birth.c generation/sealed.c
 * Links: base/libc_calls.c base/failpoint.c base/text.c base/errno_names.c base/own_fd.c base/clock.c base/vdso.c
 * Links: kernel/socket_identity.c kernel/socket_options.c kernel/listeners.c kernel/procfs.c kernel/sandbox.c
 * Links: kernel/seccomp_filter.c kernel/process.c kernel/peek.c base/log.c base/log_target.c base/trusted_path.c
 * Links: base/settings.c base/signal_names.c base/kept_fd.c
 */
#include "upgrade/broker.h"

#include "base/interpose.h"
#include "expect.h"
#include "kernel/passed_fds.h"
#include "upgrade/broker_messages.h"
#include "upgrade/family.h"

#include <dirent.h>
#include <errno.h>
#include <limits.h>
#include <netinet/in.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/un.h>
#include <unistd.h>

enum { CROWD = 40, FOR_EVER_S = 10, STRANGER = -1 };

static char name[BIRTH_BROKER];
static struct manifest manifest;
static struct spawn_fd listeners[GENERATION_LISTENERS];
static bool is_of_birth = true;

/* In the place of family.c: here nobody has been born. */
struct process family_confirm(pid_t pid)
{
	return (struct process){.pid = is_of_birth ? pid : 0};
}

static int count_fds(void)
{
	DIR *fds = opendir("/proc/self/fd");
	int count = 0;

	while (fds && readdir(fds))
		count++;
	closedir(fds);
	return count;
}

static int connect_to_broker(void)
{
	const int fd = socket(AF_UNIX, SOCK_SEQPACKET | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
	struct sockaddr_un address = {.sun_family = AF_UNIX};

	memcpy(address.sun_path + 1, name, BIRTH_BROKER - 1);
	if (connect(fd, (void *)&address, offsetof(struct sockaddr_un, sun_path) + BIRTH_BROKER))
		expect_number("error of the connect", errno, 0);
	return fd;
}

/* Returns how many descriptors came, the error that the reply tells of, -EPROTO after the end of the
 * connection without one, or -EAGAIN if it goes on. */
static int read_reply(int fd)
{
	struct broker_reply reply;
	int fds[PASSED_FDS_MOST];
	const int count = passed_fds_receive(fd, &reply, sizeof(reply), fds);

	for (int i = 0; i < count; i++)
		close(fds[i]);
	if (count == -ECONNRESET) /* the end of one whose request nobody has read */
		return -EPROTO;
	return count == 0 ? reply.error : count;
}

static int ask(const void *bytes, size_t size, const int *fds, int fd_count)
{
	const int fd = connect_to_broker();
	int result = passed_fds_send(fd, bytes, size, fds, fd_count);

	broker_answer();
	if (result == 0)
		result = read_reply(fd);
	close(fd);
	return result;
}

static int ask_for(uint32_t magic, uint32_t version, int32_t index)
{
	const struct broker_request request = {magic, version, index};

	return ask(&request, sizeof(request), NULL, 0);
}

static int ask_well(int32_t index)
{
	return ask_for(GENERATION_MAGIC, GENERATION_VERSION, index);
}

static void right_requests_are_answered(void)
{
	expect_number("for the birth", ask_well(BROKER_BIRTH), 2);
	expect_number("for a listener", ask_well(0), 1);
	expect_number("for one that is closed", ask_well(1), -EBADF);
}

static void wrong_requests_get_nothing(void)
{
	static const int32_t wrong[] = {2, -2, GENERATION_LISTENERS, INT_MAX, INT_MIN};
	char bytes[4096] = {0};

	for (size_t i = 0; i < sizeof(wrong) / sizeof(wrong[0]); i++)
		expect_number("for a wrong index", ask_well(wrong[i]), -EINVAL);
	expect_number("of another version", ask_for(GENERATION_MAGIC, GENERATION_VERSION + 1, 0),
	              -EPROTONOSUPPORT);
	expect_number("with another magic", ask_for(1, GENERATION_VERSION, 0), -EPROTO);
	for (size_t size = 0; size <= sizeof(bytes); size += size < 32 ? 1 : 508) {
		const struct broker_request request = {GENERATION_MAGIC, GENERATION_VERSION, 0};

		memcpy(bytes, &request, sizeof(request));
		if (size != sizeof(request))
			expect_number("of another size", ask(bytes, size, NULL, 0), -EPROTO);
	}
}

/* Linux refuses them since 6.16 (SO_PASSRIGHTS). Before that they are closed. */
static void descriptors_are_not_taken(void)
{
	const struct broker_request request = {GENERATION_MAGIC, GENERATION_VERSION, 0};
	const int fds[] = {0, 1};
	const int before = count_fds();

	for (int count = 1; count <= 2; count++) {
		const int right = ask(&request, sizeof(request), fds, count);

		expect_number("with descriptors", right == 1 || right == -EPERM, 1);
		(void)ask("", 1, fds, count);
	}
	broker_answer();
	expect_number("descriptors that are left", count_fds(), before);
}

static void strangers_get_nothing(void)
{
	is_of_birth = false;
	expect_number("a stranger for the birth", ask_well(BROKER_BIRTH), -EPROTO);
	expect_number("a stranger for a listener", ask_well(0), -EPROTO);
	is_of_birth = true;
}

/* Some are kept for a while, and the others wait to be accepted; so do those that ask. */
static void the_silent_hold_nobody_up(void)
{
	const struct broker_request request = {GENERATION_MAGIC, GENERATION_VERSION, 0};
	const int before = count_fds();
	int crowd[CROWD], late, answer;

	for (int i = 0; i < CROWD; i++)
		crowd[i] = connect_to_broker();
	broker_answer();
	expect_number("a silent one is kept", read_reply(crowd[0]), -EAGAIN);
	expect_number("a few of them are", count_fds() < before + CROWD + CROWD / 2, 1);
	expect_number("it asks", passed_fds_send(crowd[0], &request, sizeof(request), NULL, 0), 0);
	broker_answer();
	expect_number("it gets the listener", read_reply(crowd[0]), 1);
	late = connect_to_broker();
	expect_number("one asks behind them",
	              passed_fds_send(late, &request, sizeof(request), NULL, 0), 0);
	while ((answer = read_reply(late)) == -EAGAIN) {
		broker_answer();
		usleep(1000);
	}
	expect_number("it gets the listener, too", answer, 1);
	expect_number("a silent one is dismissed", read_reply(crowd[1]), -EPROTO);
	for (int i = 0; i < CROWD; i++)
		close(crowd[i]);
	close(late);
	broker_answer();
	broker_answer();
	expect_number("descriptors of theirs that are left", count_fds(), before);
}

static void nothing_is_left(int before)
{
	const int silent = connect_to_broker();

	broker_answer();
	expect_number("there is a broker", broker_answer(), true);
	broker_close();
	expect_number("there is none any more", broker_answer(), false);
	expect_number("the silent one hears of it", read_reply(silent), -EPROTO);
	close(silent);
	expect_number("descriptors that are left at the end", count_fds(), before);
}

static int listen_somewhere(struct inherited_listener *listener)
{
	const int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
	struct sockaddr_in address = {
		.sin_family = AF_INET,
		.sin_addr.s_addr = htonl(INADDR_LOOPBACK),
	};
	socklen_t length = sizeof(address);

	if (bind(fd, (void *)&address, length) || listen(fd, 1) ||
	    getsockname(fd, (void *)&address, &length))
		exit(2);
	listener->family = AF_INET;
	listener->type = SOCK_STREAM;
	listener->address_length = length;
	memcpy(&listener->address, &address, sizeof(address));
	return fd;
}

int main(void)
{
	int before;

	libc_calls_resolve();
	listeners[0].from = listen_somewhere(&manifest.listeners[0]);
	listeners[1].from = STRANGER;
	manifest.listeners[1] = manifest.listeners[0];
	manifest.listener_count = 2;
	before = count_fds();
	if (broker_open(name))
		return 2;
	broker_begin(memfd_create("words", MFD_CLOEXEC), &manifest, listeners);
	alarm(FOR_EVER_S);
	right_requests_are_answered();
	wrong_requests_get_nothing();
	descriptors_are_not_taken();
	strangers_get_nothing();
	the_silent_hold_nobody_up();
	nothing_is_left(before);
	return expect_status();
}
