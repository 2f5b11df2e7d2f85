/* SPDX-License-Identifier: MIT */
/* System calls without libc: no errno, no cancellation, no lock. For code that runs in a process
 * which shares another's memory (a child between clone and exec would write the parent's errno),
 * and for calls that arrive before the constructor. */
#ifndef OCTOPUS_RAW_SYSCALL_H
#define OCTOPUS_RAW_SYSCALL_H

#include <errno.h>
#include <sys/syscall.h>

/* The kernel's answer: a result, or a negative errno. Context: any. */
static inline long raw_syscall6(long n, long a, long b, long c, long d, long e, long f)
{
#if defined(__x86_64__)
	long result;
	register long r10 __asm__("r10") = d;
	register long r8 __asm__("r8") = e;
	register long r9 __asm__("r9") = f;

	__asm__ volatile("syscall"
	                 : "=a"(result)
	                 : "0"(n), "D"(a), "S"(b), "d"(c), "r"(r10), "r"(r8), "r"(r9)
	                 : "rcx", "r11", "memory");
	return result;
#elif defined(__aarch64__)
	register long x8 __asm__("x8") = n;
	register long x0 __asm__("x0") = a;
	register long x1 __asm__("x1") = b;
	register long x2 __asm__("x2") = c;
	register long x3 __asm__("x3") = d;
	register long x4 __asm__("x4") = e;
	register long x5 __asm__("x5") = f;

	__asm__ volatile("svc 0"
	                 : "+r"(x0)
	                 : "r"(x8), "r"(x1), "r"(x2), "r"(x3), "r"(x4), "r"(x5)
	                 : "memory");
	return x0;
#else
#error "raw_syscall6: add this architecture's calling convention (syscall(2), ARCHITECTURE)"
#endif
}

#define RAW6(n, a, b, c, d, e, f) \
	raw_syscall6((n), (long)(a), (long)(b), (long)(c), (long)(d), (long)(e), (long)(f))
#define RAW0(n) RAW6(n, 0, 0, 0, 0, 0, 0)
#define RAW1(n, a) RAW6(n, a, 0, 0, 0, 0, 0)
#define RAW2(n, a, b) RAW6(n, a, b, 0, 0, 0, 0)
#define RAW3(n, a, b, c) RAW6(n, a, b, c, 0, 0, 0)
#define RAW4(n, a, b, c, d) RAW6(n, a, b, c, d, 0, 0)
#define RAW5(n, a, b, c, d, e) RAW6(n, a, b, c, d, e, 0)

/* Turns the kernel's answer into libc's: -1 and errno, or the result. Context: any. */
static inline long raw_result(long answer)
{
	if (answer < 0 && answer > -4096) {
		errno = (int)-answer;
		return -1;
	}
	return answer;
}

#endif
