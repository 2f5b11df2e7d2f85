/* SPDX-License-Identifier: MIT */
#include "kernel/process.h"

#include <errno.h>
#include <stddef.h>
#include <string.h>
#include <sys/wait.h>

#include "base/interpose.h"
#include "base/own_fd.h"
#include "base/raw_syscall.h"
#include "base/text.h"
#include "kernel/procfs.h"
#include "kernel/sandbox.h"

/* The same on every architecture (include/uapi/asm-generic/unistd.h). */
#ifndef SYS_pidfd_send_signal
#define SYS_pidfd_send_signal 424
#endif
#ifndef SYS_pidfd_open
#define SYS_pidfd_open 434
#endif

/* Fields of /proc/PID/stat, counted from the state on. */
#define FIELD_PARENT 1
#define FIELD_FLAGS 6
#define FIELD_START 19
#define FIELD_STACK 25

/* include/linux/sched.h */
#define FORKED_WITHOUT_EXEC 0x40u

/* Returns field NUMBER of the words at AT, or 0. Some fields before it may be negative. */
static uint64_t read_field(const char *at, int number)
{
	uint64_t value = 0;

	for (; number > 0; number--) {
		at = strchr(at, ' ');
		if (!at)
			return 0;
		at++;
	}
	return text_read_number(&at, 10, &value) == 0 ? value : 0;
}

/* The file says "PID (NAME) STATE PPID ...", and NAME may hold anything. */
int process_read_stat(pid_t pid, struct process_stat *ret_stat)
{
	char path[64], text[1024];
	const char *at;
	ssize_t length;

	text_format(path, sizeof(path), "/proc/%d/stat", pid);
	length = procfs_read(path, text, sizeof(text));
	if (length < 0)
		return length == -ESRCH ? -ENOENT : (int)length;
	at = strrchr(text, ')');
	if (!at || strlen(at) < sizeof(") S "))
		return -EPROTO;
	at += strlen(") ");
	ret_stat->state = *at;
	ret_stat->parent = (pid_t)read_field(at, FIELD_PARENT);
	ret_stat->has_executed = !(read_field(at, FIELD_FLAGS) & FORKED_WITHOUT_EXEC);
	ret_stat->start = read_field(at, FIELD_START);
	ret_stat->stack = read_field(at, FIELD_STACK);
	return 0;
}

int process_read_name(pid_t pid, char *buffer, size_t size)
{
	char path[64];
	ssize_t length;

	text_format(path, sizeof(path), "/proc/%d/comm", pid);
	length = procfs_read(path, buffer, size);
	if (length < 0)
		return (int)length;
	if (length > 0 && buffer[length - 1] == '\n')
		buffer[length - 1] = '\0';
	return 0;
}

struct process process_identify(pid_t pid)
{
	struct process process = {.pid = pid};
	struct process_stat stat;

	if (process_read_stat(pid, &stat) == 0)
		process.start = stat.start;
	return process;
}

static bool is_same(const struct process *process, const struct process_stat *stat)
{
	return process->start == 0 || stat->start == process->start;
}

bool process_has_ended(const struct process *process)
{
	struct process_stat stat;

	if (process->pid <= 0 || procfs_is_dead(process->pid))
		return true;
	return process_read_stat(process->pid, &stat) == 0 && !is_same(process, &stat);
}

bool process_is_live_child(pid_t pid)
{
	siginfo_t info;

	memset(&info, 0, sizeof(info));
	return RAW5(SYS_waitid, P_PID, pid, &info, WEXITED | WNOHANG | WNOWAIT | __WALL, NULL) ==
	               0 &&
	       info.si_pid == 0;
}

/* Where there are no pidfds, the look comes just before the signal. */
static long signal_by_number(pid_t pid, int sig, siginfo_t *info)
{
	return info ? RAW3(SYS_rt_sigqueueinfo, pid, sig, info) : RAW2(SYS_kill, pid, sig);
}

static bool may_use_pidfds(void)
{
	return !sandbox_deadly_for_controller(SANDBOX_PIDFD);
}

int process_signal_if(pid_t pid, int sig, siginfo_t *info,
                      bool (*is_it)(pid_t pid, const void *context), const void *context)
{
	long result, pidfd;

	if (pid <= 1)
		return -ESRCH;
	own_fd_begin();
	pidfd = may_use_pidfds() ? RAW2(SYS_pidfd_open, pid, 0) : -ENOSYS;
	if (pidfd == -ESRCH || !is_it(pid, context))
		result = -ESRCH;
	else if (pidfd < 0)
		result = signal_by_number(pid, sig, info);
	else
		result = RAW4(SYS_pidfd_send_signal, pidfd, sig, info, 0);
	if (pidfd >= 0)
		libc_calls.close((int)pidfd);
	own_fd_end();
	return (int)result;
}

static bool is_started_then(pid_t pid, const void *context)
{
	const struct process *process = context;
	struct process_stat stat;

	return process->start != 0 && process_read_stat(pid, &stat) == 0 && is_same(process, &stat);
}

int process_signal(const struct process *process, int sig)
{
	return process_signal_if(process->pid, sig, NULL, is_started_then, process);
}
