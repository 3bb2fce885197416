"""What milters may do, and that it is done: the verdicts at each command, and
the changes at the end of a message."""

import smtplib

import pytest

from support.instance import DOMAIN
from support.milter import (ACCEPT, CLOSE, CONTINUE, DISCARD, HANG, NO, NR,
                            PROGRESS, REJECT, REJECTED, SKIP, SKIP_REST,
                            TEMPFAIL, Milter, add_header,
                            add_recipient, change_from, change_header,
                            insert_header, quarantine, remove_recipient,
                            replace_body, reply)

from .world import instance

BOB = f"bob@{DOMAIN}"
ALICE = f"alice@{DOMAIN}"
MESSAGE = ("From: a@example.net\r\nSubject: hello\r\n"
           "X-Folded: one\r\n\ttwo\r\n\r\nbody\r\n.dot\r\n")


@pytest.fixture
def one(tmp_path):
    """An instance with one scripted milter, on a Unix socket."""
    with Milter(tmp_path / "one.sock") as m:
        with instance(tmp_path / "i", {"one": m}) as i:
            i.start()
            yield i, m


def send(i, to=(BOB,), message=MESSAGE, sender="a@example.net"):
    return i.send(sender, list(to), message)


def sections(octets):
    head, _, body = octets.partition(b"\r\n\r\n")
    return head.decode().split("\r\n"), body


def delivered(i, name="bob", n=1):
    return sections(i.await_mail(name, n)[-1].read_bytes().replace(
        b"\r\n", b"\n").replace(b"\n", b"\r\n"))


def test_what_a_milter_is_told(one):
    """Every command in its order, the content without our own Received field,
    and macros by stage."""
    i, m = one
    send(i)
    delivered(i)
    assert m.names()[:13] == [
        "options", "connect", "helo", "mail", "rcpt", "data", "header",
        "header", "header", "eoh", "body", "end", "quit"]
    assert m.heard("connect") == [
        b"[127.0.0.1]\0" b"4" + m.heard("connect")[0][13:15] + b"127.0.0.1\0"]
    assert m.heard("helo") == [b"client.example.net\0"]
    mail, = m.heard("mail")
    assert mail.split(b"\0")[0] == b"<a@example.net>"
    assert b"SIZE=" in mail.upper()
    assert m.heard("rcpt") == [f"<{BOB}>\0".encode()]
    assert m.heard("header") == [
        b"From\0a@example.net\0", b"Subject\0hello\0",
        b"X-Folded\0one\n\ttwo\0"]
    assert m.heard("body") == [b"body\r\n.dot\r\n"]
    assert m.macros_at("C")["j"] == f"mx.{DOMAIN}"
    assert m.macros_at("C")["{daemon_name}"] == "smtp"
    assert m.macros_at("C")["{client_addr}"] == "127.0.0.1"
    assert m.macros_at("M")["{mail_addr}"] == "a@example.net"
    assert m.macros_at("R")["{rcpt_addr}"] == BOB
    queue, = i.log(event="message-accepted")
    assert m.macros_at("E")["i"] == queue["queue"]
    assert i.log(event="milter", milter="one", verdict="continue",
                 queue=queue["queue"])


def test_macros_that_it_asks_for(tmp_path):
    with Milter(tmp_path / "s", macros=b"\0\0\0\2mail_addr {client_addr}\0"
                ) as m, instance(tmp_path / "i", {"one": m}) as i:
        i.start()
        send(i)
        assert m.macros_at("M") == {"{mail_addr}": "a@example.net",
                                    "{client_addr}": "127.0.0.1"}


def test_esmtp_parameters(one):
    """What stands behind the addresses of MAIL and RCPT, each a string of its
    own, as the client wrote it."""
    i, m = one
    with i.smtp() as c:
        c.ehlo()
        assert c.docmd("MAIL FROM:<a@example.net>  BODY=8BITMIME   RET=hdrs "
                       "ENVID=a+2Bb SIZE=1000")[0] == 250
        assert c.docmd(f"RCPT TO:<{BOB}> NOTIFY=FAILURE,DELAY "
                       "ORCPT=rfc822;b+2Bc@example.net")[0] == 250
        assert c.docmd(f"RCPT TO:<{ALICE}>")[0] == 250
    assert m.heard("mail") == [b"<a@example.net>\0BODY=8BITMIME\0RET=hdrs\0"
                               b"ENVID=a+2Bb\0SIZE=1000\0"]
    assert m.heard("rcpt") == [
        f"<{BOB}>\0NOTIFY=FAILURE,DELAY\0"
        "ORCPT=rfc822;b+2Bc@example.net\0".encode(),
        f"<{ALICE}>\0".encode()]


def test_parameters_that_a_milter_gives(tmp_path):
    """CHGFROM with RET and ENVID, ADDRCPT_PAR with NOTIFY and ORCPT: the report
    on the message is made as they ask."""
    with Milter(tmp_path / "s") as m, instance(
            tmp_path / "i", {"one": m}) as i:
        m.say["E"] = [
            change_from(f"<{ALICE}>", "RET=HDRS  ENVID=from+2Bmilter SIZE=5"),
            add_recipient(f"<{ALICE}>",
                          "NOTIFY=SUCCESS ORCPT=rfc822;other@example.net"),
            CONTINUE]
        i.start()
        send(i)
        i.await_mail("bob", 1)
        i.await_mail("alice", 2)	# the message, and the report on it
        report = next(t for t in i.messages("alice")
                      if b"multipart/report" in t)
        assert b"Original-Envelope-Id: from+milter" in report
        assert b"Original-Recipient: rfc822;other@example.net" in report
        assert b"text/rfc822-headers" in report
        assert report.count(b"Final-Recipient:") == 1


@pytest.mark.parametrize("options,address,code", [
    (["SMTPUTF8"], "<carol@b\u00fccher.example>", 250),
    (["SMTPUTF8"], "<bob@\u2192..example>", 451),	# no domain name
    ([], "<carol@b\u00fccher.example>", 451),
])
def test_addresses_beyond_ascii(tmp_path, options, address, code):
    """What a milter adds goes into the envelope as what a client names would:
    with A-labels, and only where the message has asked for SMTPUTF8."""
    with Milter(tmp_path / "s") as m, instance(
            tmp_path / "i", {"one": m}) as i:
        i.write("domains", f"{DOMAIN}\nxn--bcher-kva.example\n")
        i.add_user("carol", "secret", domain="xn--bcher-kva.example")
        m.say["E"] = [add_recipient(address), CONTINUE]
        i.start()
        with i.smtp() as c:
            c.ehlo()
            c.mail("a@example.net", options)
            c.rcpt(BOB)
            assert c.data(MESSAGE)[0] == code
        if code == 250:
            i.await_mail("bob", 1)
            assert i.await_log(event="delivered",
                               to="carol@xn--bcher-kva.example")


def test_parameters_without_end(tmp_path):
    """What milterd would not take is refused by itself: the other sessions
    and their messages go on."""
    with Milter(tmp_path / "s") as m, \
            instance(tmp_path / "i", {"one": m},
                     smtpd="max_command_line = 16K\n") as i:
        i.start()
        with i.smtp() as other, i.smtp() as c:
            for s in (other, c):
                s.ehlo()
                assert s.docmd("MAIL FROM:<a@example.net>")[0] == 250
            assert other.docmd(f"RCPT TO:<{BOB}>")[0] == 250
            words = ",".join(["SUCCESS"] * 450)
            assert c.docmd(f"RCPT TO:<{BOB}> NOTIFY={words}")[0] in (451, 501)
            assert other.data(MESSAGE)[0] == 250
        assert not i.log(event="channel-refused")


UNKNOWN = [(CONTINUE, 500, b"5.5.1"), (ACCEPT, 500, b"5.5.1"),
           (DISCARD, 500, b"5.5.1"), (REJECT, 550, b"5.7.1"),
           (TEMPFAIL, 451, b"4.7.1"),
           (reply("502 5.5.1 own words"), 502, b"5.5.1 own words")]


@pytest.mark.parametrize("say,code,text", UNKNOWN)
def test_unknown_commands(one, say, code, text):
    """Shown from the first MAIL on, inside of a message and outside, and refused
    in any case; the message is not touched by it."""
    i, m = one
    m.say["U"] = [say]
    with i.smtp() as c:
        c.ehlo()
        assert c.docmd("XEARLY")[0] == 500
        assert c.docmd("MAIL FROM:<a@example.net>")[0] == 250
        got = c.docmd("XYZZY", "one  two")
        assert got[0] == code and got[1].startswith(text)
        assert c.docmd(f"RCPT TO:<{BOB}>")[0] == 250
        assert c.docmd("GET / HTTP/1.1")[0] == 500	# not theirs
        assert c.docmd("DATA")[0] == 354
        c.send(MESSAGE.replace("\r\n.", "\r\n..") + ".\r\n")
        assert c.getreply()[0] == 250
        assert c.docmd("XAFTER " + "x" * 600)[0] == code
        assert c.docmd("NOOP")[0] == 250
    delivered(i)
    assert m.heard("unknown") == [b"XYZZY one  two\0",
                                  b"XAFTER " + b"x" * 505 + b"\0"]
    assert not i.log(event="milter-failed")


@pytest.mark.parametrize("say", [CONTINUE, TEMPFAIL, REJECT])
def test_unknown_commands_are_errors_in_any_words(tmp_path, say):
    """Who guesses is thrown out, also where a milter says 4yz to it."""
    with Milter(tmp_path / "s") as m, instance(
            tmp_path / "i", {"one": m}, smtpd="max_errors = 4\n") as i:
        m.say["U"] = [say]
        i.start()
        with i.smtp() as c:
            c.ehlo()
            assert c.docmd("MAIL FROM:<a@example.net>")[0] == 250
            for _ in range(4):
                assert c.docmd("XYZZY")[0] in (500, 550, 451)
            assert c.getreply()[0] == 421


@pytest.mark.parametrize("steps,heard", [(NO["unknown"], 0),
                                         (NR["unknown"], 1)])
def test_unknown_commands_that_it_does_not_want(tmp_path, steps, heard):
    """Not told, or told and not waited for."""
    with Milter(tmp_path / "s", steps=steps) as m, \
            instance(tmp_path / "i", {"one": m}) as i:
        i.start()
        with i.smtp() as c:
            c.ehlo()
            c.docmd("MAIL FROM:<a@example.net>")
            assert c.docmd("XYZZY")[0] == 500
            assert c.docmd(f"RCPT TO:<{BOB}>")[0] == 250
        assert len(m.heard("unknown")) == heard


@pytest.mark.parametrize("how", [CLOSE, HANG])
def test_gone_at_an_unknown_command(tmp_path, how):
    """That command is refused as ever; the message has no milter any more."""
    with Milter(tmp_path / "s") as m, instance(
            tmp_path / "i", {}, names="one",
            conf=m.block("one", "\tcommand_timeout = 1s\n")) as i:
        m.say["U"] = [how]
        i.start()
        with i.smtp() as c:
            c.ehlo()
            assert c.docmd("MAIL FROM:<a@example.net>")[0] == 250
            assert c.docmd("XYZZY")[0] == 500
            assert c.docmd(f"RCPT TO:<{BOB}>")[0] == 451
            c.rset()
            c.sendmail("a@example.net", [BOB], MESSAGE)
            # And between two of them.
            assert c.docmd("XYZZY")[0] == 500
            c.sendmail("a@example.net", [BOB], MESSAGE)
        i.await_mail("bob", 2)
        assert i.log(event="milter-failed", at="unknown")


def test_unknown_commands_are_not_waited_for_for_ever(tmp_path):
    """smtpd's patience ends before milterd's: 500, and that message is not
    taken; the next one is."""
    with Milter(tmp_path / "s") as m, instance(
            tmp_path / "i", {"one": m}, smtpd="milter_timeout = 1s\n") as i:
        m.say["U"] = [HANG]
        i.start()
        with i.smtp() as c:
            c.ehlo()
            assert c.docmd("MAIL FROM:<a@example.net>")[0] == 250
            assert c.docmd("XYZZY")[0] == 500
            assert c.docmd(f"RCPT TO:<{BOB}>")[0] == 250
            assert c.docmd("DATA")[0] == 354
            c.send(MESSAGE.replace("\r\n.", "\r\n..") + ".\r\n")
            assert c.getreply()[0] == 451
            c.sendmail("a@example.net", [BOB], MESSAGE)
            assert c.docmd("XYZZY")[0] == 500
            c.sendmail("a@example.net", [BOB], MESSAGE)
        i.await_mail("bob", 2)
        assert not i.log(event="channel-refused")


def test_refused_recipients(tmp_path):
    """RCPT_REJ: told of those that are refused, with the reason in macros;
    whatever it says to them, refused they are, in their order."""
    answers = iter([[CONTINUE], [REJECT], [ACCEPT], [reply("450 4.7.9 x")]])

    def rcpt(m, c, data):
        return [CONTINUE] if b"bob" in data else next(answers)

    with Milter(tmp_path / "s", steps=REJECTED) as m, instance(
            tmp_path / "i", {"one": m}) as i:
        m.say["R"] = rcpt
        i.start()
        with i.smtp() as c:
            c.ehlo()
            names = ["nobody", "bob", "none", "bob"]
            c.send("MAIL FROM:<>\r\n" + "".join(
                f"RCPT TO:<{n}@{DOMAIN}> NOTIFY=NEVER\r\n" for n in names) +
                "RCPT TO:<broken\r\nNOOP\r\n")
            codes = [c.getreply()[0] for _ in range(7)]
            assert codes == [250, 550, 250, 550, 250, 501, 250]
            assert m.macros_at("R")["{rcpt_mailer}"] == "smtp"
            assert c.docmd("RCPT TO:<a@elsewhere.example>")[0] == 550
            assert c.docmd("NOOP")[0] == 250
            told = m.macros_at("R")
            assert told["{rcpt_mailer}"] == "error"
            assert told["{rcpt_host}"] == "5.7.1"
            assert "elay" in told["{rcpt_addr}"]
            # It has accepted the message with that, and hears no more of it.
            assert c.docmd(f"RCPT TO:<nobody2@{DOMAIN}>")[0] == 550
        assert m.heard("rcpt") == [
            f"<{n}@{DOMAIN}>\0NOTIFY=NEVER\0".encode() for n in names] + [
            b"<a@elsewhere.example>\0"]


def test_refused_recipients_of_two_milters(tmp_path):
    """Only who asks for them is told; and what is refused by policy counts."""
    with Milter(tmp_path / "a") as a, \
            Milter(tmp_path / "b", steps=REJECTED) as b, \
            instance(tmp_path / "i", {"a": a, "b": b},
                     smtpd="max_recipients_per_hour = 2\n"
                     "limit_this_host = yes\n") as i:
        i.start()
        with i.smtp() as c:
            c.ehlo()
            assert c.docmd("MAIL FROM:<a@example.net>")[0] == 250
            for name, code in (("bob", 250), ("nobody", 550), ("alice", 250),
                               ("bob", 450)):
                got = c.docmd(f"RCPT TO:<{name}@{DOMAIN}>")
                assert got[0] == code or got[0] // 100 == code // 100, got
            assert c.docmd("DATA")[0] == 354
            c.send(MESSAGE.replace("\r\n.", "\r\n..") + ".\r\n")
            assert c.getreply()[0] == 250
        i.await_mail("bob", 1)
        assert len(a.heard("rcpt")) == 2
        assert len(b.heard("rcpt")) == 4
        assert b.macros_at("R")["{rcpt_mailer}"] == "error"


def test_over_tcp(tmp_path):
    with Milter() as m, instance(tmp_path / "i", {"one": m}) as i:
        m.say["E"] = [add_header("X-Milter", "tcp"), CONTINUE]
        i.start()
        send(i)
        assert "X-Milter: tcp" in delivered(i)[0]


def test_header_changes(one):
    i, m = one
    m.say["E"] = [
        add_header("X-Last", "end"),
        insert_header(0, "X-First", "top"),
        insert_header(2, "X-Below", "below Received"),
        change_header(1, "subject", "changed"),
        change_header(1, "X-Folded", ""),
        change_header(1, "X-New", "from nothing"),
        PROGRESS, CONTINUE]
    send(i)
    head, body = delivered(i)
    names = [l.split(":")[0] for l in head if l[0] not in " \t"]
    first = names.index("X-First")
    assert names[first:] == ["X-First", "Received", "X-Below", "From",
                             "subject", "X-Last", "X-New"]
    assert "subject: changed" in head
    assert body == b"body\r\n.dot\r\n"


def test_a_value_brings_no_second_field(one):
    """Line ends in a value are continuations, whatever follows them: no field
    and no body can be smuggled in by what a milter quotes from a message."""
    i, m = one
    m.say["E"] = [add_header("X-A", "one\nX-B: two\r\nX-C: 3\n\n\nbody\r"),
                  CONTINUE]
    send(i)
    head, body = delivered(i)
    assert head[-6:] == ["X-A: one", "\tX-B: two", "\tX-C: 3", "\t", "\t",
                         "\tbody"]
    assert body == b"body\r\n.dot\r\n"


def test_the_nth_of_a_name(one):
    i, m = one
    m.say["E"] = [change_header(2, "X", "second"), change_header(3, "X", ""),
                  change_header(1, "Received", ""), CONTINUE]
    send(i, message="X: a\r\nX: b\r\nX: c\r\n\r\n.\r\n")
    head, _ = delivered(i)
    assert [l for l in head if l.startswith("X")] == ["X: a", "X: second"]
    # Ours was not shown, and cannot be taken away.
    assert any(l.startswith("Received:") for l in head)


@pytest.mark.parametrize("size", [10, 70000, 700000])
def test_replaced_body(one, size):
    i, m = one
    m.say["E"] = [replace_body(b"x" * 60 + b"\n")] * (size // 61 + 1) + [
        replace_body(b"no end"), CONTINUE]
    send(i)
    head, body = delivered(i)
    assert body == (b"x" * 60 + b"\r\n") * (size // 61 + 1) + b"no end\r\n"
    assert "Subject: hello" in head


def test_replaced_line_ends_across_packets(one):
    i, m = one
    m.say["E"] = [replace_body(b"a\r"), replace_body(b"\nb\r\n"),
                  replace_body(b"."), replace_body(b"\r\n"), CONTINUE]
    send(i)
    assert delivered(i)[1] == b"a\r\nb\r\n.\r\n"


def test_a_large_message_with_one_more_field(one):
    """Of a message in several parts only the beginning is made anew."""
    i, m = one
    m.say["E"] = [insert_header(1, "X-A", "b"), CONTINUE]
    text = "".join(f"{n:07} {'y' * 62}\r\n" for n in range(14000))
    send(i, message=f"Subject: long\r\n\r\n{text}")
    head, body = delivered(i)
    assert "X-A: b" in head and body == text.encode()
    assert b"".join(m.heard("body")) == text.encode()
    assert len(m.heard("body")) > 10


def test_recipients_and_reverse_path(one):
    i, m = one
    m.say["E"] = [add_recipient(f"<{ALICE}>"), remove_recipient(BOB),
                  change_from("<other@example.net>"), CONTINUE]
    send(i)
    head, _ = delivered(i, "alice")
    assert "Return-Path: <other@example.net>" in head
    i.await_empty_queue()
    assert not i.maildir("bob")


def test_nobody_left(one):
    """A message whose last recipient a milter removed goes nowhere."""
    i, m = one
    m.say["E"] = [remove_recipient(f"<{BOB}>"), CONTINUE]
    send(i)
    i.await_log(event="message-discarded")
    assert i.counters()["accepted"] == 0


def test_quarantine(one):
    """Held in the queue, shown with the reason, and released."""
    i, m = one
    m.say["E"] = [add_header("X-Spam", "yes"),
                  quarantine("looks\nbad"), CONTINUE]
    send(i)
    queue = i.await_log(event="message-accepted")[0]["queue"]
    shown = i.command("queue", "list").stdout
    assert f"{queue}!" in shown
    assert "quarantined by milter one: looks?bad" in shown
    assert i.counters()["held"] == 1
    i.restart()			# held durably
    assert i.counters()["held"] == 1 and not i.maildir("bob")
    assert i.command("queue", "release", queue).returncode == 0
    head, _ = delivered(i)
    assert "X-Spam: yes" in head
    i.restart()
    assert i.counters()["held"] == 0


STAGES = [("C", "mail"), ("H", "mail"), ("M", "mail"), ("R", "rcpt"),
          ("T", "data"), ("L", "end"), ("N", "end"), ("B", "end"),
          ("E", "end")]
CODES = [(REJECT, 550), (TEMPFAIL, 451), (reply("554 5.7.9 own words"), 554),
         (reply("452-4.2.1 one\r\n452 4.2.1 two"), 452)]


def step_codes(c):
    """The replies of one transaction, by command."""
    c.ehlo()
    got = {"mail": c.docmd(f"MAIL FROM:<a@example.net>")}
    if got["mail"][0] == 250:
        got["rcpt"] = c.docmd(f"RCPT TO:<{BOB}>")
    if got.get("rcpt", (0,))[0] == 250:
        got["data"] = c.docmd("DATA")
    if got.get("data", (0,))[0] == 354:
        c.send(MESSAGE.replace("\r\n.", "\r\n..") + ".\r\n")
        got["end"] = c.getreply()
    return got


@pytest.mark.parametrize("say,code", CODES)
@pytest.mark.parametrize("letter,at", STAGES)
def test_refusals(one, letter, at, say, code):
    """Refused at any command, with the milter's own words; the next message of
    the session is looked at anew."""
    i, m = one
    m.say[letter] = [say]
    with i.smtp() as c:
        got = step_codes(c)
        assert got[at][0] == code, got
        if code == 554:
            assert got[at][1] == b"5.7.9 own words"
        if code == 452:
            assert got[at][1] == b"4.2.1 one\n4.2.1 two"
        c.rset()
        del m.say[letter]
        # What was said of the client holds for all that it sends.
        again = step_codes(c)
        if letter in "CH":
            assert again["mail"][0] == code
        else:
            assert again["end"][0] == 250
    assert i.log(event="refused", code=code)
    assert i.log(event="milter", milter="one")


@pytest.mark.parametrize("letter", "CHMRTLNBE")
def test_accepted_early(one, letter):
    """It wants to hear no more of this one, and changes nothing."""
    i, m = one
    m.say[letter] = [ACCEPT]
    with i.smtp() as c:
        assert step_codes(c)["end"][0] == 250
    delivered(i)
    after = m.names()
    name = {"C": "connect", "H": "helo", "M": "mail", "R": "rcpt", "T": "data",
            "L": "header", "N": "eoh", "B": "body", "E": "end"}[letter]
    assert [n for n in after[after.index(name) + 1:]
            if n not in ("quit", "closed", "abort")] == []


@pytest.mark.parametrize("letter", "MRTLNBE")
def test_discard(one, letter):
    i, m = one
    m.say[letter] = [DISCARD]
    with i.smtp() as c:
        assert step_codes(c)["end"][0] == 250
        del m.say[letter]
        assert step_codes(c)["end"][0] == 250
    delivered(i)
    line, = i.log(event="message-discarded")
    assert line["milter"] == "one"
    assert i.await_empty_queue()["accepted"] == 1


def test_one_recipient_of_three(one):
    i, m = one
    m.say["R"] = lambda m, c, data: [
        REJECT if b"alice" in data else CONTINUE]
    refused = send(i, to=[BOB, ALICE, f"postmaster@{DOMAIN}", BOB])
    assert list(refused) == [ALICE, f"postmaster@{DOMAIN}"] or \
        list(refused) == [ALICE]
    delivered(i)
    assert not i.maildir("alice")


def test_pipelined_recipients_keep_their_order(one):
    i, m = one
    m.say["R"] = lambda m, c, data: [
        REJECT if b"alice" in data else CONTINUE]
    with i.smtp() as c:
        c.ehlo()
        c.send("MAIL FROM:<>\r\n" + "".join(
            f"RCPT TO:<{n}@{DOMAIN}>\r\n"
            for n in ["bob", "alice", "nobody", "bob", "alice"]) + "RSET\r\n")
        codes = [c.getreply()[0] for _ in range(7)]
    assert codes == [250, 250, 550, 550, 250, 550, 250]


def test_steps_that_it_does_not_want(tmp_path):
    """Nothing is said that it does not want to hear."""
    steps = sum(NO.values())
    with Milter(tmp_path / "s", steps=steps) as m, \
            instance(tmp_path / "i", {"one": m}) as i:
        m.say["E"] = [add_header("X-A", "b"), CONTINUE]
        i.start()
        send(i)
        assert "X-A: b" in delivered(i)[0]
        assert m.names()[:2] == ["options", "end"]


def test_steps_that_it_does_not_answer(tmp_path):
    """All is said at once; a large body waits for room and not for answers."""
    steps = sum(NR.values())
    with Milter(tmp_path / "s", steps=steps) as m, \
            instance(tmp_path / "i", {"one": m}) as i:
        m.say["E"] = [add_header("X-A", "b"), CONTINUE]
        i.start()
        text = ("z" * 70 + "\r\n") * 20000
        send(i, message=f"Subject: x\r\n\r\n{text}")
        head, body = delivered(i)
        assert "X-A: b" in head and body == text.encode()
        assert b"".join(m.heard("body")) == text.encode()


def test_skip(tmp_path):
    """It has seen enough of the body."""
    with Milter(tmp_path / "s", steps=SKIP) as m, \
            instance(tmp_path / "i", {"one": m}) as i:
        m.say["B"] = [SKIP_REST]
        m.say["E"] = [add_header("X-A", "b"), CONTINUE]
        i.start()
        text = ("z" * 70 + "\r\n") * 5000
        send(i, message=f"Subject: x\r\n\r\n{text}")
        head, body = delivered(i)
        assert "X-A: b" in head and body == text.encode()
        assert len(m.heard("body")) == 1


def test_several_in_a_row(tmp_path):
    """The second sees what the first has made of the message, and is not asked
    about what the first refused."""
    with Milter(tmp_path / "a") as a, Milter(tmp_path / "b") as b, \
            instance(tmp_path / "i", {"a": a, "b": b}) as i:
        a.say["E"] = [add_header("X-A", "1"), replace_body(b"new\r\n"),
                      change_header(1, "Subject", ""), CONTINUE]
        b.say["E"] = [change_header(1, "X-A", "2"), CONTINUE]
        i.start()
        send(i)
        head, body = delivered(i)
        assert b.heard("header") == [b"From\0a@example.net\0",
                                     b"X-Folded\0one\n\ttwo\0", b"X-A\0" b"1\0"]
        assert b.heard("body") == [b"new\r\n"] and body == b"new\r\n"
        assert head[-1] == "X-A: 2" and "Subject: hello" not in head
        a.say["M"] = [REJECT]
        with pytest.raises(smtplib.SMTPSenderRefused):
            send(i)
        assert len(b.heard("mail")) == 1


def test_one_connection_for_a_session(one):
    i, m = one
    with i.smtp() as c:
        for _ in range(3):
            c.sendmail("a@example.net", [BOB], MESSAGE)
        c.docmd("MAIL FROM:<b@example.net>")
        c.docmd("RSET")
        c.docmd("NOOP")
    m.wait(lambda: any(n == "quit" for _, n, _ in m.events))
    assert m.connections == 1
    assert m.names().count("connect") == 1
    assert m.names().count("mail") == 4
    assert m.names()[-3:] in (["abort", "quit", "closed"],
                              ["mail", "abort", "quit"])


def test_by_bdat(one):
    i, m = one
    m.say["E"] = [add_header("X-A", "b"), CONTINUE]
    with i.smtp() as c:
        c.ehlo()
        assert c.docmd("MAIL FROM:<a@example.net>")[0] == 250
        assert c.docmd(f"RCPT TO:<{BOB}>")[0] == 250
        octets = MESSAGE.encode()
        c.send(b"BDAT 20\r\n" + octets[:20])
        assert c.getreply()[0] == 250
        c.send(b"BDAT %d LAST\r\n" % (len(octets) - 20) + octets[20:])
        assert c.getreply()[0] == 250
    head, body = delivered(i)
    assert "X-A: b" in head and body == b"body\r\n.dot\r\n"
    assert m.names().count("data") == 1


def test_binary_content(one):
    """BODY=BINARYMIME (RFC 3030): a body that is no lines, shown and kept as it
    is, behind a header section that a milter changes."""
    i, m = one
    m.say["E"] = [add_header("X-A", "b"), CONTINUE]
    body = bytes(range(256)) * 3 + b"\r\n.\r\n\n\r"
    octets = (b"MIME-Version: 1.0\r\nContent-Type: application/octet-stream\r\n"
              b"Content-Transfer-Encoding: binary\r\n\r\n" + body)
    with i.smtp() as c:
        c.ehlo()
        assert c.docmd("MAIL FROM:<a@example.net> BODY=BINARYMIME")[0] == 250
        assert c.docmd(f"RCPT TO:<{BOB}>")[0] == 250
        c.send(b"BDAT %d LAST\r\n" % len(octets) + octets)
        assert c.getreply()[0] == 250
    i.await_mail("bob", 1)
    assert b"".join(m.heard("body")) == body
    assert b"X-A: b" in i.messages("bob")[0]


def test_programs_of_this_host(tmp_path):
    """The injection socket has milters of its own; fields that smtpd adds are
    shown to them, so that they can be signed."""
    import subprocess
    from support.instance import BUILD
    with Milter(tmp_path / "s") as m:
        i = instance(tmp_path / "i", {"one": m}, names="",
                     smtpd="inject_milters = one\n")
        with i:
            m.say["E"] = [add_header("X-A", "b"), CONTINUE]
            i.start()
            subprocess.run([BUILD / "bin" / "bulkhead-sendmail", "-C",
                            str(i.conf), BOB],
                           input=b"Subject: x\n\nhi\n", check=True)
            head, _ = delivered(i)
            assert "X-A: b" in head
            names = {h.split(b"\0")[0] for h in m.heard("header")}
            assert {b"Date", b"From", b"Message-ID"} <= names
            assert b"Received" not in names
            send(i)			# port 25 has none
            i.await_mail("bob", 2)
            assert m.connections == 1


def test_by_lmtp(tmp_path):
    """LMTP owes a reply to each recipient that it accepted (RFC 2033 section
    4.2), whomever milters take out or put in."""
    import socket
    with Milter(tmp_path / "s") as m:
        i = instance(tmp_path / "i", {"one": m}, names="",
                     smtpd="listener lmtp {\n\tservice = lmtp\n"
                     "\tmilters = one\n}\n")
        with i:
            i.start()
            m.say["E"] = [remove_recipient(BOB), add_recipient(ALICE),
                          add_header("X-A", "b"), CONTINUE]
            c = socket.socket(socket.AF_UNIX)
            c.connect(str(i.run / "lmtp"))
            c.settimeout(30)
            f = c.makefile("rb")

            def say(line, n=1):
                c.sendall(line)
                return [f.readline()[:3] for _ in range(n)]

            f.readline()
            c.sendall(b"LHLO x\r\n")
            while f.readline()[3:4] == b"-":
                pass
            for codes in ([b"250", b"250"], [b"554", b"554"],
                          [b"250", b"250"]):
                say(b"MAIL FROM:<a@example.net>\r\n")
                say(f"RCPT TO:<{BOB}>\r\n".encode())
                say(f"RCPT TO:<postmaster@{DOMAIN}>\r\n".encode())
                assert say(b"DATA\r\n") == [b"354"]
                assert say(MESSAGE.encode() + b".\r\n", 2) == codes
                m.say["E"] = ([reply("554 5.7.1 no")] if codes[0] == b"250"
                              else [DISCARD])
            assert say(b"NOOP\r\n") == [b"250"]
            head, _ = delivered(i, "alice")
            assert "X-A: b" in head
            i.await_empty_queue()
            assert not i.maildir("bob")


def test_submission(tmp_path):
    """Who has logged in is named to the milter, who is told of the client anew
    after AUTH."""
    from submission.world import Submission
    with Milter(tmp_path / "s") as m, Submission(
            tmp_path / "i", listener="\tmilters = one\n",
            **{"milterd.conf": m.block()}) as i:
        i.start()
        with smtplib.SMTP("127.0.0.1", i.submission_port, timeout=30) as c:
            c.login(ALICE, "alice-secret")
            c.sendmail(ALICE, [BOB], MESSAGE.replace("a@example.net", ALICE))
        i.await_mail("bob", 1)
        assert m.macros_at("M")["{auth_authen}"] == ALICE
        assert m.macros_at("M")["{auth_type}"]
        assert m.macros_at("C")["{daemon_name}"] == "submission"
        names = [h.split(b"\0")[0] for h in m.heard("header")]
        assert b"Date" in names and b"Message-ID" in names


def test_reload(tmp_path):
    """Milters come, change and go with a reload, between two messages of a
    session."""
    from .world import block
    with Milter(tmp_path / "a") as a, Milter(tmp_path / "b") as b, \
            instance(tmp_path / "i", {}, names="", conf="") as i:
        i.start()

        def reload(names, conf):
            i.write("milterd.conf", conf)
            i.write("smtpd.conf", block(i, names))
            before = len(i.log(event="reloaded", stage="smtpd"))
            assert i.command("reload").returncode == 0
            i.await_log(before + 1, event="reloaded", stage="smtpd")
            i.await_log(before + 1, event="reloaded", stage="milterd")

        with i.smtp() as c:
            for n, (names, conf, heard) in enumerate([
                    ("", "", (0, 0)),
                    ("one", a.block(), (1, 0)),
                    ("one", b.block(), (1, 1)),
                    ("two one", b.block() + a.block("two"), (2, 2)),
                    ("", "", (2, 2))]):
                if n > 0:
                    reload(names, conf)
                c.sendmail("a@example.net", [BOB], MESSAGE)
                assert (len(a.heard("mail")), len(b.heard("mail"))) == heard


def test_a_name_that_is_gone(tmp_path):
    """A milter that milterd.conf does not have (nobody ran `bulkhead check`):
    451, and the log says why."""
    with instance(tmp_path / "i", {}, names="nobody", conf="") as i:
        i.start()
        with i.smtp() as c:
            c.ehlo()
            assert c.docmd("MAIL FROM:<>")[0] == 451
        i.await_log(event="milter-failed", milter="nobody",
                    reason="milterd.conf has no such milter")
