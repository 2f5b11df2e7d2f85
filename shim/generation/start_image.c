/* SPDX-License-Identifier: MIT */
#include "generation/start_image.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <string.h>
#include <sys/auxv.h>
#include <sys/mman.h>
#include <sys/stat.h>

#include "base/interpose.h"
#include "base/log.h"
#include "base/own_fd.h"
#include "base/raw_stat.h"
#include "base/raw_syscall.h"
#include "base/signal_set.h"
#include "base/text.h"
#include "generation/parent.h"
#include "generation/start_fds.h"
#include "generation/start_listeners.h"
#include "kernel/procfs.h"
#include "kernel/sandbox.h"

struct start_image start_image = {.umask = -1, .oom_score = OOM_SCORE_UNKNOWN};

/* One block of memory holds all copies; it is never freed. */
struct arena {
	char *next;
};

static char *copy_text(struct arena *arena, const char *text)
{
	const size_t size = strlen(text) + 1;
	char *copy = memcpy(arena->next, text, size);

	arena->next += size;
	return copy;
}

static bool is_handover_variable(const char *entry)
{
	return strncmp(entry, HANDOVER_VARIABLE "=", sizeof(HANDOVER_VARIABLE)) == 0;
}

static size_t total_size(char **texts, int *ret_count)
{
	size_t size = 0;

	for (*ret_count = 0; texts[*ret_count]; ++*ret_count)
		size += strlen(texts[*ret_count]) + 1;
	return size;
}

/* For a script the kernel drops argv[0] and runs `interpreter [option] script args...`, with the
 * path of the script in AT_EXECFN (execve(2), "Interpreter scripts"). Octopus starts a successor by
 * the script, so that the kernel reads its #! line anew. Returns how many leading words the kernel
 * added. */
static int count_interpreter_words(const char *path, int argc, char **argv)
{
	char magic[2];
	int fd = open(path, O_RDONLY | O_CLOEXEC);
	bool is_script;

	if (fd < 0)
		return 0;
	is_script = libc_calls.read(fd, magic, sizeof(magic)) == sizeof(magic) &&
	            memcmp(magic, "#!", 2) == 0;
	libc_calls.close(fd);
	for (int i = 1; is_script && i < argc && i <= 2; i++) {
		if (strcmp(argv[i], path) == 0)
			return i;
	}
	return 0;
}

/* A process whose argv[0] names the executed file runs no script, so we do not open that file. */
static const char *choose_path(int argc, char **argv, int *ret_skip)
{
	const char *path = (const char *)getauxval(AT_EXECFN);
	const char *base;

	*ret_skip = 0;
	if (!path || !*path || strncmp(path, "/dev/fd/", 8) == 0)
		return argc > 0 ? argv[0] : NULL;
	base = strrchr(path, '/');
	base = base ? base + 1 : path;
	if (argc > 1 && !strstr(argv[0], base))
		*ret_skip = count_interpreter_words(path, argc, argv);
	return path;
}

/* $PWD keeps the symlinks that getcwd(3) resolves. It counts only if it leads to this directory. */
static const char *choose_directory(void)
{
	const char *named = start_image_getenv("PWD");
	static char here[PATH_MAX];
	struct stat by_name, by_dot;

	if (raw_stat(".", &by_dot) != 0)
		return NULL;
	start_image.directory_dev = by_dot.st_dev;
	start_image.directory_ino = by_dot.st_ino;
	if (named && named[0] == '/' && raw_stat(named, &by_name) == 0 &&
	    by_name.st_dev == by_dot.st_dev && by_name.st_ino == by_dot.st_ino)
		return named;
	return getcwd(here, sizeof(here));
}

/* Signals whose disposition the program has set since its start. */
static _Atomic uint64_t changed;

void start_image_note_change(int sig, const struct sigaction *old)
{
	const uint64_t bit = SIGNAL_BIT(sig);

	if (!(atomic_fetch_or(&changed, bit) & bit) && old->sa_handler == SIG_IGN)
		start_image.ignored |= bit;
}

bool start_image_is_changed(int sig)
{
	return signal_set_has(atomic_load(&changed), sig);
}

/* A disposition that the program has not set is still that of the start. */
void start_image_complete(void)
{
	FOR_EACH_SIGNAL (sig) {
		struct sigaction now;

		if (!start_image_is_changed(sig) && libc_calls.sigaction(sig, NULL, &now) == 0)
			start_image_note_change(sig, &now);
	}
}

/* A filter from before the start (systemd's SystemCallFilter=) may kill for a call that is rare. */
static bool is_filtered(void)
{
	uint64_t mode = 0;

	(void)procfs_read_mask("/proc/self/status", "Seccomp:", &mode);
	return mode != 0;
}

void start_image_keep_resources(void)
{
	const int saved = errno;
	static _Atomic bool is_read;

	if (atomic_load(&sandbox_deadly) & SANDBOX_RESOURCES || atomic_exchange(&is_read, true))
		return;
	resources_read(&start_image.resources, !is_filtered());
	start_image.has_resources = true;
	errno = saved;
}

void start_image_note_listening(void)
{
	start_image.had_terminal = procfs_has_terminal();
	own_fd_begin();
	start_image.oom_score = oom_score_read();
	own_fd_end();
	start_image_keep_resources();
}

/* libc keeps these two signals for itself: its sigaction() refuses them, and it catches them when
 * the first thread starts. Some launchers leave them ignored (GNU parallel, through perl). */
static void copy_libc_signals(void)
{
	for (int sig = 32; sig <= 33; sig++) {
		/* The first word of the kernel's struct sigaction is the handler
		 * (rt_sigaction(2)). */
		long action[4] = {0};

		if (RAW4(SYS_rt_sigaction, sig, NULL, action, sizeof(uint64_t)) == 0 &&
		    action[0] == (long)SIG_IGN)
			start_image.ignored |= SIGNAL_BIT(sig);
	}
}

/* We read the mask in the constructor, because we wrap none of the calls that change it. */
static void copy_mask(void)
{
	uint64_t blocked = 0;

	(void)RAW4(SYS_rt_sigprocmask, SIG_BLOCK, NULL, &blocked, sizeof(blocked));
	start_image.blocked = blocked;
}

/* Most environments fit into this array; a program that never listens then makes no system call for
 * it. */
static char **take_memory(size_t size)
{
	static char room[32 * 1024] __attribute__((aligned(sizeof(char *))));
	void *memory;

	if (size <= sizeof(room))
		return (char **)(void *)room;
	memory = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	return memory == MAP_FAILED ? NULL : memory;
}

int start_image_copy_words(int argc, char **argv, char **envp)
{
	int skip, arg_count, env_count;
	const char *path = choose_path(argc, argv, &skip);
	size_t size = total_size(argv, &arg_count) + total_size(envp, &env_count);
	struct arena arena;
	char **table;

	if (!path)
		return -ENOENT;
	size += (size_t)(arg_count + env_count + 4) * sizeof(char *) + strlen(path) + 1;
	table = take_memory(size);
	if (!table)
		return -ENOMEM;
	arena.next = (char *)(table + arg_count + env_count + 4);
	start_image.argv = table;
	for (int i = skip; i < arg_count; i++)
		*table++ = copy_text(&arena, argv[i]);
	*table++ = NULL;
	start_image.envp = table;
	for (int i = 0; i < env_count; i++) {
		if (!is_handover_variable(envp[i]))
			start_image.envp[start_image.env_count++] = copy_text(&arena, envp[i]);
	}
	start_image.path = copy_text(&arena, path);
	copy_mask();
	copy_libc_signals();
	return 0;
}

void start_image_capture(void)
{
	static _Atomic bool is_captured;
	const int saved = errno;

	if (!start_image.envp || atomic_exchange(&is_captured, true))
		return;
	start_image.directory = choose_directory();
	start_image.umask = (int)RAW1(SYS_umask, 0);
	(void)RAW1(SYS_umask, start_image.umask);
	start_fds_describe();
	start_listeners_look();
	parent_capture();
	log_remember_stderr();
	errno = saved;
}

const char *start_image_getenv(const char *name)
{
	const size_t length = strlen(name);

	for (int i = 0; i < start_image.env_count; i++) {
		const char *entry = start_image.envp[i];

		if (strncmp(entry, name, length) == 0 && entry[length] == '=')
			return entry + length + 1;
	}
	return NULL;
}

/* A successor starts in this directory, so a relative path is relative to it. */
const char *start_image_full_path(char *buffer, size_t size)
{
	if (start_image.path[0] == '/' || !start_image.directory)
		text_format(buffer, size, "%s", start_image.path);
	else
		text_format(buffer, size, "%s/%s", start_image.directory, start_image.path);
	return buffer;
}
