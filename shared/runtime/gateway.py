"""The gateway before services that run apart, as an nginx configuration: requests go by path prefix.

A request that a copy refuses, cannot answer now (503), or drops because it ends, goes to another copy, whatever its
method: nothing that is sent twice is done twice here (a creating request carries its idempotency key, a decision its
lease).
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from string import Template

import orjson

from shared.errors import Misconfigured
from shared.http.app import MAX_BODY_BYTES, ROUND_A_FILE
from shared.http.problems import body_of
from shared.spec import ServiceSpec

AWAY_SECONDS = 2
_CONFIGURATION = Template("""# Made by `onewindow gateway`: make it again when services or their places change.
worker_processes auto;
pid $folder/gateway.pid;
error_log $folder/gateway.log warn;
events { worker_connections 1024; }
http {
    access_log off;
    server_tokens off;
    client_body_temp_path $folder/body;
    proxy_temp_path $folder/proxy;
    fastcgi_temp_path $folder/fastcgi;
    uwsgi_temp_path $folder/uwsgi;
    scgi_temp_path $folder/scgi;
    client_max_body_size $most;
    proxy_http_version 1.1;
    proxy_set_header Connection "";
    proxy_set_header Host $$http_host;
    proxy_set_header X-Forwarded-For $$remote_addr;
    proxy_set_header X-Forwarded-Proto $$scheme;
    proxy_connect_timeout ${away}s;
    proxy_next_upstream error timeout http_503 non_idempotent;
$upstreams
    server {
        listen $listen;
$locations
        location = /metrics { return 404; }
$problems
    }
}
""")


_AWAY = 503
_OWN_ANSWERS = (
    ("502 504", _AWAY, "SERVICE_AWAY"),
    ("400", 400, "BAD_REQUEST"),
    ("404", 404, "NOT_FOUND"),
    ("408", 408, "TOO_SLOW"),
    ("413", 413, "TOO_LARGE"),
    ("414", 414, "ADDRESS_TOO_LONG"),
    ("494", 431, "HEADERS_TOO_LARGE"),
)
"""What nginx finds out by itself, before or without a service: its own status, the one that is answered, the code."""


def nginx(
    specs: Sequence[ServiceSpec],
    backends: Mapping[str, Sequence[str]],
    *,
    listen: str,
    folder: str,
    file_bytes: int = MAX_BODY_BYTES,
) -> str:
    """The configuration: `backends` gives each service's copies as `host:port`, `listen` the gateway's own address,
    `file_bytes` what a file may have at most.

    The service named first answers what belongs to none: any process describes the whole API. A service without a copy,
    or a copy of no service, is `Misconfigured`. What nginx writes goes to `folder`.
    """
    _require_all(specs, backends)
    locations = [line for spec in specs for line in (*_locations(spec), *_uploads(spec, file_bytes + ROUND_A_FILE))]
    locations.append(_location("/", next(iter(backends))))
    return _CONFIGURATION.substitute(
        folder=folder,
        most=MAX_BODY_BYTES,
        away=AWAY_SECONDS,
        listen=listen,
        upstreams="".join(_upstream(spec.name, backends[spec.name]) for spec in specs),
        locations="\n".join(locations),
        problems="\n".join(_problem(*own) for own in _OWN_ANSWERS),
    )


def _require_all(specs: Sequence[ServiceSpec], backends: Mapping[str, Sequence[str]]) -> None:
    names = {spec.name for spec in specs}
    for wrong in sorted(names ^ backends.keys()):
        raise Misconfigured(
            "gateway",
            f"{wrong}:每个服务须写明至少一个地址,如 {wrong}=127.0.0.1:8101",
            f"{wrong}: each service, and no other name, needs an address, as {wrong}=127.0.0.1:8101",
        )


def _upstream(name: str, copies: Sequence[str]) -> str:
    servers = "".join(f" server {copy} max_fails=0;" for copy in copies)
    # No copy is ever left out for having failed: in a rolling release the one that failed last is the one that is back.
    # Keep-alive is shorter than the five seconds after which a service hangs up by itself.
    return f"    upstream {name} {{{servers} keepalive 16; keepalive_timeout 2s; }}\n"


def _locations(spec: ServiceSpec) -> Iterator[str]:
    own = spec.prefix or f"/api/{spec.name}"
    for prefix in (own, *spec.further_routers, f"/api/ops/{spec.name}"):
        yield _location(f"{prefix}/", spec.name)
        yield _location(f"= {prefix}", spec.name)
    yield _location(f"= /readyz/{spec.name}", spec.name)


def _uploads(spec: ServiceSpec, most: int) -> Iterator[str]:
    """Where files are handed in: larger bodies, passed on as they come, for what waits here would lie on a disk in
    clear."""
    for path in spec.uploads:
        where = f"= {spec.prefix or f'/api/{spec.name}'}{path}"
        yield (
            f"        location {where} {{ proxy_pass http://{spec.name};"
            f" client_max_body_size {most}; proxy_request_buffering off; }}"
        )


def _location(what: str, service: str) -> str:
    return f"        location {what} {{ proxy_pass http://{service}; }}"


def _problem(met: str, status: int, code: str) -> str:
    """What the gateway answers in a service's place, as a problem document: a page of its own no client could read."""
    told = orjson.dumps(body_of(status, code)).decode()
    wait = f" add_header Retry-After {AWAY_SECONDS} always;" if status == _AWAY else ""
    return (
        f"        error_page {met} ={status} /-/{status};\n"
        f"        location = /-/{status} {{ internal; default_type application/problem+json;{wait}"
        f" return {status} '{told}'; }}"
    )
