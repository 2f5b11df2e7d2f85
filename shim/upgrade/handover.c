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

#include "base/clock.h"
#include "base/errno_names.h"
#include "base/interpose.h"
#include "base/log.h"
#include "base/own_fd.h"
#include "base/raw_stat.h"
#include "base/settings.h"
#include "base/text.h"
#include "generation/parent.h"
#include "generation/start_fds.h"
#include "generation/start_image.h"
#include "kernel/elf.h"
#include "kernel/fd_limit.h"
#include "kernel/procfs.h"
#include "kernel/sandbox.h"
#include "signal/dispositions.h"
#include "upgrade/broker.h"
#include "upgrade/broker_messages.h"
#include "upgrade/failure.h"
#include "upgrade/family.h"
#include "upgrade/gathered.h"
#include "upgrade/manifest.h"
#include "upgrade/spawn.h"
#include "upgrade/variable.h"

#define ABANDON_MS 2000

/* The process for which the descriptors of LISTEN_FDS are (sd_listen_fds(3)). */
#define LISTEN_PID "LISTEN_PID="

/* The controller's own. There is at most one candidate. */
static struct {
	struct manifest manifest;
	struct spawn_fd fds[MANIFEST_FDS];
	char variable[64];
	struct {
		char entry[sizeof(LISTEN_PID) + SPAWN_PID_TEXT];
		char **place, *before; /* in start_image.envp */
	} listen_pid;
	char reaper_name[16]; /* prctl(2), PR_SET_NAME: so long at most */
} successor;

/* The variable takes the free slot at the end of the start environment. */
static char **make_environment(int birth_fd_there, bool is_sibling)
{
	const struct variable variable = {
		.birth_fd = birth_fd_there,
		.first_parent = parent_to_hand_over(),
		.has_reaper = !is_sibling,
	};

	variable_write(&variable, successor.variable, sizeof(successor.variable));
	start_image.envp[start_image.env_count] = successor.variable;
	start_image.envp[start_image.env_count + 1] = NULL;
	return start_image.envp;
}

/* A server that dropped root may have no permission to enter the directory it still works in. */
static const char *choose_directory(void)
{
	struct stat here;

	if (start_image.directory && access(start_image.directory, X_OK) != 0 && errno == EACCES &&
	    raw_stat(".", &here) == 0 && here.st_dev == start_image.directory_dev &&
	    here.st_ino == start_image.directory_ino)
		return NULL;
	return start_image.directory;
}

/* What would be deadly in the server's sandbox stays as the server has it. */
static const struct resources *choose_resources(void)
{
	if (!start_image.has_resources || sandbox_deadly_for_controller(SANDBOX_RESOURCES))
		return NULL;
	return &start_image.resources;
}

/* As they were for this process, they are for the candidate. Returns where its pid belongs, or NULL. */
static char *replace_listen_pid(void)
{
	const size_t length = strlen(LISTEN_PID);
	char own[sizeof(successor.listen_pid.entry)];

	successor.listen_pid.place = NULL;
	text_format(own, sizeof(own), LISTEN_PID "%d", generation.pid);
	for (char **entry = start_image.envp; *entry; entry++) {
		if (strcmp(*entry, own) != 0)
			continue;
		text_format(successor.listen_pid.entry, sizeof(own), "%s", own);
		successor.listen_pid.place = entry;
		successor.listen_pid.before = *entry;
		*entry = successor.listen_pid.entry;
		return successor.listen_pid.entry + length;
	}
	return NULL;
}

static void restore_listen_pid(void)
{
	if (successor.listen_pid.place)
		*successor.listen_pid.place = successor.listen_pid.before;
}

static int spawn(struct spawn_request *request, struct birth *birth, int birth_fd_there)
{
	request->envp = make_environment(birth_fd_there, request->is_sibling);
	atomic_store(&birth->is_sibling, request->is_sibling);
	return spawn_successor(request);
}

/* Process 1 can have no sibling. */
static int spawn_in_either_way(struct spawn_request *request, struct birth *birth,
                               int birth_fd_there)
{
	int error;

	request->is_sibling = parent_is_wanted(&request->death_signal);
	error = spawn(request, birth, birth_fd_there);
	if (error != -EINVAL || !request->is_sibling)
		return error;
	request->is_sibling = false;
	request->death_signal = 0;
	return spawn(request, birth, birth_fd_there);
}

static int start(struct birth *birth, int birth_fd_there, int fd_count)
{
	struct spawn_request request = {
		.path = start_image.path,
		.argv = start_image.argv,
		.directory = choose_directory(),
		.umask = start_image.umask,
		.ignored = start_image.ignored,
		/* The signals that Octopus takes stay blocked until the candidate's constructor has
		 * taken them. The constructor then sets the mask. */
		.blocked = start_image.blocked | dispositions_taken(),
		.resources = choose_resources(),
		.oom_score = start_image.oom_score,
		.keeps_fd = {start_fds_had(0), start_fds_had(1), start_fds_had(2)},
		.fds = successor.fds,
		.fd_count = fd_count,
		.bell = &birth->bell,
		.name = successor.reaper_name,
		.pid_text = replace_listen_pid(),
	};
	const int error = spawn_in_either_way(&request, birth, birth_fd_there);

	restore_listen_pid();
	start_image.envp[start_image.env_count] = NULL;
	if (error)
		failure_explain_clone(-error);
	else if (atomic_load(&spawn_report.error))
		failure_explain_start();
	else
		return 0;
	spawn_release();
	return error ? error : -atomic_load(&spawn_report.error);
}

/* Both descriptors are the caller's. */
static int make_pages(struct birth **ret_birth, int *ret_birth_fd, int *ret_manifest_fd)
{
	struct fd_limit before;
	int error;

	fd_limit_raise(&before);
	*ret_manifest_fd = manifest_seal(&successor.manifest);
	error = *ret_manifest_fd < 0 ? *ret_manifest_fd : birth_make(ret_birth, ret_birth_fd);
	fd_limit_restore(&before);
	if (error && *ret_manifest_fd >= 0)
		libc_calls.close(*ret_manifest_fd);
	if (error)
		log_error("Unable to fork a child: no shared memory for the new generation (%s).",
		          errno_name(-error));
	return error;
}

/* From then on a process of the new version's that inherits nothing may ask. Nobody would find it by a
 * sibling, which has no reaper. */
static void open_broker(struct birth *birth, int birth_fd)
{
	int death_signal;

	successor.reaper_name[0] = '\0';
	if (parent_is_wanted(&death_signal))
		return;
	if (broker_open(birth->broker) != 0)
		return;
	text_format(successor.reaper_name, sizeof(successor.reaper_name), BROKER_PREFIX "%s",
	            birth->broker);
	broker_begin(birth_fd, &successor.manifest, successor.fds);
}

/* The descriptors of both are in the successor from then on. */
static int make_pages_and_start(struct birth **ret_birth)
{
	const int count = manifest_fill(&successor.manifest, successor.fds);
	int birth_fd, manifest_fd, fd_count, error;
	struct birth *birth;

	error = make_pages(&birth, &birth_fd, &manifest_fd);
	if (error) {
		gathered_end();
		return error;
	}
	atomic_store(&birth->predecessor_holds, 1);
	atomic_store(&birth->ready_until, clock_now_ms() + settings.ready_timeout_ms);
	successor.fds[count].from = manifest_fd;
	successor.fds[count + 1].from = birth_fd;
	open_broker(birth, birth_fd);
	fd_count = manifest_add_kept(&successor.manifest, successor.fds, count + 2);
	fd_count = manifest_add_start_fds(successor.fds, fd_count);
	error = manifest_number(&successor.manifest, birth, successor.fds, fd_count);
	if (error)
		log_error("Unable to fork a child: no free descriptor numbers below the limit.");
	else
		error = start(birth, successor.fds[count + 1].to, fd_count);
	libc_calls.close(manifest_fd);
	if (!successor.reaper_name[0])
		libc_calls.close(birth_fd);
	if (error)
		handover_stop_giving();
	if (error)
		birth_retire(birth);
	else
		*ret_birth = birth;
	return error;
}

int handover_begin(struct birth **ret_birth)
{
	char path[PATH_MAX];
	int error;

	if (!start_image.path) {
		log_error("Unable to fork a child: the command line is not known.");
		return -ENOMEM;
	}
	/* Without the library the successor would try to bind a port that is in use. */
	if (elf_is_static(start_image_full_path(path, sizeof(path)))) {
		log_error(
			"Unable to fork a child: %s is statically linked: it would not load liboctopus.so.",
			path);
		return -ENOEXEC;
	}
	own_fd_begin();
	error = make_pages_and_start(ret_birth);
	own_fd_end();
	return error;
}

const struct manifest *handover_manifest(void)
{
	return &successor.manifest;
}

void handover_stop_giving(void)
{
	broker_close();
	gathered_end();
}

void handover_forked(void)
{
	broker_forked();
	gathered_forked();
}

void handover_finish(bool is_good)
{
	handover_stop_giving();
	if (!is_good)
		family_kill(ABANDON_MS);
	spawn_release();
}
