/* SPDX-License-Identifier: MIT */
#include "signal/wake_signal.h"

#include <errno.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdint.h>

#include "base/raw_syscall.h"
#include "base/signal_set.h"
#include "base/text.h"
#include "generation/generation.h"
#include "generation/members.h"
#include "kernel/process.h"
#include "kernel/procfs.h"
#include "signal/our_interrupts.h"

/* The first real-time signal: glibc's SIGCANCEL, musl's SIGTIMER. */
#define WAKE_SIGNAL 32
#define WAKE_VALUE 0x6f637431 /* "oct1" */

#ifndef SA_RESTORER
#define SA_RESTORER 0x04000000
#endif

typedef void (*info_handler)(int, siginfo_t *, void *);

/* The kernel's struct sigaction (rt_sigaction(2)). libc's refuses this signal. */
struct kernel_action {
	info_handler handler;
	unsigned long flags;
	void (*restorer)(void);
	uint64_t mask;
};

#define HANDLER_FLAGS (SA_SIGINFO | SA_ONSTACK | SA_RESTART | RESTORER_FLAG)

static struct {
	_Atomic(info_handler) next; /* libc's own handler */
	void (*wake)(void);
	void (*hear)(struct wake_word word, pid_t sender);
	_Atomic bool is_armed;
} waking;

#ifdef __x86_64__
/* The kernel needs one on this architecture. Unwinders know it by its bytes. */
void wake_signal_restore(void) __attribute__((visibility("hidden")));
__asm__(".text\n"
        ".balign 16\n"
        "nop\n"
        ".hidden wake_signal_restore\n"
        ".type wake_signal_restore, @function\n"
        "wake_signal_restore:\n"
        "mov $15, %rax\n"
        "syscall\n"
        ".size wake_signal_restore, . - wake_signal_restore\n");
#define RESTORER wake_signal_restore
#define RESTORER_FLAG SA_RESTORER
#else
#define RESTORER NULL
#define RESTORER_FLAG 0
#endif

/* The value is a pointer's, of 64 bits. Its lower half is the int. */
static struct wake_word read_word(const siginfo_t *info)
{
	const uint64_t word = (uint64_t)(uintptr_t)info->si_value.sival_ptr >> 32;

	return (struct wake_word){
		.what = (uint8_t)(word >> 24),
		.number = (int32_t)(uint32_t)(word << 8) >> 8,
	};
}

static void write_word(siginfo_t *info, struct wake_word word)
{
	const uint64_t upper = (uint64_t)word.what << 24 | ((uint32_t)word.number & 0xffffffu);

	info->si_value.sival_ptr = (void *)(uintptr_t)(upper << 32 | WAKE_VALUE);
}

static void on_wake(int sig, siginfo_t *info, void *context)
{
	const info_handler next = atomic_load(&waking.next);
	const int saved = errno;
	struct wake_word word;

	if (info->si_code != SI_QUEUE || info->si_value.sival_int != WAKE_VALUE) {
		if (next)
			next(sig, info, context);
		return;
	}
	our_interrupts_note();
	word = read_word(info);
	if (word.what && waking.hear)
		waking.hear(word, info->si_pid);
	else if (!word.what && waking.wake && generation_is_of_this_process())
		waking.wake();
	errno = saved;
}

static bool is_libcs(const struct kernel_action *action)
{
	return action->handler != on_wake && (void *)action->handler != (void *)SIG_DFL &&
	       (void *)action->handler != (void *)SIG_IGN;
}

static void set_before(const struct kernel_action *present)
{
	struct kernel_action action = {.handler = on_wake, .restorer = RESTORER, .mask = ~0ULL};

	action.flags = HANDLER_FLAGS;
	if (is_libcs(present)) {
		atomic_store(&waking.next, present->handler);
		action.mask = present->mask;
	}
	(void)RAW4(SYS_rt_sigaction, WAKE_SIGNAL, &action, NULL, sizeof(uint64_t));
}

void wake_signal_arm_again(void)
{
	struct kernel_action present = {0};

	if (!atomic_load(&waking.is_armed) && !waking.hear)
		return;
	(void)RAW4(SYS_rt_sigaction, WAKE_SIGNAL, NULL, &present, sizeof(uint64_t));
	if (present.handler != on_wake)
		set_before(&present);
}

void wake_signal_hear(void (*hear)(struct wake_word word, pid_t sender))
{
	struct kernel_action action = {.handler = on_wake, .restorer = RESTORER, .mask = ~0ULL};
	struct kernel_action before = {0};

	waking.hear = hear;
	action.flags = HANDLER_FLAGS;
	(void)RAW4(SYS_rt_sigaction, WAKE_SIGNAL, &action, &before, sizeof(uint64_t));
	if (is_libcs(&before))
		set_before(&before);
}

void wake_signal_note_interrupt(void)
{
	atomic_store(&waking.is_armed, true);
}

void wake_signal_arm(void (*wake)(void))
{
	waking.wake = wake;
	atomic_store(&waking.is_armed, true);
	wake_signal_arm_again();
}

bool wake_signal_is_armed(void)
{
	return atomic_load_explicit(&waking.is_armed, memory_order_relaxed);
}

/* A worker is armed before it takes its slot. One that has executed another program since has no
 * handler any more. Without /proc nobody can tell. */
static bool has_handler(pid_t pid)
{
	char path[64];
	uint64_t caught;

	text_format(path, sizeof(path), "/proc/%d/status", pid);
	if (procfs_read_mask(path, "SigCgt:", &caught) == 0)
		return signal_set_has(caught, WAKE_SIGNAL);
	return procfs_read_mask("/proc/self/status", "SigCgt:", &caught) != 0;
}

static siginfo_t describe(void)
{
	siginfo_t info = {.si_signo = WAKE_SIGNAL, .si_code = SI_QUEUE};

	info.si_pid = generation.pid;
	write_word(&info, (struct wake_word){0});
	return info;
}

void wake_signal_tell(void)
{
	siginfo_t info = describe();

	members_signal_workers(WAKE_SIGNAL, &info, has_handler);
}

void wake_signal_send(pid_t pid, bool (*is_it)(pid_t pid, const void *context), const void *context)
{
	siginfo_t info = describe();

	if (has_handler(pid))
		(void)process_signal_if(pid, WAKE_SIGNAL, &info, is_it, context);
}

int wake_signal_say(pid_t pid, struct wake_word word, bool (*is_it)(pid_t pid, const void *context),
                    const void *context)
{
	siginfo_t info = describe();

	write_word(&info, word);
	return has_handler(pid) ? process_signal_if(pid, WAKE_SIGNAL, &info, is_it, context)
	                        : -ENOENT;
}
