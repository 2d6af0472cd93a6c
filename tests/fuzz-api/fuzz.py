"""Sends cases made from the description of the API to a server of its own, and reports what the description does not say.

Usage: fuzz.py PROGRAM CASES. Exits with 1 when something is found: an answer of 500 or above, a status, a header or a body
that the description does not have, wrong input that is taken, a key that is not asked for, or a server that does not stop.
"""

import json
import os
import re
import signal
import subprocess
import sys
import tempfile
import urllib.parse
import urllib.request
from datetime import datetime, timedelta, timezone
from pathlib import Path

# Not `positive_data_acceptance`: rules may refuse what has the right shape, for example more points than there are.
CHECKS = [
    "not_a_server_error",
    "status_code_conformance",
    "content_type_conformance",
    "response_headers_conformance",
    "response_schema_conformance",
    "negative_data_rejection",
    "missing_required_header",
    "unsupported_method",
    "ignored_auth",
    "ensure_resource_availability",
]


def main(program, cases):
    with tempfile.TemporaryDirectory(prefix="guerdon-fuzz-") as folder:
        server, url, link = start(program, Path(folder) / "fuzz.db")
        found = True
        try:
            key = set_up(link)
            fill(url, key)
            found = any([fuzz(url, key, cases, "--exclude-operation-id", "revoke_key"), revoke(url, key, cases)])
        finally:
            server.send_signal(signal.SIGTERM)
            code = server.wait(timeout=60)
    if code != 0:
        print(f"the server ended with {code}")
    return 1 if found or code != 0 else 0


def start(program, database):
    """Starts the server; answers it, its address and the one-time link."""
    words = [program, "--database", str(database), "serve", "--listen", "127.0.0.1:0"]
    server = subprocess.Popen(words, stdout=subprocess.PIPE, text=True, env={**os.environ, "RUST_LOG": "error"})
    printed = ""
    for line in server.stdout:
        printed += line
        if line.startswith("Stop it with"):
            break
    url = re.search(r"Guerdon is at (http\S+)", printed)
    link = re.search(r"http\S+/set-up/\S+", printed)
    if not url or not link:
        sys.exit(f"the server did not say where it is:\n{printed}")
    return server, url[1], link[0]


def set_up(link):
    """Fills in the set-up form; answers the key that is shown then."""
    form = {
        "name": "Sample shop",
        "one": "point",
        "many": "points",
        "currency": "USD",
        "time_zone": "America/New_York",
        "earn": "1",
        "worth": "10.00",
        "months": "12",
        "channel": "web",
    }
    with urllib.request.urlopen(link, urllib.parse.urlencode(form).encode()) as page:
        return re.search(r"gdn_[0-9a-z]{40}", page.read().decode())[0]


def fill(url, key):
    """What the examples of the description speak of: a member with a card, and an order."""
    member = {"name": "Ana Silva", "identities": [{"kind": "card", "value": "6001234"}]}
    call(url, key, "POST", "/v1/members", member)
    at = (datetime.now(timezone.utc) - timedelta(hours=1)).strftime("%Y-%m-%dT%H:%M:%SZ")
    line = {"id": "1", "amount": "900.00"}
    order = {"member": "card:6001234", "lines": [line], "placed_at": at, "paid_at": at}
    call(url, key, "PUT", "/v1/channels/web/orders/A17", order)


def call(url, key, method, path, body):
    headers = {
        "Authorization": f"Bearer {key}",
        "Content-Type": "application/json",
        "Idempotency-Key": f"{method}:{path}",
    }
    request = urllib.request.Request(url + path, json.dumps(body).encode(), headers, method=method)
    with urllib.request.urlopen(request) as answer:
        return json.load(answer)


def revoke(url, key, cases):
    """Revokes keys at last, with one that may be among them; from then on the answer is 401, which is described."""
    new = call(url, key, "POST", "/v1/keys", {"name": "to be revoked", "scopes": ["admin"]})
    return fuzz(url, new["secret"], min(cases, 50), "--include-operation-id", "revoke_key", "--phases", "fuzzing")


def fuzz(url, key, cases, *more):
    words = [
        Path(sys.executable).parent / "schemathesis",
        "run",
        f"{url}/v1/openapi.json",
        f"--url={url}",
        f"--header=Authorization: Bearer {key}",
        f"--checks={','.join(CHECKS)}",
        f"--max-examples={cases}",
        "--continue-on-failure",
        "--request-timeout=30",
        "--suppress-health-check=all",
        "--warnings=off",
        "--no-color",
        *more,
    ]
    with tempfile.TemporaryDirectory() as elsewhere:
        return subprocess.run(words, cwd=elsewhere, check=False).returncode != 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1], int(sys.argv[2])))
