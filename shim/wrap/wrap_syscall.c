/* SPDX-License-Identifier: MIT */
/* Wraps syscall(2), because an older libuv calls accept4 and epoll by number, and libseccomp calls
 * seccomp(2) so. */
#include "base/interpose.h"

#include <linux/seccomp.h>
#include <stdarg.h>
#include <sys/prctl.h>
#include <sys/syscall.h>

#include "base/raw_syscall.h"
#include "control/entering.h"
#include "generation/start_image.h"

/* The result is a descriptor for a filter with SECCOMP_FILTER_FLAG_NEW_LISTENER. With
 * SECCOMP_FILTER_FLAG_TSYNC it may be a thread that could not follow. */
static long enter_sandbox(unsigned operation, unsigned long flags, const void *program)
{
	struct entering entering;
	bool has_begun;
	long result;

	if (operation != SECCOMP_SET_MODE_STRICT && operation != SECCOMP_SET_MODE_FILTER)
		return raw_result(RAW3(SYS_seccomp, operation, flags, program));
	entering_begin(&entering);
	result = RAW3(SYS_seccomp, operation, flags, program);
	has_begun = flags & SECCOMP_FILTER_FLAG_NEW_LISTENER ? result >= 0 : result == 0;
	entering_end(&entering, has_begun, program, flags & SECCOMP_FILTER_FLAG_TSYNC);
	return raw_result(result);
}

/* Reads six arguments, although a caller may have passed fewer. The kernel does not use the
 * others. */
EXPORT long syscall(long number, ...)
{
	va_list list;
	long a[6];

	va_start(list, number);
	for (int i = 0; i < 6; i++)
		a[i] = va_arg(list, long);
	va_end(list);
	switch (number) {
	case SYS_accept4:
		return accept4((int)a[0], (void *)a[1], (void *)a[2], (int)a[3]);
#ifdef SYS_accept
	case SYS_accept:
		return accept((int)a[0], (void *)a[1], (void *)a[2]);
#endif
	case SYS_epoll_ctl:
		return epoll_ctl((int)a[0], (int)a[1], (int)a[2], (void *)a[3]);
#ifdef SYS_epoll_wait
	case SYS_epoll_wait:
		return epoll_wait((int)a[0], (void *)a[1], (int)a[2], (int)a[3]);
#endif
	case SYS_bind:
		return bind((int)a[0], (void *)a[1], (socklen_t)a[2]);
	case SYS_listen:
		return listen((int)a[0], (int)a[1]);
	case SYS_connect:
		return connect((int)a[0], (void *)a[1], (socklen_t)a[2]);
	case SYS_prctl:
		return prctl((int)a[0], a[1], a[2], a[3], a[4]);
	case SYS_getppid:
		return getppid();
	case SYS_seccomp:
		return enter_sandbox((unsigned)a[0], (unsigned long)a[1], (void *)a[2]);
	case SYS_prlimit64:
	case SYS_setpriority:
	case SYS_sched_setaffinity:
	case SYS_sched_setattr:
	case SYS_ioprio_set: /* libc has no function for it */
		start_image_keep_resources();
		break;
	default:
		break;
	}
	return raw_result(raw_syscall6(number, a[0], a[1], a[2], a[3], a[4], a[5]));
}
