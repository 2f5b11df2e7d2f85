/* SPDX-License-Identifier: MIT */
#include "kernel/seccomp_filter.h"

#include <stdbool.h>
#include <string.h>

/* The machine that runs a program (bpf(4) of BSD; Documentation/networking/filter.rst). */
struct machine {
	const struct seccomp_data *data;
	uint32_t a, x;
	uint32_t memory[BPF_MEMWORDS];
};

static uint32_t operand(const struct machine *machine, const struct sock_filter *step)
{
	return BPF_SRC(step->code) == BPF_X ? machine->x : step->k;
}

static uint32_t load(const struct machine *machine, const struct sock_filter *step)
{
	uint32_t word = 0;

	switch (BPF_MODE(step->code)) {
	case BPF_IMM:
		return step->k;
	case BPF_MEM:
		return machine->memory[step->k % BPF_MEMWORDS];
	case BPF_LEN:
		return sizeof(*machine->data);
	case BPF_ABS:
		if (step->k <= sizeof(*machine->data) - sizeof(word))
			memcpy(&word, (const char *)machine->data + step->k, sizeof(word));
		return word;
	default:
		return 0;
	}
}

/* A division by zero ends the program with 0; the kernel refuses a constant one. */
static bool calculate(struct machine *machine, const struct sock_filter *step)
{
	const uint32_t by = operand(machine, step);

	switch (BPF_OP(step->code)) {
	case BPF_ADD:
		machine->a += by;
		break;
	case BPF_SUB:
		machine->a -= by;
		break;
	case BPF_MUL:
		machine->a *= by;
		break;
	case BPF_DIV:
		if (by == 0)
			return false;
		machine->a /= by;
		break;
	case BPF_AND:
		machine->a &= by;
		break;
	case BPF_OR:
		machine->a |= by;
		break;
	case BPF_XOR:
		machine->a ^= by;
		break;
	case BPF_LSH:
		machine->a = by < 32 ? machine->a << by : 0;
		break;
	case BPF_RSH:
		machine->a = by < 32 ? machine->a >> by : 0;
		break;
	case BPF_NEG:
		machine->a = -machine->a;
		break;
	}
	return true;
}

/* Returns how many steps to skip. */
static uint32_t jump(const struct machine *machine, const struct sock_filter *step)
{
	const uint32_t to = operand(machine, step);
	bool holds = false;

	switch (BPF_OP(step->code)) {
	case BPF_JA:
		return step->k;
	case BPF_JEQ:
		holds = machine->a == to;
		break;
	case BPF_JGT:
		holds = machine->a > to;
		break;
	case BPF_JGE:
		holds = machine->a >= to;
		break;
	case BPF_JSET:
		holds = (machine->a & to) != 0;
		break;
	}
	return holds ? step->jt : step->jf;
}

uint32_t seccomp_filter_run(const struct sock_fprog *program, const struct seccomp_data *data)
{
	struct machine machine = {.data = data};

	for (uint32_t i = 0; i < program->len; i++) {
		const struct sock_filter *step = &program->filter[i];

		switch (BPF_CLASS(step->code)) {
		case BPF_LD:
			machine.a = load(&machine, step);
			break;
		case BPF_LDX:
			machine.x = load(&machine, step);
			break;
		case BPF_ST:
			machine.memory[step->k % BPF_MEMWORDS] = machine.a;
			break;
		case BPF_STX:
			machine.memory[step->k % BPF_MEMWORDS] = machine.x;
			break;
		case BPF_ALU:
			if (!calculate(&machine, step))
				return SECCOMP_RET_KILL_THREAD;
			break;
		case BPF_JMP:
			i += jump(&machine, step);
			break;
		case BPF_RET:
			return BPF_RVAL(step->code) == BPF_A ? machine.a : step->k;
		case BPF_MISC:
			if (BPF_MISCOP(step->code) == BPF_TXA)
				machine.a = machine.x;
			else
				machine.x = machine.a;
			break;
		}
	}
	return SECCOMP_RET_ALLOW;
}
