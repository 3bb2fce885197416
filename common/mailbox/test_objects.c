/*
 * What a client may hold on to for ever (RFC 8474), when a message was saved
 * (RFC 8514), and what a folder is for (RFC 6154).
 */
#include "common/mailbox/testing.h"

static void
email_id(struct folder *f, size_t seq, char to[FOLDER_EMAIL_ID_SIZE])
{
	assert_int_equal(folder_email_id(f, seq, to), 0);
	assert_int_equal(strlen(to), FOLDER_EMAIL_ID_SIZE - 1);
}

static void
make_folder(struct mailbox *mb, const char *name, unsigned uses)
{
	struct folder_name n;

	assert_int_equal(folder_name_parse(slice_str(name), &n), PARSE_OK);
	assert_int_equal(mailbox_create_special_use(mb, &n, uses), 0);
}

/* COPY and MOVE, flags, another program's rename, a lost index, a new session:
 * one EMAILID.  Different messages have different ones. */
static void
test_email_id_stays(void **state)
{
	struct home *h = *state;
	struct mailbox *mb = home_mailbox(h);
	struct folder *inbox = open_inbox(mb), *other;
	char first[FOLDER_EMAIL_ID_SIZE], second[FOLDER_EMAIL_ID_SIZE],
	    now[FOLDER_EMAIL_ID_SIZE];
	uint32_t uid, seqs[] = { 1, 2 };

	append_text(inbox, "Subject: 1\n\n", 0, &uid);
	put_file(h, "Maildir/new/1600000000.M1P2.host", "Subject: 2\n\n");
	sync_ok(inbox, NULL);
	email_id(inbox, 1, first);
	email_id(inbox, 2, second);
	assert_string_not_equal(first, second);
	assert_int_equal(
	    folder_store(inbox, seqs, 1, STORE_ADD, FLAG_SEEN, 0), 0);
	rename_file(h, "Maildir/cur", "M1P2", "Maildir/cur", ":2,FS");
	sync_ok(inbox, NULL);
	email_id(inbox, 1, now);
	assert_string_equal(now, first);
	email_id(inbox, 2, now);
	assert_string_equal(now, second);

	make_folder(mb, "Other", 0);
	other = open_folder(mb, "Other");
	assert_int_equal(folder_copy(inbox, seqs, 2, other, false, &uid), 0);
	assert_int_equal(folder_copy(inbox, seqs, 2, other, true, &uid), 0);
	sync_ok(inbox, NULL);
	sync_ok(other, NULL);
	assert_int_equal(folder_count(inbox), 0);
	assert_int_equal(folder_count(other), 4);
	/* and once more within one folder: names must still differ */
	assert_int_equal(folder_copy(other, seqs, 2, other, false, &uid), 0);
	sync_ok(other, NULL);
	assert_int_equal(folder_count(other), 6);
	folder_close(other);
	folder_close(inbox);
	mailbox_close(mb);

	mb = home_mailbox(h);
	other = open_folder(mb, "Other");
	sync_ok(other, NULL);
	for (size_t seq = 1; seq <= 6; seq++) {
		email_id(other, seq, now);
		assert_string_equal(now, seq % 2 == 1 ? first : second);
	}
	folder_close(other);
	mailbox_close(mb);
}

static void
test_email_id_of_the_gone(void **state)
{
	struct home *h = *state;
	struct mailbox *mb = home_mailbox(h);
	struct folder *f = open_inbox(mb);
	char id[FOLDER_EMAIL_ID_SIZE];
	uint32_t uid, seq = 1;
	time_t date;

	append_text(f, "x\n", FLAG_SEEN, &uid);
	sync_ok(f, NULL);
	assert_int_equal(folder_expunge(f, &seq, 1, true, NULL), 0);
	folder_email_id(f, 1, id); /* its name is still known: no harm */
	sync_ok(f, NULL);
	assert_int_equal(folder_count(f), 0);
	put_file(h, "Maildir/cur/no-date-in-it:2,", "x\n");
	sync_ok(f, NULL);
	assert_int_equal(folder_message_savedate(f, 1, &date), -1);
	assert_int_equal(errno, ENOENT);
	folder_close(f);
	mailbox_close(mb);
}

/* Delivery's second; for a copy the moment of copying, while INTERNALDATE is
 * the original's. */
static void
test_savedate(void **state)
{
	struct home *h = *state;
	struct mailbox *mb = home_mailbox(h);
	struct folder *inbox = open_inbox(mb), *other;
	time_t before = time(NULL), date;
	uint32_t uid, seq = 1;

	put_file(h, "Maildir/new/1600000000.M1P2.host", "Subject: 2\n\n");
	sync_ok(inbox, NULL);
	assert_int_equal(folder_message_savedate(inbox, 1, &date), 0);
	assert_int_equal(date, 1600000000);
	append_text(inbox, "x\n", 0, &uid);
	make_folder(mb, "Other", 0);
	other = open_folder(mb, "Other");
	assert_int_equal(folder_copy(inbox, &seq, 1, other, false, &uid), 0);
	sync_ok(inbox, NULL);
	sync_ok(other, NULL);
	assert_int_equal(folder_message_savedate(inbox, 2, &date), 0);
	assert_in_range(date, before, time(NULL));
	assert_int_equal(folder_message_savedate(other, 1, &date), 0);
	assert_in_range(date, before, time(NULL));
	folder_close(other);
	folder_close(inbox);
	mailbox_close(mb);
}

static unsigned
uses_of(struct mailbox *mb, const char *name)
{
	struct folder_name n;
	unsigned uses;

	assert_int_equal(folder_name_parse(slice_str(name), &n), PARSE_OK);
	assert_int_equal(mailbox_special_use(mb, &n, &uses), 0);
	return uses;
}

/* They go with the folder, and other things in its state stay. */
static void
test_special_uses(void **state)
{
	struct home *h = *state;
	struct mailbox *mb = home_mailbox(h);
	struct folder_name from, to;
	struct folder_status a, b;
	struct folder *f;
	unsigned uses;

	make_folder(mb, "Sent", SPECIAL_USE_SENT);
	assert_int_equal(uses_of(mb, "Sent"), SPECIAL_USE_SENT);
	assert_int_equal(uses_of(mb, "INBOX"), 0);
	folder_name_parse(slice_str("Sent"), &from);
	folder_name_parse(slice_str("Gesendet"), &to);
	assert_int_equal(mailbox_status(mb, &from, &a), 0);
	f = open_folder(mb, "Sent"); /* somebody has it open meanwhile */
	assert_int_equal(mailbox_special_use_set(
			     mb, &from, SPECIAL_USE_SENT | SPECIAL_USE_ARCHIVE),
	    0);
	assert_int_equal(
	    folder_keyword_number(f, slice_str("$Label1"), true), 0);
	folder_close(f);
	assert_int_equal(mailbox_rename(mb, &from, &to), 0);
	assert_int_equal(
	    uses_of(mb, "Gesendet"), SPECIAL_USE_SENT | SPECIAL_USE_ARCHIVE);
	assert_int_equal(mailbox_status(mb, &to, &b), 0);
	assert_int_equal(a.uidvalidity, b.uidvalidity);
	assert_string_equal(a.mailbox_id, b.mailbox_id);
	assert_int_equal(mailbox_special_use_set(mb, &to, 0), 0);
	assert_int_equal(uses_of(mb, "Gesendet"), 0);
	assert_int_equal(mailbox_special_use(mb, &from, &uses), -1);
	assert_int_equal(errno, ENOENT);
	mailbox_close(mb);
}

/*
 * A backup is put back: no (UIDVALIDITY, UID) comes again, though UIDs were
 * given away since that it does not know of; what clients may keep for ever,
 * they may.
 */
static void
test_restored(void **state)
{
	struct home *h = *state;
	struct mailbox *mb = home_mailbox(h), *session = home_mailbox(h);
	char before[FOLDER_EMAIL_ID_SIZE], now[FOLDER_EMAIL_ID_SIZE];
	struct folder_status a, b;
	struct folder_name sent;
	struct folder *f, *open_one;
	uint32_t uid;
	size_t folders;
	int bit;

	make_folder(mb, "Sent", SPECIAL_USE_SENT);
	folder_name_parse(slice_str("Sent"), &sent);
	f = open_folder(mb, "Sent");
	bit = folder_keyword_number(f, slice_str("Work"), true);
	append_text(f, "x\n", FLAG_SEEN, &uid);
	sync_ok(f, NULL);
	email_id(f, 1, before);
	folder_status(f, &a);
	folder_close(f);
	open_one = open_folder(session, "Sent");
	sync_ok(open_one, NULL);

	assert_int_equal(mailbox_restored(mb, &folders), 0);
	assert_int_equal(folders, 1); /* INBOX was never opened */
	f = open_folder(mb, "Sent");
	append_text(f, "y\n", 0, &uid);
	assert_int_equal(folder_sync(open_one, 0, NULL), -1);
	assert_int_equal(errno, ESTALE);
	folder_close(open_one);
	mailbox_close(session);

	sync_ok(f, NULL);
	folder_status(f, &b);
	assert_true(b.uidvalidity > a.uidvalidity);
	assert_string_equal(b.mailbox_id, a.mailbox_id);
	assert_int_equal(b.messages, 2);
	assert_int_equal(
	    folder_message(f, 1)->flags | folder_message(f, 2)->flags,
	    FLAG_SEEN);
	assert_string_equal(folder_keyword(f, (unsigned)bit), "Work");
	email_id(f, folder_message(f, 1)->flags ? 1 : 2, now);
	assert_string_equal(now, before);
	assert_int_equal(uses_of(mb, "Sent"), SPECIAL_USE_SENT);
	folder_close(f);
	mailbox_close(mb);
}

#define T(t) cmocka_unit_test_setup_teardown(t, home_setup, home_teardown)

int
main(void)
{
	const struct CMUnitTest tests[] = {
		T(test_email_id_stays),
		T(test_email_id_of_the_gone),
		T(test_savedate),
		T(test_special_uses),
		T(test_restored),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
