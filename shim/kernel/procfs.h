/* SPDX-License-Identifier: MIT */
/* Owns the reading of /proc (proc(5)) without allocation: the descriptors, threads, children and
 * epoll registrations that the kernel lists. */
#ifndef OCTOPUS_PROCFS_H
#define OCTOPUS_PROCFS_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

/* Calls VISIT for each open descriptor from FIRST on, in ascending order, until VISIT returns
 * false. It leaves out the descriptor through which it reads the list. Without /proc it tries the
 * numbers below the soft limit, at most 65,536. Context: any. */
void procfs_each_fd(int first, bool (*visit)(int fd, void *context), void *context);

/* Calls VISIT for each descriptor of PID, which only root and its own user may ask of. Returns 0 or -errno.
 * Context: any. */
int procfs_each_fd_of(pid_t pid, void (*visit)(int fd, void *context), void *context);

/* Calls VISIT for each thread. Returns 0, or -errno if /proc cannot be read. Context: any. */
int procfs_each_task(void (*visit)(pid_t tid, void *context), void *context);

/* The same for the threads of PID. Context: any. */
int procfs_each_task_of(pid_t pid, void (*visit)(pid_t tid, void *context), void *context);

/* One registration in an epoll set, as /proc/self/fdinfo/EPFD shows it. */
struct epoll_entry {
	int fd;
	uint32_t events;
	uint64_t data;
};

/* Calls VISIT for each registration in EPOLL_FD until VISIT returns false. A descriptor that is no
 * epoll set has none. Returns 0 or -errno. Context: any. */
int procfs_each_epoll_entry(int epoll_fd, bool (*visit)(const struct epoll_entry *, void *),
                            void *context);

/* Reads the state ("R", "S", ...) in PATH, the stat file of a process or thread. Returns it as a
 * character, 0 if the text has none, or -errno. Context: any. */
int procfs_read_state(const char *path);

/* True if PID is gone or a zombie. Context: any. */
bool procfs_is_dead(pid_t pid);

/* Reads the hexadecimal mask after NAME in PATH: "SigBlk:" in /proc/self/task/TID/status, or
 * "sigmask:" in /proc/self/fdinfo/FD. Returns 0 or -errno; -ENOENT if there is no such line.
 * Context: any. */
int procfs_read_mask(const char *path, const char *name, uint64_t *ret_mask);

/* Reads at most SIZE - 1 bytes of the file PATH, and appends a NUL. Returns the length or -errno. If
 * PATH is a FIFO, it does not wait for a writer. Context: any. */
ssize_t procfs_read(const char *path, char *buffer, size_t size);

/* True if this process has a controlling terminal (tty_nr in proc(5)), or /proc cannot tell. A hang-up takes it
 * away. Context: any. */
bool procfs_has_terminal(void);

/* Returns what a digit of the tables in /proc/net stands for, in base 16 with capital letters; -1 if BYTE is none.
 * Context: any. */
static inline int procfs_digit(char byte)
{
	if (byte >= '0' && byte <= '9')
		return byte - '0';
	return byte >= 'A' && byte <= 'F' ? byte - 'A' + 10 : -1;
}

#endif
