/* SPDX-License-Identifier: MIT */
#include "generation/birth.h"

#include <errno.h>
#include <fcntl.h>
#include <stddef.h>
#include <string.h>
#include <sys/mman.h>

#include "base/failpoint.h"
#include "base/interpose.h"
#include "base/raw_memory.h"
#include "base/text.h"
#include "generation/sealed.h"

#define MEMFD_NAME "octopus"

/* More than are used at a time: a candidate, a successor, one that a later one has replaced. */
#define MOST_RETIRED 4

static struct birth *retired[MOST_RETIRED];

static struct birth *take_retired(void)
{
	struct birth *birth = NULL;

	for (int i = 0; i < MOST_RETIRED && !birth; i++) {
		birth = retired[i];
		retired[i] = NULL;
	}
	return birth;
}

void birth_retire(struct birth *birth)
{
	for (int i = 0; i < MOST_RETIRED; i++) {
		if (!retired[i]) {
			retired[i] = birth;
			return;
		}
	}
}

void birth_forked(void)
{
	memset(retired, 0, sizeof(retired));
}

/* Maps them at AT, or anywhere. Returns NULL, with *ret_error -errno, if there is no mapping. STEP_ERROR: of a
 * failpoint. */
static struct birth *map(int fd, struct birth *at, int step_error, int *ret_error)
{
	const long page = raw_map(at, sizeof(struct birth), PROT_READ | PROT_WRITE,
	                          MAP_SHARED | (at ? MAP_FIXED : 0), fd);

	*ret_error = raw_map_failed(page) ? (int)page : step_error;
	return *ret_error ? NULL : (struct birth *)page;
}

int birth_make(struct birth **ret_birth, int *ret_fd)
{
	const int fd = sealed_make(MEMFD_NAME, sizeof(struct birth));
	struct birth *birth, *at;
	int error;

	if (fd < 0)
		return fd;
	at = take_retired();
	birth = map(fd, at, failpoint("page"), &error);
	if (!birth) {
		if (at)
			birth_retire(at);
		libc_calls.close(fd);
		return error;
	}
	birth_keep_from_children(birth);
	birth->magic = GENERATION_MAGIC;
	birth->version = GENERATION_VERSION;
	birth->size = sizeof(*birth);
	text_format(birth->release, sizeof(birth->release), "%s", OCTOPUS_VERSION);
	*ret_birth = birth;
	*ret_fd = fd;
	return 0;
}

/* Nothing in the file is believed before this check: another version of the library may have made
 * it, or somebody may have set the variable to any number. Within a version the words may only grow
 * at their end. IS_WHOLE: the file is as long as our words. */
static int check(const struct birth *birth, bool is_whole)
{
	if (birth->magic != GENERATION_MAGIC)
		return -EPROTO;
	if (birth->version != GENERATION_VERSION || birth->size < sizeof(*birth))
		return -EPROTONOSUPPORT;
	return is_whole ? 0 : -EPROTO;
}

/* Pages hold their release since version 3. */
static void read_release(const struct birth *birth, char *ret_release, size_t size)
{
	char release[GENERATION_RELEASE + 1] = {0};

	memcpy(release, birth->release, GENERATION_RELEASE);
	text_format(ret_release, size, "%s",
	            birth->version < 3 ? "of an earlier release" : release);
}

int birth_map(int fd, struct birth **ret_birth, char ret_release[GENERATION_RELEASE + 8])
{
	struct birth *birth;
	int error;

	if (fcntl(fd, F_GETFD) < 0)
		return -errno;
	/* If somebody could still truncate the file, an access would raise SIGBUS. */
	if (!sealed_is(fd, offsetof(struct birth, bell), false))
		return -EPROTO;
	birth = map(fd, NULL, failpoint("map"), &error);
	if (!birth)
		return error;
	error = check(birth, sealed_is(fd, sizeof(*birth), false));
	if (error == -EPROTONOSUPPORT)
		read_release(birth, ret_release, GENERATION_RELEASE + 8);
	if (error) {
		birth_drop(birth);
		return error;
	}
	*ret_birth = birth;
	return 0;
}

void birth_keep_from_children(struct birth *birth)
{
	(void)raw_keep_from_children(birth, sizeof(*birth));
}

void birth_drop(struct birth *birth)
{
	if (birth)
		(void)munmap(birth, sizeof(*birth));
}

void birth_end(struct birth *birth)
{
	if (birth)
		(void)raw_map(birth, sizeof(*birth), PROT_READ | PROT_WRITE,
		              MAP_PRIVATE | MAP_FIXED, -1);
}

int manifest_seal(struct manifest *manifest)
{
	const int fd = sealed_make(MEMFD_NAME, sizeof(*manifest));
	int error = 0;

	if (fd < 0)
		return fd;
	manifest->magic = GENERATION_MAGIC;
	manifest->version = GENERATION_VERSION;
	manifest->size = sizeof(*manifest);
	if (RAW4(SYS_pwrite64, fd, manifest, sizeof(*manifest), 0) != (long)sizeof(*manifest))
		error = -ENOSPC;
	if (!error)
		error = sealed_against_all(fd);
	if (!error)
		return fd;
	libc_calls.close(fd);
	return error;
}

int manifest_read(int fd, struct manifest *ret_manifest)
{
	if (!sealed_is(fd, sizeof(*ret_manifest), true) ||
	    RAW4(SYS_pread64, fd, ret_manifest, sizeof(*ret_manifest), 0) !=
	            (long)sizeof(*ret_manifest))
		return -EPROTO;
	if (ret_manifest->magic != GENERATION_MAGIC ||
	    ret_manifest->version != GENERATION_VERSION ||
	    ret_manifest->size < sizeof(*ret_manifest) ||
	    ret_manifest->listener_count > GENERATION_LISTENERS)
		return -EPROTO;
	return 0;
}
