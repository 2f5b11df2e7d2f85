/* SPDX-License-Identifier: MIT */
#include "upgrade/received.h"

#include <errno.h>
#include <string.h>

#include "base/failpoint.h"
#include "base/interpose.h"
#include "base/log_target.h"
#include "base/own_fd.h"
#include "generation/generation.h"
#include "generation/lowered.h"
#include "generation/paths.h"
#include "generation/pidfile.h"
#include "upgrade/ask.h"

/* A fork copies it. */
static struct {
	struct manifest manifest;
	char broker[BIRTH_BROKER];
} received;

static void keep_lineage(void)
{
	const struct manifest *manifest = &received.manifest;

	generation_inherit(manifest);
	lowered.has_no_root = manifest->has_no_root;
	if (manifest->has_other_tree) {
		lowered.has_other_tree = true;
		log_target_forget_path();
		pidfile_forget_path();
	}
	failpoint_set_generation(manifest->number);
	paths_inherit(manifest);
}

int received_read(int fd, int *manifest_fd, char ret_release[GENERATION_RELEASE + 8])
{
	struct birth *birth;
	int error;

	error = birth_map(fd, &birth, ret_release);
	if (error)
		return error;
	if (*manifest_fd < 0)
		*manifest_fd = atomic_load(&birth->fds[BIRTH_MANIFEST]);
	error = manifest_read(*manifest_fd, &received.manifest);
	if (error) {
		received.manifest.listener_count = 0;
		birth_drop(birth);
		return error;
	}
	memcpy(received.broker, birth->broker, BIRTH_BROKER - 1);
	atomic_store(&generation.birth, birth);
	keep_lineage();
	return 0;
}

int received_ask(void)
{
	char release[GENERATION_RELEASE + 8];
	int words_fd, manifest_fd, error;

	own_fd_begin();
	error = ask_for_birth(received.broker, &words_fd, &manifest_fd);
	if (!error) {
		error = received_read(words_fd, &manifest_fd, release);
		libc_calls.close(words_fd);
		libc_calls.close(manifest_fd);
	}
	own_fd_end();
	return error;
}

bool received_find(void)
{
	return ask_find(received.broker) && received_ask() == 0;
}

const char *received_broker(void)
{
	return received.broker;
}

bool received_broker_answers(void)
{
	const struct birth *birth = atomic_load(&generation.birth);

	return received.broker[0] && (!birth || !atomic_load(&birth->is_accepted)) &&
	       !process_has_ended(&generation.lineage.predecessor);
}

uint32_t received_listeners(void)
{
	return received.manifest.listener_count;
}

bool received_tells_of_kept(enum kept which)
{
	return received.manifest.kept & 1u << which;
}

const struct inherited_listener *received_listener(uint32_t index)
{
	return &received.manifest.listeners[index];
}
