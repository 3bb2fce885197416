"""SMTPUTF8 (RFC 6531) as smtpd receives it: what is announced, which addresses
are taken with it and which are refused without it, and what is made of them."""

import pytest

SMTPUTF8 = 1 << 4		# ENVELOPE_SMTPUTF8


def utf8(text):
    """Octets of UTF-8 as world.Client sends them."""
    return text.encode().decode("latin-1")


def test_announced_with_8bitmime(tireless):
    with tireless.connect() as c:
        words = c.expect("EHLO x", 250).splitlines()
        # RFC 6531 section 3.1: no parameter, and 8BITMIME beside it.
        assert "SMTPUTF8" in words and "8BITMIME" in words


def test_a_message(world):
    """Addresses go on as they came, the domain in A-labels; RFC 6531 section
    4.3 has the keyword of the Received field."""
    with world.connect() as c:
        c.expect("EHLO crepes.fr", 250)
        c.expect(utf8("MAIL FROM:<Jos\u00e9@b\u00fccher.example> SMTPUTF8 "
                      "BODY=8BITMIME"), 250, "2.1.0")
        c.expect(utf8("RCPT TO:<j\u00f6rg@hamburger.edu>"), 250, "2.1.5")
        c.expect("DATA", 354)
        c.send(utf8("Subject: \u4f60\u597d\r\n\r\nx\r\n.\r\n"))
        assert c.reply()[0] == 250
    m, = world.messages()
    assert m.envelope["from"] == "Jos\u00e9@xn--bcher-kva.example"
    assert m.to == ["j\u00f6rg@hamburger.edu"]
    assert int(m.envelope["flags"]) & SMTPUTF8
    assert m.envelope["protocol"] == "UTF8SMTP"
    assert " with UTF8SMTP id ".encode() in m.content
    assert "for <j\u00f6rg@hamburger.edu>".encode() in m.content
    assert m.body.startswith("Subject: \u4f60\u597d\r\n".encode())


def test_without_it_nothing_is_said_of_it(world):
    with world.connect() as c:
        c.start()
        c.send("x: y\r\n.\r\n")
        assert c.reply()[0] == 250
    m, = world.messages()
    assert not int(m.envelope["flags"]) & SMTPUTF8
    assert m.envelope["protocol"] == "ESMTP"


@pytest.mark.parametrize("path", [
    "j\u00f6rg@hamburger.edu", "bob@h\u00e4mburger.edu", "\"\u00f6\"@x",
    "\u7528\u6237@\u4f8b\u3048.test"])
def test_refused_without_it(tireless, path):
    """RFC 6531 section 3.5: 550 for MAIL, 553 for RCPT, both 5.6.7."""
    with tireless.connect() as c:
        c.expect("EHLO x", 250)
        c.expect(utf8(f"MAIL FROM:<{path}>"), 550, "5.6.7")
        c.expect("MAIL FROM:<>", 250)
        c.expect(utf8(f"RCPT TO:<{path}>"), 553, "5.6.7")
        # And the next transaction knows nothing of the one before.
        c.expect("RSET", 250)
        c.expect("MAIL FROM:<> SMTPUTF8", 250)
        c.expect("RSET", 250)
        c.expect("MAIL FROM:<>", 250)
        c.expect(utf8(f"RCPT TO:<{path}>"), 553, "5.6.7")


@pytest.mark.parametrize("path", [
    b"j\xf6rg@x", b"\xc0\xaf@x", b"\xed\xa0\x80@x", b"\xf4\x90\x80\x80@x",
    b"a@\xff.example", b"\xc3@x", b"\xe4\xbd@x", b"a\xc2\x85b@x",
    b"a\xe2\x80\xa8@x", b"a@x\xe2\x80\x8dy.example", b"a@-\xc3\xb6.example",
    b"\xef\xbf\xbf@x"])
def test_what_is_no_address(tireless, path):
    """Not UTF-8, cut short, what ends a line for some, no U-label."""
    path = path.decode("latin-1")
    with tireless.connect() as c:
        c.expect("EHLO x", 250)
        c.expect(f"MAIL FROM:<{path}> SMTPUTF8", 501, "5.1.7")
        c.expect("MAIL FROM:<> SMTPUTF8", 250)
        c.expect(f"RCPT TO:<{path}>", 501, "5.1.3")


def test_limits_count_octets(tireless):
    """64 of a local-part (RFC 5321 section 4.5.3.1.1), not 64 characters."""
    with tireless.connect() as c:
        c.expect("EHLO x", 250)
        c.expect(utf8(f"MAIL FROM:<{32 * chr(0xf6)}@x> SMTPUTF8"), 250)
        c.expect("RSET", 250)
        c.expect(utf8(f"MAIL FROM:<{33 * chr(0xf6)}@x> SMTPUTF8"), 501,
                 "5.1.7")


def test_orcpt(world):
    """RFC 6533 section 3: the type utf-8, in both its forms, is kept as the
    address that it stands for; raw only for who said SMTPUTF8."""
    rcpt = "RCPT TO:<bob@hamburger.edu> ORCPT="
    with world.connect() as c:
        c.expect("EHLO x", 250)
        c.expect("MAIL FROM:<> SMTPUTF8", 250)
        c.expect(utf8(rcpt + "utf-8;p\u00e5l@x"), 250)
        c.expect(rcpt + "utf-8;p\\x{E5}l\\x{2B}@x", 250)
        c.expect(utf8(rcpt + "rfc822;p\u00e5l@x"), 501, "5.5.4")
        c.expect(rcpt + "utf-8;p\xe5l@x", 501, "5.5.4")
        c.expect("DATA", 354)
        c.send("x: y\r\n.\r\n")
        assert c.reply()[0] == 250
        c.expect("MAIL FROM:<>", 250)
        c.expect(utf8(rcpt + "utf-8;p\u00e5l@x"), 501, "5.5.4")
        c.expect(rcpt + "utf-8;p\\x{E5}l@x", 250)
    m, = world.messages()
    assert [v for k, v in m.fields if k == "orcpt"] == [
        "utf-8;p\u00e5l@x", "utf-8;p\u00e5l+@x"]


def test_eight_bit_header_where_that_has_to_be_declared(new_world):
    """SMTPUTF8 declares it (RFC 6531 section 3.6)."""
    w = new_world("undeclared_8bit = refuse\n")
    with w.connect() as c:
        c.expect("EHLO x", 250)
        assert c.deliver(utf8("Subject: \u00e9\r\n\r\nx\r\n"))[0] == 554
        assert c.deliver(utf8("Subject: \u00e9\r\n\r\nx\r\n"),
                         params=" SMTPUTF8")[0] == 250


def test_switched_off(new_world):
    w = new_world("smtputf8 = no\n")
    with w.connect() as c:
        assert "SMTPUTF8" not in c.expect("EHLO x", 250)
        c.expect("MAIL FROM:<> SMTPUTF8", 555, "5.5.4")
        c.expect(utf8("MAIL FROM:<\u00f6@x>"), 550, "5.6.7")
        c.expect("MAIL FROM:<>", 250)
        c.expect(utf8("RCPT TO:<j\u00f6rg@hamburger.edu>"), 553, "5.6.7")


def test_injection_socket(new_world):
    """Programs of this host use it, too, with names that lack a domain."""
    w = new_world(inject=True)
    with w.connect() as c:
        assert "SMTPUTF8" in c.expect("EHLO x", 250)
        c.expect(utf8("MAIL FROM:<j\u00f6rg> SMTPUTF8"), 250)
        c.expect(utf8("RCPT TO:<j\u00f6rg@hamburger.edu>"), 250)
        c.expect("DATA", 354)
        c.send("Subject: x\r\n\r\n.\r\n")
        assert c.reply()[0] == 250
    m, = w.messages()
    assert m.envelope["from"].startswith("j\u00f6rg@")
    assert "From: <j\u00f6rg@".encode() in m.content
