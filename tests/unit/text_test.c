/* SPDX-License-Identifier: MIT */
/* Formatting against the C library's, and number reading at its edges.
 * Links: base/text.c
 */
#include "expect.h"
#include "base/text.h"

#include <errno.h>
#include <inttypes.h>
#include <limits.h>

/* Both formatters get the same words; SIZE holds the NUL. */
#define CHECK_FORMAT(size, ...)                                                  \
	do {                                                                     \
		char ours[size], theirs[size];                                   \
		size_t length = text_format(ours, sizeof(ours), __VA_ARGS__);    \
		(void)snprintf(theirs, sizeof(theirs), __VA_ARGS__);             \
		expect_text(#__VA_ARGS__, ours, theirs);                         \
		expect_number(#__VA_ARGS__, (long)length, (long)strlen(theirs)); \
	} while (0)

static void check_formats(void)
{
	CHECK_FORMAT(64, "plain");
	CHECK_FORMAT(64, "%s and %s", "one", "");
	CHECK_FORMAT(64, "%d %d %d %d", 0, -1, INT_MAX, INT_MIN);
	CHECK_FORMAT(64, "%ld %ld", LONG_MAX, LONG_MIN);
	CHECK_FORMAT(64, "%u %u %lu", 0U, UINT_MAX, ULONG_MAX);
	CHECK_FORMAT(64, "%x %x %lx", 0U, 0xdeadbeefU, ULONG_MAX);
	CHECK_FORMAT(64, "%02d:%02d:%02d", 0, 7, 123);
	CHECK_FORMAT(64, "100%% of %d", 3);
	CHECK_FORMAT(64, "%s", "%s%d");
}

/* A text that is too long is cut and still ends with a NUL. The C library would say the same, but
 * its length is what it would have written. */
static void check_bounds(void)
{
	char buffer[8];

	memset(buffer, '#', sizeof(buffer));
	expect_number("cut length", (long)text_format(buffer, 4, "%s", "abcdef"), 3);
	expect_text("cut text", buffer, "abc");
	expect_number("behind the end", buffer[4], '#');
	expect_number("cut number", (long)text_format(buffer, 4, "%d", -12345), 3);
	expect_text("cut number", buffer, "-12");
	expect_number("exact fit", (long)text_format(buffer, 4, "%s", "abc"), 3);
	expect_text("exact fit", buffer, "abc");
	expect_number("only the NUL", (long)text_format(buffer, 1, "%s", "abc"), 0);
	expect_text("only the NUL", buffer, "");
	memset(buffer, '#', sizeof(buffer));
	expect_number("no room at all", (long)text_format(buffer, 0, "%s", "abc"), 0);
	expect_number("no room at all", buffer[0], '#');
}

static void check_null(void)
{
	char buffer[16];
	const char *volatile nothing = NULL;

	text_format(buffer, sizeof(buffer), "%s", nothing);
	expect_text("NULL", buffer, "(null)");
}

/* REST is what is left to read. An error leaves both untouched. */
static void check_number(const char *text, int base, int result, uint64_t value, const char *rest)
{
	const char *at = text;
	uint64_t got = 4711;

	expect_number(text, text_read_number(&at, base, &got), result);
	expect_number(text, got == (result ? 4711 : value), 1);
	expect_text(text, at, rest);
}

int main(void)
{
	check_formats();
	check_bounds();
	check_null();
	check_number("0", 10, 0, 0, "");
	check_number("42s", 10, 0, 42, "s");
	check_number("007", 10, 0, 7, "");
	check_number("18446744073709551615", 10, 0, UINT64_MAX, "");
	check_number("18446744073709551616", 10, -EINVAL, 0, "18446744073709551616");
	check_number("99999999999999999999", 10, -EINVAL, 0, "99999999999999999999");
	check_number("", 10, -EINVAL, 0, "");
	check_number("-1", 10, -EINVAL, 0, "-1");
	check_number("+1", 10, -EINVAL, 0, "+1");
	check_number(" 1", 10, -EINVAL, 0, " 1");
	check_number("a", 10, -EINVAL, 0, "a");
	check_number("ff:", 16, 0, 255, ":");
	check_number("ffffffffffffffff", 16, 0, UINT64_MAX, "");
	check_number("10000000000000000", 16, -EINVAL, 0, "10000000000000000");
	check_number("g", 16, -EINVAL, 0, "g");
	return expect_status();
}
