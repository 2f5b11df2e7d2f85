/* SPDX-License-Identifier: MIT */
/* Makes calls with hostile arguments, and tells what came of each. What it tells must be the same with
 * and without the library.
 * usage: hostile list | walk STATE | fuzz STATE SEED CALLS | storm STATE SEED SECONDS
 * STATE is alone, unready, listening or draining. `storm` is the fuzzer beside a thread that changes the
 * memory; it tells nothing. With HOSTILE_STOPS set, `draining` has itself stopped; without, as without
 * the library, it is like `listening`. */
#include "hostile.h"

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <poll.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

enum { EXIT_USAGE = 2, PAGE = 65536, BACKLOG = 1024, PATIENCE_MS = 60000, POOL = 400 };

const char *const place_names[PLACES] = {"NULL",     "low",  "kernel",    "none",
                                         "past end", "edge", "read-only", "good"};
static void *places[PLACES];
char *good;
enum state state;
int tcp_listener = -1, unix_listener = -1;
sigjmp_buf hostile_back;
long hostile_result;

static void die(const char *what)
{
	perror(what);
	exit(EXIT_FAILURE);
}

static void on_fault(int sig)
{
	(void)sig;
	siglongjmp(hostile_back, 1);
}

/* SIZE bytes that end where nothing is mapped. */
static char *before_nothing(size_t size)
{
	const size_t mapped = (size + PAGE - 1) / PAGE * PAGE;
	char *at = mmap(NULL, mapped + PAGE, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS,
	                -1, 0);

	if (at == MAP_FAILED || munmap(at + mapped, PAGE) != 0 ||
	    /* Nobody else may take the place. */
	    mmap(at + mapped, PAGE, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED, -1, 0) ==
	            MAP_FAILED)
		die("mmap");
	return at + mapped - size;
}

static void *past_end(void)
{
	FILE *file = tmpfile();
	char *at;

	if (!file || ftruncate(fileno(file), PAGE) != 0)
		die("tmpfile");
	at = mmap(NULL, PAGE, PROT_READ | PROT_WRITE, MAP_SHARED, fileno(file), 0);
	if (at == MAP_FAILED || ftruncate(fileno(file), 0) != 0)
		die("mmap");
	fclose(file);
	return at + PAGE / 2;
}

static void make_places(void)
{
	const char text[] =
		"HTTP/1.1 200 OK\r\nContent-Length: 9\r\nConnection: keep-alive\r\n\r\n";

	places[PLACE_LOW] = (void *)(uintptr_t)16;
	places[PLACE_KERNEL] = (void *)(uintptr_t)-PAGE;
	places[PLACE_NONE] = mmap(NULL, PAGE, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	places[PLACE_PAST_END] = past_end();
	places[PLACE_EDGE] = before_nothing(EDGE);
	places[PLACE_READ_ONLY] = before_nothing(PAGE);
	memcpy(places[PLACE_READ_ONLY], text, sizeof(text));
	if (mprotect(places[PLACE_READ_ONLY], PAGE, PROT_READ) != 0)
		die("mprotect");
	places[PLACE_GOOD] = good = before_nothing(ROOM);
}

void *hostile_read_only(const void *from, size_t size)
{
	void *at = mmap(NULL, PAGE, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	if (at == MAP_FAILED)
		die("mmap");
	memcpy(at, from, size);
	if (mprotect(at, PAGE, PROT_READ) != 0)
		die("mprotect");
	return at;
}

void *hostile_at(int place)
{
	return places[place];
}

/* Telling. */

void hostile_expect(void)
{
	memcpy(places[PLACE_EDGE], "HTTP/1", EDGE);
	for (int i = 0; i < ROOM; i++)
		good[i] = "HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n"[i % 38];
	errno = 0;
}

static uint32_t checksum(void)
{
	uint32_t sum = 2166136261u;

	for (int i = 0; i < ROOM; i++)
		sum = (sum ^ (uint8_t)good[i]) * 16777619u;
	return sum;
}

void hostile_tell(const char *name, const char *what, const char *where, long result, bool is_fault,
                  bool is_fd)
{
	const int error = errno;

	hostile_result = is_fault ? -1 : result;
	if (is_fault)
		printf("%s, %s, %s: a fault\n", name, what, where);
	else if (result == -1)
		printf("%s, %s, %s: %s, %08x\n", name, what, where, strerrorname_np(error),
		       checksum());
	else
		printf("%s, %s, %s: %ld, %08x\n", name, what, where, is_fd ? 0 : result,
		       checksum());
	/* The next call may be the last. */
	fflush(stdout);
	if (is_fd && !is_fault && result >= 0)
		close((int)result);
}

/* States. */

static void listen_on_tcp(void)
{
	struct sockaddr_in address = {.sin_family = AF_INET,
	                              .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};

	tcp_listener = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK, 0);
	if (bind(tcp_listener, (void *)&address, sizeof(address)) != 0 ||
	    listen(tcp_listener, BACKLOG) != 0)
		die("listen");
}

static void listen_on_unix(void)
{
	struct sockaddr_un address = {.sun_family = AF_UNIX, .sun_path = "hostile.socket"};

	unlink(address.sun_path);
	unix_listener = socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0);
	if (bind(unix_listener, (void *)&address, sizeof(address)) != 0 ||
	    listen(unix_listener, BACKLOG) != 0)
		die("listen");
}

static void await_input(int fd)
{
	struct pollfd request = {.fd = fd, .events = POLLIN};

	if (poll(&request, 1, PATIENCE_MS) != 1)
		die("poll");
}

static int connect_to(int listener)
{
	struct sockaddr_in address;
	socklen_t length = sizeof(address);
	const int fd = socket(AF_INET, SOCK_STREAM, 0);

	if (getsockname(listener, (void *)&address, &length) != 0 ||
	    connect(fd, (void *)&address, length) != 0)
		die("connect");
	return fd;
}

/* False at the end: the drain has found the connection idle. */
static bool ask(int peer, int fd)
{
	const char request[] = "GET / HTTP/1.1\r\nHost: h\r\n\r\n";
	char buffer[100];
	ssize_t length;

	if (write(peer, request, sizeof(request) - 1) < 0)
		die("write");
	/* What is in a pair is there at once, and an unready server has not waited yet. */
	if (state >= STATE_LISTENING)
		await_input(fd);
	length = read(fd, buffer, sizeof(buffer));
	if (length < 0)
		die("read");
	return length > 0;
}

static int make_connection(int *ret_peer)
{
	int fd, ends[2];

	if (state == STATE_ALONE || state == STATE_UNREADY) {
		if (socketpair(AF_UNIX, SOCK_STREAM, 0, ends) != 0 ||
		    fcntl(ends[0], F_SETFL, O_NONBLOCK) != 0)
			die("socketpair");
		*ret_peer = ends[1];
		return ends[0];
	}
	*ret_peer = connect_to(tcp_listener);
	await_input(tcp_listener);
	fd = accept4(tcp_listener, NULL, NULL, SOCK_NONBLOCK);
	if (fd < 0)
		die("accept4");
	return fd;
}

static struct {
	int fd, peer;
} pool[POOL];
static int pool_used;

static void fill_pool(void)
{
	for (int i = 0; i < POOL; i++) {
		pool[i].fd = make_connection(&pool[i].peer);
		(void)ask(pool[i].peer, pool[i].fd);
	}
}

int hostile_connection(int *ret_peer)
{
	if (pool_used == POOL) {
		fputs("hostile: no connection left\n", stderr);
		exit(EXIT_FAILURE);
	}
	*ret_peer = pool[pool_used].peer;
	return pool[pool_used++].fd;
}

/* True once the library adds to what FD says; before, it is a server's answer as any. */
static bool is_followed(int fd, int peer)
{
	const char response[] = "HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n";
	char buffer[200];
	ssize_t length;

	if (write(fd, response, sizeof(response) - 1) < 0)
		die("write");
	length = recv(peer, buffer, sizeof(buffer), 0);
	if (length < 0)
		die("recv");
	return length >= (ssize_t)sizeof(response);
}

/* Has a stranger stop this process: what its own children send is its own affair. The library looks
 * at one connection after another, and the one made here has the highest number: once it is followed,
 * or ended, all are. */
static void drain(void)
{
	int peer, fd = make_connection(&peer);

	(void)ask(peer, fd);
	if (system("kill -TERM $PPID") != 0)
		die("kill");
	while (!is_followed(fd, peer) && ask(peer, fd))
		usleep(10000);
}

void hostile_begin(enum state wanted)
{
	struct sigaction action = {.sa_handler = on_fault, .sa_flags = SA_NODEFER};

	setvbuf(stdout, NULL, _IOFBF, BUFSIZ);
	state = wanted;
	make_places();
	sigaction(SIGSEGV, &action, NULL);
	sigaction(SIGBUS, &action, NULL);
	signal(SIGPIPE, SIG_IGN);
	if (state == STATE_ALONE) {
		fill_pool();
		return;
	}
	listen_on_tcp();
	listen_on_unix();
	fill_pool();
	if (state == STATE_DRAINING && getenv("HOSTILE_STOPS"))
		drain();
}

static enum state parse_state(const char *name)
{
	static const char *const names[] = {"alone", "unready", "listening", "draining"};

	for (int i = STATE_ALONE; i <= STATE_DRAINING; i++) {
		if (strcmp(names[i], name) == 0)
			return (enum state)i;
	}
	fprintf(stderr, "hostile: %s: unknown state\n", name);
	exit(EXIT_USAGE);
}

int main(int argc, char **argv)
{
	const char *verb = argc > 1 ? argv[1] : "";

	if (argc == 2 && strcmp(verb, "list") == 0) {
		hostile_list();
		return 0;
	}
	if (argc < 3) {
		fputs("usage: hostile list | walk STATE | fuzz STATE SEED CALLS | "
		      "storm STATE SEED SECONDS\n",
		      stderr);
		return EXIT_USAGE;
	}
	hostile_begin(parse_state(argv[2]));
	if (strcmp(verb, "walk") == 0)
		hostile_walk();
	else if (argc == 5 && strcmp(verb, "fuzz") == 0)
		hostile_fuzz((unsigned)atoi(argv[3]), 0, atol(argv[4]), false);
	else if (argc == 5 && strcmp(verb, "storm") == 0)
		hostile_fuzz((unsigned)atoi(argv[3]), atof(argv[4]), 0, true);
	else
		return EXIT_USAGE;
	puts("done");
	fflush(stdout);
	_exit(0);
}
