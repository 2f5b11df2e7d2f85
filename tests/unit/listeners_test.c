/* SPDX-License-Identifier: MIT */
/* Which addresses are the same, how they read in the log, and what the kernel says of listeners.
 * Links: kernel/listeners.c kernel/address.c kernel/socket_options.c base/text.c
 */
#include "base/interpose.h"
#include "expect.h"
#include "kernel/address.h"
#include "kernel/listeners.h"
#include "kernel/procfs.h"

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <stddef.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

struct libc_calls libc_calls = {.getsockopt = getsockopt};

/* Stands in for the reader of /proc: the first numbers, some of them closed. */
void procfs_each_fd(int first, bool (*visit)(int fd, void *context), void *context)
{
	for (int fd = first; fd < 64 && visit(fd, context); fd++)
		;
}

struct address {
	struct sockaddr_storage storage;
	socklen_t length;
};

static struct address v4(const char *host, int port)
{
	struct address address = {.length = sizeof(struct sockaddr_in)};
	struct sockaddr_in *in = (void *)&address.storage;

	in->sin_family = AF_INET;
	in->sin_port = htons((in_port_t)port);
	inet_pton(AF_INET, host, &in->sin_addr);
	return address;
}

static struct address v6(const char *host, int port, unsigned scope)
{
	struct address address = {.length = sizeof(struct sockaddr_in6)};
	struct sockaddr_in6 *in6 = (void *)&address.storage;

	in6->sin6_family = AF_INET6;
	in6->sin6_port = htons((in_port_t)port);
	in6->sin6_scope_id = scope;
	inet_pton(AF_INET6, host, &in6->sin6_addr);
	return address;
}

/* EXTRA is 1 for a path with its NUL, 0 for one without or for an abstract name. */
static struct address local(const char *name, size_t size, socklen_t extra)
{
	struct address address = {0};
	struct sockaddr_un *un = (void *)&address.storage;

	un->sun_family = AF_UNIX;
	memcpy(un->sun_path, name, size);
	address.length = (socklen_t)(offsetof(struct sockaddr_un, sun_path) + size) + extra;
	return address;
}

static void check_text(struct address address, const char *wanted)
{
	char text[160];

	address_format(text, sizeof(text), (const void *)&address.storage, address.length);
	expect_text("address", text, wanted);
}

static void check_texts(void)
{
	char longest[108];

	memset(longest, 'p', sizeof(longest));
	check_text(v4("127.0.0.1", 80), "127.0.0.1:80");
	check_text(v4("0.0.0.0", 65535), "0.0.0.0:65535");
	check_text(v6("::1", 8080, 0), "[::1]:8080");
	check_text(v6("::", 1, 0), "[::]:1");
	check_text(v6("::ffff:10.0.0.1", 1, 0), "[::ffff:10.0.0.1]:1");
	check_text(local("/run/s", 6, 1), "unix:/run/s");
	check_text(local("/run/s", 6, 0), "unix:/run/s");
	check_text(local("\0name", 5, 0), "unix:@name");
	check_text(local("", 0, 0), "unix:");
	/* A path may fill the field, with no room for a NUL (unix(7)). */
	check_text(local(longest, sizeof(longest), 0),
	           "unix:"
	           "pppppppppppppppppppppppppppppppppppppppppppppppppppppp"
	           "pppppppppppppppppppppppppppppppppppppppppppppppppppppp");
}

static void check_same(struct address wanted, struct address have, bool any_port, bool same)
{
	char a[160], b[160], what[330];

	address_format(a, sizeof(a), (const void *)&wanted.storage, wanted.length);
	address_format(b, sizeof(b), (const void *)&have.storage, have.length);
	snprintf(what, sizeof(what), "%s for %s", b, a);
	expect_number(what,
	              address_is_same((const void *)&wanted.storage, wanted.length,
	                              (const void *)&have.storage, have.length, any_port),
	              same);
}

static void check_matches(void)
{
	struct address cut = v4("127.0.0.1", 80);

	check_same(v4("127.0.0.1", 80), v4("127.0.0.1", 80), false, true);
	check_same(v4("127.0.0.1", 80), v4("127.0.0.1", 81), false, false);
	check_same(v4("127.0.0.1", 80), v4("127.0.0.2", 80), false, false);
	check_same(v4("0.0.0.0", 80), v4("127.0.0.1", 80), false, false);
	check_same(v4("127.0.0.1", 0), v4("127.0.0.1", 80), false, false);
	check_same(v4("127.0.0.1", 0), v4("127.0.0.1", 80), true, true);
	check_same(v4("127.0.0.2", 0), v4("127.0.0.1", 80), true, false);
	check_same(v4("127.0.0.1", 81), v4("127.0.0.1", 80), true, false);
	cut.length = 8;
	check_same(cut, v4("127.0.0.1", 80), false, false);
	check_same(v6("::1", 80, 0), v6("::1", 80, 0), false, true);
	check_same(v6("::1", 80, 0), v6("::1", 81, 0), false, false);
	check_same(v6("::1", 80, 0), v6("::2", 80, 0), false, false);
	check_same(v6("fe80::1", 80, 1), v6("fe80::1", 80, 2), false, false);
	check_same(v6("::1", 0, 0), v6("::1", 80, 0), true, true);
	check_same(v6("::1", 0, 0), v6("::1", 80, 0), false, false);
	/* Not one listener, although both get 127.0.0.1's connections. */
	check_same(v4("0.0.0.0", 80), v6("::", 80, 0), false, false);
	check_same(v6("::ffff:127.0.0.1", 80, 0), v4("127.0.0.1", 80), false, false);
	check_same(local("/s", 2, 0), local("/s", 2, 1), false, true);
	check_same(local("/s", 2, 1), local("/s2", 3, 1), false, false);
	check_same(local("\0s", 2, 0), local("\0s", 2, 0), false, true);
	check_same(local("\0s", 2, 0), local("\0s2", 3, 0), false, false);
	/* An abstract name counts to its length, NULs and all, and is no path of that spelling. */
	check_same(local("\0s\0a", 4, 0), local("\0s\0b", 4, 0), false, false);
	check_same(local("\0s\0a", 4, 0), local("\0s\0a", 4, 0), false, true);
	check_same(local("@s", 2, 1), local("\0s", 2, 0), false, false);
	/* Autobind asks for a fresh name (unix(7)). */
	check_same(local("", 0, 0), local("\0s", 2, 0), false, false);
}

static void check_connection(struct address listener, struct address end, bool came_in)
{
	char text[160];

	address_format(text, sizeof(text), (const void *)&end.storage, end.length);
	expect_number(text,
	              address_matches_connection((const void *)&listener.storage,
	                                         (const void *)&end.storage),
	              came_in);
}

static void check_connections(void)
{
	check_connection(v4("127.0.0.1", 80), v4("127.0.0.1", 80), true);
	check_connection(v4("0.0.0.0", 80), v4("10.1.2.3", 80), true);
	check_connection(v4("0.0.0.0", 80), v4("10.1.2.3", 81), false);
	check_connection(v4("127.0.0.1", 80), v4("127.0.0.2", 80), false);
	check_connection(v6("::", 80, 0), v6("::1", 80, 0), true);
	/* Dual stack: the accepted end of an IPv4 client is a mapped address. */
	check_connection(v6("::", 80, 0), v6("::ffff:127.0.0.1", 80, 0), true);
	check_connection(v6("::1", 80, 0), v6("::2", 80, 0), false);
	check_connection(v6("::", 80, 0), v6("::1", 443, 0), false);
	check_connection(v6("::", 80, 0), v4("127.0.0.1", 80), false);
	check_connection(local("/s", 2, 1), local("/s", 2, 1), true);
	check_connection(local("/s", 2, 1), local("/t", 2, 1), false);
}

static void check_any_port(struct address address, bool asks)
{
	expect_number("asks for any port",
	              address_asks_for_any_port((const void *)&address.storage), asks);
}

static int open_listener(void)
{
	struct address address = v4("127.0.0.1", 0);
	const int fd = socket(AF_INET, SOCK_STREAM, 0);

	if (bind(fd, (const void *)&address.storage, address.length) != 0 || listen(fd, 1) != 0)
		perror("listen");
	return fd;
}

/* A dup, a socket that only is bound and what is no socket do not count. */
static void check_search(void)
{
	const int first = open_listener(), quiet = socket(AF_INET, SOCK_STREAM, 0);
	const int again = dup(first), second = open_listener();
	int fds[8] = {-1, -1, -1};

	errno = 4711;
	expect_number("a listener listens", listeners_is_listening(first), true);
	expect_number("its dup listens", listeners_is_listening(again), true);
	expect_number("a fresh socket does not", listeners_is_listening(quiet), false);
	expect_number("a closed number does not", listeners_is_listening(63), false);
	expect_number("stdin does not", listeners_is_listening(0), false);
	expect_number("errno afterwards", errno, 4711);
	expect_number("listeners found", listeners_find(fds, 8), 2);
	expect_number("the first", fds[0], first);
	expect_number("the second", fds[1], second);
	expect_number("listeners found with room for one", listeners_find(fds, 1), 1);
	close(first);
	close(quiet);
	close(again);
	close(second);
}

/* Whether another process says yes to "is it held elsewhere?". */
static int ask_in_child(int fd)
{
	int status = 0;
	const pid_t child = fork();

	if (child == 0)
		_exit(listeners_is_held_elsewhere(fd));
	waitpid(child, &status, 0);
	return WEXITSTATUS(status);
}

static void check_holding(void)
{
	const int fd = open_listener();

	expect_number("nobody holds it", ask_in_child(fd), 0);
	listeners_mark_held(fd);
	expect_number("held by the other one", ask_in_child(fd), 1);
	expect_number("held elsewhere than here", listeners_is_held_elsewhere(fd), 0);
	close(fd);
}

int main(void)
{
	check_texts();
	check_matches();
	check_connections();
	check_any_port(v4("127.0.0.1", 0), true);
	check_any_port(v4("127.0.0.1", 80), false);
	check_any_port(v6("::1", 0, 0), true);
	check_any_port(v6("::1", 80, 0), false);
	check_any_port(local("/s", 2, 1), false);
	check_search();
	check_holding();
	return expect_status();
}
