/* SPDX-License-Identifier: MIT */
#include "upgrade/shared_port.h"

#include <errno.h>
#include <stdatomic.h>
#include <stdint.h>
#include <sys/socket.h>

#include "generation/birth.h"
#include "kernel/socket_identity.h"
#include "kernel/socket_options.h"

/* The listeners that are not to share, by the descriptor of the server's. Threads that bind write it. A fork
 * copies it. */
static struct {
	_Atomic uint32_t count;
	struct {
		_Atomic int fd;
		_Atomic uint64_t socket;
	} list[GENERATION_LISTENERS];
} unwanted;

static void note(int fd, int socket_fd)
{
	const uint32_t at = atomic_fetch_add(&unwanted.count, 1);

	if (at >= GENERATION_LISTENERS)
		return;
	atomic_store(&unwanted.list[at].fd, fd);
	atomic_store(&unwanted.list[at].socket, socket_identity(socket_fd));
}

void shared_port_carry(int fd, int inherited)
{
	const int saved = errno;
	const int wanted = socket_option_int(fd, SOL_SOCKET, SO_REUSEPORT);
	const int present = socket_option_int(inherited, SOL_SOCKET, SO_REUSEPORT);

	if (wanted > 0 && present == 0)
		(void)socket_option_set(inherited, SOL_SOCKET, SO_REUSEPORT, 1);
	else if (wanted == 0 && present > 0)
		note(fd, inherited);
	errno = saved;
}

bool shared_port_lend(int fd)
{
	if (socket_option_int(fd, SOL_SOCKET, SO_REUSEPORT) > 0)
		return true;
	if (!socket_option_set(fd, SOL_SOCKET, SO_REUSEPORT, 1))
		return false;
	note(fd, fd);
	return true;
}

void shared_port_settle(void)
{
	const uint32_t count = atomic_load(&unwanted.count);

	for (uint32_t i = 0; i < count && i < GENERATION_LISTENERS; i++) {
		const int fd = atomic_load(&unwanted.list[i].fd);
		const uint64_t socket = atomic_load(&unwanted.list[i].socket);

		if (socket && socket == socket_identity(fd))
			(void)socket_option_set(fd, SOL_SOCKET, SO_REUSEPORT, 0);
	}
}
