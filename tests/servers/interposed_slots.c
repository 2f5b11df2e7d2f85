/* SPDX-License-Identifier: MIT */
/* Prints the offset and the name of each entry of the table of libc's functions. */
#include "base/interpose.h"

#include <stddef.h>

int main(void)
{
#define X(name) printf("%zu %s\n", offsetof(struct libc_calls, name), #name);
	INTERPOSED(X)
#undef X
	return 0;
}
