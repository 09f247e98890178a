"""nginx and Caddy out of Debian's packages, unpacked into a folder and run by nobody but the test."""

from __future__ import annotations

import datetime as dt
import ipaddress
import os
import re
import shutil
import socket
import subprocess
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec

DEPLOY = Path(__file__).resolve().parents[2] / "deploy"


PACKAGES = {"nginx": "usr/sbin/nginx", "nginx-common": "usr/share/nginx", "caddy": "usr/bin/caddy"}


def unpacked(folder: Path, packages: Mapping[str, str] = PACKAGES) -> Path:
    """Debian's packages, each with a file by which one knows that it is there; fetched once by apt into `folder`."""
    root = folder / "root"
    if all((root / path).exists() for path in packages.values()):
        return root
    if shutil.which("apt-get") is None:
        pytest.skip(f"{', '.join(packages)} come from Debian, and this is not Debian")
    folder.mkdir(parents=True, exist_ok=True)
    fetched = subprocess.run(["apt-get", "download", *packages], cwd=folder, capture_output=True, text=True)
    if fetched.returncode:
        pytest.skip(f"Debian's packages are not within reach: {fetched.stderr.strip().splitlines()[-1]}")
    for package in folder.glob("*.deb"):
        subprocess.run(["dpkg", "-x", str(package), str(root)], check=True)
    return root


def certificate(folder: Path) -> tuple[Path, Path]:
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "localhost")])
    now = dt.datetime.now(dt.UTC)
    names = [x509.DNSName("localhost"), x509.IPAddress(ipaddress.ip_address("127.0.0.1"))]
    made = (
        x509.CertificateBuilder().subject_name(name).issuer_name(name).public_key(key.public_key())
        .serial_number(x509.random_serial_number()).not_valid_before(now).not_valid_after(now + dt.timedelta(days=2))
        .add_extension(x509.SubjectAlternativeName(names), critical=False).sign(key, hashes.SHA256())
    )  # fmt: skip
    chain, private = folder / "fullchain.pem", folder / "privkey.pem"
    chain.write_bytes(made.public_bytes(serialization.Encoding.PEM))
    plain = serialization.NoEncryption()
    private.write_bytes(
        key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.TraditionalOpenSSL, plain)
    )
    return chain, private


@contextmanager
def nginx(root: Path, folder: Path, *, port: int, to: int, subpath: bool) -> Iterator[None]:
    """Our file, with the port, certificate and folders of the test put in."""
    chain, key = certificate(folder)
    text = (DEPLOY / "nginx" / ("duologue-subpath.conf" if subpath else "duologue.conf")).read_text()
    text = text.split("server {\n    listen 80")[0].replace("127.0.0.1:8000", f"127.0.0.1:{to}")
    text = text.replace("listen 443 ssl", f"listen 127.0.0.1:{port} ssl").replace("/etc/nginx/", f"{DEPLOY}/nginx/")
    text = text.replace("/etc/ssl/duologue/fullchain.pem", str(chain)).replace(
        "/etc/ssl/duologue/privkey.pem", str(key)
    )
    text = re.sub(r"server_name [\w.]+;", "server_name localhost;", text)
    places = "".join(
        f"    {name}_temp_path {folder}/{name};\n" for name in ("client_body", "proxy", "fastcgi", "uwsgi", "scgi")
    )
    user = "user root;\n" if os.getuid() == 0 else ""
    main = folder / "nginx.conf"
    main.write_text(
        f"{user}pid {folder}/nginx.pid;\nerror_log {folder}/error.log;\ndaemon off;\nevents {{}}\n"
        f"http {{\n    access_log off;\n{places}{text}\n}}\n"
    )
    with _running([str(root / "usr/sbin/nginx"), "-p", str(folder), "-c", str(main)], port, folder):
        yield


@contextmanager
def caddy(root: Path, folder: Path, *, port: int, to: int, subpath: bool) -> Iterator[None]:
    chain, key = certificate(folder)
    text = (DEPLOY / "caddy" / ("Caddyfile.subpath" if subpath else "Caddyfile")).read_text()
    text = text.replace("127.0.0.1:8000", f"127.0.0.1:{to}").replace(
        "\tservers {", "\tadmin off\n\tauto_https off\n\tservers {"
    )
    text = re.sub(
        r"\n(label\.)?example\.org \{", f"\nhttps://localhost:{port} {{\n\tbind 127.0.0.1\n\ttls {chain} {key}", text
    )
    file = folder / "Caddyfile"
    file.write_text(text)
    env = {**os.environ, "HOME": str(folder), "XDG_DATA_HOME": str(folder), "XDG_CONFIG_HOME": str(folder)}
    command = [str(root / "usr/bin/caddy"), "run", "--config", str(file), "--adapter", "caddyfile"]
    with _running(command, port, folder, env):
        yield


@contextmanager
def _running(command: list[str], port: int, folder: Path, env: dict[str, str] | None = None) -> Iterator[None]:
    with (folder / "proxy.log").open("wb") as log:
        process = subprocess.Popen(command, stdout=log, stderr=log, env=env)
    try:
        until = time.monotonic() + 20
        while True:
            with socket.socket() as probe:
                if probe.connect_ex(("127.0.0.1", port)) == 0:
                    break
            said = (folder / "proxy.log").read_text()[-1500:]
            assert process.poll() is None, said
            assert time.monotonic() < until, said
            time.sleep(0.1)
        yield
    finally:
        process.terminate()
        process.wait(timeout=20)
