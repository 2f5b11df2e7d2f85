/* SPDX-License-Identifier: MIT */
/* A server that leaves all to a library which it opens: usage: deep PORT now|lazy|name. The library
 * stands beside the program and is opened with RTLD_DEEPBIND; it is bound at once, or lazily, or it is opened
 * by its bare name, for which the loader looks into the program's run path. */
#include "deep_library.h"

#include <dlfcn.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define LIBRARY "deep_library.so"

int main(int argc, char **argv)
{
	const char *how = argc > 2 ? argv[2] : "";
	const int mode = RTLD_DEEPBIND | (strcmp(how, "lazy") == 0 ? RTLD_LAZY : RTLD_NOW);
	char path[PATH_MAX];
	union {
		void *object;
		void (*serve)(int port);
	} found = {0};
	void *handle;

	if (!realpath("/proc/self/exe", path))
		return 1;
	strcpy(strrchr(path, '/') + 1, LIBRARY);
	handle = dlopen(strcmp(how, "name") == 0 ? LIBRARY : path, mode);
	if (handle)
		found.object = dlsym(handle, "deep_library_serve");
	if (!found.object) {
		fprintf(stderr, "%s\n", dlerror());
		return 1;
	}
	found.serve(atoi(argv[1]));
}
