/* SPDX-License-Identifier: MIT */
/* The start image: what this process was started with, copied before the server can change any of
 * it. A successor is started with the same. */
#ifndef OCTOPUS_START_IMAGE_H
#define OCTOPUS_START_IMAGE_H

#include <signal.h>
#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

/* The one variable by which a predecessor names its hand-over; never part of the start image. */
#define HANDOVER_VARIABLE "OCTOPUS_HANDOVER_FD"

struct start_image {
	const char *path; /* what to execute: as given to execve(2), or argv[0] */
	char **argv;      /* NULL-terminated; for a #! script without the interpreter */
	char **envp;      /* NULL-terminated; without HANDOVER_VARIABLE; one free slot at the end */
	int env_count;    /* entries in envp */
	const char *directory; /* as the shell named it when that is still right (symlinks kept) */
	dev_t directory_dev;   /* and which one that was */
	ino_t directory_ino;
	uint64_t blocked;  /* signal mask, bit N-1 for signal N */
	uint64_t ignored;  /* dispositions that were SIG_IGN, same form */
	int umask;         /* -1 when unknown */
	bool had_terminal; /* at the first listen(): a controlling terminal */
	bool had_fd[3];    /* which of 0-2 were open */
};

/* Read-only once start_image_capture() has run. Context: any. */
extern struct start_image start_image;

/* The program sets a disposition that was OLD: the first time that is the one it was started with.
 * Context: any. */
void start_image_note_change(int sig, const struct sigaction *old);

/* True once start_image_note_change() has been called for SIG. Context: any. */
bool start_image_is_changed(int sig);

/* Asks the kernel for the dispositions that are unchanged so far, before the first of them is ours.
 * 64 system calls, which a program that never listens is spared. Context: normal. */
void start_image_complete(void);

/* Copies the words, before the program can write over them or change its environment. Returns 0, or
 * -errno (then start_image.path stays NULL, and no upgrade is possible). Context: init. */
int start_image_copy_words(int argc, char **argv, char **envp);

/* Fills in the rest of start_image, once. Comes with the first call of any wrapper, among which are all
 * the calls that change it (chdir, umask, sigaction, dup2): a program that calls none of them, like
 * true(1), is spared it. No handler runs before that call: sigaction() is one of them.
 * Context: normal, or the first call of a wrapper. */
void start_image_capture(void);

/* Writes the path of what is executed into BUFFER, and returns that: a relative one is shown with the directory of
 * the start in front. Context: any. */
const char *start_image_full_path(char *buffer, size_t size);

/* The value of NAME in the start environment, or NULL. Context: any. */
const char *start_image_getenv(const char *name);

#endif
