/* SPDX-License-Identifier: MIT */
/* Owns the start image: what this process was started with, copied before the server can change it.
 * Octopus starts a successor with the same. */
#ifndef OCTOPUS_START_IMAGE_H
#define OCTOPUS_START_IMAGE_H

#include <signal.h>
#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

#include "kernel/resources.h"

/* The one variable by which a predecessor names its hand-over. It is never part of the start
 * image. */
#define HANDOVER_VARIABLE "OCTOPUS_HANDOVER_FD"

struct start_image {
	const char *path; /* what to execute: as given to execve(2), or argv[0] */
	char **argv;      /* NULL-terminated; for a #! script without the interpreter */
	char **envp;      /* NULL-terminated; without HANDOVER_VARIABLE; one free slot at the end */
	int env_count;    /* entries in envp */
	const char *directory; /* as the shell named it, if that is still right (symlinks kept) */
	dev_t directory_dev;   /* the device and inode of that directory */
	ino_t directory_ino;
	uint64_t blocked;           /* signal mask, bit N-1 for signal N */
	uint64_t ignored;           /* dispositions that were SIG_IGN, same form */
	int umask;                  /* -1 when unknown */
	bool had_terminal;          /* at the first listen(): a controlling terminal */
	int oom_score;              /* at the first listen(), or OOM_SCORE_UNKNOWN */
	bool has_resources;         /* resources is known */
	struct resources resources; /* limits and scheduling */
};

/* Read-only once start_image_capture() has run, except for ignored. Context: any. */
extern struct start_image start_image;

/* Notes that the program has set the disposition of SIG, which was OLD. On the first call for SIG,
 * OLD is the disposition of the start. Context: any. */
void start_image_note_change(int sig, const struct sigaction *old);

/* True if start_image_note_change() has been called for SIG. Context: any. */
bool start_image_is_changed(int sig);

/* Reads from the kernel the dispositions that are still unchanged, before Octopus sets its first
 * one. It makes up to 64 system calls, but only in a program that listens. Context: normal. */
void start_image_complete(void);

/* Sets start_image.had_terminal and oom_score, and runs start_image_keep_resources(). Context: normal. */
void start_image_note_listening(void);

/* Copies the command line and the environment, before the program can write over them. Returns 0,
 * or -errno; then start_image.path stays NULL, and no upgrade is possible. Context: init. */
int start_image_copy_words(int argc, char **argv, char **envp);

/* Reads the limits and the scheduling, once. The wrappers of all calls that change these run it
 * before, and so does the first listen(). It costs some 20 system calls, which a program that does
 * neither makes not. Leaves errno alone. Context: any. */
void start_image_keep_resources(void);

/* Fills in the rest of start_image, once. The first call of any wrapper runs it: all calls that
 * change these facts are wrapped (chdir, umask, sigaction, dup2), and a program that calls none of
 * them, like true(1), does not pay for it. No handler of the server runs before that call, because
 * sigaction() is a wrapper too. Context: normal, or the first call of a wrapper. */
void start_image_capture(void);

/* Writes the path of the executed file into BUFFER, and returns BUFFER. A relative path is joined
 * to the directory of the start. Context: any. */
const char *start_image_full_path(char *buffer, size_t size);

/* Returns the value of NAME in the start environment, or NULL. Context: any. */
const char *start_image_getenv(const char *name);

#endif
