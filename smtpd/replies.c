#include <assert.h>

#include "smtpd/replies.h"

static const struct row {
	struct smtp_status	 status;
	const char		*name;
} rows[] = {
#define X(name, code, class, subject, detail, text) \
	[SAY_##name] = { { (code), { (class), (subject), (detail) }, text }, #name },
	SMTPD_REPLIES(X)
#undef X
};

const struct smtp_status *
smtpd_reply_status(enum smtpd_reply r)
{
	assert(r < SAY_COUNT);
	return &rows[r].status;
}

const char *
smtpd_reply_name(enum smtpd_reply r)
{
	assert(r < SAY_COUNT);
	return rows[r].name;
}
