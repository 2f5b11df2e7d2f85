/* SPDX-License-Identifier: MIT */
/* Owns the state of one connection that speaks HTTP/2: where the frames begin in both directions, and which
 * streams the server still owes an answer (RFC 9113). Pure: no system call, no allocation, no lock.
 *
 * A stream begins with the client's HEADERS, or, where the server pushes, with the server's. It is over when the
 * server has ended its side, or when either side has reset it: whatever the client sends on it after that, no
 * answer follows. Of the payload nothing is read. Where two threads use one at a time, what it says is wrong, but
 * it stays within its memory. */
#ifndef OCTOPUS_HTTP2_H
#define OCTOPUS_HTTP2_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/uio.h>

/* The client's first bytes (RFC 9113 §3.4). */
#define HTTP2_PREFACE "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"
#define HTTP2_PREFACE_LENGTH (sizeof(HTTP2_PREFACE) - 1)
#define HTTP2_FRAME_HEAD 9

/* Servers allow 100 to 128 at a time (nginx, apache, h2o), or whatever there is. */
#define HTTP2_STREAMS 256

/* Where one direction stands. */
struct http2_way {
	uint32_t left; /* of the frame's payload */
	uint8_t have;  /* so many bytes of the next frame's head are in HEAD */
	uint8_t head[HTTP2_FRAME_HEAD];
	bool is_in_headers; /* nothing may come between HEADERS and its CONTINUATION (§6.2) */
	bool has_begun;     /* its first frame has: SETTINGS (§3.4) */
};

/* One connection, from its first byte on. All zero: just accepted. */
struct http2 {
	struct http2_way in, out;
	uint8_t preface;  /* so many bytes of it have come */
	bool has_preface; /* all of it */
	bool is_given_up;
	bool has_goaway; /* the server has sent one by itself */
	uint16_t open;   /* how many streams are in the table */
	uint32_t last_stream;
	uint32_t streams[HTTP2_STREAMS];
};

/* Gives the connection up for good: some of its bytes are not known, or it does not speak HTTP/2.
 * Context: any. */
void http2_give_up(struct http2 *http2);

/* True if a server may begin a connection with what is in PART: the SETTINGS that it has to write first.
 * Context: any. */
bool http2_may_begin(struct iovec part);

/* The server has read these bytes; or N bytes that nobody has seen, which must be payload. Context: any. */
void http2_read(struct http2 *http2, const void *bytes, size_t n);
void http2_read_unseen(struct http2 *http2, uint64_t n);

/* The same for what it has written. Context: any. */
void http2_wrote(struct http2 *http2, const void *bytes, size_t n);
void http2_wrote_unseen(struct http2 *http2, uint64_t n);

/* True where all streams are over, and no frame is under way. Context: any. */
bool http2_is_idle(const struct http2 *http2);

/* True where a frame of somebody else's may go out before the next byte that the server writes.
 * Context: any. */
bool http2_is_between_frames(const struct http2_way *out);

/* Returns how many of these N bytes go out before the first place for such a frame, or N if there is
 * none before the last of them; OUT advances by so many. Context: any. */
size_t http2_find_place(struct http2_way *out, const void *bytes, size_t n);

/* One way advances by these bytes alone. Returns true if a GOAWAY begins in them. Context: any. */
bool http2_pass(struct http2_way *way, const void *bytes, size_t n);

/* The same by N bytes that nobody has seen. Returns false if not all of them are payload. Context: any. */
bool http2_pass_unseen(struct http2_way *way, uint64_t n);

#endif
