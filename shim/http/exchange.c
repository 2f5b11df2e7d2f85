/* SPDX-License-Identifier: MIT */
/* Over 300 lines: one entry for each descriptor, the few lines that note each kind of call, and the
 * one reader, which shares the version of a record with them. */
#include "http/exchange.h"

#include <string.h>
#include <sys/mman.h>
#include <sys/resource.h>

#include "kernel/caller_memory.h"

/* Only the pages of descriptors in use become memory, except without overcommit (proc(5)). */
#define MOST_ENTRIES (1 << 17)
#define MOST_RECORDS (1 << 16)

/* For tests/analysis/annotated_atomics.h: a version number guards MEMORY. */
#ifndef NUMBERED
#define NUMBERED(memory, size) (void)0
#endif

struct exchanges exchanges;
static _Atomic bool is_begun;

static void *make_table(int count, size_t size)
{
	void *memory = mmap(NULL, (size_t)count * size, PROT_READ | PROT_WRITE,
	                    MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);

	return memory == MAP_FAILED ? NULL : memory;
}

void exchange_begin(bool with_times)
{
	struct rlimit limit = {MOST_ENTRIES, MOST_ENTRIES};
	int count, record_count;

	if (with_times)
		atomic_store(&exchanges.has_times, true);
	if (atomic_exchange(&is_begun, true))
		return;
	(void)getrlimit(RLIMIT_NOFILE, &limit);
	count = limit.rlim_max < MOST_ENTRIES ? (int)limit.rlim_max : MOST_ENTRIES;
	record_count = limit.rlim_cur < MOST_RECORDS ? (int)limit.rlim_cur : MOST_RECORDS;
	exchanges.entries = make_table(count, sizeof(*exchanges.entries));
	exchanges.records = make_table(record_count, sizeof(*exchanges.records));
	NUMBERED(exchanges.records, (size_t)record_count * sizeof(*exchanges.records));
	if (exchanges.entries && exchanges.records)
		atomic_store(&exchanges.record_count, record_count);
	if (exchanges.entries)
		atomic_store(&exchanges.count, count);
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
static void count_bytes(_Atomic uint32_t *total, size_t n)
{
	atomic_store_explicit(total,
	                      atomic_load_explicit(total, memory_order_relaxed) + (uint32_t)n,
	                      memory_order_relaxed);
}

/* Records. The threads that use the descriptor write them. The controller reads them, and sees by
 * the version whether a write came in between. */

/* A thread may have left a change half done: cancelled, or by siglongjmp(3) out of a handler. What it
 * was to record is lost, so nobody knows how this side goes on. */
static struct exchange_record *begin_change(int fd, struct exchange *entry)
{
	const uint32_t changes = atomic_load_explicit(&entry->changes, memory_order_relaxed);
	struct exchange_record *record;

	if (fd >= atomic_load_explicit(&exchanges.record_count, memory_order_relaxed))
		return NULL;
	record = &exchanges.records[fd];
	atomic_store_explicit(&entry->changes, (changes + 1) | 1, memory_order_relaxed);
	atomic_thread_fence(memory_order_release);
	if (__builtin_expect(changes % 2, 0))
		record->request.is_full = record->response.is_full = true;
	return record;
}

/* Even, whatever a handler has recorded meanwhile. */
static void end_change(struct exchange *entry)
{
	atomic_store_explicit(&entry->changes,
	                      (atomic_load_explicit(&entry->changes, memory_order_relaxed) | 1) + 1,
	                      memory_order_release);
}

static void keep(struct exchange_side *side, const struct iovec *iov, int count, size_t n)
{
	size_t left = n;

	side->total += n;
	for (int i = 0; i < count && left > 0 && !side->is_full; i++) {
		const struct iovec part = caller_memory_part(&iov[i]);
		const size_t room = (size_t)(EXCHANGE_KEPT - side->kept);
		const size_t there = part.iov_len < left ? part.iov_len : left;
		const size_t length = there < room ? there : room;

		memcpy(side->bytes + side->kept, part.iov_base, length);
		side->kept = (uint16_t)(side->kept + length);
		side->is_full = length < there;
		left -= there;
	}
}

/* Keeps the last bytes of N in IOV; a shorter write leaves earlier bytes before its own. */
static void keep_tail(char *tail, const struct iovec *iov, int count, size_t n)
{
	for (int i = 0; i < count && n > 0; i++) {
		const struct iovec part = caller_memory_part(&iov[i]);
		const size_t length = part.iov_len < n ? part.iov_len : n;
		const size_t kept = length < EXCHANGE_TAIL ? length : EXCHANGE_TAIL;

		memmove(tail, tail + kept, EXCHANGE_TAIL - kept);
		memcpy(tail + EXCHANGE_TAIL - kept, (const char *)part.iov_base + length - kept,
		       kept);
		n -= length;
	}
}

static void begin_side(struct exchange_record *record, enum exchange_turn turn,
                       struct exchange_side *side)
{
	if (record->turn == turn)
		return;
	record->turn = (uint8_t)turn;
	side->total = 0;
	side->kept = 0;
	side->is_full = false;
}

static void record_received(int fd, struct exchange *entry, const struct iovec *iov, int count,
                            size_t n)
{
	struct exchange_record *record = begin_change(fd, entry);

	if (!record)
		return;
	begin_side(record, EXCHANGE_REQUEST, &record->request);
	keep(&record->request, iov, count, n);
	end_change(entry);
}

static void record_sent(int fd, struct exchange *entry, const struct iovec *iov, int count,
                        size_t n)
{
	struct exchange_record *record = begin_change(fd, entry);

	if (!record)
		return;
	begin_side(record, EXCHANGE_RESPONSE, &record->response);
	keep(&record->response, iov, count, n);
	keep_tail(record->tail, iov, count, n);
	end_change(entry);
}

static void record_file(int fd, struct exchange *entry, uint64_t n)
{
	struct exchange_record *record = begin_change(fd, entry);

	if (!record)
		return;
	begin_side(record, EXCHANGE_RESPONSE, &record->response);
	record->response.total += n;
	record->response.is_full = true;
	end_change(entry);
}

bool exchange_recall(int fd, struct exchange_record *ret_record, uint32_t *ret_changes)
{
	const struct exchange *entry = exchange_of(fd);
	uint32_t before;

	if (!entry || fd >= atomic_load(&exchanges.record_count))
		return false;
	before = atomic_load_explicit(&entry->changes, memory_order_acquire);
	memcpy(ret_record, &exchanges.records[fd], sizeof(*ret_record));
	atomic_thread_fence(memory_order_acquire);
	*ret_changes = before;
	return before % 2 == 0 &&
	       atomic_load_explicit(&entry->changes, memory_order_relaxed) == before;
}

static void forget_record(int fd, struct exchange *entry)
{
	struct exchange_record *record = begin_change(fd, entry);

	if (!record)
		return;
	record->turn = EXCHANGE_NOTHING;
	begin_side(record, EXCHANGE_REQUEST, &record->request);
	record->turn = EXCHANGE_NOTHING;
	end_change(entry);
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

static bool has_plain_record(int fd)
{
	return fd < atomic_load_explicit(&exchanges.record_count, memory_order_relaxed) &&
	       !atomic_load_explicit(&exchanges.has_times, memory_order_relaxed);
}

void exchange_begin_anew(int fd, enum exchange_origin origin)
{
	struct exchange *entry = exchange_of(fd);

	if (!entry)
		return;
	atomic_store_explicit(&entry->is_tls, false, memory_order_relaxed);
	atomic_store_explicit(&entry->is_ended, false, memory_order_relaxed);
	atomic_store_explicit(&entry->origin, (uint8_t)origin, memory_order_relaxed);
	atomic_store_explicit(&entry->last_io, IO_NONE, memory_order_relaxed);
	note_io(entry, IO_NONE, &entry->received_ms);
	note_io(entry, IO_NONE, &entry->sent_ms);
	atomic_store_explicit(&entry->received_bytes, 0, memory_order_relaxed);
	atomic_store_explicit(&entry->sent_bytes, 0, memory_order_relaxed);
	forget_record(fd, entry);
	atomic_store_explicit(&entry->is_plain, has_plain_record(fd), memory_order_relaxed);
}

void exchange_replaced(int fd, int from)
{
	struct exchange *entry = exchange_of(fd);
	const bool is_socket = exchange_is_socket(from);

	/* A loop that closes all numbers must not make all entries memory. */
	if (entry && (is_socket || exchange_is_socket(fd)))
		atomic_store_explicit(&entry->origin,
		                      is_socket ? EXCHANGE_SOCKET : EXCHANGE_UNKNOWN,
		                      memory_order_relaxed);
}

/* The usual read or write is the first of its side, and fits into the record. These two note it in few
 * instructions, all of one change. They return false if it is another one; then nothing has changed. */

static inline __attribute__((always_inline)) struct exchange_record *
begin_usual(int fd, struct exchange *entry, uint8_t turn, size_t n)
{
	const uint32_t changes = atomic_load_explicit(&entry->changes, memory_order_relaxed);
	struct exchange_record *record = &exchanges.records[fd];

	if (!atomic_load_explicit(&entry->is_plain, memory_order_relaxed) || changes % 2 ||
	    n > EXCHANGE_KEPT || record->turn == turn)
		return NULL;
	atomic_store_explicit(&entry->changes, changes + 1, memory_order_relaxed);
	atomic_thread_fence(memory_order_release);
	record->turn = turn;
	return record;
}

static inline void begin_full_side(struct exchange_side *side, size_t n)
{
	side->total = n;
	side->kept = (uint16_t)n;
	side->is_full = false;
}

static bool note_usual_read(int fd, struct exchange *entry, const struct iovec *iov, size_t n)
{
	struct exchange_record *record = begin_usual(fd, entry, EXCHANGE_REQUEST, n);

	if (!record)
		return false;
	begin_full_side(&record->request, n);
	memcpy(record->request.bytes, iov->iov_base, n);
	count_bytes(&entry->received_bytes, n);
	atomic_store_explicit(&entry->last_io, IO_RECEIVED, memory_order_relaxed);
	end_change(entry);
	return true;
}

static inline bool looks_interim(const struct iovec *iov, size_t n)
{
	const char *bytes = iov->iov_base;

	return n < 12 || iov->iov_len < 12 || bytes[9] == '1';
}

static bool note_usual_write(int fd, struct exchange *entry, const struct iovec *iov, int count,
                             size_t n)
{
	struct exchange_record *record;
	char *at;
	size_t left = n;

	if (looks_interim(iov, n))
		return false;
	record = begin_usual(fd, entry, EXCHANGE_RESPONSE, n);
	if (!record)
		return false;
	begin_full_side(&record->response, n);
	at = record->response.bytes;
	for (int i = 0; i < count && left > 0; i++) {
		const struct iovec part = caller_memory_part(&iov[i]);
		const size_t length = part.iov_len < left ? part.iov_len : left;

		memcpy(at, part.iov_base, length);
		at += length;
		left -= length;
	}
	memcpy(record->tail, record->response.bytes + n - EXCHANGE_TAIL, EXCHANGE_TAIL);
	count_bytes(&entry->sent_bytes, n);
	atomic_store_explicit(&entry->last_io, IO_SENT, memory_order_relaxed);
	end_change(entry);
	return true;
}

void exchange_received(int fd, const struct iovec *iov, int count, size_t n)
{
	struct exchange *entry = exchange_of(fd);

	if (!entry || (count == 1 && note_usual_read(fd, entry, iov, n)))
		return;
	count_bytes(&entry->received_bytes, n);
	note_io(entry, IO_RECEIVED, &entry->received_ms);
	if (!atomic_load_explicit(&entry->is_tls, memory_order_relaxed))
		record_received(fd, entry, iov, count, n);
}

void exchange_received_unseen(int fd, size_t n)
{
	struct exchange *entry = exchange_of(fd);

	exchange_received(fd, &(struct iovec){"?", 1}, 1, 1);
	if (entry)
		count_bytes(&entry->received_bytes, n - 1);
}

void exchange_sent(int fd, const struct iovec *iov, int count, size_t n)
{
	struct exchange *entry = exchange_of(fd);

	if (!entry || (count > 0 && note_usual_write(fd, entry, iov, count, n)))
		return;
	count_bytes(&entry->sent_bytes, n);
	if (atomic_load_explicit(&entry->is_tls, memory_order_relaxed)) {
		note_io(entry, IO_SENT, &entry->sent_ms);
		return;
	}
	if (exchange_last_io(entry) == IO_RECEIVED && is_interim(entry, iov, count, n))
		return;
	note_io(entry, IO_SENT, &entry->sent_ms);
	record_sent(fd, entry, iov, count, n);
}

void exchange_sent_file(int fd, uint64_t n)
{
	struct exchange *entry = exchange_of(fd);

	if (!entry)
		return;
	count_bytes(&entry->sent_bytes, n);
	note_io(entry, IO_SENT, &entry->sent_ms);
	if (!atomic_load_explicit(&entry->is_tls, memory_order_relaxed))
		record_file(fd, entry, n);
}

bool exchange_is_tls(int fd)
{
	struct exchange *entry = exchange_of(fd);

	if (!entry || atomic_load_explicit(&entry->is_tls, memory_order_relaxed))
		return false;
	atomic_store_explicit(&entry->is_plain, false, memory_order_relaxed);
	atomic_store(&entry->is_tls, true);
	forget_record(fd, entry);
	return true;
}

void exchange_received_tls(int fd, const void *bytes, size_t n)
{
	struct exchange *entry = exchange_of(fd);

	if (entry)
		record_received(fd, entry, &(struct iovec){(void *)bytes, n}, 1, n);
}

void exchange_sent_tls(int fd, enum last_io before, const void *bytes, size_t n)
{
	const struct iovec part = {(void *)bytes, n};
	struct exchange *entry = exchange_of(fd);

	if (!entry)
		return;
	if (before == IO_RECEIVED && is_interim(entry, &part, 1, n)) {
		note_io(entry, IO_RECEIVED, &entry->received_ms);
		return;
	}
	record_sent(fd, entry, &part, 1, n);
}

void exchange_sent_file_tls(int fd, uint64_t n)
{
	struct exchange *entry = exchange_of(fd);

	if (entry)
		record_file(fd, entry, n);
}
