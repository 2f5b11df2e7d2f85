/* SPDX-License-Identifier: MIT */
/* The text of an address, against inet_ntop(3).
 * Links: kernel/address.c base/text.c
 */
#include <arpa/inet.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <linux/vm_sockets.h>

#include "expect.h"
#include "kernel/address.h"

enum { RANDOM_ADDRESSES = 200000 };

static void compare(const struct sockaddr *address, socklen_t length, const void *bytes,
                    const char *form)
{
	char host[INET6_ADDRSTRLEN], expected[160], text[160];

	inet_ntop(address->sa_family, bytes, host, sizeof(host));
	snprintf(expected, sizeof(expected), form, host);
	address_format(text, sizeof(text), address, length);
	expect_text("address", text, expected);
}

static void compare_v6(const struct in6_addr *bytes)
{
	struct sockaddr_in6 address = {
		.sin6_family = AF_INET6, .sin6_port = htons(443), .sin6_addr = *bytes};

	compare((const void *)&address, sizeof(address), bytes, "[%s]:443");
}

static void compare_v4(uint32_t bytes)
{
	struct sockaddr_in address = {
		.sin_family = AF_INET, .sin_port = htons(80), .sin_addr.s_addr = bytes};

	compare((const void *)&address, sizeof(address), &bytes, "%s:80");
}

/* Mostly zeros, so that runs of them are common. */
static uint16_t random_word(void)
{
	switch (rand() % 4) {
	case 0:
		return (uint16_t)rand();
	case 1:
		return 0xffff;
	default:
		return 0;
	}
}

static void test_vsock(void)
{
	const struct sockaddr_vm have = {
		.svm_family = AF_VSOCK, .svm_cid = VMADDR_CID_LOCAL, .svm_port = 5000};
	struct sockaddr_vm wanted = have;
	char text[160];

	address_format(text, sizeof(text), (const void *)&have, sizeof(have));
	expect_text("vsock", text, "vsock:1:5000");
	expect_number("the same",
	              address_is_same((void *)&wanted, sizeof(wanted), (void *)&have, sizeof(have),
	                              false),
	              1);
	expect_number("shorter",
	              address_is_same((void *)&wanted, sizeof(wanted) - 1, (void *)&have,
	                              sizeof(have), false),
	              0);
	wanted.svm_port++;
	expect_number("another port",
	              address_is_same((void *)&wanted, sizeof(wanted), (void *)&have, sizeof(have),
	                              false),
	              0);
}

int main(void)
{
	static const char *const texts[] = {"::",        "::1",
	                                    "1::",       "fe80::1",
	                                    "1:0:0:1::", "::ffff:1.2.3.4",
	                                    "::1.2.3.4", "1:2:3:4:5:6:7:8"};
	struct in6_addr bytes;

	test_vsock();
	for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++) {
		expect_number("inet_pton", inet_pton(AF_INET6, texts[i], &bytes), 1);
		compare_v6(&bytes);
	}
	srand(1);
	for (int i = 0; i < RANDOM_ADDRESSES; i++) {
		for (int word = 0; word < 8; word++)
			bytes.s6_addr16[word] = random_word();
		compare_v6(&bytes);
		compare_v4((uint32_t)rand() ^ (uint32_t)rand() << 16);
	}
	return expect_status();
}
