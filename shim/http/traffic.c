/* SPDX-License-Identifier: MIT */
#include "http/traffic.h"

#include <string.h>
#include <sys/mman.h>
#include <sys/resource.h>

#include "base/clock.h"

/* Only the pages of the descriptors that are used become memory; but where the kernel commits no more than it has
 * (vm.overcommit_memory, proc(5)), all of it counts. */
#define MOST_ENTRIES (1 << 17)
#define MOST_RECORDS (1 << 16)

/* A tool that knows no numbered changes is told (tests/analysis/annotated_atomics.h). */
#ifndef NUMBERED
#define NUMBERED(memory, size) (void)0
#endif

struct traffic traffic;
static _Atomic bool is_begun;

uint32_t traffic_now_ms(void)
{
	const uint32_t ms = (uint32_t)(clock_coarse_now_ns() / NS_PER_MS);

	return ms ? ms : 1;
}

static void *make_table(int count, size_t size)
{
	void *memory = mmap(NULL, (size_t)count * size, PROT_READ | PROT_WRITE,
	                    MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);

	return memory == MAP_FAILED ? NULL : memory;
}

void traffic_begin(bool with_times)
{
	struct rlimit limit = {MOST_ENTRIES, MOST_ENTRIES};
	int count, record_count;

	if (with_times)
		atomic_store(&traffic.has_times, true);
	if (atomic_exchange(&is_begun, true))
		return;
	(void)getrlimit(RLIMIT_NOFILE, &limit);
	count = limit.rlim_max < MOST_ENTRIES ? (int)limit.rlim_max : MOST_ENTRIES;
	record_count = limit.rlim_cur < MOST_RECORDS ? (int)limit.rlim_cur : MOST_RECORDS;
	traffic.entries = make_table(count, sizeof(*traffic.entries));
	traffic.records = make_table(record_count, sizeof(*traffic.records));
	NUMBERED(traffic.records, (size_t)record_count * sizeof(*traffic.records));
	if (traffic.entries && traffic.records)
		atomic_store(&traffic.record_count, record_count);
	if (traffic.entries)
		atomic_store(&traffic.count, count);
}

/* Moves. */

static void note_move(struct traffic_entry *entry, enum last_move move, _Atomic uint32_t *when)
{
	if (traffic_last_move(entry) != MOVE_TUNNELED)
		atomic_store_explicit(&entry->last_move, (uint8_t)move, memory_order_relaxed);
	if (atomic_load_explicit(&traffic.has_times, memory_order_relaxed))
		atomic_store_explicit(when, traffic_now_ms(), memory_order_relaxed);
}

/* Records. Their writer is whoever uses the descriptor; the controller reads them, and sees by the number of
 * changes whether one came in between. */

static struct traffic_record *begin_change(int fd, struct traffic_entry *entry)
{
	if ((unsigned)fd >=
	    (unsigned)atomic_load_explicit(&traffic.record_count, memory_order_relaxed))
		return NULL;
	atomic_store_explicit(&entry->changes,
	                      atomic_load_explicit(&entry->changes, memory_order_relaxed) + 1,
	                      memory_order_relaxed);
	atomic_thread_fence(memory_order_release);
	return &traffic.records[fd];
}

static void end_change(struct traffic_entry *entry)
{
	atomic_store_explicit(&entry->changes,
	                      atomic_load_explicit(&entry->changes, memory_order_relaxed) + 1,
	                      memory_order_release);
}

static void keep(struct traffic_part *part, const struct iovec *iov, int count, size_t n)
{
	size_t left = n;

	part->total += n;
	for (int i = 0; i < count && left > 0 && !part->is_full; i++) {
		const size_t room = (size_t)(TRAFFIC_KEPT - part->kept);
		const size_t there = iov[i].iov_len < left ? iov[i].iov_len : left;
		const size_t length = there < room ? there : room;

		memcpy(part->bytes + part->kept, iov[i].iov_base, length);
		part->kept = (uint16_t)(part->kept + length);
		part->is_full = length < there;
		left -= there;
	}
}

/* The last bytes of N in IOV. Of a shorter write, what was there before moves up. */
static void keep_tail(char *tail, const struct iovec *iov, int count, size_t n)
{
	for (int i = 0; i < count && n > 0; i++) {
		const size_t length = iov[i].iov_len < n ? iov[i].iov_len : n;
		const size_t kept = length < TRAFFIC_TAIL ? length : TRAFFIC_TAIL;

		memmove(tail, tail + kept, TRAFFIC_TAIL - kept);
		memcpy(tail + TRAFFIC_TAIL - kept, (const char *)iov[i].iov_base + length - kept,
		       kept);
		n -= length;
	}
}

static void begin_part(struct traffic_record *record, enum traffic_side side,
                       struct traffic_part *part)
{
	if (record->side == side)
		return;
	record->side = (uint8_t)side;
	part->total = 0;
	part->kept = 0;
	part->is_full = false;
}

static void record_received(int fd, struct traffic_entry *entry, const struct iovec *iov, int count,
                            size_t n)
{
	struct traffic_record *record = begin_change(fd, entry);

	if (!record)
		return;
	begin_part(record, TRAFFIC_REQUEST, &record->request);
	keep(&record->request, iov, count, n);
	end_change(entry);
}

static void record_sent(int fd, struct traffic_entry *entry, const struct iovec *iov, int count,
                        size_t n)
{
	struct traffic_record *record = begin_change(fd, entry);

	if (!record)
		return;
	begin_part(record, TRAFFIC_RESPONSE, &record->response);
	keep(&record->response, iov, count, n);
	keep_tail(record->tail, iov, count, n);
	end_change(entry);
}

static void record_file(int fd, struct traffic_entry *entry, uint64_t n)
{
	struct traffic_record *record = begin_change(fd, entry);

	if (!record)
		return;
	begin_part(record, TRAFFIC_RESPONSE, &record->response);
	record->response.total += n;
	record->response.is_full = true;
	end_change(entry);
}

bool traffic_recall(int fd, struct traffic_record *ret_record, uint32_t *ret_changes)
{
	const struct traffic_entry *entry = traffic_of(fd);
	uint32_t before;

	if (!entry || fd >= atomic_load(&traffic.record_count))
		return false;
	before = atomic_load_explicit(&entry->changes, memory_order_acquire);
	memcpy(ret_record, &traffic.records[fd], sizeof(*ret_record));
	atomic_thread_fence(memory_order_acquire);
	*ret_changes = before;
	return before % 2 == 0 &&
	       atomic_load_explicit(&entry->changes, memory_order_relaxed) == before;
}

static void forget_record(int fd, struct traffic_entry *entry)
{
	struct traffic_record *record = begin_change(fd, entry);

	if (!record)
		return;
	record->side = TRAFFIC_NOTHING;
	begin_part(record, TRAFFIC_REQUEST, &record->request);
	record->side = TRAFFIC_NOTHING;
	end_change(entry);
}

/* An interim response answers nothing, and 101 ends HTTP on this connection (RFC 9110 §15.2). */
static bool is_interim(struct traffic_entry *entry, const struct iovec *iov, int count, size_t n)
{
	const char *bytes = count > 0 ? iov[0].iov_base : NULL;

	if (!bytes || n < 12 || iov[0].iov_len < 12 || memcmp(bytes, "HTTP/1.1 1", 10) != 0)
		return false;
	if (memcmp(bytes + 10, "01", 2) == 0)
		atomic_store(&entry->last_move, MOVE_TUNNELED);
	return true;
}

void traffic_begin_anew(int fd, bool is_accepted)
{
	struct traffic_entry *entry = traffic_of(fd);

	if (!entry)
		return;
	atomic_store_explicit(&entry->is_tls, false, memory_order_relaxed);
	atomic_store_explicit(&entry->is_ended, false, memory_order_relaxed);
	atomic_store_explicit(&entry->is_accepted, is_accepted, memory_order_relaxed);
	atomic_store_explicit(&entry->last_move, MOVE_NONE, memory_order_relaxed);
	note_move(entry, MOVE_NONE, &entry->received_ms);
	note_move(entry, MOVE_NONE, &entry->sent_ms);
	forget_record(fd, entry);
}

void traffic_received(int fd, const struct iovec *iov, int count, size_t n)
{
	struct traffic_entry *entry = traffic_of(fd);

	if (!entry)
		return;
	note_move(entry, MOVE_RECEIVED, &entry->received_ms);
	if (!atomic_load_explicit(&entry->is_tls, memory_order_relaxed))
		record_received(fd, entry, iov, count, n);
}

void traffic_sent(int fd, const struct iovec *iov, int count, size_t n)
{
	struct traffic_entry *entry = traffic_of(fd);

	if (!entry)
		return;
	if (atomic_load_explicit(&entry->is_tls, memory_order_relaxed)) {
		note_move(entry, MOVE_SENT, &entry->sent_ms);
		return;
	}
	if (traffic_last_move(entry) == MOVE_RECEIVED && is_interim(entry, iov, count, n))
		return;
	note_move(entry, MOVE_SENT, &entry->sent_ms);
	record_sent(fd, entry, iov, count, n);
}

void traffic_sent_file(int fd, uint64_t n)
{
	struct traffic_entry *entry = traffic_of(fd);

	if (!entry)
		return;
	note_move(entry, MOVE_SENT, &entry->sent_ms);
	if (!atomic_load_explicit(&entry->is_tls, memory_order_relaxed))
		record_file(fd, entry, n);
}

bool traffic_is_tls(int fd)
{
	struct traffic_entry *entry = traffic_of(fd);

	if (!entry || atomic_load_explicit(&entry->is_tls, memory_order_relaxed))
		return false;
	atomic_store(&entry->is_tls, true);
	forget_record(fd, entry);
	return true;
}

void traffic_received_tls(int fd, const void *bytes, size_t n)
{
	struct traffic_entry *entry = traffic_of(fd);

	if (entry)
		record_received(fd, entry, &(struct iovec){(void *)bytes, n}, 1, n);
}

void traffic_sent_tls(int fd, enum last_move before, const void *bytes, size_t n)
{
	const struct iovec part = {(void *)bytes, n};
	struct traffic_entry *entry = traffic_of(fd);

	if (!entry)
		return;
	if (before == MOVE_RECEIVED && is_interim(entry, &part, 1, n)) {
		note_move(entry, MOVE_RECEIVED, &entry->received_ms);
		return;
	}
	record_sent(fd, entry, &part, 1, n);
}

void traffic_sent_file_tls(int fd, uint64_t n)
{
	struct traffic_entry *entry = traffic_of(fd);

	if (entry)
		record_file(fd, entry, n);
}
