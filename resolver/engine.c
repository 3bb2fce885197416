/*
 * libunbound, driven by our event loop: no thread, no process, no file.  The
 * settings that it would read from files come as descriptors and are given to
 * it as text.
 */
#include "resolver/resolver.h"

#include <netinet/in.h>

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>

#include <event2/event.h>
#include <unbound-event.h>
#include <unbound.h>

#include "common/log/log.h"
#include "resolver/host_files.h"

/*
 * The root zone's keys of 2017 and 2024 (root-anchors.xml of IANA), where
 * neither the instance nor the host has a file of them.
 */
static const char *const root_anchors[] = {
	". IN DS 20326 8 2 E06D44B80B8F1D39A95C0B0D7C65D084"
	"58E880409BBC683457104237C7F8EC8D",
	". IN DS 38696 8 2 683D2D0ACB8C9B712A1948B27F741219"
	"298D0A450D612C483AF444A4C0FB2B16",
};

/* What does not depend on a setting.  Each was looked at with the manual,
 * unbound.conf(5), and with strace: no file is opened on account of any. */
static const struct {
	const char	*option, *value;
} fixed[] = {
	/* UDP sockets at once, each with a random source port of its own. */
	{ "outgoing-range:", "1024" },
	{ "outgoing-num-tcp:", "64" },
	/* Answers that do not fit ask for TCP; no fragments (RFC 9715). */
	{ "edns-buffer-size:", "1232" },
	/* A server that was away is tried again within a minute: mail waits
	 * for it. */
	{ "infra-host-ttl:", "60" },
	{ "infra-keep-probing:", "yes" },
	{ "infra-cache-max-rtt:", "4000" },
	/* A bogus answer may be mended soon. */
	{ "val-bogus-ttl:", "30" },
	/* Names of private networks are for their servers to answer. */
	{ "unblock-lan-zones:", "yes" },
	{ "insecure-lan-zones:", "yes" },
	{ "use-syslog:", "no" },
};

/* A context that is being made; error is the first that occurred. */
struct making {
	struct ub_ctx	*context;
	const char	*what;
	int		 error;
};

static void
note(struct making *m, const char *what, int error)
{
	if (m->error != 0 || error == 0)
		return;
	m->what = what;
	m->error = error;
}

static void
set(struct making *m, const char *option, const char *value)
{
	note(m, option, ub_ctx_set_option(m->context, option, value));
}

static void
set_number(struct making *m, const char *option, uint64_t n)
{
	char text[32];

	snprintf(text, sizeof(text), "%ju", (uintmax_t)n);
	set(m, option, text);
}

static void
forward_to(struct making *m, const struct net_address *a)
{
	char host[NET_ADDRESS_SIZE], text[NET_ADDRESS_SIZE + 8];

	snprintf(text, sizeof(text), "%s@%u", net_address_print(a, host),
	    a->port == 0 ? 53U : a->port);
	note(m, "servers", ub_ctx_set_fwd(m->context, text));
	if (net_address_is_local(a))
		set(m, "do-not-query-localhost:", "no");
}

static void
set_servers(struct making *m, const struct resolver_settings *own,
    const struct text *resolv_conf)
{
	struct net_address host[NAMESERVERS_MAX];
	size_t n;

	for (size_t i = 0; i < own->servers.n; i++) {
		struct net_address a;

		net_address_from(&a,
		    (const struct sockaddr *)&own->servers.at[i].sa);
		forward_to(m, &a);
	}
	if (own->servers.n > 0 || own->recursion)
		return;
	n = nameservers_read(slice_of(resolv_conf->at, resolv_conf->len),
	    host);
	for (size_t i = 0; i < n; i++)
		forward_to(m, &host[i]);
	if (n == 0)
		log_notice("recursion", LOG_CSTR("reason",
		    "neither resolver.conf nor resolv.conf names a server"));
}

static int
add_anchors(struct making *m, const char *file, struct slice text)
{
	char anchor[ANCHOR_MAX];
	unsigned line = 0, n = 0;
	enum parse p;

	while ((p = anchor_next(&text, &line, anchor)) == PARSE_OK) {
		if (n++ == ANCHORS_MAX)
			break;
		note(m, file, ub_ctx_add_ta(m->context, anchor));
	}
	if (p == PARSE_MORE)
		return (int)n;
	log_error("anchors-refused", LOG_CSTR("file", file),
	    LOG_NUM("line", line), LOG_CSTR("reason", p == PARSE_OK ?
	    "too many trust anchors" :
	    "not a trust anchor; write a DS or DNSKEY record on one line"));
	return -1;
}

/* The instance's own, or the host's, or those that we know. */
static int
set_anchors(struct making *m, const struct text texts[TEXT_COUNT])
{
	static const struct {
		unsigned	 text;
		enum stage_table table;
	} files[] = {
		{ TEXT_ANCHORS, STAGE_TABLE_TRUST_ANCHORS },
		{ TEXT_ROOT_KEY, STAGE_TABLE_ROOT_KEY },
	};
	int n = 0;

	for (size_t i = 0; i < 2 && n == 0; i++) {
		const struct text *t = &texts[files[i].text];

		n = add_anchors(m, stage_table_name(files[i].table),
		    slice_of(t->at, t->len));
	}
	for (size_t i = 0; i < 2 && n == 0; i++)
		note(m, "anchor", ub_ctx_add_ta(m->context, root_anchors[i]));
	return n;
}

static void
set_limits(struct making *m, const struct resolver_settings *own)
{
	set_number(m, "num-queries-per-thread:", own->max_questions);
	/* Records take twice what the messages take, unbound.conf(5) says. */
	set_number(m, "msg-cache-size:", own->cache_size / 4);
	set_number(m, "rrset-cache-size:", own->cache_size / 2);
	set_number(m, "key-cache-size:", own->cache_size / 8);
	set_number(m, "neg-cache-size:", own->cache_size / 8);
	set_number(m, "cache-max-ttl:", own->max_ttl);
	set_number(m, "cache-max-negative-ttl:", own->max_negative_ttl);
}

static void
on_probe(void *arg, int rcode, void *packet, int len, int security,
    char *why, int limited)
{
	const struct resolver *r = arg;

	(void)packet, (void)len, (void)limited;
	if (r->deleting)
		return;
	if (rcode != 0)
		log_warning("dns-not-reached", LOG_NUM("rcode",
		    (unsigned)rcode), LOG_CSTR("remedy",
		    "see servers and recursion in resolver.conf(5)"));
	else if (security == 1)
		log_warning("dnssec-not-passed", LOG_CSTR("reason",
		    why != NULL ? why : "?"), LOG_CSTR("remedy",
		    "name servers that pass signatures on, or recursion = "
		    "yes, or dnssec = no in resolver.conf(5)"));
}

void
engine_probe(struct resolver *r)
{
	ub_resolve_event(r->context, ".", 2 /* NS */, 1 /* IN */, r,
	    on_probe, NULL);
}

/*
 * Zones that libunbound would answer for by itself, and the servers can,
 * too.  This also makes it look at everything that it was told before.
 */
static void
unblock(struct making *m)
{
	static const char *const zones[] = { "test.", "127.in-addr.arpa.",
		("1.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0."
		"0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.ip6.arpa.") };

	for (size_t i = 0; i < sizeof(zones) / sizeof(zones[0]); i++)
		note(m, zones[i], ub_ctx_zone_remove(m->context, zones[i]));
}

struct ub_ctx *
engine_new(struct resolver *r, const struct resolver_settings *own,
    const struct text texts[TEXT_COUNT])
{
	struct making m = { .context = ub_ctx_create_event(r->stage.base) };
	bool good = true;

	if (m.context == NULL) {
		log_error("cannot-start", LOG_ERRNO(ENOMEM));
		return NULL;
	}
	ub_ctx_debugout(m.context, NULL);
	for (size_t i = 0; i < sizeof(fixed) / sizeof(fixed[0]); i++)
		set(&m, fixed[i].option, fixed[i].value);
	set_limits(&m, own);
	set_servers(&m, own, &texts[TEXT_RESOLV_CONF]);
	if (own->dnssec)
		good = set_anchors(&m, texts) != -1;
	else
		set(&m, "module-config:", "iterator");
	if (m.error == 0 && good)
		unblock(&m);
	if (m.error == 0 && good)
		return m.context;
	if (m.error != 0)
		log_error("unbound-refuses", LOG_CSTR("what", m.what),
		    LOG_CSTR("reason", ub_strerror(m.error)));
	ub_ctx_delete(m.context);
	return NULL;
}

void
engine_delete(struct resolver *r)
{
	r->deleting = true;
	if (r->context != NULL)
		ub_ctx_delete(r->context);
	r->context = NULL;
	r->deleting = false;
}

size_t
engine_ports(const struct resolver_settings *own,
    uint16_t out[ENGINE_PORTS_MAX])
{
	size_t n = 0;

	out[n++] = 53;
	for (size_t i = 0; i < own->servers.n && n < ENGINE_PORTS_MAX; i++) {
		struct net_address a;

		net_address_from(&a,
		    (const struct sockaddr *)&own->servers.at[i].sa);
		out[n++] = a.port;
	}
	return n;
}
