/* SPDX-License-Identifier: MIT */
#include "generation/lowered.h"

struct lowered lowered;
