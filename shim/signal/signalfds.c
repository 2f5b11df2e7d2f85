/* SPDX-License-Identifier: MIT */
#include "signal/signalfds.h"

#include <fcntl.h>
#include <stdatomic.h>

#include "base/interpose.h"
#include "base/signal_set.h"
#include "base/text.h"
#include "kernel/procfs.h"

#define SIGNALFDS 32

struct server_signalfd {
	_Atomic int fd_plus_one; /* 0: free */
	_Atomic uint64_t wanted;
	_Atomic uint64_t present; /* what the kernel has */
};

/* Entries are filled by the thread that makes the signalfd, and read by the controller. */
static struct server_signalfd table[SIGNALFDS];

static int read_signalfd_mask(int fd, uint64_t *ret_mask)
{
	char path[64];

	text_format(path, sizeof(path), "/proc/self/fdinfo/%d", fd);
	return procfs_read_mask(path, "sigmask:", ret_mask);
}

static bool is_named(int fd)
{
	for (int i = 0; i < SIGNALFDS; i++) {
		if (atomic_load(&table[i].fd_plus_one) == fd + 1)
			return true;
	}
	return false;
}

static bool follow_if_same(int fd, void *context)
{
	struct server_signalfd *entry = context;
	uint64_t mask;

	if (is_named(fd) || read_signalfd_mask(fd, &mask) != 0 ||
	    mask != atomic_load(&entry->present))
		return true;
	atomic_store(&entry->fd_plus_one, fd + 1);
	return false;
}

/* Where the number is no signalfd any more: the server closed it, or keeps it under another number
 * (event loops move descriptors out of the way of 0-2). Returns false when it is gone. */
static bool find_signalfd(struct server_signalfd *entry)
{
	const int before = atomic_load(&entry->fd_plus_one);
	uint64_t mask;

	if (before == 0)
		return false;
	if (read_signalfd_mask(before - 1, &mask) == 0)
		return true;
	procfs_each_fd(0, follow_if_same, entry);
	if (atomic_load(&entry->fd_plus_one) == before)
		atomic_store(&entry->fd_plus_one, 0);
	return atomic_load(&entry->fd_plus_one) != 0;
}

/* A signalfd would get a signal before any handler does: while the signal is ours it is kept out of
 * the server's signalfds, and put back when it is released. */
static void refresh_signalfd(struct server_signalfd *entry, uint64_t taken)
{
	uint64_t mask;
	sigset_t set;

	if (!find_signalfd(entry))
		return;
	mask = atomic_load(&entry->wanted) & ~taken;
	if (mask == atomic_load(&entry->present))
		return;
	set = signal_set_to_sigset(mask);
	if (libc_calls.signalfd(atomic_load(&entry->fd_plus_one) - 1, &set, 0) >= 0)
		atomic_store(&entry->present, mask);
}

void signalfds_refresh(uint64_t taken)
{
	for (int i = 0; i < SIGNALFDS; i++)
		refresh_signalfd(&table[i], taken);
}

/* A forked child shares its parent's signalfds, in whose masks our signals are missing: it gets a file
 * of its own under the same number. */
static void own_signalfd(struct server_signalfd *entry, uint64_t taken)
{
	const int fd = atomic_exchange(&entry->fd_plus_one, 0) - 1;
	const sigset_t wanted = signal_set_to_sigset(atomic_load(&entry->wanted));
	uint64_t mask;
	int own;

	if (fd < 0 || !(atomic_load(&entry->wanted) & taken) || read_signalfd_mask(fd, &mask) != 0)
		return;
	own = libc_calls.signalfd(-1, &wanted, fcntl(fd, F_GETFL) & O_NONBLOCK ? SFD_NONBLOCK : 0);
	if (own < 0)
		return;
	(void)libc_calls.dup3(own, fd, fcntl(fd, F_GETFD) & FD_CLOEXEC ? O_CLOEXEC : 0);
	libc_calls.close(own);
}

void signalfds_make_own(uint64_t taken)
{
	for (int i = 0; i < SIGNALFDS; i++)
		own_signalfd(&table[i], taken);
}

bool signalfds_want(uint64_t bit)
{
	for (int i = 0; i < SIGNALFDS; i++) {
		if (atomic_load(&table[i].wanted) & bit && find_signalfd(&table[i]))
			return true;
	}
	return false;
}

void signalfds_note(int fd, const sigset_t *mask, uint64_t taken)
{
	const uint64_t kernel_mask =
		~(SIGNAL_BIT(SIGKILL) | SIGNAL_BIT(SIGSTOP)); /* signalfd(2) drops these */
	const uint64_t wanted = signal_set_from_sigset(mask);
	int slot = -1;

	for (int i = SIGNALFDS - 1; i >= 0; i--) {
		const int here = atomic_load(&table[i].fd_plus_one);

		if (here == fd + 1 || (!here && slot < 0))
			slot = i;
		if (here == fd + 1)
			break;
	}
	if (slot < 0)
		return;
	atomic_store(&table[slot].wanted, wanted);
	atomic_store(&table[slot].present, wanted & kernel_mask);
	atomic_store(&table[slot].fd_plus_one, fd + 1);
	if (wanted & taken)
		refresh_signalfd(&table[slot], taken);
}
