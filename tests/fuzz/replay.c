/* SPDX-License-Identifier: ISC */
/*
 * The main function of a fuzzer that is built without libFuzzer: gives it the files
 * that it is called with, one after the other.
 */
#include <sys/stat.h>

#include "fuzz.h"

/* In a heap block of its own, so that a sanitizer sees a read beyond it. */
static int
replay(const char *path)
{
	FILE *stream = fopen(path, "re");
	struct stat st;
	uint8_t *data;
	size_t size;

	if (stream == NULL || fstat(fileno(stream), &st) < 0) {
		perror(path);
		return -1;
	}
	size = (size_t)st.st_size;
	data = malloc(size > 0 ? size : 1);
	MUST(data != NULL && fread(data, 1, size, stream) == size);
	fclose(stream);
	LLVMFuzzerTestOneInput(data, size);
	free(data);
	return 0;
}

int
main(int argc, char **argv)
{
	int i;

	if (argc < 2) {
		fprintf(stderr, "usage: %s FILE...\n", argv[0]);
		return 2;
	}
	for (i = 1; i < argc; i++) {
		printf("%s\n", argv[i]);
		fflush(stdout); /* the last one is to blame */
		if (replay(argv[i]) < 0)
			return 1;
	}
	return 0;
}
