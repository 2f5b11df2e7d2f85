/* SPDX-License-Identifier: MIT */
#include "control/preparation.h"

#include <stdatomic.h>
#include <unistd.h>

#include "base/interpose.h"
#include "base/log.h"
#include "base/settings.h"
#include "control/candidate.h"
#include "control/complaints.h"
#include "control/fork.h"
#include "generation/generation.h"
#include "generation/own_library.h"
#include "generation/start_image.h"

static _Atomic bool is_prepared, is_prepared_quietly;

static void read_start(void)
{
	start_image_complete();
	generation.pid = getpid();
	settings_read(start_image_getenv, start_image.directory, complaints_keep);
}

void preparation_make_quietly(void)
{
	if (atomic_exchange(&is_prepared_quietly, true))
		return;
	libc_calls_resolve();
	read_start();
	fork_watch();
}

void preparation_report_claims(void)
{
	for (uint32_t count = candidate_take_claims(); count > 0; count--)
		log_info("Imported a listener from file.");
}

static void begin_log(void)
{
	start_image_note_listening();
	complaints_log();
	log_check_target();
	preparation_report_claims();
}

void preparation_make(void)
{
	preparation_make_quietly();
	if (atomic_exchange(&is_prepared, true))
		return;
	own_library_find();
	log_start();
	begin_log();
}

void preparation_make_in_thread(long utc_offset)
{
	if (!atomic_exchange(&is_prepared_quietly, true))
		read_start();
	if (atomic_exchange(&is_prepared, true))
		return;
	log_start_at(utc_offset);
	begin_log();
}

bool preparation_is_made(void)
{
	return atomic_load(&is_prepared);
}
