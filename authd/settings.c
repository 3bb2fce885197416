#include "authd/settings.h"

#define ROW(...) SETTING_ROW(struct authd_settings, __VA_ARGS__)
static const struct setting rows[] = { AUTHD_SETTINGS(ROW) };

/* It becomes a file's name in pam_dir. */
static bool
service_valid(const char *s)
{
	for (const char *p = s; *p != '\0'; p++)
		if (!((*p >= 'a' && *p <= 'z') || (*p >= '0' && *p <= '9') ||
		    (*p == '-' && p != s)))
			return false;
	return true;
}

static void
check(const struct settings *s, struct settings_errors *errors)
{
	const struct authd_settings *values = settings_values(s);

	if (!service_valid(values->pam_service))
		settings_complain(errors, s, NULL, "pam_service",
		    "not the name of a service; write small letters, digits "
		    "and hyphens");
	if (values->failure_delay_max < values->failure_delay)
		settings_complain(errors, s, NULL, "failure_delay_max",
		    "less than failure_delay; write at least that");
}

const struct settings_schema authd_schema = {
	.file = "authd.conf", .size = sizeof(struct authd_settings),
	SETTINGS_ROWS(rows), .check = check,
};
