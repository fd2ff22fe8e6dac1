#!/usr/bin/python3
# SPDX-License-Identifier: ISC
"""hooks_standin.py FOLDER: stands in for what the ready hooks talk to, at a port of loopback.

Cloudflare's API (/client/v4), qBittorrent's (/api/v2), Transmission's RPC (/transmission/rpc) and the receiver of a
webhook (/hook/in). Each looks at method, path, credentials and body as the real one does, and refuses what is wrong.

FOLDER/port        the port, once it listens
FOLDER/state.json  what was set, after every change
FOLDER/requests    METHOD PATH STATUS, a line for each answer
FOLDER/mishap      written by the test: html, 500 (instead of any answer), new (qBittorrent is version 5.2)
"""
import base64
import ipaddress
import json
import re
import sys
import uuid
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from urllib.parse import parse_qs, urlsplit

FOLDER = Path(sys.argv[1])
ZONE = "023e105f4ecef8ad9ca31a8372d0c353"
TOKEN = "cloudflare-secret"
PASSWORD = 'pass&word+%"\\ secret'
API_KEY = "qbt_key-secret"
LOGIN = "tr:transmission-secret"
HOOK_HEADER = "hook-secret"
SESSION = "session-secret-" + uuid.uuid4().hex
COOKIE = "cookie-secret-" + uuid.uuid4().hex

records = {}
preferences = {"listen_port": 6881, "random_port": True, "upnp": True}
session = {"peer-port": 51413, "peer-port-random-on-start": True, "port-forwarding-enabled": True}
hooked = []


class Refused(Exception):
    """Status, body and headers of an answer that is no success."""


def mishap():
    try:
        return (FOLDER / "mishap").read_text().strip()
    except FileNotFoundError:
        return ""


def save():
    kept = [{k: v for k, v in r.items() if k != "id"} for r in records.values()]
    new = FOLDER / "state.new"
    new.write_text(json.dumps({"records": kept, "preferences": preferences, "session": session, "hooked": hooked}))
    new.rename(FOLDER / "state.json")


def cloudflare_error(status, code, message):
    body = {"success": False, "errors": [{"code": code, "message": message}], "messages": [], "result": None}
    return Refused(status, json.dumps(body))


def check_record(record):
    """What Cloudflare accepts of what the hooks write."""
    kind, name, data = record["type"], record["name"], record.get("data")
    assert name.endswith(".example.com") and isinstance(record["ttl"], int) and 60 <= record["ttl"] <= 86400
    if kind == "A":
        ipaddress.IPv4Address(record["content"])
    elif kind == "AAAA":
        ipaddress.IPv6Address(record["content"])
    elif kind == "SRV":
        assert re.match(r"_[a-z]+\._(tcp|udp)\.", name) and re.fullmatch(r"[a-z.]+", data["target"])
        assert all(isinstance(data[k], int) for k in ("priority", "weight", "port"))
    elif kind == "HTTPS":
        assert isinstance(data["priority"], int) and data["target"] == "."
        assert re.fullmatch(r'([a-z0-9]+="[^"]+" ?)+', data["value"])
    else:
        raise ValueError(kind)


def cloudflare(request, path, query):
    if request.headers["Authorization"] != "Bearer " + TOKEN:
        raise cloudflare_error(403, 10000, "Authentication error")
    found = re.fullmatch(r"zones/([^/]+)/dns_records(?:/([0-9a-f]{32}))?", path)
    if not found or found[1] != ZONE:
        raise cloudflare_error(404, 7003, "Could not route to " + path)
    key, result = found[2], None
    if request.command == "GET":
        # It takes no notice of a filter that it does not know.
        result = [r for r in records.values() if query.get("type", [r["type"]]) == [r["type"]]
                  and query.get("name.exact", [r["name"]]) == [r["name"]]]
    elif request.command == "DELETE":
        result = {"id": records.pop(key)["id"]}
    else:
        try:
            record = request.json()
            check_record(record)
            if request.command == "POST":
                assert key is None
                if any(r["type"] == record["type"] and r["name"] == record["name"] for r in records.values()):
                    raise cloudflare_error(400, 81058, "An identical record already exists.")
                key = uuid.uuid4().hex
                records[key] = {"id": key}
            records[key].update(record)
        except (AssertionError, KeyError, ValueError, TypeError) as e:
            raise cloudflare_error(400, 9005, "Content for the record is invalid: %r" % e) from e
        result = records[key] | {"meta": {}, "proxied": False, "zone_id": ZONE}
    return json.dumps({"result": result, "success": True, "errors": [], "messages": []})


def qbittorrent(request, path, _):
    new = mishap() == "new"
    name = "QBT_SID_8080" if new else "SID"
    if not request.headers["Referer"].startswith("http://" + request.headers["Host"]):
        raise Refused(401, "Unauthorized")
    if path == "auth/login":
        form = request.form()
        if form["username"] != ["admin"] or form["password"] != [PASSWORD]:
            raise Refused(401, "") if new else Refused(200, "Fails.")
        raise Refused(204 if new else 200, "" if new else "Ok.", {"Set-Cookie": "%s=%s; HttpOnly" % (name, COOKIE)})
    key = new and request.headers["Authorization"] == "Bearer " + API_KEY
    if not key and "%s=%s" % (name, COOKIE) not in (request.headers["Cookie"] or ""):
        raise Refused(403, "Forbidden")
    if path == "app/setPreferences" and request.command == "POST":
        known = set(preferences) | ({"announce_port"} if new else set())
        preferences.update({k: v for k, v in json.loads(request.form()["json"][0]).items() if k in known})
        raise Refused(204 if new else 200, "")
    if path == "app/preferences":
        return json.dumps(preferences | {"web_ui_port": 8080}, separators=(",", ":"))
    raise Refused(404, "Not Found")


def transmission(request, *_):
    if request.headers["Authorization"] != "Basic " + base64.b64encode(LOGIN.encode()).decode():
        raise Refused(401, "<h1>401: Unauthorized</h1>")
    if request.headers["X-Transmission-Session-Id"] != SESSION:
        raise Refused(409, "<h1>409: Conflict</h1>", {"X-Transmission-Session-Id": SESSION})
    message = request.json()
    if message["method"] != "session-set":
        return '{"arguments":{},"result":"method name not recognized"}'
    session.update({k: v for k, v in message["arguments"].items() if k in session})
    return '{"arguments":{},"result":"success"}'


def webhook(request, *_):
    if request.headers["X-Key"] != HOOK_HEADER:
        raise Refused(403, "Forbidden")
    hooked.append(request.json())
    raise Refused(204, "")


SERVICES = {"/client/v4/": cloudflare, "/api/v2/": qbittorrent, "/transmission/rpc": transmission, "/hook/in": webhook}


class Request(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def json(self):
        if self.headers["Content-Type"] != "application/json":
            raise Refused(415, "")
        return json.loads(self.body)

    def form(self):
        if self.headers["Content-Type"] != "application/x-www-form-urlencoded":
            raise Refused(400, "")
        return parse_qs(self.body.decode(), strict_parsing=True)

    def answer(self):
        url = urlsplit(self.path)
        self.body = self.rfile.read(int(self.headers["Content-Length"] or 0))
        status, text, headers = 404, "Not Found", {}
        try:
            if mishap() in ("html", "500"):
                raise Refused(200 if mishap() == "html" else 500, "<html>a router's page</html>")
            for prefix, service in SERVICES.items():
                if url.path.startswith(prefix):
                    text = service(self, url.path[len(prefix):], parse_qs(url.query))
                    status = 200
        except Refused as e:
            status, text, headers = (list(e.args) + [{}])[:3]
        save()
        with open(FOLDER / "requests", "a", encoding="ascii") as log:
            log.write("%s %s %d\n" % (self.command, self.path, status))
        self.send_response(status)
        for name, value in headers.items():
            self.send_header(name, value)
        if status != 204:
            self.send_header("Content-Length", str(len(text)))
        self.end_headers()
        if status != 204:
            self.wfile.write(text.encode())

    do_GET = do_POST = do_PATCH = do_DELETE = answer

    def log_message(self, *_):
        pass


server = ThreadingHTTPServer(("127.0.0.1", 0), Request)
server.daemon_threads = True
save()
(FOLDER / "port.new").write_text(str(server.server_port))
(FOLDER / "port.new").rename(FOLDER / "port")
server.serve_forever()
