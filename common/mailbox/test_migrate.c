/*
 * Folders as Dovecot and Courier leave them: after the first opening clients
 * see the UIDVALIDITY, UIDs, keywords and UIDLs that they know.
 */
#include "common/mailbox/testing.h"
#include "common/mailbox/uidl.h"

#define GUID "0f3c2a7711d0e4b50f3c2a7711d0e4b5"

static void
make_maildir(struct home *h)
{
	assert_int_equal(mkdirat(h->fd, "Maildir", 0700), 0);
	assert_int_equal(mkdirat(h->fd, "Maildir/cur", 0700), 0);
	assert_int_equal(mkdirat(h->fd, "Maildir/new", 0700), 0);
	assert_int_equal(mkdirat(h->fd, "Maildir/tmp", 0700), 0);
}

/* Three messages in the list, one of them in new/; one that is not in it. */
static void
dovecot_left(struct home *h)
{
	make_maildir(h);
	put_file(h, "Maildir/dovecot-uidlist",
	    "3 V1700000000 N18 G" GUID "\n"
	    "5 PUID5-77 W12 :1600000001.M1P2.host,S=11,W=12\n"
	    "6 :gone\n"
	    "9 :1600000002.M3P4.host,W=12,S=11\n"
	    "17 :1600000003.M5P6.host\n");
	put_file(
	    h, "Maildir/dovecot-keywords", "0 $Label1\n1 $Forwarded\n3 Work\n");
	put_file(h, "Maildir/cur/1600000002.M3P4.host,W=12,S=11:2,FSabd",
	    "Subject: 9\n");
	put_file(
	    h, "Maildir/cur/1600000001.M1P2.host,S=11,W=12:2,", "Subject: 5\n");
	put_file(h, "Maildir/new/1600000003.M5P6.host", "Subject: 17\n");
	put_file(h, "Maildir/cur/1500000000.M7P8.host:2,RSb", "Subject: new\n");
}

static void
check_uidl(struct folder *f, size_t seq, const char *want)
{
	char uidl[FOLDER_UIDL_SIZE];

	folder_uidl(f, seq, uidl);
	assert_string_equal(uidl, want);
}

static void
check_dovecot(struct folder *f)
{
	struct folder_status st;

	sync_ok(f, NULL);
	folder_status(f, &st);
	assert_int_equal(st.uidvalidity, 1700000000);
	assert_string_equal(st.mailbox_id, GUID);
	assert_int_equal(st.messages, 4);
	assert_int_equal(folder_message(f, 1)->uid, 5);
	assert_int_equal(folder_message(f, 2)->uid, 9);
	assert_int_equal(folder_message(f, 3)->uid, 17);
	assert_int_equal(folder_message(f, 4)->uid, 18);
	assert_int_equal(st.uidnext, 19);
	assert_string_equal(folder_keyword(f, 0), "$Label1");
	assert_null(folder_keyword(f, 1)); /* it is a flag here */
	assert_string_equal(folder_keyword(f, 3), "Work");
	assert_int_equal(folder_message(f, 1)->flags, 0);
	assert_int_equal(folder_message(f, 2)->flags,
	    FLAG_SEEN | FLAG_FLAGGED | FLAG_PASSED);
	assert_true(folder_message(f, 2)->keywords == (1U << 0 | 1U << 3));
	assert_int_equal(folder_message(f, 4)->flags,
	    FLAG_SEEN | FLAG_ANSWERED | FLAG_PASSED);
	assert_true(folder_message(f, 4)->keywords == 0);
	check_uidl(f, 1, "UID5-77");
	check_uidl(f, 2, "000000096553f100");
	check_uidl(f, 3, "000000116553f100");
	check_uidl(f, 4, "6553f10000000012"); /* ours: UIDVALIDITY first */
}

static void
test_dovecot(void **state)
{
	struct home *h = *state;
	struct mailbox *mb;
	struct folder *f;
	char name[256];
	uint32_t uid;

	dovecot_left(h);
	mb = home_mailbox(h);
	f = open_inbox(mb);
	check_dovecot(f);
	append_text(f, "x\n", 0, &uid);
	assert_int_equal(uid, 19);
	folder_close(f);
	mailbox_close(mb);

	/* Once is once: what is there later counts no more. */
	find_file(h, "Maildir", "dovecot-uidlist", name);
	assert_string_equal(name, "dovecot-uidlist.migrated");
	put_file(h, "Maildir/dovecot-uidlist", "3 V99 N7\n");
	mb = home_mailbox(h);
	f = open_inbox(mb);
	sync_ok(f, NULL);
	assert_int_equal(folder_count(f), 5);
	assert_int_equal(folder_message(f, 5)->uid, 19);
	assert_int_equal(folder_message(f, 1)->uid, 5);
	folder_close(f);
	mailbox_close(mb);
}

/* A name twice, as a crash leaves it: one is the message that clients know, the
 * other is new, and no UIDL is lost. */
static void
test_name_twice(void **state)
{
	struct home *h = *state;
	struct mailbox *mb;
	struct folder *f;

	dovecot_left(h);
	put_file(h, "Maildir/cur/1600000001.M1P2.host,S=11,W=12:2,S",
	    "Subject: 5\n");
	mb = home_mailbox(h);
	f = open_inbox(mb);
	sync_ok(f, NULL);
	assert_int_equal(folder_count(f), 5);
	assert_int_equal(folder_message(f, 1)->uid, 5);
	assert_int_equal(folder_message(f, 3)->uid, 17);
	assert_int_equal(folder_message(f, 5)->uid, 19);
	check_uidl(f, 1, "UID5-77");
	check_uidl(f, 2, "000000096553f100");
	folder_close(f);
	mailbox_close(mb);
}

static void
open_and_close(struct home *h)
{
	struct mailbox *mb;
	struct folder *f;
	struct folder_name inbox = { "" };

	if (mailbox_open(h->fd, &mb) == -1 ||
	    folder_open(mb, &inbox, 0, &f) == -1)
		_exit(1);
	folder_close(f);
	mailbox_close(mb);
}

/* Killed at every call of it, and done again: nothing differs. */
static void
test_killed_anywhere(void **state)
{
	for (unsigned k = 1;; k++) {
		struct home *h = *state;
		struct mailbox *mb;
		struct folder *f;
		bool killed;

		dovecot_left(h);
		killed = killed_at(h, open_and_close, k);
		mb = home_mailbox(h);
		f = open_inbox(mb);
		check_dovecot(f);
		folder_close(f);
		mailbox_close(mb);
		if (!killed) {
			assert_true(k > 20);
			break;
		}
		home_teardown(state);
		home_renew(state);
	}
}

/* A state file that is lost later: a higher UIDVALIDITY, never the old one. */
static void
test_state_lost_later(void **state)
{
	struct home *h = *state;
	char ours[FOLDER_UIDL_SIZE];
	struct folder_status st;
	struct mailbox *mb;
	struct folder *f;

	dovecot_left(h);
	open_and_close(h);
	assert_int_equal(unlinkat(h->fd, "Maildir/bulkhead-folder", 0), 0);
	mb = home_mailbox(h);
	f = open_inbox(mb);
	sync_ok(f, NULL);
	folder_status(f, &st);
	assert_true(st.uidvalidity > 1700000000);
	assert_int_equal(st.messages, 4);
	snprintf(ours, sizeof(ours), "%08x00000001", (unsigned)st.uidvalidity);
	check_uidl(f, 1, ours);
	folder_close(f);
	mailbox_close(mb);
}

static void
courier_left(struct home *h, const char *dir, const char *uidvalidity)
{
	char path[200], text[200];

	snprintf(path, sizeof(path), "%s/courierimapuiddb", dir);
	snprintf(text, sizeof(text),
	    "1 %s 12\n3 1600000001.M1P2.host,S=11\n"
	    "11 1600000002.M3P4.host,S=11\n",
	    uidvalidity);
	put_file(h, path, text);
	snprintf(
	    path, sizeof(path), "%s/cur/1600000001.M1P2.host,S=11:2,S", dir);
	put_file(h, path, "Subject: 3\n");
	snprintf(
	    path, sizeof(path), "%s/cur/1600000002.M3P4.host,S=11:2,", dir);
	put_file(h, path, "Subject: 11\n");
}

static void
test_courier(void **state)
{
	struct home *h = *state;
	struct folder_status st;
	struct mailbox *mb;
	struct folder *f;

	make_maildir(h);
	courier_left(h, "Maildir", "1700000000");
	put_file(h, "Maildir/courierpop3dsizelist",
	    "/2 9 1690000000\n"
	    "1600000001.M1P2.host,S=11:2,S 12 4:1690000000\n"
	    "1600000003.M5P6.host,S=11:2, 12 0:0\n");
	put_file(h, "Maildir/cur/1600000003.M5P6.host,S=11:2,", "Subject: -\n");
	assert_int_equal(
	    mkdirat(h->fd, "Maildir/courierimapkeywords", 0700), 0);
	put_file(h, "Maildir/courierimapkeywords/:list",
	    "$Forwarded\nWork\n\n"
	    "1600000001.M1P2.host,S=11:1\n1600000003.M5P6.host,S=11:0 1\n");
	put_file(h, "Maildir/courierimapsubscribed", "INBOX\nINBOX.Sent\n");
	mb = home_mailbox(h);
	f = open_inbox(mb);
	sync_ok(f, NULL);
	folder_status(f, &st);
	assert_int_equal(st.uidvalidity, 1700000000);
	assert_int_equal(st.messages, 3);
	assert_int_equal(folder_message(f, 1)->uid, 3);
	assert_int_equal(folder_message(f, 2)->uid, 11);
	assert_int_equal(folder_message(f, 3)->uid, 12);
	assert_int_equal(folder_message(f, 1)->flags, FLAG_SEEN);
	assert_int_equal(folder_message(f, 3)->flags, FLAG_PASSED);
	assert_string_equal(folder_keyword(f, 0), "Work");
	assert_true(folder_message(f, 1)->keywords == 1);
	assert_true(folder_message(f, 2)->keywords == 0);
	assert_true(folder_message(f, 3)->keywords == 1);
	check_uidl(f, 1, "UID4-1690000000");
	check_uidl(f, 2, "6553f1000000000b");
	check_uidl(f, 3, "1600000003.M5P6.host,S=11");
	folder_close(f);
	mailbox_close(mb);
}

/* POP3 alone: no UIDs to keep, UIDLs all the same. */
static void
test_courier_pop3_only(void **state)
{
	struct home *h = *state;
	struct mailbox *mb;
	struct folder *f;

	make_maildir(h);
	put_file(h, "Maildir/courierpop3dsizelist",
	    "/3 9 1690000000\n"
	    "1600000001.M1P2.host:2,S 12 4:1690000000:0\n");
	put_file(h, "Maildir/cur/1600000001.M1P2.host:2,S", "Subject: 3\n");
	mb = home_mailbox(h);
	f = open_inbox(mb);
	sync_ok(f, NULL);
	check_uidl(f, 1, "UID4-1690000000");
	folder_close(f);
	mailbox_close(mb);
}

/*
 * Two folders of one UIDVALIDITY, as Courier makes them within a second: a file
 * that another program moves from one to the other is a new message there.
 */
static void
test_one_uidvalidity_twice(void **state)
{
	struct home *h = *state;
	struct mailbox *mb;
	struct folder *f, *g;
	uint32_t seq = 1;

	make_maildir(h);
	assert_int_equal(mkdirat(h->fd, "Maildir/.Sent", 0700), 0);
	assert_int_equal(mkdirat(h->fd, "Maildir/.Sent/cur", 0700), 0);
	courier_left(h, "Maildir", "1700000000");
	courier_left(h, "Maildir/.Sent", "1700000000");
	mb = home_mailbox(h);
	f = open_inbox(mb);
	g = open_folder(mb, "Sent");
	sync_ok(f, NULL);
	sync_ok(g, NULL);
	assert_int_equal(folder_message(g, 1)->uid, 3);
	assert_int_equal(folder_expunge(g, &seq, 1, true, NULL), 0);
	sync_ok(g, NULL);
	rename_file(h, "Maildir/cur", "M1P2", "Maildir/.Sent/cur", ":2,S");
	sync_ok(g, NULL);
	assert_int_equal(folder_count(g), 2);
	assert_int_equal(folder_message(g, 1)->uid, 11);
	assert_int_equal(folder_message(g, 2)->uid, 12);
	folder_close(g);
	folder_close(f);
	mailbox_close(mb);
}

static void
put_long_uidlist(struct home *h)
{
	int fd = openat(h->fd, "Maildir/dovecot-uidlist",
	    O_WRONLY | O_CREAT | O_EXCL, 0600);
	FILE *out = fdopen(fd, "w");

	assert_non_null(out);
	fputs("3 V1700000000 N5\n1 :", out);
	for (int i = 0; i < 200000; i++)
		fputc('x', out);
	fputs("\nrubbish\n9 :1.M1\n4 :out-of-order\n", out);
	for (int i = 20; i < 20000; i++)
		fprintf(out, "%d :gone.%d\n", i, i);
	fputs("20000 :1.M1", out); /* cut off */
	fclose(out);
}

/* Lines that are wrong cost themselves; a header that is wrong costs the list.
 */
static void
test_damage(void **state)
{
	struct home *h = *state;
	struct folder_status st;
	struct mailbox *mb;
	struct folder *f;

	make_maildir(h);
	put_long_uidlist(h);
	put_file(h, "Maildir/cur/1.M1:2,", "x\n");
	put_file(h, "Maildir/cur/out-of-order:2,", "x\n");
	mb = home_mailbox(h);
	f = open_inbox(mb);
	sync_ok(f, NULL);
	folder_status(f, &st);
	assert_int_equal(st.uidvalidity, 1700000000);
	assert_int_equal(folder_message(f, 1)->uid, 9);
	assert_int_equal(folder_message(f, 2)->uid, 20000);
	folder_close(f);
	mailbox_close(mb);

	home_teardown(state);
	h = home_renew(state);
	make_maildir(h);
	put_file(h, "Maildir/dovecot-uidlist", "7 whatever\n5 :1.M1\n");
	put_file(h, "Maildir/cur/1.M1:2,", "x\n");
	mb = home_mailbox(h);
	f = open_inbox(mb);
	sync_ok(f, NULL);
	assert_int_equal(folder_count(f), 1);
	assert_int_equal(folder_message(f, 1)->uid, 1);
	folder_close(f);
	mailbox_close(mb);
}

static void
check_subscribed(struct mailbox *mb, const char *const *want)
{
	struct folder_list list;
	size_t n = 0;

	assert_int_equal(mailbox_subscriptions(mb, &list), 0);
	for (; want[n] != NULL; n++) {
		assert_true(n < list.count);
		assert_string_equal(folder_name_imap(&list.names[n]), want[n]);
	}
	assert_int_equal(list.count, n);
	folder_list_clear(&list);
}

/* Both read as they are; the first change writes the file as it is here. */
static void
test_subscriptions(void **state)
{
	struct home *h = *state;
	struct folder_name name;
	struct mailbox *mb;

	make_maildir(h);
	put_file(h, "Maildir/courierimapsubscribed", "INBOX\nINBOX.Sent\n");
	mb = home_mailbox(h);
	check_subscribed(mb, (const char *[]){ "INBOX", "Sent", NULL });
	folder_name_parse(slice_str("Work.2024"), &name);
	assert_int_equal(mailbox_subscribe(mb, &name, true), 0);
	check_subscribed(
	    mb, (const char *[]){ "INBOX", "Sent", "Work.2024", NULL });
	assert_int_equal(unlinkat(h->fd, "Maildir/subscriptions", 0), 0);
	put_file(h, "Maildir/subscriptions",
	    "V\t2\n\nINBOX\nWork\t2024\nEntw&APw-rfe\n");
	check_subscribed(
	    mb, (const char *[]){ "INBOX", "Entw&APw-rfe", "Work.2024", NULL });
	assert_int_equal(mailbox_subscribe(mb, &name, false), 0);
	check_subscribed(mb, (const char *[]){ "INBOX", "Entw&APw-rfe", NULL });
	mailbox_close(mb);
}

/* The file of UIDLs: damage anywhere, and nobody believes it. */
static void
test_uidl_file(void **state)
{
	struct uidls u = { .identity = 7, .uidvalidity = 9, .below = 5 }, v;
	char uidl[UIDL_LEN_MAX + 1], *text;
	size_t len;

	(void)state;
	assert_int_equal(uidls_add(&u, 30, "b"), 0);
	assert_int_equal(uidls_add(&u, 2, "a"), 0);
	assert_int_equal(uidls_add(&u, 3, "not good"), 0);
	text = uidls_print(&u, &len);
	assert_non_null(text);
	assert_int_equal(uidls_parse(slice_of(text, len), &v), PARSE_OK);
	assert_true(uidls_get(&v, 2, uidl));
	assert_string_equal(uidl, "a");
	assert_true(uidls_get(&v, 4, uidl));
	assert_string_equal(uidl, "0000000400000009");
	assert_false(uidls_get(&v, 5, uidl));
	assert_true(uidls_get(&v, 30, uidl));
	uidls_clear(&v);
	for (size_t i = 0; i < len; i++) {
		assert_int_equal(uidls_parse(slice_of(text, i), &v), PARSE_BAD);
		uidls_clear(&v);
		text[i] ^= 1;
		assert_int_equal(
		    uidls_parse(slice_of(text, len), &v), PARSE_BAD);
		uidls_clear(&v);
		text[i] ^= 1;
	}
	free(text);
	uidls_clear(&u);
}

#define T(t) cmocka_unit_test_setup_teardown(t, home_setup, home_teardown)

int
main(void)
{
	const struct CMUnitTest tests[] = {
		T(test_dovecot),
		T(test_name_twice),
		T(test_killed_anywhere),
		T(test_state_lost_later),
		T(test_courier),
		T(test_courier_pop3_only),
		T(test_one_uidvalidity_twice),
		T(test_damage),
		T(test_subscriptions),
		cmocka_unit_test(test_uidl_file),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
