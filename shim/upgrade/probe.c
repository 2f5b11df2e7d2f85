/* SPDX-License-Identifier: MIT */
#include "upgrade/probe.h"

#include <errno.h>
#include <stdint.h>

#include "base/undisturbed.h"
#include "generation/bound_files.h"
#include "kernel/address.h"
#include "kernel/caller_memory.h"
#include "kernel/socket_name.h"
#include "kernel/socket_options.h"
#include "upgrade/inheritance.h"
#include "upgrade/received.h"

struct probe {
	struct socket_name target, other_form;
	int type;
};

static bool leads_to(struct probe *probe, const struct inherited_listener *listener)
{
	const struct sockaddr *address = (const void *)&listener->address;
	const struct sockaddr *target = (const void *)&probe->target.address;

	if (listener->type != probe->type)
		return false;
	if (socket_name_is_inet(&probe->target))
		return (address_matches_connection(address, target) ||
		        address_matches_connection(address,
		                                   (const void *)&probe->other_form.address)) &&
		       socket_name_is_local(&probe->target);
	if (listener->file.inode)
		return bound_file_is_target(&listener->file, target, probe->target.length);
	return address_is_same(target, probe->target.length, address, listener->address_length,
	                       false);
}

/* The words are asked for only where the answer counts. */
static bool is_waiting(struct probe *probe)
{
	for (uint32_t i = 0; i < received_listeners(); i++) {
		if (leads_to(probe, received_listener(i)) && inheritance_is_unclaimed(i))
			return true;
	}
	return false;
}

bool probe_is_for_inherited(int fd, const struct sockaddr *address, socklen_t length)
{
	const int saved = errno;
	struct undisturbed before;
	struct probe probe;
	bool answer = false;

	undisturbed_begin(&before);
	if (length <= sizeof(struct sockaddr_storage) &&
	    caller_memory_is_readable(address, length) &&
	    socket_name_of_target(address, length, &probe.target)) {
		probe.type = socket_option_int(fd, SOL_SOCKET, SO_TYPE);
		probe.other_form = socket_name_other_form(&probe.target);
		answer = is_waiting(&probe);
	}
	undisturbed_end(&before);
	errno = saved;
	return answer;
}
