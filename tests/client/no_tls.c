/* SPDX-License-Identifier: MIT */
/* In the place of tls.c where there is no OpenSSL: https fails, everything else works. */
#include "tls.h"

void *tls_new(int fd)
{
	(void)fd;
	return NULL;
}

ssize_t tls_move(void *tls, bool is_write, void *data, size_t len, short *ret_events,
                 enum outcome *ret_outcome)
{
	(void)tls;
	(void)is_write;
	(void)data;
	(void)len;
	*ret_events = 0;
	*ret_outcome = outcome_report_other("tls", "built without OpenSSL");
	return -1;
}

enum outcome tls_check_open(void *tls)
{
	(void)tls;
	return OUTCOME_OK;
}

void tls_free(void *tls)
{
	(void)tls;
}
