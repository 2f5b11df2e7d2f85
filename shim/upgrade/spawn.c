/* SPDX-License-Identifier: MIT */
#include "upgrade/spawn.h"

#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/failpoint.h"
#include "base/interpose.h"
#include "base/raw_syscall.h"
#include "base/signal_set.h"
#include "base/text.h"
#include "kernel/procfs.h"

#define STACK_SIZE (64 * 1024)

#ifndef CLOSE_RANGE_CLOEXEC
#define CLOSE_RANGE_CLOEXEC 4u
#endif

struct spawn_report spawn_report;

/* Two stacks in one mapping: the reaper's, and the successor's until it executes. */
static struct {
	char *stacks;
	pid_t reaper;
	struct process first; /* the candidate's */
	const struct spawn_request *request;
} spawn;

/* From here to the end of reaper_main() the code runs in another process in this one's memory. It
 * makes only raw system calls, because libc's would write the errno of the thread whose TLS the
 * process borrows. */

/* The kernel's struct sigaction (rt_sigaction(2)): handler, flags, restorer, mask. */
static void set_disposition(int sig, long handler)
{
	const long action[4] = {handler};

	(void)RAW4(SYS_rt_sigaction, sig, action, NULL, sizeof(uint64_t));
}

static __attribute__((noreturn)) void fail(enum spawn_step step, long answer)
{
	atomic_store(&spawn_report.failed_step, step);
	atomic_store(&spawn_report.error, (int)-answer);
	for (;;)
		(void)RAW1(SYS_exit_group, 127);
}

static void shut_in_all_fds(void)
{
	/* Before Linux 5.9 there is no close_range, and before 5.11 no CLOSE_RANGE_CLOEXEC. */
	if (RAW3(SYS_close_range, 3, ~0U, CLOSE_RANGE_CLOEXEC) == 0)
		return;
	for (int fd = 3; fd < 65536; fd++)
		(void)RAW3(SYS_fcntl, fd, F_SETFD, FD_CLOEXEC);
}

static void copy_null(int to)
{
	const long null_fd = RAW4(SYS_openat, AT_FDCWD, "/dev/null", O_WRONLY, 0);

	if (null_fd >= 0 && null_fd != to) {
		(void)RAW3(SYS_dup3, null_fd, to, 0);
		(void)RAW1(SYS_close, null_fd);
	}
}

/* In this order: the copies must not hit a source. */
static void give_fd(const struct spawn_fd *given)
{
	if (given->from < 0)
		copy_null(given->to);
	else if (given->from == given->to)
		(void)RAW3(SYS_fcntl, given->to, F_SETFD, 0);
	else
		(void)RAW3(SYS_dup3, given->from, given->to, 0);
}

static int successor_main(void *argument)
{
	const struct spawn_request *request = argument;
	long answer;

	/* A server that signals its process group when it stops (apache) must not hit its
	 * successor. */
	(void)RAW2(SYS_setpgid, 0, 0);
	FOR_EACH_SIGNAL (sig)
		set_disposition(sig, signal_set_has(request->ignored, sig) ? (long)SIG_IGN
		                                                           : (long)SIG_DFL);
	if (request->death_signal)
		(void)RAW5(SYS_prctl, PR_SET_PDEATHSIG, request->death_signal, 0, 0, 0);
	if (request->umask >= 0)
		(void)RAW1(SYS_umask, request->umask);
	if (request->directory) {
		answer = RAW1(SYS_chdir, request->directory);
		if (answer < 0)
			fail(SPAWN_CHDIR, answer);
	}
	resources_open_fd_limit();
	shut_in_all_fds();
	/* node sets close-on-exec on its own 0-2; a server that was started without one of them may
	 * have its listener there. */
	for (int fd = 0; fd < 3; fd++)
		(void)RAW3(SYS_fcntl, fd, F_SETFD, request->keeps_fd[fd] ? 0 : FD_CLOEXEC);
	for (int i = 0; i < request->fd_count; i++)
		give_fd(&request->fds[i]);
	oom_score_set(request->oom_score);
	if (request->resources)
		resources_set(request->resources);
	if (request->pid_text)
		text_format(request->pid_text, SPAWN_PID_TEXT, "%d", (int)RAW0(SYS_getpid));
	(void)RAW4(SYS_rt_sigprocmask, SIG_SETMASK, &request->blocked, NULL, sizeof(uint64_t));
	answer = RAW3(SYS_execve, request->path, request->argv, request->envp);
	fail(SPAWN_EXEC, answer);
}

static void reap_family(pid_t successor, bell *ring)
{
	for (;;) {
		int status = 0;
		const long pid = RAW4(SYS_wait4, -1, &status, __WALL, NULL);

		if (pid == successor)
			atomic_store(&spawn_report.status, status);
		bell_ring(ring);
		if (pid < 0 && pid != -EINTR)
			return;
	}
}

/* The reaper stays until the candidate is accepted or given up. As a subreaper
 * (PR_SET_CHILD_SUBREAPER, prctl(2)) it gets every orphan of the candidate's. So it still sees a
 * daemon whose first process has exited, and knows exactly when all have ended. If this process is
 * killed, the reaper dies too, and init becomes the candidate's parent. */
static int reaper_main(void *argument)
{
	const struct spawn_request *request = argument;
	bell *const ring = request->bell; /* REQUEST is gone once the candidate has started */
	long pid;
	int error;

	(void)RAW5(SYS_prctl, PR_SET_PDEATHSIG, SIGKILL, 0, 0, 0);
	(void)RAW5(SYS_prctl, PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0);
	if (request->name[0])
		(void)RAW5(SYS_prctl, PR_SET_NAME, request->name, 0, 0, 0);
	error = failpoint("successor");
	if (error)
		fail(SPAWN_CLONE, error);
	pid = clone(successor_main, spawn.stacks + 2 * STACK_SIZE, CLONE_VM | CLONE_VFORK | SIGCHLD,
	            argument);
	/* errno is the controller's: this process borrows its TLS while the controller sleeps. */
	if (pid < 0)
		fail(SPAWN_CLONE, -errno);
	atomic_store(&spawn_report.pid, (int32_t)pid);
	bell_ring(ring);
	reap_family((pid_t)pid, ring);
	atomic_store(&spawn_report.has_ended, 1);
	bell_ring(ring);
	for (;;)
		(void)RAW1(SYS_exit_group, 0);
}

static void collect_reaper(void)
{
	int status;

	/* The reaper has no exit signal, so only a wait with __WCLONE sees it (wait(2)). */
	if (spawn.reaper > 0) {
		while (waitpid(spawn.reaper, &status, __WCLONE) < 0 && errno == EINTR)
			;
	}
	spawn.reaper = 0;
	if (spawn.stacks)
		(void)munmap(spawn.stacks, 2 * STACK_SIZE);
	spawn.stacks = NULL;
}

/* CLONE_PARENT: the kernel makes the candidate a child of this process's parent. That one gets a SIGCHLD
 * at its end, and has to wait for it. Returns 0 or -errno. */
static int start_sibling(const struct spawn_request *request)
{
	const int error = failpoint("successor");
	const pid_t pid = error ? error
	                        : clone(successor_main, spawn.stacks + 2 * STACK_SIZE,
	                                CLONE_VM | CLONE_VFORK | CLONE_PARENT | SIGCHLD,
	                                (void *)(uintptr_t)request);

	if (pid < 0)
		return error ? error : -errno;
	atomic_store(&spawn_report.is_sibling, 1);
	atomic_store(&spawn_report.pid, (int32_t)pid);
	return 0;
}

bool spawn_look(void)
{
	const pid_t pid = atomic_load(&spawn_report.pid);

	if (!atomic_load(&spawn_report.is_sibling) || !pid)
		return false;
	if (process_has_ended(&spawn.first))
		atomic_store(&spawn_report.has_ended, 1);
	return true;
}

static bool is_decided(void)
{
	return atomic_load(&spawn_report.pid) || atomic_load(&spawn_report.error);
}

static int start_reaper(const struct spawn_request *request)
{
	int error = 0;

	/* CLONE_FILES: a copy of the descriptor table would keep the server's connections open. */
	spawn.reaper = (errno = -failpoint("reaper")) != 0
	                       ? -1
	                       : clone(reaper_main, spawn.stacks + STACK_SIZE,
	                               CLONE_VM | CLONE_FILES, (void *)(uintptr_t)request);
	if (spawn.reaper < 0) {
		error = -errno;
		spawn.reaper = 0;
	}
	while (!error && !is_decided()) {
		const uint32_t seen = atomic_load(request->bell);

		/* If the reaper has been killed (OOM), nobody rings the bell. */
		if (!is_decided())
			bell_wait(request->bell, seen, 100);
		if (procfs_is_dead(spawn.reaper) && !is_decided())
			error = -ECHILD;
	}
	return error;
}

int spawn_successor(const struct spawn_request *request)
{
	const uint64_t all = ~0ULL;
	uint64_t before;
	int error;

	memset(&spawn_report, 0, sizeof(spawn_report));
	spawn.stacks = mmap(NULL, 2 * STACK_SIZE, PROT_READ | PROT_WRITE,
	                    MAP_PRIVATE | MAP_ANONYMOUS | MAP_STACK, -1, 0);
	if (spawn.stacks == MAP_FAILED || (errno = -failpoint("stacks")) != 0) {
		error = -errno;
		spawn.stacks = NULL;
		return error;
	}
	/* A signal handler that ran in one of the two would run in this process's memory. */
	(void)RAW4(SYS_rt_sigprocmask, SIG_SETMASK, &all, &before, sizeof(all));
	error = request->is_sibling ? start_sibling(request) : start_reaper(request);
	(void)RAW4(SYS_rt_sigprocmask, SIG_SETMASK, &before, NULL, sizeof(before));
	spawn.first = process_identify(atomic_load(&spawn_report.pid));
	if (spawn.reaper == 0)
		collect_reaper(); /* only the stacks */
	return error;
}

void spawn_release(void)
{
	if (spawn.reaper > 0)
		(void)libc_calls.kill(spawn.reaper, SIGKILL);
	collect_reaper();
}

pid_t spawn_reaper(void)
{
	return spawn.reaper > 0 && !procfs_is_dead(spawn.reaper) ? spawn.reaper : 0;
}

const struct process *spawn_first(void)
{
	return &spawn.first;
}
