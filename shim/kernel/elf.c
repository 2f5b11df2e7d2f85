/* SPDX-License-Identifier: MIT */
#include "kernel/elf.h"

#include <elf.h>
#include <string.h>
#include <sys/types.h>

#include "kernel/procfs.h"

static bool has_interpreter(const char *elf, ssize_t length)
{
	const Elf64_Ehdr *header = (const void *)elf;
	const size_t table = (size_t)header->e_phnum * sizeof(Elf64_Phdr);

	/* Only what is plainly static is refused; in doubt the loader is asked. */
	if (header->e_ident[EI_CLASS] != ELFCLASS64 || header->e_phentsize != sizeof(Elf64_Phdr) ||
	    header->e_phoff > (size_t)length || table > (size_t)length - header->e_phoff)
		return true;
	for (int i = 0; i < header->e_phnum; i++) {
		Elf64_Phdr segment;

		memcpy(&segment, elf + header->e_phoff + (size_t)i * sizeof(segment),
		       sizeof(segment));
		if (segment.p_type == PT_INTERP)
			return true;
	}
	return false;
}

bool elf_is_static(const char *path)
{
	char start[4096] __attribute__((aligned(8)));
	const ssize_t length = procfs_read(path, start, sizeof(start));

	return length >= (ssize_t)sizeof(Elf64_Ehdr) && memcmp(start, ELFMAG, SELFMAG) == 0 &&
	       !has_interpreter(start, length);
}
