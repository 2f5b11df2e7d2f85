/* SPDX-License-Identifier: MIT */
/* Serves one connection at a time and closes each after one reply. */
#include "conversation.h"
#include "listeners.h"

static void serve(int fd)
{
	conversation_serve_fd(fd, true);
}

int main(int argc, char **argv)
{
	struct server_options options;
	struct listeners listeners;

	server_options_parse(argc, argv, &options);
	listeners_open(&options, false, &listeners);
	listeners_serve(&listeners, 0, serve);
}
