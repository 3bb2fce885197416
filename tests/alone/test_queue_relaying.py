"""queue-manager and mail to other hosts: what goes together, what is tried
again and when, what the sender hears (RFC 3461, RFC 3464)."""

import os
import time

import pytest

from alone.queue_world import (DELAY, DELETE, FAILED, FAILURE, FULL, HDRS,
                               HOLD, LATER, LOCAL, NEVER, NO_RELAY, OK,
                               RELAYED, RELEASE, RETRY, SUCCESS, TEXT, World,
                               elsewhere, target)

pytestmark = pytest.mark.skipif(os.geteuid() != 0, reason="takes root")

ALICE = "alice@example.org"


@pytest.fixture
def world(tmp_path):
    with World(tmp_path) as w:
        yield w


def settled(w, **counts):
    """When all is over, every accepted recipient has its place."""
    w.until(lambda: w.counters()["queued"] == 0)
    c = w.counters()
    assert {k: c[k] for k in counts} == counts, c


# -- what goes together


def test_one_letter(world):
    world.enqueue(ALICE, ["bob@remote.example"], envid="QQ1", ret=HDRS,
                  auth="alice", flags=1)
    p = world.next_parcel()
    assert p.to == ["bob@remote.example"] and p.domain == "remote.example"
    assert (p.reverse_path, p.envid, p.ret, p.auth) == (
        ALICE, "QQ1", HDRS, "alice")
    assert p.route == "" and p.flags == 1 and p.content == TEXT
    p.answer()
    settled(world, delivered=1, accepted=1)


def test_grouped_by_destination(world):
    """Recipients at one domain go together, at most 50; what was asked for
    each of them goes along."""
    to = [(f"u{i}@a.example", SUCCESS if i == 0 else 0,
           "rfc822;U0@old.example" if i == 0 else "") for i in range(70)]
    to += ["x@b.example", "y@b.example", "z@example.org"]
    world.enqueue(ALICE, to)
    world.until(lambda: len(world.parcels) == 3 and world.delivered)
    sizes = sorted((p.domain, len(p.to)) for p in world.parcels)
    assert sizes == [("a.example", 20), ("a.example", 50), ("b.example", 2)]
    [first] = [p for p in world.parcels if len(p.to) == 50]
    assert first.recipients[0][1:] == (
        "u0@a.example", "rfc822;U0@old.example", SUCCESS)
    assert first.recipients[1][2:] == ("", 0)
    for p in world.parcels:
        p.answer(passed=True)
    settled(world, delivered=73)


def test_routes_apart(tmp_path):
    """The same domain by another route is another destination."""
    def book(address, reverse):
        route = "smart" if address.startswith("s") else ""
        return NO_RELAY, [elsewhere(address, route)]
    with World(tmp_path, answer=book) as w:
        w.enqueue(ALICE, ["s1@a.example", "t1@a.example", "s2@a.example"])
        w.until(lambda: len(w.parcels) == 2)
        assert sorted((p.route, p.to) for p in w.parcels) == [
            ("", ["t1@a.example"]),
            ("smart", ["s1@a.example", "s2@a.example"])]


def test_each_recipient_ends_by_itself(world):
    world.enqueue(ALICE, [f"u{i}@a.example" for i in range(3)])
    p = world.next_parcel()
    p.answer(2, result=LATER)
    p.answer(1, result=FAILED, text="No such user")
    p.answer(0)
    p = world.next_parcel()		# a second later, the deferred one
    assert p.to == ["u2@a.example"]
    p.answer()
    [report] = world.reports()
    assert [r["Final-Recipient"] for r in report.recipients] == [
        "rfc822; u1@a.example"]
    settled(world, delivered=3, bounced=1)	# the report, too


# -- who may


def test_strangers_do_not_relay(tmp_path):
    """A captured smtpd cannot make the queue write to anybody."""
    with World(tmp_path, shared="relay_networks = 192.0.2.0/24\n") as w:
        w.enqueue("", ["x@a.example"], role="smtpd", client="198.51.100.7")
        settled(w, bounced=1)
        assert not w.parcels
        w.enqueue("", ["x@a.example"], role="smtpd", client="192.0.2.7")
        w.next_parcel().answer()
        settled(w, bounced=1, delivered=1)


def test_lmtp_does_not_relay(tmp_path):
    """Nor can a captured smtpd-lmtp, whatever it says of its client."""
    with World(tmp_path, shared="relay_networks = loopback\n") as w:
        w.enqueue("", ["x@a.example"], role="smtpd-lmtp", client="127.0.0.1")
        settled(w, bounced=1)
        assert not w.parcels
        w.enqueue(ALICE, ["bob@example.org"], role="smtpd-lmtp")
        settled(w, bounced=1, delivered=1)


def test_aliases_to_elsewhere(tmp_path):
    """Mail to an address of ours may go anywhere; its ORCPT and NOTIFY go
    along where it is one, and for several the sender hears 'expanded'."""
    def book(address, reverse):
        if address == "one@example.org":
            return LOCAL, [elsewhere("x@a.example")]
        if address == "two@example.org":
            return LOCAL, [elsewhere("x@a.example"), target("bob@example.org"),
                           target("no@b.example", 3, refusal=(
                               550, (5, 7, 1), "Not there"))]
        return LOCAL, [target(address)]
    with World(tmp_path, answer=book) as w:
        w.enqueue(ALICE, [("one@example.org", SUCCESS, "rfc822;One@x")],
                  role="smtpd", envid="E1")
        p = w.next_parcel()
        assert p.recipients[0][1:] == ("x@a.example", "rfc822;One@x", SUCCESS)
        assert p.envid == "E1"
        p.answer(passed=True)
        settled(w, delivered=1)
        assert not w.delivered
        w.enqueue(ALICE, [("two@example.org", SUCCESS | FAILURE,
                           "rfc822;Two@x")], role="smtpd")
        p = w.next_parcel()
        assert p.recipients[0][1:] == ("x@a.example", "rfc822;Two@x", FAILURE)
        p.answer()
        expanded, failed = sorted(w.reports(2),
                                  key=lambda r: r.recipients[0]["Action"])
        assert expanded.recipients[0]["Action"] == "expanded"
        assert expanded.of("two@example.org")["Original-Recipient"] == (
            "rfc822;Two@x")
        assert failed.of("no@b.example")["Status"] == "5.7.1"
        assert len(failed.recipients) == 1
        settled(w, bounced=1)


def test_list_with_an_owner(tmp_path):
    """Its members' troubles go to the owner; what the sender asked for stays
    with the sender (RFC 3461 section 5.2.7.1)."""
    def book(address, reverse):
        if address == "list@example.org":
            return LOCAL, [
                elsewhere("x@a.example", reverse="owner@example.org"),
                elsewhere("y@a.example", reverse="owner@example.org"),
                target("bob@example.org", reverse="owner@example.org")]
        return LOCAL, [target(address)]
    with World(tmp_path, answer=book) as w:
        w.enqueue(ALICE, [("list@example.org", SUCCESS, "rfc822;List@x")],
                  envid="E1", ret=FULL)
        p = w.next_parcel()
        assert p.reverse_path == "owner@example.org"
        assert (p.envid, p.ret) == ("", 0)
        assert [r[1:] for r in p.recipients] == [
            ("x@a.example", "", 0), ("y@a.example", "", 0)]
        p.answer(0, result=FAILED)
        p.answer()
        one, two = sorted(w.reports(2), key=lambda r: r.to)
        assert one.to == ALICE
        assert one.of("list@example.org")["Action"] == "delivered"
        assert one.fields["Original-Envelope-Id"] == "E1"
        assert two.to == "owner@example.org"
        assert two.of("x@a.example")["Action"] == "failed"
        assert two.fields["Original-Envelope-Id"] is None
        assert [d[1] for d in w.delivered] == ["owner@example.org"]
        settled(w, bounced=1)


# -- what the sender hears


@pytest.mark.parametrize("notify, result, passed, action", [
    (0, OK, False, None), (0, FAILED, False, "failed"),
    (NEVER, OK, False, None), (NEVER, FAILED, False, None),
    (SUCCESS, OK, False, "relayed"), (SUCCESS, OK, True, None),
    (SUCCESS, FAILED, False, None), (FAILURE, FAILED, False, "failed"),
    (FAILURE, OK, False, None), (DELAY, FAILED, False, None),
    (SUCCESS | FAILURE, OK, False, "relayed"),
])
def test_notify(world, notify, result, passed, action):
    world.enqueue(ALICE, [("x@a.example", notify, "rfc822;X@a")], envid="E+1")
    world.next_parcel().answer(result=result, passed=passed,
                               text="As I say")
    if action is None:
        world.quiet(0.5)
        assert world.delivered == []
    else:
        [report] = world.reports()
        r = report.of("x@a.example")
        assert report.to == ALICE and r["Action"] == action
        assert report.fields["Original-Envelope-Id"] == "E+1"
        assert report.fields["Reporting-MTA"] == "dns; mx.example.org"
        assert r["Original-Recipient"] == "rfc822;X@a"
        assert r["Remote-MTA"] == "dns; mx.remote.example"
        code = "250 2" if result == OK else "550 5"
        assert r["Diagnostic-Code"] == f"smtp; {code}.1.5 As I say"
    settled(world)


def test_local_success(world):
    world.enqueue(ALICE, [("bob@example.org", SUCCESS, ""),
                          ("carol@example.org", 0, "")])
    [report] = world.reports()
    assert len(report.recipients) == 1
    assert report.of("bob@example.org")["Action"] == "delivered"
    settled(world, delivered=3)


@pytest.mark.parametrize("ret, size, whole", [
    (0, 100, False), (HDRS, 100, False), (FULL, 100, True),
    (FULL, 60000, False)])
def test_ret(world, ret, size, whole):
    """RFC 3461 section 4.3: all of it only where that is asked for and it is
    not too large."""
    body = b"Subject: one\r\n\r\n" + b"the body\r\n" * (size // 10)
    world.enqueue(ALICE, ["x@a.example"], content=body, ret=ret)
    world.next_parcel().answer(result=FAILED)
    [report] = world.reports()
    assert report.original.get_content_type() == (
        "message/rfc822" if whole else "text/rfc822-headers")
    assert (b"the body" in report.content) == whole
    assert b"Subject: one" in report.content


def test_success_brings_the_header_only(world):
    world.enqueue(ALICE, [("x@a.example", SUCCESS, "")], ret=FULL)
    world.next_parcel().answer()
    [report] = world.reports()
    assert b"the body" not in report.content


def test_one_report_for_all(world):
    """Those of one message that fail together are in one report."""
    world.enqueue(ALICE, [f"u{i}@d{i}.example" for i in range(5)])
    world.until(lambda: len(world.parcels) == 5)
    for p in world.parcels:
        p.answer(result=FAILED)
    [report] = world.reports()
    assert len(report.recipients) == 5
    settled(world, bounced=5, delivered=1)


def test_null_reverse_path_is_never_answered(world):
    world.enqueue("", [("x@a.example", SUCCESS | FAILURE, "")])
    world.next_parcel().answer(result=FAILED)
    settled(world, bounced=1, delivered=0)
    assert not world.delivered


def test_double_bounce(tmp_path):
    """A report that fails is the postmaster's, and nobody's after that."""
    w = World(tmp_path, own="double_bounce_recipient = pm@example.org\n")
    with w:
        w.enqueue("gone@b.example", ["x@a.example"])
        w.next_parcel().answer(result=FAILED)
        p = w.next_parcel()
        assert p.reverse_path == "" and p.to == ["gone@b.example"]
        p.answer(result=FAILED, text="Gone")
        [report] = w.reports()
        assert report.to == "pm@example.org"
        assert report.of("gone@b.example")["Action"] == "failed"
        w.local = lambda to, content: (FAILED, 550)
        w.enqueue("gone@b.example", ["x@a.example"])
        w.next_parcel().answer(result=FAILED)
        w.next_parcel().answer(result=FAILED)
        w.until(lambda: w.counters()["queued"] == 0)
        w.quiet(0.5)
        assert not w.parcels


def test_reports_international(world):
    """RFC 6533."""
    world.enqueue("j\u00fcrgen@example.org",
                  [("p\u00e5l@a.example", 0, "utf-8;p\\x{E5}l@a.example")],
                  flags=16)
    p = world.next_parcel()
    assert p.flags == 4
    p.answer(result=FAILED)
    [report] = world.reports()
    assert report.status.get_content_type() == (
        "message/global-delivery-status")
    assert report.original.get_content_type() == "message/global-headers"
    assert ("Final-Recipient: utf-8; p\u00e5l@a.example".encode() in
            report.content)
    assert ("Original-Recipient: utf-8;p\u00e5l@a.example".encode() in
            report.content)


# -- again, and no longer


def test_delay_then_expiry(tmp_path):
    """A warning once, where it is wanted; in the end a report."""
    with World(tmp_path, own="delay_warning = 2s\nlifetime = 10s\n") as w:
        w.enqueue(ALICE, [("x@a.example", 0, ""), ("y@a.example", DELAY, ""),
                          ("z@a.example", FAILURE, "")])
        said = []
        def later():
            while w.parcels:
                w.parcels.pop().answer(result=LATER, text="Not now")
            return len([d for d in w.delivered if d[1] == ""]) > len(said)
        def told(n):
            # One report or several: an attempt may be under way just then.
            rows = []
            while len(rows) < n:
                w.until(later)
                rows += w.reports()[0].recipients
            return sorted(rows, key=lambda r: r["Final-Recipient"])
        warned = told(2)
        assert [r["Action"] for r in warned] == ["delayed"] * 2
        assert [r["Final-Recipient"] for r in warned] == [
            "rfc822; x@a.example", "rfc822; y@a.example"]
        assert warned[0]["Will-Retry-Until"]
        assert warned[0]["Status"] == "4.1.5"
        failed = told(2)
        assert [r["Action"] for r in failed] == ["failed"] * 2
        assert [r["Final-Recipient"] for r in failed] == [
            "rfc822; x@a.example", "rfc822; z@a.example"]
        assert failed[0]["Status"] == "5.1.5"
        settled(w, expired=3)
        assert not w.delivered


def test_no_warning_when_off(tmp_path):
    with World(tmp_path, own="delay_warning = 0\n") as w:
        w.enqueue(ALICE, ["x@a.example"])
        until = time.monotonic() + 4
        while time.monotonic() < until:
            w.next_parcel().answer(result=LATER)
        assert not w.delivered


def test_dead_destination_rests(tmp_path):
    """300 letters wait for it; it is asked now and then, by one; mail for
    others goes at once; when it is back, all follow."""
    own = "retry_min = 4s\nretry_max = 8s\ndelay_warning = 0\n"
    with World(tmp_path, own=own) as w:
        for i in range(300):
            w.enqueue(f"u{i}@example.org", [f"x{i}@dead.example"])
        asked, ended = 0, time.monotonic() + 5
        w.enqueue(ALICE, ["y@live.example"])
        lived = None
        while time.monotonic() < ended:
            w.quiet(0.1)
            for p in w.parcels:
                if p.domain == "dead.example":
                    asked += 1
                    p.answer(result=LATER, down=True, status=(4, 4, 1))
                else:
                    lived = time.monotonic()
                    p.answer()
            w.parcels.clear()
        assert lived is not None and lived < ended - 4
        assert 3 <= asked <= 20
        # Back: the one that finds out brings the others.
        count = 0
        def back():
            nonlocal count
            for p in w.parcels:
                count += len(p.to)
                p.answer()
            w.parcels.clear()
            return count == 300
        w.until(back, seconds=25)
        settled(w, delivered=301)


def test_sender_fairness(tmp_path):
    """A list of 2,000 at one destination, of which little is delivered: a
    letter there is next but some."""
    own = "recipients_per_relay = 10\ndestination_relays = 5\n"
    with World(tmp_path, own=own) as w:
        w.enqueue("list@example.org", [f"x{i}@a.example" for i in range(2000)])
        w.until(lambda: len(w.parcels) == 5)
        w.enqueue(ALICE, ["y@a.example"])
        w.quiet(0.3)
        seen = 0
        while not any(p.reverse_path == ALICE for p in w.parcels):
            w.parcels.pop(0).answer(passed=True)
            seen += 1
            w.until(lambda: len(w.parcels) == 5)
        assert seen <= 3


# -- what lives through what


def restart(w, folder, hard=True, **settings):
    if hard:
        os.kill(w.pid, 9)
        os.waitpid(w.pid, 0)
        w.pid = None
    else:
        w.stop()
        assert w.ended() == 0
    return World(folder, **settings)


def test_killed_with_all_kinds(tmp_path):
    """What was accepted, expanded, deferred, warned of and held is so after a
    kill, at other hosts, too."""
    def book(address, reverse):
        if address == "two@example.org":
            return LOCAL, [elsewhere("x@a.example", "smart"),
                           elsewhere("y@b.example")]
        # Asked again after the kill: routes are those of today.
        return NO_RELAY, [elsewhere(address, "smart" if address ==
                                    "x@a.example" else "")]
    settings = dict(answer=book, own="delay_warning = 1s\n")
    with World(tmp_path, **settings) as w:
        one = w.enqueue(ALICE, [("two@example.org", FAILURE, "rfc822;2@x")],
                        envid="E7", ret=FULL, auth="alice")
        w.until(lambda: len(w.parcels) == 2)
        for p in w.parcels:
            if p.domain == "b.example":
                p.answer(result=LATER, text="Busy", down=False)
        w.quiet(0.3)
        held = w.enqueue(ALICE, ["z@c.example"])
        w.until(lambda: any(p.domain == "c.example" for p in w.parcels))
        [z] = [p for p in w.parcels if p.domain == "c.example"]
        z.answer(result=LATER)
        w.quiet(0.3)
        assert w.ask(HOLD, held)[0] == 0
        before = w.counters()
        w2 = restart(w, tmp_path, **settings)
    with w2:
        w2.until(lambda: len(w2.parcels) == 2)
        by = {p.domain: p for p in w2.parcels}
        assert by["a.example"].route == "smart"
        assert by["a.example"].recipients[0][1:] == (
            "x@a.example", "rfc822;2@x", FAILURE)
        assert by["b.example"].envid == "E7"
        assert by["b.example"].auth == "alice"
        assert by["b.example"].ret == FULL
        assert w2.counters()["held"] == before["held"] == 1
        w2.parcels.clear()
        assert w2.ask(RELEASE, held)[0] == 0
        assert w2.next_parcel().to == ["z@c.example"]
        for p in by.values():
            p.answer()
        assert w2.counters()["accepted"] == before["accepted"]
        w3 = restart(w2, tmp_path, hard=False, **settings)
    with w3:
        assert w3.next_parcel().to == ["z@c.example"]
        assert w3.ask(DELETE, held)[0] in (0, 2)


def test_success_report_after_a_kill(tmp_path):
    """Delivered is delivered: only the report is still owed."""
    with World(tmp_path) as w:
        w.local = lambda to, content: (LATER, 451)
        w.enqueue(ALICE, [("x@a.example", SUCCESS, ""), "y@b.example"])
        w.until(lambda: len(w.parcels) == 2)
        [x] = [p for p in w.parcels if p.domain == "a.example"]
        x.answer()
        w.quiet(0.5)		# y is under way: one report for all
        w2 = restart(w, tmp_path)
    with w2:
        p = w2.next_parcel()
        assert p.to == ["y@b.example"]
        p.answer()
        [report] = w2.reports()
        assert report.of("x@a.example")["Action"] == "relayed"
        settled(w2, delivered=3)


def test_remote_relay_dies(world):
    """What was under way is asked again, soon, and counted once."""
    world.enqueue(ALICE, [f"u{i}@a.example" for i in range(3)])
    p = world.next_parcel()
    p.answer(0)
    world.quiet(0.3)
    world.relay.close()
    world.children.remove(world.relay)
    world.relay = world.channel("remote-relay")
    p = world.next_parcel()
    assert p.to == ["u1@a.example", "u2@a.example"]
    p.answer()
    settled(world, delivered=3)


@pytest.mark.parametrize("body", [
    b"", b"\0" * 200, None,
])
def test_malformed_answers(world, body):
    """Whoever breaks the rules is not heard any more; nothing is lost."""
    world.enqueue(ALICE, ["u1@a.example", "u2@a.example"])
    p = world.next_parcel()
    if body is None:		# an answer for somebody who is not in it
        p.recipients.append((77, "", "", 0))
        p.answer(2)
    else:
        world.relay.send(RELAYED, p.ident, body)
    assert world.relay.receive() is None
    world.children.remove(world.relay)
    world.relay = world.channel("remote-relay")
    p = world.next_parcel()
    p.answer()
    settled(world, delivered=2)


def test_many_recipients(world):
    """20,000, of which two thirds are elsewhere, at 500 destinations."""
    to = [f"u{i}@d{i % 500}.example" if i % 3 else f"u{i}@example.org"
          for i in range(20000)]
    world.enqueue(ALICE, to)
    done = 0
    def all_of_them():
        nonlocal done
        for p in world.parcels:
            done += len(p.to)
            p.answer()
        world.parcels.clear()
        return done == 13333 and len(world.delivered) == 6667
    world.until(all_of_them, seconds=120)
    settled(world, delivered=20000)
