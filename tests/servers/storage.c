/* SPDX-License-Identifier: MIT */
/* STORAGE_MIB MiB of static thread-local storage, for a server or for a library that it is started with. */
#ifndef STORAGE_MIB
#define STORAGE_MIB 1
#endif

__thread char storage[STORAGE_MIB << 20] __attribute__((tls_model("initial-exec")));
