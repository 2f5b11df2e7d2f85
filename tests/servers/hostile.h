/* SPDX-License-Identifier: MIT */
/* Owns what a walk and a fuzzer of hostile calls share: pointers to memory that is not there, or ends
 * too early, descriptors of each kind, and the line in which a call is told. A call that ends in a
 * fault of the process itself is told as well, and the program goes on. */
#ifndef TESTS_SERVERS_HOSTILE_H
#define TESTS_SERVERS_HOSTILE_H

#include <setjmp.h>
#include <stdbool.h>
#include <stddef.h>

/* The calls are wrong on purpose. */
#pragma GCC diagnostic ignored "-Wnonnull"
#ifndef __clang__
/* No variable changes between sigsetjmp() and its second return. */
#pragma GCC diagnostic ignored "-Wclobbered"
#pragma GCC diagnostic ignored "-Wrestrict"
#pragma GCC diagnostic ignored "-Wstringop-overflow"
#pragma GCC diagnostic ignored "-Wstringop-overread"
#endif

/* The states in which the same calls are made. */
enum state {
	STATE_ALONE,     /* a process that never listens */
	STATE_UNREADY,   /* it listens, and has not waited for a client yet */
	STATE_LISTENING, /* it listens, and has kept HTTP connections */
	STATE_DRAINING,  /* the same, and is told to stop; the bare program only listens */
};

/* Where a pointer points. */
enum place {
	PLACE_NULL,
	PLACE_LOW,      /* the first page, which nobody may map */
	PLACE_KERNEL,   /* the kernel's half */
	PLACE_NONE,     /* mapped, but not to be read */
	PLACE_PAST_END, /* a mapped file beyond its end: SIGBUS */
	PLACE_EDGE,     /* EDGE bytes, and then nothing */
	PLACE_READ_ONLY,
	PLACE_GOOD, /* ROOM bytes, and then nothing */
	PLACES,
};
enum { ROOM = 16384, EDGE = 6 };
#define EACH_BAD_PLACE(place) for (int place = PLACE_NULL; place <= PLACE_EDGE; place++)
#define EACH_PLACE(place) for (int place = PLACE_NULL; place < PLACES; place++)

extern const char *const place_names[PLACES];
void *hostile_at(int place);

/* Copies SIZE bytes to where they can be read only. */
void *hostile_read_only(const void *from, size_t size);

/* The good memory. Every call finds the same there, and before the edge. */
extern char *good;

extern enum state state;

/* Descriptors, all non-blocking. */
extern int tcp_listener, unix_listener;

/* Sets up the memory and, but for STATE_ALONE, listens. While draining, returns once the library
 * follows each connection that hostile_connection() gives. */
void hostile_begin(enum state wanted);

/* Returns the server's end of a fresh connection, which has read a request and not answered: a TCP
 * connection, or one half of a pair in the first two states. *ret_peer is the client's end. */
int hostile_connection(int *ret_peer);

/* One call. hostile_result is its result. */
extern long hostile_result;
extern sigjmp_buf hostile_back;
void hostile_expect(void);
void hostile_tell(const char *name, const char *what, const char *where, long result, bool is_fault,
                  bool is_fd);

#define TELL(name, what, where, call, is_fd)                                    \
	do {                                                                    \
		volatile long result_ = 0;                                      \
		hostile_expect();                                               \
		if (sigsetjmp(hostile_back, 1) == 0) {                          \
			result_ = (long)(call);                                 \
			hostile_tell(name, what, where, result_, false, is_fd); \
		} else {                                                        \
			hostile_tell(name, what, where, 0, true, is_fd);        \
		}                                                               \
	} while (0)
#define TRY(what, where, call) TELL(row_name, what, where, call, false)
#define TRY_FD(what, where, call) TELL(row_name, what, where, call, true)

/* The parts of the program. */
extern const char *row_name;
void hostile_walk(void);
void hostile_list(void);
int hostile_fuzz(unsigned seed, double seconds, long calls, bool with_thread);

#endif
