/* SPDX-License-Identifier: MIT */
/* A load client that forgives nothing: every request is answered in full or counted as a failure
 * of its own kind. */
#include "outcome.h"
#include "tally.h"
#include "workers.h"

#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/signalfd.h>
#include <unistd.h>

enum { EXIT_USAGE = 2, DEFAULT_TIMEOUT_MS = 60000 };

struct load_options {
	struct workers_plan plan;
	double seconds; /* negative when there is no limit */
	long body_len;
	bool is_kept;
};

static void die_usage(void)
{
	fputs("usage: load [-c CONNECTIONS] [-d SECONDS | -n REQUESTS] [-k [-e]] [-p PAUSE_MS]\n"
	      "            [-t TIMEOUT_MS] [-r] [-b BODY_BYTES] URL\n"
	      "URL: http://A:P/PATH https://A:P/PATH unix:SOCKET:/PATH redis://A:P "
	      "memcached://A:P\n"
	      "     redis+unix:SOCKET memcached+unix:SOCKET\n",
	      stderr);
	exit(EXIT_USAGE);
}

static void options_parse(int argc, char **argv, struct load_options *options)
{
	int letter;

	while ((letter = getopt(argc, argv, "c:d:n:kep:t:rb:")) != -1) {
		switch (letter) {
		case 'c':
			options->plan.count = atoi(optarg);
			break;
		case 'd':
			options->seconds = atof(optarg);
			break;
		case 'n':
			options->plan.requests = atol(optarg);
			break;
		case 'k':
			options->is_kept = true;
			break;
		case 'e':
			options->plan.is_watching_rests = true;
			break;
		case 'p':
			options->plan.pause_ms = atoi(optarg);
			break;
		case 't':
			options->plan.timeout_ms = atoi(optarg);
			break;
		case 'r':
			options->plan.is_until_refused = true;
			break;
		case 'b':
			options->body_len = atol(optarg);
			break;
		default:
			die_usage();
		}
	}
	if (optind + 1 != argc || options->plan.count < 1)
		die_usage();
	if (target_parse(argv[optind], options->is_kept, options->body_len,
	                 &options->plan.target) == -1)
		die_usage();
}

/* Blocks the stop signals, in the threads to come too. Returns a descriptor that reads them. */
static int stop_signals_open(void)
{
	sigset_t stops;

	sigemptyset(&stops);
	sigaddset(&stops, SIGTERM);
	sigaddset(&stops, SIGINT);
	sigprocmask(SIG_BLOCK, &stops, NULL);
	/* OpenSSL writes without MSG_NOSIGNAL. */
	signal(SIGPIPE, SIG_IGN);
	return signalfd(-1, &stops, SFD_CLOEXEC);
}

static void print_result(void)
{
	printf("requests %ld\n", tally_requests());
	tally_print_counts();
	tally_print_latencies();
	tally_print_answered();
	printf("failures %ld\n", tally_failures());
}

int main(int argc, char **argv)
{
	struct load_options options = {
		.plan = {.count = 1, .requests = -1, .timeout_ms = DEFAULT_TIMEOUT_MS},
		.seconds = -1,
		.body_len = -1,
	};

	options_parse(argc, argv, &options);
	int stop_fd = stop_signals_open();
	int done_fd = workers_start(&options.plan);
	if (stop_fd == -1 || done_fd == -1) {
		perror("load");
		return EXIT_FAILURE;
	}
	struct pollfd ends[] = {{stop_fd, POLLIN, 0}, {done_fd, POLLIN, 0}};
	poll(ends, 2, options.seconds < 0 ? -1 : (int)(options.seconds * 1000));
	workers_stop();
	print_result();
	if (tally_failures() > 0)
		return EXIT_FAILURE;
	return tally_requests() > 0 || options.plan.is_until_refused ? EXIT_SUCCESS : EXIT_FAILURE;
}
