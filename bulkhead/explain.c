/*
 * bulkhead explain FROM TO [client ADDRESS [name NAME] [helo NAME]]: what
 * would happen to such a message, and which line of which file decides it.
 * The deciding is directory's own (common/directions) and smtpd's
 * (smtpd/policy); here it is only told.
 */
#include <stdio.h>
#include <string.h>
#include <sysexits.h>

#include "bulkhead/address_tables.h"
#include "bulkhead/explain.h"
#include "common/dns/client.h"
#include "common/net/address.h"
#include "common/smtp/address.h"

enum { PLACE_WIDTH = 22 };

/* ---- why ---- */

void
explain_line(const char *file, unsigned line, const char *list)
{
	char place[ALIASES_LIST_NAME_MAX + 32];

	if (list != NULL)
		snprintf(place, sizeof(place), "lists/%s:%u", list, line);
	else if (line > 0)
		snprintf(place, sizeof(place), "%s:%u", file, line);
	else
		snprintf(place, sizeof(place), "%s", file);
	printf("  %-*s ", PLACE_WIDTH, place);
}

static const struct {
	const char	*file;
	const char	*before, *after;	/* around the text */
} steps[] = {
	[BOOK_STEP_FOREIGN] = { "domains", "", " is not a domain of ours" },
	[BOOK_STEP_DOMAIN] = { "domains", "the domain is ", "" },
	[BOOK_STEP_SAME_AS] = { "domains", "the domain is an alias of ", "" },
	[BOOK_STEP_ALIAS] = { "aliases", "", " is an alias for" },
	[BOOK_STEP_CATCH_ALL] = { "aliases",
	    "the rest of ", " has an alias for" },
	[BOOK_STEP_OWNER] = { "aliases", "failures are told to ", "" },
	[BOOK_STEP_TARGET] = { "aliases", "-> ", "" },
	[BOOK_STEP_USER] = { "users", "", " is a user" },
	[BOOK_STEP_SYSTEM_USER] = { "/etc/passwd", "", " is a system user" },
	[BOOK_STEP_RECIPIENT] = { "relay-recipients", "", " is known" },
	[BOOK_STEP_UNCHECKED] = { "domains", "", " is taken unchecked" },
	[BOOK_STEP_KEPT] = { "(always)",
	    "", " is kept: no alias and no user reads it" },
	[BOOK_STEP_NOBODY] = { "(nowhere)", "there is no ", "" },
};

static void
tell_step(void *ctx, const struct book_step *step)
{
	const char *file = steps[step->kind].file;
	struct slice text = step->text;

	(void)ctx;
	/* The host's own name, where no domain is in the table. */
	if (step->kind == BOOK_STEP_DOMAIN && step->line == 0)
		file = "bulkhead.conf";
	if (text.len == 0)
		text = SLICE_LITERAL("(no name)");
	explain_line(file, step->line, step->list);
	printf("%s%.*s%s\n", steps[step->kind].before, (int)text.len, text.at,
	    steps[step->kind].after);
}

static void
tell_route(const struct route *r, struct slice domain)
{
	explain_line("routes", r == NULL ? 0 : r->line, NULL);
	if (r == NULL)
		printf("no line for %.*s: direct\n", (int)domain.len,
		    domain.at);
	else if (r->code != 0)
		printf("%s%.*s: an error\n", r->from ? "from:" : "",
		    (int)r->pattern.len, r->pattern.at);
	else
		printf("%s%.*s: route %.*s\n", r->from ? "from:" : "",
		    (int)r->pattern.len, r->pattern.at, r->name.len == 0 ? 6 :
		    (int)r->name.len, r->name.len == 0 ? "direct" :
		    r->name.at);
}

static void
tell_direction(void *ctx, enum directions_step step, const struct route *r,
    struct slice text)
{
	(void)ctx;
	switch (step) {
	case DIRECTIONS_ROUTE:
		tell_route(r, text);
		return;
	case DIRECTIONS_SRS_BACK:
		explain_line("srs-secrets", 0, NULL);
		printf("was rewritten by us, and stands for %.*s\n",
		    (int)text.len, text.at);
		return;
	case DIRECTIONS_SRS_BAD:
		explain_line("srs-secrets", 0, NULL);
		puts("was not rewritten by us, or longer than 21 days ago");
		return;
	case DIRECTIONS_SRS:
		explain_line("directory.conf", 0, NULL);
		puts("srs_domain: the reverse-path is rewritten");
		return;
	}
}

/* ---- where to ---- */

struct telling {
	const struct address_tables	*t;
	const struct directions		*d;
	const char			*heading;
	size_t				 n;
};

static void
say_mailbox(const struct telling *w, struct slice address)
{
	struct account_rules rules;
	struct account_place place;
	struct book_mailbox m;
	char account[ACCOUNT_TEXT], text[ALIASES_PROGRAM_MAX + 1];

	if (book_program(&w->d->book, address, text)) {
		printf("%s, as %s\n", text[0] == '|' ? "the program runs" :
		    "appended to the file", w->t->r->b->instance->programs_user);
		return;
	}

	if (book_mailbox(&w->d->book, address, &m) != BOOK_LOCAL) {
		printf("nobody: 550 5.1.1 in a report to the sender\n");
		return;
	}
	instance_account_rules(w->t->r->b->instance, &rules);
	printf("mailbox of %s", account_text(m.account, account));
	if (m.detail[0] != '\0')
		printf(", detail %s", m.detail);
	if (account_locate(&rules, w->t->users, w->t->system, m.account,
	    &place) == 0)
		printf(", in %s", place.home);
	putchar('\n');
}

static void
say_relay(const struct telling *w, const struct directory_target *target)
{
	if (target->route.len == 0)
		printf("the mail exchangers of %.*s\n",
		    (int)target->domain.len, target->domain.at);
	else
		printf("route %.*s of remote-relay.conf%s\n",
		    (int)target->route.len, target->route.at,
		    address_tables_has_route(w->t, target->route) ? "" :
		    ", which is not there");
}

static int
say_target(void *ctx, enum directory_verdict verdict,
    const struct directory_target *target)
{
	struct telling *w = ctx;

	(void)verdict;
	if (w->n++ == 0)
		puts(w->heading);
	printf("  %.*s\n      ", (int)target->address.len,
	    target->address.at);
	switch (target->kind) {
	case DIRECTORY_TARGET_LOCAL:
		say_mailbox(w, target->address);
		break;
	case DIRECTORY_TARGET_RELAY:
		say_relay(w, target);
		break;
	case DIRECTORY_TARGET_REFUSED:
		printf("nowhere: %u %u.%u.%u %.*s\n", target->refusal.code,
		    target->refusal.enhanced[0], target->refusal.enhanced[1],
		    target->refusal.enhanced[2],
		    (int)target->refusal.text.len, target->refusal.text.at);
		break;
	}
	if (target->reverse_path.len > 0)
		printf("      with the reverse-path %.*s\n",
		    (int)target->reverse_path.len, target->reverse_path.at);
	return 0;
}

/* ---- the answer at RCPT ---- */

static void
say_refusal(const struct directory_refusal *f)
{
	printf("RCPT is refused: %u %u.%u.%u %.*s\n", f->code, f->enhanced[0],
	    f->enhanced[1], f->enhanced[2], (int)f->text.len, f->text.at);
}

/* Not ours: it depends on who asks.  True: accepted. */
static bool
say_foreign(const struct instance_settings *set,
    const struct directory_resolved *a, const struct net_address *client)
{
	bool may = client != NULL && instance_may_relay(set, client);

	if (may && a->refusal.code != 0) {
		say_refusal(&a->refusal);
		return false;
	}
	if (may)
		puts("RCPT is accepted: the client is in relay_networks "
		    "(bulkhead.conf)");
	else
		printf("RCPT is refused: 550 5.7.1 Relaying denied%s\n",
		    client != NULL ?
		    " (the client is not in relay_networks, bulkhead.conf)" :
		    " (but not to one who has logged in)");
	return may;
}

static bool
say_verdict(const struct instance_settings *set,
    const struct directory_resolved *a, const struct net_address *client)
{
	switch (a->verdict) {
	case DIRECTORY_LOCAL:
	case DIRECTORY_RELAY_DOMAIN:
		printf("RCPT is accepted, as %.*s\n", (int)a->canonical.len,
		    a->canonical.at);
		return true;
	case DIRECTORY_NO_RELAY:
		return say_foreign(set, a, client);
	case DIRECTORY_REFUSED:
		say_refusal(&a->refusal);
		return false;
	case DIRECTORY_UNKNOWN:
		puts("RCPT is refused: 550 5.1.1 No such user here");
		return false;
	case DIRECTORY_TEMPFAIL:
		break;
	}
	puts("RCPT is put off: 451 4.3.0 (a limit, or a list that cannot be "
	    "read; see `bulkhead check`)");
	return false;
}

/* Does the recipient's address alone let it in? */
static bool
is_open(const struct instance_settings *set,
    const struct directory_resolved *a, const struct net_address *client)
{
	if (a->verdict == DIRECTORY_NO_RELAY)
		return a->refusal.code == 0 && instance_may_relay(set, client);
	return a->verdict == DIRECTORY_LOCAL ||
	    a->verdict == DIRECTORY_RELAY_DOMAIN;
}

/* In the order in which a client would hear of it. */
static bool
say_answer(const struct instance_settings *set,
    const struct directory_resolved *a, const struct explained_client *client)
{
	if (client == NULL)
		return say_verdict(set, a, NULL);
	if (explain_client_passes(client) || (!client->at_once &&
	    !is_open(set, a, &client->address)))
		return say_verdict(set, a, &client->address);
	explain_client_refusal(client);
	return false;
}

/* ---- all of it ---- */

/* The steps alone are wanted. */
static int
no_target(void *ctx, enum directory_verdict verdict,
    const struct directory_target *target)
{
	(void)ctx, (void)verdict, (void)target;
	return 0;
}

static int
explain(const struct address_tables *t, const struct directory_ask *ask,
    const struct explained_client *client)
{
	const struct book_trace book_trace = { tell_step, NULL };
	const struct directions_trace trace = { tell_direction, NULL };
	struct directions d = address_tables_directions(t), silent = d;
	struct telling w = { .t = t, .d = &silent,
		.heading = "\nIt goes to" };
	char canonical[BOOK_ADDRESS_SIZE];
	struct directory_resolved a;
	bool accepted;

	directions_resolve(&silent, ask, canonical, &a);
	printf("<%.*s> to <%.*s>, by the files in %s\n\n",
	    (int)ask->reverse_path.len, ask->reverse_path.at,
	    (int)ask->address.len, ask->address.at, t->r->b->conf_dir);
	accepted = say_answer(t->r->b->instance, &a, client);
	if (!accepted)
		w.heading = a.verdict == DIRECTORY_NO_RELAY ?
		    "\nFor one who may relay it would go to" :
		    "\nFor another client it would go to";
	puts("\nbecause");
	if (client != NULL)
		explain_client_because(client);
	d.book.trace = &book_trace;
	d.trace = &trace;
	/* First why, then where to: the targets are told when all is known. */
	directions_expand(&d, ask, no_target, NULL);
	/* Where its recipient is refused the client changes nothing. */
	if (client != NULL && (accepted || is_open(t->r->b->instance, &a,
	    &client->address)))
		explain_client_unless(client);
	directions_expand(&silent, ask, say_target, &w);
	return accepted ? 0 : 1;
}

/* "a@b", "<a@b>", a name, "" or "<>". */
static int
take_address(const char *text, unsigned flags, struct smtp_address *a)
{
	size_t used, len = strlen(text);

	if (len == 0 && (flags & SMTP_PATH_REVERSE) != 0) {
		*a = (struct smtp_address){ .kind = SMTP_NULL };
		return 0;
	}
	/* A domain as people write it, too. */
	if (smtp_path_parse(slice_str(text), flags | SMTP_PATH_BARE |
	    SMTP_PATH_UNQUALIFIED | SMTP_PATH_UTF8,
	    &smtp_path_limits_default, a, &used, NULL) == PARSE_OK &&
	    used == len && idn_address(a) == 0)
		return 0;
	return fail(EX_USAGE, "%s: not an address", text);
}

static int
usage(void)
{
	return fail(EX_USAGE, "usage: bulkhead explain from to "
	    "[client address [name name] [helo name]]");
}

/* client ADDRESS [name NAME] [helo NAME]; names in small letters. */
static int
take_client(int argc, char *argv[], struct explained_client *c)
{
	if (argc % 2 != 0 || strcmp(argv[0], "client") != 0)
		return usage();
	if (net_address_parse(slice_str(argv[1]), &c->address) != PARSE_OK)
		return fail(EX_USAGE, "%s: not an IP address", argv[1]);
	for (int i = 2; i < argc; i += 2) {
		struct slice *to = strcmp(argv[i], "name") == 0 ? &c->name :
		    strcmp(argv[i], "helo") == 0 ? &c->helo : NULL;

		if (to == NULL || to->len > 0)
			return usage();
		if (!dns_name_valid(slice_str(argv[i + 1])))
			return fail(EX_USAGE, "%s: not a name", argv[i + 1]);
		*to = slice_lower(slice_str(argv[i + 1]), argv[i + 1]);
	}
	return 0;
}

int
do_explain(struct bulkhead *b, int argc, char *argv[])
{
	struct check_report r = { .b = b, .quiet = true };
	struct explained_client client = { .name = slice_of("", 0),
		.helo = slice_of("", 0) };
	struct smtp_address from, to;
	struct address_tables t;
	struct directory_ask ask = { .forwarded = false };
	int status = EX_CONFIG;

	if (argc > 2 && (status = take_client(argc - 2, argv + 2,
	    &client)) != 0)
		return status;
	if (take_address(argv[0], SMTP_PATH_REVERSE, &from) != 0 ||
	    take_address(argv[1], SMTP_PATH_FORWARD, &to) != 0)
		return EX_USAGE;
	ask.reverse_path = client.sender = smtp_address_slice(&from);
	ask.address = smtp_address_slice(&to);
	client.to_postmaster = policy_is_postmaster(ask.address);
	status = EX_CONFIG;
	if (address_tables_load(&t, &r, false) &&
	    (argc == 2 || explain_client_decide(&client, &r)))
		status = explain(&t, &ask, argc > 2 ? &client : NULL);
	explain_client_clear(&client);
	address_tables_clear(&t);
	return status;
}
