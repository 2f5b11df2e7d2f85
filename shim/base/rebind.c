/* SPDX-License-Identifier: MIT */
#include "base/rebind.h"

#include <elf.h>
#include <link.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/auxv.h>
#include <sys/mman.h>

#include "base/raw_syscall.h"

#if defined(__aarch64__)
#define JUMP_SLOT R_AARCH64_JUMP_SLOT
#define GLOB_DAT R_AARCH64_GLOB_DAT
#else
#define JUMP_SLOT R_X86_64_JUMP_SLOT
#define GLOB_DAT R_X86_64_GLOB_DAT
#endif

typedef ElfW(Phdr) elf_segment;
typedef ElfW(Dyn) elf_dynamic;
typedef ElfW(Sym) elf_symbol;
typedef ElfW(Rela) elf_relocation;

/* One loaded object. */
struct object {
	const struct dl_phdr_info *info;
	const elf_symbol *symbols;
	const char *names;
	const elf_relocation *slots, *data; /* DT_JMPREL, and DT_RELA for code without a PLT */
	size_t slot_count, data_count;
	void *(*choose)(const char *name, const void *bound);
};

static const elf_segment *find_segment(const struct object *object, uint32_t type)
{
	for (int i = 0; i < object->info->dlpi_phnum; i++) {
		if (object->info->dlpi_phdr[i].p_type == type)
			return &object->info->dlpi_phdr[i];
	}
	return NULL;
}

static bool contains(const struct object *object, const void *address)
{
	const uintptr_t offset = (uintptr_t)address - object->info->dlpi_addr;

	for (int i = 0; i < object->info->dlpi_phnum; i++) {
		const elf_segment *segment = &object->info->dlpi_phdr[i];

		if (segment->p_type == PT_LOAD && offset - segment->p_vaddr < segment->p_memsz)
			return true;
	}
	return false;
}

/* glibc has turned the offsets of the file into addresses, but not in the kernel's vDSO. */
static bool read_dynamic(struct object *object)
{
	const elf_segment *segment = find_segment(object, PT_DYNAMIC);
	const elf_dynamic *entry;

	if (!segment)
		return false;
	entry = (const void *)(object->info->dlpi_addr + segment->p_vaddr);
	for (; entry->d_tag != DT_NULL; entry++) {
		const void *address = (const void *)entry->d_un.d_ptr;
		const size_t count = entry->d_un.d_val / sizeof(elf_relocation);

		if (entry->d_tag == DT_SYMTAB)
			object->symbols = address;
		else if (entry->d_tag == DT_STRTAB)
			object->names = address;
		else if (entry->d_tag == DT_JMPREL)
			object->slots = address;
		else if (entry->d_tag == DT_PLTRELSZ)
			object->slot_count = count;
		else if (entry->d_tag == DT_RELA)
			object->data = address;
		else if (entry->d_tag == DT_RELASZ)
			object->data_count = count;
	}
	return contains(object, object->symbols) && contains(object, object->names);
}

/* The loader has made some slots read-only (PT_GNU_RELRO). */
static void write_slot(const struct object *object, void **slot, void *address)
{
	const elf_segment *relro = find_segment(object, PT_GNU_RELRO);
	const uintptr_t page_size = getauxval(AT_PAGESZ);
	const uintptr_t page = (uintptr_t)slot & ~(page_size - 1);
	const bool is_guarded =
		relro &&
		(uintptr_t)slot - object->info->dlpi_addr - relro->p_vaddr < relro->p_memsz;

	if (is_guarded && RAW3(SYS_mprotect, page, page_size, PROT_READ | PROT_WRITE) != 0)
		return;
	__atomic_store_n(slot, address, __ATOMIC_RELEASE);
	if (is_guarded)
		(void)RAW3(SYS_mprotect, page, page_size, PROT_READ);
}

static void rebind_slots(const struct object *object, const elf_relocation *list, size_t count)
{
	for (size_t i = 0; list && i < count; i++) {
		const uint32_t type = ELF64_R_TYPE(list[i].r_info);
		const elf_symbol *symbol = &object->symbols[ELF64_R_SYM(list[i].r_info)];
		void **slot = (void **)(object->info->dlpi_addr + list[i].r_offset);
		void *bound, *chosen;

		if ((type != JUMP_SLOT && type != GLOB_DAT) || symbol->st_shndx != SHN_UNDEF)
			continue;
		bound = __atomic_load_n(slot, __ATOMIC_ACQUIRE);
		/* Until the first call a slot leads into the object itself. */
		chosen = object->choose(object->names + symbol->st_name,
		                        contains(object, bound) ? NULL : bound);
		if (chosen && chosen != bound)
			write_slot(object, slot, chosen);
	}
}

static int rebind_object(struct dl_phdr_info *info, size_t size, void *context)
{
	struct object object = {.info = info,
	                        .choose = *(void *(**)(const char *, const void *))context};

	(void)size;
	if (!read_dynamic(&object))
		return 0;
	rebind_slots(&object, object.slots, object.slot_count);
	rebind_slots(&object, object.data, object.data_count);
	return 0;
}

void rebind_all(void *(*choose)(const char *name, const void *bound))
{
	(void)dl_iterate_phdr(rebind_object, (void *)&choose);
}
