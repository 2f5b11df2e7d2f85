/* SPDX-License-Identifier: MIT */
/* Fuzzes the reader of the hand-over: the page of a predecessor, and all that a server can do while
 * the inheritance waits. Whatever the page says, nothing is read beyond it, the server's own
 * descriptors stay its own, and what is adopted is a listener on the address asked for.
 *
 * The input is OPERATIONS bytes of what the server does, VALUE bytes of the variable (empty: the
 * page's real number), and then what to XOR a good page with, first the words and then the
 * manifest: zeros are a good hand-over. The last byte of VALUE says how the pages come, as enum
 * passing has it; the last four of the words are for the number of the manifest.
 * Links: upgrade/adoption.c generation/generation.c generation/start_listeners.c generation/birth.c generation/news.c generation/sealed.c generation/paths.c generation/pidfile.c base/errno_names.c upgrade/inheritance.c upgrade/waiting.c upgrade/received.c upgrade/ask.c kernel/trusted_peer.c kernel/passed_fds.c kernel/ancestry.c upgrade/inherited.c upgrade/variable.c
 * Links: kernel/process.c kernel/epoll_sets.c kernel/unix_sockets.c upgrade/shared_port.c generation/bound_files.c generation/doorbell.c generation/pidfile_kept.c generation/lowered.c base/kept_fd.c
 * Links: base/libc_calls.c base/clock.c base/vdso.c kernel/address.c kernel/listeners.c base/log.c base/log_target.c base/trusted_path.c base/own_fd.c kernel/peek.c
 * Links: kernel/procfs.c kernel/sandbox.c kernel/seccomp_filter.c base/settings.c base/signal_names.c
 * Links: kernel/socket_identity.c kernel/socket_options.c
 * Links: generation/start_image.c generation/start_fds.c generation/parent.c kernel/resources.c base/failpoint.c base/text.c */
#include "generation/generation.h"
#include "upgrade/adoption.h"
#include "upgrade/inheritance.h"
#include "upgrade/waiting.h"
#include "base/interpose.h"
#include "base/log.h"
#include "kernel/address.h"
#include "kernel/listeners.h"
#include "base/settings.h"
#include "base/text.h"

#include <fcntl.h>
#include <netinet/in.h>
#include <pthread.h>
#include <sched.h>
#include <stdatomic.h>
#include <stddef.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/un.h>

/* FUZZED_WORDS: so much of the words of the birth, with the first descriptors. */
enum { OPERATIONS = 12, VALUE = 20, FUZZED_WORDS = 128 };

/* A thread writes over the words all the time: in turn what is good, and what the input makes of it. Which
 * seals the manifest lacks: then it must be refused. */
enum passing { WITH_WRITER = 1, NOT_SHRINK_SEALED = 2, NOT_WRITE_SEALED = 4 };

/* Where things state in the successor. */
enum {
	FIRST_INHERITED = 40,
	PAGE_FD = 46,
	MANIFEST_FD = 47,
	FIRST_OWN = 50,
	OWN_COUNT = 64,
	FIRST_MASTER = 500
};

enum place { PLACE_V4, PLACE_V6, PLACE_UNIX, LISTENERS, PLACE_UDP = LISTENERS, PLACE_IDLE, PLACES };

union address {
	struct sockaddr any;
	struct sockaddr_in v4;
	struct sockaddr_in6 v6;
	struct sockaddr_un local;
	struct sockaddr_storage storage;
};

static struct {
	struct birth birth;
	struct manifest manifest;
} template;
static union address addresses[PLACES];
static socklen_t lengths[PLACES];

/* The server's own descriptors, all of /dev/null. */
static int own_fds[OWN_COUNT];
static int own_count;

static struct {
	pthread_t thread;
	_Atomic uint8_t *words; /* as the others share them; NULL: there is no thread */
	uint8_t good[sizeof(template.birth)], bad[sizeof(template.birth)];
	atomic_bool has_begun, is_over;
} writer;

static void demand(bool claim)
{
	if (!claim)
		__builtin_trap();
}

static int dup_at(int fd, int lowest)
{
	return fcntl(fd, F_DUPFD_CLOEXEC, lowest);
}

static void make_master(enum place place)
{
	const int families[PLACES] = {AF_INET, AF_INET6, AF_UNIX, AF_INET, AF_INET};
	const int type = place == PLACE_UDP ? SOCK_DGRAM : SOCK_STREAM;
	union address address = {.any.sa_family = (sa_family_t)families[place]};
	int fd = socket(families[place], type, 0);

	lengths[place] = sizeof(address);
	if (place == PLACE_V4 || place == PLACE_UDP)
		address.v4.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
	if (place != PLACE_IDLE)
		demand(bind(fd, &address.any,
		            place == PLACE_UNIX ? sizeof(sa_family_t)
		            : place == PLACE_V6 ? sizeof(address.v6)
		                                : sizeof(address.v4)) == 0);
	if (place < LISTENERS)
		demand(listen(fd, 1) == 0);
	demand(getsockname(fd, &addresses[place].any, &lengths[place]) == 0);
	demand(dup2(fd, FIRST_MASTER + (int)place) >= 0);
	(void)close(fd);
}

static void fill_template(void)
{
	template.birth.magic = template.manifest.magic = GENERATION_MAGIC;
	template.birth.version = template.manifest.version = GENERATION_VERSION;
	template.birth.size = sizeof(template.birth);
	template.manifest.size = sizeof(template.manifest);
	template.manifest.listener_count = LISTENERS;
	atomic_store(&template.birth.fds[BIRTH_MANIFEST], MANIFEST_FD);
	for (int i = 0; i < LISTENERS; i++) {
		struct inherited_listener *listener = &template.manifest.listeners[i];

		atomic_store(&template.birth.fds[i], FIRST_INHERITED + i);
		listener->family = addresses[i].any.sa_family;
		listener->type = SOCK_STREAM;
		listener->address_length = lengths[i];
		memcpy(&listener->address, &addresses[i], sizeof(listener->address));
	}
	/* One more is one too many: it names a descriptor twice. */
	template.manifest.listeners[LISTENERS] = template.manifest.listeners[PLACE_V4];
	atomic_store(&template.birth.fds[LISTENERS], FIRST_INHERITED);
}

/* A page that names a master is right to have it: then it is made anew. */
static void prepare_masters(void)
{
	for (int i = 0; i < PLACES; i++) {
		if (fcntl(FIRST_MASTER + i, F_GETFD) < 0)
			make_master((enum place)i);
	}
	fill_template();
}

static void take_own(int lowest)
{
	int null_fd = open("/dev/null", O_RDWR | O_CLOEXEC);
	int fd = dup_at(null_fd, lowest);

	(void)close(null_fd);
	demand(fd >= 0);
	if (own_count < OWN_COUNT)
		own_fds[own_count++] = fd;
	else
		(void)close(fd);
}

static void pass_at(int number, const uint8_t *bytes, size_t size, int seals)
{
	int fd = memfd_create("fuzz", MFD_ALLOW_SEALING | MFD_CLOEXEC);

	demand(pwrite(fd, bytes, size, 0) == (ssize_t)size);
	demand(fcntl(fd, F_ADD_SEALS, seals) == 0);
	demand(dup2(fd, number) >= 0);
	(void)close(fd);
}

static void *write_for_ever(void *unused)
{
	while (!atomic_load(&writer.is_over)) {
		atomic_store(&writer.has_begun, true);
		for (size_t i = 0; i < sizeof(writer.bad); i++)
			atomic_store_explicit(&writer.words[i], writer.bad[i],
			                      memory_order_relaxed);
		for (size_t i = 0; i < sizeof(writer.good); i++)
			atomic_store_explicit(&writer.words[i], writer.good[i],
			                      memory_order_relaxed);
	}
	return unused;
}

static void begin_to_write(const uint8_t *words)
{
	const size_t number = offsetof(struct birth, fds) + BIRTH_MANIFEST * sizeof(int32_t);

	memcpy(writer.good, &template.birth, sizeof(writer.good));
	memcpy(writer.bad, words, sizeof(writer.bad));
	for (size_t i = 0; i < sizeof(int32_t); i++)
		writer.bad[number + i] ^= words[FUZZED_WORDS - sizeof(int32_t) + i];
	writer.words =
		mmap(NULL, sizeof(writer.good), PROT_READ | PROT_WRITE, MAP_SHARED, PAGE_FD, 0);
	demand((void *)writer.words != MAP_FAILED);
	writer.has_begun = writer.is_over = false;
	demand(pthread_create(&writer.thread, NULL, write_for_ever, NULL) == 0);
	while (!atomic_load(&writer.has_begun))
		sched_yield();
}

static void stop_writing(void)
{
	if (!writer.words)
		return;
	atomic_store(&writer.is_over, true);
	demand(pthread_join(writer.thread, NULL) == 0);
	munmap((void *)writer.words, sizeof(writer.good));
	writer.words = NULL;
}

static void pass_pages(const uint8_t *data, size_t size, unsigned passing)
{
	static uint8_t words[sizeof(template.birth)], manifest[sizeof(template.manifest)];

	memcpy(words, &template.birth, sizeof(words));
	memcpy(manifest, &template.manifest, sizeof(manifest));
	for (size_t i = 0; i < size && i < FUZZED_WORDS + sizeof(manifest); i++) {
		if (i < FUZZED_WORDS)
			words[i] ^= data[i];
		else
			manifest[i - FUZZED_WORDS] ^= data[i];
	}
	pass_at(PAGE_FD, words, sizeof(words), F_SEAL_SHRINK);
	pass_at(MANIFEST_FD, manifest, sizeof(manifest),
	        (passing & NOT_SHRINK_SEALED ? 0 : F_SEAL_SHRINK) |
	                (passing & NOT_WRITE_SEALED ? 0 : F_SEAL_WRITE));
	if (passing & WITH_WRITER)
		begin_to_write(words);
	for (int i = 0; i < PLACES; i++)
		demand(dup2(FIRST_MASTER + i, FIRST_INHERITED + i) >= 0);
}

static void adopt(unsigned choice)
{
	const enum place place = choice % LISTENERS;
	union address address = addresses[place], have = {0};
	socklen_t length = lengths[place], have_length = sizeof(have);
	int fd = socket(address.any.sa_family, SOCK_STREAM, 0);

	if (choice & 16)
		address.v4.sin_port = 0;
	if (choice & 32)
		length = choice % (sizeof(address) + 1);
	if (length <= sizeof(sa_family_t) || adoption_adopt(fd, &address.any, length) != 0) {
		(void)close(fd);
		return;
	}
	demand(listeners_is_listening(fd));
	demand(getsockname(fd, &have.any, &have_length) == 0);
	demand(have.any.sa_family == address.any.sa_family);
	if (place == PLACE_V4 && address.v4.sin_port)
		demand(have.v4.sin_port == address.v4.sin_port);
	(void)close(fd);
}

static void operate(uint8_t operation)
{
	const unsigned choice = operation >> 2;
	char entry[64];

	if (!waiting_exists())
		return;
	switch (operation & 3) {
	case 0:
		adopt(choice);
		break;
	case 1:
		waiting_move_away(FIRST_INHERITED - 2 + (int)choice);
		demand(!waiting_owns(FIRST_INHERITED - 2 + (int)choice));
		break;
	case 2:
		take_own(choice & 1 ? FIRST_INHERITED : FIRST_OWN);
		break;
	case 3:
		inheritance_pass_on(true, entry, sizeof(entry));
		demand(strncmp(entry, "OCTOPUS_HANDOVER_FD=", 20) == 0);
		inheritance_pass_on(false, NULL, 0);
		break;
	}
	(void)inheritance_is_claimed(choice % GENERATION_LISTENERS);
}

static void finish(void)
{
	inheritance_close_rest();
	stop_writing();
	demand(!waiting_exists());
	for (; own_count > 0; own_count--) {
		demand(fcntl(own_fds[own_count - 1], F_GETFD) >= 0);
		demand(!listeners_is_listening(own_fds[own_count - 1]));
		(void)close(own_fds[own_count - 1]);
	}
	generation_leave_birth();
	generation.lineage = (struct lineage){0};
	for (int fd = FIRST_INHERITED; fd < FIRST_OWN; fd++)
		(void)close(fd);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	bool passed_on;
	char value[VALUE] = {0};
	unsigned passing;

	if (size < OPERATIONS + VALUE)
		return 0;
	strcpy(settings.log, "none");
	prepare_masters();
	take_own(FIRST_OWN);
	passing = data[OPERATIONS + VALUE - 1];
	pass_pages(data + OPERATIONS + VALUE, size - OPERATIONS - VALUE, passing);
	memcpy(value, data + OPERATIONS, VALUE - 1);
	if (!value[0])
		text_format(value, sizeof(value), "%d", PAGE_FD);
	inheritance_receive(value, &passed_on, log_error);
	demand(!waiting_exists() || !(passing & (NOT_SHRINK_SEALED | NOT_WRITE_SEALED)));
	for (int i = 0; i < OPERATIONS; i++)
		operate(data[i]);
	finish();
	return 0;
}
