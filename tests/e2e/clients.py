"""The real clients, each as its users call it. All return the CompletedProcess; a certificate is there when it succeeded."""

import json
import pathlib
import subprocess

from world import API_URL

HOOK = pathlib.Path(__file__).resolve().with_name("hook.py")


def store(folder, accounts):
    """Write the goacmedns account file; gives its path."""
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / "accounts.json"
    path.write_text(json.dumps(accounts))
    path.chmod(0o600)
    return path


def environment(world, folder, accounts, generation=2, base=API_URL):
    ca = str(world.authority.ca_file)
    return {
        "HOOK_STORE": str(store(folder, accounts)),
        "HOOK_API": base,
        "HOOK_GENERATION": str(generation),
        "LEGO_CA_CERTIFICATES": ca,
        "REQUESTS_CA_BUNDLE": ca,
        "CURL_CA_BUNDLE": ca,
        "EXEC_PATH": str(HOOK),
        "EXEC_POLLING_INTERVAL": "1",
        "EXEC_PROPAGATION_TIMEOUT": "20",
        "EXEC_SEQUENCE_INTERVAL": "1",  # its default is a minute between the two values of one certificate
        "HOME": str(folder),
    }


def lego_command(world, folder, domains):
    return [
        "/usr/bin/lego", "--accept-tos", "--email", "admin@example.com", "--server", world.authority.directory,
        "--dns", "exec", "--dns.resolvers", "127.0.0.53:53", "--path", folder / "lego",
        *[arg for d in domains for arg in ("-d", d)], "run",
    ]


def lego(world, folder, domains, accounts, **kw):
    return world.run(lego_command(world, folder, domains), environment(world, folder, accounts, **kw))


def lego_httpreq(world, folder, domains, account, mode=None, base=API_URL, env=None, options=()):
    """lego's own provider for the httpreq door, with nothing of ours on the client's side."""
    folder.mkdir(parents=True, exist_ok=True)
    command = [arg if arg != "exec" else "httpreq" for arg in lego_command(world, folder, domains)]
    return world.run(
        [*command[:-1], *options, command[-1]],
        {
            "HTTPREQ_ENDPOINT": base,
            "HTTPREQ_USERNAME": account["username"],
            "HTTPREQ_PASSWORD": account["password"],
            **({"HTTPREQ_MODE": mode} if mode else {}),
            "HTTPREQ_POLLING_INTERVAL": "1",
            "HTTPREQ_PROPAGATION_TIMEOUT": "20",
            "LEGO_CA_CERTIFICATES": str(world.authority.ca_file),
            **(env or {}),
        },
    )


def certbot(world, folder, domains, accounts, **kw):
    return world.run(
        [
            "/usr/bin/certbot", "certonly", "--manual", "--preferred-challenges", "dns", "--non-interactive", "--agree-tos",
            "-m", "admin@example.com", "--server", world.authority.directory, "--config-dir", folder / "config",
            "--work-dir", folder / "work", "--logs-dir", folder / "logs", "--manual-auth-hook", HOOK,
            "--manual-cleanup-hook", HOOK, *[arg for d in domains for arg in ("-d", d)],
        ],
        environment(world, folder, accounts, **kw),
    )


def uacme(world, folder, domains, accounts, **kw):
    env = environment(world, folder, accounts, **kw)
    common = ["/usr/bin/uacme", "-v", "-v", "-a", world.authority.directory, "-c", folder / "uacme"]
    made = world.run([*common, "-y", "new", "admin@example.com"], env)
    if made.returncode != 0:
        return made
    return world.run([*common, "-h", HOOK, "issue", *domains], env)


def dehydrated(world, folder, domains, accounts, **kw):
    env = environment(world, folder, accounts, **kw)
    base = folder / "dehydrated"
    base.mkdir()
    (base / "config").write_text(
        'CA="%s"\nCHALLENGETYPE="dns-01"\nHOOK="%s"\nHOOK_CHAIN="yes"\nBASEDIR="%s"\nKEY_ALGO=prime256v1\n'
        % (world.authority.directory, HOOK, base)
    )
    made = world.run(["/usr/bin/dehydrated", "--config", base / "config", "--register", "--accept-terms"], env)
    if made.returncode != 0:
        return made
    (base / "domains.txt").write_text(" ".join(domains) + " > shop\n")
    return world.run(["/usr/bin/dehydrated", "--config", base / "config", "--cron"], env)


def names_of(certificate):
    """The DNS names of the first certificate in a PEM file."""
    text = subprocess.run(
        ["openssl", "x509", "-in", str(certificate), "-noout", "-ext", "subjectAltName"],
        check=True, capture_output=True, text=True,
    ).stdout
    return sorted(part.strip()[len("DNS:"):] for part in text.replace("\n", ",").split(",") if "DNS:" in part)
