"""STARTTLS on port 25 (RFC 3207), with clients that nobody here wrote."""

import re
import smtplib
import socket
import ssl
import subprocess
import time

import pytest

from support.instance import Instance

from .authority import Pair
from .conftest import Secured

pytestmark = pytest.mark.xdist_group("tls")

MESSAGE = b"Subject: secret\r\n\r\nnobody else reads this\r\n"
VERSIONS = [ssl.TLSVersion.TLSv1_2, ssl.TLSVersion.TLSv1_3]


def talk(port):
    s = socket.create_connection(("127.0.0.1", port), timeout=30)
    return s, s.makefile("rb")


def reply(f):
    lines = []
    while True:
        line = f.readline()
        lines.append(line)
        if line[3:4] != b"-":
            return b"".join(lines)


def s_client(instance, *args, input=b"QUIT\n"):
    r = subprocess.run(
        ["openssl", "s_client", "-starttls", "smtp", "-connect",
         f"127.0.0.1:{instance.smtp_port}", "-crlf", "-ign_eof", *args],
        input=input, capture_output=True, timeout=60)
    return (r.stdout + r.stderr).decode(errors="replace")


@pytest.mark.parametrize("version", VERSIONS)
def test_a_letter(secured, version):
    before = len(secured.maildir("alice"))
    c = secured.smtp()
    c.ehlo()
    assert c.has_extn("starttls")
    c._host = "mx.example.org"
    c.starttls(context=secured.trust("ec", version=version))
    assert not c.esmtp_features		# RFC 3207 section 4.2
    assert c.docmd("MAIL", "FROM:<a@example.net>")[0] == 503
    c.ehlo()
    assert not c.has_extn("starttls")
    assert c.docmd("STARTTLS")[0] == 503
    c.sendmail("a@example.net", ["alice@example.org"], MESSAGE)
    cipher = c.sock.cipher()[0]
    c.quit()
    secured.await_mail("alice", before + 1)
    text = [m for m in secured.messages("alice")
            if b"with ESMTPS id " in m][-1].decode()
    received = re.search(r"Received: (.*?)\r?\n(?=\S)", text, re.S)[1]
    assert re.search(r"\btls TLS_\w+ \(TLSv1\.[23]\)", received)
    if version is ssl.TLSVersion.TLSv1_3:
        assert cipher in received


@pytest.mark.parametrize("name,args,wanted", [
    ("mx.example.org", [], "id-ecPublicKey"),
    ("deep.example.org", [], "id-ecPublicKey"),
    ("mx.example.org", ["-sigalgs", "RSA-PSS+SHA256"], "rsaEncryption"),
    ("mx.example.org", ["-tls1_2", "-cipher", "aRSA"], "rsaEncryption"),
    ("mx.example.org", ["-tls1_2", "-cipher", "aECDSA"], "id-ecPublicKey"),
    ("ed.example.net", [], "ED25519"),
    ("OTHER.example.com", [], "rsaEncryption"),
    ("other.example.com", ["-tls1_2", "-sigalgs", "RSA+SHA512"],
     "rsaEncryption"),
    ("unknown.example.com", [], "id-ecPublicKey"),
])
def test_which_certificate(secured, name, args, wanted):
    said = s_client(secured, "-servername", name, *args)
    pem = re.search(r"-----BEGIN CERTIFICATE-----.*?"
                    r"-----END CERTIFICATE-----", said, re.S)
    assert pem, said
    shown = subprocess.run(["openssl", "x509", "-noout", "-text"],
                           input=pem[0], text=True, capture_output=True)
    assert f"Public Key Algorithm: {wanted}" in shown.stdout
    assert "221 2.0.0" in said


def test_old_versions_are_refused(secured):
    for version in "-tls1", "-tls1_1":
        said = s_client(secured, version, "-cipher", "DEFAULT@SECLEVEL=0")
        assert "Cipher is (NONE)" in said or "alert" in said, said
    said = s_client(secured, "-tls1_2", "-cipher", "AES128-SHA256")
    assert "Cipher is (NONE)" in said, said		# no forward secrecy


@pytest.mark.parametrize("version", VERSIONS)
def test_resumption(secured, version):
    context = secured.trust("ec", version=version)
    session = None
    for turn in range(3):
        s, f = talk(secured.smtp_port)
        reply(f)
        s.sendall(b"EHLO x\r\n")
        reply(f)
        s.sendall(b"STARTTLS\r\n")
        assert reply(f).startswith(b"220 ")
        t = context.wrap_socket(s, server_hostname="mx.example.org",
                                session=session)
        t.sendall(b"NOOP\r\n")
        assert t.recv(100).startswith(b"250 ")
        assert t.session_reused == (turn > 0)
        session = t.session
        t.close()


def test_injected_in_one_segment(secured):
    s, f = talk(secured.smtp_port)
    reply(f)
    s.sendall(b"EHLO x\r\n")
    reply(f)
    s.sendall(b"STARTTLS\r\nMAIL FROM:<evil@example.net>\r\n")
    assert reply(f).startswith(b"503 5.5.1")
    assert f.read() == b""


def test_injected_before_the_handshake(secured):
    """What the client sends in clear after 220 is no TLS: the end."""
    s, f = talk(secured.smtp_port)
    reply(f)
    s.sendall(b"EHLO x\r\n")
    reply(f)
    s.sendall(b"STARTTLS\r\n")
    assert reply(f).startswith(b"220 ")
    s.sendall(b"RSET\r\nMAIL FROM:<evil@example.net>\r\n")
    rest = f.read()
    assert b"250" not in rest and b"503" not in rest


def test_state_is_forgotten(secured):
    s, f = talk(secured.smtp_port)
    reply(f)
    s.sendall(b"STARTTLS\r\n")
    assert reply(f).startswith(b"503 ")		# no EHLO yet
    s.sendall(b"EHLO before.example.net\r\n")
    reply(f)
    s.sendall(b"STARTTLS now\r\n")
    assert reply(f).startswith(b"501 ")
    s.sendall(b"MAIL FROM:<a@example.net>\r\nSTARTTLS\r\n")
    assert reply(f).startswith(b"250 ")
    assert reply(f).startswith(b"503 ")
    s.sendall(b"RSET\r\n")
    reply(f)
    s.sendall(b"STARTTLS\r\n")
    assert reply(f).startswith(b"220 ")
    t = secured.trust("ec").wrap_socket(s, server_hostname="mx.example.org")
    t.sendall(b"MAIL FROM:<a@example.net>\r\n")
    assert t.recv(100).startswith(b"503 ")
    t.close()


@pytest.mark.parametrize("junk", [
    b"", b"\x16\x03\x01", b"\x16\x03\x01\xff\xff" + b"A" * 1000,
    b"\x80\x2e\x01\x00\x02" + b"\0" * 60,
    b"\x16\x03\x01\x40\x01" + b"\x01\x00\x3f\xfd" + b"\xff" * 16384,
    b"GET / HTTP/1.1\r\n\r\n"])
def test_broken_hello(secured, junk):
    s, f = talk(secured.smtp_port)
    reply(f)
    s.sendall(b"EHLO x\r\n")
    reply(f)
    s.sendall(b"STARTTLS\r\n")
    reply(f)
    s.sendall(junk)
    s.shutdown(socket.SHUT_WR)
    f.read()
    s.close()
    assert secured.smtp().ehlo()[0] == 250


def test_cut_at_every_octet(secured):
    """The client's side of a real handshake, ending anywhere."""
    taken = []
    incoming, outgoing = ssl.MemoryBIO(), ssl.MemoryBIO()
    context = secured.trust("ec")
    o = context.wrap_bio(incoming, outgoing, server_hostname="mx.example.org")
    try:
        o.do_handshake()
    except ssl.SSLWantReadError:
        pass
    hello = outgoing.read()
    for n in range(0, len(hello), 7):
        s, f = talk(secured.smtp_port)
        s.sendall(b"EHLO x\r\n")
        reply(f), reply(f)
        s.sendall(b"STARTTLS\r\n")
        reply(f)
        s.sendall(hello[:n])
        s.close()
        taken.append(n)
    assert len(taken) > 20
    assert secured.smtp().ehlo()[0] == 250


def test_other_protocols_are_refused(secured):
    """A browser's ALPN: it was led here by somebody (RFC 7301)."""
    said = s_client(secured, "-alpn", "h2,http/1.1")
    assert "no application protocol" in said, said
    said = s_client(secured, "-alpn", "smtp")
    assert "ALPN protocol: smtp" in said, said


def test_slow_handshake(tmp_path):
    pairs = [Pair(tmp_path, "ec")]
    with Secured(tmp_path / "i", pairs,
                 files={"smtpd.conf": "tls_timeout = 1s\n"}) as i:
        i.start()
        s, f = talk(i.smtp_port)
        s.sendall(b"EHLO x\r\n")
        reply(f), reply(f)
        s.sendall(b"STARTTLS\r\n")
        reply(f)
        began = time.monotonic()
        s.sendall(b"\x16\x03\x01\x02")
        assert f.read() == b""			# no word in clear
        assert time.monotonic() - began < 10
        i.await_log(event="tls-failed")


LISTENERS = """
listener clear {
	address = 127.0.0.1:%d
	tls = none
}
listener strict {
	address = 127.0.0.1:%d
	tls = required
}
listener whole {
	address = 127.0.0.1:%d
	tls = implicit
}
"""


def test_listeners(tmp_path):
    pairs = [Pair(tmp_path, "ec")]
    i = Secured(tmp_path / "i", pairs)
    clear, strict, whole = (i.slot.port(n) for n in (3, 4, 5))
    i.write("smtpd.conf", LISTENERS % (clear, strict, whole))
    with i:
        i.start()
        s, f = talk(clear)
        reply(f)
        s.sendall(b"EHLO x\r\n")
        assert b"STARTTLS" not in reply(f)
        s.sendall(b"STARTTLS\r\n")
        assert reply(f).startswith(b"502 ")
        s.close()

        with smtplib.SMTP("127.0.0.1", strict, timeout=30) as c:
            c.ehlo()
            for verb in ("MAIL FROM:<a@example.net>", "VRFY alice", "DATA"):
                assert c.docmd(verb)[0] == 530
            assert c.docmd("NOOP")[0] == 250
            c._host = "mx.example.org"
            c.starttls(context=i.trust())
            c.ehlo()
            assert c.docmd("MAIL FROM:<a@example.net>")[0] == 250

        context = i.trust()
        context.check_hostname = False
        with smtplib.SMTP_SSL("127.0.0.1", whole, timeout=30,
                              context=context) as c:
            c.ehlo()
            assert not c.has_extn("starttls")
            c.sendmail("a@example.net", ["bob@example.org"], MESSAGE)
        i.await_mail("bob", 1)
        # In clear it is no protocol at all.
        s, f = talk(whole)
        s.sendall(b"EHLO x\r\n")
        assert b"220" not in f.read()


def test_without_certificate(tmp_path):
    with Instance(tmp_path) as i:
        i.start()
        with i.smtp() as c:
            c.ehlo()
            assert not c.has_extn("starttls")
            assert c.docmd("STARTTLS")[0] == 502
        assert i.log(event="no-certificate")
