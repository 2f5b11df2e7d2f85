/* SPDX-License-Identifier: MIT */
/* Wraps the calls that change limits and scheduling, only so that the start image is completed
 * before. */
#include "base/interpose.h"

#include "generation/start_image.h"

static void keep(void)
{
	libc_calls_ensure();
	start_image_keep_resources();
}

EXPORT int setrlimit(limit_number number, const struct rlimit *limit)
{
	keep();
	return libc_calls.setrlimit(number, limit);
}

EXPORT int prlimit(pid_t pid, limit_number number, const struct rlimit *limit, struct rlimit *old)
{
	keep();
	return libc_calls.prlimit(pid, number, limit, old);
}

EXPORT int nice(int increment)
{
	keep();
	return libc_calls.nice(increment);
}

EXPORT int setpriority(priority_kind kind, id_t id, int priority)
{
	keep();
	return libc_calls.setpriority(kind, id, priority);
}

EXPORT int sched_setscheduler(pid_t pid, int policy, const struct sched_param *parameter)
{
	keep();
	return libc_calls.sched_setscheduler(pid, policy, parameter);
}

EXPORT int sched_setparam(pid_t pid, const struct sched_param *parameter)
{
	keep();
	return libc_calls.sched_setparam(pid, parameter);
}

EXPORT int sched_setaffinity(pid_t pid, size_t size, const cpu_set_t *cpus)
{
	keep();
	return libc_calls.sched_setaffinity(pid, size, cpus);
}

EXPORT int pthread_setschedparam(pthread_t thread, int policy, const struct sched_param *parameter)
{
	keep();
	return libc_calls.pthread_setschedparam(thread, policy, parameter);
}

#ifdef __GLIBC__
EXPORT int setrlimit64(limit_number number, const struct rlimit64 *limit)
{
	keep();
	return libc_calls.setrlimit64(number, limit);
}

EXPORT int prlimit64(pid_t pid, limit_number number, const struct rlimit64 *limit,
                     struct rlimit64 *old)
{
	keep();
	return libc_calls.prlimit64(pid, number, limit, old);
}

EXPORT int pthread_setaffinity_np(pthread_t thread, size_t size, const cpu_set_t *cpus)
{
	keep();
	return libc_calls.pthread_setaffinity_np(thread, size, cpus);
}

EXPORT int pthread_setschedprio(pthread_t thread, int priority)
{
	keep();
	return libc_calls.pthread_setschedprio(thread, priority);
}
#endif
