#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdio.h>
#include <stdlib.h>

#include "common/directions/directions.h"

#define S(s) SLICE_LITERAL(s)

struct shelf {
	struct domains_table	*domains;
	struct aliases_table	*aliases;
	struct users_table	*users;
	struct recipients_table	*recipients;
	struct routes_table	*routes;
	struct srs_secrets	 srs;
	struct directions	 d;
};

static void
shelf_open(struct shelf *s)
{
	static const char aliases[] = "list: alice, bob@away.example\n"
	    "owner-list: alice\n"
	    "out: bob@away.example, eve@gone.example, r@relay.example\n"
	    "home@open.example: alice\n";
	struct table_error err;

	*s = (struct shelf){
		.domains = domains_compile(S("x.example\nrelay.example relay\n"
		    "open.example relay unchecked\n"
		    "xn--bcher-kva.example\n"), S("host"), &err),
		.aliases = aliases_compile(slice_str(aliases), NULL, 0,
		    ALIASES_PROGRAMS_TABLE, &err),
		.users = users_compile(S("alice@x.example 1\n"
		    "anna@xn--bcher-kva.example 2\n"), &err),
		.recipients = recipients_compile(S("r@relay.example\n"
		    "no@relay.example\n"), &err),
		.routes = routes_compile(S("relay.example inside\n"
		    "gone.example error 550 5.1.2 no such place\n"
		    "no@relay.example error 450 4.2.1 not before Monday\n"
		    "from:boss@x.example fast\nfrom:<> reports\n"
		    ".test direct\n"), &err),
	};
	assert_non_null(s->routes);
	srs_secrets_compile(S("000102030405060708090a0b0c0d0e0f\n"), &s->srs,
	    &err);
	s->d = (struct directions){ .book = { .domains = s->domains,
		.aliases = s->aliases, .users = s->users,
		.recipients = s->recipients, .delimiter = '+' },
		.routes = s->routes, .srs_domain = S("x.example"),
		.day = 20000 };
}

static void
shelf_close(struct shelf *s)
{
	domains_free(s->domains);
	aliases_free(s->aliases);
	users_free(s->users);
	recipients_free(s->recipients);
	routes_free(s->routes);
}

static void
resolve(void **state)
{
	static const struct {
		struct slice	 to, from;
		enum directory_verdict verdict;
		const char	*canonical;
		unsigned	 code;
	} cases[] = {
		{ S("Alice@x.example"), S(""), DIRECTORY_LOCAL,
		    "alice@x.example", 0 },
		{ S("list@x.example"), S(""), DIRECTORY_LOCAL,
		    "list@x.example", 0 },
		{ S("r@relay.example"), S("a@b.example"),
		    DIRECTORY_RELAY_DOMAIN, "r@relay.example", 0 },
		{ S("No@relay.example"), S("a@b.example"), DIRECTORY_REFUSED,
		    "", 450 },
		{ S("q@relay.example"), S(""), DIRECTORY_UNKNOWN, "", 0 },
		{ S("q@open.example"), S(""), DIRECTORY_RELAY_DOMAIN,
		    "q@open.example", 0 },
		{ S("q@away.example"), S(""), DIRECTORY_NO_RELAY, "", 0 },
		{ S("q@gone.example"), S(""), DIRECTORY_NO_RELAY, "", 550 },
		{ S("anna@b\xc3\xbc" "cher.example"), S(""), DIRECTORY_LOCAL,
		    "anna@xn--bcher-kva.example", 0 },
		{ S("a@\xff"), S(""), DIRECTORY_UNKNOWN, "", 0 },
		{ S("@"), S(""), DIRECTORY_UNKNOWN, "", 0 },
		/* A reverse-path that is none chooses no route. */
		{ S("q@away.example"), S("@@"), DIRECTORY_NO_RELAY, "", 0 },
	};
	struct shelf s;

	(void)state;
	shelf_open(&s);
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct directory_ask ask = { cases[i].to, cases[i].from, false };
		char canonical[BOOK_ADDRESS_SIZE];
		uint8_t buf[DIRECTORY_BODY_MAX];
		struct directory_resolved r;

		directions_resolve(&s.d, &ask, canonical, &r);
		if (r.verdict != cases[i].verdict ||
		    r.refusal.code != cases[i].code ||
		    !slice_equal(r.canonical, slice_str(cases[i].canonical)))
			fail_msg("case %zu: %d %u %.*s", i, r.verdict,
			    r.refusal.code, (int)r.canonical.len,
			    r.canonical.at);
		/* And it is one that can be sent. */
		assert_int_not_equal(directory_resolved_encode(&r, buf), 0);
	}
	shelf_close(&s);
}

struct list {
	char	text[2048];
	size_t	len;
};

static int
note(void *ctx, enum directory_verdict verdict,
    const struct directory_target *t)
{
	struct list *l = ctx;
	uint8_t buf[DIRECTORY_EXPANDED_MAX];
	struct directory_expanded e;
	struct directory_part part;

	/* One that can be sent. */
	directory_part_begin(&part, buf);
	directory_part_add(&part, t);
	assert_int_equal(directory_expanded_decode(slice_of(buf,
	    directory_part_end(&part, verdict, true)), &e), 0);
	l->len += (size_t)snprintf(l->text + l->len, sizeof(l->text) - l->len,
	    "%s%.*s", l->len == 0 ? "" : " ", (int)t->address.len,
	    t->address.at);
	if (t->kind == DIRECTORY_TARGET_RELAY)
		l->len += (size_t)snprintf(l->text + l->len,
		    sizeof(l->text) - l->len, ">%.*s:%.*s", (int)t->route.len,
		    t->route.at, (int)t->domain.len, t->domain.at);
	if (t->kind == DIRECTORY_TARGET_REFUSED)
		l->len += (size_t)snprintf(l->text + l->len,
		    sizeof(l->text) - l->len, "!%u", t->refusal.code);
	if (t->reverse_path.len > 0)
		l->len += (size_t)snprintf(l->text + l->len,
		    sizeof(l->text) - l->len, "/%.*s",
		    (int)t->reverse_path.len, t->reverse_path.at);
	return 0;
}

struct expansion {
	struct slice	 to, from;
	enum directory_verdict verdict;
	const char	*targets;
};

static void
check(struct shelf *s, const struct expansion *cases, size_t n, bool forwarded)
{
	for (size_t i = 0; i < n; i++) {
		struct directory_ask ask = { cases[i].to, cases[i].from,
			forwarded };
		struct list l = { "", 0 };
		enum directory_verdict v = directions_expand(&s->d, &ask,
		    note, &l);

		if (v != cases[i].verdict ||
		    strcmp(l.text, cases[i].targets) != 0)
			fail_msg("case %zu: %d %s", i, v, l.text);
	}
}

static void
expand(void **state)
{
	static const struct expansion cases[] = {
		{ S("Alice+X@x.example"), S("a@b.example"), DIRECTORY_LOCAL,
		    "alice+X@x.example" },
		{ S("q@Away.example"), S("a@b.example"), DIRECTORY_NO_RELAY,
		    "q@Away.example>:away.example" },
		{ S("q@away.example"), S("Boss@X.example"),
		    DIRECTORY_NO_RELAY, "q@away.example>fast:away.example" },
		{ S("q@away.example"), S(""), DIRECTORY_NO_RELAY,
		    "q@away.example>reports:away.example" },
		{ S("q@a.test"), S(""), DIRECTORY_NO_RELAY,
		    "q@a.test>:a.test" },
		{ S("q@gone.example"), S("a@b.example"), DIRECTORY_NO_RELAY,
		    "q@gone.example!550" },
		{ S("R@relay.example"), S("a@b.example"),
		    DIRECTORY_RELAY_DOMAIN,
		    "R@relay.example>inside:relay.example" },
		{ S("no@relay.example"), S("a@b.example"),
		    DIRECTORY_RELAY_DOMAIN, "no@relay.example!450" },
		{ S("home@open.example"), S("a@b.example"), DIRECTORY_LOCAL,
		    "alice@x.example" },
		{ S("out@x.example"), S("boss@x.example"), DIRECTORY_LOCAL,
		    "bob@away.example>fast:away.example eve@gone.example!550 "
		    "r@relay.example>inside:relay.example" },
		{ S("list@x.example"), S("a@b.example"), DIRECTORY_LOCAL,
		    "alice@x.example/owner-list@x.example "
		    "bob@away.example>:away.example/owner-list@x.example" },
		/* A report is never told to an owner: the path stays null. */
		{ S("list@x.example"), S(""), DIRECTORY_LOCAL,
		    "alice@x.example bob@away.example>reports:away.example" },
		{ S("b\xc3\xa4@b\xc3\xa4" "r.example"), S("a@b.example"),
		    DIRECTORY_NO_RELAY,
		    "b\xc3\xa4@xn--br-via.example>:xn--br-via.example" },
		{ S("nobody@x.example"), S(""), DIRECTORY_UNKNOWN, "" },
		{ S("a@\xff"), S(""), DIRECTORY_UNKNOWN, "" },
	};
	struct shelf s;

	(void)state;
	shelf_open(&s);
	check(&s, cases, sizeof(cases) / sizeof(cases[0]), false);
	shelf_close(&s);
}

/* What an alias sends on to others, and nothing else. */
static void
rewritten(void **state)
{
	static const struct expansion cases[] = {
		{ S("out@x.example"), S("a@b.example"), DIRECTORY_LOCAL,
		    "bob@away.example>:away.example/"
		    "SRS0=b34mr3=ra=b.example=a@x.example "
		    "eve@gone.example!550/SRS0=b34mr3=ra=b.example=a@x.example "
		    "r@relay.example>inside:relay.example" },
		{ S("out@x.example"), S("alice@x.example"), DIRECTORY_LOCAL,
		    "bob@away.example>:away.example eve@gone.example!550 "
		    "r@relay.example>inside:relay.example" },
		{ S("out@x.example"), S("a@relay.example"), DIRECTORY_LOCAL,
		    "bob@away.example>:away.example eve@gone.example!550 "
		    "r@relay.example>inside:relay.example" },
		{ S("out@x.example"), S(""), DIRECTORY_LOCAL,
		    "bob@away.example>reports:away.example "
		    "eve@gone.example!550 "
		    "r@relay.example>inside:relay.example" },
		{ S("list@x.example"), S("a@b.example"), DIRECTORY_LOCAL,
		    "alice@x.example/owner-list@x.example "
		    "bob@away.example>:away.example/owner-list@x.example" },
		{ S("q@away.example"), S("a@b.example"), DIRECTORY_NO_RELAY,
		    "q@away.example>:away.example" },
		/* And back. */
		{ S("SRS0=b34mr3=ra=b.example=a@x.example"), S(""), DIRECTORY_RELAY_DOMAIN,
		    "a@b.example>reports:b.example" },
		{ S("srs0=aaaaaa=aa=b.example=a@x.example"), S(""),
		    DIRECTORY_UNKNOWN, "" },
	};
	struct directory_ask ask = { S("SRS0=b34mr3=ra=b.example=a@x.example"),
		S(""), false };
	char canonical[BOOK_ADDRESS_SIZE];
	struct directory_resolved r;
	struct shelf s;

	(void)state;
	shelf_open(&s);
	s.d.srs = &s.srs;
	check(&s, cases, sizeof(cases) / sizeof(cases[0]), false);
	directions_resolve(&s.d, &ask, canonical, &r);
	assert_int_equal(r.verdict, DIRECTORY_RELAY_DOMAIN);
	s.d.day += SRS_LIFETIME_DAYS + 1;
	directions_resolve(&s.d, &ask, canonical, &r);
	assert_int_equal(r.verdict, DIRECTORY_UNKNOWN);
	s.d.srs = NULL;			/* switched off again */
	s.d.day -= SRS_LIFETIME_DAYS + 1;
	directions_resolve(&s.d, &ask, canonical, &r);
	assert_int_equal(r.verdict, DIRECTORY_UNKNOWN);
	shelf_close(&s);
}

/* The same by ~/.forward: not a path of ours, not the null one, and not what
 * stays in a mailbox or goes to a relay domain. */
static void
rewritten_forward(void **state)
{
	static const struct expansion cases[] = {
		{ S("q@away.example"), S("a@b.example"), DIRECTORY_NO_RELAY,
		    "q@away.example>:away.example/"
		    "SRS0=b34mr3=ra=b.example=a@x.example" },
		{ S("q@away.example"), S("alice@x.example"),
		    DIRECTORY_NO_RELAY, "q@away.example>:away.example" },
		{ S("q@away.example"), S(""), DIRECTORY_NO_RELAY,
		    "q@away.example>reports:away.example" },
		{ S("alice@x.example"), S("a@b.example"), DIRECTORY_LOCAL,
		    "alice@x.example" },
		{ S("R@relay.example"), S("a@b.example"),
		    DIRECTORY_RELAY_DOMAIN,
		    "R@relay.example>inside:relay.example" },
		{ S("SRS0=b34mr3=ra=b.example=a@x.example"), S("c@d.example"),
		    DIRECTORY_RELAY_DOMAIN, "a@b.example>:b.example" },
	};
	struct shelf s;

	(void)state;
	shelf_open(&s);
	s.d.srs = &s.srs;
	check(&s, cases, sizeof(cases) / sizeof(cases[0]), true);
	shelf_close(&s);
}

/* More than an envelope holds is told to the sender, at once. */
static void
too_many(void **state)
{
	static const struct expansion cases[] = {
		{ S("big@x.example"), S("a@b.example"), DIRECTORY_LOCAL,
		    "big@x.example!550" },
	};
	enum { N = 100000 };
	char *text = malloc(32 * N), *at = text;
	struct alias_list list = { "big", { text, 0 } };
	struct table_error err;
	struct shelf s;

	(void)state;
	for (int i = 0; i < N; i++)
		at += sprintf(at, "u%d@away.example\n", i);
	list.text.len = (size_t)(at - text);
	shelf_open(&s);
	aliases_free(s.aliases);
	s.aliases = aliases_compile(S("big: :include:big\n"), &list, 1,
	    ALIASES_PROGRAMS_TABLE, &err);
	assert_non_null(s.aliases);
	s.d.book.aliases = s.aliases;
	assert_int_equal(book_check(&s.d.book, &err), 0);
	check(&s, cases, 1, false);
	shelf_close(&s);
	free(text);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(resolve),
		cmocka_unit_test(expand),
		cmocka_unit_test(rewritten),
		cmocka_unit_test(rewritten_forward),
		cmocka_unit_test(too_many),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
