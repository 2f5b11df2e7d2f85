/* SPDX-License-Identifier: MIT */
/* Our own vfork() returns twice and in the right place, and a thread knows while it is the child.
 * Links: wrap/wrap_vfork.c
 */
#include "expect.h"
#include "kernel/vfork_child.h"

#include <errno.h>
#include <stdbool.h>
#include <sys/wait.h>
#include <unistd.h>

/* Written by the children, in the memory of this process. */
static volatile int seen_outside, seen_inside, seen_below, seen_after;

static void await(pid_t pid, int wanted)
{
	int status = -1;

	expect_number("waited for the child", waitpid(pid, &status, 0), pid);
	expect_number("its exit status", WEXITSTATUS(status), wanted);
}

static void run_grandchild(void)
{
	const pid_t pid = vfork();

	if (pid == 0) {
		seen_below = vfork_child_is();
		_exit(3);
	}
	seen_after = vfork_child_is();
	await(pid, 3);
}

static void run_child(void)
{
	const pid_t parent = getpid(), pid = vfork();

	if (pid == 0) {
		seen_inside = vfork_child_is() && getpid() != parent;
		run_grandchild();
		_exit(2);
	}
	seen_outside = vfork_child_is();
	await(pid, 2);
}

int main(void)
{
	for (int i = 0; i < 3; i++) {
		seen_inside = seen_below = seen_after = 0;
		seen_outside = 1;
		run_child();
		expect_number("inside", seen_inside, VFORK_IS_SEEN);
		expect_number("inside the child of a child", seen_below, VFORK_IS_SEEN);
		expect_number("after the child of a child", seen_after, VFORK_IS_SEEN);
		expect_number("outside", seen_outside, false);
	}
	return expect_status();
}
