"""Every item of FETCH, with Python's email package as the oracle."""

import email
import email.policy
import os
import re

import pytest

from alone.program import UID
from imap.client import fetched, parse
from imap.messages import BROKEN, WELL_FORMED


def crlf(b):
    return re.sub(rb"(?<!\r)\n", b"\r\n", b)


def put(home, message, name="1.M.x"):
    """As another program leaves it: line ends and all as they are."""
    for sub in ("", "/cur", "/new", "/tmp"):
        d = f"{home}/Maildir{sub}"
        if not os.path.isdir(d):
            os.mkdir(d, 0o700)
            os.chown(d, UID, UID)
    path = f"{home}/Maildir/cur/{name}:2,"
    with open(path, "wb") as f:
        f.write(message)
    os.chown(path, UID, UID)


def sections(m, prefix=""):
    """(number, part) of everything in a message that has a number."""
    if m.get_content_maintype() != "multipart":
        yield prefix + "1", m
        return
    for n, p in enumerate(m.get_payload(), 1):
        number = f"{prefix}{n}"
        yield number, p
        if p.get_content_maintype() == "multipart":
            yield from sections(p, number + ".")
        elif p.get_content_type() == "message/rfc822":
            yield from sections(p.get_payload(0), number + ".")


def split(raw):
    head, sep, body = raw.partition(b"\r\n\r\n")
    return head + sep, body


def payload_of(part):
    """A leaf's body as it is encoded."""
    return part._payload.encode("ascii", "surrogateescape")


def part_bytes(part, raw):
    """The part's octets as they stand in the message."""
    text = part.as_bytes(policy=part.policy.clone(linesep="\r\n",
                                                  max_line_length=0))
    return text if text in raw else text.removesuffix(b"\r\n")


@pytest.mark.parametrize("name", WELL_FORMED)
def test_sections(session, home, name):
    message = WELL_FORMED[name]
    put(home, message)
    raw = crlf(message)
    head, body = split(raw)
    m = email.message_from_bytes(raw, policy=email.policy.compat32)
    s = session()
    s.ok("SELECT INBOX")
    assert b"RFC822.SIZE %d)" % len(raw) in s.ok("FETCH 1 RFC822.SIZE")[0]
    for item, want in (("BODY[]", raw), ("RFC822", raw),
                       ("BODY[HEADER]", head), ("RFC822.HEADER", head),
                       ("BODY[TEXT]", body), ("RFC822.TEXT", body)):
        assert s.literal(f"FETCH 1 ({item})", item) == want, item
    for number, part in sections(m):
        got = s.literal(f"FETCH 1 BODY[{number}]", f"BODY[{number}]")
        if part.get_content_maintype() == "multipart":
            assert got in raw and got.count(b"--") > 2
            continue
        if part.get_content_type() == "message/rfc822":
            inner = part_bytes(part.get_payload(0), raw)
            assert got.rstrip() == inner.rstrip(), number
            h, t = split(got)
            for what, want in (("HEADER", h), ("TEXT", t)):
                assert s.literal(f"FETCH 1 BODY[{number}.{what}]",
                                 f"BODY[{number}.{what}]") == want
        else:
            want = payload_of(part)
            assert got == want, number
        if part is not m:
            mime = s.literal(f"FETCH 1 BODY[{number}.MIME]",
                             f"BODY[{number}.MIME]")
            assert mime.endswith(b"\r\n\r\n") and mime + got in raw
            for key, value in part.items():
                assert key.encode() in mime
    assert s.literal("FETCH 1 BODY[99]", "BODY[99]") is None
    assert s.literal("FETCH 1 BODY[1.1.1.1.9]", "BODY[1.1.1.1.9]") is None


@pytest.mark.parametrize("name", ["plain", "picture"])
def test_header_fields(session, home, name):
    put(home, WELL_FORMED[name])
    head = split(crlf(WELL_FORMED[name]))[0]
    fields = re.findall(rb"^(?:[^ \t\r\n][^\r\n]*\r\n(?:[ \t][^\r\n]*\r\n)*)",
                        head, re.M)
    s = session()
    s.ok("SELECT INBOX")
    wanted = {b"subject", b"from", b"to"}

    def is_wanted(f):
        return f.split(b":")[0].lower() in wanted

    for what, pick in (("FIELDS", is_wanted),
                       ("FIELDS.NOT", lambda f: not is_wanted(f))):
        label = f"BODY[HEADER.{what} (Subject FROM to)]"
        got = s.literal(f"FETCH 1 {label.replace('BODY', 'BODY.PEEK')}", label)
        assert got == b"".join(f for f in fields if pick(f)) + b"\r\n"
    label = "BODY[HEADER.FIELDS (None)]"
    assert s.literal(f"FETCH 1 {label}", label) == b"\r\n"


def test_chosen_fields_are_kept(session, home):
    """What was asked for once is answered from the index, whoever asks and in
    whatever order; what nobody has asked for yet comes from the file.  To tell
    them apart, the file is changed, which nobody does."""
    put(home, b"From: a@b.test\nSubject: first\nDate: x\n\nSubject: no\n")

    def ask(s, names):
        label = f"BODY[HEADER.FIELDS ({names})]"
        return s.literal(f"FETCH 1 {label.replace('BODY', 'BODY.PEEK')}",
                         label)

    s = session()
    s.ok("SELECT INBOX")
    first = b"From: a@b.test\r\nSubject: first\r\n\r\n"
    assert ask(s, "Subject From") == first
    s.ok("LOGOUT")
    s.ended()
    [path] = (home / "Maildir/cur").iterdir()
    path.write_bytes(path.read_bytes().replace(b"first", b"other"))
    s = session()
    s.ok("SELECT INBOX")
    assert ask(s, "FROM SUBJECT") == first
    assert ask(s, "subject") == first.partition(b"\r\n")[2]
    assert ask(s, "Date") == b"Date: x\r\n\r\n"	# and all is read again
    assert ask(s, "Date Subject") == b"Subject: other\r\nDate: x\r\n\r\n"
    assert not os.listdir(home / "Maildir/new")


def test_fields_set_seen(session, home):
    put(home, b"Subject: x\n\n")
    s = session()
    s.ok("SELECT INBOX")
    [r] = s.ok("FETCH 1 BODY[HEADER.FIELDS (Subject)]").of("FETCH")
    assert b"\\Seen" in r


def check_partial(s, label, raw):
    n = len(raw)
    for start, length in ((0, 1), (0, n), (0, n + 5), (1, 3), (n - 1, 1),
                          (n - 1, 9), (n, 5), (n + 9, 5), (n // 2, 4000),
                          (0, 4294967295), (4294967295, 1)):
        got = s.literal(f"FETCH 1 {label}<{start}.{length}>",
                        f"{label}<{start}>")
        assert got == raw[start:start + length], (start, length)
    for step in (777, 20000):
        got, at = b"", 0
        while piece := s.literal(f"FETCH 1 {label}<{at}.{step}>",
                                 f"{label}<{at}>"):
            got += piece
            at += step
        assert got == raw


def test_partial(session, home):
    message = WELL_FORMED["picture"]
    message += b"\n" * 3 + b"a\n" * 20000
    put(home, message)
    raw = crlf(message)
    s = session()
    s.ok("SELECT INBOX")
    check_partial(s, "BODY[]", raw)
    check_partial(s, "BODY[TEXT]", split(raw)[1])
    fields = "BODY[HEADER.FIELDS (Subject)]"
    check_partial(s, fields, b"Subject: Picture\r\n\r\n")


def addresses(value):
    """What ENVELOPE should say of an address field."""
    out = []
    for group in value.groups:
        if group.display_name is not None:
            out.append([None, None, group.display_name.encode(), None])
        for a in group.addresses:
            name = a.display_name.encode() if a.display_name else None
            out.append([name, None, a.username.encode(), a.domain.encode()])
        if group.display_name is not None:
            out.append([None] * 4)
    return out


def envelope(m):
    sender = addresses(m["From"])
    return [
        str(m["Date"].__class__ and m._headers and
            dict(m._headers)["Date"]).encode(),
        None, sender, sender,
        addresses(m["Reply-To"]) if m["Reply-To"] else sender,
        addresses(m["To"]), addresses(m["Cc"]) if m["Cc"] else None, None,
        None, str(m["Message-ID"]).encode()]


@pytest.mark.parametrize("name", WELL_FORMED)
def test_envelope(session, home, name):
    put(home, WELL_FORMED[name])
    m = email.message_from_bytes(WELL_FORMED[name],
                                 policy=email.policy.default)
    s = session()
    s.ok("SELECT INBOX")
    got = fetched(s.ok("FETCH 1 ENVELOPE")[0])["ENVELOPE"]
    want = envelope(m)
    subject = email.message_from_bytes(WELL_FORMED[name])["Subject"]
    want[1] = re.sub(r"\r?\n", "", subject).encode()
    assert got == want


def pairs(params):
    return None if not params else sum(
        ([k.lower().encode(), v.encode()] for k, v in params), [])


def check_structure(got, part, extended):
    """One body of a BODYSTRUCTURE against the email package's part."""
    if part.get_content_maintype() == "multipart":
        children = part.get_payload()
        for one, child in zip(got, children):
            check_structure(one, child, extended)
        rest = got[len(children):]
        assert rest[0].lower().decode() == part.get_content_subtype()
        if extended:
            assert len(rest) == 5
            assert rest[1] == pairs(part.get_params()[1:])
        return
    assert got[0].lower().decode() == part.get_content_maintype()
    assert got[1].lower().decode() == part.get_content_subtype()
    params = part.get_params(header="content-type")
    assert [x.lower() for x in (got[2] or [])[::2]] == [
        k.lower().encode() for k, _ in (params or [])[1:]]
    cid = part["Content-ID"]
    assert got[3] == (cid.encode() if cid else None)
    assert got[5].decode() == (part["Content-Transfer-Encoding"] or "7bit")
    after = 7
    if part.get_content_type() == "message/rfc822":
        inner = part.get_payload(0)
        assert isinstance(got[7], list) and len(got[7]) == 10
        assert got[7][1].decode() == inner["Subject"]
        check_structure(got[8], inner, extended)
        after = 10
    else:
        payload = payload_of(part)
        assert got[6] == len(payload)
        if part.get_content_maintype() == "text":
            assert got[7] == len(payload.split(b"\n")) - payload.endswith(
                b"\n")
            after = 8
    if not extended:
        assert len(got) == after
        return
    assert len(got) == after + 4
    disposition = part.get_content_disposition()
    assert (got[after + 1] and got[after + 1][0].decode()) == disposition


@pytest.mark.parametrize("name", WELL_FORMED)
def test_structure(session, home, name):
    put(home, WELL_FORMED[name])
    m = email.message_from_bytes(crlf(WELL_FORMED[name]))
    s = session()
    s.ok("SELECT INBOX")
    for again in range(2):	# the second time from the index
        r = fetched(s.ok("FETCH 1 (BODY BODYSTRUCTURE)")[0])
        check_structure(r["BODY"], m, False)
        check_structure(r["BODYSTRUCTURE"], m, True)


@pytest.mark.parametrize("name", BROKEN)
def test_broken(session, home, name):
    """No message breaks the grammar of a response or the sizes in it."""
    message = BROKEN[name]
    put(home, message)
    raw = crlf(message).replace(b"\0", b"\x80")
    s = session()
    s.ok("SELECT INBOX")
    assert s.literal("FETCH 1 BODY[]", "BODY[]") == raw
    r = s.ok("FETCH 1 FULL")
    f = fetched(r[0])
    assert f["RFC822.SIZE"] == len(raw) and len(f["ENVELOPE"]) == 10
    assert isinstance(f["BODY"], list)
    head = s.literal("FETCH 1 BODY[HEADER]", "BODY[HEADER]")
    text = s.literal("FETCH 1 BODY[TEXT]", "BODY[TEXT]")
    assert head + text == raw
    r = s.ok("FETCH 1 (BODYSTRUCTURE BODY[1] BODY[1.MIME] BODY[2.1] "
             "BODY[HEADER.FIELDS (Subject From)])")
    parse(r[0])
    s.ok("SEARCH TEXT x")
    s.ok("NOOP")


def test_macros_and_uid(session, home):
    put(home, WELL_FORMED["plain"])
    s = session()
    s.ok("SELECT INBOX")
    full = ["FLAGS", "INTERNALDATE", "RFC822.SIZE", "ENVELOPE", "BODY"]
    for macro, n in (("FAST", 3), ("ALL", 4), ("FULL", 5)):
        assert list(fetched(s.ok(f"FETCH 1 {macro}")[0])) == full[:n]
        assert list(fetched(s.ok(f"UID FETCH 1 {macro}")[0])) == [
            "UID", *full[:n]]
    assert s.ok("FETCH 1 (UID UID)")[0] == b"* 1 FETCH (UID 1)\r\n"


def test_what_is_implied_stands_first(session, home):
    """UID and MODSEQ that the command does not name come before what it does:
    Mail::IMAPClient reads a body only up to the end of the response.  They
    are there however many items are named."""
    put(home, WELL_FORMED["plain"])
    s = session()
    s.ok("SELECT INBOX")
    [line, *_] = s.ok("UID FETCH 1 BODY.PEEK[TEXT]")
    assert line.startswith(b"* 1 FETCH (UID 1 BODY[TEXT] {"), line
    assert line.endswith(b"\n)\r\n"), line
    many = " ".join(f"BODY.PEEK[TEXT]<{n}.1>" for n in range(64))
    lines = s.ok(f"UID FETCH 1 ({many}) (CHANGEDSINCE 1)")
    [line] = [l for l in lines if b" FETCH " in l]
    assert re.match(rb"\* 1 FETCH \(UID 1 MODSEQ \(\d+\) BODY", line), line
    assert line.count(b"BODY[TEXT]<") == 64
    assert s.ask(f"UID FETCH 1 ({many} BODY.PEEK[])").status == "BAD"


def test_large_message_slow_reader(session, home):
    """Output waits for the client and is not gathered in memory."""
    message = b"Subject: big\n\n" + b"0123456789abcdef\n" * 2000000
    put(home, message)
    s = session()
    s.ok("SELECT INBOX")
    s.ok("FETCH 1 BODY")	# the structure is known now
    s.send(b"a FETCH 1 BODY.PEEK[]\r\n")
    import time
    time.sleep(1)
    with open(f"/proc/{s.pid}/status") as f:
        rss = int(re.search(r"RssAnon:\s+(\d+)", f.read())[1])
    assert rss < 4096 or os.environ.get("BULKHEAD_SANITIZE"), rss
    assert s.response() == (b"* 1 FETCH (BODY[] {%d}\r\n" % len(crlf(message))
                            + crlf(message) + b")\r\n")
    assert s.response().startswith(b"a OK")
