/* SPDX-License-Identifier: MIT */
#include "kernel/interrupted_call.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/futex.h>
#include <stdint.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <ucontext.h>

#include "base/raw_stat.h"

/* The registers of the interrupted thread: where it goes on, and how it calls the kernel. */
struct call {
	const unsigned char *at; /* the next instruction */
	long number, first, second;
	long *result;
};

#if defined(__x86_64__)

static const unsigned char call_instruction[] = {0x0f, 0x05}; /* syscall */

static struct call look(ucontext_t *context)
{
	greg_t *r = context->uc_mcontext.gregs;

	return (struct call){(const void *)(uintptr_t)r[REG_RIP], (long)r[REG_RAX],
	                     (long)r[REG_RDI], (long)r[REG_RSI], (long *)&r[REG_RAX]};
}

static void skip(ucontext_t *context)
{
	context->uc_mcontext.gregs[REG_RIP] += sizeof(call_instruction);
}

#elif defined(__aarch64__)

static const unsigned char call_instruction[] = {0x01, 0x00, 0x00, 0xd4}; /* svc #0 */

static struct call look(ucontext_t *context)
{
	mcontext_t *m = &context->uc_mcontext;

	return (struct call){(const void *)m->pc, (long)m->regs[8], (long)m->regs[0],
	                     (long)m->regs[1], (long *)&m->regs[0]};
}

static void skip(ucontext_t *context)
{
	context->uc_mcontext.pc += sizeof(call_instruction);
}

#endif

/* Reading a file never fails with EINTR, and few programs would expect it. */
static bool is_file(int fd)
{
	struct stat status;

	return raw_fstat(fd, &status) != 0 || S_ISREG(status.st_mode) || S_ISBLK(status.st_mode);
}

/* The calls that signal(7) lists as restarted by SA_RESTART. The thread may also stand before its
 * first entry into one: then EINTR is as if the signal had come a moment later. */
static bool may_fail(const struct call *call)
{
	const long operation = call->second & FUTEX_CMD_MASK;

	switch (call->number) {
	case SYS_read:
	case SYS_readv:
	case SYS_write:
	case SYS_writev:
		return !is_file((int)call->first);
#ifdef SYS_accept
	case SYS_accept:
#endif
	case SYS_accept4:
	case SYS_connect:
	case SYS_recvfrom:
	case SYS_recvmsg:
	case SYS_recvmmsg:
	case SYS_sendto:
	case SYS_sendmsg:
	case SYS_sendmmsg:
	case SYS_wait4:
	case SYS_waitid:
	case SYS_flock:
	case SYS_mq_timedsend:
	case SYS_mq_timedreceive:
		return true;
	case SYS_fcntl:
		return call->second == F_SETLKW;
	case SYS_futex:
		return operation == FUTEX_WAIT || operation == FUTEX_WAIT_BITSET;
	default:
		return false;
	}
}

bool interrupted_call_fails(void *context, bool restarts)
{
	const struct call call = look(context);

	if (*call.result == -EINTR)
		return true;
	if (restarts || memcmp(call.at, call_instruction, sizeof(call_instruction)) != 0 ||
	    !may_fail(&call))
		return false;
	skip(context);
	*call.result = -EINTR;
	return true;
}
