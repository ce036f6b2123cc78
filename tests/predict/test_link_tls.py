"""TLS behind a presigned URL: verified for the name, though an address is connected to."""

import json
import subprocess
import sys
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec

from tests.support.processes import environment

_TLS = """
import http.server, json, socket, ssl, sys, threading
from predict.link import open_link
from serving.errors import UnavailableError
from tests.support.ground import SIGNED

class Handler(http.server.BaseHTTPRequestHandler):
    def do_GET(self):
        self.send_response(200)
        self.send_header("Content-Length", "5")
        self.end_headers()
        self.wfile.write(b"hello")
    def log_message(self, *_): ...

context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
context.load_cert_chain("server.pem")
names = []
context.sni_callback = lambda _, name, __: names.append(name)
server = http.server.HTTPServer(("127.0.0.1", 0), Handler)
server.socket = context.wrap_socket(server.socket, server_side=True)
server.handle_error = lambda *_: None
threading.Thread(target=server.serve_forever, daemon=True).start()
seen = []
for host in ("bucket.test", "other.test"):
    endpoint = f"https://{host}:{server.server_port}"
    resolve = lambda _, port, **__: [(socket.AF_INET, 0, 0, "", ("127.0.0.1", port))]
    try:
        with open_link(f"{endpoint}/b/key?{SIGNED}", endpoint, 100, 20, resolve) as stream:
            seen.append(stream.read().decode())
    except UnavailableError as error:
        seen.append(str(error))
print(json.dumps([seen, names]))
"""


def certificate(folder: Path) -> None:
    """A certificate for bucket.test that signs itself, by the library that moto brings."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "bucket.test")])
    signed = (
        x509.CertificateBuilder(name, name, key.public_key(), x509.random_serial_number())
        .not_valid_before(datetime.now(UTC) - timedelta(days=1))
        .not_valid_after(datetime.now(UTC) + timedelta(days=1))
        .add_extension(x509.SubjectAlternativeName([x509.DNSName("bucket.test")]), critical=False)
        .sign(key, hashes.SHA256())
    )
    pem = signed.public_bytes(serialization.Encoding.PEM)
    private = key.private_bytes(
        serialization.Encoding.PEM,
        serialization.PrivateFormat.PKCS8,
        serialization.NoEncryption(),
    )
    (folder / "server.pem").write_bytes(private + pem)
    (folder / "trusted.pem").write_bytes(pem)


@pytest.mark.parametrize("trusted", [True, False])
def test_tls_is_verified_for_the_name(tmp_path: Path, trusted: bool) -> None:
    """In a process of its own, since OpenSSL reads which authorities it trusts once."""
    certificate(tmp_path)
    (tmp_path / "none.pem").touch()
    file = tmp_path / ("trusted.pem" if trusted else "none.pem")
    done = subprocess.run(
        [sys.executable, "-c", _TLS],
        cwd=tmp_path,
        env=environment(SSL_CERT_FILE=str(file), SSL_CERT_DIR=str(tmp_path)),
        capture_output=True,
        text=True,
    )
    assert done.returncode == 0, done.stderr
    (right, wrong), names = json.loads(done.stdout)
    assert names == ["bucket.test", "other.test"]
    assert "no connection to other.test" in wrong
    if trusted:
        assert right == "hello"
        assert "Hostname mismatch" in wrong
    else:
        assert "self-signed certificate" in right
