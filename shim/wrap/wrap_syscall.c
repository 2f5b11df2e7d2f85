/* SPDX-License-Identifier: MIT */
/* Wraps syscall(2), because an older libuv calls accept4 and epoll by number. */
#include "base/interpose.h"

#include <stdarg.h>
#include <sys/syscall.h>

#include "base/raw_syscall.h"

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
	default:
		return raw_result(raw_syscall6(number, a[0], a[1], a[2], a[3], a[4], a[5]));
	}
}
