/* RFC 7677 section 3's conversation from both sides, and everything wrong. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "common/sasl/base64.h"
#include "common/sasl/scram_client.h"
#include "common/sasl/scram_server.h"

#define S(s) SLICE_LITERAL(s)

static const char client_nonce[] = "rOprNGfwEbeRWgbNEkqO";
static const char server_nonce[] = "%hvYDpWUa2RaTCAfuxFIlj)hNlF$k0";
static const char client_first[] = "n,,n=user,r=rOprNGfwEbeRWgbNEkqO";
static const char server_first[] = "r=rOprNGfwEbeRWgbNEkqO%hvYDpWUa2RaTCAfux"
    "FIlj)hNlF$k0,s=W22ZaJ0SNY7soEsUEjb6gQ==,i=4096";
static const char client_final[] = "c=biws,r=rOprNGfwEbeRWgbNEkqO%hvYDpWUa2R"
    "aTCAfuxFIlj)hNlF$k0,p=dHzbZapWIk4jUhN+Ute9ytag9zjfMHgsqmmiz7AndVQ=";
static const char server_final[] =
    "v=6rriTRBi23WpRR/wtup+mMhUZUn/dB5nLTJRsjl95G4=";

static const struct scram_channel no_channel;

static void
expect(const char *got, size_t len, const char *want)
{
	assert_int_equal(len, strlen(want));
	assert_memory_equal(got, want, len);
}

static void
make_verifier(struct scram_verifier *v)
{
	char salt[32];
	uint8_t salted[SCRAM_KEY_LEN];
	size_t len;

	*v = (struct scram_verifier){ .iterations = 4096, .salt_len = 24 };
	memcpy(v->salt, "W22ZaJ0SNY7soEsUEjb6gQ==", 24);
	assert_int_equal(sasl_base64_decode(slice_of(v->salt, 24), salt, &len),
	    0);
	assert_int_equal(scram_salted_password(S("pencil"),
	    slice_of(salt, len), 4096, salted), 0);
	assert_int_equal(scram_keys_make(salted, &v->keys), 0);
}

static void
as_in_the_rfc_client(void **state)
{
	static const struct scram_client_binding none = { 0 };
	struct scram_client c;
	char out[SCRAM_MESSAGE_MAX];
	size_t len;

	(void)state;
	assert_int_equal(scram_client_first(&c, S("user"), &none,
	    slice_str(client_nonce), out, &len), 0);
	expect(out, len, client_first);
	assert_int_equal(scram_client_final(&c, slice_str(server_first),
	    S("pencil"), out, &len), 0);
	expect(out, len, client_final);
	assert_true(scram_client_verify(&c, slice_str(server_final)));
	assert_false(scram_client_verify(&c, S("e=other-error")));
	assert_false(scram_client_verify(&c, S("v=6rriTRBi23WpRR/wtup+mMhU"
	    "ZUn/dB5nLTJRsjl95G8=")));
	assert_false(scram_client_verify(&c, S("")));
}

/* The server's nonce in the RFC is longer than ours: it is only octets. */
static void
begin(struct scram_server *s, const struct scram_verifier *v)
{
	const char *why;
	struct slice first;

	assert_int_equal(scram_server_begin(s, false, slice_str(client_first),
	    &no_channel, &why), SCRAM_GOOD);
	expect(s->name, s->name_len, "user");
	first = scram_server_first(s, v, slice_str(server_nonce));
	expect(first.at, first.len, server_first);
}

static void
as_in_the_rfc_server(void **state)
{
	char final[SCRAM_SERVER_FINAL_MAX];
	struct scram_server s;
	struct scram_verifier v;
	const char *why;

	(void)state;
	make_verifier(&v);
	begin(&s, &v);
	assert_int_equal(scram_server_finish(&s, slice_str(client_final),
	    final, &why), SCRAM_GOOD);
	expect(final, sizeof(final), server_final);
	v.keys.stored[0] ^= 1;
	begin(&s, &v);
	assert_int_equal(scram_server_finish(&s, slice_str(client_final),
	    final, &why), SCRAM_WRONG);
}

#define NONCE "r=rOprNGfwEbeRWgbNEkqO%hvYDpWUa2RaTCAfuxFIlj)hNlF$k0"
#define PROOF "p=dHzbZapWIk4jUhN+Ute9ytag9zjfMHgsqmmiz7AndVQ="

static void
bad_finals(void **state)
{
	static const struct {
		const char		*in;
		enum scram_verdict	 want;
	} rows[] = {
		{ "", SCRAM_MALFORMED },
		{ "c=biws", SCRAM_MALFORMED },
		{ "c=biws," NONCE, SCRAM_MALFORMED },
		{ "c=biws," NONCE ",p=", SCRAM_MALFORMED },
		{ "c=biws," NONCE ",p=AAAA", SCRAM_MALFORMED },
		{ "c=biws," NONCE ",x," PROOF, SCRAM_MALFORMED },
		{ "c=biws," NONCE ",m=x," PROOF, SCRAM_MALFORMED },
		{ "c=biws," NONCE "," PROOF ",x=y", SCRAM_MALFORMED },
		{ NONCE ",c=biws," PROOF, SCRAM_MALFORMED },
		{ "c=biws,r=rOprNGfwEbeRWgbNEkqO," PROOF, SCRAM_REFUSED },
		{ "c=biws," NONCE "x," PROOF, SCRAM_REFUSED },
		{ "c=eSws," NONCE "," PROOF, SCRAM_REFUSED },
		/* The proof covers the whole message. */
		{ "c=biws," NONCE ",x=y," PROOF, SCRAM_WRONG },
		{ "c=biws," NONCE ",p=dHzbZapWIk4jUhN+Ute9ytag9zjfMHgsqmmiz7An"
		    "dVR=", SCRAM_MALFORMED },
		{ "c=biws," NONCE ",p=eHzbZapWIk4jUhN+Ute9ytag9zjfMHgsqmmiz7An"
		    "dVQ=", SCRAM_WRONG },
	};
	char final[SCRAM_SERVER_FINAL_MAX];
	struct scram_server s;
	struct scram_verifier v;
	const char *why;

	(void)state;
	make_verifier(&v);
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		begin(&s, &v);
		assert_int_equal(scram_server_finish(&s,
		    slice_str(rows[i].in), final, &why), rows[i].want);
		assert_non_null(why);
	}
}

static void
firsts(void **state)
{
	static const uint8_t octets[32] = { 1 };
	static const struct scram_channel tls = { .offered = true,
		.exporter = { (const char *)octets, 32 },
		.end_point = { "", 0 } };
	static const struct scram_channel older = { .offered = true,
		.unique = { (const char *)octets, 12 },
		.end_point = { (const char *)octets, 32 } };
	static const struct {
		const char		*in;
		bool			 plus;
		const struct scram_channel *channel;
		enum scram_verdict	 want;
	} rows[] = {
		{ "n,,n=user,r=abc", false, &no_channel, SCRAM_GOOD },
		{ "n,,n=user,r=abc,x=y", false, &no_channel, SCRAM_GOOD },
		{ "y,,n=user,r=abc", false, &no_channel, SCRAM_GOOD },
		{ "n,,n=user,r=abc", false, &tls, SCRAM_GOOD },
		/* The offer of -PLUS was cut out on the way. */
		{ "y,,n=user,r=abc", false, &tls, SCRAM_REFUSED },
		{ "p=tls-exporter,,n=user,r=abc", true, &tls, SCRAM_GOOD },
		{ "p=tls-exporter,,n=user,r=abc", false, &tls, SCRAM_REFUSED },
		{ "p=tls-exporter,,n=user,r=abc", true, &no_channel,
		    SCRAM_REFUSED },
		{ "p=tls-server-end-point,,n=user,r=abc", true, &tls,
		    SCRAM_REFUSED },
		{ "p=tls-unique,,n=user,r=abc", true, &tls, SCRAM_REFUSED },
		{ "p=tls-unique,,n=user,r=abc", true, &older, SCRAM_GOOD },
		{ "p=tls-server-end-point,,n=user,r=abc", true, &older,
		    SCRAM_GOOD },
		{ "p=tls-exporter,,n=user,r=abc", true, &older, SCRAM_REFUSED },
		{ "p=tls-other,,n=user,r=abc", true, &older, SCRAM_REFUSED },
		{ "n,,n=user,r=abc", true, &tls, SCRAM_REFUSED },
		{ "n,a=user,n=user,r=abc", false, &no_channel, SCRAM_GOOD },
		{ "n,a=root,n=user,r=abc", false, &no_channel, SCRAM_REFUSED },
		{ "n,,n=us=2Cer=3D,r=abc", false, &no_channel, SCRAM_GOOD },
		{ "n,,n=us=2cer,r=abc", false, &no_channel, SCRAM_MALFORMED },
		{ "n,,n=us=3Cer,r=abc", false, &no_channel, SCRAM_MALFORMED },
		{ "n,,n=us=,r=abc", false, &no_channel, SCRAM_MALFORMED },
		{ "n,,n=u\tser,r=abc", false, &no_channel, SCRAM_MALFORMED },
		{ "n,,n=user,r=a\x7f", false, &no_channel, SCRAM_MALFORMED },
		{ "n,,m=x,n=user,r=abc", false, &no_channel, SCRAM_MALFORMED },
		{ "n,,n=user,r=abc,m=x", false, &no_channel, SCRAM_MALFORMED },
		{ "n,,n=user,r=abc,", false, &no_channel, SCRAM_MALFORMED },
		{ "n,,n=user,r=", false, &no_channel, SCRAM_MALFORMED },
		{ "n,,n=user", false, &no_channel, SCRAM_MALFORMED },
		{ "n,,n=,r=abc", false, &no_channel, SCRAM_MALFORMED },
		{ "n,,r=abc,n=user", false, &no_channel, SCRAM_MALFORMED },
		{ "n,b=user,n=user,r=abc", false, &no_channel, SCRAM_MALFORMED },
		{ "x,,n=user,r=abc", false, &no_channel, SCRAM_MALFORMED },
		{ "p,,n=user,r=abc", true, &tls, SCRAM_MALFORMED },
		{ "p=,,n=user,r=abc", true, &tls, SCRAM_MALFORMED },
		{ "n,n=user,r=abc", false, &no_channel, SCRAM_MALFORMED },
		{ "n=user,r=abc", false, &no_channel, SCRAM_MALFORMED },
		{ ",,n=user,r=abc", false, &no_channel, SCRAM_MALFORMED },
		{ "n,,", false, &no_channel, SCRAM_MALFORMED },
		{ "n,", false, &no_channel, SCRAM_MALFORMED },
		{ "", false, &no_channel, SCRAM_MALFORMED },
	};
	struct scram_server s;
	const char *why;

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++)
		assert_int_equal(scram_server_begin(&s, rows[i].plus,
		    slice_str(rows[i].in), rows[i].channel, &why),
		    rows[i].want);
}

/* A whole conversation of ours with ours, bound to a channel. */
static enum scram_verdict
converse(struct slice client_data, struct slice server_data)
{
	struct scram_client_binding binding = { SCRAM_TLS_EXPORTER,
		client_data, true };
	struct scram_channel channel = { .offered = true,
		.exporter = server_data };
	char out[SCRAM_MESSAGE_MAX], final[SCRAM_SERVER_FINAL_MAX];
	enum scram_verdict verdict;
	struct scram_client c;
	struct scram_server s;
	struct scram_verifier v;
	struct slice first;
	const char *why;
	size_t len;

	make_verifier(&v);
	assert_int_equal(scram_client_first(&c, S("a,b=c"), &binding,
	    S("012345678901234567890123"), out, &len), 0);
	assert_int_equal(scram_server_begin(&s, true, slice_of(out, len),
	    &channel, &why), SCRAM_GOOD);
	expect(s.name, s.name_len, "a,b=c");
	first = scram_server_first(&s, &v, S("abcdefghijklmnopqrstuvwx"));
	assert_int_equal(scram_client_final(&c, first, S("pencil"), out,
	    &len), 0);
	verdict = scram_server_finish(&s, slice_of(out, len), final, &why);
	if (verdict == SCRAM_GOOD)
		assert_true(scram_client_verify(&c, slice_of(final,
		    sizeof(final))));
	return verdict;
}

static void
bound(void **state)
{
	static const char ours[32] = { 1 }, other[32] = { 2 };

	(void)state;
	assert_int_equal(converse(slice_of(ours, 32), slice_of(ours, 32)),
	    SCRAM_GOOD);
	/* Somebody between us with a channel on each side. */
	assert_int_equal(converse(slice_of(ours, 32), slice_of(other, 32)),
	    SCRAM_REFUSED);
}

static void
client_is_careful(void **state)
{
	static const struct scram_client_binding none = { 0 };
	static const char *const rows[] = {
		"r=rOprNGfwEbeRWgbNEkqO,s=W22ZaJ0SNY7soEsUEjb6gQ==,i=4096",
		"r=xOprNGfwEbeRWgbNEkqOabc,s=W22ZaJ0SNY7soEsUEjb6gQ==,i=4096",
		"r=rOprNGfwEbeRWgbNEkqOabc,s=W22ZaJ0SNY7soEsUEjb6gQ==,i=4095",
		"r=rOprNGfwEbeRWgbNEkqOabc,s=W22ZaJ0SNY7soEsUEjb6gQ==,i=1",
		"r=rOprNGfwEbeRWgbNEkqOabc,s=W22ZaJ0SNY7soEsUEjb6gQ==,i=04096",
		"r=rOprNGfwEbeRWgbNEkqOabc,s=W22ZaJ0SNY7soEsUEjb6gQ==,"
		    "i=4294967295",
		"r=rOprNGfwEbeRWgbNEkqOabc,s=W22ZaJ0SNY7soEsUEjb6gQ==,"
		    "i=99999999999999999999",
		"r=rOprNGfwEbeRWgbNEkqOabc,s=W22,i=4096",
		"r=rOprNGfwEbeRWgbNEkqOabc,s=,i=4096",
		"r=rOprNGfwEbeRWgbNEkqOabc,i=4096",
		"m=x,r=rOprNGfwEbeRWgbNEkqOabc,s=W22ZaJ0SNY7soEsUEjb6gQ==,"
		    "i=4096",
		"e=other-error", "",
	};
	struct scram_client c;
	char out[SCRAM_MESSAGE_MAX];
	size_t len;

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		assert_int_equal(scram_client_first(&c, S("user"), &none,
		    slice_str(client_nonce), out, &len), 0);
		assert_int_equal(scram_client_final(&c, slice_str(rows[i]),
		    S("pencil"), out, &len), -1);
	}
}

static void
verifiers(void **state)
{
	static const char good[] = "SCRAM-SHA-256$4096:W22ZaJ0SNY7soEsUEjb6gQ=="
	    "$WG5d8oPm3OtcPnkdi4Uo7BkeZkBFzpcXkuLmtbsT4qY="
	    ":wfPLwcE6nTWhTAmQ7tl2KeoiWGPlZqQxSrmfPwDl2dU=";
	struct scram_verifier v, made, again, other;

	(void)state;
	make_verifier(&made);
	assert_int_equal(scram_verifier_parse(slice_str(good), &v), 0);
	assert_int_equal(v.iterations, 4096);
	assert_memory_equal(&v.keys, &made.keys, sizeof(v.keys));
	for (size_t n = 0; n < sizeof(good) - 1; n++)
		assert_int_equal(scram_verifier_parse(slice_of(good, n), &v),
		    -1);
	assert_int_equal(scram_verifier_invent(S("secret"), S("nobody"), 4096,
	    16, &made), 0);
	assert_int_equal(scram_verifier_invent(S("secret"), S("nobody"), 4096,
	    16, &again), 0);
	assert_memory_equal(&made, &again, sizeof(made));
	assert_int_equal(made.salt_len, 24);
	assert_int_equal(scram_verifier_invent(S("secret"), S("nobodx"), 4096,
	    16, &other), 0);
	assert_memory_not_equal(made.salt, other.salt, 24);
	assert_int_equal(scram_verifier_invent(S("secrets"), S("nobody"), 4096,
	    16, &other), 0);
	assert_memory_not_equal(made.salt, other.salt, 24);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(as_in_the_rfc_client),
		cmocka_unit_test(as_in_the_rfc_server),
		cmocka_unit_test(bad_finals), cmocka_unit_test(firsts),
		cmocka_unit_test(bound), cmocka_unit_test(client_is_careful),
		cmocka_unit_test(verifiers),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
