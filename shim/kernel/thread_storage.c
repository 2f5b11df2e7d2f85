/* SPDX-License-Identifier: MIT */
#include "kernel/thread_storage.h"

#include <errno.h>
#include <link.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <sys/mman.h>

#include "base/raw_memory.h"

#define PAGE_SIZE 4096
#define WORD sizeof(uint64_t)

/* Room for libc's descriptor of a thread, and for variables that nobody lists. */
#define MARGIN (64 * 1024)

/* No program has more static storage. */
#define LARGEST ((size_t)64 << 20)

/* The thread pointers of this thread and of the new one. */
struct storage {
	const char *self;
	char *pointer;
	size_t size; /* on either side */
};

static size_t distance(const char *a, const char *b)
{
	return a < b ? (size_t)(b - a) : (size_t)(a - b);
}

/* The segment that holds the first values of a library's variables, or NULL (elf(5), PT_TLS). */
static const ElfW(Phdr) * first_values_of(const struct dl_phdr_info *info)
{
	for (int i = 0; i < info->dlpi_phnum; i++) {
		if (info->dlpi_phdr[i].p_type == PT_TLS)
			return &info->dlpi_phdr[i];
	}
	return NULL;
}

/* The static storage lies below the thread pointer or above it, as the architecture has it. What
 * dlopen() has added since lies anywhere, and a new thread has none of it yet. */
static bool is_static(const struct storage *storage, const char *block)
{
#ifdef __x86_64__
	return block < storage->self && distance(storage->self, block) < LARGEST;
#else
	return block > storage->self && distance(storage->self, block) < LARGEST;
#endif
}

static int measure(struct dl_phdr_info *info, size_t unused, void *context)
{
	const ElfW(Phdr) *segment = first_values_of(info);
	struct storage *storage = context;
	const char *block = info->dlpi_tls_data;
	size_t reach;

	(void)unused;
	if (!segment || !block || !is_static(storage, block))
		return 0;
	reach = distance(storage->self, block) + segment->p_memsz;
	if (reach > storage->size)
		storage->size = reach;
	return 0;
}

#if defined(__GLIBC__) && defined(__x86_64__)

/* glibc's dtv_t (sysdeps/generic/dl-dtv.h): the one before the first is how many there are, the first
 * is a generation, and each of the others is where a library's variables are. */
struct vector_entry {
	uint64_t value, to_free;
};
#define UNALLOCATED UINT64_MAX

static struct vector_entry *vector_of(const char *pointer)
{
	struct vector_entry *vector;

	memcpy(&vector, pointer + WORD, WORD);
	return vector;
}

static void set_vector(char *pointer, struct vector_entry *vector)
{
	memcpy(pointer + WORD, &vector, WORD);
}

/* A copy, below the storage, in which no library has its variables yet. */
static void make_vector(struct storage *storage)
{
	const struct vector_entry *present = vector_of(storage->self);
	const uint64_t count = present[-1].value;
	const long memory = raw_map(NULL, (count + 2) * sizeof(*present), PROT_READ | PROT_WRITE,
	                            MAP_PRIVATE, -1);
	struct vector_entry *vector = (void *)memory;

	if (raw_map_failed(memory))
		return;
	vector++;
	vector[-1] = present[-1];
	vector[0] = present[0];
	for (uint64_t i = 1; i <= count; i++)
		vector[i] = (struct vector_entry){UNALLOCATED, 0};
	set_vector(storage->pointer, vector);
}

static void enter(const struct storage *storage, size_t module, char *block)
{
	struct vector_entry *vector = vector_of(storage->pointer);

	if (vector && module <= vector[-1].value)
		vector[module].value = (uint64_t)(uintptr_t)block;
}

/* tcbhead_t of sysdeps/x86_64/nptl/tls.h: itself, the vector, itself, two words, and the guards that
 * the compiler's stack protector and setjmp() use. */
static void make_head(struct storage *storage)
{
	memcpy(storage->pointer, &storage->pointer, WORD);
	memcpy(storage->pointer + 2 * WORD, &storage->pointer, WORD);
	memcpy(storage->pointer + 5 * WORD, storage->self + 5 * WORD, 2 * WORD);
	make_vector(storage);
}

#else

static void enter(const struct storage *storage, size_t module, char *block)
{
	(void)storage, (void)module, (void)block;
}

/* musl's descriptor begins with its own address on x86-64; elsewhere nobody asks for it. */
static void make_head(struct storage *storage)
{
#ifdef __x86_64__
	memcpy(storage->pointer, &storage->pointer, WORD);
	memcpy(storage->pointer + 5 * WORD, storage->self + 5 * WORD, WORD);
#else
	(void)storage;
#endif
}

#endif

static int set_first_values(struct dl_phdr_info *info, size_t unused, void *context)
{
	const ElfW(Phdr) *segment = first_values_of(info);
	struct storage *storage = context;
	const char *block = info->dlpi_tls_data;
	char *own;

	(void)unused;
	if (!segment || !block || !is_static(storage, block))
		return 0;
	own = storage->pointer + (block - storage->self);
	memcpy(own, (const char *)info->dlpi_addr + segment->p_vaddr, segment->p_filesz);
	enter(storage, info->dlpi_tls_modid, own);
	return 0;
}

char *thread_storage_make(void)
{
	struct storage storage = {.self = __builtin_thread_pointer()};
	long memory;

	storage.size = distance(storage.self, (const char *)&errno);
	(void)dl_iterate_phdr(measure, &storage);
	storage.size = (storage.size + MARGIN + PAGE_SIZE - 1) & ~(size_t)(PAGE_SIZE - 1);
	memory = raw_map(NULL, 2 * storage.size, PROT_READ | PROT_WRITE,
	                 MAP_PRIVATE | MAP_NORESERVE, -1);
	if (raw_map_failed(memory))
		return NULL;
	storage.pointer = (char *)memory + storage.size;
	make_head(&storage);
	(void)dl_iterate_phdr(set_first_values, &storage);
	return storage.pointer;
}
