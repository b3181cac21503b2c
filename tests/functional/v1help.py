"""A client of /v1 that holds each exchange against docs/openapi.yaml: the path, the status, the headers and the body of
every reply must be described there, and so must the body of every request that was done."""

import base64
import json
import re
import urllib.parse
import uuid

import jsonschema
import requests
import yaml

from conftest import ROOT

METHODS = {"get", "put", "post", "patch", "delete"}


class Description:
    def __init__(self):
        self.spec = yaml.safe_load((ROOT / "docs" / "openapi.yaml").read_text())
        self.resolver = jsonschema.RefResolver("", self.spec)
        self.templates = [
            (re.compile("^" + re.sub(r"\{[^}]*\}", "[^/]+", template) + "$"), template) for template in self.spec["paths"]
        ]
        self.templates.sort(key=lambda t: "{" in t[1])  # what is literal comes first
        self.formats = jsonschema.FormatChecker(["uuid"])

    def deref(self, node):
        while "$ref" in node:
            _, node = self.resolver.resolve(node["$ref"])
        return node

    def operations(self):
        """(method, template, statuses) of everything."""
        for template, item in self.spec["paths"].items():
            for method in METHODS & set(item):
                yield method.upper(), template, set(item[method]["responses"])

    def find(self, method, path):
        for pattern, template in self.templates:
            if pattern.match(path):
                item = self.spec["paths"][template]
                assert method.lower() in item, "%s %s is not documented" % (method, template)
                return template, item, item[method.lower()]
        raise AssertionError("%s is not documented" % path)

    def validate(self, schema, value, what):
        validator = jsonschema.Draft202012Validator(schema, resolver=self.resolver, format_checker=self.formats)
        errors = ["%s: %s" % (e.json_path, e.message) for e in validator.iter_errors(value)]
        assert not errors, "%s is not as documented: %s\n%r" % (what, errors, value)

    def check_query(self, item, operation, query, what):
        known = {p["name"] for p in map(self.deref, item.get("parameters", []) + operation.get("parameters", []))
                 if p["in"] == "query"}
        assert set(query) <= known, "%s has arguments that are not documented: %s" % (what, set(query) - known)

    def check_reply(self, operation, reply, what):
        """Returns the key of the response that describes it."""
        responses = operation["responses"]
        key = str(reply.status_code)
        if key not in responses:
            assert reply.status_code in (429, 503) and "default" in responses, "%s: %d is not documented" % (what, reply.status_code)
            key = "default"
        response = self.deref(responses[key])
        for name, header in response.get("headers", {}).items():
            header = self.deref(header)
            assert name in reply.headers or not header.get("required"), "%s: no %s" % (what, name)
            if name in reply.headers and "type" not in header.get("schema", {}):
                self.validate(header["schema"], reply.headers[name], what)
        content = response.get("content")
        if content is None:
            assert reply.content == b"", what
            return key
        media = reply.headers["Content-Type"].split(";")[0]
        assert media in content, "%s: %s is not documented" % (what, media)
        if media.endswith("json"):
            self.validate(content[media]["schema"], reply.json(), what)
        return key

    def check_request(self, operation, body, what):
        schema = self.deref(operation["requestBody"])["content"]["application/json"]["schema"]
        self.validate(schema, body, what + " (request)")


class V1:
    """What is documented, and what was seen of it."""

    def __init__(self, server):
        self.server, self.description = server, Description()
        self.seen = set()  # (method, template, key of the response)
        self.statuses = set()

    def call(self, method, path, who=None, body=None, scheme="bearer", headers=None, data=None, timeout=30):
        headers = dict(headers or {})
        if who is not None:
            headers["Authorization"] = authorization(who, scheme)
        if body is not None:
            data = json.dumps(body)
        reply = requests.request(method, self.server.http_url + path, data=data, headers=headers, timeout=timeout)
        self.check(method, path, reply, body)
        return reply

    def check(self, method, path, reply, body=None):
        split = urllib.parse.urlsplit(path)
        template, item, operation = self.description.find(method, split.path)
        what = "%s %s -> %d" % (method, path, reply.status_code)
        key = self.description.check_reply(operation, reply, what)
        assert re.match("^[0-9A-Z]{4}-[0-9A-Z]{4}$", reply.headers["Riposte-Request"])
        if operation.get("security") != []:
            assert reply.headers["Cache-Control"] == "no-store"
        if reply.ok:
            self.description.check_query(item, operation, dict(urllib.parse.parse_qsl(split.query, True)), what)
            if body is not None:
                self.description.check_request(operation, body, what)
        self.seen.add((method, template, key))
        self.statuses.add(reply.status_code)

    def problem(self, status, word, *args, **kw):
        reply = self.call(*args, **kw)
        assert reply.status_code == status, reply.text
        p = reply.json()
        assert p["type"] == "/problems/" + word and p["status"] == status
        assert p["instance"] == reply.headers["Riposte-Request"]
        return p

    def get(self, path, who=None, **kw):
        reply = self.call("GET", path, who, **kw)
        assert reply.status_code == 200, reply.text
        return reply.json()


def authorization(who, scheme="bearer"):
    if scheme == "bearer":
        return "Bearer %s.%s" % (who["credential"], who["secret"])
    return "Basic " + base64.b64encode(("%s:%s" % (who["credential"], who["secret"])).encode()).decode()


def word():
    return "x" + uuid.uuid4().hex[:10]
