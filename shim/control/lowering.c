/* SPDX-License-Identifier: MIT */
#include "control/lowering.h"

#include <errno.h>
#include <stdatomic.h>

#include "base/clock.h"
#include "base/kept_fd.h"
#include "base/log_target.h"
#include "base/raw_stat.h"
#include "base/secure_mode.h"
#include "base/undisturbed.h"
#include "control/controller.h"
#include "control/first_wait.h"
#include "control/preparation.h"
#include "control/unseen.h"
#include "generation/generation.h"
#include "generation/lowered.h"
#include "generation/pidfile.h"
#include "kernel/credentials.h"
#include "kernel/light_thread.h"

/* How long a round of the controller's may take that has begun as root; between two looks. */
#define FOLLOW_MS 2000
#define FOLLOW_NS 200000

/* Returns when the controller's thread, if it is there, has given up root, too. */
static void wait_for_controller(void)
{
	const int64_t end = clock_now_ms() + FOLLOW_MS;

	while (light_thread_exists() && credentials_are_awaited() && clock_now_ms() < end) {
		controller_wake();
		(void)clock_sleep(FOLLOW_NS);
	}
}

static bool has_bound(void)
{
	return atomic_load(&first_wait_missing) & MISSING_LISTEN && unseen_has_own();
}

static bool will_lead(void)
{
	return generation_is_of_this_process() && generation_may_come_to_lead();
}

bool lowering_is_watched(void)
{
	const int role = atomic_load(&generation.role);

	if (secure_mode_is_on() || sandbox_is_tight())
		return false;
	/* A worker that listens for itself is no master. */
	if (generation.is_branch)
		return false;
	if (role == ROLE_LEADER)
		return generation_is_of_this_process();
	return role == ROLE_NONE ? has_bound() : will_lead();
}

static void keep(struct lowering *lowering)
{
	const int before = atomic_load(&kept_fd_count);

	preparation_make();
	log_target_keep();
	pidfile_keep();
	lowering->has_kept = before == 0 && kept_fd_exists();
}

static bool is_for_good(uid_t real, uid_t effective, uid_t saved)
{
	const uid_t same = (uid_t)-1;
	struct user_ids users = credentials_users();

	if (!credentials_have_root(&users))
		return false;
	users.real = real == same ? users.real : real;
	users.effective = effective == same ? users.effective : effective;
	users.saved = saved == same ? users.saved : saved;
	return !credentials_have_root(&users);
}

void lowering_user_begin(struct lowering *ret_lowering, uid_t real, uid_t effective, uid_t saved)
{
	const int was = errno;
	struct undisturbed before;

	*ret_lowering = (struct lowering){
		.is_watched = lowering_is_watched() && is_for_good(real, effective, saved),
	};
	if (ret_lowering->is_watched) {
		undisturbed_begin(&before);
		keep(ret_lowering);
		undisturbed_end(&before);
	}
	errno = was;
}

void lowering_user_end(const struct lowering *lowering, bool is_done)
{
	const int was = errno;
	struct undisturbed before;
	struct user_ids users;

	if (!lowering->is_watched)
		return;
	undisturbed_begin(&before);
	users = credentials_users();
	if (is_done && !credentials_have_root(&users)) {
		lowered.has_no_root = true;
		credentials_note();
		wait_for_controller();
	} else if (lowering->has_kept) {
		kept_fd_drop_all();
	}
	undisturbed_end(&before);
	errno = was;
}

void lowering_root_begin(struct lowering *ret_lowering)
{
	const int was = errno;
	struct undisturbed before;

	*ret_lowering = (struct lowering){.is_watched = lowering_is_watched()};
	if (ret_lowering->is_watched) {
		undisturbed_begin(&before);
		ret_lowering->is_watched = raw_stat("/", &ret_lowering->top) == 0;
		keep(ret_lowering);
		undisturbed_end(&before);
	}
	errno = was;
}

static bool has_other_tree(const struct stat *before)
{
	struct stat top;

	return raw_stat("/", &top) == 0 &&
	       (top.st_dev != before->st_dev || top.st_ino != before->st_ino);
}

void lowering_root_end(const struct lowering *lowering, bool is_done)
{
	const int was = errno;

	if (!lowering->is_watched)
		return;
	if (is_done && has_other_tree(&lowering->top)) {
		lowered.has_other_tree = true;
		log_target_forget_path();
		pidfile_forget_path();
	} else if (lowering->has_kept) {
		kept_fd_drop_all();
	}
	errno = was;
}
