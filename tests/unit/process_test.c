/* SPDX-License-Identifier: MIT */
/* A process is its number and its start time: a signal for one that has ended reaches nobody, whoever has
 * its number now.
 * Links: base/clock.c base/own_fd.c base/text.c base/vdso.c kernel/peek.c kernel/process.c kernel/procfs.c
 */
#include "base/interpose.h"
#include "expect.h"
#include "kernel/process.h"
#include "kernel/sandbox.h"

#include <errno.h>
#include <signal.h>
#include <stdbool.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <unistd.h>

static bool has_no_pidfds;

_Atomic uint32_t sandbox_deadly;

struct libc_calls libc_calls = {.close = close, .kill = kill, .read = read};

const char *sandbox_deadly_for_controller(uint32_t purposes)
{
	return purposes == SANDBOX_PIDFD && has_no_pidfds ? "pidfd_open" : NULL;
}

static pid_t start_child(void)
{
	const pid_t pid = fork();

	if (pid < 0)
		exit(2);
	if (pid == 0) {
		for (;;)
			pause();
	}
	return pid;
}

/* The number is the stranger's; the start time is that of a process which had it before. */
static void stranger_is_spared(void)
{
	const pid_t pid = start_child();
	struct process dead = process_identify(pid);

	dead.start--;
	expect_number("signal for a process that is gone", process_signal(&dead, SIGKILL), -ESRCH);
	expect_number("it has ended", process_has_ended(&dead), true);
	expect_number("the stranger is alive", process_is_live_child(pid), true);
	expect_number("signal for nobody", process_signal(&(struct process){pid, 0}, SIGKILL),
	              -ESRCH);
	expect_number("the stranger is still alive", process_is_live_child(pid), true);
	dead.start++;
	expect_number("signal for itself", process_signal(&dead, SIGKILL), 0);
	expect_number("waited for", waitpid(pid, NULL, 0), pid);
	expect_number("it has ended now", process_has_ended(&dead), true);
	expect_number("signal after the end", process_signal(&dead, SIGKILL), -ESRCH);
	expect_number("it is no child any more", process_is_live_child(pid), false);
}

static void init_and_groups_are_spared(void)
{
	expect_number("init", process_signal(&(struct process){1, 1}, SIGKILL), -ESRCH);
	expect_number("our group", process_signal(&(struct process){0, 1}, SIGKILL), -ESRCH);
	expect_number("everybody", process_signal(&(struct process){-1, 1}, SIGKILL), -ESRCH);
	expect_number("a group", process_signal(&(struct process){-getpgrp(), 1}, SIGKILL), -ESRCH);
}

int main(void)
{
	for (int i = 0; i < 2; i++) {
		has_no_pidfds = i == 1;
		stranger_is_spared();
		init_and_groups_are_spared();
	}
	return expect_status();
}
