/* SPDX-License-Identifier: MIT */
/* Two threads whose first calls of a wrapper coincide: the one finds the table of the real functions as
 * the other has left it half-way, at each of its names in turn.
 * Links: base/libc_calls.c
 */
#include "base/interpose.h"
#include "expect.h"

#include <dlfcn.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

/* The sanitizers' run-times find libc's functions by dlsym() too. */
#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
#define IS_SANITIZED 1
#define dlsym unused_dlsym
void *dlsym(void *handle, const char *name);
#else
#define IS_SANITIZED 0
#endif

static const char *const names[] = {
#define X(name) #name,
	INTERPOSED(X)
#undef X
};
enum { NAMES = sizeof(names) / sizeof(names[0]) };

static pthread_t first_thread;
static const char *held_at;
static _Atomic bool is_held, may_go;

/* Any address will do for a function that nobody calls: here it is that of its name above. */
static void *address_of(const char *name)
{
	for (int i = 0; i < NAMES; i++) {
		if (strcmp(names[i], name) == 0)
			return (void *)(uintptr_t)&names[i];
	}
	return NULL;
}

/* Instead of libc's. The first thread waits when it asks for HELD_AT. */
void *dlsym(void *handle, const char *name)
{
	(void)handle;
	if (strcmp(name, held_at) == 0 && pthread_equal(pthread_self(), first_thread)) {
		atomic_store(&is_held, true);
		while (!atomic_load(&may_go))
			(void)usleep(100);
	}
	return address_of(name);
}

static void *resolve_first(void *unused)
{
	first_thread = pthread_self();
	libc_calls_ensure();
	return unused;
}

static void expect_all_resolved(const char *who)
{
	void *entries[NAMES];
	char what[128];

	memcpy(entries, &libc_calls, sizeof(entries));
	for (int i = 0; i < NAMES; i++) {
		(void)snprintf(what, sizeof(what), "%s, held at %s: %s", who, held_at, names[i]);
		expect_number(what, entries[i] == &names[i], true);
	}
}

static int second_call_meets_first(void)
{
	pthread_t thread;

	if (pthread_create(&thread, NULL, resolve_first, NULL) != 0)
		return 2;
	while (!atomic_load(&is_held))
		(void)usleep(100);
	libc_calls_ensure();
	expect_all_resolved("the second thread");
	atomic_store(&may_go, true);
	(void)pthread_join(thread, NULL);
	expect_all_resolved("both");
	return expect_status();
}

/* Each in a process of its own, because the table is filled once. */
int main(void)
{
	if (IS_SANITIZED)
		return 0;
	_Static_assert(sizeof(libc_calls) == sizeof(void *) * NAMES, "one pointer a name");
	for (int i = 0; i < NAMES; i++) {
		int status = -1;
		pid_t child;

		held_at = names[i];
		child = fork();
		if (child == 0) {
			const int missed = second_call_meets_first();

			(void)fflush(stdout);
			_exit(missed);
		}
		(void)waitpid(child, &status, 0);
		expect_number(names[i], status, 0);
	}
	return expect_status();
}
