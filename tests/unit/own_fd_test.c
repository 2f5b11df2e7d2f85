/* SPDX-License-Identifier: MIT */
/* One thread opens and closes without end what the library opens for a moment. No child that another
 * thread forks meanwhile has it.
 * Links: base/own_fd.c base/clock.c base/vdso.c
 */
#include "base/own_fd.h"

#include "base/clock.h"
#include "expect.h"

#include <fcntl.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <unistd.h>

enum { FORKS = 2000, PLACE = 100, MOST_MS = 100 };

static atomic_bool is_over;
static atomic_int moments;

static void *open_and_close(void *unused)
{
	(void)unused;
	while (!atomic_load(&is_over)) {
		own_fd_begin();
		own_fd_begin();
		dup2(0, PLACE);
		own_fd_end();
		close(PLACE);
		own_fd_end();
		atomic_fetch_add(&moments, 1);
	}
	return NULL;
}

/* Returns whether the child of a fork has the descriptor. A fork that had to wait for longer than it
 * does, because the other thread did not run, says nothing. */
static bool child_has_it(void)
{
	const int64_t begun = clock_now_ms();
	const pid_t child = fork();
	int status;

	if (child == 0)
		_exit(fcntl(PLACE, F_GETFD) >= 0 && clock_now_ms() - begun < MOST_MS);
	if (child < 0 || waitpid(child, &status, 0) != child)
		exit(2);
	return status != 0;
}

static void forks_see_nothing(void)
{
	int seen = 0;

	for (int i = 0; i < FORKS; i++)
		seen += child_has_it();
	expect_number("children that have it", seen, 0);
}

/* A handler that forks where its own thread has one open does not wait for itself. */
static void own_thread_may_fork(void)
{
	own_fd_begin();
	dup2(0, PLACE);
	expect_number("the child of its own thread has it", child_has_it(), 1);
	close(PLACE);
	own_fd_end();
	expect_number("the next child has it", child_has_it(), 0);
}

int main(void)
{
	pthread_t thread;

	pthread_atfork(own_fd_fork_begins, own_fd_forked_in_parent, own_fd_forked_in_child);
	own_thread_may_fork();
	if (pthread_create(&thread, NULL, open_and_close, NULL) != 0)
		return 2;
	forks_see_nothing();
	atomic_store(&is_over, true);
	pthread_join(thread, NULL);
	expect_number("the thread had time for it", atomic_load(&moments) > FORKS / 10, 1);
	return expect_status();
}
