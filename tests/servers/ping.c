/* SPDX-License-Identifier: MIT */
/* The smallest server: answers `pong` to everything, with a thread per connection. */
#include "conversation.h"
#include "listeners.h"
#include "routes.h"

#include <stdint.h>
#include <sys/socket.h>
#include <unistd.h>

static void *connection_run(void *argument)
{
	int fd = (int)(intptr_t)argument;

	conversation_run(&(struct conversation){conversation_receive_fd, conversation_send_fd, &fd,
	                                        routes_reply_pong, false});
	close(fd);
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
	listeners_serve(&listeners, SOCK_CLOEXEC, serve);
}
