#include "directory/settings.h"

#include <stdbool.h>

#include "common/accounts/username.h"
#include "common/idn/idn.h"

#define ROW(...) SETTING_ROW(struct directory_settings, __VA_ARGS__)
static const struct setting rows[] = { DIRECTORY_SETTINGS(ROW) };

/* What may stand between user and detail: of the names' own characters. */
static bool
delimiter_valid(const char *s)
{
	return s[0] == '\0' || strchr("+-_=.", s[0]) != NULL;
}

static void
check(const struct settings *s, struct settings_errors *errors)
{
	const struct directory_settings *values = settings_values(s);
	char domain[IDN_DOMAIN_MAX];
	int n;

	if (!delimiter_valid(values->detail_delimiter))
		settings_complain(errors, s, NULL, "detail_delimiter",
		    "not a delimiter; write one of + - _ = .");
	n = idn_domain(slice_str(values->srs_domain), domain);
	if (values->srs_domain[0] != '\0' && (n == -1 ||
	    !username_domain_valid(slice_of(domain, (size_t)n))))
		settings_complain(errors, s, NULL, "srs_domain",
		    "not a domain; write a name such as example.org");
}

const struct settings_schema directory_schema = {
	.file = "directory.conf", .size = sizeof(struct directory_settings),
	SETTINGS_ROWS(rows), .check = check,
};
