#include <stdlib.h>

#include "common/settings/example_table.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* Accepted: every value within its limits.  Refused: printable reasons. */
int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct settings_errors errors;
	struct settings *s =
	    settings_parse(&example_schema, slice_of(data, size), &errors);

	if (s != NULL) {
		const struct example_settings *v = settings_values(s);

		if (v->timeout < 10 || v->timeout > 3600 ||
		    v->max_sessions < 1 || v->names.n > 5 ||
		    strlen(v->greeting) > 20 || v->spool[0] != '/' ||
		    v->bare_lf < 0 || v->bare_lf > 2 || errors.n != 0 ||
		    settings_n_groups(s) < 1 || settings_n_groups(s) > 4)
			abort();
	} else if (errors.n == 0) {
		abort();
	}
	for (size_t i = 0; i < errors.n; i++)
		for (const char *c = errors.at[i]; *c != '\0'; c++)
			if (*c < ' ' || *c > '~')
				abort();
	settings_free(s);
	return 0;
}
