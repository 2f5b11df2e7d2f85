/* SPDX-License-Identifier: MIT */
#include "drain/silence.h"

#include <errno.h>
#include <fcntl.h>
#include <stdatomic.h>
#include <string.h>

#include "base/bell.h"
#include "base/clock.h"
#include "base/interpose.h"
#include "base/test_step.h"
#include "base/text.h"
#include "drain/wake_threads.h"
#include "generation/generation.h"
#include "kernel/fd_limit.h"
#include "kernel/listeners.h"
#include "kernel/procfs.h"
#include "signal/dispositions.h"

/* Nobody stays inside for long; but on a busy machine one may wait for its turn in the middle. */
#define BARRIER_MS 2000

/* Written once, by the controller that silences; a fork's child inherits it. */
static struct {
	_Atomic bool is_listed; /* the table below is complete, and stays as it is */
	_Atomic bool is_on;
	_Atomic bool is_complete; /* every listener is replaced */
	int quiet_fd;
	int count;
	int fds[GENERATION_LISTENERS];
	bool was_blocking[GENERATION_LISTENERS];
	struct sockaddr_storage addresses[GENERATION_LISTENERS];
	socklen_t lengths[GENERATION_LISTENERS];
} silence;

static _Atomic int accepts_under_way;
static __thread bool thread_polls;

bool silence_is_on(void)
{
	return atomic_load_explicit(&silence.is_on, memory_order_acquire);
}

bool silence_is_prepared(void)
{
	return atomic_load_explicit(&silence.is_listed, memory_order_acquire);
}

int silence_address_count(void)
{
	return silence.count;
}

const struct sockaddr *silence_address(int index)
{
	return (const void *)&silence.addresses[index];
}

void silence_accept_enter(void)
{
	atomic_fetch_add_explicit(&accepts_under_way, 1, memory_order_seq_cst);
}

void silence_accept_leave(void)
{
	atomic_fetch_sub_explicit(&accepts_under_way, 1, memory_order_seq_cst);
}

void silence_forked(void)
{
	atomic_store(&accepts_under_way, 0);
}

bool silence_thread_polls(void)
{
	return thread_polls;
}

void silence_note_poller(void)
{
	thread_polls = true;
}

static int make_quiet_listener(int extra_type)
{
	const struct sockaddr autobind = {.sa_family = AF_UNIX};
	int error = test_step("quiet_listener");
	const int fd =
		error ? -1 : libc_calls.socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | extra_type, 0);

	if (fd < 0)
		return error ? error : -errno;
	if (libc_calls.bind(fd, &autobind, sizeof(sa_family_t)) == 0 &&
	    libc_calls.listen(fd, 1) == 0)
		return fd;
	error = -errno;
	libc_calls.close(fd);
	return error;
}

/* A server has a handful of epoll sets and a listener is in one to a few of them. */
#define MOST_EPOLL_SETS 256
#define MOST_REGISTRATIONS 64

struct epoll_sets {
	int fds[MOST_EPOLL_SETS];
	int count;
};

struct registration {
	int epoll_fd;
	struct epoll_event event;
};

struct move {
	int listener_fd;
	int epoll_fd; /* the set that is being read */
	int count;
	struct registration registrations[MOST_REGISTRATIONS];
};

static bool add_epoll_set(int fd, void *context)
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
	return sets->count < MOST_EPOLL_SETS;
}

static bool add_registration(const struct epoll_entry *entry, void *context)
{
	struct move *move = context;
	struct registration *next = &move->registrations[move->count];

	if (entry->fd != move->listener_fd)
		return true;
	*next = (struct registration){move->epoll_fd, {.events = entry->events}};
	next->event.data.u64 = entry->data;
	move->count++;
	return move->count < MOST_REGISTRATIONS;
}

static void find_registrations(const struct epoll_sets *sets, struct move *move)
{
	for (int i = 0; i < sets->count && move->count < MOST_REGISTRATIONS; i++) {
		move->epoll_fd = sets->fds[i];
		(void)procfs_each_epoll_entry(sets->fds[i], add_registration, move);
	}
}

/* An epoll registration belongs to the open file, not to the number (epoll(7), "Q6"): it is taken
 * out while the number still leads to the listener, and made anew for the quiet one with the same
 * events and data, so that the server's later EPOLL_CTL_MOD or _DEL finds what it expects. */
static int replace_listener(int fd, const struct epoll_sets *sets)
{
	struct move move = {.listener_fd = fd};
	const int fd_flags = fcntl(fd, F_GETFD);
	int result;

	find_registrations(sets, &move);
	for (int i = 0; i < move.count; i++)
		(void)epoll_ctl(move.registrations[i].epoll_fd, EPOLL_CTL_DEL, fd, NULL);
	result = libc_calls.dup3(silence.quiet_fd, fd, fd_flags & FD_CLOEXEC ? O_CLOEXEC : 0);
	for (int i = 0; i < move.count; i++)
		(void)epoll_ctl(move.registrations[i].epoll_fd, EPOLL_CTL_ADD, fd,
		                &move.registrations[i].event);
	return result < 0 ? -errno : 0;
}

static void remember_listener(int fd)
{
	const int at = silence.count;
	socklen_t length = sizeof(silence.addresses[0]);

	memset(&silence.addresses[at], 0, sizeof(silence.addresses[at]));
	silence.fds[at] = fd;
	silence.was_blocking[at] = !(fcntl(fd, F_GETFL) & O_NONBLOCK);
	if (libc_calls.getsockname(fd, (void *)&silence.addresses[at], &length) != 0)
		return;
	silence.lengths[at] = length;
	silence.count++;
}

struct keeping {
	const int *fds;
	int count;
};

static bool is_kept(const struct keeping *kept, int fd)
{
	for (int i = 0; i < kept->count; i++) {
		if (kept->fds[i] == fd)
			return true;
	}
	return false;
}

static bool remember_if_listening(int fd, void *context)
{
	if (listeners_is_listening(fd) && !is_kept(context, fd))
		remember_listener(fd);
	return silence.count < GENERATION_LISTENERS;
}

static void pause_briefly(void)
{
	const struct timespec moment = {0, 200000};

	(void)libc_calls.nanosleep(&moment, NULL);
}

void silence_await(int64_t limit_ms)
{
	const int64_t end = clock_now_ms() + limit_ms;

	while (!atomic_load(&silence.is_complete) && clock_now_ms() < end)
		pause_briefly();
}

/* Every accept() that was inside when the listeners were replaced has returned by now or is being
 * woken: a connection it got has its descriptor before it leaves. */
static void wait_for_accepts(void)
{
	const int64_t end = clock_now_ms() + BARRIER_MS;

	while (atomic_load(&accepts_under_way) > 0 && clock_now_ms() < end)
		pause_briefly();
}

static int replace_all(struct keeping *kept)
{
	/* Static: the controller's stack is small, and there is one controller. */
	static struct epoll_sets sets;
	int quiet;

	sets.count = 0;
	procfs_each_fd(0, add_epoll_set, &sets);
	if (!atomic_load(&silence.is_listed))
		procfs_each_fd(0, remember_if_listening, kept);
	atomic_store_explicit(&silence.is_listed, true, memory_order_release);
	/* Not before: it listens as well. */
	quiet = make_quiet_listener(SOCK_NONBLOCK);
	if (quiet < 0)
		return quiet;
	silence.quiet_fd = quiet;
	atomic_store_explicit(&silence.is_on, true, memory_order_release);
	for (int i = 0; i < silence.count; i++)
		(void)replace_listener(silence.fds[i], &sets);
	atomic_store(&silence.is_complete, true);
	libc_calls.close(quiet);
	silence.quiet_fd = -1;
	(void)test_step("replaced");
	wake_threads(silence.fds, silence.count);
	wait_for_accepts();
	return 0;
}

int silence_begin(const int *kept, int count)
{
	struct keeping keeping = {kept, count};
	struct fd_limit before;
	int result;

	if (silence_is_on())
		return 0;
	fd_limit_raise(&before);
	result = replace_all(&keeping);
	fd_limit_restore(&before);
	return result;
}

static bool rearm_if_waiting(int fd, void *context)
{
	struct pollfd request = {.fd = fd, .events = POLLIN};
	struct move move = {.listener_fd = fd};

	if (!listeners_is_listening(fd) || libc_calls.poll(&request, 1, 0) <= 0)
		return true;
	find_registrations(context, &move);
	for (int i = 0; i < move.count; i++) {
		struct registration *entry = &move.registrations[i];

		if (!(entry->event.events & EPOLLEXCLUSIVE))
			continue;
		/* EPOLL_CTL_MOD is not allowed for these. */
		(void)epoll_ctl(entry->epoll_fd, EPOLL_CTL_DEL, fd, NULL);
		(void)epoll_ctl(entry->epoll_fd, EPOLL_CTL_ADD, fd, &entry->event);
	}
	return true;
}

void silence_rearm_exclusive(void)
{
	static struct epoll_sets sets;

	if (silence_is_on())
		return;
	sets.count = 0;
	procfs_each_fd(0, add_epoll_set, &sets);
	if (sets.count > 0)
		procfs_each_fd(0, rearm_if_waiting, &sets);
}

static int find_listener(int fd)
{
	for (int i = 0; i < silence.count; i++) {
		if (silence.fds[i] == fd)
			return i;
	}
	return -1;
}

/* EINVAL: the listener was ended under a thread that nobody could wake. EMFILE, ENFILE: the kernel asks for
 * the descriptor before it looks whether there is a connection. */
static bool is_quiet_error(int error)
{
	return error == EAGAIN || error == EINVAL || error == EMFILE || error == ENFILE;
}

void silence_accept_failed(int fd)
{
	int quiet, result, error, index;

	/* Before, the table is the controller's alone. Afterwards it may come to an end without silence. */
	if (!is_quiet_error(errno) || !silence_is_prepared())
		return;
	index = find_listener(fd);
	if (index < 0)
		return;
	errno = EAGAIN;
	if (!silence.was_blocking[index])
		return;
	if (thread_polls) {
		errno = ECONNABORTED;
		return;
	}
	/* In the kernel, on a quiet listener of its own that does block: whatever the server's
	 * signal handlers expect of an accept() (a restart, or EINTR) is what they get. */
	quiet = make_quiet_listener(0);
	if (quiet < 0) {
		do
			(void)libc_calls.pause();
		while (dispositions_interrupted_us());
		return;
	}
	do
		result = libc_calls.accept(quiet, NULL, NULL);
	while (result < 0 && dispositions_interrupted_us());
	error = errno;
	libc_calls.close(quiet);
	errno = error;
}

/* The number may have been closed and used anew since. */
static bool is_still_quiet(int fd)
{
	struct sockaddr_storage now = {0};
	socklen_t length = sizeof(now);

	return listeners_is_listening(fd) &&
	       libc_calls.getsockname(fd, (void *)&now, &length) == 0 && now.ss_family == AF_UNIX;
}

bool silence_get_address(int fd, struct sockaddr *address, socklen_t *length)
{
	for (int i = 0; i < silence.count; i++) {
		if (silence.fds[i] != fd || !is_still_quiet(fd) || !address || !length)
			continue;
		memcpy(address, &silence.addresses[i],
		       *length < silence.lengths[i] ? *length : silence.lengths[i]);
		*length = silence.lengths[i];
		return true;
	}
	return false;
}
