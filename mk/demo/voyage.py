"""The second act: another ship, and mail between the two, over TLS by DANE;
while one is away, and to somebody who is not there."""

import email
import email.policy
import hashlib
import re
import subprocess
import sys
import time
from pathlib import Path

import screen
from ship import DOMAIN, PATIENCE, Failure, Ship

sys.path.insert(0, str(Path(__file__).resolve().parents[2] / "tests"))
from cryptography import x509  # noqa: E402
from cryptography.hazmat.primitives.serialization import (  # noqa: E402
    Encoding, PublicFormat)
from support.dns import DnsServer  # noqa: E402

FAR = "island.example"
RETRY = 2


def key_hash(chain):
    """What a TLSA record 3 1 1 says of a certificate (RFC 6698 section 2.1):
    SHA-256 of its public key."""
    cert = x509.load_pem_x509_certificate(chain.read_bytes())
    return hashlib.sha256(cert.public_key().public_bytes(
        Encoding.DER, PublicFormat.SubjectPublicKeyInfo)).hexdigest()


class Sea:
    """DNS for both ships: signed zones of a server of our own."""

    def __init__(self):
        self.server = DnsServer()
        for domain in DOMAIN, FAR:
            self.server.zone(domain, signed=True)

    def publish(self, ship):
        """The zone of a ship; its key stays, for that is what is trusted."""
        port = ship.ports["smtp"]
        rows = [("@", "MX", "10 mx"), ("mx", "A", "127.0.0.1"),
                (f"_{port}._tcp.mx", "TLSA", "3 1 1 " + key_hash(
                    ship.folder / "state/self-signed/chain.pem"))]
        old = next(z for z in self.server.zones
                   if z.origin.to_text() == f"{ship.domain}.")
        self.server.zone(ship.domain, "\n".join(map(" ".join, rows)),
                         signed=True, key=old.key)
        return rows

    def chart(self, ship, other):
        """The settings of a ship that sails by it."""
        ship.write("resolver.conf", self.server.settings(
            "max_negative_ttl = 0\n"))
        ship.write("trust-anchors", self.server.anchors())
        ship.write("remote-relay.conf",
                   f"smtp_port = {other.ports['smtp']}\n"
                   "interface_addresses = no\naddress_family = ipv4\n"
                   "host_down_time = 0\n"
                   "route default {\n\ttls = dane-only\n}\n")
        ship.write("queue-manager.conf",
                   f"retry_min = {RETRY}s\nretry_max = {RETRY}s\n")

    def close(self):
        self.server.close()


class Voyage:
    def __init__(self, build, ship):
        self.near = ship
        self.far = Ship(build, FAR)
        self.sea = Sea()
        self.arrived = {}

    def prepare(self):
        """Before the first ship leaves: it shall know the sea."""
        self.sea.chart(self.near, self.far)

    # -- the chapters

    def set_out(self, number):
        screen.chapter(number, "Act two: another ship, and the sea between")
        far = self.far
        screen.note(f"A second instance, {FAR}, with directories, ports and "
                    "uids of its own. A DNS server of this demonstration "
                    "has a signed zone for each of the two.")
        far.configure()
        self.sea.chart(far, self.near)
        screen.command(far.shown("user", "add", far.address("carol")))
        screen.done(far.add_user("carol"))
        screen.command(far.shown("start"))
        far.start()
        screen.done(f"{len(far.status())} processes are ready")
        screen.say("  What DNS says, and signs:")
        screen.table([(f"{name}.{ship.domain}".replace("@.", ""), kind,
                       text if len(text) < 40 else text[:30] + "...")
                      for ship in (self.near, far)
                      for name, kind, text in self.sea.publish(ship)])
        screen.note("TLSA (RFC 6698) names the key of the certificate that "
                    "each made for itself: no authority has to vouch for "
                    "it. Both send to nobody else: tls = dane-only.")

    def across(self, number):
        screen.chapter(number, "A letter across, by DANE")
        self.letter(self.near, "alice", self.far, "carol", "Ahoy")
        secured = self.near.log.await_line(event="tls",
                                           stage="remote-relay")
        if secured.get("verified") != "dane":
            raise Failure(f"not by DANE: {secured}")
        screen.say("  How it left, from the log of remote-relay:")
        screen.table([(k, secured[k]) for k in
                      ("host", "version", "cipher", "verified", "tlsa")
                      if secured.get(k)])
        path = self.await_letter(self.far, "carol")
        self.trace(path)
        screen.done(f"{FAR} has it; the key was the one that DNS names")
        self.letter(self.far, "carol", self.near, "alice", "Ahoy yourself")
        self.await_letter(self.near, "alice")
        screen.done("and the answer came back in the same way")

    def gone(self, number):
        screen.chapter(number, "One goes down, and mail waits")
        near, far = self.near, self.far
        screen.command(far.shown("stop"))
        if left := far.stop():
            raise Failure(f"still running: {left}")
        screen.done(f"{FAR} is gone")
        for subject in "Where are you?", "Still there?":
            self.letter(near, "alice", far, "carol", subject)
        screen.command(near.shown("queue", "list"))
        for text in self.waiting(near, far).splitlines():
            screen.line("|", text, "dim")
        screen.done("both are on disk, and are tried again")
        screen.command(far.shown("start"))
        far.start()
        for _ in range(2):
            self.await_letter(far, "carol")
        screen.done(f"{FAR} is back, and both have arrived")
        self.await_empty(near)
        screen.command(near.shown("queue", "list"))
        screen.line("|", near.must("queue", "list").stdout.splitlines()[0],
                    "dim")

    def hopeless(self, number):
        screen.chapter(number, "A hopeless one comes back")
        near, far = self.near, self.far
        self.letter(near, "alice", far, "nobody", "Is anybody there?")
        path = self.await_letter(near, "alice")
        message = email.message_from_bytes(path.read_bytes(),
                                           policy=email.policy.default)
        if message.get_content_type() != "multipart/report":
            raise Failure("not a report: " + str(message["Subject"]))
        screen.say("  Alice has a report (RFC 3464):")
        for field in "From", "Subject":
            screen.line("|", f"{field}: {message[field]}", "dim")
        text, status = list(message.iter_parts())[:2]
        for line in text.get_content().strip().splitlines():
            screen.line("|", line, "dim")
        screen.line("|", "...", "dim")
        fields = status.as_string()
        for line in fields.splitlines():
            if re.match(r"(Final-Recipient|Action|Status|Remote-MTA|"
                        r"Diagnostic-Code):", line):
                screen.line("|", line, "dim")
        if "Action: failed" not in fields or "5.1.1" not in fields:
            raise Failure("the report does not say what was wrong:\n" +
                          fields)
        self.await_empty(near)
        screen.done("nothing was lost, and nobody waits for an answer")

    # -- parts of them

    def letter(self, ship, name, other, to, subject):
        """By the program that others call sendmail."""
        sender, to = ship.address(name), other.address(to)
        argv = [f"{ship.programs}/bulkhead-sendmail", "-C", str(ship.conf),
                "-f", sender, to]
        screen.command(f"printf 'Subject: {subject}\\n\\n...' | "
                       + " ".join(["sendmail", *argv[1:]]))
        done = subprocess.run(
            argv, capture_output=True, timeout=PATIENCE,
            input=f"From: {sender}\nTo: {to}\nSubject: {subject}\n\n"
                  "From deck to deck.\n".encode())
        if done.returncode != 0:
            raise Failure(f"sendmail: {done.stderr.decode()}\n"
                          + ship.tail())

    def await_letter(self, ship, name):
        """The next one of this mailbox."""
        where = (ship, name)
        if where not in self.arrived:
            self.arrived[where] = self.before(ship, name)
        self.arrived[where] += 1
        return ship.await_message(name, self.arrived[where])

    def before(self, ship, name):
        """What act one has left there."""
        return {(self.near, "alice"): 2}.get((ship, name), 0)

    def trace(self, path):
        """The Received field that says how it came."""
        text = path.read_bytes().decode("utf-8", "replace")
        field = re.search(r"^Received:.*?with ESMTPS.*?(?=^\S)", text,
                          re.M | re.S)
        if field is None:
            raise Failure("it did not come by TLS:\n" + text)
        screen.say("  How it came, from its own trace field:")
        for line in field[0].rstrip().splitlines():
            screen.line("|", line, "dim")

    def waiting(self, ship, other):
        """What the queue says when both letters wait, and for what; while one
        is tried again nothing is said of it."""
        deadline = time.monotonic() + PATIENCE
        while True:
            listed = ship.must("queue", "list").stdout
            if listed.count(other.address("carol")) == 2 and \
                    "cannot connect" in listed:
                return listed
            if time.monotonic() > deadline:
                raise Failure("two letters should be waiting:\n" + listed)
            time.sleep(0.1)

    def await_empty(self, ship):
        deadline = time.monotonic() + PATIENCE
        while "The queue is empty." not in ship.must("queue", "list").stdout:
            if time.monotonic() > deadline:
                raise Failure("the queue does not empty:\n" + ship.tail())
            time.sleep(0.1)

    def run(self, number):
        for chapter in self.set_out, self.across, self.gone, self.hopeless:
            chapter(number)
            number += 1
        return number
