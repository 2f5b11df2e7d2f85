/* SPDX-License-Identifier: MIT */
#include "upgrade/handover.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <netinet/in.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>

#include "base/interpose.h"
#include "base/log.h"
#include "base/settings.h"
#include "base/signal_names.h"
#include "base/text.h"
#include "generation/members.h"
#include "generation/start_image.h"
#include "kernel/elf.h"
#include "kernel/fd_limit.h"
#include "kernel/listeners.h"
#include "kernel/procfs.h"
#include "kernel/socket_options.h"
#include "signal/dispositions.h"
#include "upgrade/birth.h"

/* Below this number a select() server can still use what it inherits, and most limits allow it. */
#define HIGHEST_FD 1024
#define ABANDON_MS 2000

static _Atomic uint64_t any_port[HIGHEST_FD / 64];

/* One successor is being born at a time: the controller's. */
static struct {
	struct spawn_fd fds[GENERATION_LISTENERS + 1];
	char variable[64];
} birth;

void handover_note_any_port(int fd, bool asked)
{
	const uint64_t bit = 1ULL << (fd % 64);

	if (fd < 0 || fd >= HIGHEST_FD)
		return;
	if (asked)
		atomic_fetch_or(&any_port[fd / 64], bit);
	else if (atomic_load_explicit(&any_port[fd / 64], memory_order_relaxed) & bit)
		atomic_fetch_and(&any_port[fd / 64], ~bit);
}

static bool asked_for_any_port(int fd)
{
	return fd < HIGHEST_FD && (atomic_load(&any_port[fd / 64]) >> (fd % 64) & 1);
}

static void describe_listener(int fd, struct inherited_listener *listener)
{
	socklen_t length = sizeof(listener->address);

	listener->family = socket_option_int(fd, SOL_SOCKET, SO_DOMAIN);
	listener->type = socket_option_int(fd, SOL_SOCKET, SO_TYPE);
	listener->protocol = socket_option_int(fd, SOL_SOCKET, SO_PROTOCOL);
	if (listener->family == AF_INET6)
		listener->v6_only = socket_option_int(fd, IPPROTO_IPV6, IPV6_V6ONLY) > 0;
	listener->asked_for_any_port = asked_for_any_port(fd);
	if (libc_calls.getsockname(fd, (void *)&listener->address, &length) == 0)
		listener->address_length = length;
}

static bool is_source(const int *fds, int count, int number)
{
	for (int i = 0; i < count; i++) {
		if (fds[i] == number)
			return true;
	}
	return false;
}

/* High, and none of those that are still to be copied. Everything else that stands there in the
 * child's own table is shut in and may be overwritten. */
static int choose_number(const int *sources, int count, int below)
{
	do
		below--;
	while (below > 2 && is_source(sources, count, below));
	return below > 2 ? below : -EMFILE;
}

static int fill_page(struct generation_page *page, int page_fd)
{
	int sources[GENERATION_LISTENERS + 1];
	int count = listeners_find(sources, GENERATION_LISTENERS);
	struct rlimit limit = {HIGHEST_FD, HIGHEST_FD};
	int below;

	(void)getrlimit(RLIMIT_NOFILE, &limit);
	below = limit.rlim_cur < HIGHEST_FD ? (int)limit.rlim_cur : HIGHEST_FD;
	for (int i = 0; i < count; i++)
		describe_listener(sources[i], &page->listeners[i]);
	sources[count] = page_fd;
	for (int i = 0; i <= count; i++) {
		below = choose_number(sources, count + 1, below);
		if (below < 0)
			return below;
		birth.fds[i] = (struct spawn_fd){sources[i], below};
		if (i < count)
			page->listeners[i].fd = below;
	}
	page->listener_count = (uint32_t)count;
	page->predecessor = generation.pid;
	page->group = getpgrp();
	atomic_store(&page->predecessor_holds, 1);
	page->number = generation.page->number + 1;
	page->blocked = start_image.blocked;
	return count;
}

/* The variable takes the free slot behind the start environment. */
static char **make_environment(int page_fd_there)
{
	text_format(birth.variable, sizeof(birth.variable), HANDOVER_VARIABLE "=%d", page_fd_there);
	start_image.envp[start_image.env_count] = birth.variable;
	start_image.envp[start_image.env_count + 1] = NULL;
	return start_image.envp;
}

/* Relative paths start where the successor will start. */
static const char *full_path(char *buffer, size_t size)
{
	if (start_image.path[0] == '/' || !start_image.directory)
		text_format(buffer, size, "%s", start_image.path);
	else
		text_format(buffer, size, "%s/%s", start_image.directory, start_image.path);
	return buffer;
}

/* A server that dropped root may not get through to the directory it still stands in. */
static const char *choose_directory(void)
{
	struct stat here;

	if (start_image.directory && access(start_image.directory, X_OK) != 0 && errno == EACCES &&
	    stat(".", &here) == 0 && here.st_dev == start_image.directory_dev &&
	    here.st_ino == start_image.directory_ino)
		return NULL;
	return start_image.directory;
}

static void explain_step(void)
{
	const int error = atomic_load(&spawn_report.error);
	char path[PATH_MAX];

	if (atomic_load(&spawn_report.failed_step) == SPAWN_CHDIR) {
		log_error("Unable to fork a child: working directory %s: %s.",
		          start_image.directory,
		          error == ENOENT   ? "no such directory"
		          : error == EACCES ? "permission denied"
		                            : "cannot be entered");
		return;
	}
	if (atomic_load(&spawn_report.failed_step) == SPAWN_CLONE) {
		log_error("Unable to fork a child: clone: error %d.", error);
		return;
	}
	full_path(path, sizeof(path));
	if (error == ENOENT)
		log_error("Unable to fork a child: %s: no such file (or its interpreter).", path);
	else if (error == EACCES)
		log_error("Unable to fork a child: %s: permission denied, expected an executable "
		          "file.",
		          path);
	else if (error == ENOEXEC)
		log_error("Unable to fork a child: %s: not a program or a #! script.", path);
	else if (error == ETXTBSY)
		log_error("Unable to fork a child: %s: it is still being written.", path);
	else
		log_error("Unable to fork a child: %s: error %d.", path, error);
}

static int start(struct generation_page *page, int page_fd)
{
	const int count = fill_page(page, page_fd);
	struct spawn_request request = {
		.path = start_image.path,
		.argv = start_image.argv,
		.directory = choose_directory(),
		.umask = start_image.umask,
		.ignored = start_image.ignored,
		/* Ours wait until its constructor has taken them; it then sets the mask. */
		.blocked = start_image.blocked | dispositions_taken(),
		.keeps_fd = start_image.had_fd,
		.fds = birth.fds,
		.fd_count = count + 1,
		.bell = &page->bell,
	};
	int error;

	if (count < 0) {
		log_error("Unable to fork a child: no free descriptor numbers below the limit.");
		return count;
	}
	request.envp = make_environment(birth.fds[count].to);
	error = spawn_successor(&request);
	start_image.envp[start_image.env_count] = NULL;
	if (error)
		log_error("Unable to fork a child: clone: error %d.", -error);
	else if (atomic_load(&spawn_report.error))
		explain_step();
	else
		return 0;
	spawn_release();
	return error ? error : -atomic_load(&spawn_report.error);
}

static int make_page(struct generation_page **ret_page, int *ret_fd)
{
	struct fd_limit before;
	int error;

	fd_limit_raise(&before);
	error = page_make(ret_page, ret_fd);
	fd_limit_restore(&before);
	if (error == 0 && *ret_fd < 0) {
		page_drop(*ret_page);
		error = *ret_fd;
	}
	return error;
}

int handover_begin(struct generation_page **ret_page)
{
	struct generation_page *page;
	char path[PATH_MAX];
	int page_fd, error;

	if (!start_image.path) {
		log_error("Unable to fork a child: the command line is not known.");
		return -ENOMEM;
	}
	/* Without the library such a successor would try to bind a port that is in use. */
	if (elf_is_static(full_path(path, sizeof(path)))) {
		log_error("Unable to fork a child: %s is statically linked: it would not load "
		          "liboctopus.so.",
		          path);
		return -ENOEXEC;
	}
	error = make_page(&page, &page_fd);
	if (error) {
		log_error("Unable to fork a child: no page for the new generation (error %d).",
		          -error);
		return error;
	}
	error = start(page, page_fd);
	libc_calls.close(page_fd);
	if (error)
		page_drop(page);
	else
		*ret_page = page;
	return error;
}

void handover_explain_failure(const struct generation_page *page, bool has_timed_out)
{
	const int pid = atomic_load(&spawn_report.pid);
	const int status = atomic_load(&spawn_report.status);
	const char *phase = !atomic_load(&page->is_attached) ? "before it loaded liboctopus.so"
	                    : !atomic_load(&page->leader)    ? "before it listened"
	                    : !atomic_load(&page->is_ready)  ? "before it was ready"
	                                                     : "before it had taken over";

	if (has_timed_out)
		log_error(
			"Child (%d) was not ready within %ld ms%s: killed. Master (%d) serves on.",
			pid, (long)settings.ready_timeout_ms,
			atomic_load(&page->is_attached) ? "" : " and has not loaded liboctopus.so",
			generation.pid);
	else if (!atomic_load(&spawn_report.has_ended))
		log_error("Child (%d) has lost its leader (%d) %s. Master (%d) serves on.", pid,
		          atomic_load(&page->leader), phase, generation.pid);
	else if (WIFSIGNALED(status))
		log_error("Child (%d) was killed by signal \"%s\" (%d) %s. Master (%d) serves on.",
		          pid, signal_text(WTERMSIG(status)), WTERMSIG(status), phase,
		          generation.pid);
	else
		log_error("Child (%d) exited with status %d %s. Master (%d) serves on.", pid,
		          WEXITSTATUS(status), phase, generation.pid);
}

void handover_finish(struct generation_page *page, bool is_good)
{
	if (is_good) {
		spawn_release();
		return;
	}
	members_signal(page, SIGKILL);
	spawn_abandon(ABANDON_MS);
}
