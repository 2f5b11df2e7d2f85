/* SPDX-License-Identifier: MIT */
/* Over 300 lines: what comes by descriptor and what comes by asking, to the end of both. */
#include "upgrade/inheritance.h"

#include <errno.h>
#include <unistd.h>

#include "base/interpose.h"
#include "base/kept_fd.h"
#include "base/own_fd.h"
#include "generation/generation.h"
#include "generation/parent.h"
#include "generation/start_image.h"
#include "kernel/procfs.h"
#include "upgrade/ask.h"
#include "upgrade/inherited.h"
#include "upgrade/received.h"
#include "upgrade/shared_port.h"
#include "upgrade/variable.h"
#include "upgrade/waiting.h"

_Atomic int inheritance_source;

/* Written before main, but for what is atomic. */
static struct {
	pid_t born; /* whose descriptors these are, and who may pass them on */
	uid_t user; /* its */
	_Atomic bool has_claimed;
} inheritance;

static void receive_listener(const struct birth *birth, uint32_t index,
                             void (*complain)(const char *, ...))
{
	const struct inherited_listener *listener = received_listener(index);
	const int fd = atomic_load(&birth->fds[index]);
	const char *fault =
		waiting_is_before(index, fd) ? "it is named twice" : inherited_fault(fd, listener);

	if (fault) {
		complain("Refused the inherited descriptor %d: %s. Expected a listening socket.",
		         fd, fault);
		return;
	}
	waiting_put(index, fd);
}

static void receive_kept(const struct birth *birth, enum kept which,
                         void (*complain)(const char *, ...))
{
	const int fd = atomic_load(&birth->fds[BIRTH_KEPT + which]);
	const char *fault = waiting_is_before(BIRTH_KEPT + which, fd)
	                            ? "it is named twice"
	                            : inherited_kept_fault(fd, which);

	if (fault)
		complain("Refused the inherited descriptor %d: %s. Expected the %s.", fd, fault,
		         which == KEPT_LOG ? "log" : "pid file");
	else
		waiting_put(BIRTH_KEPT + which, fd);
}

static int receive_pages(int fd, char ret_release[GENERATION_RELEASE + 8])
{
	int manifest_fd = -1;
	const int error = received_read(fd, &manifest_fd, ret_release);

	if (error)
		return error;
	waiting_put_words(fd);
	waiting_put(BIRTH_MANIFEST, manifest_fd);
	return 0;
}

void inheritance_receive(const char *value, bool *ret_passed_on,
                         void (*complain)(const char *format, ...))
{
	char release[GENERATION_RELEASE + 8];
	struct variable variable;
	int error;

	waiting_clear();
	*ret_passed_on = false;
	if (!variable_read(value, &variable)) {
		complain("Ignored " HANDOVER_VARIABLE "=\"%.64s\": expected a descriptor's number.",
		         value);
		return;
	}
	error = receive_pages(variable.birth_fd, release);
	if (error) {
		inherited_explain(value, error, release, complain);
		return;
	}
	*ret_passed_on = variable.was_passed_on;
	if (variable.has_reaper)
		parent_inherit(variable.first_parent);
	inheritance.born = getpid();
	inheritance.user = geteuid();
	atomic_store(&inheritance_source, SOURCE_DESCRIPTORS);
	for (uint32_t i = 0; i < received_listeners(); i++)
		receive_listener(atomic_load(&generation.birth), i, complain);
	for (int which = 0; which < KEPT_COUNT; which++) {
		if (received_tells_of_kept((enum kept)which))
			receive_kept(atomic_load(&generation.birth), (enum kept)which, complain);
	}
	waiting_count_again();
}

bool inheritance_look(void)
{
	const int saved = errno;
	bool is_found;

	waiting_clear();
	is_found = received_find();
	atomic_store(&inheritance_source, is_found ? SOURCE_BROKER : SOURCE_NONE);
	errno = saved;
	return is_found;
}

bool inheritance_join(void)
{
	const int saved = errno;
	const bool has_joined =
		atomic_load(&generation.birth) ||
		(atomic_load(&inheritance_source) == SOURCE_BROKER && received_ask() == 0);

	errno = saved;
	return has_joined;
}

/* Returns a descriptor of listener INDEX that is the caller's, or -1. */
static int ask_for(uint32_t index)
{
	const int fd = ask_for_listener(received_broker(), index);

	if (fd >= 0 && inherited_fault(fd, received_listener(index))) {
		libc_calls.close(fd);
		return -1;
	}
	return fd;
}

static int32_t claimed_by(const struct birth *birth, uint32_t index)
{
	return birth ? atomic_load(&birth->claimed_by[index]) : 0;
}

static bool is_free(int32_t owner)
{
	return !owner || (owner != CLAIM_REPLACED && procfs_is_dead(owner));
}

bool inheritance_is_unclaimed(uint32_t index)
{
	return inheritance_join() && is_free(claimed_by(atomic_load(&generation.birth), index));
}

/* The server may claim a listener again that an ended process has claimed (a configuration test
 * before the real start). */
static bool claim(struct birth *birth, uint32_t index)
{
	int32_t owner = atomic_load(&birth->claimed_by[index]);

	if (!is_free(owner))
		return false;
	return atomic_compare_exchange_strong(&birth->claimed_by[index], &owner, getpid());
}

static bool claim_waiting(struct birth *birth, uint32_t index)
{
	if (!claim(birth, index))
		return false;
	if (waiting_has(index))
		return true;
	atomic_store(&birth->claimed_by[index], 0);
	return false;
}

/* First the descriptor: once the last listener is claimed the generation may be ready, and then no broker answers
 * any more. */
static bool claim_asked(struct birth *birth, uint32_t index)
{
	const int fd = is_free(claimed_by(birth, index)) ? ask_for(index) : -1;

	if (fd < 0)
		return false;
	if (!claim(birth, index)) {
		libc_calls.close(fd);
		return false;
	}
	waiting_put(index, fd);
	waiting_count_again();
	return true;
}

static bool claim_and_get(uint32_t index)
{
	struct birth *birth;

	if (atomic_load(&inheritance_source) == SOURCE_BROKER && !inheritance_join())
		return false;
	birth = atomic_load(&generation.birth);
	if (!birth)
		return true;
	return waiting_has(index) ? claim_waiting(birth, index) : claim_asked(birth, index);
}

bool inheritance_claim(uint32_t index)
{
	const bool has_claimed = claim_and_get(index);

	if (has_claimed)
		atomic_store(&inheritance.has_claimed, true);
	return has_claimed;
}

bool inheritance_was_given(void)
{
	return inheritance.born || atomic_load(&inheritance.has_claimed);
}

bool inheritance_is_own_claim(uint64_t identity)
{
	const struct birth *birth = atomic_load(&generation.birth);
	const pid_t self = getpid();

	for (uint32_t i = 0; i < received_listeners(); i++) {
		if (received_listener(i)->identity == identity)
			return claimed_by(birth, i) == self;
	}
	return false;
}

static int find_kept(enum kept which)
{
	const int fd = waiting_take(BIRTH_KEPT + which);

	if (fd >= 0 || atomic_load(&inheritance_source) != SOURCE_BROKER)
		return fd;
	return ask_for_listener(received_broker(), BIRTH_KEPT + which);
}

void inheritance_take_kept(void)
{
	const int saved = errno;

	own_fd_begin();
	for (int which = 0; which < KEPT_COUNT; which++) {
		const int fd =
			received_tells_of_kept((enum kept)which) ? find_kept((enum kept)which) : -1;

		if (fd >= 0 && !inherited_kept_fault(fd, (enum kept)which))
			(void)kept_fd_keep((enum kept)which, fd);
		if (fd >= 0)
			libc_calls.close(fd);
	}
	own_fd_end();
	waiting_count_again();
	errno = saved;
}

bool inheritance_is_here(uint32_t index)
{
	return waiting_has(index) || atomic_load(&inheritance_source) == SOURCE_BROKER;
}

bool inheritance_is_claimed(uint32_t index)
{
	return claimed_by(atomic_load(&generation.birth), index) != 0;
}

bool inheritance_is_replaced(uint32_t index)
{
	return claimed_by(atomic_load(&generation.birth), index) == CLAIM_REPLACED;
}

void inheritance_replace(uint32_t index)
{
	struct birth *birth;
	int32_t nobody = 0;

	if (!inheritance_join())
		return;
	birth = atomic_load(&generation.birth);
	if (!atomic_compare_exchange_strong(&birth->claimed_by[index], &nobody, CLAIM_REPLACED))
		return;
	waiting_close(index);
	inheritance_taken();
}

static bool is_all_claimed(const struct birth *birth)
{
	for (uint32_t i = 0; birth && i < received_listeners(); i++) {
		if (!claimed_by(birth, i))
			return false;
	}
	return true;
}

void inheritance_taken(void)
{
	if (is_all_claimed(atomic_load(&generation.birth)))
		waiting_close_pages();
	waiting_count_again();
}

void inheritance_close_rest(void)
{
	const struct birth *birth = atomic_load(&generation.birth);

	if (atomic_load(&generation.role) == ROLE_LEADER)
		shared_port_settle();
	if (atomic_load(&inheritance_source) == SOURCE_BROKER)
		atomic_store(&inheritance_source, SOURCE_NONE);
	if (!waiting_exists())
		return;
	/* Skips a listener that this process has claimed: a thread is just putting it in place. */
	for (uint32_t i = 0; i < received_listeners(); i++) {
		if (claimed_by(birth, i) != getpid())
			waiting_close(i);
	}
	waiting_close_pages();
	waiting_close_kept();
	waiting_count_again();
}

/* The child is no server: it may be a helper of it, or a wrapper's that becomes one. The files go to the
 * one that leads, and to nobody else. */
void inheritance_forked(void)
{
	if (waiting_exists()) {
		waiting_close_kept();
		waiting_count_again();
	}
	if (!received_broker_answers())
		return;
	for (uint32_t i = 0; i < GENERATION_LISTENERS; i++)
		waiting_close(i);
	waiting_close_pages();
	waiting_count_again();
	birth_drop(atomic_exchange(&generation.birth, NULL));
	if (atomic_load(&inheritance_source) != SOURCE_NONE)
		atomic_store(&inheritance_source, SOURCE_BROKER);
}

bool inheritance_may_be_passed_on(bool to_child)
{
	if (!waiting_exists() || waiting_words() < 0)
		return false;
	if (received_broker_answers())
		return !to_child && inheritance.born == getpid();
	return !received_broker()[0] || inheritance.user == geteuid();
}

void inheritance_pass_on(bool allow, char *entry, size_t size)
{
	struct variable variable = {.was_passed_on = true};

	waiting_survive_exec(allow, received_broker()[0] != '\0');
	if (!allow)
		return;
	variable.birth_fd = waiting_words();
	variable.has_reaper = parent_is_reaper(&variable.first_parent);
	variable_write(&variable, entry, size);
}
