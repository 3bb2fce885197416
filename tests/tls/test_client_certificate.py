"""A certificate that remote-relay shows to hosts that ask for one: the chain
is its own, the key is tlskeyd's alone."""

import re
import ssl
import subprocess
import threading
import time

import pytest

from support.instance import DOMAIN, PATIENCE, SANITIZED, Instance
from support.peer import Peer
from support.pki import Authority

from .authority import Pair
from .test_keys import holds

MESSAGE = "From: a@example.org\r\nSubject: {}\r\n\r\nhello\r\n"
QUICK = "retry_min = 1s\nretry_max = 1s\n"


class Wanting(Peer):
    """A host that takes mail from those alone whose certificate it knows."""

    def __init__(self, folder, known, version=None, **more):
        context = Authority("the host").context(folder)
        context.verify_mode = ssl.CERT_REQUIRED
        for pair in known:
            context.load_verify_locations(pair.chain)
        if version is not None:
            context.minimum_version = context.maximum_version = version
        self.shown = []
        super().__init__(extensions=["STARTTLS"], tls=context,
                         ehlo=self.look, **more)

    def look(self, s):
        if s.secured:
            self.shown.append(s.sock.getpeercert(True))
        return "250-peer\r\n250 STARTTLS"


def site(folder, pairs, port, certificate, stages="remote-relay",
         tls="required"):
    return Instance(
        folder / "i", settings="".join(
            p.block(f"\tstages = {stages}\n") for p in pairs),
        files={"domains": f"{DOMAIN}\nelsewhere.example relay unchecked\n",
               "queue-manager.conf": QUICK,
               "remote-relay.conf": "interface_addresses = no\n"
               f"route default {{\n\tvia = [127.0.0.1]:{port}\n"
               f"\ttls = {tls}\n\ttls_certificate = {certificate}\n}}\n"})


def send(i, n):
    i.send(f"alice@{DOMAIN}", [f"x{n}@elsewhere.example"], MESSAGE.format(n))


def der(pair):
    return ssl.PEM_cert_to_DER_cert(pair.chain.read_text())


@pytest.mark.parametrize("version", ["TLSv1_2", "TLSv1_3"])
@pytest.mark.parametrize("algorithm", ["ec", "rsa", "ed25519"])
def test_shown(tmp_path, algorithm, version):
    pair = Pair(tmp_path, "ours", algorithm)
    with Wanting(tmp_path, [pair], ssl.TLSVersion[version]) as p, \
            site(tmp_path, [pair], p.port, "ours") as i:
        i.start()
        for n in range(3):
            send(i, n)
        p.await_messages(3)
        assert set(p.shown) == {der(pair)}
        assert i.await_empty_queue()["difference"] == 0


def test_the_wrong_one_and_none(tmp_path):
    """The mail waits: until the right one is there, and it is not sent in
    clear meanwhile."""
    pair, other = Pair(tmp_path, "ours"), Pair(tmp_path, "other")
    with Wanting(tmp_path, [pair]) as p, \
            site(tmp_path, [pair, other], p.port, "other") as i:
        i.start()
        send(i, 0)
        i.await_log(event="deferred", stage="remote-relay")
        text = (i.conf / "remote-relay.conf").read_text()
        for name in "", "nobody":
            n = len(i.log(event="deferred", stage="remote-relay"))
            i.write("remote-relay.conf", text.replace(
                "tls_certificate = other", f"tls_certificate = {name}"))
            r = i.command("reload")
            if name:
                assert r.returncode == 78
                assert "no certificate of that name" in r.stderr
                continue
            assert r.returncode == 0, r.stderr
            i.await_log(n + 1, event="deferred", stage="remote-relay")
        assert not p.messages
        i.write("remote-relay.conf", text.replace("= other", "= ours"))
        assert i.command("reload").returncode == 0
        p.await_messages(1)
        assert not any(l.startswith("MAIL") for s in p.sessions
                       if not s.secured for l in s.lines)


def test_never_in_clear(tmp_path):
    """Whoever has to be shown who we are is not spoken to in clear."""
    pair = Pair(tmp_path, "ours")
    for tls, good in (("opportunistic", False), ("dane", False),
                      ("required", True)):
        i = site(tmp_path, [pair], 25, "ours", tls=tls)
        try:
            r = i.command("check")
            assert (r.returncode == 0) == good, r.stderr
            assert good or "tls_certificate" in r.stderr
        finally:
            i.close()


def test_a_key_that_is_not_meant_for_it(tmp_path):
    """tlskeyd goes by the stages of the block, whatever remote-relay says:
    here its settings name one of smtpd's, past `bulkhead check`."""
    pair = Pair(tmp_path, "ours")
    with Wanting(tmp_path, [pair]) as p, \
            site(tmp_path, [pair], p.port, "ours", stages="smtpd") as i:
        i.start()
        send(i, 0)
        line = i.await_log(event="deferred", stage="remote-relay")[0]
        assert "there is no certificate ours" in line["reason"]
        assert not p.messages
        assert not i.log(event="certificate-in-use", stage="remote-relay")


def test_clients_still_get_one(tmp_path):
    """A certificate for other hosts alone is none that serves: start still
    makes one that signs itself."""
    pair = Pair(tmp_path, "ours")
    i = site(tmp_path, [pair], 25, "ours")
    try:
        with open(i.log_path, "ab") as log:
            subprocess.run([i.programs / "bulkhead", "-C", i.conf, "start"],
                           stdin=subprocess.DEVNULL, stdout=log, stderr=log,
                           timeout=PATIENCE, check=True)
        i.await_log(event="certificate-in-use", certificate="self-signed",
                    stage="smtpd")
        i.await_log(event="certificate-in-use", certificate="ours",
                    stage="remote-relay")
        assert not i.log(event="certificate-in-use", certificate="ours",
                         stage="smtpd")
        assert not i.log(event="certificate-in-use", stage="remote-relay",
                         certificate="self-signed")
        assert i.command("stop").returncode == 0
    finally:
        i.close()


@pytest.mark.skipif(SANITIZED, reason="shadow memory is too much to read")
def test_the_key_is_nowhere_else(tmp_path):
    """Its secret number, looked for in the memory of each process."""
    pair = Pair(tmp_path, "ours", "rsa")
    with Wanting(tmp_path, [pair]) as p, \
            site(tmp_path, [pair], p.port, "ours") as i:
        i.start()
        for n in range(3):
            send(i, n)
        p.await_messages(3)
        text = subprocess.run(["openssl", "rsa", "-in", pair.key, "-noout",
                               "-text"], capture_output=True,
                              text=True).stdout
        prime = re.search(r"prime1:\s+((?:[0-9a-f]{2}[:\s]+)+)", text)[1]
        octets = bytes.fromhex(re.sub(r"[:\s]", "", prime)).lstrip(b"\0")
        needles = octets[32:64], octets[::-1][32:64]
        found = {}
        for pid, program in i.processes():
            found[program] = found.get(program, 0) + holds(pid, needles)
        assert found.pop("tlskeyd") > 0
        assert "remote-relay" in found and set(found.values()) == {0}, found


def test_tlskeyd_is_killed(tmp_path):
    """Handshakes under way fail; their mail is put off, and none is lost, or
    sent twice."""
    pair = Pair(tmp_path, "ours")
    with Wanting(tmp_path, [pair]) as p, \
            site(tmp_path, [pair], p.port, "ours") as i:
        i.write("remote-relay.conf", "connection_messages = 1\n" + (
            i.conf / "remote-relay.conf").read_text())
        i.start()
        for n in range(60):
            send(i, n)
            if n % 20 == 10:
                i.kill("tlskeyd")
                time.sleep(0.1)
        assert i.await_empty_queue(90)["difference"] == 0
        assert len(p.messages) == 60
        assert {m.rcpt[0] for m in p.messages} == {
            f"RCPT TO:<x{n}@elsewhere.example>" for n in range(60)}
        assert not any(l.startswith("MAIL") for s in p.sessions
                       if not s.secured for l in s.lines)


def test_no_second_connection_can_be_made(tmp_path):
    """One connection is busy, and nothing is left to make another with: that
    is tried once for a message and not in a circle, in which remote-relay
    would do nothing else; what waits goes by the connection that is there."""
    pair = Pair(tmp_path, "ours")
    go_on = threading.Event()

    def wait(s):
        go_on.wait(PATIENCE)
        return "250 2.1.0 ok"

    with Wanting(tmp_path, [pair], mail=[wait, "250 2.1.0 ok"]) as p, \
            site(tmp_path, [pair], p.port, "ours") as i:
        i.start()
        send(i, 0)
        p.await_mails(1)
        text = (i.conf / "bulkhead.conf").read_text()
        i.write("bulkhead.conf", text.replace("stages = remote-relay",
                                              "stages = smtpd"))
        i.kill("tlskeyd")	# which `bulkhead reload` would not allow
        i.await_log(2, event="started", stage="tlskeyd")
        for n in range(1, 4):
            send(i, n)
        i.await_log(1, event="host-failed", stage="remote-relay")
        go_on.set()
        p.await_messages(4)
        assert len(i.log(event="host-failed", stage="remote-relay")) < 10
        assert i.await_empty_queue()["difference"] == 0
