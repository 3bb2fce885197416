"""What is announced in EHLO is carried: it comes in by SMTP, goes through the
queue, and goes out again to a host that has the extension; a host that lacks
it gets what it can take, or the sender is told."""

import email
import quopri
import re
import subprocess
import unicodedata

import pytest

from support.instance import BUILD, DOMAIN, Instance
from support.peer import Peer

from .test_relay import open_relay

ALL = ["PIPELINING", "SIZE 50000000", "8BITMIME", "DSN", "CHUNKING",
       "BINARYMIME", "SMTPUTF8", "ENHANCEDSTATUSCODES"]
TEXT = "From: a@example.org\r\nSubject: {}\r\n\r\nhello\r\n"


def send(i, sender, recipients, content, options=(), rcpt=()):
    """One transaction, all of it in UTF-8 if SMTPUTF8 is among the options."""
    with i.smtp() as c:
        c.ehlo()
        c.command_encoding = "utf-8" if "SMTPUTF8" in options else "ascii"
        assert c.mail(sender, list(options))[0] == 250
        for r in recipients:
            code, text = c.rcpt(r, list(rcpt))
            assert code == 250, (r, code, text)
        return c.data(content)


def words(line):
    return set(line.split(" ")[2:])


class Part:
    def __init__(self, octets):
        head, body = octets.split(b"\n\n", 1)
        self.fields = email.message_from_bytes(head + b"\n\n")
        self.encoding = self.fields["Content-Transfer-Encoding"]
        if self.encoding == "quoted-printable":
            body = quopri.decodestring(body)
        self.text = body.decode()


def report(i, name):
    """The one report in the mailbox: its octets, and its parts by their type
    (cut by hand: the library takes message/global for message/rfc822)."""
    i.await_mail(name, 1)
    whole = i.messages(name)[0]
    mark = b"--" + re.search(rb'boundary="(.*)"', whole)[1]
    parts = [Part(p.lstrip(b"\n")) for p in whole.split(b"\n" + mark)[1:-1]]
    return whole, {p.fields.get_content_type(): p for p in parts}


# ---- SMTPUTF8 ----

def test_every_extension_at_once(new_instance):
    """SIZE, 8BITMIME, SMTPUTF8 and DSN with each of its parameters."""
    with Peer(extensions=ALL) as p:
        i = open_relay(new_instance, p.port)
        content = TEXT.format("\u4f60\u597d") + "\u00e9\r\n"
        send(i, f"jos\u00e9@{DOMAIN}", ["\u7528\u6237@elsewhere.example"],
             content.encode(),
             ["SMTPUTF8", "BODY=8BITMIME", "SIZE=1000", "RET=HDRS",
              "ENVID=QQ314"],
             ["NOTIFY=SUCCESS,FAILURE", "ORCPT=utf-8;\u00f6\\x{2B}@x.example"])
        m, = p.await_messages(1)
        assert m.mail.startswith(f"MAIL FROM:<jos\u00e9@{DOMAIN}> ")
        got = words(m.mail)
        assert {"SMTPUTF8", "BODY=8BITMIME", "RET=HDRS", "ENVID=QQ314"} < got
        assert any(w.startswith("SIZE=") for w in got)
        assert m.rcpt[0].startswith(
            "RCPT TO:<\u7528\u6237@elsewhere.example> ")
        assert {"NOTIFY=SUCCESS,FAILURE",
                "ORCPT=utf-8;\u00f6\\x{2B}@x.example"} <= words(m.rcpt[0])
        assert m.content.endswith(content.encode())
        assert b" with UTF8SMTP id " in m.content
        assert i.await_empty_queue()["difference"] == 0


def test_a_host_without_smtputf8(new_instance):
    """RFC 6531 section 3.2: an address beyond ASCII comes back with 5.6.7, in
    a report of RFC 6533; what needs no SMTPUTF8 goes on without it."""
    with Peer(extensions=["PIPELINING", "8BITMIME", "DSN"]) as p:
        i = open_relay(new_instance, p.port)
        send(i, f"alice@{DOMAIN}", ["\u00f6@elsewhere.example",
                                    "x@elsewhere.example"],
             TEXT.format("plain").encode(), ["SMTPUTF8"],
             ["NOTIFY=FAILURE", "ORCPT=utf-8;\u00e5@x.example"])
        m, = p.await_messages(1)
        # The one recipient who needs nothing has it, and the rest of the
        # ORCPT is escaped for who knows no UTF-8 (RFC 6533 section 3).
        assert [r.split(" ")[1] for r in m.rcpt] == [
            "TO:<x@elsewhere.example>"]
        assert "SMTPUTF8" not in words(m.mail)
        assert "ORCPT=utf-8;\\x{E5}@x.example" in words(m.rcpt[0])
        whole, parts = report(i, "alice")
        text = parts["message/global-delivery-status"].text
        assert "Final-Recipient: utf-8; \u00f6@elsewhere.example" in text
        assert "Original-Recipient: utf-8;\u00e5@x.example" in text
        assert "Status: 5.6.7" in text
        # Section 4.5: alice's host need not know SMTPUTF8 either.
        assert whole.isascii()
        assert i.await_empty_queue()["difference"] == 0


def test_a_header_beyond_ascii_needs_it(new_instance):
    """And one that is ASCII, in a message that came with the parameter, does
    not; nor does a domain, which travels in A-labels."""
    with Peer(extensions=["8BITMIME"]) as p:
        i = open_relay(new_instance, p.port)
        send(i, f"alice@{DOMAIN}", ["x@elsewhere.example"],
             TEXT.format("\u00e9").encode(), ["SMTPUTF8", "BODY=8BITMIME"])
        _, parts = report(i, "alice")
        assert "Status: 5.6.7" in parts["message/global-delivery-status"].text
        assert "Subject: \u00e9" in parts["message/global-headers"].text
        send(i, "bob@b\u00fccher.example", ["x@elsewhere.example"],
             TEXT.format("plain").encode(), ["SMTPUTF8"])
        m, = p.await_messages(1)
        assert m.mail.split(" ")[1] == "FROM:<bob@xn--bcher-kva.example>"


def test_a_report_to_an_address_beyond_ascii(new_instance):
    """It goes with SMTPUTF8, and is as readable as the message was."""
    with Peer(extensions=ALL, rcpt="550 5.1.1 nobody") as p:
        i = open_relay(new_instance, p.port, users=["j\u00f6rg"])
        send(i, f"j\u00f6rg@{DOMAIN}", ["\u00f6@elsewhere.example"],
             TEXT.format("\u00e9").encode(), ["SMTPUTF8", "BODY=8BITMIME"])
        whole, parts = report(i, "j\u00f6rg")
        status = parts["message/global-delivery-status"]
        assert status.encoding == "8bit"
        assert "utf-8; \u00f6@elsewhere.example" in status.text
        assert f"To: <j\u00f6rg@{DOMAIN}>".encode() in whole
        assert i.await_empty_queue()["difference"] == 0


# ---- CHUNKING and BINARYMIME ----

BYTES = bytes(range(256)) * 20 + b"\r\n.\r\nQUIT\r\n\n.\n\r.\r"
BINARY = (b"From: a@example.org\r\nSubject: binary\r\nMIME-Version: 1.0\r\n"
          b"Content-Type: application/octet-stream\r\n"
          b"Content-Transfer-Encoding: binary\r\n\r\n" + BYTES)
SIGNED = (b"From: a@example.org\r\nMIME-Version: 1.0\r\n"
          b"Content-Type: multipart/signed; boundary=b\r\n\r\n--b\r\n"
          b"Content-Type: application/octet-stream\r\n"
          b"Content-Transfer-Encoding: binary\r\n\r\n" + BYTES +
          b"\r\n--b\r\nContent-Type: application/pgp-signature\r\n\r\nx\r\n"
          b"--b--\r\n")


def send_binary(i, recipient, content):
    with i.smtp() as c:
        c.ehlo()
        assert c.has_extn("binarymime") and c.has_extn("chunking")
        assert c.mail(f"alice@{DOMAIN}", ["BODY=BINARYMIME"])[0] == 250
        assert c.rcpt(recipient)[0] == 250
        half = len(content) // 2
        c.send(b"BDAT %d\r\n" % half + content[:half])
        assert c.getreply()[0] == 250
        c.send(b"BDAT %d LAST\r\n" % (len(content) - half) + content[half:])
        assert c.getreply()[0] == 250


def decoded(octets):
    """What a reader makes of a message of one part."""
    return email.message_from_bytes(octets).get_payload(decode=True)


def test_binary_through_and_out_again(new_instance):
    """RFC 3030: octet for octet, by BDAT, to a host that takes it."""
    with Peer(extensions=ALL) as p:
        i = open_relay(new_instance, p.port)
        send_binary(i, "x@elsewhere.example", BINARY)
        m, = p.await_messages(1)
        assert "BODY=BINARYMIME" in words(m.mail)
        assert m.content.endswith(BINARY)
        assert any(l.startswith("BDAT ") for l in p.lines())
        assert "DATA" not in p.lines()


@pytest.mark.parametrize("extensions", [
    ["8BITMIME"], [], ["CHUNKING", "8BITMIME"], ["8BITMIME", "BINARYMIME"]],
    ids=["8bit", "none", "chunking", "binarymime-alone"])
def test_binary_to_a_host_without_it(new_instance, extensions):
    """Encoded, and so one message to the most lenient reader."""
    with Peer(extensions=extensions) as p:
        i = open_relay(new_instance, p.port)
        send_binary(i, "x@elsewhere.example", BINARY)
        m, = p.await_messages(1)
        assert "BODY=BINARYMIME" not in words(m.mail)
        assert decoded(m.content) == BYTES
        assert len(p.messages) == 1
        assert b"\n" not in m.content.replace(b"\r\n", b"")


def test_signed_binary_is_never_broken(new_instance):
    with Peer(extensions=["8BITMIME"]) as p:
        i = open_relay(new_instance, p.port)
        send_binary(i, "x@elsewhere.example", SIGNED)
        _, parts = report(i, "alice")
        assert "Status: 5.6.3" in parts["message/delivery-status"].text
        assert not p.messages
        # Neither is it kept as what it is not.
        send_binary(i, f"bob@{DOMAIN}", SIGNED)
        i.await_mail("alice", 2)
        assert not i.maildir("bob")
        assert sum(b"Status: 5.6.3" in m for m in i.messages("alice")) == 2


def test_binary_in_a_mailbox(instance):
    """A mailbox has lines: what is none is encoded, and sizes are exact."""
    send_binary(instance, f"bob@{DOMAIN}", BINARY)
    path, = instance.await_mail("bob", 1)
    stored = path.read_bytes()
    assert decoded(stored) == BYTES
    assert f"S={len(stored)}," in path.name
    crlf = stored.replace(b"\n", b"\r\n")
    assert f"W={len(crlf)}" in path.name
    c = instance.pop("bob")
    assert c.list(1).split()[2] == str(len(crlf)).encode()
    assert b"\r\n".join(c.retr(1)[1]) + b"\r\n" == crlf
    c.quit()
    c = instance.imap("bob")
    c.select()
    _, data = c.fetch("1", "(RFC822.SIZE BODY.PEEK[])")
    assert f"RFC822.SIZE {len(crlf)}".encode() in data[0][0]
    assert data[0][1] == crlf
    c.logout()


# What is no line, and NUL, outside of every body.
# (The header section of the whole must be lines to be taken.)
AROUND = (b"From: a@example.org\r\nMIME-Version: 1.0\r\n"
          b"Content-Type: multipart/mixed; boundary=b\r\n\r\n"
          b"before\0\nand \r--b\r\n--\0b\r\n--b\r\n"
          b"Content-Type: application/octet-stream\nX-Part: a\0b\rc\r\n"
          b"Content-Transfer-Encoding: binary\r\n\r\n" + BYTES +
          b"\r\n--b\r\n\r\nplain\r\n--b--\r\nbehind\0\nit\r")


def around_is_in_lines(octets):
    m = email.message_from_bytes(octets)
    binary, plain = m.get_payload()
    assert binary.get_payload(decode=True) == BYTES
    assert plain.get_payload().rstrip() == "plain"
    assert binary["X-Part"] == "a?b c"
    assert m.preamble.split("\n")[:3] == ["before?", "and  --b", "?--?b"]
    assert m.epilogue.rstrip(" \n") == "behind?\nit"
    assert b"\0" not in octets and b"\r" not in octets


def test_binary_outside_of_bodies(new_instance):
    """Line ends and NULs there become lines, and the structure stays."""
    with Peer(extensions=["8BITMIME"]) as p:
        i = open_relay(new_instance, p.port)
        send_binary(i, f"bob@{DOMAIN}", AROUND)
        path, = i.await_mail("bob", 1)
        around_is_in_lines(path.read_bytes())
        send_binary(i, "x@elsewhere.example", AROUND)
        m, = p.await_messages(1)
        assert b"\n" not in m.content.replace(b"\r\n", b"")
        around_is_in_lines(m.content.replace(b"\r\n", b"\n"))


def test_a_large_message_is_converted(new_instance):
    """Piece by piece, while other mail goes past it."""
    text = ("From: a@example.org\r\nContent-Type: text/plain; "
            "charset=utf-8\r\n\r\n" +
            "gr\u00fc\u00dfe an alle\r\n" * 400000).encode()
    with Peer(extensions=[]) as p:
        i = open_relay(new_instance, p.port)
        with i.smtp() as c:
            for n, content in enumerate([text, b"small\r\n"] * 3):
                c.sendmail(f"alice@{DOMAIN}", [f"x{n}@elsewhere.example"],
                           content, ["BODY=8BITMIME"])
        messages = p.await_messages(6)
        large = [m.content for m in messages if len(m.content) > 100000]
        assert len(large) == 3
        for content in large:
            content.decode("ascii")
            assert decoded(content) == text.partition(b"\r\n\r\n")[2]


def test_chunks_of_lines_are_stored_as_they_are(instance):
    """Binary was declared, and there is nothing binary in it."""
    text = TEXT.format("lines").encode()
    send_binary(instance, f"bob@{DOMAIN}", text)
    path, = instance.await_mail("bob", 1)
    assert path.read_bytes().endswith(text.replace(b"\r\n", b"\n"))


# ---- mailboxes beyond ASCII ----

FILES = {
    "domains": f"{DOMAIN}\nb\u00fccher.example alias of {DOMAIN}\n"
               "\u4f8b\u3048.test relay\n",
    "aliases": "Gr\u00f6\u00dfe: j\u00f6rg, alice\n",
    "relay-recipients": "\u7528\u6237@\u4f8b\u3048.test\n",
    "smtpd.conf": "vrfy = yes\nexpn = yes\n",
}


@pytest.fixture(scope="module")
def here(tmp_path_factory):
    with Instance(tmp_path_factory.mktemp("utf8"), files=FILES,
                  users=["alice", "j\u00f6rg"]) as i:
        yield i.start()


def decomposed(text):
    return unicodedata.normalize("NFD", text)


@pytest.mark.parametrize("address", [
    f"j\u00f6rg@{DOMAIN}", f"J\u00d6RG@{DOMAIN.upper()}",
    decomposed(f"j\u00f6rg@{DOMAIN}"), f"\"j\u00f6rg\"@{DOMAIN}",
    f"J\u00f6rg+news@{DOMAIN}", decomposed(f"J\u00d6RG+news@{DOMAIN}"),
    "j\u00f6rg@b\u00fccher.example", "j\u00f6rg@B\u00dcCHER.example",
    "j\u00f6rg@xn--bcher-kva.example"])
def test_one_mailbox_by_all_its_spellings(here, address):
    """Letters' case does not count, nor how an accent is composed (RFC 6532
    section 3.1: NFC), nor the form of the domain."""
    before = len(here.maildir("j\u00f6rg"))
    send(here, "", [address], TEXT.format("x").encode(), ["SMTPUTF8"])
    here.await_mail("j\u00f6rg", before + 1)


@pytest.mark.parametrize("address", [
    f"jorg@{DOMAIN}", f"jo\u0308\u0308rg@{DOMAIN}", f"j\u00f6rg\u200b@{DOMAIN}",
    f"\uff4a\u00f6rg@{DOMAIN}"])
def test_what_is_another_mailbox(here, address):
    """Only compatible characters are others (NFKC is not for mailboxes)."""
    with here.smtp() as c:
        c.ehlo()
        c.command_encoding = "utf-8"
        c.mail("", ["SMTPUTF8"])
        assert c.rcpt(address)[0] == 550


def test_alias_and_relay_recipient(here):
    before = len(here.maildir("alice"))
    send(here, "", [f"GR\u00d6\u00dfE@{DOMAIN}"], TEXT.format("x").encode(),
         ["SMTPUTF8"])
    here.await_mail("alice", before + 1)
    with here.smtp() as c:
        c.ehlo()
        c.command_encoding = "utf-8"
        c.mail("", ["SMTPUTF8"])
        assert c.rcpt("\u7528\u6237@\u4f8b\u3048.test")[0] == 250
        assert c.rcpt("\u7528@\u4f8b\u3048.test")[0] == 550
        c.rset()


@pytest.mark.parametrize("command, code, text", [
    ("VRFY j\u00f6rg SMTPUTF8", 250, f"2.1.5 <j\u00f6rg@{DOMAIN}>"),
    ("VRFY J\u00d6RG smtputf8", 250, f"2.1.5 <j\u00f6rg@{DOMAIN}>"),
    # RFC 6531 section 3.7.4.2: not to whom does not ask for it.
    ("VRFY j\u00f6rg", 252, "2.6.8 "),
    ("VRFY alice SMTPUTF8", 250, f"2.1.5 <alice@{DOMAIN}>"),
    ("VRFY \u00f6 SMTPUTF8", 550, "5.1.1 "),
    ("VRFY \u00f6 SMTPUTF8=1", 501, "5.1.3 "),
    ("EXPN gr\u00f6\u00dfe SMTPUTF8", 250,
     f"2.1.5 <j\u00f6rg@{DOMAIN}>\n2.1.5 <alice@{DOMAIN}>"),
    ("EXPN gr\u00f6\u00dfe", 252, "2.6.8 "),
    ("EXPN alice", 250, f"2.1.5 <alice@{DOMAIN}>"),
])
def test_vrfy_and_expn(here, command, code, text):
    with here.smtp() as c:
        c.ehlo()
        c.command_encoding = "utf-8"
        got, said = c.docmd(command)
        assert got == code and said.decode().startswith(text), said


def test_vrfy_of_what_is_not_utf8(here):
    with here.smtp() as c:
        c.ehlo()
        c.send(b"VRFY j\xf6rg SMTPUTF8\r\n")
        assert c.getreply()[0] == 501


def test_the_owner_reads_it(here):
    """A name beyond ASCII logs in, by whatever spelling (RFC 4616: UTF-8)."""
    before = len(here.maildir("j\u00f6rg"))
    send(here, f"\u00e9@{DOMAIN}", [f"j\u00f6rg@{DOMAIN}"],
         TEXT.format("\u00e9").encode(), ["SMTPUTF8"])
    here.await_mail("j\u00f6rg", before + 1)
    for name in f"j\u00f6rg@{DOMAIN}", decomposed(f"J\u00d6RG@{DOMAIN}"):
        c = here.imap()
        plain = f"\0{name}\0j\u00f6rg-secret".encode()
        assert c.authenticate("PLAIN", lambda _: plain)[0] == "OK"
        assert c.select()[0] == "OK"
        _, got = c.search(None, "ALL")
        number = got[0].split()[-1].decode()
        _, data = c.fetch(number, "(BODY.PEEK[HEADER])")
        assert f"Return-Path: <\u00e9@{DOMAIN}>".encode() in data[0][1]
        assert f"Delivered-To: j\u00f6rg@{DOMAIN}".encode() in data[0][1]
        c.logout()


def test_explain_and_check(here):
    said = here.command("explain", "", f"J\u00d6RG@b\u00fccher.example")
    assert said.returncode == 0 and f"j\u00f6rg@{DOMAIN}" in said.stdout
    assert here.command("check").returncode == 0


def test_user_add_writes_one_spelling(new_instance):
    i = new_instance(users=[])
    assert i.command("user", "add", decomposed("J\u00d6rg"),
                     input="secret-secret\nsecret-secret\n").returncode == 0
    assert f"j\u00f6rg@{DOMAIN} " in (i.conf / "users").read_text()
    assert i.command("user", "add", "j\u00f6rg",
                     input="secret-secret\nsecret-secret\n").returncode != 0
    # What an editor wrote otherwise is never found: said before the start.
    (i.conf / "users").write_text(f"J\u00d6RG@{DOMAIN} 1\n")
    said = i.command("check")
    assert said.returncode != 0 and f"j\u00f6rg@{DOMAIN}" in (
        said.stdout + said.stderr)


def test_sendmail(new_instance):
    """sendmail(1) says SMTPUTF8 for an address, and not for a header."""
    i = new_instance(users=["j\u00f6rg", "bob"]).start()
    for to, keyword in ("j\u00f6rg", b"UTF8SMTP"), ("bob", b"ESMTP"):
        subprocess.run(
            [BUILD / "bin" / "bulkhead-sendmail", "-C", i.conf, "-i",
             f"{to}@{DOMAIN}"], input="Subject: \u00e9\n\nx\n".encode(),
            check=True)
        i.await_mail(to, 1)
        assert b" with " + keyword + b" id" in i.messages(to)[0]
