/* SPDX-License-Identifier: MIT */
/* Over 300 lines: one entry for each descriptor, the few lines that note each kind of call, and the
 * one reader, which shares the version of a record with them. */
#include "http/exchange.h"

#include <string.h>
#include <sys/resource.h>

#include "base/brief_lock.h"
#include "base/raw_memory.h"
#include "base/raw_syscall.h"
#include "http/http2_record.h"
#include "kernel/caller_memory.h"
#include "kernel/sandbox.h"

/* Address space is taken for so many, but none of it is memory before it is used. The kernel counts
 * what may be written as promised (proc(5), overcommit_memory), so that is made writable in steps. */
#define MOST_ENTRIES (1 << 17)
#define FIRST_ENTRIES 1024

/* For tests/analysis/annotated_atomics.h: a version number guards MEMORY. */
#ifndef NUMBERED
#define NUMBERED(memory, size) (void)0
#endif

/* The usual call takes the quick way. */
#define QUICK static inline __attribute__((always_inline))
#define SLOW static __attribute__((noinline, cold))

_Static_assert(sizeof(struct exchange) == 2048, "two entries to a page, found by a shift");

struct exchanges exchanges;
static _Atomic bool is_begun;

/* Memory goes back to the kernel in groups of entries, but for the first group. */
#define GROUP 64

static struct group {
	_Atomic int sockets; /* whose entries are in use */
	_Atomic int most;    /* of these, since the kernel got the memory back last */
} groups[MOST_ENTRIES / GROUP];

static bool make_writable(int count)
{
	return RAW3(SYS_mprotect, exchanges.entries, (size_t)count * sizeof(*exchanges.entries),
	            PROT_READ | PROT_WRITE) == 0;
}

void exchange_begin(bool with_times)
{
	struct rlimit limit = {MOST_ENTRIES, MOST_ENTRIES};
	long memory = -1;
	int most;

	if (with_times)
		atomic_store(&exchanges.has_times, true);
	if (atomic_exchange(&is_begun, true))
		return;
	(void)getrlimit(RLIMIT_NOFILE, &limit);
	most = limit.rlim_max < MOST_ENTRIES ? (int)limit.rlim_max : MOST_ENTRIES;
	/* Under a limit on address space (RLIMIT_AS) fewer must do. */
	for (; most > 0; most /= 2) {
		memory = raw_map(NULL, (size_t)most * sizeof(*exchanges.entries), PROT_NONE,
		                 MAP_PRIVATE | MAP_NORESERVE, -1);
		if (!raw_map_failed(memory))
			break;
	}
	if (raw_map_failed(memory))
		return;
	exchanges.entries = (void *)memory;
	exchanges.most = most;
	(void)RAW3(SYS_madvise, memory, (size_t)most * sizeof(*exchanges.entries), MADV_DONTDUMP);
	NUMBERED(memory, (size_t)most * sizeof(*exchanges.entries));
	most = most < FIRST_ENTRIES ? most : FIRST_ENTRIES;
	if (make_writable(most))
		atomic_store(&exchanges.count, most);
}

/* Returns the entry of FD, which is beyond all that are memory, or NULL. */
static struct exchange *grow_to(int fd)
{
	int count = atomic_load(&exchanges.count), wanted = count;

	if (count == 0 || fd < count || fd >= exchanges.most || sandbox_is_tight())
		return exchange_of(fd);
	while (wanted <= fd)
		wanted *= 2;
	wanted = wanted < exchanges.most ? wanted : exchanges.most;
	if (!make_writable(wanted))
		return NULL;
	while (count < wanted && !atomic_compare_exchange_strong(&exchanges.count, &count, wanted))
		continue;
	return &exchanges.entries[fd];
}

/* Last I/O. */

static void note_io(struct exchange *entry, enum last_io io, _Atomic uint32_t *when)
{
	if (exchange_last_io(entry) != IO_TUNNELED)
		atomic_store_explicit(&entry->last_io, (uint8_t)io, memory_order_relaxed);
	if (atomic_load_explicit(&exchanges.has_times, memory_order_relaxed))
		atomic_store_explicit(when, exchange_now_ms(), memory_order_relaxed);
}

/* Two threads that read at once may lose a count; then the record seems to have a gap. */
static inline void count_bytes(_Atomic uint32_t *total, size_t n)
{
	atomic_store_explicit(total,
	                      atomic_load_explicit(total, memory_order_relaxed) + (uint32_t)n,
	                      memory_order_relaxed);
}

/* Records. The threads that use the descriptor write them. The controller reads them, and sees by
 * the version whether a write came in between. */

/* Returns the version before. */
QUICK uint32_t open_change(struct exchange *entry)
{
	const uint32_t changes = atomic_load_explicit(&entry->changes, memory_order_relaxed);

	atomic_store_explicit(&entry->changes, (changes + 1) | 1, memory_order_relaxed);
	atomic_thread_fence(memory_order_release);
	return changes;
}

/* A thread may have left a change half done: cancelled, or by siglongjmp(3) out of a handler. What it
 * was to record is lost, so nobody knows where the next message begins. */
static void begin_change(struct exchange *entry)
{
	if (__builtin_expect(open_change(entry) % 2, 0))
		http1_record_lose(&entry->record);
}

/* Even, whatever a handler has recorded meanwhile. */
static inline void publish_change(struct exchange *entry)
{
	atomic_store_explicit(&entry->changes,
	                      (atomic_load_explicit(&entry->changes, memory_order_relaxed) | 1) + 1,
	                      memory_order_release);
}

static void set_usual(struct exchange *entry, enum exchange_usual usual)
{
	atomic_store_explicit(&entry->usual, (uint8_t)usual, memory_order_relaxed);
}

/* Which call may come next without a closer look. */
static enum exchange_usual usual_after(const struct exchange *entry)
{
	const struct exchange_record *record = &entry->record;

	if (!atomic_load_explicit(&entry->is_plain, memory_order_relaxed) ||
	    record->form != EXCHANGE_BYTES)
		return USUAL_NEITHER;
	return record->turn == EXCHANGE_REQUEST ? USUAL_WRITE : USUAL_READ;
}

static void end_change(struct exchange *entry)
{
	set_usual(entry, usual_after(entry));
	publish_change(entry);
}

/* One thread may read from a connection while another writes to it: with HTTP/2 that is usual. Returns false if
 * this thread must leave the record as it is; then the next one loses it. */
static bool open_record(struct exchange *entry)
{
	if (!brief_lock_take(&entry->lock)) {
		brief_lock_give_back(&entry->lock);
		return false;
	}
	begin_change(entry);
	if (brief_lock_forgive(&entry->lock))
		http1_record_lose(&entry->record);
	return true;
}

static void close_record(struct exchange *entry)
{
	end_change(entry);
	brief_lock_give_back(&entry->lock);
}

static void record_received(struct exchange *entry, const struct iovec *iov, int count, size_t n)
{
	if (!open_record(entry))
		return;
	if (http2_record_is_by_read(&entry->record, iov, count, n))
		http2_record_received(&entry->record, iov, count, n);
	else
		http1_record_received(&entry->record, iov, count, n);
	close_record(entry);
}

static void record_received_unseen(struct exchange *entry, uint64_t n)
{
	if (!open_record(entry))
		return;
	if (http2_record_is(&entry->record))
		http2_read_unseen(&entry->record.http2, n);
	else
		http1_record_received_unseen(&entry->record, n);
	close_record(entry);
}

static void record_sent(struct exchange *entry, const struct iovec *iov, int count, size_t n)
{
	if (!open_record(entry))
		return;
	if (http2_record_is_by_write(&entry->record, iov, count, n))
		http2_record_sent(&entry->record, iov, count, n);
	else
		http1_record_sent(&entry->record, iov, count, n);
	close_record(entry);
}

static void record_file(struct exchange *entry, uint64_t n)
{
	if (!open_record(entry))
		return;
	if (http2_record_is(&entry->record))
		http2_wrote_unseen(&entry->record.http2, n);
	else
		http1_record_sent_unseen(&entry->record, n);
	close_record(entry);
}

bool exchange_recall(int fd, struct exchange_record *ret_record, uint32_t *ret_changes)
{
	const struct exchange *entry = exchange_of(fd);
	uint32_t before;

	if (!entry)
		return false;
	before = atomic_load_explicit(&entry->changes, memory_order_acquire);
	memcpy(ret_record, &entry->record, sizeof(*ret_record));
	atomic_thread_fence(memory_order_acquire);
	*ret_changes = before;
	if (before % 2 != 0 ||
	    atomic_load_explicit(&entry->changes, memory_order_relaxed) != before)
		return false;
	if (brief_lock_has_missed(&entry->lock))
		http1_record_lose(ret_record);
	(void)http2_record_is(ret_record);
	return true;
}

/* An interim response answers no request; a 101 ends HTTP here (RFC 9110 §15.2). */
static bool is_interim(struct exchange *entry, const struct iovec *iov, int count, size_t n)
{
	const struct iovec part = count > 0 ? caller_memory_part(iov) : (struct iovec){0};
	const char *bytes = part.iov_base;

	if (n < 12 || part.iov_len < 12 || memcmp(bytes, "HTTP/1.1 1", 10) != 0)
		return false;
	if (memcmp(bytes + 10, "01", 2) == 0) {
		atomic_store_explicit(&entry->is_plain, false, memory_order_relaxed);
		atomic_store(&entry->last_io, IO_TUNNELED);
	}
	return true;
}

/* Entries in use. */

static void use(int fd)
{
	struct group *group = &groups[fd / GROUP];
	const int sockets = atomic_fetch_add(&group->sockets, 1) + 1;

	if (sockets > atomic_load_explicit(&group->most, memory_order_relaxed))
		atomic_store_explicit(&group->most, sockets, memory_order_relaxed);
}

/* Entries that begin anew meanwhile lose what was noted; then the record has a gap. */
static void return_memory(int group)
{
	atomic_store_explicit(&groups[group].most, 0, memory_order_relaxed);
	(void)RAW3(SYS_madvise, &exchanges.entries[group * GROUP], GROUP * sizeof(struct exchange),
	           MADV_DONTNEED);
}

/* Once in GROUP / 2 connections at most, so that nobody pays for it. */
static void give_up_use(int fd)
{
	struct group *group = &groups[fd / GROUP];

	if (atomic_fetch_sub(&group->sockets, 1) == 1 &&
	    atomic_load_explicit(&group->most, memory_order_relaxed) > GROUP / 2 &&
	    !sandbox_is_tight())
		return_memory(fd / GROUP);
}

static void set_origin(int fd, struct exchange *entry, enum exchange_origin origin)
{
	const bool was_in_use = exchange_entry_is_socket(entry);

	atomic_store_explicit(&entry->origin, (uint8_t)origin, memory_order_relaxed);
	if (fd >= GROUP && !was_in_use)
		use(fd);
}

void exchange_begin_anew(int fd, enum exchange_origin origin)
{
	const bool has_times = atomic_load_explicit(&exchanges.has_times, memory_order_relaxed);
	struct exchange *entry = exchange_of(fd);

	if (!entry && !(entry = grow_to(fd)))
		return;
	set_origin(fd, entry, origin);
	(void)open_change(entry);
	atomic_store_explicit(&entry->is_tls, false, memory_order_relaxed);
	atomic_store_explicit(&entry->is_ended, false, memory_order_relaxed);
	atomic_store_explicit(&entry->last_io, IO_NONE, memory_order_relaxed);
	atomic_store_explicit(&entry->received_bytes, 0, memory_order_relaxed);
	atomic_store_explicit(&entry->sent_bytes, 0, memory_order_relaxed);
	if (__builtin_expect(has_times, 0)) {
		note_io(entry, IO_NONE, &entry->received_ms);
		note_io(entry, IO_NONE, &entry->sent_ms);
	}
	http1_record_begin(&entry->record);
	atomic_store_explicit(&entry->lock, 0, memory_order_relaxed);
	atomic_store_explicit(&entry->is_plain, !has_times, memory_order_relaxed);
	set_usual(entry, has_times ? USUAL_NEITHER : USUAL_READ);
	publish_change(entry);
}

void exchange_forget(int fd)
{
	struct exchange *entry = exchange_of(fd);

	if (!exchange_entry_is_socket(entry))
		return;
	(void)open_change(entry);
	atomic_store_explicit(&entry->origin, EXCHANGE_UNKNOWN, memory_order_relaxed);
	atomic_store_explicit(&entry->is_plain, false, memory_order_relaxed);
	set_usual(entry, USUAL_NEITHER);
	http1_record_begin(&entry->record);
	publish_change(entry);
	if (fd >= GROUP)
		give_up_use(fd);
}

void exchange_replaced(int fd, int from)
{
	struct exchange *entry = exchange_of(fd);
	const bool is_socket = exchange_is_socket(from);

	if (is_socket && !entry)
		entry = grow_to(fd);
	if (!is_socket) {
		exchange_forget(fd);
	} else if (entry) {
		set_origin(fd, entry, EXCHANGE_SOCKET);
		begin_change(entry);
		http1_record_lose(&entry->record);
		end_change(entry);
	}
}

/* The usual read or write is the first of its side, and fits into the record, and the exchange before
 * it is complete. These two note it in few instructions, all of one change. They return false if it is
 * another one; then nothing is noted. */

QUICK bool begin_usual(struct exchange *entry, enum exchange_usual usual)
{
	const uint32_t changes = atomic_load_explicit(&entry->changes, memory_order_relaxed);

	if (atomic_load_explicit(&entry->usual, memory_order_relaxed) != usual || changes % 2)
		return false;
	atomic_store_explicit(&entry->changes, changes + 1, memory_order_relaxed);
	atomic_thread_fence(memory_order_release);
	return true;
}

QUICK bool note_usual_read(struct exchange *entry, const void *bytes, size_t n)
{
	bool is_usual;

	if (!begin_usual(entry, USUAL_READ))
		return false;
	is_usual = n <= EXCHANGE_KEPT && exchange_is_complete(&entry->record);
	if (__builtin_expect(is_usual, 1)) {
		count_bytes(&entry->received_bytes, n);
		exchange_begin_request(&entry->record, bytes, n);
		atomic_store_explicit(&entry->last_io, IO_RECEIVED, memory_order_relaxed);
		set_usual(entry, USUAL_WRITE);
	}
	publish_change(entry);
	return is_usual;
}

static inline bool looks_interim(const struct iovec *iov, size_t n)
{
	const char *bytes = iov->iov_base;

	return n < 12 || iov->iov_len < 12 || bytes[9] == '1';
}

QUICK bool note_usual_write(struct exchange *entry, const struct iovec *iov, int count, size_t n)
{
	struct exchange_record *record = &entry->record;
	bool is_usual = true;

	if (!begin_usual(entry, USUAL_WRITE))
		return false;
	if (exchange_is_same_response(record, iov, count, n))
		exchange_repeat_response(record);
	else if (n > EXCHANGE_KEPT || looks_interim(iov, n))
		is_usual = false;
	else
		http1_record_begin_response(record, iov, count, n);
	if (__builtin_expect(is_usual, 1)) {
		count_bytes(&entry->sent_bytes, n);
		atomic_store_explicit(&entry->last_io, IO_SENT, memory_order_relaxed);
		set_usual(entry, USUAL_READ);
	}
	publish_change(entry);
	return is_usual;
}

SLOW void note_received(struct exchange *entry, const struct iovec *iov, int count, size_t n)
{
	count_bytes(&entry->received_bytes, n);
	note_io(entry, IO_RECEIVED, &entry->received_ms);
	if (!atomic_load_explicit(&entry->is_tls, memory_order_relaxed))
		record_received(entry, iov, count, n);
}

void exchange_received(int fd, const struct iovec *iov, int count, size_t n)
{
	struct exchange *entry = exchange_of(fd);

	if (entry)
		note_received(entry, iov, count, n);
}

/* Of a number that may be a file's, only the time counts. */
SLOW void note_read(struct exchange *entry, const struct iovec *iov, int count, size_t n)
{
	if (exchange_entry_is_socket(entry))
		note_received(entry, iov, count, n);
	else
		note_io(entry, IO_RECEIVED, &entry->received_ms);
}

void exchange_read(int fd, const struct iovec *iov, int count, size_t n)
{
	struct exchange *entry = exchange_of(fd);

	if (entry)
		note_read(entry, iov, count, n);
}

SLOW void note_read_bytes(struct exchange *entry, const void *bytes, size_t n)
{
	note_read(entry, &(struct iovec){(void *)bytes, n}, 1, n);
}

void exchange_read_bytes(int fd, const void *bytes, size_t n)
{
	struct exchange *entry = exchange_of(fd);

	if (entry && !note_usual_read(entry, bytes, n))
		note_read_bytes(entry, bytes, n);
}

SLOW void note_received_bytes(struct exchange *entry, const void *bytes, size_t n)
{
	note_received(entry, &(struct iovec){(void *)bytes, n}, 1, n);
}

void exchange_received_bytes(int fd, const void *bytes, size_t n)
{
	struct exchange *entry = exchange_of(fd);

	if (entry && !note_usual_read(entry, bytes, n))
		note_received_bytes(entry, bytes, n);
}

void exchange_received_unseen(int fd, size_t n)
{
	struct exchange *entry = exchange_of(fd);

	if (!entry)
		return;
	count_bytes(&entry->received_bytes, n);
	note_io(entry, IO_RECEIVED, &entry->received_ms);
	if (!atomic_load_explicit(&entry->is_tls, memory_order_relaxed))
		record_received_unseen(entry, n);
}

SLOW void note_sent(struct exchange *entry, const struct iovec *iov, int count, size_t n)
{
	count_bytes(&entry->sent_bytes, n);
	if (atomic_load_explicit(&entry->is_tls, memory_order_relaxed)) {
		note_io(entry, IO_SENT, &entry->sent_ms);
		return;
	}
	if (exchange_last_io(entry) != IO_RECEIVED || !is_interim(entry, iov, count, n))
		note_io(entry, IO_SENT, &entry->sent_ms);
	record_sent(entry, iov, count, n);
}

void exchange_sent(int fd, const struct iovec *iov, int count, size_t n)
{
	struct exchange *entry = exchange_of(fd);

	if (entry && (count <= 0 || !note_usual_write(entry, iov, count, n)))
		note_sent(entry, iov, count, n);
}

SLOW void note_written(int fd, struct exchange *entry, const struct iovec *iov, int count, size_t n)
{
	if (exchange_entry_is_socket(entry))
		note_sent(entry, iov, count, n);
	else
		exchange_sent_file(fd, n);
}

void exchange_written(int fd, const struct iovec *iov, int count, size_t n)
{
	struct exchange *entry = exchange_of(fd);

	if (entry && (count <= 0 || !note_usual_write(entry, iov, count, n)))
		note_written(fd, entry, iov, count, n);
}

void exchange_sent_file(int fd, uint64_t n)
{
	struct exchange *entry = exchange_of(fd);

	if (!entry)
		return;
	count_bytes(&entry->sent_bytes, n);
	note_io(entry, IO_SENT, &entry->sent_ms);
	if (!atomic_load_explicit(&entry->is_tls, memory_order_relaxed))
		record_file(entry, n);
}

void exchange_sent_own(int fd, size_t n)
{
	struct exchange *entry = exchange_of(fd);

	if (entry)
		count_bytes(&entry->sent_bytes, n);
}

bool exchange_is_tls(int fd)
{
	struct exchange *entry = exchange_of(fd);

	if (!entry || atomic_load_explicit(&entry->is_tls, memory_order_relaxed))
		return false;
	atomic_store_explicit(&entry->is_plain, false, memory_order_relaxed);
	atomic_store(&entry->is_tls, true);
	begin_change(entry);
	http1_record_begin(&entry->record);
	end_change(entry);
	return true;
}

void exchange_received_tls(int fd, const void *bytes, size_t n)
{
	struct exchange *entry = exchange_of(fd);

	if (entry)
		record_received(entry, &(struct iovec){(void *)bytes, n}, 1, n);
}

void exchange_sent_tls(int fd, enum last_io before, const void *bytes, size_t n)
{
	const struct iovec part = {(void *)bytes, n};
	struct exchange *entry = exchange_of(fd);

	if (!entry)
		return;
	if (before == IO_RECEIVED && is_interim(entry, &part, 1, n))
		note_io(entry, IO_RECEIVED, &entry->received_ms);
	record_sent(entry, &part, 1, n);
}

void exchange_sent_file_tls(int fd, uint64_t n)
{
	struct exchange *entry = exchange_of(fd);

	if (entry)
		record_file(entry, n);
}
