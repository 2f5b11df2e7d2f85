/* SPDX-License-Identifier: MIT */
#include "kernel/epoll_sets.h"

#include <errno.h>
#include <string.h>
#include <unistd.h>

#include "base/interpose.h"
#include "base/text.h"
#include "kernel/listeners.h"
#include "kernel/procfs.h"

static bool add_set(int fd, void *context)
{
	struct epoll_sets *sets = context;
	char path[64], target[32];
	ssize_t length;

	text_format(path, sizeof(path), "/proc/self/fd/%d", fd);
	length = readlink(path, target, sizeof(target) - 1);
	if (length <= 0)
		return true;
	target[length] = '\0';
	if (strcmp(target, "anon_inode:[eventpoll]") == 0)
		sets->fds[sets->count++] = fd;
	return sets->count < EPOLL_SETS;
}

void epoll_sets_find(struct epoll_sets *ret_sets)
{
	ret_sets->count = 0;
	procfs_each_fd(0, add_set, ret_sets);
}

struct search {
	struct epoll_registrations *found;
	int epoll_fd; /* the set that we are reading */
};

static bool add_registration(const struct epoll_entry *entry, void *context)
{
	const struct search *search = context;
	struct epoll_registrations *found = search->found;
	struct epoll_registration *next = &found->list[found->count];

	if (entry->fd != found->fd)
		return true;
	*next = (struct epoll_registration){search->epoll_fd, {.events = entry->events}};
	next->event.data.u64 = entry->data;
	found->count++;
	return found->count < EPOLL_REGISTRATIONS;
}

void epoll_sets_find_registrations(const struct epoll_sets *sets, int fd,
                                   struct epoll_registrations *ret_found)
{
	struct search search = {.found = ret_found};

	ret_found->fd = fd;
	ret_found->count = 0;
	for (int i = 0; i < sets->count && ret_found->count < EPOLL_REGISTRATIONS; i++) {
		search.epoll_fd = sets->fds[i];
		(void)procfs_each_epoll_entry(sets->fds[i], add_registration, &search);
	}
}

void epoll_sets_take_out(const struct epoll_registrations *registrations)
{
	for (int i = 0; i < registrations->count; i++)
		(void)libc_calls.epoll_ctl(registrations->list[i].epoll_fd, EPOLL_CTL_DEL,
		                           registrations->fd, NULL);
}

void epoll_sets_put_back(struct epoll_registrations *registrations)
{
	for (int i = 0; i < registrations->count; i++)
		(void)libc_calls.epoll_ctl(registrations->list[i].epoll_fd, EPOLL_CTL_ADD,
		                           registrations->fd, &registrations->list[i].event);
}

int epoll_sets_replace(const struct epoll_sets *sets, int fd, int with)
{
	struct epoll_registrations registrations;
	const int fd_flags = fcntl(fd, F_GETFD);
	int error = 0;

	epoll_sets_find_registrations(sets, fd, &registrations);
	epoll_sets_take_out(&registrations);
	if (libc_calls.dup3(with, fd, fd_flags & FD_CLOEXEC ? O_CLOEXEC : 0) < 0)
		error = -errno;
	epoll_sets_put_back(&registrations);
	return error;
}

static void rearm_exclusive(const struct epoll_sets *sets, int fd)
{
	struct epoll_registrations registrations;

	epoll_sets_find_registrations(sets, fd, &registrations);
	for (int i = 0; i < registrations.count; i++) {
		struct epoll_registration *entry = &registrations.list[i];

		if (!(entry->event.events & EPOLLEXCLUSIVE))
			continue;
		/* EPOLL_CTL_MOD refuses exclusive registrations (epoll_ctl(2)). */
		(void)libc_calls.epoll_ctl(entry->epoll_fd, EPOLL_CTL_DEL, fd, NULL);
		(void)libc_calls.epoll_ctl(entry->epoll_fd, EPOLL_CTL_ADD, fd, &entry->event);
	}
}

static bool rearm_if_waiting(int fd, void *context)
{
	struct pollfd request = {.fd = fd, .events = POLLIN};

	if (listeners_is_listening(fd) && libc_calls.poll(&request, 1, 0) > 0)
		rearm_exclusive(context, fd);
	return true;
}

void epoll_sets_rearm_listeners(void)
{
	/* Static, because the controller's stack is small; there is only one controller. */
	static struct epoll_sets sets;

	epoll_sets_find(&sets);
	if (sets.count > 0)
		procfs_each_fd(0, rearm_if_waiting, &sets);
}
