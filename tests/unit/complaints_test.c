/* SPDX-License-Identifier: MIT */
/* Tests what waits for the log: that it comes whole, in its order and once, and that nothing is written where
 * there is no room.
 * Links: control/complaints.c base/text.c */
#include "control/complaints.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "base/log.h"
#include "expect.h"

static char logged[65536];
static int lines;

/* In the place of the log's own. */
void log_error(const char *format, ...)
{
	const size_t length = strlen(logged);
	va_list list;

	va_start(list, format);
	vsnprintf(logged + length, sizeof(logged) - length, format, list);
	va_end(list);
	strcat(logged, "|");
	lines++;
}

static void expect_logged(const char *what, const char *expected)
{
	logged[0] = '\0';
	lines = 0;
	complaints_log();
	expect_text(what, logged, expected);
}

static void test_order(void)
{
	expect_logged("nothing", "");
	complaints_keep("%s=\"%.3s\": %d", "A", "12345", 7);
	complaints_keep("%s", "");
	complaints_keep("100%%");
	expect_logged("three", "A=\"123\": 7||100%|");
	expect_logged("the same again", "");
	complaints_keep("later");
	expect_logged("later", "later|");
}

/* Each line is a number, and long. */
static void test_room(void)
{
	enum { KEPT = 1000 };
	static const char fill[] =
		"0123456789012345678901234567890123456789012345678901234567890123456789";
	int number, left = -1;
	const char *at;

	for (int i = 0; i < KEPT; i++)
		complaints_keep("%d %s", i, fill);
	logged[0] = '\0';
	lines = 0;
	complaints_log();
	at = logged;
	for (int i = 0; i < lines - 1; i++, at = strchr(at, '|') + 1) {
		expect_number("number", sscanf(at, "%d", &number) == 1 ? number : -1, i);
		expect_number("whole", strstr(at, fill) && strstr(at, fill) < strchr(at, '|'), 1);
	}
	expect_number("the rest is counted",
	              sscanf(at, "There was no room for %d further complaints.", &left), 1);
	expect_number("kept and lost", lines - 1 + left, KEPT);
	expect_number("there was room for some", lines > 50, 1);
	complaints_keep("again");
	expect_logged("there is room again", "again|");
}

int main(void)
{
	test_order();
	test_room();
	return expect_status();
}
