"""Channel bindings from the client's side, by hashlib and what Python's ssl
tells: nothing of the program under test, nor of OpenSSL's exporter."""

import hashlib
import hmac
import ssl


def _expand_label(secret, label, context, length, hash_name):
    """HKDF-Expand-Label: RFC 8446 section 7.1."""
    label = b"tls13 " + label
    info = (length.to_bytes(2, "big") + bytes([len(label)]) + label +
            bytes([len(context)]) + context)
    out, block = b"", b""
    while len(out) < length:
        block = hmac.new(secret, block + info + bytes(
            [len(out) // hashlib.new(hash_name).digest_size + 1]),
            hash_name).digest()
        out += block
    return out[:length]


def exporter(connection, keylog):
    """tls-exporter (RFC 9266) of a TLS 1.3 connection, whose context wrote
    its secrets to keylog; of several connections the last."""
    name = "sha384" if "SHA384" in connection.cipher()[0] else "sha256"
    secret = [line.split()[2] for line in keylog.read_text().splitlines()
              if line.startswith("EXPORTER_SECRET ")][-1]
    empty = hashlib.new(name, b"").digest()
    derived = _expand_label(bytes.fromhex(secret),
                            b"EXPORTER-Channel-Binding", empty, len(empty),
                            name)
    return _expand_label(derived, b"exporter", empty, 32, name)


def unique(connection):
    """tls-unique (RFC 5929 section 3) of a TLS 1.2 connection."""
    return connection.get_channel_binding("tls-unique")


def end_point(pem):
    """tls-server-end-point (RFC 5929 section 4) of a certificate that is
    signed with SHA-256."""
    text = pem.read_text()
    end = "-----END CERTIFICATE-----"
    return hashlib.sha256(ssl.PEM_cert_to_DER_cert(
        text[:text.index(end) + len(end)])).digest()
