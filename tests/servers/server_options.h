/* SPDX-License-Identifier: MIT */
/* Owns the command line of the example servers. */
#ifndef TESTS_SERVERS_SERVER_OPTIONS_H
#define TESTS_SERVERS_SERVER_OPTIONS_H

#include <stdbool.h>

enum { SERVER_LISTENERS_MAX = 16 };

struct listen_place {
	const char *name; /* ADDR:PORT, or the path of a unix socket */
	bool is_unix;
};

struct server_options {
	struct listen_place places[SERVER_LISTENERS_MAX];
	int place_count;
	const char *certificate;
	const char *key;
	const char *argument; /* the first word that is no option, or NULL */
};

/* Parses the command line; a wrong one ends the process with 2. */
void server_options_parse(int argc, char **argv, struct server_options *ret_options);

#endif
