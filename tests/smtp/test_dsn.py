"""What a sender asks to be told: RFC 3461 sections 4.1 to 4.5."""

import pytest


def test_parameters_reach_the_queue(world):
    """Envelope identifier, RET, NOTIFY and ORCPT, decoded."""
    with world.connect() as c:
        c.expect("EHLO crepes.fr", 250)
        c.expect("MAIL FROM:<alice@crepes.fr> RET=HDRS ENVID=QQ+20314+2B", 250)
        c.expect("RCPT TO:<bob@hamburger.edu> NOTIFY=SUCCESS,delay "
                 "ORCPT=rfc822;Bob+40Hamburger.edu", 250)
        c.expect("RCPT TO:<alice@hamburger.edu> NOTIFY=never", 250)
        c.expect("DATA", 354)
        c.expect("Subject: x\r\n\r\ny\r\n.", 250)
    [m] = world.messages()
    assert m.envelope["envid"] == "QQ 314+"
    assert m.envelope["ret"] == "2"
    assert m.fields[m.fields.index(("to", "bob@hamburger.edu")):] == [
        ("to", "bob@hamburger.edu"), ("notify", "10"),
        ("orcpt", "rfc822;Bob@Hamburger.edu"),
        ("to", "alice@hamburger.edu"), ("notify", "1"), ("orcpt", "")]


def test_nothing_asked(world):
    """Without parameters the envelope says nothing of them, also after a
    transaction that had them."""
    with world.connect() as c:
        c.expect("EHLO crepes.fr", 250)
        c.expect("MAIL FROM:<alice@crepes.fr> RET=FULL ENVID=x", 250)
        c.expect("RSET", 250)
        c.deliver("Subject: x\r\n\r\ny\r\n")
    [m] = world.messages()
    assert m.envelope["envid"] == "" and m.envelope["ret"] == "0"
    assert ("notify", "0") in m.fields and ("orcpt", "") in m.fields


@pytest.mark.parametrize("params", [
    "RET=HDRS RET=FULL", "RET=BODY", "RET", "ENVID=a ENVID=b", "ENVID",
    "ENVID=a+0Ab", "ENVID=a+2", "ENVID=" + "x" * 257,
])
def test_bad_mail_parameters(tireless, params):
    """A syntax error, or the same twice: 501, and no transaction."""
    with tireless.connect() as c:
        c.expect("EHLO crepes.fr", 250)
        code, text = c.ask("MAIL FROM:<alice@crepes.fr> " + params)
        assert (code, text[:5]) == (501, "5.5.4")
        c.expect("RCPT TO:<bob@hamburger.edu>", 503)


def test_long_parameters(world):
    """RFC 3461 section 5.4: an ENVID of 100, an ORCPT of 500 characters."""
    orcpt = "rfc822;" + "o" * 490
    with world.connect() as c:
        c.expect("EHLO crepes.fr", 250)
        c.expect("MAIL FROM:<alice@crepes.fr> ENVID=" + "e" * 100, 250)
        c.expect("RCPT TO:<bob@hamburger.edu> NOTIFY=SUCCESS,FAILURE,DELAY "
                 "ORCPT=" + orcpt, 250)
        c.expect("DATA", 354)
        c.expect("Subject: x\r\n\r\ny\r\n.", 250)
    [m] = world.messages()
    assert m.envelope["envid"] == "e" * 100
    assert ("orcpt", orcpt) in m.fields
