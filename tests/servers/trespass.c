/* SPDX-License-Identifier: MIT */
#include "trespass.h"

#include <dirent.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <unistd.h>

enum { MOST = 64, FUTEX_WAKE_CALL = 1 };

static uint32_t victim;

static struct mapping {
	uint32_t *at;
	size_t bytes;
	bool is_writable;
} mappings[MOST];
static int mapping_count;
static int gained;

static const char *const patterns[] = {"zeros", "ones", "victim", "random", "leader"};
static unsigned round_number;
static char only_pattern; /* the first letter of one of them; 0: each in turn */

static uint32_t next_word(void)
{
	static uint32_t state = 2463534242u;

	state ^= state << 13;
	state ^= state >> 17;
	state ^= state << 5;
	switch (only_pattern ? only_pattern : patterns[round_number % 5][0]) {
	case 'z':
		return 0;
	case 'o':
		return ~0u;
	case 'v':
		return victim;
	case 'l':
		return (uint32_t)getppid();
	default:
		return state;
	}
}

/* Nothing but the library shares memory here. */
static void find_mappings(void)
{
	FILE *maps = fopen("/proc/self/maps", "r");
	char line[600], rights[8];
	unsigned long from, to;

	mapping_count = 0;
	while (maps && mapping_count < MOST && fgets(line, sizeof(line), maps)) {
		if (sscanf(line, "%lx-%lx %7s", &from, &to, rights) == 3 && rights[3] == 's')
			mappings[mapping_count++] =
				(struct mapping){(uint32_t *)from, to - from, rights[1] == 'w'};
	}
	if (maps)
		fclose(maps);
}

static void write_over(void *at, size_t bytes)
{
	volatile uint32_t *words = at;

	for (size_t i = 0; i < bytes / sizeof(*words); i++)
		words[i] = next_word();
}

/* Whoever sleeps on one of the first words is woken for nothing. */
static void wake_sleepers(const struct mapping *mapping)
{
	for (size_t i = 0; i < 64 && i < mapping->bytes / 4; i++)
		(void)syscall(SYS_futex, mapping->at + i, FUTEX_WAKE_CALL, INT_MAX, NULL, NULL, 0);
}

void trespass_note(bool has_gained, const char *how)
{
	if (!has_gained)
		return;
	gained++;
	printf("hostile %d gained by %s\n", getpid(), how);
	fflush(stdout);
}

static void open_for_writing(const char *directory, const char *name)
{
	char path[128];
	void *page;
	int fd;

	snprintf(path, sizeof(path), "%s/%s", directory, name);
	fd = open(path, O_RDWR | O_CLOEXEC);
	if (fd < 0)
		return;
	page = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
	trespass_note(page != MAP_FAILED, path);
	if (page != MAP_FAILED)
		write_over(page, 4096);
	close(fd);
}

/* Ours at first, and of a memfd that the library has closed if it is not. */
static void abuse_descriptors(void)
{
	DIR *fds = opendir("/proc/self/fd");
	const struct dirent *entry;
	char target[128];

	while (fds && (entry = readdir(fds))) {
		const ssize_t length = readlinkat(dirfd(fds), entry->d_name, target, 127);

		target[length > 0 ? length : 0] = '\0';
		if (strstr(target, "memfd:octopus"))
			open_for_writing("/proc/self/fd", entry->d_name);
	}
	if (fds)
		closedir(fds);
}

static void abuse_read_only(const struct mapping *mapping)
{
	const uint32_t word = next_word();
	const int fd = open("/proc/self/mem", O_RDWR | O_CLOEXEC);
	char name[64];

	trespass_note(mprotect(mapping->at, mapping->bytes, PROT_READ | PROT_WRITE) == 0,
	              "mprotect");
	if (fd >= 0) {
		trespass_note(pwrite(fd, &word, sizeof(word), (off_t)(uintptr_t)mapping->at) > 0,
		              "/proc/self/mem");
		close(fd);
	}
	snprintf(name, sizeof(name), "%lx-%lx", (unsigned long)mapping->at,
	         (unsigned long)(mapping->at + mapping->bytes / sizeof(*mapping->at)));
	open_for_writing("/proc/self/map_files", name);
}

/* A shared mapping can be made to show more of its file: what is behind it, and what is before. */
static void abuse_writable(const struct mapping *mapping)
{
	const size_t more = mapping->bytes + 65536;
	unsigned char there[64] = {0};
	char *page = mremap(mapping->at, 0, more, MREMAP_MAYMOVE);

	if (page == MAP_FAILED)
		return;
	/* Beyond the end of the file there are no pages (mincore(2)); an access would raise SIGBUS. */
	if (mincore(page + mapping->bytes, more - mapping->bytes, there) == 0) {
		for (size_t i = 0; i < (more - mapping->bytes) / 4096; i++)
			trespass_note(there[i] & 1, "mremap");
	}
	munmap(page, more);
}

void trespass(void)
{
	find_mappings();
	for (int i = 0; i < mapping_count; i++) {
		if (mappings[i].is_writable) {
			write_over(mappings[i].at, mappings[i].bytes);
			wake_sleepers(&mappings[i]);
			abuse_writable(&mappings[i]);
		} else {
			abuse_read_only(&mappings[i]);
		}
	}
	abuse_descriptors();
	round_number++;
}

void trespass_begin(uint32_t the_victim, char pattern)
{
	victim = the_victim;
	only_pattern = pattern;
}

static int shared_count(void)
{
	int count = 0;

	for (int i = 0; i < mapping_count; i++)
		count += mappings[i].is_writable;
	return count;
}

void trespass_tell(void)
{
	printf("hostile %d shares %d gained %d\n", getpid(), shared_count(), gained);
	fflush(stdout);
}
