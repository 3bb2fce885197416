"""SCRAM-SHA-256 (RFC 5802, 7677) from the client's side, and the verifier of
RFC 5803: by hashlib alone, sharing nothing with the program under test."""

import base64
import hashlib
import hmac
import secrets


def b64(octets):
    return base64.b64encode(octets).decode()


def _hmac(key, text):
    return hmac.new(key, text, hashlib.sha256).digest()


def _salted(password, salt, iterations):
    return hashlib.pbkdf2_hmac("sha256", password.encode(), salt, iterations)


def verifier(password, iterations=4096):
    salt = secrets.token_bytes(16)
    salted = _salted(password, salt, iterations)
    stored = hashlib.sha256(_hmac(salted, b"Client Key")).digest()
    return (f"SCRAM-SHA-256${iterations}:{b64(salt)}${b64(stored)}:"
            f"{b64(_hmac(salted, b'Server Key'))}")


class Client:
    """first(), final(server_first), verify(server_final), all decoded."""

    def __init__(self, name, password, flag="n", binding=b"", authzid=""):
        self.password = password
        self.nonce = secrets.token_hex(12)
        escaped = name.replace("=", "=3D").replace(",", "=2C")
        self.header = f"{flag},{'a=' + authzid if authzid else ''},"
        self.binding = binding
        self.bare = f"n={escaped},r={self.nonce}"

    def first(self):
        return (self.header + self.bare).encode()

    def parse(self, server_first):
        fields = dict(f.split("=", 1)
                      for f in server_first.decode().split(","))
        return (fields["r"], base64.b64decode(fields["s"], validate=True),
                int(fields["i"]))

    def final(self, server_first):
        nonce, salt, iterations = self.parse(server_first)
        assert nonce.startswith(self.nonce) and len(nonce) > len(self.nonce)
        without = (f"c={b64(self.header.encode() + self.binding)},"
                   f"r={nonce}")
        message = ",".join((self.bare, server_first.decode(),
                            without)).encode()
        salted = _salted(self.password, salt, iterations)
        key = _hmac(salted, b"Client Key")
        signature = _hmac(hashlib.sha256(key).digest(), message)
        proof = bytes(a ^ b for a, b in zip(key, signature))
        self.owed = "v=" + b64(_hmac(_hmac(salted, b"Server Key"), message))
        return f"{without},p={b64(proof)}".encode()

    def verify(self, server_final):
        assert server_final.decode() == self.owed
        return b""
