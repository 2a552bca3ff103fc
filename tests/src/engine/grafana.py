"""Stands in for Grafana, which is in no registry of packages: reads what it is provisioned with, and refuses what it would.

It serves the health of Grafana's API, its list of dashboards, each dashboard, and queries of a data source.
"""

import http.server
import json
import pathlib
import sys
import urllib.request

import yaml

PROVISIONING = pathlib.Path("/etc/grafana/provisioning")
SOURCE_KEYS = {
    "name", "type", "access", "uid", "orgId", "url", "user", "database", "basicAuth", "basicAuthUser", "withCredentials",
    "isDefault", "jsonData", "secureJsonData", "version", "editable",
}
PROVIDER_KEYS = {
    "name", "orgId", "folder", "folderUid", "type", "disableDeletion", "updateIntervalSeconds", "allowUiUpdates", "options",
}


def refuse(reason):
    sys.exit(f"provisioning: {reason}")


def entries(kind, name, keys):
    """The entries of all files of a kind, each of which has only keys that Grafana knows."""
    found = []
    for path in sorted((PROVISIONING / kind).glob("*.y*ml")):
        document = yaml.safe_load(path.read_text())
        if document.get("apiVersion") != 1:
            refuse(f"{path}: apiVersion is not 1")
        for entry in document.get(name) or refuse(f"{path}: no {name}"):
            unknown = set(entry) - keys
            if unknown or not entry.get("name") or not entry.get("type"):
                refuse(f"{path}: unknown keys {sorted(unknown)}, or no name or type: {entry}")
            found.append(entry)
    return found or refuse(f"no {name} in {PROVISIONING / kind}")


def sources():
    found = {}
    for source in entries("datasources", "datasources", SOURCE_KEYS):
        if source["uid"] in found or not source["url"].startswith("http") or source["access"] != "proxy":
            refuse(f"the data source {source}")
        found[source["uid"]] = source
    if sum(bool(source.get("isDefault")) for source in found.values()) != 1:
        refuse("not exactly one default data source")
    return found


def dashboards():
    found = {}
    for provider in entries("dashboards", "providers", PROVIDER_KEYS):
        if provider["type"] != "file":
            refuse(f"the provider {provider}")
        for path in sorted(pathlib.Path(provider["options"]["path"]).rglob("*.json")):
            dashboard = json.loads(path.read_text())
            uid, title = dashboard.get("uid"), dashboard.get("title")
            known_titles = {each["title"] for each in found.values()}
            if not title or not uid or len(uid) > 40 or uid in found or title in known_titles:
                refuse(f"{path}: uid {uid} or title {title}")
            found[uid] = dashboard
    return found or refuse("no dashboards")


class Handler(http.server.BaseHTTPRequestHandler):
    def do_GET(self):
        parts = self.path.split("?")[0].strip("/").split("/")
        match parts:
            case ["api", "health"]:
                self.answer({"database": "ok", "version": "a stand-in"})
            case ["api", "search"]:
                self.answer([{"uid": uid, "title": each["title"]} for uid, each in DASHBOARDS.items()])
            case ["api", "dashboards", "uid", uid] if uid in DASHBOARDS:
                self.answer({"dashboard": DASHBOARDS[uid]})
            case ["api", "datasources", "proxy", "uid", uid, *_] if uid in SOURCES:
                path = self.path.split(f"/uid/{uid}", 1)[1]
                with urllib.request.urlopen(SOURCES[uid]["url"] + path, timeout=10) as answer:
                    self.answer(json.load(answer))
            case _:
                self.answer({"message": "Not found"}, 404)

    def answer(self, value, status=200):
        body = json.dumps(value).encode()
        self.send_response(status)
        self.send_header("content-length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_):
        pass


SOURCES, DASHBOARDS = sources(), dashboards()
print(f"{len(SOURCES)} data source, {len(DASHBOARDS)} dashboards", flush=True)
http.server.ThreadingHTTPServer(("0.0.0.0", 3000), Handler).serve_forever()
