/* SPDX-License-Identifier: MIT */
#include "control/reports_epoll.h"

#include <errno.h>

#include "base/interpose.h"
#include "base/undisturbed.h"
#include "control/kept.h"
#include "control/reports.h"
#include "drain/stop_accepting.h"
#include "kernel/caller_memory.h"
#include "kernel/listeners.h"
#include "kernel/procfs.h"

/* More listeners than this in a set are not looked at. */
#define MOST_IN_SET 8

/* The listeners in the set on which this thread has waited last. */
static __thread struct known_set {
	int epoll_fd;
	uint32_t changes; /* as of when; 0: nothing is known */
	int count;
	struct epoll_entry list[MOST_IN_SET];
} known;

static bool add_listener(const struct epoll_entry *entry, void *context)
{
	struct known_set *set = context;

	if (reports_is_accepted_on(entry->fd) && entry->events & (EPOLLIN | EPOLLONESHOT) &&
	    listeners_is_listening(entry->fd))
		set->list[set->count++] = *entry;
	return set->count < MOST_IN_SET;
}

/* What has the same data as something else cannot be told from it. */
static bool leave_ambiguous_out(const struct epoll_entry *entry, void *context)
{
	struct known_set *set = context;

	for (int i = 0; i < set->count; i++) {
		if (set->list[i].data != entry->data || set->list[i].fd == entry->fd)
			continue;
		set->count--;
		set->list[i] = set->list[set->count];
		i--;
	}
	return set->count > 0;
}

static struct known_set *look_at(int epoll_fd)
{
	struct undisturbed before;

	undisturbed_begin(&before);
	known.epoll_fd = epoll_fd;
	known.changes = atomic_load(&reports_changes);
	known.count = 0;
	(void)procfs_each_epoll_entry(epoll_fd, add_listener, &known);
	if (known.count > 0)
		(void)procfs_each_epoll_entry(epoll_fd, leave_ambiguous_out, &known);
	undisturbed_end(&before);
	return &known;
}

static struct known_set *listeners_of(int epoll_fd)
{
	if (known.epoll_fd == epoll_fd && known.changes == atomic_load(&reports_changes))
		return &known;
	return look_at(epoll_fd);
}

static struct epoll_entry *find(struct known_set *set, uint64_t data)
{
	for (int i = 0; i < set->count; i++) {
		if (set->list[i].data == data)
			return &set->list[i];
	}
	return NULL;
}

/* The kernel has disarmed it with this report (EPOLLONESHOT, epoll_ctl(2)), and shows no events. */
static void arm_again(int epoll_fd, const struct epoll_entry *entry)
{
	struct epoll_event event = {.events = entry->events | EPOLLIN, .data.u64 = entry->data};

	if (entry->events & EPOLLONESHOT)
		(void)libc_calls.epoll_ctl(epoll_fd, EPOLL_CTL_MOD, entry->fd, &event);
}

/* Nobody tells when the server registers something else with the same data. So this looks again before
 * it strikes a report out, which it does only where the other generation was quicker. */
static bool may_stay(int epoll_fd, const struct epoll_event *event)
{
	const uint64_t data = event->data.u64;
	const struct epoll_entry *entry =
		event->events & EPOLLIN ? find(listeners_of(epoll_fd), data) : NULL;

	if (!entry || reports_is_there(entry->fd))
		return true;
	entry = find(look_at(epoll_fd), data);
	if (!entry)
		return true;
	arm_again(epoll_fd, entry);
	return false;
}

static bool is_reported(const struct epoll_event *events, int count, uint64_t data)
{
	while (count > 0 && events[count - 1].data.u64 != data)
		count--;
	return count > 0;
}

/* What is edge-triggered, or disarmed, is reported once. */
static bool is_to_report(const struct epoll_entry *entry)
{
	return !(entry->events & (EPOLLET | EPOLLONESHOT)) && kept_has(entry->fd);
}

static void add_kept_events(const struct known_set *set, struct epoll_event *events, int most,
                            int *result)
{
	for (int i = 0; i < set->count && *result < most; i++) {
		const struct epoll_event event = {.events = EPOLLIN, .data.u64 = set->list[i].data};

		if (!is_to_report(&set->list[i]) || is_reported(events, *result, set->list[i].data))
			continue;
		if (*result > 0 || caller_memory_is_readable(events, sizeof(event)))
			events[(*result)++] = event;
	}
}

bool reports_epoll_has_kept(int epoll_fd)
{
	const int saved = errno;
	const struct known_set *set = listeners_of(epoll_fd);
	int i = 0;

	errno = saved;
	while (i < set->count && !is_to_report(&set->list[i]))
		i++;
	return i < set->count;
}

void reports_check_epoll(int epoll_fd, struct epoll_event *events, int most, int *result)
{
	const int saved = errno;
	int left = 0;

	if (stop_accepting_has_begun() && !kept_any())
		return;
	for (int i = 0; i < *result; i++) {
		if (may_stay(epoll_fd, &events[i]))
			events[left++] = events[i];
	}
	*result = left;
	if (kept_any())
		add_kept_events(listeners_of(epoll_fd), events, most, result);
	errno = saved;
}
