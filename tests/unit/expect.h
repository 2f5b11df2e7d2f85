/* SPDX-License-Identifier: MIT */
/* Owns how a unit test says what it expected: every miss is one line with both values, and the
 * exit status tells whether there was one. */
#ifndef TESTS_UNIT_EXPECT_H
#define TESTS_UNIT_EXPECT_H

#include <stdio.h>
#include <string.h>

static int expect_misses;

static inline void expect_number(const char *what, long actual, long wanted)
{
	if (actual == wanted)
		return;
	printf("%s: got %ld, expected %ld\n", what, actual, wanted);
	expect_misses++;
}

static inline void expect_text(const char *what, const char *actual, const char *wanted)
{
	if (strcmp(actual, wanted) == 0)
		return;
	printf("%s: got \"%s\", expected \"%s\"\n", what, actual, wanted);
	expect_misses++;
}

static inline int expect_status(void)
{
	return expect_misses ? 1 : 0;
}

#endif
