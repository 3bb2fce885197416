"""DANE for SMTP (RFC 7672): remote-relay alone; the test is the resolver, and
the hosts, and whoever stands between."""

import pytest

from support.peer import Peer
from support.pki import Authority, Certificate, tlsa

from .test_remote_relay import (A, AAAA, CNAME, DEFERRED, DELIVERED, HOST_DOWN,
                                MX, TEXT, TLSA, UNKNOWN, Answer, Relay,
                                free_port)

OTHER = Certificate("nobody that anybody meant")


@pytest.fixture(scope="module")
def ca():
    return Authority("a root")


class World:
    """c.example with one mail exchanger, all of it signed, unless the test
    changes a part of it."""

    def __init__(self, folder, port=None):
        self.folder = folder
        self.port = port or free_port()
        self.records = {
            (MX, "c.example"): Answer([(10, "mx.example")]),
            (A, "mx.example"): Answer(["127.0.0.2"]),
            (AAAA, "mx.example"): Answer(),
        }
        self.route = ""
        self.roots = ""

    def tlsa(self, *rows, name="mx.example", **more):
        self.records[TLSA, f"_{self.port}._tcp.{name}"] = Answer(rows, **more)

    def peer(self, cert=None, address="127.0.0.2", root=False, **more):
        if cert is not None:
            more.setdefault("extensions", ["STARTTLS"])
            more["tls"] = cert.context(self.folder, root)
        return Peer(self.port, address, **more)

    def relay(self):
        r = Relay(self.folder, f"route default {{\n{self.route}}}\n",
                  self.records, self.port, roots=self.roots)
        r.zone.standard = Answer()	# signed: there is no such record
        return r

    def send(self, cert=None, **more):
        """(result, peer, log) of one message."""
        with self.peer(cert, **more) as p, self.relay() as r:
            got = r.one()
            return got, p, r.log()


@pytest.fixture
def world(tmp_path):
    return World(tmp_path)


def delivered(outcome, secured=True):
    got, p, log = outcome
    assert got.result == DELIVERED, (got, log)
    assert [m.content for m in p.messages] == [TEXT]
    assert p.sessions[-1].secured == secured
    return log


def put_off(outcome, *words):
    """Nothing of the message has left, and it will be tried again."""
    got, p, log = outcome
    assert got.result == DEFERRED and got.code // 100 == 4, got
    assert got.marks & HOST_DOWN and not got.marks & UNKNOWN
    assert not p.messages
    assert not any(l.startswith(("MAIL", "RCPT")) for l in p.lines())
    for w in words:
        assert w in got.text, got
    return log


EVERY = [(u, s, m) for u in (2, 3) for s in (0, 1) for m in (0, 1, 2)]


@pytest.mark.parametrize("kind", EVERY, ids=lambda k: "%d%d%d" % k)
def test_a_record_that_matches(world, ca, kind):
    leaf = ca.leaf("mx.example")
    world.tlsa(tlsa(*kind, ca if kind[0] == 2 else leaf))
    log = delivered(world.send(leaf, root=True))
    assert 'tlsa="%d %d %d"' % kind in log and "verified=dane" in log
    assert "verifies-destination=yes" in log


@pytest.mark.parametrize("kind", EVERY, ids=lambda k: "%d%d%d" % k)
def test_a_record_that_does_not_match(world, ca, kind):
    world.tlsa(tlsa(*kind, OTHER if kind[0] == 3 else Authority("another")))
    put_off(world.send(ca.leaf("mx.example"), root=True), "TLS")


def test_a_root_that_the_host_does_not_show(world, ca):
    """RFC 7672 section 3.1.2: by a digest it cannot be known; a whole
    certificate or key in the record can."""
    leaf = ca.leaf("mx.example")
    for kind, good in (((2, 0, 0), True), ((2, 1, 0), True),
                       ((2, 0, 1), False), ((2, 1, 1), False)):
        world.tlsa(tlsa(*kind, ca))
        outcome = world.send(leaf, root=False)
        (delivered if good else put_off)(outcome)


def test_usage_3_asks_neither_name_nor_date(world, ca):
    """Section 3.1.1."""
    for leaf in (ca.leaf("other.example"), Certificate("self"),
                 ca.leaf("mx.example", days=(-9, -2)),
                 ca.leaf("mx.example", days=(2, 9))):
        world.tlsa(tlsa(3, 1, 1, leaf))
        delivered(world.send(leaf))


def test_usage_2_asks_both(world, ca):
    for leaf in (ca.leaf("other.example"), ca.leaf("mx.example.evil.example"),
                 ca.leaf("mx.example", days=(-9, -2)),
                 ca.leaf("mx.example", days=(2, 9)), ca.leaf("*.mx.example")):
        world.tlsa(tlsa(2, 1, 1, ca))
        put_off(world.send(leaf, root=True), "TLS")


def test_names_for_usage_2(world, ca):
    """Section 3.2.3: the base, or where signed MX records led there the
    domain, or what its CNAME leads to."""
    world.tlsa(tlsa(2, 1, 1, ca))
    world.records[MX, "c.example"].canonical = "real.example"
    for name in "mx.example", "c.example", "real.example":
        delivered(world.send(ca.leaf("nobody.invalid", name), root=True))
    put_off(world.send(ca.leaf("d.example.invalid"), root=True))


def test_names_where_the_mx_records_are_not_signed(world, ca):
    """The host's own alone; and the log does not say that the destination
    was verified (section 2.2.1)."""
    world.records[MX, "c.example"] = [(10, "mx.example")]
    world.tlsa(tlsa(2, 1, 1, ca))
    log = delivered(world.send(ca.leaf("mx.example"), root=True))
    assert "verifies-destination=no" in log
    put_off(world.send(ca.leaf("c.example"), root=True))
    # And a host that lost its STARTTLS is not taken in clear.
    put_off(world.send(extensions=[]), "TLS is required")


def test_the_host_is_an_alias(world, ca):
    """Section 2.2.2: the name that it leads to comes first, then its own."""
    leaf = ca.leaf("nobody.invalid")
    for kind in A, AAAA:
        world.records[kind, "mx.example"] = Answer(
            ["127.0.0.2"] if kind == A else [], canonical="real.example")
    world.tlsa(tlsa(3, 1, 1, leaf), name="real.example")
    world.tlsa(tlsa(3, 1, 1, OTHER), name="mx.example")
    delivered(world.send(leaf))
    world.tlsa(name="real.example")
    put_off(world.send(leaf))
    world.tlsa(tlsa(3, 1, 1, leaf), name="mx.example")
    delivered(world.send(leaf))
    # SNI is the base.
    asked = []
    context = leaf.context(world.folder)
    context.sni_callback = lambda s, name, c: asked.append(name)
    world.tlsa(tlsa(3, 1, 1, leaf), name="real.example")
    with Peer(world.port, "127.0.0.2", extensions=["STARTTLS"],
              tls=context) as p, world.relay() as r:
        delivered((r.one(), p, r.log()))
    assert asked == ["real.example"]
    # Usage 2: either name.
    world.tlsa(tlsa(2, 1, 1, ca), name="real.example")
    for name in "mx.example", "real.example":
        delivered(world.send(ca.leaf(name), root=True))


def test_an_alias_that_leads_to_where_nothing_is_signed(world, ca):
    """Only a signed alias may have records of its own."""
    leaf = ca.leaf("mx.example")
    for kind in A, AAAA:
        world.records[kind, "mx.example"] = Answer(
            ["127.0.0.2"] if kind == A else [], canonical="far.example",
            secure=False)
    world.tlsa(tlsa(3, 1, 1, leaf), name="mx.example")
    world.tlsa(tlsa(3, 1, 1, OTHER), name="far.example")
    world.records[CNAME, "mx.example"] = Answer(["far.example"])
    log = delivered(world.send(leaf))
    assert "verified=dane" in log
    put_off(world.send(OTHER))
    world.records[CNAME, "mx.example"] = Answer(["far.example"], secure=False)
    assert "verified=no" in delivered(world.send(OTHER))
    world.records[CNAME, "mx.example"] = "tempfail"
    put_off(world.send(leaf), "no answer")


def test_two_records_while_a_key_is_replaced(world, ca):
    old, new = ca.leaf("mx.example"), ca.leaf("mx.example")
    world.tlsa(tlsa(3, 1, 1, old), tlsa(3, 1, 1, new))
    for leaf in old, new:
        delivered(world.send(leaf))
    put_off(world.send(ca.leaf("mx.example")))
    world.tlsa(tlsa(3, 1, 1, old), tlsa(2, 1, 1, ca))
    delivered(world.send(new, root=True))


@pytest.mark.parametrize("rows", [
    [tlsa(0, 0, 1, OTHER)], [tlsa(1, 1, 1, OTHER), tlsa(1, 0, 2, OTHER)],
    [(3, 2, 1, b"x" * 32)], [(3, 1, 3, b"x" * 32)], [(9, 9, 9, b"x")],
    [(3, 1, 1, b"x" * 31)], [(3, 1, 2, b"x" * 32)], [(3, 0, 0, b"rubbish")],
    [(2, 1, 0, b"rubbish")]])
def test_records_of_no_use(world, ca, rows):
    """Section 3.1.3 (PKIX usages) and RFC 6698: TLS with whomever, and never
    without."""
    world.tlsa(*rows)
    log = delivered(world.send(ca.leaf("any.example")))
    assert "0 of" in log and "verified=no" in log
    put_off(world.send(extensions=[]), "TLS is required")
    # One of use beside them: that one counts.
    leaf = ca.leaf("mx.example")
    world.tlsa(*rows, tlsa(3, 1, 1, leaf))
    delivered(world.send(leaf))
    put_off(world.send(OTHER))


def test_records_too_long_to_be_passed_on_are_some(world, ca):
    world.tlsa(cut=True)
    delivered(world.send(ca.leaf("any.example")))
    put_off(world.send(extensions=[]), "TLS is required")


def test_records_that_nobody_vouches_for_count_for_nothing(world, ca):
    world.tlsa(tlsa(3, 1, 1, OTHER), secure=False)
    delivered(world.send(ca.leaf("mx.example")))
    delivered(world.send(extensions=[]), secured=False)


def test_nothing_is_signed(world, ca):
    """Opportunistic; nobody even asks for records."""
    world.records[MX, "c.example"] = [(10, "mx.example")]
    world.records[A, "mx.example"] = ["127.0.0.2"]
    world.tlsa(tlsa(3, 1, 1, OTHER), secure=False)
    with world.peer(extensions=[]) as p, world.relay() as r:
        log = delivered((r.one(), p, r.log()), secured=False)
        assert not any(kind == TLSA for kind, _ in r.zone.asked)
        assert "addresses are not signed" in r.log()


@pytest.mark.parametrize("status", ["tempfail", "bogus"])
def test_no_answer_is_not_no_records(world, ca, status):
    """Section 2.1.2: whoever suppresses the answer gains nothing."""
    world.records[TLSA, f"_{world.port}._tcp.mx.example"] = status
    put_off(world.send(ca.leaf("mx.example")), "no answer")
    outcome = world.send(extensions=[])
    put_off(outcome, "no answer")
    assert not outcome[1].sessions	# it was not even spoken to
    # The other host is asked, by its own records.
    leaf = ca.leaf("two.example")
    world.records[MX, "c.example"].rows.append((20, "two.example"))
    world.records[A, "two.example"] = Answer(["127.0.0.3"])
    world.tlsa(tlsa(3, 1, 1, leaf), name="two.example")
    with world.peer(leaf) as first, \
            world.peer(leaf, "127.0.0.3") as p, world.relay() as r:
        got = r.one()
        delivered((got, p, r.log()))
        assert got.mta == "two.example" and not first.sessions


@pytest.mark.parametrize("status", ["tempfail", "bogus"])
def test_one_family_without_an_answer(world, ca, status):
    """That the other one is signed still counts."""
    world.records[AAAA, "mx.example"] = status
    world.tlsa(tlsa(3, 1, 1, OTHER))
    put_off(world.send(ca.leaf("mx.example")))
    put_off(world.send(extensions=[]))


def drop(s):
    s.close()


@pytest.mark.parametrize("behaviour", [
    dict(extensions=[]),				# stripped
    dict(extensions=["STARTTLS"], starttls="454 4.7.0 not now"),
    dict(extensions=["STARTTLS"], starttls="502 5.5.1 what?"),
    dict(extensions=["STARTTLS"], starttls=drop),
    dict(extensions=["STARTTLS"], starttls=lambda s: s.send(
        b"220 go on\r\n250-injected\r\n")),
    dict(ehlo="502 5.5.1 what?", extensions=["STARTTLS"]),	# HELO then
], ids=["stripped", "454", "502", "drop", "injected", "helo"])
def test_whoever_stands_between(world, ca, behaviour):
    """The mail waits; the next exchanger is tried and not in clear either."""
    leaf = ca.leaf("mx.example")
    world.tlsa(tlsa(3, 1, 1, leaf))
    put_off(world.send(**behaviour))
    world.records[MX, "c.example"].rows.append((20, "two.example"))
    world.records[A, "two.example"] = Answer(["127.0.0.3"])
    world.tlsa(tlsa(3, 1, 1, leaf), name="two.example")
    with world.peer(**behaviour) as first, \
            world.peer(None, "127.0.0.3", extensions=[]) as second, \
            world.relay() as r:
        put_off((r.one(), second, r.log()))
        assert first.sessions and second.sessions and not first.messages


def test_a_handshake_that_fails_is_not_repeated_in_clear(world, ca):
    def broken(s):
        s.say("220 go on")
        s.send(b"this is no TLS at all")
        s.stall(3)
    world.tlsa(tlsa(3, 1, 1, OTHER))
    outcome = world.send(extensions=["STARTTLS"], starttls=broken)
    put_off(outcome, "TLS")
    assert len(outcome[1].sessions) == 1


def test_the_next_host_shows_what_it_should(world, ca):
    leaf = ca.leaf("two.example")
    world.tlsa(tlsa(3, 1, 1, OTHER))
    world.records[MX, "c.example"].rows.append((20, "two.example"))
    world.records[A, "two.example"] = Answer(["127.0.0.3"])
    world.tlsa(tlsa(3, 1, 1, leaf), name="two.example")
    with world.peer(leaf) as first, \
            world.peer(leaf, "127.0.0.3") as p, world.relay() as r:
        got = r.one()
        delivered((got, p, r.log()))
        assert first.sessions and not first.messages


def test_no_mail_exchanger_but_an_address(world, ca):
    leaf = ca.leaf("c.example")
    world.records[MX, "c.example"] = Answer()
    world.records[A, "c.example"] = Answer(["127.0.0.2"])
    world.tlsa(tlsa(2, 1, 1, ca), name="c.example")
    assert "verified=dane" in delivered(world.send(leaf, root=True))
    put_off(world.send(OTHER))


def test_a_route_to_a_host(world, ca):
    """Its records are those of its port."""
    leaf = ca.leaf("mx.example")
    world.route = f"\tvia = [mx.example]:{world.port}\n"
    world.tlsa(tlsa(2, 1, 1, ca))
    assert "verified=dane" in delivered(world.send(leaf, root=True))
    put_off(world.send(ca.leaf("c.example"), root=True))
    # Or to the exchangers of another domain.
    world.route = f"\tvia = c.example:{world.port}\n"
    delivered(world.send(ca.leaf("c.example"), root=True))


def test_dane_only(world, ca):
    leaf = ca.leaf("mx.example")
    world.route = "\ttls = dane-only\n"
    put_off(world.send(leaf), "no TLSA records")
    world.tlsa(tlsa(1, 1, 1, leaf))
    put_off(world.send(leaf), "0 of 1")
    world.tlsa(tlsa(3, 1, 1, leaf))
    delivered(world.send(leaf))
    world.records[MX, "c.example"] = [(10, "mx.example")]
    put_off(world.send(leaf), "not signed")


def test_verified_goes_by_the_domain_where_mx_records_are_anybodys(world, ca):
    """Also where a route names the domain."""
    world.roots = ca.pem()
    world.records[MX, "c.example"] = [(10, "mx.example")]
    for via in "", f"\tvia = c.example:{world.port}\n":
        world.route = "\ttls = verified\n" + via
        put_off(world.send(ca.leaf("mx.example"), root=True), "TLS")
        delivered(world.send(ca.leaf("c.example"), root=True))


def test_each_destination_by_its_own(world, ca):
    """A connection that was verified for one domain is not another's."""
    leaf = ca.leaf("mx.example")
    world.records[MX, "d.example"] = Answer([(10, "two.example")])
    world.records[A, "two.example"] = Answer(["127.0.0.2"])
    world.tlsa(tlsa(3, 1, 1, leaf))
    world.tlsa(tlsa(3, 1, 1, OTHER), name="two.example")
    with world.peer(leaf) as p, world.relay() as r:
        assert r.one().result == DELIVERED
        got = r.one(domain="d.example", recipients=["x@d.example"])
        assert got.result == DEFERRED
        assert r.one().result == DELIVERED
        assert len(p.messages) == 2 and len(p.sessions) == 2
