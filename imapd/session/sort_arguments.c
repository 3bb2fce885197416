#include "imapd/session/sort_arguments.h"

#include "imapd/session/token.h"

static const char *const names[SORT_KEYS] = {
	[SORT_ARRIVAL] = "ARRIVAL", [SORT_CC] = "CC", [SORT_DATE] = "DATE",
	[SORT_FROM] = "FROM", [SORT_SIZE] = "SIZE",
	[SORT_SUBJECT] = "SUBJECT", [SORT_TO] = "TO",
};

static bool
take_criterion(struct slice *in, struct sort_criterion *c)
{
	c->reverse = take_word(in, "REVERSE");
	if (c->reverse && !take_space(in))
		return false;
	for (unsigned i = 0; i < SORT_KEYS; i++)
		if (take_word(in, names[i])) {
			c->key = (enum sort_key)i;
			return true;
		}
	return false;
}

bool
take_sort_criteria(struct slice *in, struct sort_arguments *a)
{
	a->len = 0;
	if (!take_char(in, '('))
		return false;
	do {
		if (a->len == SORT_CRITERIA_MAX ||
		    !take_criterion(in, &a->criterion[a->len++]))
			return false;
	} while (take_space(in));
	return take_char(in, ')');
}

bool
take_thread_algorithm(struct slice *in, struct sort_arguments *a)
{
	if (take_word(in, "ORDEREDSUBJECT"))
		a->algorithm = THREAD_ORDEREDSUBJECT;
	else if (take_word(in, "REFERENCES"))
		a->algorithm = THREAD_REFERENCES;
	else
		return false;
	return true;
}
