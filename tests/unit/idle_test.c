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
	{"answered at once, quiet for long", {IO_SENT, HTTP_UNKNOWN, QUIET, 5000, 5000}, 1000, 0},
	{"answered within one tick, which way round nobody knows",
         {IO_SENT, HTTP_UNKNOWN, QUIET, 4996, 5000},
         1000,
         0},
	{"quiet for just as long as asked", {IO_SENT, HTTP_UNKNOWN, QUIET, 1000, 1000}, 1000, 0},
	{"one ms to go", {IO_SENT, HTTP_UNKNOWN, QUIET, 999, 999}, 1000, 1},
	{"just answered", {IO_SENT, HTTP_UNKNOWN, QUIET, 0, 0}, 1000, 1000},
	{"no grace at all", {IO_SENT, HTTP_UNKNOWN, QUIET, 0, 0}, 0, 0},

	{"bytes wait to be read",
         {IO_SENT, HTTP_UNKNOWN, true, false, true, 5000, 5000},
         1000,
         NEVER},
	{"bytes wait to be acknowledged",
         {IO_SENT, HTTP_UNKNOWN, false, true, true, 5000, 5000},
         1000,
         NEVER},
	{"a request is read and not answered",
         {IO_RECEIVED, HTTP_UNKNOWN, QUIET, 5000, 9000},
         1000,
         NEVER},
	{"its first one", {IO_RECEIVED, HTTP_UNKNOWN, QUIET, 5000, 5000}, 1000, NEVER},
	{"read within the tick of the last answer",
         {IO_RECEIVED, HTTP_UNKNOWN, QUIET, 5000, 4996},
         1000,
         NEVER},
	{"somebody else has read a request since",
         {IO_SENT, HTTP_UNKNOWN, QUIET, 3000, 5000},
         1000,
         NEVER},
	{"a tunnel", {IO_TUNNELED, HTTP_UNKNOWN, QUIET, 60000, 60000}, 1000, NEVER},

	{"a generator before its second piece", {IO_SENT, HTTP_UNKNOWN, QUIET, 299, 299}, 400, 101},
	{"a generator before its third piece", {IO_SENT, HTTP_UNKNOWN, QUIET, 600, 300}, 400, 100},
	{"events every 2 s, for 10 s", {IO_SENT, HTTP_UNKNOWN, QUIET, 11900, 1900}, 400, 8100},
	{"a slow answer, and as long a rest", {IO_SENT, HTTP_UNKNOWN, QUIET, 6000, 3000}, 400, 0},
	{"a slow answer, and less rest", {IO_SENT, HTTP_UNKNOWN, QUIET, 5999, 2999}, 400, 1},
	{"a slow answer that is seen to be complete",
         {IO_SENT, HTTP_BETWEEN, QUIET, 3040, 40},
         400,
         0},
	{"HTTP/2 whose streams are over: the client was told",
         {IO_SENT, HTTP_NO_STREAM, QUIET, 3040, 40},
         400,
         1560},
	{"HTTP/2 whose client stays", {IO_SENT, HTTP_NO_STREAM, QUIET, 9000, 4000}, 400, 0},
	{"HTTP/2 whose client pings", {IO_RECEIVED, HTTP_NO_STREAM, QUIET, 100, 100}, 400, 1500},
	{"one that was complete a moment ago", {IO_SENT, HTTP_BETWEEN, QUIET, 3039, 39}, 400, 1},
	{"an answer whose rest is written later",
         {IO_SENT, HTTP_UNDER_WAY, QUIET, 9000, 8000},
         400,
         NEVER},
	{"HTTP whose framing is not known any more: something may be owed",
         {IO_SENT, HTTP_LOST, QUIET, 60000, 60000},
         1000,
         NEVER},
	{"a client that was asked to close, a moment ago",
         {IO_SENT, HTTP_CLOSE_ANNOUNCED, QUIET, 3000, 0},
         1000,
         0},
	{"one that was asked to close and has sent again all the same",
         {IO_SENT, HTTP_CLOSE_ANNOUNCED, true, false, true, 0, 0},
         1000,
         NEVER},
	{"one that was asked to close and has not got all of it",
         {IO_SENT, HTTP_CLOSE_ANNOUNCED, false, true, true, 0, 0},
         1000,
         NEVER},

	{"new, and its client takes its time",
         {IO_NONE, HTTP_UNKNOWN, NEW, 2000, 2000},
         1000,
         2000},
	{"new, where others have spoken HTTP", {IO_NONE, HTTP_BETWEEN, NEW, 500, 500}, 400, 1100},
	{"new, for long", {IO_NONE, HTTP_UNKNOWN, NEW, 4000, 4000}, 1000, 0},
	{"new, and greeted", {IO_SENT, HTTP_UNKNOWN, NEW, 3999, 1000}, 1000, 3000},
	{"new, and greeted for long", {IO_SENT, HTTP_UNKNOWN, NEW, 5000, 4000}, 1000, 0},
	{"new, and told the time each second", {IO_SENT, HTTP_UNKNOWN, NEW, 5100, 900}, 400, 3300},

	{"nothing was seen, and it was answered clearly later",
         {IO_NONE, HTTP_UNKNOWN, QUIET, 5100, 5000},
         1000,
         0},
	{"nothing was seen, and it was answered within a tick",
         {IO_NONE, HTTP_UNKNOWN, QUIET, 5008, 5000},
         1000,
         NEVER},
	{"nothing was seen, and a request came last",
         {IO_NONE, HTTP_UNKNOWN, QUIET, 5000, 5100},
         1000,
         NEVER},
	{"nobody knows when it received",
         {IO_SENT, HTTP_UNKNOWN, QUIET, UNKNOWN, 5000},
         1000,
         NEVER},
	{"nobody knows when it sent", {IO_SENT, HTTP_UNKNOWN, QUIET, 5000, UNKNOWN}, 1000, NEVER},
};

int main(void)
{
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++)
		expect_number(
			cases[i].says,
			idle_in_ms(&cases[i].facts,
		                   &(struct idle_graces){cases[i].grace_ms / 10, cases[i].grace_ms,
		                                         cases[i].grace_ms * 4}),
			cases[i].wanted);
	return expect_status();
}
