/* SPDX-License-Identifier: MIT */
#include "http/follow.h"

#include <errno.h>
#include <linux/sockios.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>

#include "base/clock.h"
#include "base/interpose.h"
#include "base/settings.h"
#include "http/exchange.h"
#include "http/http1_record.h"
#include "http/record_check.h"
#include "kernel/socket_identity.h"

/* Spin this often, then sleep 0.1 ms between attempts. */
#define SPINS 100
#define PATIENCE 200
#define SPIN_NS 100000

/* One connection. */
struct followed {
	struct http1 http;
	struct follow_pending pending;
	uint32_t changes;        /* version of the record that it began with */
	_Atomic uint64_t socket; /* by socket_identity() */
	_Atomic bool is_followed;
	_Atomic bool has_missed; /* bytes went by that nobody read */
	_Atomic bool is_in_use;  /* a lock, held while a thread reads some bytes */
};

_Atomic bool follow_is_on;

/* By descriptor. The controller writes it before it sets follow_is_on. */
static struct followed *followed;
static int most;

void follow_begin(void)
{
	void *memory;

	if (!settings.http_close || follow_has_begun())
		return;
	most = exchanges.most;
	memory = mmap(NULL, (size_t)most * sizeof(*followed), PROT_READ | PROT_WRITE,
	              MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
	if (most == 0 || memory == MAP_FAILED)
		return;
	followed = memory;
	atomic_store(&follow_is_on, true);
}

static struct followed *followed_of(int fd)
{
	struct followed *it;

	if (!follow_has_begun() || (unsigned)fd >= (unsigned)most)
		return NULL;
	it = &followed[fd];
	return atomic_load(&it->is_followed) ? it : NULL;
}

/* Continues from the record, which begins where the connection does. A tunnel, and what is not
 * HTTP/1.x or not known, is given up. */
static void begin_anew(struct followed *it, int fd)
{
	const struct exchange *entry = exchange_of(fd);
	struct exchange_record record;

	if (exchange_recall(fd, &record, &it->changes)) {
		(void)http1_record_read(&record, &it->http);
	} else {
		http1_give_up(&it->http);
		atomic_store(&it->has_missed, true);
	}
	if (entry && exchange_last_io(entry) == IO_TUNNELED)
		http1_give_up(&it->http);
}

/* Bytes went by that nobody read, but they are in the record. The record cannot show an edit that
 * is partly out. */
static void catch_up(struct followed *it)
{
	if (it->http.edit_out)
		http1_give_up(&it->http);
	else
		begin_anew(it, (int)(it - followed));
}

/* One thread may read from a connection while another writes to it, and a thread may be preempted
 * while it holds the lock. Gives up in the end: a signal handler may have interrupted the thread
 * that holds it. */
static bool take(struct followed *it)
{
	for (int i = 0; i < SPINS + PATIENCE; i++) {
		if (!atomic_exchange(&it->is_in_use, true)) {
			if (atomic_exchange(&it->has_missed, false))
				catch_up(it);
			return true;
		}
		if (i >= SPINS)
			(void)clock_sleep(SPIN_NS);
	}
	atomic_store(&it->has_missed, true);
	return false;
}

static void give_back(struct followed *it)
{
	atomic_store_explicit(&it->is_in_use, false, memory_order_release);
}

void follow_forget(int fd)
{
	struct followed *it = followed_of(fd);

	if (!it)
		return;
	atomic_store(&it->is_followed, false);
	if (it->pending.bytes)
		(void)munmap(it->pending.bytes, (size_t)it->pending.length);
	it->pending = (struct follow_pending){0};
	atomic_store(&it->has_missed, false);
}

void follow_connection(int fd, uint64_t socket)
{
	struct followed *it;

	if (!follow_has_begun() || (unsigned)fd >= (unsigned)most)
		return;
	it = &followed[fd];
	if (atomic_load(&it->is_followed) && atomic_load(&it->socket) == socket)
		return;
	follow_forget(fd);
	if (!take(it))
		return;
	atomic_store(&it->socket, socket);
	atomic_store(&it->is_followed, true);
	begin_anew(it, fd);
	give_back(it);
}

/* The state by the record alone, for a connection that is not followed. */
static enum http_state recalled_state(int fd)
{
	struct exchange_record record;
	uint32_t changes;
	struct http1 http;

	return exchange_recall(fd, &record, &changes) ? http1_record_read(&record, &http)
	                                              : HTTP_UNKNOWN;
}

enum http_state follow_state(int fd, uint64_t socket)
{
	struct followed *it = followed_of(fd);
	enum http_state state = HTTP_UNKNOWN;

	if (it && atomic_load(&it->socket) != socket)
		it = NULL;
	/* Another thread has the lock: the next scan asks again. */
	if (it && atomic_exchange(&it->is_in_use, true))
		return HTTP_UNDER_WAY;
	if (it && !atomic_load(&it->has_missed))
		state = http1_state(&it->http);
	if (it)
		give_back(it);
	return state == HTTP_UNKNOWN || state == HTTP_LOST ? recalled_state(fd) : state;
}

bool follow_follows(int fd, bool in_tls)
{
	const struct exchange *entry = exchange_of(fd);
	struct followed *it = followed_of(fd);

	return it && entry && atomic_load(&entry->is_tls) == in_tls &&
	       socket_identity(fd) == atomic_load(&it->socket);
}

void follow_again(int fd)
{
	struct followed *it = followed_of(fd);

	if (!it || !take(it))
		return;
	catch_up(it);
	give_back(it);
}

/* If the record has not changed since, this is the read that it ended with, and HTTP knows it
 * already. */
void follow_received(int fd, const struct iovec *iov, int count, size_t n)
{
	const struct exchange *entry = exchange_of(fd);
	struct followed *it = followed_of(fd);

	if (!it || !entry || !take(it))
		return;
	if (atomic_load(&entry->changes) != it->changes || it->changes == 0)
		http1_read(&it->http, iov, count, n);
	give_back(it);
}

void follow_sent_file(int fd, uint64_t n)
{
	struct followed *it = followed_of(fd);

	if (!it || !take(it))
		return;
	http1_sent(&it->http, n);
	give_back(it);
}

struct follow_pending *follow_pending(int fd)
{
	struct followed *it = followed_of(fd);

	return it ? &it->pending : NULL;
}

/* Unread bytes may be the next request; then this response is not the last. */
static bool has_unread(int fd)
{
	int unread = 0;

	return ioctl(fd, SIOCINQ, &unread) != 0 || unread > 0;
}

/* The last look before the server's bytes change: what it has read and written since is known to the
 * byte, else this need not be the beginning of a response. */
static bool is_last_response(int fd)
{
	const struct exchange *entry = exchange_of(fd);
	const int saved = errno;
	const bool is = !has_unread(fd) && entry && record_check(fd, entry) == RECORD_WHOLE;

	errno = saved;
	return is;
}

/* HAS_MORE: a TLS library holds bytes that the server has not read. */
void follow_plan(int fd, const struct iovec *iov, int count, bool has_more,
                 struct http1_edits *ret_edits)
{
	struct followed *it = followed_of(fd);

	ret_edits->count = 0;
	if (!it || !take(it))
		return;
	http1_plan(&it->http, iov, count, !has_more, ret_edits);
	if (ret_edits->count > 0 && !has_more && !is_last_response(fd))
		http1_plan(&it->http, iov, count, false, ret_edits);
	give_back(it);
}

size_t follow_wrote(int fd, const struct iovec *iov, int count, const struct http1_edits *edits,
                    size_t taken)
{
	struct followed *it = followed_of(fd);
	struct http1 unlocked;
	size_t own;

	if (it && take(it)) {
		own = http1_wrote(&it->http, iov, count, edits, taken);
		give_back(it);
		return own;
	}
	memset(&unlocked, 0, sizeof(unlocked));
	return http1_wrote(&unlocked, iov, count, edits, taken);
}
