/* SPDX-License-Identifier: MIT */
#include "signal/our_interrupts.h"

__thread volatile bool our_interrupts_noted;
