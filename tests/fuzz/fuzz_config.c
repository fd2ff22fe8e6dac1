/* SPDX-License-Identifier: ISC */
/*
 * natter.cfg: it is taken whole or refused whole, what is said of it is fit for a
 * terminal, and what "natterd -n -v" prints of it is the same configuration.
 */
#include "config.h"
#include "config_mistake.h"
#include "file.h"

static unsigned int mistakes;

/* The leak sanitizer's name.  libconfig 1.5 itself forgets a text that does not end. */
const char *__lsan_default_suppressions(void);

const char *
__lsan_default_suppressions(void)
{
	return "leak:libconfig.so";
}

static void
take_mistake(void *context, const char *text)
{
	(void)context;
	MUST(text_is_printable(text, strlen(text) + 1));
	mistakes++;
}

/* What is printed of the file, for the caller to free; "" if it is refused. */
static char *
print(void)
{
	char *text = NULL, *marks = NULL, *p;
	size_t size = 0, marks_size = 0;
	FILE *stream = open_memstream(&text, &size), *marked = open_memstream(&marks, &marks_size);
	int result;

	MUST(stream != NULL && marked != NULL);
	mistakes = 0;
	config_mistake_mark(marked);
	result = config_print(file_cfg, stream);
	MUST(fclose(stream) == 0 && fclose(marked) == 0);
	MUST((result == 0) == (mistakes == 0) && (result == 0) == (size > 0));
	for (p = marks; (p = strchr(p, '\n')) != NULL; p++)
		*p = ' ';
	MUST(text_is_printable(marks, marks_size + 1));
	free(marks);
	return text;
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	char *printed, *again;

	/* No file of the machine: included ones are looked for in the folder. */
	if (memmem(data, size, "..", 2) != NULL)
		return 0;
	file_open();
	log_set_sink(fuzz_log);
	config_mistake_send(take_mistake, NULL);
	file_write(file_cfg, data, size);
	printed = print();
	if (printed[0] != '\0') {
		file_write(file_cfg, printed, strlen(printed));
		again = print();
		MUST(strcmp(again, printed) == 0);
		free(again);
	}
	free(printed);
	return 0;
}
