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

/* A server at its limit of descriptors leaves none for the controller's work: within a pair of these
 * the soft limit is raised by a few, as far as the hard limit allows. The server's threads may get one
 * of them meanwhile. Context: the controller. */
struct fd_room {
	uint64_t soft, hard;
};
void procfs_make_fd_room(struct fd_room *ret_room);
void procfs_give_back_fd_room(const struct fd_room *room);

/* To look at another thread's descriptor the kernel takes a reference for a moment (fdget(), fs/file.c). A
 * close() meanwhile is not the last one: an epoll set reports the file until the look is over, under a number that
 * the server has given up (epoll(7), "Q6"). So who looks says so, between a pair of these, and who
 * closes waits for the end of those that it finds under way: one that begins later does not find the number any
 * more. Looks are short. The walks below say it by themselves. Context: any. */
void procfs_look_begins(void);
void procfs_look_ends(void);

/* How many there were. */
extern struct procfs_looks {
	_Atomic uint32_t begun, ended;
} procfs_looks;

/* After a close, or a dup over a number. Leaves errno alone. Context: any, but not within a look. */
void procfs_await_looks(void);
static inline void procfs_closed(void)
{
	if (__builtin_expect(atomic_load(&procfs_looks.begun) != atomic_load(&procfs_looks.ended),
	                     0))
		procfs_await_looks();
}

/* In the child of a fork, where nobody looks. Context: any. */
void procfs_forked(void);

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

#endif
