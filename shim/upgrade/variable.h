/* SPDX-License-Identifier: MIT */
/* Owns the text of HANDOVER_VARIABLE: the number of the descriptor of the birth's words,
 * `:N` behind it if a reaper is the parent, for parent_inherit(N), and a '+' if another program has passed
 * it on. */
#ifndef OCTOPUS_VARIABLE_H
#define OCTOPUS_VARIABLE_H

#include <stdbool.h>
#include <stddef.h>
#include <sys/types.h>

struct variable {
	int birth_fd;
	pid_t first_parent;
	bool has_reaper;
	bool was_passed_on;
};

/* Reads VALUE. Returns false if it is no such text. Context: any. */
bool variable_read(const char *value, struct variable *ret_variable);

/* Writes `NAME=VALUE` for the environment into ENTRY, cut after SIZE - 1 bytes. Context: any. */
void variable_write(const struct variable *variable, char *entry, size_t size);

#endif
