/* SPDX-License-Identifier: ISC */
/*
 * v0.9's configuration: whatever "natterctl import" takes natterd takes, too.
 */
#include "config.h"
#include "file.h"
#include "natterctl_ask.h"
#include "natterctl_import.h"

/* What natterctl prints goes into the file, its mistakes nowhere. */
static int
import(void)
{
	FILE *out = stdout, *err = stderr;
	int status;

	stdout = fopen(file_cfg, "we");
	stderr = fopen("/dev/null", "we");
	MUST(stdout != NULL && stderr != NULL);
	status = natterctl_import(file_json);
	fclose(stdout);
	fclose(stderr);
	stdout = out;
	stderr = err;
	return status;
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct config *config;
	int status;

	file_open();
	file_write(file_json, data, size);
	status = import();
	log_set_sink(fuzz_log);
	MUST(status == NATTERCTL_OK || status == NATTERCTL_REFUSED);
	config = config_load(file_cfg);
	MUST(config != NULL);
	MUST(status == NATTERCTL_OK || config->mapping_count == 0);
	config_free(config);
	return 0;
}
