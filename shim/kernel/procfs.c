/* SPDX-License-Identifier: MIT */
#include "kernel/procfs.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/resource.h>

#include "base/bell.h"
#include "base/clock.h"
#include "base/failpoint.h"
#include "base/interpose.h"
#include "base/own_fd.h"
#include "base/raw_syscall.h"
#include "base/text.h"
#include "kernel/peek.h"

/* struct linux_dirent64 of getdents64(2). */
struct directory_entry {
	uint64_t inode;
	int64_t offset;
	unsigned short size;
	unsigned char type;
	char name[];
};

#define MOST_FDS_TRIED 65536

/* Reads one piece of the list. */
static long read_entries(int dir_fd, char *buffer, size_t size)
{
	long length;

	peek_begin();
	length = RAW3(SYS_getdents64, dir_fd, buffer, size);
	peek_end();
	return length;
}

/* Returns a descriptor for close_after_reading(), or -errno. */
static int open_for_reading(const char *path, int flags)
{
	int result = failpoint("proc");

	if (result)
		return result;
	own_fd_begin();
	result = open(path, O_RDONLY | O_CLOEXEC | flags);
	if (result >= 0)
		return result;
	result = -errno;
	own_fd_end();
	return result;
}

static void close_after_reading(int fd)
{
	libc_calls.close(fd);
	own_fd_end();
}

/* Calls VISIT with each entry that is a number, from directory position START on. */
static int each_number(const char *path, long start,
                       bool (*visit)(int number, int dir_fd, void *context), void *context)
{
	char buffer[4096] __attribute__((aligned(8)));
	const int dir_fd = open_for_reading(path, O_DIRECTORY);
	long length = 0;
	bool go_on = true;

	if (dir_fd < 0)
		return dir_fd;
	if (start)
		(void)lseek(dir_fd, start, SEEK_SET);
	while (go_on && (length = read_entries(dir_fd, buffer, sizeof(buffer))) > 0) {
		for (long at = 0; go_on && at < length;) {
			const struct directory_entry *entry = (const void *)(buffer + at);
			const char *name = entry->name;
			uint64_t number;

			if (text_read_number(&name, 10, &number) == 0 && !*name)
				go_on = visit((int)number, dir_fd, context);
			at += entry->size;
		}
	}
	close_after_reading(dir_fd);
	return length < 0 ? (int)length : 0;
}

struct fd_visit {
	int first;
	bool (*visit)(int fd, void *context);
	void *context;
};

static bool visit_fd(int number, int dir_fd, void *context)
{
	const struct fd_visit *call = context;
	bool go_on;

	if (number == dir_fd || number < call->first)
		return true;
	peek_begin();
	go_on = call->visit(number, call->context);
	peek_end();
	return go_on;
}

void procfs_each_fd(int first, bool (*visit)(int fd, void *context), void *context)
{
	struct fd_visit call = {first, visit, context};
	struct rlimit limit = {MOST_FDS_TRIED, MOST_FDS_TRIED};

	/* Descriptor N is at position N + 2, after . and .. (fs/proc/fd.c). */
	if (each_number("/proc/self/fd", first ? first + 2 : 0, visit_fd, &call) == 0)
		return;
	(void)getrlimit(RLIMIT_NOFILE, &limit);
	for (int fd = first; fd < (int)limit.rlim_cur && fd < MOST_FDS_TRIED; fd++) {
		if (fcntl(fd, F_GETFD) >= 0 && !visit(fd, context))
			return;
	}
}

struct task_visit {
	void (*visit)(pid_t tid, void *context);
	void *context;
};

static bool visit_task(int number, int dir_fd, void *context)
{
	const struct task_visit *call = context;

	(void)dir_fd;
	call->visit(number, call->context);
	return true;
}

int procfs_each_task(void (*visit)(pid_t tid, void *context), void *context)
{
	struct task_visit call = {visit, context};

	return each_number("/proc/self/task", 0, visit_task, &call);
}

/* Of the directory WHAT of PID. */
static int each_of(pid_t pid, const char *what, struct task_visit *call)
{
	char path[64];

	text_format(path, sizeof(path), "/proc/%d/%s", pid, what);
	return each_number(path, 0, visit_task, call);
}

int procfs_each_task_of(pid_t pid, void (*visit)(pid_t tid, void *context), void *context)
{
	return each_of(pid, "task", &(struct task_visit){visit, context});
}

int procfs_each_fd_of(pid_t pid, void (*visit)(int fd, void *context), void *context)
{
	return each_of(pid, "fd", &(struct task_visit){visit, context});
}

ssize_t procfs_read(const char *path, char *buffer, size_t size)
{
	const int fd = open_for_reading(path, O_NONBLOCK | O_NOCTTY);
	size_t length = 0;
	ssize_t part = 0;

	if (fd < 0)
		return fd;
	while (length + 1 < size &&
	       (part = libc_calls.read(fd, buffer + length, size - 1 - length)) > 0)
		length += (size_t)part;
	if (part < 0)
		part = -errno;
	close_after_reading(fd);
	buffer[length] = '\0';
	return part < 0 ? part : (ssize_t)length;
}

/* Parses `tfd:       12 events:       19 data:         ffffffff0000000c  pos:0 ino:1 sdev:8`. The
 * numbers are padded with blanks; events and data are hexadecimal (fs/eventpoll.c,
 * ep_show_fdinfo). */
static bool parse_epoll_line(const char *line, struct epoll_entry *entry)
{
	static const struct {
		const char *label;
		int base;
	} fields[] = {{"tfd:", 10}, {"events:", 16}, {"data:", 16}};
	uint64_t values[3];

	for (size_t i = 0; i < 3; i++) {
		line += strspn(line, " ");
		if (strncmp(line, fields[i].label, strlen(fields[i].label)) != 0)
			return false;
		line += strlen(fields[i].label);
		line += strspn(line, " ");
		if (text_read_number(&line, fields[i].base, &values[i]) != 0)
			return false;
	}
	*entry = (struct epoll_entry){(int)values[0], (uint32_t)values[1], values[2]};
	return true;
}

int procfs_each_epoll_entry(int epoll_fd, bool (*visit)(const struct epoll_entry *, void *),
                            void *context)
{
	char path[64], buffer[4096];
	size_t length = 0;
	ssize_t part = 0;
	bool go_on = true;
	int fd;

	text_format(path, sizeof(path), "/proc/self/fdinfo/%d", epoll_fd);
	fd = open_for_reading(path, 0);
	if (fd < 0)
		return fd;
	/* The text of 10,000 registrations does not fit into the buffer. So we parse line by line,
	 * and keep the beginning of a cut line for the next read. */
	while (go_on &&
	       (part = libc_calls.read(fd, buffer + length, sizeof(buffer) - 1 - length)) > 0) {
		char *line = buffer, *end;

		length += (size_t)part;
		buffer[length] = '\0';
		for (; go_on && (end = memchr(line, '\n', (size_t)(buffer + length - line)));
		     line = end + 1) {
			struct epoll_entry entry;

			*end = '\0';
			if (parse_epoll_line(line, &entry))
				go_on = visit(&entry, context);
		}
		length = (size_t)(buffer + length - line);
		memmove(buffer, line, length);
	}
	close_after_reading(fd);
	return part < 0 ? -EIO : 0;
}

/* The name before the state may hold anything, a parenthesis too. */
int procfs_read_state(const char *path)
{
	char text[512];
	const ssize_t length = procfs_read(path, text, sizeof(text));
	const char *name_end = length > 0 ? strrchr(text, ')') : NULL;

	if (length < 0)
		return (int)length;
	return name_end && name_end[1] == ' ' ? name_end[2] : 0;
}

bool procfs_is_dead(pid_t pid)
{
	char path[64];
	int state;

	if (libc_calls.kill(pid, 0) != 0)
		return errno == ESRCH;
	text_format(path, sizeof(path), "/proc/%d/stat", pid);
	state = procfs_read_state(path);
	return state == 'Z' || state == 'X';
}

int procfs_read_mask(const char *path, const char *name, uint64_t *ret_mask)
{
	char text[4096];
	const ssize_t length = procfs_read(path, text, sizeof(text));
	const char *at;

	if (length < 0)
		return (int)length;
	at = strstr(text, name);
	if (!at)
		return -ENOENT;
	at += strlen(name);
	at += strspn(at, " \t");
	return text_read_number(&at, 16, ret_mask);
}

bool procfs_has_terminal(void)
{
	char text[512];
	const char *at;
	uint64_t terminal = 0;

	if (procfs_read("/proc/self/stat", text, sizeof(text)) <= 0)
		return true;
	/* Behind the name: state, ppid, pgrp, session, tty_nr (proc(5)). */
	at = strrchr(text, ')');
	for (int blanks = 0; at && blanks < 5; blanks++)
		at = strchr(at + 1, ' ');
	if (!at)
		return true;
	at++;
	return text_read_number(&at, 10, &terminal) != 0 || terminal != 0;
}
