"""opendkim, opendmarc and rspamd from Debian, as they are: run as children
with configurations of their own, on sockets in a folder of the test's."""

import os
import shutil
import smtplib
import socket
import subprocess
import time
from pathlib import Path

import pytest
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import rsa

from support.dns import DnsServer
from support.instance import BUILD, DOMAIN

from .world import instance

PATIENCE = 120
BOB = f"bob@{DOMAIN}"
GTUBE = "JS*C4JDBQADN1.NSBN3*2IDNEN*GTUBE-STANDARD-ANTI-UBE-TEST-EMAIL*C.34X"


def program(name):
    path = shutil.which(name, path="/usr/sbin:/usr/bin:/sbin:/bin")
    if path is None:
        pytest.skip(f"{name} is not installed (mk/deps check installs it)")
    return path


class Child:
    """A program until the end of the test, once it listens at path."""

    def __init__(self, folder, path, *command, log="log"):
        self.log = Path(folder) / log
        self.path = path
        with open(self.log, "ab") as out:
            self.process = subprocess.Popen(
                command, stdin=subprocess.DEVNULL, stdout=out, stderr=out,
                start_new_session=True)
        try:
            self._await()
        except BaseException:
            self.__exit__()
            raise

    def _await(self):
        deadline = time.monotonic() + PATIENCE
        while not self._listens():
            assert self.process.poll() is None, self.log.read_text()
            assert time.monotonic() < deadline, self.log.read_text()
            time.sleep(0.05)

    def _listens(self):
        with socket.socket(socket.AF_UNIX) as s:
            return s.connect_ex(str(self.path)) == 0

    def __enter__(self):
        return self

    def __exit__(self, *_):
        # All of its own session, the processes that it has made too.
        try:
            os.killpg(self.process.pid, 15)
            self.process.wait(20)
        except (subprocess.TimeoutExpired, ProcessLookupError):
            os.killpg(self.process.pid, 9)
            self.process.wait()


class Dkim:
    """A key, and opendkim that signs with it or verifies."""

    def __init__(self, folder):
        self.folder = Path(folder)
        key = rsa.generate_private_key(65537, 2048)
        self.key = self.folder / "key"
        self.key.write_bytes(key.private_bytes(
            serialization.Encoding.PEM,
            serialization.PrivateFormat.TraditionalOpenSSL,
            serialization.NoEncryption()))
        os.chmod(self.key, 0o600)
        public = key.public_key().public_bytes(
            serialization.Encoding.PEM,
            serialization.PublicFormat.SubjectPublicKeyInfo).decode()
        octets = "".join(public.splitlines()[1:-1])
        self.keys = self.folder / "keys"
        self.keys.write_text(
            f"test._domainkey.{DOMAIN} v=DKIM1; k=rsa; p={octets}\n")

    def run(self, mode):
        folder = self.folder / mode
        folder.mkdir()
        (folder / "internal").write_text(
            "127.0.0.1\n" if mode == "s" else "192.0.2.1\n")
        conf = folder / "conf"
        conf.write_text(
            f"Socket local:{folder}/sock\nMode {mode}\nSyslog no\n"
            f"InternalHosts {folder}/internal\nDomain {DOMAIN}\n"
            f"Selector test\nKeyFile {self.key}\n"
            f"TestPublicKeys {self.keys}\nAuthservID mx.{DOMAIN}\n"
            "Canonicalization relaxed/simple\nOversignHeaders From\n"
            "RequireSafeKeys no\n"
            "UserID root\n")
        return Child(folder, folder / "sock", program("opendkim"), "-f", "-x",
                     str(conf))


def milter(name, path, more=""):
    return f"milter {name} {{\n\tsocket = {path}\n{more}}}\n"


# A connection for each client, or one that is kept from client to client.
ANEW_AND_KEPT = ["", "\tkeep_connections = 4\n\tpacket_size = 1M\n"]


@pytest.fixture(params=ANEW_AND_KEPT, ids=["anew", "kept"])
def dkim(tmp_path, request):
    """Programs of this host are signed, port 25 is verified."""
    d = Dkim(tmp_path)
    with d.run("s") as signer, d.run("v") as verifier:
        i = instance(
            tmp_path / "i", {}, names="verify",
            conf=milter("sign", signer.path, request.param) +
            milter("verify", verifier.path, request.param),
            smtpd="inject_milters = sign\n")
        with i:
            i.start()
            yield i


def inject(i, text):
    subprocess.run([BUILD / "bin" / "bulkhead-sendmail", "-C", i.conf, "-f",
                    f"alice@{DOMAIN}", BOB], input=text.encode(), check=True)


def newest(i, n):
    found = i.await_mail("bob", n)
    return max(found, key=lambda p: p.stat().st_mtime_ns).read_bytes().replace(
        b"\r\n", b"\n")


def without_own(octets):
    """The message as another host would get it: from the signature on."""
    return octets[octets.index(b"DKIM-Signature:"):]


TEXTS = {
    "short": "Subject: hello\nFrom: alice@example.org\n\nhello\n.\n",
    "8-bit": "Subject: gr\u00fc\u00dfe\nFrom: alice@example.org\n\n\u00e4\n",
    "without a date, folded": "Subject: a\n\tb\n c\nFrom: <alice@example.org>\n\n"
                              "  body \n\n\n",
    "large": "From: alice@example.org\nSubject: x\n\n" + "y" * 70 + "\n" +
             ("z" * 60 + "\n") * 12000,
}


@pytest.mark.parametrize("what", TEXTS)
def test_opendkim_signs_and_verifies(dkim, what):
    """What opendkim signed is what arrived: the fields that smtpd had added and
    the body, octet for octet; and one octet more is found out."""
    i = dkim
    inject(i, TEXTS[what])
    signed = without_own(newest(i, 1))
    head = signed.split(b"\n\n")[0]
    assert b"\nMessage-ID:" in head and b"\nDate:" in head
    i.send(f"alice@{DOMAIN}", [BOB], signed.replace(b"\n", b"\r\n"))
    result = newest(i, 2)
    assert b"Authentication-Results: mx.example.org;\n\tdkim=pass" in result
    i.send(f"alice@{DOMAIN}", [BOB],
           signed.replace(b"\n", b"\r\n") + b"more\r\n")
    result = newest(i, 3)
    assert b"dkim=fail" in result.split(b"\n\n")[0]


def test_opendmarc_after_opendkim(tmp_path):
    """The second milter reads the field that the first has put in, and refuses
    with a reply of its own."""
    d = Dkim(tmp_path)
    folder = tmp_path / "dmarc"
    folder.mkdir()
    (folder / "resolv.conf").write_text("nameserver 127.0.0.1\n")
    (folder / "zone").write_text(f'_dmarc TXT "v=DMARC1; p=reject"\n')
    (folder / "conf").write_text(
        f"Socket local:{folder}/sock\nAuthservID mx.{DOMAIN}\n"
        f"TrustedAuthservIDs mx.{DOMAIN}\nRejectFailures true\nSyslog false\n"
        "SPFIgnoreResults true\nUserID root\nIgnoreHosts "
        f"{folder}/ignore\n")
    (folder / "ignore").write_text("192.0.2.1\n")
    if subprocess.run(["unshare", "-n", "-m", "true"]).returncode != 0:
        pytest.skip("no namespaces of one's own here")
    with d.run("s") as signer, d.run("v") as verifier, Child(
            folder, folder / "sock", "unshare", "-n", "-m", "/usr/bin/python3",
            Path(__file__).with_name("namespace.py"), DOMAIN, folder / "zone",
            folder / "resolv.conf", program("opendmarc"), "-f", "-c",
            folder / "conf") as dmarc:
        i = instance(
            tmp_path / "i", {}, names="verify dmarc",
            conf=milter("sign", signer.path) + milter("verify", verifier.path)
            + milter("dmarc", dmarc.path), smtpd="inject_milters = sign\n")
        with i:
            i.start()
            inject(i, TEXTS["short"])
            signed = without_own(newest(i, 1)).replace(b"\n", b"\r\n")
            i.send(f"alice@{DOMAIN}", [BOB], signed)
            head = newest(i, 2).split(b"\n\n")[0]
            assert b"dkim=pass" in head and b"dmarc=pass" in head
            with pytest.raises(smtplib.SMTPDataError) as e:
                i.send(f"alice@{DOMAIN}", [BOB],
                       TEXTS["short"].replace("\n", "\r\n").encode())
            assert e.value.smtp_code == 550
            assert b"DMARC" in e.value.smtp_error
            line, = i.log(event="refused", what="message")
            assert line["reason"] == "milter dmarc"


@pytest.fixture(scope="module")
def rspamd(tmp_path_factory):
    folder = tmp_path_factory.mktemp("rspamd")
    os.chmod(folder, 0o755)
    with DnsServer() as dns:
        # The whole list takes it a minute to compile.
        (folder / "tld").write_text("com\norg\nnet\nexample\n")
        conf = folder / "rspamd.conf"
        conf.write_text(f"""
options {{
    filters = "";
    pidfile = "{folder}/pid";
    cache_file = "{folder}/cache";
    hs_cache_dir = "{folder}";
    disable_hyperscan = true;
    enable_test_patterns = true;
    url_tld = "{folder}/tld";
    map_watch_interval = 1d;
    tempdir = "{folder}";
    enable_shutdown_workaround = true;
    dns {{ nameserver = ["127.0.0.1:{dns.port}"]; timeout = 1s; }}
}}
logging {{ type = "file"; filename = "{folder}/rspamd.log"; level = "info"; }}
actions {{ reject = 15; add_header = 6; }}
worker "rspamd_proxy" {{
    bind_socket = "{folder}/sock mode=0666";
    milter = yes;
    timeout = 30s;
    count = 1;
    upstream "local" {{ default = yes; self_scan = yes; }}
}}
""")
        with Child(folder, folder / "sock", program("rspamd"), "-f", "-i", "-c",
                   str(conf)) as c:
            yield c


@pytest.fixture(params=ANEW_AND_KEPT, ids=["anew", "kept"])
def filtered(tmp_path, rspamd, request):
    i = instance(tmp_path / "i", {}, names="spam",
                 conf=milter("spam", rspamd.path, request.param))
    with i:
        i.start()
        yield i


def letter(body):
    return (f"From: a@example.net\r\nTo: {BOB}\r\nSubject: x\r\n"
            "Date: Fri, 27 Nov 2026 20:00:00 +0000\r\n"
            f"Message-ID: <x@example.net>\r\n\r\n{body}\r\n")


def test_rspamd_lets_mail_through(filtered):
    filtered.send("a@example.net", [BOB], letter("A harmless letter."))
    assert b"A harmless letter." in newest(filtered, 1)
    assert filtered.log(event="milter", milter="spam")
    assert not filtered.log(event="milter-failed")


def test_rspamd_refuses_spam(filtered):
    with pytest.raises(smtplib.SMTPDataError) as e:
        filtered.send("a@example.net", [BOB], letter("X" + GTUBE))
    assert e.value.smtp_code == 554
    assert not filtered.maildir("bob")
    line, = filtered.log(event="refused", what="message")
    assert line["reason"] == "milter spam"


def test_rspamd_marks_what_may_be_spam(filtered):
    filtered.send("a@example.net", [BOB], letter("Y" + GTUBE))
    head = newest(filtered, 1).split(b"\n\n")[0]
    assert b"X-Spam: Yes" in head


def test_rspamd_sees_one_client_after_another(filtered):
    """The spam of one is not held against the next."""
    for n in range(4):
        filtered.send("a@example.net", [BOB], letter(f"letter {n}"))
        with pytest.raises(smtplib.SMTPDataError):
            filtered.send("a@example.net", [BOB], letter("X" + GTUBE))
    filtered.await_mail("bob", 4)
    assert not filtered.log(event="milter-failed")


def test_rspamd_sees_one_session_after_another(filtered):
    with filtered.smtp() as c:
        for n in range(5):
            c.sendmail("a@example.net", [BOB], letter(f"letter {n}"))
    filtered.await_mail("bob", 5)
    assert not filtered.log(event="milter-failed")
