/* SPDX-License-Identifier: MIT */
#include "base/vdso.h"

#include <elf.h>
#include <link.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <sys/auxv.h>

typedef ElfW(Ehdr) elf_header;
typedef ElfW(Phdr) elf_segment;
typedef ElfW(Dyn) elf_dynamic;
typedef ElfW(Sym) elf_symbol;

/* What is needed of the image, an ELF shared object (elf(5)). */
struct image {
	uintptr_t bias; /* from an address in the file to one in memory */
	const elf_symbol *symbols;
	const char *names;
	uint32_t count; /* of symbols */
};

static const void *at(const struct image *image, uintptr_t address)
{
	return (const void *)(image->bias + address);
}

/* Finds the dynamic section, and sets the bias. */
static const elf_dynamic *read_segments(const elf_header *header, struct image *image)
{
	const elf_segment *segment = (const void *)((uintptr_t)header + header->e_phoff);
	const elf_segment *dynamic = NULL;
	bool has_bias = false;

	for (int i = 0; i < header->e_phnum; i++) {
		if (segment[i].p_type == PT_DYNAMIC)
			dynamic = &segment[i];
		if (segment[i].p_type != PT_LOAD || has_bias)
			continue;
		image->bias = (uintptr_t)header + segment[i].p_offset - segment[i].p_vaddr;
		has_bias = true;
	}
	return dynamic && has_bias ? at(image, dynamic->p_vaddr) : NULL;
}

/* The second word of DT_HASH is the number of symbols. A vDSO with DT_GNU_HASH alone ends its
 * symbols where their names begin, as linkers lay them out. */
static void read_dynamic(const elf_dynamic *entry, struct image *image)
{
	const uint32_t *hash = NULL;

	for (; entry->d_tag != DT_NULL; entry++) {
		if (entry->d_tag == DT_SYMTAB)
			image->symbols = at(image, entry->d_un.d_ptr);
		else if (entry->d_tag == DT_STRTAB)
			image->names = at(image, entry->d_un.d_ptr);
		else if (entry->d_tag == DT_HASH)
			hash = at(image, entry->d_un.d_ptr);
	}
	if (hash)
		image->count = hash[1];
	else if ((uintptr_t)image->names > (uintptr_t)image->symbols)
		image->count = (uint32_t)(((uintptr_t)image->names - (uintptr_t)image->symbols) /
		                          sizeof(*image->symbols));
}

void *vdso_find(const char *name)
{
	const elf_header *header = (const void *)getauxval(AT_SYSINFO_EHDR);
	const elf_dynamic *dynamic;
	struct image image = {0};

	if (!header || memcmp(header->e_ident, ELFMAG, SELFMAG) != 0)
		return NULL;
	dynamic = read_segments(header, &image);
	if (!dynamic)
		return NULL;
	read_dynamic(dynamic, &image);
	for (uint32_t i = 0; image.symbols && image.names && i < image.count; i++) {
		const elf_symbol *symbol = &image.symbols[i];

		if (symbol->st_shndx != SHN_UNDEF &&
		    strcmp(image.names + symbol->st_name, name) == 0)
			return (void *)at(&image, symbol->st_value);
	}
	return NULL;
}
