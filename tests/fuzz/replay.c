/* SPDX-License-Identifier: ISC */
/*
 * replay - main() of a fuzz target outside a fuzzer: runs every file named
 * on the command line through LLVMFuzzerTestOneInput.
 */
#include "config.h"

#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

#define INPUT_MAX (1 << 20)

int
main(int argc, char *argv[])
{
	uint8_t *bytes = malloc(INPUT_MAX);
	size_t size;
	FILE *file;

	if (bytes == NULL)
		return EXIT_FAILURE;
	for (int i = 1; i < argc; i++) {
		file = fopen(argv[i], "rb");
		if (file == NULL) {
			perror(argv[i]);
			return EXIT_FAILURE;
		}
		size = fread(bytes, 1, INPUT_MAX, file);
		fclose(file);
		(void)LLVMFuzzerTestOneInput(bytes, size);
	}
	printf("%d inputs\n", argc - 1);
	free(bytes);
	return EXIT_SUCCESS;
}
