/* SPDX-License-Identifier: MIT */
/* Owns the identity of another process, and the one way to signal it. A number alone says nothing:
 * the kernel gives it to another process as soon as its owner is reaped. So a process is its number
 * and its start time, and a signal goes through a pidfd (pidfd_open(2)) that was opened before the
 * look at whose it is: then it reaches the process that was looked at, or nobody. */
#ifndef OCTOPUS_PROCESS_H
#define OCTOPUS_PROCESS_H

#include <signal.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

/* A process. pid 0: none. start 0: not known, because /proc did not tell. */
struct process {
	pid_t pid;
	uint64_t start; /* ticks since boot (proc(5), "starttime") */
};

/* What /proc/PID/stat says of a process. */
struct process_stat {
	char state; /* 'R', 'S', 'Z', ... */
	pid_t parent;
	uint64_t start;
	bool has_executed; /* a program of its own since its fork (PF_FORKNOEXEC is not set) */
	uint64_t stack;    /* where its program's stack begins; 0: the kernel does not tell us */
};

/* Reads the facts of PID. Returns 0, -ENOENT if there is no such process, or -errno.
 * Context: any. */
int process_read_stat(pid_t pid, struct process_stat *ret_stat);

/* Reads the name of PID (proc(5), "comm"), without its newline. Returns 0 or -errno.
 * Context: any. */
int process_read_name(pid_t pid, char *buffer, size_t size);

/* The process that has the number PID now. Context: any. */
struct process process_identify(pid_t pid);

/* True if PROCESS has ended: it is gone or a zombie, or another one has its number.
 * Context: any. */
bool process_has_ended(const struct process *process);

/* True if PID is a child of this process and has not ended (waitid(2), WNOWAIT): it stays to be
 * waited for. Leaves errno alone. Context: any. */
bool process_is_live_child(pid_t pid);

/* Sends SIG to PID if IS_IT says, once the pidfd is open, that it is the right one. INFO is NULL, or
 * what rt_sigqueueinfo(2) takes. Returns 0, -ESRCH if it is not the right one, or -errno.
 * Context: any. */
int process_signal_if(pid_t pid, int sig, siginfo_t *info,
                      bool (*is_it)(pid_t pid, const void *context), const void *context);

/* Sends SIG to PROCESS, and to no other that has its number now. Returns as process_signal_if().
 * Context: any. */
int process_signal(const struct process *process, int sig);

#endif
