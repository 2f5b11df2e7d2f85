/* SPDX-License-Identifier: MIT */
#include "server_options.h"

#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

static void die_usage(const char *program)
{
	fprintf(stderr, "usage: %s [-l ADDR:PORT]... [-u PATH]... [-c CERT -k KEY] [ARGUMENT]\n",
	        program);
	exit(2);
}

void server_options_parse(int argc, char **argv, struct server_options *ret_options)
{
	struct server_options *options = ret_options;
	int letter;

	*options = (struct server_options){0};
	while ((letter = getopt(argc, argv, "l:u:c:k:")) != -1) {
		switch (letter) {
		case 'l':
		case 'u':
			if (options->place_count == SERVER_LISTENERS_MAX)
				die_usage(argv[0]);
			options->places[options->place_count].name = optarg;
			options->places[options->place_count++].is_unix = letter == 'u';
			break;
		case 'c':
			options->certificate = optarg;
			break;
		case 'k':
			options->key = optarg;
			break;
		default:
			die_usage(argv[0]);
		}
	}
	options->argument = argv[optind];
	if (options->place_count == 0)
		options->places[options->place_count++].name = "127.0.0.1:0";
}
