/* SPDX-License-Identifier: ISC */
#include "config.h"

#include "common/program.h"

const struct program program_table[] = {
	{ NULL, NULL },
};
