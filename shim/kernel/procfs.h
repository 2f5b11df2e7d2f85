/* SPDX-License-Identifier: MIT */
/* Readers of /proc (proc(5)) that allocate nothing: what the kernel knows about this process, asked
 * only once a signal has come or the process starts to listen. */
#ifndef OCTOPUS_PROCFS_H
#define OCTOPUS_PROCFS_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

/* Calls VISIT for each open descriptor from FIRST on, in ascending order, until it returns false. The descriptor
 * that reads the list is left out. Without /proc it tries the numbers below the soft limit (at
 * most 65,536). Context: any. */
void procfs_each_fd(int first, bool (*visit)(int fd, void *context), void *context);

/* Calls VISIT for each thread. Returns 0, or -errno when /proc cannot tell. Context: any. */
int procfs_each_task(void (*visit)(pid_t tid, void *context), void *context);

/* Calls VISIT for each child process of PID, where the kernel lists them
 * (/proc/PID/task/TID/children, CONFIG_PROC_CHILDREN). Returns 0 or -errno. Context: any. */
int procfs_each_child(pid_t pid, void (*visit)(pid_t child, void *context), void *context);

/* One registration in an epoll set, as /proc/self/fdinfo/EPFD shows it. */
struct epoll_entry {
	int fd;
	uint32_t events;
	uint64_t data;
};

/* Calls VISIT for each registration in EPOLL_FD until it returns false. Returns 0, or -EINVAL when
 * it is no epoll set, or -errno. Context: any. */
int procfs_each_epoll_entry(int epoll_fd, bool (*visit)(const struct epoll_entry *, void *),
                            void *context);

/* Where thread TID is: the number of the system call it sleeps in and its first argument. *ret_call
 * is -1 while it runs. Returns 0, or -errno: -EACCES or -EPERM in a process that is not dumpable
 * (one that dropped root, say). Context: any. */
int procfs_task_syscall(pid_t tid, long *ret_call, long *ret_argument);

/* True if PID is gone or a zombie. Context: any. */
bool procfs_is_dead(pid_t pid);

/* The value of a hexadecimal mask line ("SigBlk:") in /proc/self/task/TID/status, or in
 * /proc/self/fdinfo/FD ("sigmask:"). Returns 0 or -errno. Context: any. */
int procfs_read_mask(const char *path, const char *name, uint64_t *ret_mask);

/* Reads at most SIZE - 1 bytes and ends them with a NUL. Returns the length or -errno. Context: any. */
ssize_t procfs_read(const char *path, char *buffer, size_t size);

/* True if this process has a controlling terminal (tty_nr in proc(5)), or /proc cannot tell. A hang-up takes it
 * away. Context: any. */
bool procfs_has_terminal(void);

#endif
