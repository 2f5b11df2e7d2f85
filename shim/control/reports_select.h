/* SPDX-License-Identifier: MIT */
/* Owns what select() reports of listeners (reports.h). The kernel overwrites the sets, so they are saved
 * before the call. */
#ifndef OCTOPUS_REPORTS_SELECT_H
#define OCTOPUS_REPORTS_SELECT_H

#include <stdbool.h>
#include <stddef.h>
#include <sys/select.h>

struct reports_sets {
	int count;
	size_t bytes; /* of each; 0: they are not saved */
	fd_set *in, *out, *urgent;
	fd_set saved_in, saved_out, saved_urgent;
};

/* Saves the sets, if it can read them: while the reports are not checked, it does so only where that costs
 * no system call. Context: any. */
void reports_save_sets(struct reports_sets *ret_sets, int count, fd_set *in, fd_set *out,
                       fd_set *urgent);

/* True if the wait must not sleep, because a connection is kept that it reports.
 * Context: any, if kept_any(). */
bool reports_select_has_kept(const struct reports_sets *sets);

/* The same as reports_check_poll(). If the sets are not saved, it leaves the last report in, whether it is
 * true or not: the call could not be made again. Context: any, if reports_are_checked(). */
void reports_check_select(const struct reports_sets *sets, int *result);

/* Puts back what the call was made with. Context: any. */
void reports_restore_sets(const struct reports_sets *sets);

/* True if a wait whose result was greater than 0 has told of a listener on which this process accepts.
 * Context: any. */
bool reports_select_tells(int count, const fd_set *in);

#endif
