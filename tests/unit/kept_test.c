/* SPDX-License-Identifier: MIT */
/* A connection that is kept is the one that accept() would have returned, with its address and the flags that are asked
 * for then. Each is given once. The child of a fork has none.
 * Links: control/kept.c base/own_fd.c base/clock.c base/vdso.c kernel/caller_memory.c kernel/socket_identity.c
 */
#include "control/kept.h"

#include "base/interpose.h"
#include "drain/accept_calls.h"
#include "drain/stop_accepting.h"
#include "expect.h"
#include "http/exchange.h"
#include "kernel/sandbox.h"

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <pthread.h>
#include <stdint.h>
#include <sys/wait.h>
#include <unistd.h>

/* What stands in for the modules above. */
struct libc_calls libc_calls = {.close = close};
_Atomic uint32_t sandbox_deadly;
_Atomic bool stop_accepting_is_on;
__thread struct caller *accept_calls_own;
static int calls_under_way, taken_fd;

void accept_calls_enter(void)
{
	calls_under_way++;
}

void exchange_begin_anew(int fd, enum exchange_origin origin)
{
	taken_fd = origin == EXCHANGE_ACCEPTED && calls_under_way ? fd : -1;
}

static int make_listener(void)
{
	const struct sockaddr_in address = {.sin_family = AF_INET,
	                                    .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
	const int fd = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK, 0);

	bind(fd, (const void *)&address, sizeof(address));
	listen(fd, 16);
	return fd;
}

static int connect_to(int listener)
{
	struct sockaddr_in address;
	socklen_t length = sizeof(address);
	const int fd = socket(AF_INET, SOCK_STREAM, 0);

	getsockname(listener, (void *)&address, &length);
	connect(fd, (const void *)&address, sizeof(address));
	return fd;
}

static in_port_t port_of(int fd)
{
	struct sockaddr_in address = {0};
	socklen_t length = sizeof(address);

	getsockname(fd, (void *)&address, &length);
	return address.sin_port;
}

static bool has_ended(int fd)
{
	char byte;

	return recv(fd, &byte, 1, MSG_DONTWAIT) == 0;
}

static void gives_what_it_took(int listener)
{
	const int client = connect_to(listener);
	struct sockaddr_in peer = {0};
	socklen_t length = sizeof(peer);
	int fd = -1;

	errno = ENOENT;
	expect_number("take", kept_take(listener), KEPT_ONE);
	expect_number("take again", kept_take(listener), KEPT_ONE);
	expect_number("errno", errno, ENOENT);
	expect_number("has", kept_has(listener), true);
	expect_number("has of another", kept_has(client), false);
	expect_number("owns", kept_owns(taken_fd), true);
	expect_number("accept on another", kept_accept(client, NULL, NULL, 0, &fd), false);
	expect_number("accept", kept_accept(listener, (void *)&peer, &length, 0, &fd), true);
	expect_number("descriptor", fd, taken_fd);
	expect_number("length", length, sizeof(peer));
	expect_number("port", peer.sin_port, port_of(client));
	expect_number("close-on-exec", fcntl(fd, F_GETFD), 0);
	expect_number("nonblocking", fcntl(fd, F_GETFL) & O_NONBLOCK, 0);
	expect_number("owns no more", kept_owns(fd), false);
	expect_number("accept once more", kept_accept(listener, NULL, NULL, 0, &fd), false);
	expect_number("any", kept_any(), false);
	expect_number("none there", kept_take(listener), KEPT_NONE);
	expect_number("any", kept_any(), false);
	close(fd);
	close(client);
}

static void gives_flags(int listener)
{
	const int client = connect_to(listener);
	int fd = -1;

	kept_take(listener);
	kept_accept(listener, NULL, NULL, SOCK_CLOEXEC | SOCK_NONBLOCK, &fd);
	expect_number("close-on-exec", fcntl(fd, F_GETFD), FD_CLOEXEC);
	expect_number("nonblocking", fcntl(fd, F_GETFL) & O_NONBLOCK, O_NONBLOCK);
	close(fd);
	close(client);
}

/* accept(2) tells the name of a client that has gone, and getpeername(2) does not. */
static void names_a_client_that_has_gone(int listener)
{
	const struct linger at_once = {.l_onoff = 1};
	const int client = connect_to(listener);
	const in_port_t port = port_of(client);
	struct sockaddr_in peer = {0};
	socklen_t length = sizeof(peer);
	int fd = -1;

	kept_take(listener);
	setsockopt(client, SOL_SOCKET, SO_LINGER, &at_once, sizeof(at_once));
	close(client);
	kept_accept(listener, (void *)&peer, &length, 0, &fd);
	expect_number("a descriptor", fd >= 0, true);
	expect_number("port of one that has gone", peer.sin_port, port);
	close(fd);
}

static void judges_pointers_as_the_kernel(int listener)
{
	const int client = connect_to(listener);
	socklen_t length = sizeof(struct sockaddr_in);
	int fd = 0;

	kept_take(listener);
	expect_number("accept", kept_accept(listener, (void *)1, &length, 0, &fd), true);
	expect_number("result", fd, -1);
	expect_number("errno", errno, EFAULT);
	expect_number("closed", has_ended(client), true);
	close(client);
}

static void *take_one(void *listener)
{
	return (void *)(intptr_t)kept_take(*(int *)listener);
}

static int take_in_thread(int listener)
{
	pthread_t thread;
	void *result;

	pthread_create(&thread, NULL, take_one, &listener);
	pthread_join(thread, &result);
	return (int)(intptr_t)result;
}

static void each_thread_has_its_own(int listener)
{
	const int first = connect_to(listener), second = connect_to(listener);
	int own, others;

	expect_number("take", kept_take(listener), KEPT_ONE);
	own = taken_fd;
	expect_number("take in a thread", take_in_thread(listener), KEPT_ONE);
	others = taken_fd;
	expect_number("another one", own != others, true);
	expect_number("there is one for a third", take_in_thread(listener), KEPT_ONE);
	kept_accept(listener, NULL, NULL, 0, &taken_fd);
	expect_number("its own first", taken_fd, own);
	kept_accept(listener, NULL, NULL, 0, &taken_fd);
	expect_number("then the other's", taken_fd, others);
	close(own);
	close(others);
	close(first);
	close(second);
}

static void ends_with_its_listener(int listener)
{
	const int client = connect_to(listener);

	kept_take(listener);
	kept_end_of(listener + 1);
	expect_number("any", kept_any(), true);
	kept_end_of(listener);
	expect_number("any", kept_any(), false);
	expect_number("closed", has_ended(client), true);
	close(client);
}

/* The server has closed numbers blindly, and uses this one for something else. */
static void gives_no_other_socket(int listener)
{
	const int client = connect_to(listener);
	int fd = -1;

	kept_take(listener);
	dup2(client, taken_fd);
	expect_number("owns", kept_owns(taken_fd), false);
	expect_number("accept", kept_accept(listener, NULL, NULL, 0, &fd), false);
	close(taken_fd);
	close(client);
}

static void stays_in_the_parent(int listener)
{
	const int client = connect_to(listener);
	int fd = -1, status = -1;
	pid_t child;

	kept_take(listener);
	child = fork();
	if (child == 0) {
		kept_forked();
		_exit(kept_any() || fcntl(taken_fd, F_GETFD) >= 0 ||
		      kept_take(listener) != KEPT_NONE);
	}
	waitpid(child, &status, 0);
	expect_number("in the child", status, 0);
	expect_number("in the parent", kept_accept(listener, NULL, NULL, 0, &fd), true);
	close(fd);
	close(client);
}

static void takes_none_when_it_has_stopped(int listener)
{
	const int client = connect_to(listener);

	atomic_store(&stop_accepting_is_on, true);
	expect_number("take", kept_take(listener), KEPT_UNKNOWN);
	atomic_store(&stop_accepting_is_on, false);
	close(client);
}

int main(void)
{
	const int listener = make_listener();

	gives_what_it_took(listener);
	gives_flags(listener);
	names_a_client_that_has_gone(listener);
	judges_pointers_as_the_kernel(listener);
	each_thread_has_its_own(listener);
	ends_with_its_listener(listener);
	gives_no_other_socket(listener);
	stays_in_the_parent(listener);
	takes_none_when_it_has_stopped(listener);
	return expect_status();
}
