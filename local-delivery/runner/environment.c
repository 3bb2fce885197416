/*
 * What a program finds in its environment, and nothing else.
 *
 * Values that come from a message's envelope keep only characters that no
 * shell and no careless script can take for more than text; any other
 * becomes "_".
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "local-delivery/runner/runner.h"

enum { VARIABLES_MAX = 16 };

static bool
is_harmless(char c)
{
	return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') ||
	    (c >= 'A' && c <= 'Z') || strchr("!@%-_=+:,./", c) != NULL;
}

struct builder {
	char	**at;
	size_t	  n;
	bool	  failed;
};

static void
add(struct builder *b, const char *name, struct slice value, bool strange)
{
	char *text;

	if (b->failed)
		return;
	if (asprintf(&text, "%s=%.*s", name, (int)value.len, value.at) == -1) {
		b->failed = true;
		return;
	}
	if (strange)
		for (char *p = text + strlen(name) + 1; *p != '\0'; p++)
			if (!is_harmless(*p))
				*p = '_';
	b->at[b->n++] = text;
}

static void
add_envelope(struct builder *b, const struct delivery *d, bool alias)
{
	/* The final address of an alias's program is the program itself. */
	struct slice to = alias && d->original.len > 0 ? d->original :
	    d->recipient;
	struct slice local = to, domain = slice_of("", 0);
	const char *at = memrchr(to.at, '@', to.len);

	if (at != NULL) {
		local.len = (size_t)(at - local.at);
		domain = slice_skip(to, local.len + 1);
	}
	add(b, "SENDER", d->reverse_path, true);
	add(b, "RECIPIENT", to, true);
	add(b, "ORIGINAL_RECIPIENT", d->original, true);
	add(b, "LOCAL", local, true);
	add(b, "DOMAIN", domain, true);
	add(b, "EXTENSION", d->detail, true);
}

int
environment_make(const struct task *t, struct environment *e)
{
	const struct runner *rn = t->rn;
	struct builder b = { .at = calloc(VARIABLES_MAX, sizeof(char *)) };
	char id[24];

	e->at = b.at;
	if (b.at == NULL)
		return -1;
	add(&b, "HOME", slice_str(rn->user.home), false);
	add(&b, "USER", slice_str(rn->user.name), false);
	add(&b, "LOGNAME", slice_str(rn->user.name), false);
	add(&b, "SHELL", slice_str(rn->user.shell), false);
	add(&b, "PATH", slice_str(rn->set->program_path), false);
	add(&b, "LANG", slice_str("C"), false);
	snprintf(id, sizeof(id), "%012llx",
	    (unsigned long long)t->ask.delivery.queue_id);
	add(&b, "QUEUE_ID", slice_str(id), false);
	add_envelope(&b, &t->ask.delivery, t->ask.target.len > 0);
	if (b.failed) {
		environment_clear(e);
		return -1;
	}
	return 0;
}

void
environment_clear(struct environment *e)
{
	for (size_t i = 0; e->at != NULL && e->at[i] != NULL; i++)
		free(e->at[i]);
	free(e->at);
	e->at = NULL;
}
