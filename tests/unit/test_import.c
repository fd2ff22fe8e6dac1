/* SPDX-License-Identifier: ISC */
/*
 * A hook on its whole way: JSON, import, libconfig.  `natterd -n` prints none.
 * NEEDS: supervisor/natterctl_import supervisor/natterctl_import_ports supervisor/natterctl_import_value
 * NEEDS: supervisor/natterctl_cfg supervisor/natterctl_json
 * NEEDS: supervisor/config supervisor/config_file supervisor/config_global supervisor/config_hook supervisor/config_hosts supervisor/config_include supervisor/config_mapping supervisor/config_relay supervisor/config_mistake supervisor/config_ports supervisor/config_scan supervisor/config_syntax supervisor/config_value supervisor/config_write supervisor/hook_settings
 */
#include <stdlib.h>
#include <unistd.h>

#include <json-c/json.h>

#include "check.h"
#include "config.h"
#include "natterctl_ask.h"
#include "natterctl_import.h"

static char directory[] = "/tmp/natter-test-import.XXXXXX";
static char json_path[PATH_MAX], cfg_path[PATH_MAX];

/* A configuration with a mapping and this hook, which is also the value of a key
 * that nobody knows. */
static int
write_json(const char *hook)
{
	struct json_object *root = json_tokener_parse("{ \"forward_port\": { \"tcp\": [ \"127.0.0.1:80\" ] } }");
	struct json_object *report = json_object_new_object();
	int result;

	json_object_object_add(report, "hook", json_object_new_string(hook));
	json_object_object_add(report, hook, json_object_new_string(hook));
	json_object_object_add(root, "status_report", report);
	result = json_object_to_file(json_path, root);
	json_object_put(root);
	return result;
}

/* natterctl prints to stdout, which is the file for so long. */
static int
import(void)
{
	int saved, status;

	fflush(stdout);
	saved = dup(STDOUT_FILENO);
	if (saved < 0 || freopen(cfg_path, "w", stdout) == NULL)
		return -1;
	status = natterctl_import(json_path);
	fflush(stdout);
	dup2(saved, STDOUT_FILENO);
	close(saved);
	return status;
}

static void
check_hook(const char *hook)
{
	struct config *config;

	CHECK(write_json(hook) == 0);
	CHECK(import() == NATTERCTL_OK);
	config = config_load(cfg_path);
	CHECK(config != NULL && config->mapping_count == 1);
	if (config != NULL && config->mapping_count == 1)
		CHECK_TEXT(TAILQ_FIRST(&config->mappings)->hook.command, hook);
	config_free(config);
}

static void
test_every_ascii_character(void)
{
	char hook[128];
	int c;

	for (c = 1; c < 128; c++)
		hook[c - 1] = (char)c;
	hook[127] = '\0';
	check_hook(hook);
}

static void
test_every_control_character_of_c1(void)
{
	char hook[2 * 33] = "";
	int i;

	for (i = 0; i < 32; i++) {
		hook[2 * i] = (char)0xc2;
		hook[2 * i + 1] = (char)(0x80 + i);
	}
	hook[64] = '\0';
	check_hook(hook);
}

/* What could be read as an escape, as the end of the text, or as a line of its own. */
static void
test_traps(void)
{
	static const char *const hooks[] = {"\\", "\\\\\"", "\\x41", "\\n", "\00141", "\n\"; x = \"", "\n@include \"x\"\n",
	    "*/", "# //", "\xe4\xb8\xad\xe6\x96\x87 \xf0\x9f\x98\x80", "\xe2\x80\xa8", "${name} {outer_ip} '{protocol}'"};
	size_t i;

	for (i = 0; i < sizeof(hooks) / sizeof(hooks[0]); i++)
		check_hook(hooks[i]);
}

int
main(void)
{
	if (mkdtemp(directory) == NULL)
		return 1;
	snprintf(json_path, sizeof(json_path), "%s/natter.json", directory);
	snprintf(cfg_path, sizeof(cfg_path), "%s/natter.cfg", directory);
	test_every_ascii_character();
	test_every_control_character_of_c1();
	test_traps();
	unlink(json_path);
	unlink(cfg_path);
	rmdir(directory);
	return check_done();
}
