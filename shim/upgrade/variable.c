/* SPDX-License-Identifier: MIT */
#include "upgrade/variable.h"

#include <limits.h>
#include <stdint.h>

#include "base/text.h"
#include "generation/start_image.h"

#define HIGHEST_FD (1 << 20)

bool variable_read(const char *value, struct variable *ret_variable)
{
	uint64_t fd, first = 0;
	bool has_reaper, was_passed_on;

	if (text_read_number(&value, 10, &fd) != 0 || fd > HIGHEST_FD)
		return false;
	has_reaper = *value == ':';
	value += has_reaper;
	if (has_reaper && (text_read_number(&value, 10, &first) != 0 || first > INT_MAX))
		return false;
	was_passed_on = *value == '+';
	value += was_passed_on;
	*ret_variable = (struct variable){(int)fd, (pid_t)first, has_reaper, was_passed_on};
	return !*value;
}

void variable_write(const struct variable *variable, char *entry, size_t size)
{
	const char *end = variable->was_passed_on ? "+" : "";

	if (variable->has_reaper)
		text_format(entry, size, HANDOVER_VARIABLE "=%d:%d%s", variable->birth_fd,
		            variable->first_parent, end);
	else
		text_format(entry, size, HANDOVER_VARIABLE "=%d%s", variable->birth_fd, end);
}
