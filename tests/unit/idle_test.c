/* SPDX-License-Identifier: MIT */
/* The decision whether a connection is between two requests, case by case.
 * Links: drain/idle.c
 */
#include "expect.h"
#include "drain/idle.h"

#define NEVER INT64_MAX
#define UNKNOWN IDLE_UNKNOWN_MS
#define NEW false, false, false
#define QUIET false, false, true

struct idle_case {
	const char *says;
	struct idle_facts facts;
	int64_t grace_ms;
	int64_t wanted;
};

static const struct idle_case cases[] = {
	{"answered at once, quiet for long", {MOVE_SENT, HTTP_UNKNOWN, QUIET, 5000, 5000}, 1000, 0},
	{"answered within one tick, which way round nobody knows",
         {MOVE_SENT, HTTP_UNKNOWN, QUIET, 4996, 5000},
         1000,
         0},
	{"quiet for just as long as asked", {MOVE_SENT, HTTP_UNKNOWN, QUIET, 1000, 1000}, 1000, 0},
	{"one ms to go", {MOVE_SENT, HTTP_UNKNOWN, QUIET, 999, 999}, 1000, 1},
	{"just answered", {MOVE_SENT, HTTP_UNKNOWN, QUIET, 0, 0}, 1000, 1000},
	{"no grace at all", {MOVE_SENT, HTTP_UNKNOWN, QUIET, 0, 0}, 0, 0},

	{"bytes wait to be read",
         {MOVE_SENT, HTTP_UNKNOWN, true, false, true, 5000, 5000},
         1000,
         NEVER},
	{"bytes wait to be acknowledged",
         {MOVE_SENT, HTTP_UNKNOWN, false, true, true, 5000, 5000},
         1000,
         NEVER},
	{"a request is read and not answered",
         {MOVE_RECEIVED, HTTP_UNKNOWN, QUIET, 5000, 9000},
         1000,
         NEVER},
	{"its first one", {MOVE_RECEIVED, HTTP_UNKNOWN, QUIET, 5000, 5000}, 1000, NEVER},
	{"read within the tick of the last answer",
         {MOVE_RECEIVED, HTTP_UNKNOWN, QUIET, 5000, 4996},
         1000,
         NEVER},
	{"somebody else has read a request since",
         {MOVE_SENT, HTTP_UNKNOWN, QUIET, 3000, 5000},
         1000,
         NEVER},
	{"a tunnel", {MOVE_TUNNELED, HTTP_UNKNOWN, QUIET, 60000, 60000}, 1000, NEVER},

	{"a generator before its second piece",
         {MOVE_SENT, HTTP_UNKNOWN, QUIET, 299, 299},
         400,
         101},
	{"a generator before its third piece",
         {MOVE_SENT, HTTP_UNKNOWN, QUIET, 600, 300},
         400,
         100},
	{"events every 2 s, for 10 s", {MOVE_SENT, HTTP_UNKNOWN, QUIET, 11900, 1900}, 400, 8100},
	{"a slow answer, and as long a rest", {MOVE_SENT, HTTP_UNKNOWN, QUIET, 6000, 3000}, 400, 0},
	{"a slow answer, and less rest", {MOVE_SENT, HTTP_UNKNOWN, QUIET, 5999, 2999}, 400, 1},
	{"a slow answer that is seen to be complete",
         {MOVE_SENT, HTTP_BETWEEN, QUIET, 3040, 40},
         400,
         0},
	{"one that was complete a moment ago", {MOVE_SENT, HTTP_BETWEEN, QUIET, 3039, 39}, 400, 1},
	{"an answer whose rest is written later",
         {MOVE_SENT, HTTP_UNDER_WAY, QUIET, 9000, 8000},
         400,
         NEVER},
	{"a client that was told, a moment ago", {MOVE_SENT, HTTP_TOLD, QUIET, 3000, 0}, 1000, 0},
	{"one that was told and has sent again all the same",
         {MOVE_SENT, HTTP_TOLD, true, false, true, 0, 0},
         1000,
         NEVER},
	{"one that was told and has not got all of it",
         {MOVE_SENT, HTTP_TOLD, false, true, true, 0, 0},
         1000,
         NEVER},

	{"new, and its client takes its time", {MOVE_NONE, HTTP_UNKNOWN, NEW, 200, 200}, 1000, 800},
	{"new, where others have spoken HTTP", {MOVE_NONE, HTTP_BETWEEN, NEW, 200, 200}, 400, 200},
	{"new, for long", {MOVE_NONE, HTTP_UNKNOWN, NEW, 1000, 1000}, 1000, 0},
	{"new, and greeted", {MOVE_SENT, HTTP_UNKNOWN, NEW, 1000, 1000}, 1000, 0},
	{"new, and told the time each second",
         {MOVE_SENT, HTTP_UNKNOWN, NEW, 5100, 900},
         400,
         3300},

	{"nothing was seen, and it was answered clearly later",
         {MOVE_NONE, HTTP_UNKNOWN, QUIET, 5100, 5000},
         1000,
         0},
	{"nothing was seen, and it was answered within a tick",
         {MOVE_NONE, HTTP_UNKNOWN, QUIET, 5008, 5000},
         1000,
         NEVER},
	{"nothing was seen, and a request came last",
         {MOVE_NONE, HTTP_UNKNOWN, QUIET, 5000, 5100},
         1000,
         NEVER},
	{"nobody knows when it received",
         {MOVE_SENT, HTTP_UNKNOWN, QUIET, UNKNOWN, 5000},
         1000,
         NEVER},
	{"nobody knows when it sent", {MOVE_SENT, HTTP_UNKNOWN, QUIET, 5000, UNKNOWN}, 1000, NEVER},
};

int main(void)
{
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++)
		expect_number(
			cases[i].says,
			idle_in_ms(&cases[i].facts, &(struct idle_graces){cases[i].grace_ms / 10,
		                                                          cases[i].grace_ms}),
			cases[i].wanted);
	return expect_status();
}
