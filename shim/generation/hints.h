/* SPDX-License-Identifier: MIT */
/* Owns what a worker says of itself: hints. Each child of a leader has a page of hints that only it
 * and its own descendants can write, whatever code runs in them, so a hint may be anything at any
 * time. It is never acted on; it is counted. The type is not complete outside hints.c: nobody else
 * can read a field, and what these functions return is a truth value or a number with a bound. No
 * pid, address, index, length or text leaves a page: a peer is copied, and formatted by us.
 *
 * A page has an entry for each process of the family. Entry 0 is the child's. */
#ifndef OCTOPUS_HINTS_H
#define OCTOPUS_HINTS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

struct hints;

/* The bytes of a page, a multiple of every size that the kernel's pages have here. */
#define HINTS_SIZE 65536

/* No process is believed to have more connections. */
#define HINTS_MOST_CONNECTIONS 1000000

enum hint_flag {
	HINT_WAITS,  /* waits for its first connection */
	HINT_MOVES,  /* has left the session: a daemon, which will lead in its parent's place */
	HINT_POLLS,  /* accepts after it has polled, and relies on accept() not to wait */
	HINT_PASSES, /* has passed a connection on to another process */
	HINT_FLAGS
};

enum member_kind { MEMBER_WORKER, MEMBER_CONNECTION };

/* The client of a connection. */
struct hint_peer {
	uint16_t family;
	uint16_t port;       /* of AF_INET and AF_INET6, in network order */
	uint32_t process;    /* of AF_UNIX: its pid, for the log */
	uint8_t address[16]; /* of AF_INET the first four */
};
#define HINT_PEERS 4

/* What a process reports of its connections, once it has stopped accepting. */
struct hint_report {
	uint32_t connections, idle;
	uint32_t peer_count;
	struct hint_peer peers[HINT_PEERS];
};

/* --- For the processes of the family. --- */

/* Takes an entry for this process, whose number is SELF; the first of the family takes its own. -1:
 * none is free, and the drain does not wait for this process. Context: any. */
int hints_take(struct hints *page, pid_t self, bool is_first);

/* Takes an entry for a child that is about to be forked for a connection. hints_settle(): the child
 * has the number SELF. Context: any. */
int hints_reserve(struct hints *page);
void hints_settle(struct hints *page, int entry, pid_t self);

/* The process joins as KIND, with or without a connection; or gives its entry up. Context: any. */
void hints_join(struct hints *page, int entry, enum member_kind kind, bool has_connection);
void hints_leave(struct hints *page, int entry);

/* Reports. Returns true if the leader should look. Context: any. */
bool hints_report(struct hints *page, int entry, const struct hint_report *report);

/* Says FLAG, or no longer. Context: any. */
void hints_set_flag(struct hints *page, enum hint_flag flag);
void hints_clear_flag(struct hints *page, enum hint_flag flag);

/* --- For the leader. --- */

/* True if the family says FLAG. Context: any. */
bool hints_has_flag(const struct hints *page, enum hint_flag flag);

/* True if PID, which the caller knows by the kernel, has an entry here as a worker, or as anything. Context: any. */
bool hints_claims(const struct hints *page, pid_t pid, bool as_worker);

/* True if the family's first process has said nothing yet. Context: any. */
bool hints_is_silent(const struct hints *page);

/* True if the page has entries other than the first one's. Context: any. */
bool hints_has_descendants(const struct hints *page);

/* True if an entry other than the first one's is of a process that may be alive. Context: any. */
bool hints_has_live_descendants(const struct hints *page);

/* What the leader knows of the child itself. */
struct hint_first {
	bool is_alive;
	bool was_for_connection; /* has one connection until it says otherwise */
};

/* True if a worker of the family may still accept. Context: any. */
bool hints_may_accept(const struct hints *page, struct hint_first first);

/* Adds the connections of the family's live processes to *CONNECTIONS and *IDLE. Context: any. */
void hints_add(const struct hints *page, struct hint_first first, uint32_t *connections,
               uint32_t *idle);

/* Calls VISIT with copies of the clients that the family names, until it returns false. Returns the
 * last answer. Context: any. */
bool hints_each_peer(const struct hints *page,
                     bool (*visit)(const struct hint_peer *peer, void *context), void *context);

#endif
