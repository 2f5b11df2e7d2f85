/* SPDX-License-Identifier: MIT */
#include "upgrade/failure.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdatomic.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/errno_names.h"
#include "base/interpose.h"
#include "base/log.h"
#include "base/own_fd.h"
#include "base/settings.h"
#include "base/signal_names.h"
#include "generation/generation.h"
#include "generation/lowered.h"
#include "generation/own_library.h"
#include "generation/start_image.h"
#include "kernel/procfs.h"
#include "kernel/procfs_maps.h"
#include "kernel/sandbox.h"
#include "upgrade/obstacle.h"
#include "upgrade/spawn.h"

bool failure_in_sandbox(void)
{
	const char *deadly = sandbox_deadly_for_controller(SANDBOX_SPAWN);

	if (!deadly)
		return false;
	log_error(
		"Unable to fork a child: the server's seccomp filter forbids %s. Master (%d) serves on.",
		deadly, generation.pid);
	return true;
}

static bool is_there(const char *path)
{
	const int fd = open(path, O_PATH | O_CLOEXEC);

	if (fd >= 0)
		libc_calls.close(fd);
	return fd >= 0;
}

bool failure_of_place(void)
{
	char path[PATH_MAX];
	int error = own_library_check(path, sizeof(path));
	const bool has_library = !error;

	own_fd_begin();
	if (has_library && lowered.has_other_tree && start_image.path &&
	    !is_there(start_image_full_path(path, sizeof(path))))
		error = -ENOENT;
	own_fd_end();
	if (!error)
		return false;
	if (lowered.has_other_tree)
		log_error(
			"Unable to fork a child: the server has changed its root directory (chroot), and %s is not in it. Master (%d) serves on. Stop it and start it anew.",
			path, generation.pid);
	else
		log_error(
			"Unable to fork a child: user %u cannot read %s (%s), without which the new version cannot take over. Master (%d) serves on.",
			(unsigned)geteuid(), path, errno_name(-error), generation.pid);
	return true;
}

void failure_warn_of_user(void)
{
	if (lowered.has_no_root)
		log_info("Child (%d) starts as user %u: Master (%d) has given up root.",
		         atomic_load(&spawn_report.pid), (unsigned)geteuid(), generation.pid);
}

/* The server may need what only root has, and then has failed for this. */
static void explain_user(void)
{
	if (lowered.has_no_root)
		log_error(
			"Child (%d) was user %u, as Master (%d) has given up root: it could not read or bind what only root can. Let that user read what the server needs, or stop the server and start it anew, or start it by octopus run.",
			atomic_load(&spawn_report.pid), (unsigned)geteuid(), generation.pid);
}

/* Filters mostly answer with EPERM or ENOSYS. */
static bool is_for_sandbox(int error)
{
	uint64_t mode = 0;

	return (error == EPERM || error == ENOSYS) &&
	       procfs_read_mask("/proc/self/status", "Seccomp:", &mode) == 0 && mode != 0;
}

/* haproxy sets it, so that nobody who takes it over can start anything (setrlimit(2)). */
static bool has_no_processes(void)
{
	struct rlimit limit;

	return getrlimit(RLIMIT_NPROC, &limit) == 0 && limit.rlim_cur == 0;
}

void failure_explain_clone(int error)
{
	if (error == EAGAIN && has_no_processes())
		log_error(
			"Unable to fork a child: clone: EAGAIN: the server has limited its processes to 0 (RLIMIT_NPROC).");
	else if (is_for_sandbox(error))
		log_error("Unable to fork a child: clone: %s, under a seccomp filter.",
		          errno_name(error));
	else
		log_error("Unable to fork a child: clone: %s.", errno_name(error));
}

void failure_explain_start(void)
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
		failure_explain_clone(error);
		return;
	}
	start_image_full_path(path, sizeof(path));
	if (error == ENOENT)
		log_error("Unable to fork a child: %s: no such file (or its interpreter).", path);
	else if (error == EACCES)
		log_error(
			"Unable to fork a child: %s: permission denied, expected an executable file.",
			path);
	else if (error == ENOEXEC)
		log_error("Unable to fork a child: %s: not a program or a #! script.", path);
	else if (error == ETXTBSY)
		log_error("Unable to fork a child: %s: it is still being written.", path);
	else if (is_for_sandbox(error))
		log_error("Unable to fork a child: %s: %s, under a seccomp filter.", path,
		          errno_name(error));
	else
		log_error("Unable to fork a child: %s: %s.", path, errno_name(error));
}

/* What is known of a candidate that has not attached itself, as long as it is there. */
static const char *why_unattached(pid_t pid)
{
	const int is_loaded = procfs_maps_find(pid, NULL, "/liboctopus");

	return is_loaded == 0   ? " and has not loaded liboctopus.so"
	       : is_loaded == 1 ? ", has loaded liboctopus.so, and has not taken the hand-over"
	                        : " and has not taken the hand-over";
}

static void explain_end(const struct birth *birth, const struct manifest *manifest, pid_t leader,
                        bool has_timed_out)
{
	const int pid = atomic_load(&spawn_report.pid);
	const int status = atomic_load(&spawn_report.status);
	const char *phase = !atomic_load(&birth->is_attached) ? "before it had taken the hand-over"
	                    : !leader                         ? "before it listened"
	                    : !atomic_load(&birth->is_ready)  ? "before it was ready"
	                                                      : "before it had taken over";

	obstacle_explain(birth, manifest, pid);
	if (has_timed_out)
		log_error(
			"Child (%d) was not ready within %ld ms%s: killed. Master (%d) serves on.",
			pid, (long)settings.ready_timeout_ms,
			atomic_load(&birth->is_attached) ? "" : why_unattached(pid),
			generation.pid);
	else if (!atomic_load(&spawn_report.has_ended))
		log_error("Child (%d) has lost its leader (%d) %s. Master (%d) serves on.", pid,
		          leader, phase, generation.pid);
	else if (atomic_load(&spawn_report.is_sibling))
		log_error("Child (%d) has ended %s. Master (%d) serves on.", pid, phase,
		          generation.pid);
	else if (WIFSIGNALED(status))
		log_error("Child (%d) was killed by signal \"%s\" (%d) %s. Master (%d) serves on.",
		          pid, signal_text(WTERMSIG(status)), WTERMSIG(status), phase,
		          generation.pid);
	else
		log_error("Child (%d) exited with status %d %s. Master (%d) serves on.", pid,
		          WEXITSTATUS(status), phase, generation.pid);
}

void failure_explain_end(const struct birth *birth, const struct manifest *manifest, pid_t leader,
                         bool has_timed_out)
{
	explain_end(birth, manifest, leader, has_timed_out);
	explain_user();
}
