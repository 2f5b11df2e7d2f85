/* SPDX-License-Identifier: MIT */
/* Serves each connection in a thread of its own. */
#include "conversation.h"
#include "listeners.h"

#include <stdint.h>
#include <stddef.h>

static void *connection_run(void *fd)
{
	conversation_serve_fd((int)(intptr_t)fd, false);
	return NULL;
}

static void serve(int fd)
{
	conversation_serve_in_thread(fd, connection_run);
}

int main(int argc, char **argv)
{
	struct server_options options;
	struct listeners listeners;

	server_options_parse(argc, argv, &options);
	listeners_open(&options, false, &listeners);
	listeners_serve(&listeners, 0, serve);
}
