/* SPDX-License-Identifier: MIT */
/* Over 300 lines: one state machine, the parts of a message in the order of RFC 9112. */
#include "http/http1_message.h"

#include <string.h>

/* Where in a message. The end of a line ends any part of it. */
enum part {
	BETWEEN,
	METHOD,
	TARGET_BEGIN,
	TARGET,
	VERSION,
	STATUS,
	TEXT, /* a reason phrase, or the value of a field that is not used */
	FIELD_BEGIN,
	FIELD_NAME,
	LIST, /* before an element */
	ELEMENT,
	ELEMENT_END, /* white space behind an element: only a comma may follow */
	LENGTH,      /* before the number */
	NUMBER,
	NUMBER_END,
	CHUNK_SIZE,
	CHUNK_EXTENSION,
	CHUNK_END,
	CONTENT, /* from here on, bytes can be skipped */
	CHUNK_DATA,
	REST, /* until the connection is closed */
};

enum { SHORTEST_METHOD = 3 };

enum word {
	CONNECTION,
	CONTENT_LENGTH,
	TRANSFER_ENCODING,
	CLOSE,
	KEEP_ALIVE,
	CHUNKED,
	HEAD,
	CONNECT,
	WORDS
};

_Static_assert(WORDS <= 8, "a bit of `candidates` for each");

static const char *const words[WORDS] = {
	"connection", "content-length", "transfer-encoding", "close", "keep-alive",
	"chunked",    "head",           "connect",
};

/* Characters, RFC 9110 §5.6.2 and §5.5, independent of the locale. */

static bool is_upper(uint8_t c)
{
	return c >= 'A' && c <= 'Z';
}

static bool is_digit(uint8_t c)
{
	return c >= '0' && c <= '9';
}

static uint8_t to_lower(uint8_t c)
{
	return is_upper(c) ? (uint8_t)(c | 0x20) : c;
}

static bool is_space(uint8_t c)
{
	return c == ' ' || c == '\t';
}

static bool is_token_char(uint8_t c)
{
	static const char others[] = "!#$%&'*+-.^_`|~";
	const uint8_t lower = to_lower(c);

	return is_digit(c) || (lower >= 'a' && lower <= 'z') ||
	       memchr(others, c, sizeof(others) - 1);
}

static bool is_text_char(uint8_t c)
{
	return c == '\t' || (c >= ' ' && c != 0x7f);
}

/* A word may arrive in pieces, so it is not compared at once: `candidates` holds what it may still
 * become. */

static void begin_word(struct http1_message *m)
{
	m->candidates = (1 << WORDS) - 1;
	m->length = 0;
}

static void add_to_word(struct http1_message *m, uint8_t c)
{
	for (int i = 0; m->candidates >> i; i++) {
		if ((m->candidates >> i & 1) && (uint8_t)words[i][m->length] != to_lower(c))
			m->candidates &= (uint8_t) ~(1 << i);
	}
	if (m->length < UINT8_MAX)
		m->length++;
}

static enum word word_read(const struct http1_message *m)
{
	for (int i = 0; m->candidates >> i; i++) {
		if ((m->candidates >> i & 1) && words[i][m->length] == '\0')
			return (enum word)i;
	}
	return WORDS;
}

/* Returns 0, or HTTP1_BAD if the number is too large. */
static unsigned add_digit(struct http1_message *m, unsigned base, unsigned digit)
{
	const bool is_too_large = __builtin_mul_overflow(m->left, (uint64_t)base, &m->left) ||
	                          __builtin_add_overflow(m->left, (uint64_t)digit, &m->left);

	return is_too_large ? HTTP1_BAD : 0;
}

static unsigned go(struct http1_message *m, enum part part)
{
	m->part = (uint8_t)part;
	return 0;
}

static unsigned go_if(bool is_right, struct http1_message *m, enum part part)
{
	return is_right ? go(m, part) : HTTP1_BAD;
}

static unsigned begin_value(struct http1_message *m)
{
	m->field = (uint8_t)(m->is_in_trailer ? WORDS : word_read(m));
	m->line_has_option = m->line_has_keep_alive = false;
	switch (m->field) {
	case CONTENT_LENGTH:
		if (m->has_length)
			return HTTP1_BAD;
		m->has_length = true;
		return go(m, LENGTH);
	case TRANSFER_ENCODING:
		m->has_coding = true;
		return go(m, LIST);
	case CONNECTION:
		return go(m, LIST);
	default:
		return go(m, TEXT);
	}
}

static unsigned end_element(struct http1_message *m)
{
	const enum word word = word_read(m);

	if (m->field == TRANSFER_ENCODING) {
		if (m->is_chunked)
			return HTTP1_BAD;
		m->is_chunked = word == CHUNKED;
		return 0;
	}
	m->line_has_option = true;
	m->has_close |= word == CLOSE;
	m->line_has_keep_alive |= word == KEEP_ALIVE;
	return word == KEEP_ALIVE ? HTTP1_KEEP_ALIVE_READ : 0;
}

static unsigned step_list(struct http1_message *m, uint8_t c)
{
	if (is_space(c))
		return 0;
	if (c == ',')
		return go(m, LIST);
	if (m->part == ELEMENT_END || !is_token_char(c))
		return HTTP1_BAD;
	begin_word(m);
	add_to_word(m, c);
	return go(m, ELEMENT);
}

static unsigned step_element(struct http1_message *m, uint8_t c)
{
	if (is_token_char(c)) {
		add_to_word(m, c);
		return 0;
	}
	if (c != ',' && !is_space(c))
		return HTTP1_BAD;
	(void)go(m, c == ',' ? LIST : ELEMENT_END);
	return end_element(m);
}

static unsigned step_number(struct http1_message *m, uint8_t c)
{
	if (is_space(c))
		return go(m, m->part == LENGTH ? LENGTH : NUMBER_END);
	if (!is_digit(c) || m->part == NUMBER_END)
		return HTTP1_BAD;
	m->part = NUMBER;
	return add_digit(m, 10, c - '0');
}

static unsigned step_chunk_size(struct http1_message *m, uint8_t c)
{
	const uint8_t lower = to_lower(c);

	if (m->length > 0 && (c == ';' || is_space(c)))
		return go(m, CHUNK_EXTENSION);
	m->length = 1;
	if (is_digit(c))
		return add_digit(m, 16, c - '0');
	return lower >= 'a' && lower <= 'f' ? add_digit(m, 16, lower - 'a' + 10U) : HTTP1_BAD;
}

static unsigned step_method(struct http1_message *m, uint8_t c)
{
	if (is_upper(c) || c == '-') {
		add_to_word(m, c);
		return 0;
	}
	if (c != ' ' || m->length < SHORTEST_METHOD)
		return HTTP1_BAD;
	(void)go(m, TARGET_BEGIN);
	return HTTP1_METHOD_READ;
}

static unsigned step_target(struct http1_message *m, uint8_t c)
{
	if (c != ' ')
		return go_if(is_text_char(c) && c != '\t', m, TARGET);
	m->length = 0;
	return go_if(m->part == TARGET, m, VERSION);
}

/* `HTTP/1.0` or `HTTP/1.1`. HTTP/2 begins with a request line, too (RFC 9113 §3.4). */
static unsigned step_version(struct http1_message *m, uint8_t c)
{
	static const char name[] = "HTTP/1.";
	const uint8_t at = m->length++;

	if (at < sizeof(name) - 1)
		return c == (uint8_t)name[at] ? 0 : HTTP1_BAD;
	if (at == sizeof(name) - 1) {
		m->is_http_1_0 = c == '0';
		return c == '0' || c == '1' ? 0 : HTTP1_BAD;
	}
	m->length = 0;
	return go_if(c == ' ' && !m->is_request, m, STATUS);
}

static unsigned step_status(struct http1_message *m, uint8_t c)
{
	if (m->length == 3)
		return go_if(c == ' ', m, TEXT);
	if (!is_digit(c) || (m->length == 0 && (c < '1' || c > '5')))
		return HTTP1_BAD;
	m->length++;
	m->status = (uint16_t)(m->status * 10 + (c - '0'));
	return 0;
}

static unsigned step_field_name(struct http1_message *m, uint8_t c)
{
	if (c == ':' && m->part == FIELD_NAME)
		return begin_value(m);
	if (!is_token_char(c))
		return HTTP1_BAD;
	if (m->part == FIELD_BEGIN)
		begin_word(m);
	add_to_word(m, c);
	return go(m, FIELD_NAME);
}

static unsigned begin_chunk(struct http1_message *m)
{
	m->left = 0;
	m->length = 0;
	return go(m, CHUNK_SIZE);
}

static unsigned end_chunk_size(struct http1_message *m)
{
	if (m->left > 0)
		return go(m, CHUNK_DATA);
	m->is_in_trailer = true;
	return go(m, FIELD_BEGIN);
}

/* RFC 9112 §6.1 and §6.3: the lengths and codings must allow only one framing. */
static unsigned end_head(const struct http1_message *m)
{
	const bool is_clear = m->is_chunked ? !m->has_length && !m->is_http_1_0 : !m->has_coding;

	return is_clear ? HTTP1_HEAD_END : HTTP1_BAD;
}

static unsigned end_line(struct http1_message *m)
{
	unsigned events = m->part == ELEMENT ? end_element(m) : 0;

	switch (m->part) {
	case BETWEEN:
		return 0;
	case VERSION:
		return go_if(m->is_request && m->length == 8, m, FIELD_BEGIN);
	case STATUS:
		return go_if(m->length == 3, m, FIELD_BEGIN);
	case LIST:
	case ELEMENT:
	case ELEMENT_END:
		events |= m->field == CONNECTION ? HTTP1_OPTIONS_END : 0;
		return events | go(m, FIELD_BEGIN);
	case TEXT:
	case NUMBER:
	case NUMBER_END:
		return go(m, FIELD_BEGIN);
	case FIELD_BEGIN:
		return m->is_in_trailer ? go(m, BETWEEN) : end_head(m);
	case CHUNK_SIZE:
		return m->length > 0 ? end_chunk_size(m) : HTTP1_BAD;
	case CHUNK_EXTENSION:
		return end_chunk_size(m);
	case CHUNK_END:
		return begin_chunk(m);
	default:
		return HTTP1_BAD;
	}
}

/* Takes one byte that cannot be skipped. Returns its events. */
unsigned http1_message_step(struct http1_message *m, uint8_t c)
{
	if (m->awaits_lf) {
		m->awaits_lf = false;
		return c == '\n' ? 0 : HTTP1_BAD;
	}
	if (c == '\r')
		m->awaits_lf = true;
	if (c == '\r' || c == '\n')
		return end_line(m);
	switch (m->part) {
	case METHOD:
		return step_method(m, c);
	case TARGET_BEGIN:
	case TARGET:
		return step_target(m, c);
	case VERSION:
		return step_version(m, c);
	case STATUS:
		return step_status(m, c);
	case TEXT:
	case CHUNK_EXTENSION:
		return is_text_char(c) ? 0 : HTTP1_BAD;
	case FIELD_BEGIN:
	case FIELD_NAME:
		return step_field_name(m, c);
	case LIST:
	case ELEMENT_END:
		return step_list(m, c);
	case ELEMENT:
		return step_element(m, c);
	case LENGTH:
	case NUMBER:
	case NUMBER_END:
		return step_number(m, c);
	case CHUNK_SIZE:
		return step_chunk_size(m, c);
	default:
		return HTTP1_BAD;
	}
}

void http1_message_begin_content(struct http1_message *m, bool has_none)
{
	if (has_none)
		(void)go(m, BETWEEN);
	else if (m->is_chunked)
		(void)begin_chunk(m);
	else if (m->has_length)
		(void)go(m, m->left > 0 ? CONTENT : BETWEEN);
	else
		(void)go(m, m->is_request ? BETWEEN : REST);
}

uint64_t http1_message_skip(struct http1_message *m, uint64_t n)
{
	if (m->part < CONTENT || m->awaits_lf)
		return 0;
	if (m->part == REST)
		return n;
	n = n < m->left ? n : m->left;
	m->left -= n;
	if (m->left == 0)
		(void)go(m, m->part == CONTENT ? BETWEEN : CHUNK_END);
	return n;
}

void http1_message_begin_request(struct http1_message *m)
{
	*m = (struct http1_message){.part = METHOD, .is_request = true};
	begin_word(m);
}

void http1_message_begin_response(struct http1_message *m)
{
	*m = (struct http1_message){.part = VERSION};
}

bool http1_message_is_under_way(const struct http1_message *m)
{
	return m->part != BETWEEN;
}

bool http1_message_is_between(const struct http1_message *m)
{
	return m->part == BETWEEN && !m->awaits_lf;
}

enum http1_method http1_message_method(const struct http1_message *m)
{
	const enum word word = word_read(m);

	if (word == HEAD)
		return HTTP1_HEAD;
	return word == CONNECT ? HTTP1_CONNECT : HTTP1_OTHER_METHOD;
}
