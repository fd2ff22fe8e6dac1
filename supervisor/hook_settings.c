/* SPDX-License-Identifier: ISC */
/*
 * Copies of a hook's settings; see hook_settings.h.
 */
#include "hook_settings.h"

#include <stdlib.h>
#include <string.h>

#include "alloc.h"

static void
replace(char **text, const char *with)
{
	free(*text);
	*text = with != NULL ? alloc_string(with) : NULL;
}

void
hook_settings_copy_account(const struct hook_settings *from, struct hook_settings *to)
{
	replace(&to->user, from->user);
	replace(&to->home, from->home);
	replace(&to->shell, from->shell);
	to->uid = from->uid;
	to->gid = from->gid;
}

void
hook_settings_copy(const struct hook_settings *from, struct hook_settings *to)
{
	memset(to, 0, sizeof(*to));
	replace(&to->command, from->command);
	hook_settings_copy_account(from, to);
	to->timeout = from->timeout;
	to->retry = from->retry;
}

static bool
is_same_text(const char *a, const char *b)
{
	return a == NULL || b == NULL ? a == b : strcmp(a, b) == 0;
}

bool
hook_settings_equal(const struct hook_settings *a, const struct hook_settings *b)
{
	return is_same_text(a->command, b->command) && is_same_text(a->user, b->user) && a->uid == b->uid &&
	       a->gid == b->gid && is_same_text(a->home, b->home) && is_same_text(a->shell, b->shell) &&
	       a->timeout == b->timeout && a->retry == b->retry;
}

void
hook_settings_free(struct hook_settings *settings)
{
	free(settings->command);
	free(settings->user);
	free(settings->home);
	free(settings->shell);
	memset(settings, 0, sizeof(*settings));
}
