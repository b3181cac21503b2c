"""The acme-dns contract against the real daemon: bodies and headers byte for byte, and what DNS says afterwards."""

import json
import re
import string
import uuid

import dns.message
import dns.query
import dns.rcode
import pytest
import requests
from rawhttp import exchange, request

ALPHABET = set(string.ascii_letters + string.digits + "-_")
FORBIDDEN = (401, b'{"error": "forbidden"}')
BAD_TXT = (400, b'{"error": "bad_txt"}')
MALFORMED = (400, b'{"error": "malformed_json_payload"}')
BAD_CIDR = (400, b'{"error": "invalid_allowfrom_cidr"}')


def value(n):
    return ("value-%d-" % n).ljust(43, "x")


@pytest.fixture(scope="module")
def account(riposte):
    return riposte.register()


def post(riposte, path, body, *headers):
    return exchange(riposte.http_addr, request("POST", path, headers, body))


def update(riposte, account, body, path="/update", user=None, key=None):
    user = account["username"] if user is None else user
    key = account["password"] if key is None else key
    return post(riposte, path, body, "X-Api-User: " + user, "X-Api-Key: " + key)


def body_of(account, txt):
    return json.dumps({"subdomain": account["subdomain"], "txt": txt}).encode()


def txt_of(riposte, name):
    query = dns.message.make_query(name, "TXT")
    answer = dns.query.udp(query, riposte.dns_addr[0], port=riposte.dns_addr[1], timeout=5)
    if answer.flags & dns.flags.TC:
        answer = dns.query.tcp(query, riposte.dns_addr[0], port=riposte.dns_addr[1], timeout=5)
    assert answer.rcode() == dns.rcode.NOERROR
    return {b"".join(rd.strings).decode() for rrset in answer.answer for rd in rrset}


def assert_common(reply):
    assert reply.header("Vary") == "Origin"
    assert re.fullmatch(r"[0-9A-HJKMNP-TV-Z]{4}-[0-9A-HJKMNP-TV-Z]{4}", reply.header("Riposte-Request"))
    for absent in ("Server", "WWW-Authenticate", "Access-Control-Allow-Origin"):
        assert reply.header(absent) is None


def assert_json(reply, expected):
    assert (reply.status, reply.body) == expected
    assert reply.header("Content-Type") == "application/json"
    assert reply.header("Content-Length") == str(len(reply.body))
    assert_common(reply)


# ---- /register


@pytest.mark.parametrize(
    "body",
    [None, b"", b"null", b"null\n", b"{}", b'{"unknown": [1, {"x": null}]}', b'{"allowfrom": null}', b'{"allowfrom": []}',
     b'{"username": null}', b'{"username":"8e57f2b0-1111-4222-8333-444455556666","subdomain":"mine","password":"x"}'],
)
def test_register_without_networks(riposte, body):
    reply = post(riposte, "/register", body)
    assert reply.status == 201
    assert_common(reply)
    assert reply.header("Content-Type") == "application/json"
    # acme.sh cuts it apart with sed: one line, this order, no blanks
    match = re.fullmatch(
        rb'\{"username":"([^"]+)","password":"([^"]+)","fulldomain":"([^"]+)","subdomain":"([^"]+)","allowfrom":\[\]\}',
        reply.body,
    )
    assert match, reply.body
    username, password, fulldomain, subdomain = (m.decode() for m in match.groups())
    for text in (username, subdomain):
        assert str(uuid.UUID(text)) == text and uuid.UUID(text).version == 4
    assert username != subdomain
    assert len(password) == 40 and set(password) <= ALPHABET
    assert fulldomain == subdomain + "." + riposte.zone
    assert subdomain != "mine"


@pytest.mark.parametrize("content_type", ["application/json", "text/plain; charset=utf-8",
                                          "application/x-www-form-urlencoded", None])
def test_register_takes_any_content_type(riposte, content_type):
    headers = ["Content-Type: " + content_type] if content_type else []
    assert post(riposte, "/register", b'{"allowfrom":["10.0.0.0/8"]}', *headers).status == 201


def test_register_keeps_networks_as_given(riposte):
    given = ["192.168.1.1/16", "[2001:db8::1]/32", "10.0.0.0/8", "10.0.0.0/8", "::ffff:192.0.2.0/120"]
    reply = post(riposte, "/register", json.dumps({"AllowFrom": given}).encode())
    assert reply.status == 201
    assert reply.body.endswith(
        b'"allowfrom":["192.168.1.1/16","2001:db8::1/32","10.0.0.0/8","10.0.0.0/8","::ffff:192.0.2.0/120"]}'
    )


@pytest.mark.parametrize(
    "body",
    [b" ", b"\n", b"[]", b"{", b"5", b'"x"', b'{"allowfrom":["10.0.0.0/8"]', b"{} x", b"{}{}", b"null null", b"{'a':1}",
     b'{"allowfrom":"1.2.3.4/32"}', b'{"allowfrom":[1]}', b'{"username":"not-a-uuid"}', b'{"username":5}',
     b'{"subdomain":5}', b'{"txt":1}', b'{"password":[]}', b'{"TXT":true,"txt":"x"}'],
)
def test_register_refuses_what_is_not_its_json(riposte, body):
    assert_json(post(riposte, "/register", body), MALFORMED)


@pytest.mark.parametrize(
    "entry", ["1.2.3.4", "", " 10.0.0.0/8", "10.0.0.0/8 ", "10.0.0.0/33", "10.0.0.0/08", "010.0.0.0/8", "10.0.0/8",
              "fe80::1%eth0/64", "2001:db8::/129", "2001:db8::", "10.0.0.0/-1", "10.0.0.0/8/8", "x/8"]
)
def test_register_refuses_what_is_no_network(riposte, entry):
    assert_json(post(riposte, "/register", json.dumps({"allowfrom": ["10.0.0.0/8", entry]}).encode()), BAD_CIDR)


def test_registered_names_exist_before_they_hold_a_value(riposte):
    assert txt_of(riposte, riposte.register()["fulldomain"]) == set()


# ---- /update


@pytest.mark.parametrize("path", ["/update", "//update", "/r/anything/update", "/r/rpt_expired/update"])
def test_a_200_means_that_dns_answers(riposte, account, path):
    new = value(hash(path) % 10000)
    assert_json(update(riposte, account, body_of(account, new), path), (200, b'{"txt": "%s"}' % new.encode()))
    assert new in txt_of(riposte, account["fulldomain"])


def test_more_than_two_values_are_kept_and_none_twice(riposte):
    account = riposte.register()
    for n in [1, 2, 3, 4, 2, 3]:
        assert update(riposte, account, body_of(account, value(n))).status == 200
    assert txt_of(riposte, account["fulldomain"]) == {value(n) for n in [1, 2, 3, 4]}


GOOD = '"subdomain":"%s"'
TXT = '"txt":"' + value(0) + '"'


@pytest.mark.parametrize(
    "body",
    ['{"SubDomain":"%s","Txt":"' + value(0) + '"}', "{" + GOOD + "," + TXT + "}trailing", "\n {" + GOOD + ", " + TXT + "}{",
     '{"txt":"a","TXT":"b",' + GOOD + "," + TXT + "}", '{"subdomain":"x",' + GOOD + "," + TXT + ',"txt":null}',
     '{"t\\u0078t":"' + value(0) + '",' + GOOD + "}", "{" + GOOD + "," + TXT + ',"allowfrom":5,"password":{}}',
     "{" + GOOD + "," + TXT + ',"username":"bad"}', '{"username":5,' + GOOD + "," + TXT + "}"],
)
def test_update_reads_bodies_as_acme_dns_does(riposte, account, body):
    assert_json(
        update(riposte, account, body.replace("%s", account["subdomain"]).encode()),
        (200, b'{"txt": "%s"}' % value(0).encode()),
    )


@pytest.mark.parametrize(
    "txt", ['"short"', '"%s"' % value(0)[:42], '"%sx"' % value(0), '"%s="' % value(0)[:42], '"%s+"' % value(0)[:42], '""',
            "5", "null", "[]", '"\\u00e9%s"' % value(0)[:42]]
)
def test_update_refuses_what_is_no_challenge_value(riposte, account, txt):
    body = '{"subdomain":"%s","txt":%s}' % (account["subdomain"], txt)
    assert_json(update(riposte, account, body.encode()), BAD_TXT)


def test_update_without_txt(riposte, account):
    assert_json(update(riposte, account, b'{"subdomain":"%s"}' % account["subdomain"].encode()), BAD_TXT)


@pytest.mark.parametrize("body", [None, b"", b"{", b"[]", b"null", b"5", b"{}", b'{"subdomain":5}', b"not json"])
def test_update_that_cannot_be_read_is_forbidden(riposte, account, body):
    assert_json(update(riposte, account, body), FORBIDDEN)


def test_update_of_another_name_is_forbidden(riposte, account):
    other = riposte.register()
    reply = update(riposte, account, body_of(other, value(1)))
    assert_json(reply, FORBIDDEN)
    assert reply.header("Riposte-Refused") == "name-not-in-scope"
    assert txt_of(riposte, other["fulldomain"]) == set()
    upper = dict(account, subdomain=account["subdomain"].upper())
    if upper["subdomain"] != account["subdomain"]:
        assert_json(update(riposte, account, body_of(upper, value(1))), FORBIDDEN)
    bad_user_first = '{"username":"bad","subdomain":"%s","txt":"%s"}' % (account["subdomain"], value(1))
    assert_json(update(riposte, account, bad_user_first.encode()), FORBIDDEN)


def test_wrong_credentials_are_forbidden_and_say_no_more(riposte, account):
    body = body_of(account, value(1))
    for user, key in [
        (str(uuid.uuid4()), account["password"]),
        (account["username"], "x" * 40),
        (account["username"], account["password"][:39]),
        (account["username"], account["password"] + "x"),
        (account["username"], account["password"][:39] + "!"),
        (account["username"][:35], account["password"]),
        ("", account["password"]),
        (account["username"], ""),
    ]:
        reply = update(riposte, account, body, user=user, key=key)
        assert_json(reply, FORBIDDEN)
        assert reply.header("Riposte-Refused") is None
    # Certify's "test" button posts without them
    assert_json(post(riposte, "/update", body), FORBIDDEN)


def delete(riposte, account, body, path="/delete", **kw):
    return update(riposte, account, body, path, **kw)


@pytest.mark.parametrize("path", ["/delete", "//delete", "/r/rpt_expired/delete"])
def test_delete_ends_the_value_and_echoes_it(riposte, path):
    account = riposte.register()
    for n in range(3):
        assert update(riposte, account, body_of(account, value(n))).status == 200
    for _ in range(2):  # the second time it is gone already: what was wanted is so
        reply = delete(riposte, account, body_of(account, value(1)), path)
        assert (reply.status, reply.body) == (200, b'{"txt": "%s"}' % value(1).encode())
        assert_common(reply)
        assert txt_of(riposte, account["fulldomain"]) == {value(0), value(2)}


def test_delete_reads_bodies_as_update_does(riposte):
    account = riposte.register()
    sub = account["subdomain"].encode()
    for body in (b'{"SubDomain":"%s","Txt":"%s"}', b'{"subdomain":"%s","txt":"%s"}trailing'):
        assert update(riposte, account, body_of(account, value(1))).status == 200
        assert delete(riposte, account, body % (sub, value(1).encode())).status == 200
        assert txt_of(riposte, account["fulldomain"]) == set()
    for body in (b'{"subdomain":"%s"}', b'{"subdomain":"%s","txt":""}', b'{"subdomain":"%s","txt":5}'):
        reply = delete(riposte, account, body % sub)
        assert (reply.status, reply.body) == BAD_TXT
    for body in (b"", b"{", b"[]", b'{"txt":"%s"}' % value(1).encode()):
        reply = delete(riposte, account, body)
        assert (reply.status, reply.body) == FORBIDDEN


def test_delete_is_for_the_holder_of_the_value(riposte):
    account = riposte.register()
    made = riposte.admin(
        "credential", "create", "--name", account["fulldomain"], "--label", "second", "--as", "acme-dns", check=True
    )
    second = json.loads(made.stdout)
    assert update(riposte, account, body_of(account, value(1))).status == 200
    reply = delete(riposte, second, body_of(account, value(1)))
    assert (reply.status, reply.body) == FORBIDDEN
    assert reply.header("Riposte-Refused") == "not-your-value"
    for other in (riposte.register(), {**second, "password": account["password"]}):
        reply = delete(riposte, other, body_of(account, value(1)))
        assert (reply.status, reply.body) == FORBIDDEN
    assert txt_of(riposte, account["fulldomain"]) == {value(1)}


def test_user_in_four_spellings(riposte, account):
    user = account["username"]
    for spelling in (user.upper(), user.replace("-", ""), "urn:uuid:" + user, "{" + user + "}", "x" + user + "x"):
        assert update(riposte, account, body_of(account, value(2)), user=spelling).status == 200


def test_networks_of_an_account_are_held(riposte):
    account = riposte.register(allowfrom=["192.0.2.0/24"])
    reply = update(riposte, account, body_of(account, value(1)))
    assert_json(reply, FORBIDDEN)
    assert reply.header("Riposte-Refused") == "network"
    account = riposte.register(allowfrom=["192.0.2.0/24", "127.0.0.0/8"])
    assert update(riposte, account, body_of(account, value(1))).status == 200


# ---- all paths


@pytest.mark.parametrize("method,path", [("GET", "/"), ("POST", "/nothing"), ("GET", "/update/"), ("POST", "/r/update"),
                                         ("OPTIONS", "/nothing")])
def test_not_found(riposte, method, path):
    reply = exchange(riposte.http_addr, request(method, path))
    assert (reply.status, reply.body) == (404, b"404 page not found\n")
    assert reply.header("Content-Type") == "text/plain; charset=utf-8"
    assert reply.header("X-Content-Type-Options") == "nosniff"
    assert_common(reply)


@pytest.mark.parametrize(
    "method,path,allow",
    [("GET", "/register", "OPTIONS, POST"), ("PUT", "/update", "OPTIONS, POST"), ("POST", "/health", "GET, OPTIONS"),
     ("HEAD", "/health", "GET, OPTIONS"), ("DELETE", "/update", "OPTIONS, POST"), ("DELETE", "/delete", "OPTIONS, POST")],
)
def test_method_not_allowed(riposte, method, path, allow):
    reply = exchange(riposte.http_addr, request(method, path))
    assert reply.status == 405
    assert reply.body == (b"" if method == "HEAD" else b"Method Not Allowed\n")
    assert reply.header("Allow") == allow
    assert reply.header("Content-Type") == "text/plain; charset=utf-8"
    assert reply.header("X-Content-Type-Options") == "nosniff"
    assert_common(reply)


@pytest.mark.parametrize(
    "method,path,status,location",
    [("POST", "/update/", 307, "/update"), ("POST", "/Update", 307, "/update"), ("POST", "/REGISTER/", 307, "/register"),
     ("POST", "/x/..//update", 307, "/update"), ("POST", "/Delete/", 307, "/delete"), ("GET", "/health/", 301, "/health"), ("GET", "/HEALTH", 301, "/health")],
)
def test_redirects(riposte, method, path, status, location):
    reply = exchange(riposte.http_addr, request(method, path, (), b"{}" if method == "POST" else None))
    assert reply.status == status
    assert reply.header("Location") == location
    assert_common(reply)
    if method == "POST":
        assert reply.body == b""


def test_clients_that_follow_redirects_get_through(riposte, account):
    reply = requests.post(
        riposte.http_url + "/update/",
        data=body_of(account, value(3)),
        headers={"X-Api-User": account["username"], "X-Api-Key": account["password"]},
        timeout=10,
    )
    assert (reply.status_code, len(reply.history)) == (200, 1)


def test_double_slash_is_answered_in_place(riposte):
    assert post(riposte, "//register", b"null\n").status == 201


def test_health(riposte):
    reply = exchange(riposte.http_addr, request("GET", "/health"))
    assert (reply.status, reply.body) == (200, b"")
    assert reply.header("Content-Length") == "0"
    assert reply.header("Content-Type") is None
    assert_common(reply)
    assert exchange(riposte.http_addr, request("GET", "/live")).status == 200
    assert exchange(riposte.http_addr, request("GET", "/r/x/health")).status == 200


def test_plain_options(riposte):
    for path, allow in (("/update", "OPTIONS, POST"), ("/health", "GET, OPTIONS")):
        reply = exchange(riposte.http_addr, request("OPTIONS", path))
        assert (reply.status, reply.body, reply.header("Allow")) == (200, b"", allow)
        assert_common(reply)


PREFLIGHT = ("Origin: https://ui.example", "Access-Control-Request-Method: POST")


def test_no_origin_is_allowed_by_default(riposte):
    reply = exchange(riposte.http_addr, request("OPTIONS", "/register", PREFLIGHT))
    assert (reply.status, reply.body) == (204, b"")
    assert not [line for line in reply.lines if line.startswith("Access-Control")]


def test_cors_as_in_acme_dns_when_it_is_on(make_riposte):
    server = make_riposte({"api": {"cors-origins": ["*"]}})
    reply = exchange(
        server.http_addr, request("OPTIONS", "/register", PREFLIGHT + ("Access-Control-Request-Headers: content-type",))
    )
    assert reply.status == 204
    assert reply.header("Access-Control-Allow-Origin") == "*"
    assert reply.header("Access-Control-Allow-Methods") == "POST"
    assert reply.header("Access-Control-Allow-Headers") == "content-type"
    assert "Origin" in reply.header("Vary")
    reply = exchange(
        server.http_addr,
        request("OPTIONS", "/update", PREFLIGHT + ("Access-Control-Request-Headers: x-api-user,x-api-key",)),
    )
    assert reply.status == 204
    assert not [line for line in reply.lines if line.startswith("Access-Control")]
    reply = exchange(server.http_addr, request("POST", "/register", ("Origin: https://ui.example",), b"{}"))
    assert (reply.status, reply.header("Access-Control-Allow-Origin")) == (201, "*")


# ---- registration


def test_registration_none_is_404(make_riposte):
    server = make_riposte({"registration": {"allow": "none"}})
    for method in ("POST", "GET", "OPTIONS"):
        assert exchange(server.http_addr, request(method, "/register")).status == 404
    assert exchange(server.http_addr, request("POST", "/r/rpt_x/register")).status == 404


def test_registration_by_token(make_riposte):
    server = make_riposte({"registration": {"allow": "token"}})
    assert_json(post(server, "/register", b"{}"), (403, b'{"error": "registration_token_required"}'))
    assert_json(
        post(server, "/r/rpt_" + "x" * 40 + "/register", b"{}"), (401, b'{"error": "invalid_registration_token"}')
    )
    assert_json(post(server, "/r/nonsense/register", b"{}"), (401, b'{"error": "invalid_registration_token"}'))
    server.admin("account", "create", "team", check=True)
    made = server.admin("token", "create", "--account", "team", "--count", "1", "--json", check=True).stdout
    token = re.search(r"rpt_[A-Za-z0-9_-]{40}", made).group()
    reply = post(server, "/r/%s/register" % token, b"null\n")
    assert reply.status == 201
    account = json.loads(reply.body)
    assert update(server, account, body_of(account, value(1)), "/r/%s/update" % token).status == 200
    reply = post(server, "/r/%s/register" % token, b"null\n")
    assert_json(reply, (403, b'{"error": "quota_exceeded"}'))
    assert reply.header("Riposte-Refused") == "quota"


def test_registration_by_network(make_riposte):
    server = make_riposte({"registration": {"allow": "networks", "networks": ["192.0.2.0/24"]}})
    assert_json(post(server, "/register", b"{}"), (403, b'{"error": "registering_from_ip_not_allowed"}'))
    server = make_riposte({"registration": {"allow": "networks", "networks": ["127.0.0.0/8"]}})
    assert post(server, "/register", b"{}").status == 201
    # its address is not known
    assert_json(
        post(server, "/register", b"{}", "X-Forwarded-For: 127.0.0.1"),
        (403, b'{"error": "registering_from_ip_not_allowed"}'),
    )


def test_registration_rate(make_riposte):
    server = make_riposte({"registration": {"allow": "anyone", "rate": "1/h"}})
    replies = [post(server, "/register", b"{}") for _ in range(61)]
    assert [r.status for r in replies] == [201] * 60 + [429]
    assert replies[-1].body == b'{"error": "rate_limit_exceeded"}'
    assert int(replies[-1].header("Retry-After")) > 0


def test_refusals_tell_the_administrator_why(riposte, account):
    update(riposte, account, b"{}", key="$2a$10$" + "x" * 53)
    reply = update(riposte, account, body_of(riposte.register(), value(1)))
    listed = riposte.admin("refusals", check=True).stdout
    assert 'starts "$2a$": this is the stored hash, not the password' in listed
    assert reply.header("Riposte-Request") in listed
    assert account["password"] not in riposte.log_text()


@pytest.mark.parametrize(
    "body,detail",
    [
        (b"", "the body is empty"),
        (b" \n", "the body holds nothing but blanks"),
        (b'{"subdomain":"%s","txt":x}', "the body is no JSON from octet 59 on"),
        (b'{"subdomain":"%s","txt":"x"', "the body ends in the middle of its JSON"),
        (b"subdomain=%s&txt=x", "the body is no JSON from octet 1 on"),
        (b"[]", "the body is a list, not an object"),
        (b'"%s"', "the body is a string, not an object"),
        (b'{"txt":"x"}', 'the body has no "subdomain"'),
        (b'{"subdomain":5,"txt":"x"}', '"subdomain" is a number, not a string'),
        (b'{"username":"me","subdomain":"%s","txt":"x"}', '"username" is no UUID'),
    ],
)
def test_a_body_that_cannot_be_read_is_told_as_what_it_is(riposte, account, body, detail):
    if b"%s" in body:
        body = body % account["subdomain"].encode()
    reply = update(riposte, account, body)
    assert (reply.status, reply.body) == FORBIDDEN
    assert reply.header("Riposte-Refused") == "malformed"
    refusal = riposte.admin_json("refusals", "--request", reply.header("Riposte-Request"))[0]
    assert refusal["reason"] == "malformed"
    assert refusal["detail"] == detail
    assert detail.replace('"', '\\"') in riposte.log_text()
    assert update(riposte, account, body, key="A" * 40).header("Riposte-Refused") is None


def test_a_registration_that_cannot_be_read_is_told_as_what_it_is(riposte):
    for body, detail in [(b'{"allowfrom":"192.0.2.1/32"}', '"allowfrom" is a string, not a list of strings'),
                         (b"{} x", "the body is no JSON from octet 4 on"),
                         (b'{"txt":1}', '"txt" is a number, not a string')]:
        reply = post(riposte, "/register", body)
        assert (reply.status, reply.body) == MALFORMED
        refusal = riposte.admin_json("refusals", "--request", reply.header("Riposte-Request"))[0]
        assert (refusal["reason"], refusal["detail"]) == ("malformed", detail)


def test_accounts_and_values_survive_a_restart(make_riposte):
    server = make_riposte()
    account = server.register()
    assert update(server, account, body_of(account, value(1))).status == 200
    server.restart()
    assert txt_of(server, account["fulldomain"]) == {value(1)}
    assert update(server, account, body_of(account, value(2))).status == 200
    assert txt_of(server, account["fulldomain"]) == {value(1), value(2)}
