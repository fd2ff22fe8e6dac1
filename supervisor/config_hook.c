/* SPDX-License-Identifier: ISC */
/*
 * Hooks in natter.cfg; see config_hook.h.
 */
#include "config_hook.h"

#include <pwd.h>
#include <string.h>
#include <unistd.h>

#include "alloc.h"
#include "config_syntax.h"
#include "config_value.h"

static void
read_command(struct config_file *file, const config_setting_t *setting, void *into)
{
	struct hook_settings *hook = into;

	config_value_string(file, setting, &hook->command);
}

static void
write_command(struct config_out *out, const char *key, const void *from)
{
	const struct hook_settings *hook = from;

	config_syntax_text(out, key, hook->command);
}

static void
take_account(struct hook_settings *hook, const struct passwd *account)
{
	struct hook_settings found = {
	    .user = account->pw_name,
	    .uid = account->pw_uid,
	    .gid = account->pw_gid,
	    .home = account->pw_dir,
	    .shell = account->pw_shell,
	};

	hook_settings_copy_account(&found, hook);
}

/* Where no hook will run nobody needs to be able to become the account. */
static void
read_user(struct config_file *file, const config_setting_t *setting, void *into)
{
	struct hook_settings *hook = into;
	const struct passwd *account;

	if (config_value_string(file, setting, &hook->user) < 0 || hook->user[0] == '\0' || file->servers_only)
		return;
	account = config_value_account(file, setting, hook->user);
	if (account == NULL)
		return;
	if (geteuid() == 0 || account->pw_uid == geteuid())
		take_account(hook, account);
	else
		config_file_mistake(file, setting,
		    "without root hooks run as the user who starts natterd (uid %u); take it away, or start natterd as root",
		    geteuid());
}

static void
write_user(struct config_out *out, const char *key, const void *from)
{
	const struct hook_settings *hook = from;

	config_syntax_text(out, key, hook->user);
}

static void
read_timeout(struct config_file *file, const config_setting_t *setting, void *into)
{
	struct hook_settings *hook = into;

	config_value_number(file, setting, 1, HOOK_TIMEOUT_MAX, &hook->timeout);
}

static void
write_timeout(struct config_out *out, const char *key, const void *from)
{
	const struct hook_settings *hook = from;

	config_syntax_number(out, key, hook->timeout);
}

static void
read_retry(struct config_file *file, const config_setting_t *setting, void *into)
{
	struct hook_settings *hook = into;

	config_value_number(file, setting, 0, HOOK_RETRY_MAX, &hook->retry);
}

static void
write_retry(struct config_out *out, const char *key, const void *from)
{
	const struct hook_settings *hook = from;

	config_syntax_number(out, key, hook->retry);
}

static const struct config_key hook_keys[] = {
    {"hook", read_command, write_command},
    {"hook_user", read_user, write_user},
    {"hook_timeout", read_timeout, write_timeout},
    {"hook_retry", read_retry, write_retry},
};

/* The one of that name, which is one of them. */
static const struct config_key *
find_key(const char *name)
{
	const struct config_key *key = hook_keys;

	while (strcmp(key->name, name) != 0)
		key++;
	return key;
}

void
config_hook_read(struct config_file *file, const config_setting_t *setting, struct hook_settings *hook)
{
	find_key(config_setting_name(setting))->read(file, setting, hook);
}

void
config_hook_write(struct config_out *out, const char *key, const struct hook_settings *hook)
{
	find_key(key)->write(out, key, hook);
}

void
config_hook_complete(struct hook_settings *hook, const struct hook_settings *global)
{
	if (hook->command == NULL && global->command != NULL)
		hook->command = alloc_string(global->command);
	config_value_drop_empty(&hook->command);
	if (hook->user == NULL)
		hook_settings_copy_account(global, hook);
	config_value_drop_empty(&hook->user);
	if (hook->timeout == 0)
		hook->timeout = global->timeout;
	if (hook->retry == HOOK_RETRY_UNSET)
		hook->retry = global->retry;
}
