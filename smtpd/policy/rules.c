/*
 * Rules are kept in two sorted arrays, of networks and of names, and looked
 * up by every prefix length and every parent that the table has: what a rule
 * costs does not grow with the table.
 */
#include "smtpd/policy/rules.h"

#include <limits.h>
#include <stdlib.h>

enum name_kind { NAME_CLIENT, NAME_HELO, NAME_FROM };

struct network_rule {
	struct net_network network;
	struct rule	 rule;
};

struct name_rule {
	enum name_kind	 kind;
	struct slice	 name;	/* small letters; ".x" stands for below x */
	struct rule	 rule;
};

struct rules {
	char		*text;
	struct network_rule *networks;
	size_t		 n_networks, network_room;
	struct name_rule *names;
	size_t		 n_names, name_room;
	const struct rule *loopback;	/* in networks, or NULL */
	bool		 want_names;
	unsigned	 first_open;	/* rules_first_open() */
};

/* ---- order ---- */

static int
compare_network(const struct net_network *a, const struct net_network *b)
{
	if (a->loopback != b->loopback)
		return a->loopback - b->loopback;
	if (a->loopback)
		return 0;
	if (a->address.family != b->address.family)
		return a->address.family < b->address.family ? -1 : 1;
	if (a->bits != b->bits)
		return a->bits < b->bits ? -1 : 1;
	return memcmp(a->address.octets, b->address.octets,
	    sizeof(a->address.octets));
}

static int
compare_name(const struct name_rule *a, const struct name_rule *b)
{
	if (a->kind != b->kind)
		return a->kind < b->kind ? -1 : 1;
	return table_compare(a->name, b->name);
}

static int
order_networks(const void *a, const void *b)
{
	const struct network_rule *x = a, *y = b;
	int c = compare_network(&x->network, &y->network);

	return c != 0 ? c : x->rule.line < y->rule.line ? -1 : 1;
}

static int
order_names(const void *a, const void *b)
{
	const struct name_rule *x = a, *y = b;
	int c = compare_name(x, y);

	return c != 0 ? c : x->rule.line < y->rule.line ? -1 : 1;
}

/* ---- reading ---- */

static int
take_verdict(struct slice *line, struct rule *rule, struct table_error *err)
{
	static const char *const words[] = { "permit", "pass", "defer",
		"refuse" };
	struct slice word;

	if (!table_field(line, &word))
		return table_error_set(err, rule->line, "a pattern and nothing "
		    "more; write permit, pass, defer or refuse behind it");
	for (unsigned i = 0; i < 4; i++)
		if (slice_equal_nocase(word, slice_str(words[i]))) {
			rule->verdict = (enum rule_verdict)i;
			rule->text = table_trim(*line);
			return 0;
		}
	return table_error_quote(err, rule->line, word,
	    "not a verdict; write permit, pass, defer or refuse");
}

static int
check_text(const struct rule *rule, struct table_error *err)
{
	struct slice s = rule->text;

	if (s.len > RULE_TEXT_MAX)
		return table_error_set(err, rule->line,
		    "text too long; at most %u octets", RULE_TEXT_MAX);
	if (s.len > 0 && rule->verdict < RULE_DEFER)
		return table_error_quote(err, rule->line, s,
		    "nobody would see this text; it is for defer and refuse");
	for (size_t i = 0; i < s.len; i++)
		if (s.at[i] < ' ' || s.at[i] > '~')
			return table_error_quote(err, rule->line, s,
			    "not plain ASCII; replies have nothing else");
	return 0;
}

/* What may stand in a name, the dot for "below" and a mailbox with it. */
static bool
name_valid(struct slice s, bool mailbox)
{
	for (size_t i = 0; i < s.len; i++)
		if (s.at[i] <= ' ' || s.at[i] > '~' ||
		    (s.at[i] == '@' && !mailbox) ||
		    strchr("/:*<>()\\\",;", s.at[i]) != NULL)
			return false;
	return s.len > 0 && s.len <= 320 &&
	    !slice_equal(s, SLICE_LITERAL("."));
}

static bool
take_kind(struct slice *pattern, enum name_kind *kind)
{
	static const struct slice helo = SLICE_LITERAL("helo:");
	static const struct slice from = SLICE_LITERAL("from:");

	*kind = NAME_CLIENT;
	if (slice_starts_nocase(*pattern, helo))
		*kind = NAME_HELO;
	else if (slice_starts_nocase(*pattern, from))
		*kind = NAME_FROM;
	else
		return false;
	*pattern = slice_skip(*pattern, helo.len);
	return true;
}

static int
add_name(struct rules *t, struct slice pattern, enum name_kind kind,
    const struct rule *rule, struct table_error *err)
{
	bool null = kind == NAME_FROM &&
	    slice_equal(pattern, SLICE_LITERAL("<>"));

	if (!null && !name_valid(pattern, kind == NAME_FROM))
		return table_error_quote(err, rule->line, pattern,
		    "not a pattern; write a network such as 192.0.2.0/24, a "
		    "name, .name, helo:name, from:name or from:user@name");
	if (table_grow((void **)&t->names, &t->name_room, t->n_names,
		sizeof(*t->names), err) == -1)
		return -1;
	table_lower(pattern);
	t->names[t->n_names++] = (struct name_rule){ kind, null ?
	    slice_of(pattern.at, 0) : pattern, *rule };
	t->want_names |= kind == NAME_CLIENT;
	if (rule->verdict < RULE_DEFER && rule->line < t->first_open)
		t->first_open = rule->line;
	return 0;
}

/* Of the letters of an address alone: was a network meant? */
static bool
like_network(struct slice s)
{
	for (size_t i = 0; i < s.len; i++)
		if (strchr("0123456789./:abcdefABCDEF", s.at[i]) == NULL)
			return false;
	return memchr(s.at, '/', s.len) != NULL ||
	    memchr(s.at, ':', s.len) != NULL;
}

static int
add_network(struct rules *t, const struct net_network *n,
    const struct rule *rule, struct table_error *err)
{
	if (table_grow((void **)&t->networks, &t->network_room, t->n_networks,
		sizeof(*t->networks), err) == -1)
		return -1;
	t->networks[t->n_networks++] = (struct network_rule){ *n, *rule };
	return 0;
}

static int
add_line(struct rules *t, struct slice line, unsigned number,
    struct table_error *err)
{
	struct rule rule = { .line = number };
	struct net_network network;
	struct slice pattern;
	enum name_kind kind;

	table_field(&line, &pattern);
	rule.pattern = pattern;
	if (take_verdict(&line, &rule, err) == -1 ||
	    check_text(&rule, err) == -1)
		return -1;
	if (take_kind(&pattern, &kind))
		return add_name(t, pattern, kind, &rule, err);
	if (net_network_parse(pattern, &network) == PARSE_OK)
		return add_network(t, &network, &rule, err);
	if (like_network(pattern))
		return table_error_quote(err, number, pattern, "not a "
		    "network; write 192.0.2.0/24, with no bit set behind its "
		    "prefix");
	return add_name(t, pattern, NAME_CLIENT, &rule, err);
}

static int
read_lines(struct rules *t, struct slice text, struct table_error *err)
{
	struct table_reader reader;
	struct slice line;
	enum parse p;

	table_reader_init(&reader, text);
	while ((p = table_next(&reader, &line, err)) == PARSE_OK)
		if (add_line(t, line, reader.line, err) == -1)
			return -1;
	return p == PARSE_BAD ? -1 : 0;
}

/* The second of two that are the same would never be reached. */
static int
refuse_twice(const struct rules *t, struct table_error *err)
{
	for (size_t i = 1; i < t->n_networks; i++)
		if (compare_network(&t->networks[i - 1].network,
		    &t->networks[i].network) == 0)
			return table_error_set(err, t->networks[i].rule.line,
			    "the same network as in line %u; keep one",
			    t->networks[i - 1].rule.line);
	for (size_t i = 1; i < t->n_names; i++)
		if (compare_name(&t->names[i - 1], &t->names[i]) == 0)
			return table_error_set(err, t->names[i].rule.line,
			    "the same pattern as in line %u; keep one",
			    t->names[i - 1].rule.line);
	return 0;
}

struct rules *
rules_compile(struct slice text, struct table_error *err)
{
	struct rules *t = calloc(1, sizeof(*t));

	if (t != NULL)
		t->text = malloc(text.len + 1);
	if (t == NULL || t->text == NULL) {
		rules_free(t);
		table_error_set(err, 0, "no memory");
		return NULL;
	}
	t->first_open = UINT_MAX;
	if (text.len > 0)
		memcpy(t->text, text.at, text.len);
	if (read_lines(t, slice_of(t->text, text.len), err) == -1) {
		rules_free(t);
		return NULL;
	}
	if (t->n_networks > 0)
		qsort(t->networks, t->n_networks, sizeof(*t->networks),
		    order_networks);
	if (t->n_names > 0)
		qsort(t->names, t->n_names, sizeof(*t->names), order_names);
	if (refuse_twice(t, err) == -1) {
		rules_free(t);
		return NULL;
	}
	if (t->n_networks > 0 &&
	    t->networks[t->n_networks - 1].network.loopback)
		t->loopback = &t->networks[t->n_networks - 1].rule;
	return t;
}

void
rules_free(struct rules *t)
{
	if (t == NULL)
		return;
	free(t->networks);
	free(t->names);
	free(t->text);
	free(t);
}

/* ---- matching ---- */

static const struct rule *
first(const struct rule *a, const struct rule *b)
{
	if (a == NULL || (b != NULL && b->line < a->line))
		return b;
	return a;
}

/* The rule at exactly this network; *next: the first of those behind it. */
static const struct rule *
find_network(const struct rules *t, const struct net_network *n, size_t *next)
{
	size_t low = 0, high = t->n_networks;

	while (low < high) {
		size_t mid = low + (high - low) / 2;
		int c = compare_network(&t->networks[mid].network, n);

		if (c == 0) {
			*next = mid + 1;
			return &t->networks[mid].rule;
		}
		if (c < 0)
			low = mid + 1;
		else
			high = mid;
	}
	*next = low;
	return NULL;
}

static const struct rule *
match_client(const struct rules *t, const struct net_address *client)
{
	const struct rule *found = NULL;
	unsigned width = client->family == NET_IPV4 ? 32 : 128;
	size_t next;

	if (t->loopback != NULL && net_address_is_local(client))
		found = t->loopback;
	if (client->family != NET_IPV4 && client->family != NET_IPV6)
		return found;
	for (unsigned bits = 0; bits <= width;) {
		struct net_network n = { .address = *client, .bits = bits };

		net_address_mask(&n.address, bits);
		found = first(found, find_network(t, &n, &next));
		/* On to the next prefix length that there is. */
		memset(n.address.octets, 0xff, sizeof(n.address.octets));
		find_network(t, &n, &next);
		if (next >= t->n_networks || t->networks[next].network.loopback ||
		    t->networks[next].network.address.family !=
		    client->family)
			break;
		bits = t->networks[next].network.bits;
	}
	return found;
}

static const struct rule *
find_name(const struct rules *t, enum name_kind kind, struct slice name)
{
	struct name_rule want = { .kind = kind, .name = name };
	size_t low = 0, high = t->n_names;

	while (low < high) {
		size_t mid = low + (high - low) / 2;
		int c = compare_name(&t->names[mid], &want);

		if (c == 0)
			return &t->names[mid].rule;
		if (c < 0)
			low = mid + 1;
		else
			high = mid;
	}
	return NULL;
}

/* The name itself, and every ".parent" that it is below of. */
static const struct rule *
match_name(const struct rules *t, enum name_kind kind, struct slice name)
{
	const struct rule *found;
	const char *dot;

	if (name.len == 0)
		return NULL;
	found = find_name(t, kind, name);
	while ((dot = memchr(name.at, '.', name.len)) != NULL) {
		name = slice_skip(name, (size_t)(dot - name.at));
		found = first(found, find_name(t, kind, name));
		name = slice_skip(name, 1);
	}
	return found;
}

/* In small letters, as the table is. */
static struct slice
lowered(struct slice s, char *room, size_t size)
{
	if (s.len > size)
		return slice_of(room, 0);
	for (size_t i = 0; i < s.len; i++)
		room[i] = s.at[i] >= 'A' && s.at[i] <= 'Z' ?
		    (char)(s.at[i] - 'A' + 'a') : s.at[i];
	return slice_of(room, s.len);
}

static const struct rule *
match_sender(const struct rules *t, struct slice sender)
{
	char room[640];
	struct slice s = lowered(sender, room, sizeof(room));
	const struct rule *found = find_name(t, NAME_FROM, s);
	const char *at = s.len == 0 ? NULL : memrchr(s.at, '@', s.len);

	if (at == NULL)
		return found;
	return first(found, match_name(t, NAME_FROM,
	    slice_skip(s, (size_t)(at - s.at) + 1)));
}

const struct rule *
rules_match(const struct rules *t, const struct rules_subject *who)
{
	const struct rule *found = NULL;
	char room[512];

	if (t == NULL)
		return NULL;
	if (who->client != NULL)
		found = match_client(t, who->client);
	found = first(found, match_name(t, NAME_CLIENT,
	    lowered(who->name, room, sizeof(room))));
	found = first(found, match_name(t, NAME_HELO,
	    lowered(who->helo, room, sizeof(room))));
	if (who->has_sender)
		found = first(found, match_sender(t, who->sender));
	return found;
}

bool
rules_want_names(const struct rules *t)
{
	return t != NULL && t->want_names;
}

unsigned
rules_first_name(const struct rules *t, bool helo)
{
	enum name_kind kind = helo ? NAME_HELO : NAME_CLIENT;
	unsigned line = UINT_MAX;

	for (size_t i = 0; t != NULL && i < t->n_names; i++)
		if (t->names[i].kind == kind && t->names[i].rule.line < line)
			line = t->names[i].rule.line;
	return line;
}

unsigned
rules_first_open(const struct rules *t)
{
	return t == NULL ? UINT_MAX : t->first_open;
}

size_t
rules_count(const struct rules *t)
{
	return t == NULL ? 0 : t->n_networks + t->n_names;
}
