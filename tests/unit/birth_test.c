/* SPDX-License-Identifier: MIT */
/* The words of a birth that is over: a signal handler that found their bell before may ring it at any time, and the
 * next words come in their place.
 * Links: generation/birth.c generation/sealed.c base/text.c base/libc_calls.c base/failpoint.c
 */
#include "generation/birth.h"

#include "expect.h"

#include <stdbool.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <unistd.h>

static struct birth *make(void)
{
	struct birth *birth;
	int fd;

	if (birth_make(&birth, &fd) != 0)
		exit(2);
	close(fd);
	return birth;
}

static bool is_new(const struct birth *birth)
{
	return birth->magic == GENERATION_MAGIC && atomic_load(&birth->leader) == 0;
}

static void retired_words_stay(void)
{
	struct birth *first = make(), *second = make(), *third;

	atomic_store(&first->leader, 5);
	birth_retire(first);
	bell_ring(&first->bell);
	third = make();
	expect_number("in its place", third == first, true);
	expect_number("new", is_new(third), true);
	birth_retire(second);
	birth_retire(third);
	bell_ring(&second->bell);
	bell_ring(&third->bell);
	expect_number("again", make() == second || make() == third, true);
}

/* More than there can be: these stay for good. */
static void any_number_stays(void)
{
	struct birth *births[9];

	for (int i = 0; i < 9; i++)
		births[i] = make();
	for (int i = 0; i < 9; i++)
		birth_retire(births[i]);
	for (int i = 0; i < 9; i++)
		bell_ring(&births[i]->bell);
	expect_number("new", is_new(make()), true);
}

/* A child has nothing where they are, and may have put something else there. */
static int in_child(void)
{
	const struct birth *birth;

	birth_forked();
	birth = make();
	return is_new(birth) ? 0 : 1;
}

static void a_fork_leaves_the_place_alone(void)
{
	struct birth *birth = make();
	int status;

	birth_retire(birth);
	if (fork() == 0)
		_exit(in_child());
	wait(&status);
	expect_number("child", status, 0);
}

int main(void)
{
	retired_words_stay();
	any_number_stays();
	a_fork_leaves_the_place_alone();
	return expect_status();
}
