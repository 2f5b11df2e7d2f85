/* SPDX-License-Identifier: MIT */
/* A new version that never comes to listen. */
#include <unistd.h>

int main(void)
{
	for (;;)
		pause();
}
