/* SPDX-License-Identifier: MIT */
/* Owns the reading of a seccomp filter, a classic BPF program (seccomp(2)): what would the kernel do
 * with a call? Pure. */
#ifndef OCTOPUS_SECCOMP_FILTER_H
#define OCTOPUS_SECCOMP_FILTER_H

#include <linux/filter.h>
#include <linux/seccomp.h>
#include <stdint.h>

/* Returns what PROGRAM returns for DATA: SECCOMP_RET_... and its data. The kernel must have accepted
 * PROGRAM, so that it ends and reads nothing but DATA. What this function does not know it takes
 * for SECCOMP_RET_ALLOW. Context: any. */
uint32_t seccomp_filter_run(const struct sock_fprog *program, const struct seccomp_data *data);

#endif
