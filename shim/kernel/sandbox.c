/* SPDX-License-Identifier: MIT */
#include "kernel/sandbox.h"

#include <linux/audit.h>
#include <sched.h>
#include <stdatomic.h>
#include <stddef.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/syscall.h>

#include "base/log.h"
#include "kernel/seccomp_filter.h"

#if defined(__x86_64__)
#define THIS_ARCH AUDIT_ARCH_X86_64
#elif defined(__aarch64__)
#define THIS_ARCH AUDIT_ARCH_AARCH64
#endif

#define THREAD_FLAGS                                                                        \
	(CLONE_VM | CLONE_FS | CLONE_FILES | CLONE_SYSVSEM | CLONE_SIGHAND | CLONE_THREAD | \
	 CLONE_SETTLS | CLONE_PARENT_SETTID | CLONE_CHILD_CLEARTID)
#define FILES (SANDBOX_FILES | SANDBOX_PIDFILE)
#define ALL (SANDBOX_WRAPPERS | FILES | SANDBOX_CONTROLLER | SANDBOX_SPAWN)

/* What the library calls, for what, and with which first argument. Without libc's own calls it
 * could do nothing, so these are here, too. */
static const struct own_call {
	const char *name;
	uint64_t argument;
	int number;
	uint32_t purposes;
} own_calls[] = {
#define CALL(name, argument, purposes)                \
	{                                             \
#name, argument, SYS_##name, purposes \
	}
	CALL(execve, 0, SANDBOX_SPAWN),
	CALL(clone, CLONE_VM | CLONE_FILES, SANDBOX_SPAWN),
	CALL(memfd_create, 0, SANDBOX_SPAWN),
	CALL(wait4, 0, SANDBOX_SPAWN),
	CALL(kill, 0, SANDBOX_SPAWN | SANDBOX_CONTROLLER),
	CALL(openat, 0, ALL),
	CALL(close, 0, ALL),
	CALL(write, 0, FILES | SANDBOX_STDERR),
	CALL(fcntl, 0, ALL | SANDBOX_STDERR),
#ifdef SYS_newfstatat
	CALL(newfstatat, 0, FILES | SANDBOX_STDERR),
#endif
	CALL(fstat, 0, FILES | SANDBOX_STDERR),
	CALL(geteuid, 0, FILES),
	CALL(getrandom, 0, SANDBOX_PIDFILE),
	CALL(renameat, 0, SANDBOX_PIDFILE),
	CALL(unlinkat, 0, SANDBOX_PIDFILE),
	CALL(pread64, 0, SANDBOX_KEPT),
	CALL(pwrite64, 0, SANDBOX_KEPT),
	CALL(ftruncate, 0, SANDBOX_KEPT),
#ifdef SYS_poll
	CALL(poll, 0, SANDBOX_STDERR),
#else
	CALL(ppoll, 0, SANDBOX_STDERR),
#endif
	CALL(futex, 0, SANDBOX_WRAPPERS | SANDBOX_CONTROLLER | SANDBOX_SPAWN),
	CALL(getpid, 0, SANDBOX_WRAPPERS | SANDBOX_CONTROLLER),
	CALL(getsockopt, 0, SANDBOX_WRAPPERS | SANDBOX_CONTROLLER | SANDBOX_SPAWN),
	CALL(getsockname, 0, SANDBOX_WRAPPERS | SANDBOX_CONTROLLER | SANDBOX_SPAWN),
	CALL(sendmsg, 0, SANDBOX_WRAPPERS | SANDBOX_BROKER),
	CALL(nanosleep, 0, SANDBOX_WRAPPERS | SANDBOX_CONTROLLER),
	CALL(read, 0, SANDBOX_WRAPPERS | SANDBOX_PIDFILE | SANDBOX_CONTROLLER | SANDBOX_SPAWN),
	CALL(getdents64, 0, SANDBOX_WRAPPERS | SANDBOX_CONTROLLER | SANDBOX_SPAWN),
	CALL(clone, THREAD_FLAGS, SANDBOX_CONTROLLER),
#ifdef SYS_clone3
	CALL(clone3, 0, SANDBOX_CONTROLLER),
#endif
	CALL(mmap, 0, SANDBOX_CONTROLLER | SANDBOX_SPAWN | SANDBOX_FORK),
	CALL(madvise, 0, SANDBOX_FORK),
	CALL(mincore, 0, SANDBOX_FORK),
	CALL(waitid, 0, SANDBOX_FORK),
#ifdef SYS_pidfd_open
	CALL(pidfd_open, 0, SANDBOX_PIDFD),
#endif
#ifdef SYS_pidfd_getfd
	CALL(pidfd_getfd, 0, SANDBOX_PIDFD),
#endif
#ifdef SYS_pidfd_send_signal
	CALL(pidfd_send_signal, 0, SANDBOX_PIDFD),
#endif
	CALL(munmap, 0, SANDBOX_CONTROLLER | SANDBOX_SPAWN),
	CALL(mprotect, 0, SANDBOX_CONTROLLER),
	CALL(set_robust_list, 0, SANDBOX_CONTROLLER),
#ifdef SYS_rseq
	CALL(rseq, 0, SANDBOX_CONTROLLER),
#endif
	CALL(prctl, PR_SET_NAME, SANDBOX_CONTROLLER),
	CALL(rt_sigprocmask, 0, SANDBOX_CONTROLLER | SANDBOX_SPAWN),
	CALL(socket, 0, SANDBOX_CONTROLLER),
	CALL(socket, AF_UNIX, SANDBOX_BROKER),
	CALL(bind, 0, SANDBOX_CONTROLLER | SANDBOX_BROKER),
	CALL(listen, 0, SANDBOX_CONTROLLER | SANDBOX_BROKER),
	CALL(setsockopt, 0, SANDBOX_BROKER),
	CALL(accept4, 0, SANDBOX_BROKER),
	CALL(clone, CLONE_VM, SANDBOX_BROKER),
	CALL(recvmsg, 0, SANDBOX_BROKER),
	CALL(dup3, 0, SANDBOX_CONTROLLER),
	CALL(epoll_ctl, 0, SANDBOX_CONTROLLER),
	CALL(shutdown, 0, SANDBOX_CONTROLLER),
	CALL(ioctl, 0, SANDBOX_CONTROLLER),
	CALL(tgkill, 0, SANDBOX_CONTROLLER),
	CALL(prlimit64, 0, SANDBOX_RESOURCES),
	CALL(sched_getattr, 0, SANDBOX_RESOURCES),
	CALL(sched_setattr, 0, SANDBOX_RESOURCES),
	CALL(sched_getaffinity, 0, SANDBOX_RESOURCES),
	CALL(sched_setaffinity, 0, SANDBOX_RESOURCES),
	CALL(ioprio_get, 1 /* IOPRIO_WHO_PROCESS */, SANDBOX_RESOURCES),
	CALL(ioprio_set, 1, SANDBOX_RESOURCES),
#undef CALL
};
#define OWN_CALLS (sizeof(own_calls) / sizeof(own_calls[0]))
_Static_assert(OWN_CALLS <= 64, "a bit for each");

_Atomic uint32_t sandbox_deadly;

/* Sets of own_calls, by index: deadly in some thread, and in the controller. */
static _Atomic uint64_t deadly_calls, deadly_in_controller;

static bool is_deadly(uint32_t action)
{
	switch (action & SECCOMP_RET_ACTION_FULL) {
	case SECCOMP_RET_ALLOW:
	case SECCOMP_RET_ERRNO:
	case SECCOMP_RET_TRACE:
#ifdef SECCOMP_RET_LOG
	case SECCOMP_RET_LOG:
#endif
#ifdef SECCOMP_RET_USER_NOTIF
	case SECCOMP_RET_USER_NOTIF:
#endif
		return false;
	default:
		/* SECCOMP_RET_TRAP, too: the server's handler does not expect our call. */
		return true;
	}
}

/* All log lines but a few at the start are the controller's. */
static void limit_controller(uint64_t calls)
{
	atomic_fetch_or(&deadly_in_controller, calls);
	log_limit(!sandbox_deadly_for_controller(SANDBOX_FILES),
	          !sandbox_deadly_for_controller(SANDBOX_STDERR));
}

static void note(uint64_t calls, bool is_for_all)
{
	uint32_t purposes = 0;

	for (size_t i = 0; i < OWN_CALLS; i++)
		purposes |= calls >> i & 1 ? own_calls[i].purposes : 0;
	atomic_fetch_or(&deadly_calls, calls);
	atomic_fetch_or(&sandbox_deadly, purposes);
	if (is_for_all)
		limit_controller(calls);
}

/* The thread may read, write, exit and return from a handler (seccomp(2)). */
void sandbox_note_strict(void)
{
	uint64_t calls = 0;

	for (size_t i = 0; i < OWN_CALLS; i++) {
		if (own_calls[i].number != SYS_read && own_calls[i].number != SYS_write)
			calls |= 1ULL << i;
	}
	note(calls, false);
}

void sandbox_note_filter(const void *program, bool is_for_all)
{
	uint64_t calls = 0;

	for (size_t i = 0; i < OWN_CALLS; i++) {
		const struct seccomp_data data = {.nr = own_calls[i].number,
		                                  .arch = THIS_ARCH,
		                                  .args = {own_calls[i].argument}};

		if (is_deadly(seccomp_filter_run(program, &data)))
			calls |= 1ULL << i;
	}
	note(calls, is_for_all);
}

void sandbox_controller_starts(void)
{
	limit_controller(atomic_load(&deadly_calls));
}

const char *sandbox_deadly_for_controller(uint32_t purposes)
{
	const uint64_t calls = atomic_load(&deadly_in_controller);

	for (size_t i = 0; i < OWN_CALLS; i++) {
		if (calls >> i & 1 && own_calls[i].purposes & purposes)
			return own_calls[i].name;
	}
	return NULL;
}
