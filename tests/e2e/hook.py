#!/usr/bin/python3
"""What stands between an ACME client and POST /update, for clients that call a hook: lego (exec provider), certbot (manual
hooks), uacme and dehydrated. It sends, octet for octet, what the two generations of goacmedns send; Debian's lego is built
without its acme-dns provider.

HOOK_STORE      the goacmedns account file: {"DOMAIN": {"fulldomain", "subdomain", "username", "password"}}
HOOK_API        base URL
HOOK_GENERATION 1 or 2 of goacmedns
HOOK_STRICT     1: fail unless the reply is exactly 200 with the value echoed (goacmedns 0.1, acme.sh)
"""

import http.client
import json
import os
import sys
import urllib.parse


def update(account, value):
    url = urllib.parse.urlsplit(os.environ["HOOK_API"])
    connection = http.client.HTTPConnection(url.hostname, url.port, timeout=30)
    headers = {
        "User-Agent": "goacmedns (linux; amd64)",
        "Content-Type": "application/json",
        "X-Api-User": account["username"],
        "X-Api-Key": account["password"],
        "Accept-Encoding": "gzip",
    }
    if os.environ.get("HOOK_GENERATION", "2") == "1":
        body = json.dumps({"SubDomain": account["subdomain"], "Txt": value}, separators=(",", ":"))
    else:
        headers["Accept"] = "application/json"
        body = json.dumps({"subdomain": account["subdomain"], "txt": value}, separators=(",", ":")) + "\n"
    connection.request("POST", url.path.rstrip("/") + "/update", body=body, headers=headers)
    reply = connection.getresponse()
    text = reply.read().decode()
    if reply.status != 200 or '"%s"' % value not in text:
        sys.exit("hook: update failed: %d %s" % (reply.status, text))


def account_of(domain):
    domain = domain.rstrip(".")
    for prefix in ("_acme-challenge.", "*."):
        if domain.startswith(prefix):
            domain = domain[len(prefix):]
    with open(os.environ["HOOK_STORE"], encoding="utf-8") as f:
        accounts = json.load(f)
    # lego hands over the end of the CNAME chain instead of the domain.
    by_target = {a["fulldomain"]: a for a in accounts.values()}
    return accounts.get(domain) or by_target[domain]


def main(args):
    if "CERTBOT_VALIDATION" in os.environ:
        if os.environ.get("CERTBOT_AUTH_OUTPUT") is None:
            update(account_of(os.environ["CERTBOT_DOMAIN"]), os.environ["CERTBOT_VALIDATION"])
    elif args[:1] == ["present"]:  # lego: present FQDN VALUE
        update(account_of(args[1]), args[2])
    elif args[:2] == ["begin", "dns-01"]:  # uacme: begin TYPE IDENT TOKEN AUTH
        update(account_of(args[2]), args[4])
    elif args[:1] == ["begin"]:
        sys.exit(1)  # uacme offers every type in turn; this hook does dns-01
    elif args[:1] == ["deploy_challenge"]:  # dehydrated: triples of DOMAIN TOKEN VALUE
        for i in range(1, len(args), 3):
            update(account_of(args[i]), args[i + 2])
    # Clean-up is no part of the acme-dns protocol: the values expire.


main(sys.argv[1:])
