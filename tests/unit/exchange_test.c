/* SPDX-License-Identifier: MIT */
/* What the table of exchanges keeps, and for how long: bytes of clients are wiped with their connection and
 * by the next exchange, and the memory of many connections goes back to the kernel when they have ended.
 * Links: base/clock.c base/vdso.c http/exchange.c http/http1_record.c http/http1_length.c http/http1.c http/http1_message.c
 * Links: http/edits.c http/http2.c http/http2_record.c
 */
#include "expect.h"
#include "http/exchange.h"
#include "kernel/sandbox.h"

#include <stdbool.h>
#include <stdint.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <unistd.h>

#define SECRET "GET / HTTP/1.1\r\nCookie: sesame\r\n\r\n"
#define ANSWER "HTTP/1.1 200 OK\r\nContent-Length: 6\r\n\r\nsesame"

enum { FD = 5, FIRST = 64, LAST = 1500, BEYOND = 1 << 17 };

_Atomic uint32_t sandbox_deadly;

static struct iovec part_of(const char *text)
{
	return (struct iovec){(void *)text, strlen(text)};
}

static void request(int fd, const char *text)
{
	exchange_received_bytes(fd, text, strlen(text));
}

static void answer(int fd, const char *text)
{
	const struct iovec part = part_of(text);

	exchange_sent(fd, &part, 1, part.iov_len);
}

static bool has_secret(int fd)
{
	const char *bytes = (const char *)exchange_of(fd);

	for (size_t i = 0; i + 6 <= sizeof(struct exchange); i++) {
		if (memcmp(bytes + i, "sesame", 6) == 0)
			return true;
	}
	return false;
}

static void tell_secrets(int fd)
{
	exchange_begin_anew(fd, EXCHANGE_ACCEPTED);
	request(fd, SECRET);
	answer(fd, ANSWER);
}

static void secrets_are_wiped(void)
{
	tell_secrets(FD);
	expect_number("during the connection", has_secret(FD), true);
	exchange_forget(FD);
	expect_number("after the connection", has_secret(FD), false);
	tell_secrets(FD);
	request(FD, "GET / HTTP/1.1\r\n\r\n");
	answer(FD, "HTTP/1.1 204 -\r\n\r\n");
	expect_number("after a shorter exchange", has_secret(FD), false);
	tell_secrets(FD);
	request(FD, "G");
	request(FD, "ET / HTTP/1.1\r\n\r\n");
	answer(FD, "HTTP/1.1 204 -\r\n\r\n");
	expect_number("after one in pieces", has_secret(FD), false);
	tell_secrets(FD);
	exchange_replaced(FD, 0);
	expect_number("after a dup2() of a file", has_secret(FD), false);
}

/* Pages of the table that are memory, from the entry of FIRST on. */
static int pages_in_use(void)
{
	static unsigned char map[(LAST + 1) / 2 + 1];
	int count = 0;

	if (mincore(exchange_of(FIRST), (LAST + 1 - FIRST) * sizeof(struct exchange), map) != 0)
		return -1;
	for (int i = 0; i < (LAST + 1 - FIRST) / 2; i++)
		count += map[i] & 1;
	return count;
}

static void memory_returns(void)
{
	for (int fd = FIRST; fd <= LAST; fd++)
		tell_secrets(fd);
	expect_number("many connections take memory", pages_in_use() > (LAST - FIRST) / 2 - 1,
	              true);
	expect_number("the highest is known", exchange_last_io(exchange_of(LAST)), IO_SENT);
	for (int fd = LAST; fd >= FIRST; fd--)
		exchange_forget(fd);
	/* The last group was not full, and one connection is not worth a system call. */
	expect_number("their memory after them", pages_in_use() <= 32, true);
	tell_secrets(FIRST);
	exchange_forget(FIRST);
	expect_number("a single connection keeps its page", pages_in_use() > 0, true);
}

/* What is known of a descriptor that may be a file: nothing is read of what was written to it. */
static void files_are_left_alone(void)
{
	exchange_written(FD, &(struct iovec){NULL, 100}, 1, 100);
	exchange_read_bytes(FD, SECRET, strlen(SECRET));
	exchange_written(FD, &(struct iovec){NULL, 100}, 1, 100);
	expect_number("bytes of a file", has_secret(FD), false);
	exchange_begin_anew(BEYOND, EXCHANGE_ACCEPTED);
	expect_number("a number beyond the table", exchange_of(BEYOND) == NULL, true);
	exchange_forget(BEYOND);
	exchange_forget(-1);
}

/* Another thread had it when this process was forked, and is not here. */
static void a_lock_that_nobody_gives_back_costs_once(void)
{
	struct exchange_record record;
	struct exchange *entry;
	uint32_t changes;

	tell_secrets(FD);
	entry = exchange_of(FD);
	entry->lock = BRIEF_LOCK_HELD;
	exchange_sent_file(FD, 1);
	expect_number("free", entry->lock, BRIEF_LOCK_MISSED);
	expect_number("recall", exchange_recall(FD, &record, &changes), true);
	expect_number("lost", record.form, EXCHANGE_LOST_HTTP);
	exchange_sent_file(FD, 1);
	expect_number("known", entry->lock, 0);
	expect_number("lost for good", entry->record.form, EXCHANGE_LOST_HTTP);
}

int main(void)
{
	const struct rlimit limit = {BEYOND * 2, BEYOND * 2};

	(void)setrlimit(RLIMIT_NOFILE, &limit);
	exchange_begin(false);
	secrets_are_wiped();
	memory_returns();
	files_are_left_alone();
	a_lock_that_nobody_gives_back_costs_once();
	return expect_status();
}
