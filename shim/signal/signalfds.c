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
	_Atomic uint64_t present; /* the mask in the kernel */
};

/* The thread that makes a signalfd fills its entry; the controller reads it. */
static struct server_signalfd table[SIGNALFDS];

static int read_signalfd_mask(int fd, uint64_t *ret_mask)
{
	char path[64];

	text_format(path, sizeof(path), "/proc/self/fdinfo/%d", fd);
	return procfs_read_mask(path, "sigmask:", ret_mask);
}

/* The number may be another signalfd by now. A mask is all that tells them apart. */
static bool is_still_there(const struct server_signalfd *entry, int fd)
{
	uint64_t mask;

	return read_signalfd_mask(fd, &mask) == 0 && mask == atomic_load(&entry->present);
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

	if (is_named(fd) || !is_still_there(entry, fd))
		return true;
	atomic_store(&entry->fd_plus_one, fd + 1);
	return false;
}

/* Finds the signalfd again if its number is not that any more: the server has closed it, or has
 * moved it to another number (event loops keep theirs away from 0-2). Returns false if it is
 * gone. */
static bool find_signalfd(struct server_signalfd *entry)
{
	const int before = atomic_load(&entry->fd_plus_one);
	uint64_t mask;

	if (before == 0)
		return false;
	if (is_still_there(entry, before - 1))
		return true;
	procfs_each_fd(0, follow_if_same, entry);
	if (atomic_load(&entry->fd_plus_one) != before)
		return true;
	if (read_signalfd_mask(before - 1, &mask) != 0)
		atomic_store(&entry->fd_plus_one, 0);
	return false;
}

/* A signalfd would receive a signal before any handler does. So we keep our signals out of the
 * server's signalfds, and put them back on release. */
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

/* A forked child shares its parent's signalfds, whose masks lack our signals. It gets a signalfd of
 * its own under the same number. */
static void own_signalfd(struct server_signalfd *entry, uint64_t taken)
{
	const int fd = atomic_exchange(&entry->fd_plus_one, 0) - 1;
	const sigset_t wanted = signal_set_to_sigset(atomic_load(&entry->wanted));
	int own;

	if (fd < 0 || !(atomic_load(&entry->wanted) & taken) || !is_still_there(entry, fd))
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
