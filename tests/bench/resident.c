/* SPDX-License-Identifier: MIT */
/* A server with much memory in use, and a thread that notices when it does not run. */
#include "resident.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>

#include "clock.h"

static struct resident *shared;

static void die(const char *what)
{
	perror(what);
	exit(EXIT_FAILURE);
}

static char *fill(size_t mib)
{
	size_t size = mib << 20;
	char *memory = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	if (memory == MAP_FAILED)
		die("mmap");
	/* Small pages: the more of them, the more a fork would have to copy. */
	madvise(memory, size, MADV_NOHUGEPAGE);
	for (size_t at = 0; at < size; at += 4096)
		memory[at] = 1;
	return memory;
}

/* Each round faults a page in, for which it needs the address space to be unlocked. */
static void *spin(void *page)
{
	int64_t last = 0;

	for (;;) {
		if (!atomic_load(&shared->spin)) {
			usleep(1000);
			last = 0;
			continue;
		}
		madvise(page, 4096, MADV_DONTNEED);
		*(volatile char *)page = 1;
		int64_t now = clock_ns(CLOCK_MONOTONIC);
		if (last && now - last > atomic_load(&shared->gap_ns))
			atomic_store(&shared->gap_ns, now - last);
		last = now;
	}
	return NULL;
}

static void start_spinning(size_t mib)
{
	pthread_t thread;

	if (pthread_create(&thread, NULL, spin, fill(mib + 1)) != 0)
		die("pthread_create");
}

int main(int argc, char **argv)
{
	int64_t begun = clock_ns(CLOCK_MONOTONIC);
	const int on = 1;

	if (argc != 4 || !(shared = resident_open(argv[1]))) {
		fputs("usage: resident FILE MIB PORT\n", stderr);
		return 2;
	}
	atomic_store(&shared->pid, getpid());
	atomic_store(&shared->executed_ns, begun);
	if (atomic_exchange(&shared->grow, 0))
		start_spinning((size_t)atol(argv[2]));
	struct sockaddr_in address = {.sin_family = AF_INET,
	                              .sin_addr.s_addr = htonl(INADDR_LOOPBACK),
	                              .sin_port = htons((uint16_t)atoi(argv[3]))};
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
	setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof(on));
	if (bind(fd, (struct sockaddr *)&address, sizeof(address)) != 0 || listen(fd, 16) != 0)
		die("listen");
	atomic_store(&shared->is_ready, 1);
	for (;;) {
		int connection = accept(fd, NULL, NULL);
		if (connection != -1)
			close(connection);
	}
}
