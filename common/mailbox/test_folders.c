/* The list of folders, and what may be done to it. */
#include "common/mailbox/testing.h"

static struct folder_name
name_of(const char *imap)
{
	struct folder_name n;

	assert_int_equal(folder_name_parse(slice_str(imap), &n), PARSE_OK);
	return n;
}

static void
create(struct mailbox *mb, const char *imap)
{
	struct folder_name n = name_of(imap);

	assert_int_equal(mailbox_create(mb, &n), 0);
}

/* All names, space between. */
static void
expect_list(struct mailbox *mb, const char *want)
{
	struct folder_list l;
	char got[1024] = "";

	assert_int_equal(mailbox_list(mb, &l), 0);
	for (size_t i = 0; i < l.count; i++) {
		strcat(got, i > 0 ? " " : "");
		strcat(got, folder_name_imap(&l.names[i]));
	}
	assert_string_equal(got, want);
	folder_list_clear(&l);
}

/* Of all these names, space between. */
static void
expect_inferiors(struct mailbox *mb, const char *names, int want)
{
	char text[128], *at = text, *name;

	strcpy(text, names);
	while ((name = strsep(&at, " ")) != NULL) {
		struct folder_name n = name_of(name);

		assert_int_equal(mailbox_has_inferiors(mb, &n), want);
	}
}

static void
test_create_and_list(void **state)
{
	struct home *h = *state;
	struct mailbox *mb = home_mailbox(h);
	struct folder_name sent = name_of("Sent"), inbox = name_of("INBOX");
	struct stat st;

	create(mb, "Sent");
	create(mb, "a.b.c");
	create(mb, "Entw&APw-rfe");
	assert_int_equal(mailbox_create(mb, &sent), -1);
	assert_int_equal(errno, EEXIST);
	assert_int_equal(mailbox_create(mb, &inbox), -1);
	assert_int_equal(errno, EEXIST);
	assert_int_equal(fstatat(h->fd, "Maildir/.Sent/maildirfolder", &st, 0), 0);
	/* What others left about is no folder. */
	assert_int_equal(mkdirat(h->fd, "Maildir/.nocur", 0700), 0);
	assert_int_equal(mkdirat(h->fd, "Maildir/.&AGE-", 0700), 0);
	assert_int_equal(mkdirat(h->fd, "Maildir/.&AGE-/cur", 0700), 0);
	put_file(h, "Maildir/.file", "");
	assert_int_equal(symlinkat("/etc", h->fd, "Maildir/.link"), 0);
	expect_list(mb, "INBOX Entw&APw-rfe Sent a.b.c");
	expect_inferiors(mb, "a a.b", 1);
	expect_inferiors(mb, "INBOX Sent a.b.c b a.b.c.d nocur file link", 0);
	assert_int_equal(mkdirat(h->fd, "Maildir/.Sent.nocur", 0700), 0);
	expect_inferiors(mb, "Sent Sen", 0);
	create(mb, "Sent.x");
	create(mb, "INBOX.y");
	expect_inferiors(mb, "Sent INBOX", 1);
	assert_int_equal(count_files(h, "Maildir/tmp"), 0);
	mailbox_close(mb);
}

static void
test_uidvalidity_is_never_used_again(void **state)
{
	struct home *h = *state;
	struct mailbox *mb = home_mailbox(h);
	struct folder_name n = name_of("x");
	struct folder_status s;
	uint32_t last = 0;

	for (int i = 0; i < 5; i++) {
		assert_int_equal(mailbox_create(mb, &n), 0);
		assert_int_equal(mailbox_status(mb, &n, &s), 0);
		assert_true(s.uidvalidity > last);
		last = s.uidvalidity;
		assert_int_equal(mailbox_delete(mb, &n), 0);
		/* Even when the owner's file is lost: names still tell. */
		if (i == 3) {
			char path[128];

			create(mb, "y");
			snprintf(path, sizeof(path),
			    "Maildir/.y/cur/1.x,B=%lu-1:2,",
			    (unsigned long)last + 1000);
			put_file(h, path, "x\n");
			assert_int_equal(unlinkat(h->fd,
			    "Maildir/bulkhead-mailbox", 0), 0);
			last += 1000;
		}
	}
	mailbox_close(mb);
}

static void
test_delete(void **state)
{
	struct home *h = *state;
	struct mailbox *mb = home_mailbox(h);
	struct folder_name a = name_of("a"), inbox = name_of("INBOX");
	struct folder *f;
	uint32_t uid;

	create(mb, "a");
	create(mb, "a.b");
	f = open_folder(mb, "a");
	append_text(f, "x\r\n", 0, &uid);
	sync_ok(f, NULL);
	assert_int_equal(mailbox_delete(mb, &a), 0);
	assert_int_equal(mailbox_delete(mb, &a), -1);
	assert_int_equal(errno, ENOENT);
	assert_int_equal(mailbox_delete(mb, &inbox), -1);
	assert_int_equal(errno, EINVAL);
	expect_list(mb, "INBOX a.b");
	assert_int_equal(count_files(h, "Maildir/tmp"), 0);
	/* The session that had it open learns so, also after it is back. */
	assert_int_equal(folder_sync(f, 0, NULL), -1);
	assert_int_equal(errno, ESTALE);
	create(mb, "a");
	assert_int_equal(folder_sync(f, 0, NULL), -1);
	assert_int_equal(errno, ESTALE);
	folder_close(f);
	mailbox_close(mb);
}

static void
test_rename(void **state)
{
	struct home *h = *state;
	struct mailbox *mb = home_mailbox(h);
	struct folder_name a = name_of("a"), z = name_of("z"),
	    below = name_of("a.new"), d = name_of("d"), no = name_of("no");
	struct folder_status before, after;

	create(mb, "a");
	create(mb, "a.b");
	create(mb, "ab");
	create(mb, "d.b");
	assert_int_equal(mailbox_status(mb, &a, &before), 0);
	assert_int_equal(mailbox_rename(mb, &a, &below), -1);
	assert_int_equal(errno, EINVAL);
	/* An inferior's new name is taken: nothing moves. */
	assert_int_equal(mailbox_rename(mb, &a, &d), -1);
	assert_int_equal(errno, EEXIST);
	assert_int_equal(mailbox_rename(mb, &no, &z), -1);
	assert_int_equal(errno, ENOENT);
	expect_list(mb, "INBOX a a.b ab d.b");
	assert_int_equal(mailbox_rename(mb, &a, &z), 0);
	expect_list(mb, "INBOX ab d.b z z.b");
	assert_int_equal(mailbox_status(mb, &z, &after), 0);
	assert_int_equal(before.uidvalidity, after.uidvalidity);
	assert_string_equal(before.mailbox_id, after.mailbox_id);
	mailbox_close(mb);
}

static void
test_rename_inbox(void **state)
{
	struct home *h = *state;
	struct mailbox *mb = home_mailbox(h);
	struct folder_name inbox = name_of("INBOX"), old = name_of("old");
	struct folder_status s;

	put_file(h, "Maildir/new/1.a", "a\n");
	put_file(h, "Maildir/cur/2.b:2,F", "b\n");
	create(mb, "sub");
	assert_int_equal(mailbox_rename(mb, &inbox, &old), 0);
	expect_list(mb, "INBOX old sub");
	assert_int_equal(mailbox_status(mb, &inbox, &s), 0);
	assert_int_equal(s.messages, 0);
	assert_int_equal(mailbox_status(mb, &old, &s), 0);
	assert_int_equal(s.messages, 2);
	mailbox_close(mb);
}

static void
test_status_leaves_recent(void **state)
{
	struct home *h = *state;
	struct mailbox *mb = home_mailbox(h);
	struct folder_name inbox = name_of("INBOX");
	struct folder_status s;

	put_file(h, "Maildir/new/1.a", "a\n");
	put_file(h, "Maildir/cur/2.b:2,S", "b\n");
	for (int i = 0; i < 2; i++) {
		assert_int_equal(mailbox_status(mb, &inbox, &s), 0);
		assert_int_equal(s.messages, 2);
		assert_int_equal(s.recent, 1);
		assert_int_equal(s.unseen, 1);
		assert_int_equal(s.uidnext, 3);
	}
	mailbox_close(mb);
}

static void
test_subscriptions(void **state)
{
	struct home *h = *state;
	struct mailbox *mb = home_mailbox(h);
	struct folder_name b = name_of("b"), inbox = name_of("INBOX");
	struct folder_list l;

	/* A Dovecot's, with a line that is no name. */
	assert_int_equal(mailbox_subscriptions(mb, &l), 0);
	assert_int_equal(l.count, 0);
	put_file(h, "Maildir/subscriptions", "z.y\n../x\nINBOX\nb");
	assert_int_equal(mailbox_subscriptions(mb, &l), 0);
	assert_int_equal(l.count, 3);
	assert_string_equal(folder_name_imap(&l.names[0]), "INBOX");
	assert_string_equal(folder_name_imap(&l.names[2]), "z.y");
	folder_list_clear(&l);
	assert_int_equal(mailbox_subscribe(mb, &b, true), 0);
	assert_int_equal(mailbox_subscribe(mb, &b, false), 0);
	assert_int_equal(mailbox_subscribe(mb, &b, false), 0);
	assert_int_equal(mailbox_subscribe(mb, &inbox, false), 0);
	assert_int_equal(mailbox_subscriptions(mb, &l), 0);
	assert_int_equal(l.count, 1);
	folder_list_clear(&l);
	assert_int_equal(mailbox_subscribe(mb, &b, true), 0);
	assert_int_equal(mailbox_subscriptions(mb, &l), 0);
	assert_int_equal(l.count, 2);
	folder_list_clear(&l);
	mailbox_close(mb);
}

static void
test_nothing_outside(void **state)
{
	struct home *h = *state;
	struct mailbox *mb = home_mailbox(h);
	struct folder_name link = name_of("link");
	struct folder *f;

	assert_int_equal(mkdirat(h->fd, "outside", 0700), 0);
	assert_int_equal(mkdirat(h->fd, "outside/cur", 0700), 0);
	assert_int_equal(symlinkat("../outside", h->fd, "Maildir/.link"), 0);
	assert_int_equal(folder_open(mb, &link, 0, &f), -1);
	assert_int_equal(mailbox_exists(mb, &link), 0);
	/* A message that is a link, a FIFO or a directory is not read. */
	assert_int_equal(symlinkat("/etc/passwd", h->fd, "Maildir/cur/1.l:2,"), 0);
	assert_int_equal(mkfifoat(h->fd, "Maildir/cur/2.f:2,", 0600), 0);
	assert_int_equal(mkdirat(h->fd, "Maildir/cur/3.d:2,", 0700), 0);
	f = open_inbox(mb);
	sync_ok(f, NULL);
	assert_int_equal(folder_count(f), 0);
	folder_close(f);
	mailbox_close(mb);
}

#define T(t) cmocka_unit_test_setup_teardown(t, home_setup, home_teardown)

int
main(void)
{
	const struct CMUnitTest tests[] = {
		T(test_create_and_list),
		T(test_uidvalidity_is_never_used_again),
		T(test_delete),
		T(test_rename),
		T(test_rename_inbox),
		T(test_status_leaves_recent),
		T(test_subscriptions),
		T(test_nothing_outside),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
