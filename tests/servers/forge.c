/* SPDX-License-Identifier: MIT */
/* Starts a server with a hand-over that somebody has forged: `forge KIND PORT COMMAND...`. KIND is
 * one of the faults below, or `good` for a hand-over without any; other than that it is `value=TEXT`
 * for a variable that names no page at all. The one listener that the page tells of is on
 * 127.0.0.1:PORT, unless the fault is that it is not. */
#include "generation/generation.h"

#include <arpa/inet.h>
#include <fcntl.h>
#include <limits.h>
#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/un.h>
#include <unistd.h>

/* The numbers at which everything waits, known to the tests. */
enum { PAGE_FD = 200, LISTENER_FD = 201, MANIFEST_FD = 202, CLOSED_FD = 900 };

static struct birth page;
static struct manifest manifest;
static int port;

static void die(const char *what)
{
	perror(what);
	exit(1);
}

static int check(int result, const char *what)
{
	if (result == -1)
		die(what);
	return result;
}

static void put_at(int fd, int number)
{
	check(dup2(fd, number), "dup2");
	close(fd);
}

static struct sockaddr_in address_of(int of_port)
{
	return (struct sockaddr_in){.sin_family = AF_INET,
	                            .sin_port = htons((in_port_t)of_port),
	                            .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
}

static void make_socket(int family, int type)
{
	put_at(check(socket(family, type, 0), "socket"), LISTENER_FD);
}

static void bind_to(int to_port)
{
	const struct sockaddr_in address = address_of(to_port);
	const int on = 1;

	setsockopt(LISTENER_FD, SOL_SOCKET, SO_REUSEADDR, &on, sizeof(on));
	check(bind(LISTENER_FD, (const void *)&address, sizeof(address)), "bind");
}

static void make_listener(int on_port)
{
	make_socket(AF_INET, SOCK_STREAM);
	bind_to(on_port);
	check(listen(LISTENER_FD, 128), "listen");
}

/* What a predecessor of this version would have written. */
static void fill_page(void)
{
	const struct sockaddr_in address = address_of(port);

	page = (struct birth){
		.magic = GENERATION_MAGIC, .version = GENERATION_VERSION, .size = sizeof(page)};
	atomic_store(&page.fds[0], LISTENER_FD);
	atomic_store(&page.fds[BIRTH_MANIFEST], MANIFEST_FD);
	manifest = (struct manifest){.magic = GENERATION_MAGIC,
	                             .version = GENERATION_VERSION,
	                             .size = sizeof(manifest),
	                             .predecessor = 1,
	                             .number = 2,
	                             .listener_count = 1};
	manifest.listeners[0] = (struct inherited_listener){
		.family = AF_INET,
		.type = SOCK_STREAM,
		.address_length = sizeof(address),
	};
	memcpy(&manifest.listeners[0].address, &address, sizeof(address));
}

static void write_at(int number, int fd, const void *content, size_t size)
{
	check((int)write(fd, content, size) == (int)size ? 0 : -1, "write");
	put_at(fd, number);
}

static void write_page(int fd, const void *content, size_t size)
{
	write_at(PAGE_FD, fd, content, size);
}

static int make_memfd(void)
{
	return check(memfd_create("forged", MFD_ALLOW_SEALING), "memfd_create");
}

static void add_seals(int fd, int seals)
{
	check(fcntl(fd, F_ADD_SEALS, seals), "F_ADD_SEALS");
}

static void seal(int seals)
{
	add_seals(PAGE_FD, seals);
}

static void pass_manifest(size_t size, int seals)
{
	write_at(MANIFEST_FD, make_memfd(), &manifest, size);
	add_seals(MANIFEST_FD, seals);
}

/* Sealed as the library does it: a page that can shrink is refused for that alone. */
static void pass_page_alone(void)
{
	write_page(make_memfd(), &page, sizeof(page));
	seal(F_SEAL_SHRINK);
}

static void pass_page(void)
{
	pass_page_alone();
	pass_manifest(sizeof(manifest), F_SEAL_SHRINK | F_SEAL_WRITE);
}

/* Faults of the descriptor that the variable names. */

static void fault_closed_page(void)
{
	close(PAGE_FD);
}

static void fault_pipe(void)
{
	int ends[2];

	check(pipe(ends), "pipe");
	put_at(ends[0], PAGE_FD);
}

static void fault_socket(void)
{
	put_at(check(socket(AF_INET, SOCK_STREAM, 0), "socket"), PAGE_FD);
}

static void fault_directory(void)
{
	put_at(check(open("/", O_RDONLY | O_DIRECTORY), "/"), PAGE_FD);
}

/* Not a memfd: whoever can write to it could make the server believe anything at any time. */
static void fault_regular_file(void)
{
	const char *name = "forged_page";
	int fd = check(open(name, O_RDWR | O_CREAT | O_TRUNC, 0600), name);

	check(unlink(name), name);
	write_page(fd, &page, sizeof(page));
}

static void fault_small_memfd(void)
{
	write_page(make_memfd(), &page, 64);
	seal(F_SEAL_SHRINK);
}

static void fault_truncated_memfd(void)
{
	write_page(make_memfd(), &page, sizeof(page) - 1);
	seal(F_SEAL_SHRINK);
}

static void fault_empty_memfd(void)
{
	put_at(make_memfd(), PAGE_FD);
	seal(F_SEAL_SHRINK);
}

static void fault_garbage(void)
{
	memset(&page, 0xa5, sizeof(page));
	pass_page();
}

static void fault_zeros(void)
{
	memset(&page, 0, sizeof(page));
	pass_page();
}

static void fault_many_listeners(void)
{
	manifest.listener_count = UINT_MAX;
	pass_page();
}

static void fault_one_listener_too_many(void)
{
	manifest.listener_count = GENERATION_LISTENERS + 1;
	pass_page();
}

static void fault_future_version(void)
{
	page.version = GENERATION_VERSION + 1;
	memcpy(page.release, "9.9.9", sizeof("9.9.9"));
	page.size += 4096;
	pass_page();
}

static void fault_past_version(void)
{
	page.version = 2;
	pass_page();
}

/* The last one that had another layout, and told its release. */
static void fault_former_version(void)
{
	page.version = 3;
	memcpy(page.release, "0.0.9", sizeof("0.0.9"));
	pass_page();
}

static void fault_small_size(void)
{
	page.size = 64;
	pass_page();
}

static void fault_read_only_memfd(void)
{
	char name[64];
	int fd = make_memfd();

	snprintf(name, sizeof(name), "/proc/self/fd/%d", fd);
	int reading_fd = check(open(name, O_RDONLY), name);
	write_page(fd, &page, sizeof(page));
	seal(F_SEAL_SHRINK);
	put_at(reading_fd, PAGE_FD);
}

static void fault_write_sealed_memfd(void)
{
	pass_page();
	seal(F_SEAL_WRITE);
}

/* Whoever shrinks it later makes the server die of SIGBUS. */
static void fault_unsealed_memfd(void)
{
	write_page(make_memfd(), &page, sizeof(page));
}

/* Faults of the listener that the page tells of. */

static void fault_closed_listener(void)
{
	atomic_store(&page.fds[0], CLOSED_FD);
	pass_page();
}

static void fault_negative_listener(void)
{
	atomic_store(&page.fds[0], -7);
	pass_page();
}

static void fault_huge_listener(void)
{
	atomic_store(&page.fds[0], INT_MAX);
	pass_page();
}

static void fault_page_as_listener(void)
{
	atomic_store(&page.fds[0], PAGE_FD);
	pass_page();
}

static void fault_file_as_listener(void)
{
	put_at(check(open("/dev/null", O_RDWR), "/dev/null"), LISTENER_FD);
	pass_page();
}

static void fault_not_listening(void)
{
	make_socket(AF_INET, SOCK_STREAM);
	pass_page();
}

static void fault_udp(void)
{
	make_socket(AF_INET, SOCK_DGRAM);
	bind_to(port);
	pass_page();
}

static void fault_udp_as_declared(void)
{
	manifest.listeners[0].type = SOCK_DGRAM;
	fault_udp();
}

static void fault_other_family(void)
{
	const struct sockaddr_un address = {.sun_family = AF_UNIX};

	make_socket(AF_UNIX, SOCK_STREAM);
	/* Nameless: the kernel chooses one (unix(7), "Autobind feature"). */
	check(bind(LISTENER_FD, (const void *)&address, sizeof(sa_family_t)), "bind");
	check(listen(LISTENER_FD, 1), "listen");
	pass_page();
}

/* The page promises PORT, and the socket is on another: its clients would get the wrong service. */
static void fault_other_address(void)
{
	make_listener(0);
	pass_page();
}

static void fault_huge_address_length(void)
{
	manifest.listeners[0].address_length = UINT_MAX;
	make_listener(0);
	pass_page();
}

static void fault_no_address(void)
{
	manifest.listeners[0].address_length = 0;
	memset(&manifest.listeners[0].address, 0, sizeof(manifest.listeners[0].address));
	make_listener(0);
	pass_page();
}

/* A unix address that fills its room without an end, longer than its room by what it says. */
static void fault_endless_unix_address(void)
{
	manifest.listeners[0].family = AF_UNIX;
	manifest.listeners[0].address_length = INT_MAX;
	memset(&manifest.listeners[0].address, 'x', sizeof(manifest.listeners[0].address));
	manifest.listeners[0].address.ss_family = AF_UNIX;
	fault_other_family();
}

static void fault_duplicate_listener(void)
{
	manifest.listeners[1] = manifest.listeners[0];
	atomic_store(&page.fds[1], LISTENER_FD);
	manifest.listener_count = 2;
	make_listener(port);
	pass_page();
}

/* One that the server has for something else. */
static void fault_standard_output(void)
{
	atomic_store(&page.fds[0], STDOUT_FILENO);
	pass_page();
}

/* Faults of the state. */

static void fault_led_by_another(void)
{
	atomic_store(&page.leader, 1);
	make_listener(port);
	close(LISTENER_FD);
	pass_page();
}

static void fault_has_left(void)
{
	atomic_store(&page.successor_left, 1);
	make_listener(port);
	pass_page();
}

static void fault_is_ready(void)
{
	atomic_store(&page.is_ready, 77);
	atomic_store(&page.announced_by, INT_MAX);
	make_listener(port);
	pass_page();
}

static void fault_predecessor_left(void)
{
	atomic_store(&page.predecessor_left, 1);
	make_listener(port);
	pass_page();
}

/* By a predecessor that has ended since. */
static void fault_given_up(void)
{
	atomic_store(&page.is_sibling, 1);
	atomic_store(&page.is_given_up, 1);
	make_listener(port);
	pass_page();
}

/* Every listener is somebody's, and that somebody does not exist. */
static void fault_all_claimed(void)
{
	for (int i = 0; i < GENERATION_LISTENERS; i++)
		atomic_store(&page.claimed_by[i], INT_MAX);
	make_listener(port);
	pass_page();
}

/* Faults of the manifest. */

static void fault_no_manifest(void)
{
	pass_page_alone();
}

static void fault_manifest_unsealed(void)
{
	pass_page_alone();
	pass_manifest(sizeof(manifest), F_SEAL_SHRINK);
}

static void fault_manifest_short(void)
{
	pass_page_alone();
	pass_manifest(sizeof(manifest) - 1, F_SEAL_SHRINK | F_SEAL_WRITE);
}

static void fault_manifest_of_other_version(void)
{
	manifest.version++;
	pass_page();
}

static void fault_page_as_manifest(void)
{
	atomic_store(&page.fds[BIRTH_MANIFEST], PAGE_FD);
	pass_page();
}

static void no_fault(void)
{
	make_listener(port);
	pass_page();
}

static const struct {
	const char *kind;
	void (*forge)(void);
} faults[] = {
	{"good", no_fault},
	{"closed_page", fault_closed_page},
	{"pipe", fault_pipe},
	{"socket", fault_socket},
	{"directory", fault_directory},
	{"regular_file", fault_regular_file},
	{"empty_memfd", fault_empty_memfd},
	{"small_memfd", fault_small_memfd},
	{"truncated_memfd", fault_truncated_memfd},
	{"read_only_memfd", fault_read_only_memfd},
	{"write_sealed_memfd", fault_write_sealed_memfd},
	{"unsealed_memfd", fault_unsealed_memfd},
	{"garbage", fault_garbage},
	{"zeros", fault_zeros},
	{"many_listeners", fault_many_listeners},
	{"one_listener_too_many", fault_one_listener_too_many},
	{"future_version", fault_future_version},
	{"past_version", fault_past_version},
	{"former_version", fault_former_version},
	{"small_size", fault_small_size},
	{"closed_listener", fault_closed_listener},
	{"negative_listener", fault_negative_listener},
	{"huge_listener", fault_huge_listener},
	{"page_as_listener", fault_page_as_listener},
	{"file_as_listener", fault_file_as_listener},
	{"not_listening", fault_not_listening},
	{"udp", fault_udp},
	{"udp_as_declared", fault_udp_as_declared},
	{"other_family", fault_other_family},
	{"other_address", fault_other_address},
	{"huge_address_length", fault_huge_address_length},
	{"no_address", fault_no_address},
	{"endless_unix_address", fault_endless_unix_address},
	{"duplicate_listener", fault_duplicate_listener},
	{"standard_output", fault_standard_output},
	{"led_by_another", fault_led_by_another},
	{"has_left", fault_has_left},
	{"is_ready", fault_is_ready},
	{"predecessor_left", fault_predecessor_left},
	{"given_up", fault_given_up},
	{"all_claimed", fault_all_claimed},
	{"no_manifest", fault_no_manifest},
	{"manifest_unsealed", fault_manifest_unsealed},
	{"manifest_short", fault_manifest_short},
	{"manifest_of_other_version", fault_manifest_of_other_version},
	{"page_as_manifest", fault_page_as_manifest},
};

/* Returns the variable's value. */
static const char *forge(const char *kind)
{
	static char value[16];

	if (strncmp(kind, "value=", 6) == 0)
		return kind + 6;
	snprintf(value, sizeof(value), "%d", PAGE_FD);
	for (size_t i = 0; i < sizeof(faults) / sizeof(faults[0]); i++) {
		if (strcmp(faults[i].kind, kind) == 0) {
			faults[i].forge();
			return value;
		}
	}
	fprintf(stderr, "forge: no such fault: %s\n", kind);
	exit(2);
}

int main(int argc, char **argv)
{
	if (argc < 4) {
		fprintf(stderr, "usage: forge KIND PORT COMMAND...\n");
		return 2;
	}
	port = atoi(argv[2]);
	fill_page();
	setenv("OCTOPUS_HANDOVER_FD", forge(argv[1]), 1);
	execvp(argv[3], argv + 3);
	die(argv[3]);
}
