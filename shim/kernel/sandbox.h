/* SPDX-License-Identifier: MIT */
/* Owns what is known of the sandbox in which this process has shut itself, by prctl(2) or
 * seccomp(2): which calls of our own the kernel would punish with death. A call that merely fails
 * needs no care. What a process was given before its exec, or set without libc, is not known. */
#ifndef OCTOPUS_SANDBOX_H
#define OCTOPUS_SANDBOX_H

#include <stdbool.h>
#include <stdint.h>

/* For what the library makes calls of its own. */
#define SANDBOX_WRAPPERS 1u   /* in the server's own threads, beside what the server calls */
#define SANDBOX_FILES 2u      /* to open and write the log */
#define SANDBOX_PIDFILE 32u   /* to read, replace and remove the pid file */
#define SANDBOX_STDERR 16u    /* to write the log to stderr */
#define SANDBOX_CONTROLLER 4u /* to start a controller, and to drain */
#define SANDBOX_SPAWN 8u      /* to start a successor */
#define SANDBOX_PIDFD 128u    /* to signal by a pidfd */
#define SANDBOX_FORK 64u      /* beside the server's fork */
/* To read the resources of the start, and to give them a successor. */
#define SANDBOX_RESOURCES 256u
/* To answer those who ask for a listener (upgrade/broker.h). */
#define SANDBOX_BROKER 512u
/* To write and read the pid file that was kept open (base/kept_fd.h). */
#define SANDBOX_KEPT 1024u

/* Which of these are deadly in some thread. A thread inherits its maker's filters, and makers are
 * not recorded, so this is not told by thread. Context: any. */
extern _Atomic uint32_t sandbox_deadly;

/* True if the wrappers must add no call to the server's. Context: any. */
static inline bool sandbox_is_tight(void)
{
	return __builtin_expect(
		(__atomic_load_n((const uint32_t *)&sandbox_deadly, __ATOMIC_RELAXED) &
	         SANDBOX_WRAPPERS) != 0,
		0);
}

/* Notes a sandbox that is in force: the strict one, or the filter PROGRAM, a struct sock_fprog that
 * the kernel has accepted. IS_FOR_ALL: all threads of the process are in it, not only this one.
 * They make no system call. Context: any. */
void sandbox_note_strict(void);
void sandbox_note_filter(const void *program, bool is_for_all);

/* The calling thread starts the controller, which is in its sandbox from then on.
 * Context: normal. */
void sandbox_controller_starts(void);

/* Returns the name of a call that is deadly for the controller and needed for one of PURPOSES; NULL
 * if there is none. Context: any. */
const char *sandbox_deadly_for_controller(uint32_t purposes);

#endif
