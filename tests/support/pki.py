"""Certificates in chains, and the TLSA records that name them.

    ca = Authority("a root")
    leaf = ca.leaf("mx.example.net")
    peer = Peer(tls=leaf.context(folder))
    tlsa(3, 1, 1, leaf)			# (3, 1, 1, octets)
"""

import datetime
import hashlib
import itertools
import ssl

from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import (
    Encoding, NoEncryption, PrivateFormat, PublicFormat)
from cryptography.x509.oid import NameOID

DAY = datetime.timedelta(days=1)
numbers = itertools.count()


def name_of(text):
    return x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, text)])


class Certificate:
    def __init__(self, name, names=(), issuer=None, ca=False, days=(-1, 30)):
        self.key = ec.generate_private_key(ec.SECP256R1())
        self.issuer = issuer
        now = datetime.datetime.utcnow()
        builder = (
            x509.CertificateBuilder().subject_name(name_of(name))
            .issuer_name(issuer.cert.subject if issuer else name_of(name))
            .public_key(self.key.public_key())
            .serial_number(x509.random_serial_number())
            .not_valid_before(now + days[0] * DAY)
            .not_valid_after(now + days[1] * DAY)
            .add_extension(x509.BasicConstraints(ca, None), True))
        if names:
            builder = builder.add_extension(x509.SubjectAlternativeName(
                [x509.DNSName(n) for n in names]), False)
        self.cert = builder.sign((issuer or self).key, hashes.SHA256())

    def der(self, selector=0):
        if selector == 0:
            return self.cert.public_bytes(Encoding.DER)
        return self.key.public_key().public_bytes(
            Encoding.DER, PublicFormat.SubjectPublicKeyInfo)

    def pem(self):
        return self.cert.public_bytes(Encoding.PEM).decode()

    def key_pem(self):
        return self.key.private_bytes(
            Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()).decode()

    def leaf(self, *names, **more):
        return Certificate(names[0] if names else "nameless", names, self,
                           **more)

    def chain(self, root=False):
        """As a server shows it: with its root or without."""
        c, text = self, ""
        while c is not None and (c.issuer is not None or c is self or root):
            text += c.pem()
            c = c.issuer
        return text

    def write(self, folder, root=False):
        """(chain, key), two files."""
        n = next(numbers)
        chain, key = folder / f"pki-{n}.pem", folder / f"pki-{n}.key"
        chain.write_text(self.chain(root))
        key.write_text(self.key_pem())
        return chain, key

    def context(self, folder, root=False):
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(*self.write(folder, root))
        return context


def Authority(name, **more):
    return Certificate(name, ca=True, **more)


def tlsa(usage, selector, matching, cert):
    data = cert.der(selector)
    if matching:
        data = hashlib.new("sha256" if matching == 1 else "sha512",
                           data).digest()
    return usage, selector, matching, data
