/* SPDX-License-Identifier: MIT */
#include "control/entering.h"

#include <errno.h>
#include <unistd.h>

#include "control/controller.h"
#include "generation/generation.h"
#include "kernel/sandbox.h"

/* The controller has to begin before nobody can tell it any more. */
void entering_begin(struct entering *ret_entering)
{
	const int saved = errno;

	ret_entering->is_for_this_process =
		sandbox_is_tight() || !generation.pid || getpid() == generation.pid;
	if (ret_entering->is_for_this_process)
		controller_look_by_itself(true);
	errno = saved;
}

void entering_end(const struct entering *entering, bool has_begun, const void *program,
                  bool is_for_all)
{
	if (!entering->is_for_this_process)
		return;
	if (has_begun && program)
		sandbox_note_filter(program, is_for_all);
	else if (has_begun)
		sandbox_note_strict();
	if (!sandbox_is_tight())
		controller_look_by_itself(false);
}
