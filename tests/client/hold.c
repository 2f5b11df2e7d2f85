/* SPDX-License-Identifier: MIT */
/* Opens connections and holds them until it is told to go on: by a line on stdin. With -k each has
 * asked for something by then, and was answered. */
#include "exchange.h"
#include "outcome.h"
#include "stream.h"
#include "tally.h"

#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

enum { EXIT_USAGE = 2, DEFAULT_TIMEOUT_MS = 60000 };

static struct {
	int count;
	int timeout_ms;
	bool is_eager; /* sends at once */
	bool is_idle;  /* waits to be ended */
	bool is_kept;  /* has been answered once before */
	struct target target;
	struct stream *streams;
} held = {.count = 1, .timeout_ms = DEFAULT_TIMEOUT_MS};

static void die_usage(void)
{
	fputs("usage: hold -n CONNECTIONS [-k] [-q | -i] [-t TIMEOUT_MS] URL\n", stderr);
	exit(EXIT_USAGE);
}

static void options_parse(int argc, char **argv)
{
	int letter;

	while ((letter = getopt(argc, argv, "n:qikt:")) != -1) {
		switch (letter) {
		case 'n':
			held.count = atoi(optarg);
			break;
		case 'q':
			held.is_eager = true;
			break;
		case 'i':
			held.is_idle = true;
			break;
		case 'k':
			held.is_kept = true;
			break;
		case 't':
			held.timeout_ms = atoi(optarg);
			break;
		default:
			die_usage();
		}
	}
	if (optind + 1 != argc || held.count < 1)
		die_usage();
	if (target_parse(argv[optind], held.is_kept, -1, &held.target) == -1)
		die_usage();
}

static void print_count(const char *what, long count)
{
	printf("%s %ld\n", what, count);
	fflush(stdout);
}

static void connect_all(void)
{
	long connected = 0;

	for (int i = 0; i < held.count; i++) {
		enum outcome outcome =
			stream_connect(&held.streams[i], &held.target, held.timeout_ms);
		if (outcome == OUTCOME_OK)
			connected++;
		else
			tally_add(outcome, NULL, 0);
	}
	print_count("connected", connected);
}

/* A connection that failed is closed, which keeps the later steps off it. */
static void give_up(struct stream *stream, enum outcome outcome)
{
	tally_add(outcome, NULL, 0);
	stream_close(stream);
}

static void send_all(void)
{
	long sent = 0;

	for (int i = 0; i < held.count; i++) {
		struct stream *stream = &held.streams[i];
		if (stream->fd == -1)
			continue;
		stream_set_timeout(stream, held.timeout_ms);
		enum outcome outcome = exchange_send(stream, &held.target);
		if (outcome == OUTCOME_OK)
			sent++;
		else
			give_up(stream, outcome);
	}
	print_count("sent", sent);
}

/* Returns how many were answered. A connection that is to be held on stays open. */
static long receive_all(bool is_held_on)
{
	long answered = 0;

	for (int i = 0; i < held.count; i++) {
		struct stream *stream = &held.streams[i];
		struct answer answer;
		if (stream->fd == -1)
			continue;
		stream_set_timeout(stream, held.timeout_ms);
		enum outcome outcome = exchange_receive(stream, &held.target, &answer);
		if (outcome != OUTCOME_OK) {
			give_up(stream, outcome);
			continue;
		}
		answered++;
		tally_add(outcome, &answer, 0);
		if (!is_held_on || !answer.is_kept)
			stream_close(stream);
	}
	return answered;
}

static long open_count(void)
{
	long count = 0;

	for (int i = 0; i < held.count; i++)
		count += held.streams[i].fd != -1;
	return count;
}

static void wait_for_line(void)
{
	int c;

	do {
		c = getchar();
	} while (c != '\n' && c != EOF);
}

/* Waits as long as it takes: the caller sets the limit. Whatever a server says is passed over. */
static int await_ends(void)
{
	long counts[OUTCOME_COUNT] = {0};

	for (int i = 0; i < held.count; i++) {
		struct stream *stream = &held.streams[i];
		enum outcome outcome = OUTCOME_PROTOCOL;
		if (stream->fd == -1)
			continue;
		stream_set_timeout(stream, -1);
		while (outcome == OUTCOME_PROTOCOL) {
			stream->start = stream->end;
			outcome = stream_read_end(stream);
		}
		counts[outcome]++;
		stream_close(stream);
	}
	print_count("ended", counts[OUTCOME_OK]);
	print_count("reset", counts[OUTCOME_RESET]);
	return counts[OUTCOME_OK] == held.count ? EXIT_SUCCESS : EXIT_FAILURE;
}

int main(int argc, char **argv)
{
	options_parse(argc, argv);
	/* OpenSSL writes without MSG_NOSIGNAL. */
	signal(SIGPIPE, SIG_IGN);
	held.streams = calloc((size_t)held.count, sizeof(*held.streams));
	if (!held.streams) {
		perror("hold");
		return EXIT_FAILURE;
	}
	connect_all();
	if (held.is_kept) {
		send_all();
		receive_all(true);
		print_count("kept", open_count());
	}
	if (held.is_idle)
		return await_ends();
	if (!held.is_eager)
		wait_for_line();
	send_all();
	print_count("answered", receive_all(false));
	print_count("failed", tally_failures());
	tally_print_counts();
	tally_print_answered();
	return tally_failures() ? EXIT_FAILURE : EXIT_SUCCESS;
}
