#include "imapd/session/status_items.h"

#include "imapd/session/token.h"

static const char *const names[STATUS_ITEMS] = {
#define X(name) #name,
	IMAP_STATUS_ITEMS(X)
#undef X
};

const char *
status_item_name(unsigned number)
{
	return number == STATUS_NUMBER_DELETED_STORAGE ? "DELETED-STORAGE" :
							 names[number];
}

static bool
take_item(struct slice *in, unsigned *items)
{
	for (unsigned i = 0; i < STATUS_ITEMS; i++)
		if (take_word(in, status_item_name(i))) {
			*items |= 1U << i;
			return true;
		}
	return false;
}

bool
take_status_items(struct slice *in, unsigned *items)
{
	*items = 0;
	if (!take_char(in, '('))
		return false;
	do {
		if (!take_item(in, items))
			return false;
	} while (take_space(in));
	return take_char(in, ')');
}
