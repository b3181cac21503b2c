"""HTTPS with certificate files: served, replaced while running, waited for, refused when wrong."""

import os
import socket
import ssl
import subprocess
import time

import pytest
import requests
from conftest import free_port
from rawhttp import read_reply

PATIENCE = 25  # files are looked at every 10 s


def make_certificate(folder, name="localhost", days=30):
    """A new pair; written aside and renamed into place, the key first, as renewal programs do."""
    folder.mkdir(exist_ok=True)
    subprocess.run(
        ["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes", "-days",
         str(days), "-subj", "/CN=" + name, "-addext", "subjectAltName=DNS:localhost,IP:127.0.0.1", "-keyout",
         str(folder / "new.key"), "-out", str(folder / "new.pem")],
        check=True,
        capture_output=True,
    )
    os.rename(folder / "new.key", folder / "key.pem")
    os.rename(folder / "new.pem", folder / "chain.pem")


def served_certificate(port):
    return ssl.get_server_certificate(("127.0.0.1", port), timeout=5)


def wait_until(question):
    deadline = time.monotonic() + PATIENCE
    while time.monotonic() < deadline:
        if question():
            return True
        time.sleep(0.2)
    return False


@pytest.fixture
def secure(make_riposte, tmp_path):
    """make(start) gives a daemon that serves plain HTTP as usual and HTTPS on server.https_port."""

    def make(start=True):
        server = make_riposte(start=False)
        server.https_port = free_port()
        server.tls = tmp_path / "tls"
        server.tls.mkdir(exist_ok=True)
        server.config["api"]["listen"].append(
            {
                "address": "127.0.0.1:%d" % server.https_port,
                "tls": "files",
                "certificate": str(server.tls / "chain.pem"),
                "key": str(server.tls / "key.pem"),
            }
        )
        server.write_config(server.config)
        return server

    return make


def test_https(secure):
    server = secure()
    make_certificate(server.tls)
    server.start()
    url = "https://localhost:%d" % server.https_port
    reply = requests.post(url + "/register", data="null\n", verify=str(server.tls / "chain.pem"), timeout=10)
    assert reply.status_code == 201
    versions = {}
    for version in (ssl.TLSVersion.TLSv1_2, ssl.TLSVersion.TLSv1_3):
        context = ssl.create_default_context(cafile=str(server.tls / "chain.pem"))
        context.minimum_version = context.maximum_version = version
        with socket.create_connection(("127.0.0.1", server.https_port), timeout=5) as raw:
            with context.wrap_socket(raw, server_hostname="localhost") as s:
                versions[version] = s.version()
    assert list(versions.values()) == ["TLSv1.2", "TLSv1.3"]


def test_old_versions_are_refused(secure):
    server = secure()
    make_certificate(server.tls)
    server.start()
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.check_hostname = False
    context.verify_mode = ssl.CERT_NONE
    context.set_ciphers("ALL:@SECLEVEL=0")
    context.minimum_version = ssl.TLSVersion.TLSv1
    context.maximum_version = ssl.TLSVersion.TLSv1_1
    with socket.create_connection(("127.0.0.1", server.https_port), timeout=5) as raw:
        with pytest.raises((ssl.SSLError, ConnectionError)):
            context.wrap_socket(raw, server_hostname="localhost")


def test_a_new_certificate_is_used_without_dropping_connections(secure):
    server = secure()
    make_certificate(server.tls)
    server.start()
    before = served_certificate(server.https_port)
    context = ssl.create_default_context(cafile=str(server.tls / "chain.pem"))
    with socket.create_connection(("127.0.0.1", server.https_port), timeout=5) as raw:
        with context.wrap_socket(raw, server_hostname="localhost") as held:

            def still_answers():
                held.sendall(b"GET /health HTTP/1.1\r\nHost: localhost\r\n\r\n")
                return read_reply(held).status == 200

            def renewed():
                assert still_answers()
                return served_certificate(server.https_port) != before

            assert still_answers()
            make_certificate(server.tls)
            assert wait_until(renewed)
            assert still_answers()  # the connection that began with the old one
    new = (server.tls / "chain.pem").read_text()
    assert served_certificate(server.https_port).split() == new.split()


def test_a_certificate_that_is_not_there_yet_is_waited_for(secure):
    server = secure()
    server.start()
    with pytest.raises(ConnectionRefusedError):
        socket.create_connection(("127.0.0.1", server.https_port), timeout=5)
    health = requests.get(server.http_url + "/health", timeout=5)
    assert health.status_code == 503
    assert "api 127.0.0.1:%d is closed: cannot read %s/chain.pem" % (server.https_port, server.tls) in health.text
    assert server.register()["fulldomain"]  # all else runs
    make_certificate(server.tls)
    assert wait_until(lambda: requests.get(server.http_url + "/health", timeout=5).status_code == 200)
    url = "https://localhost:%d/health" % server.https_port
    assert requests.get(url, verify=str(server.tls / "chain.pem"), timeout=5).status_code == 200


def test_a_wrong_certificate_stops_the_start(secure):
    server = secure()
    (server.tls / "chain.pem").write_text("garbage\n")
    (server.tls / "key.pem").write_text("garbage\n")
    with pytest.raises(RuntimeError) as error:
        server.start()
    assert "is no PEM certificate chain" in str(error.value)
    server.process = None


def test_a_wrong_replacement_leaves_the_old_certificate_in_use(secure):
    server = secure()
    make_certificate(server.tls)
    server.start()
    before = served_certificate(server.https_port)
    (server.tls / "key.pem").write_text("garbage\n")
    assert wait_until(lambda: "certificate-not-used" in server.log_text())
    assert served_certificate(server.https_port) == before


def test_metrics_say_when_it_expires(secure):
    server = secure()
    make_certificate(server.tls)
    server.start()
    text = requests.get(server.http_url + "/metrics", timeout=5).text
    line = [x for x in text.splitlines() if x.startswith("riposte_tls_certificate_expires_seconds{")]
    assert 29 * 86400 < float(line[0].split()[-1]) - time.time() < 31 * 86400
