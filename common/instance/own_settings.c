#include "common/instance/own_settings.h"

#include "common/log/log.h"

int
own_settings_take(struct own_settings *s, const struct settings_schema *own,
    int shared_fd, int own_fd)
{
	struct settings_errors errors = { 0 };

	settings_free(s->next_shared);
	settings_free(s->next_own);
	s->next_shared = settings_read(&instance_schema, shared_fd, &errors);
	s->next_own = settings_read(own, own_fd, &errors);
	for (size_t i = 0; i < errors.n; i++)
		log_error("settings-refused", LOG_CSTR("reason",
		    errors.at[i]));
	return s->next_shared == NULL || s->next_own == NULL ? -1 : 0;
}

static void
replace(struct settings **used, struct settings **next)
{
	settings_free(*used);
	*used = *next;
	*next = NULL;
}

bool
own_settings_commit(struct own_settings *s)
{
	if (s->next_shared != NULL && s->next_own != NULL) {
		replace(&s->shared, &s->next_shared);
		replace(&s->own, &s->next_own);
	}
	return s->shared != NULL && s->own != NULL;
}

void
own_settings_clear(struct own_settings *s)
{
	settings_free(s->shared);
	settings_free(s->own);
	settings_free(s->next_shared);
	settings_free(s->next_own);
	*s = (struct own_settings){ 0 };
}
