"""What the agent serves, to the API server only: logs, exec, pods, figures ... The paths are the kubelet's."""

from __future__ import annotations

import logging
import ssl
from collections.abc import Callable, Iterable, Iterator
from typing import TYPE_CHECKING, Any

import flask
import orjson

from agent.hangups import HangUps
from agent.https import SEND_HEAD, SOCKET
from agent.kubelet import Kubelet
from agent.logs import LogOptions, container_to_read, limited, open_log, parse_options
from agent.metrics.page import CONTENT_TYPE
from agent.reports import Reports
from agent.runtime.base import EngineUnreachable, NoSuchContainer, Runtime, Stream
from agent.streams.opening import Streams, Talk
from orchestrator.api.errors import ApiError, Forbidden, NotFound, ServiceUnavailable
from orchestrator.util.clock import Clock

if TYPE_CHECKING:
    from _typeshed.wsgi import WSGIEnvironment

log = logging.getLogger(__name__)

#: Who may ask: these users, and the members of these groups.
USERS = frozenset({"kube-apiserver"})
GROUPS = frozenset({"system:masters"})


def make_app(kubelet: Kubelet, runtime: Runtime, reports: Reports, clock: Clock) -> flask.Flask:
    app = flask.Flask("agent")
    hang_ups = HangUps()
    streams = Streams(kubelet, runtime, clock)

    @app.before_request
    def admit() -> None:
        if flask.request.path != "/healthz":
            _authorize(flask.request.environ[SOCKET])

    @app.errorhandler(ApiError)
    def refuse(error: ApiError) -> flask.Response:
        return _json(error.status(), error.code)

    @app.get("/healthz")
    def healthz() -> str:
        return "ok"

    @app.get("/pods")
    def pods() -> flask.Response:
        return _json({"kind": "PodList", "apiVersion": "v1", "metadata": {}, "items": kubelet.pods})

    @app.get("/stats/summary")
    def stats_summary() -> flask.Response:
        lean = flask.request.args.get("only_cpu_and_memory", "") in ("1", "true")
        return _json(reports.summary(only_cpu_and_memory=lean))

    @app.get("/metrics")
    @app.get("/metrics/<any(cadvisor, probes, resource):page>")
    def metrics(page: str = "") -> flask.Response:
        return flask.Response(reports.pages[page](), content_type=CONTENT_TYPE)

    @app.get("/containerLogs/<namespace>/<pod>/<container>")
    def container_logs(namespace: str, pod: str, container: str) -> flask.Response:
        options = parse_options(flask.request.args, clock.now())
        worker = kubelet.worker(namespace, pod)
        if worker is None:
            raise NotFound(f'pod "{pod}" not found on this node')
        instance = container_to_read(worker.pod, container, worker.observed(), previous=options.previous)
        try:
            stream = open_log(runtime, instance, options)
        except NoSuchContainer:
            raise NotFound(f'the log of container "{container}" in pod "{pod}" is gone with the container') from None
        except EngineUnreachable as error:
            raise ServiceUnavailable(f"the container engine does not answer: {error}") from None
        body = _watched(hang_ups, flask.request.environ, stream, options)
        return flask.Response(body, content_type="text/plain; charset=utf-8", direct_passthrough=True)

    def exec_(namespace: str, pod: str, container: str) -> flask.Response:
        return _upgraded(*streams.exec(namespace, pod, container, _headers(), _query()))

    def attach(namespace: str, pod: str, container: str) -> flask.Response:
        return _upgraded(*streams.attach(namespace, pod, container, _headers(), _query()))

    def port_forward(namespace: str, pod: str) -> flask.Response:
        return _upgraded(*streams.port_forward(namespace, pod, _headers(), _query()))

    def dial(scheme: str, namespace: str, pod: str, port: int) -> flask.Response:
        return _upgraded(*streams.dial(scheme, namespace, pod, port, _headers()))

    _route_stream(app, "/exec/<namespace>/<pod>/<container>", exec_)
    _route_stream(app, "/attach/<namespace>/<pod>/<container>", attach)
    _route_stream(app, "/portForward/<namespace>/<pod>", port_forward)
    _route_stream(app, "/dial/<any(http, https):scheme>/<namespace>/<pod>/<int:port>", dial)
    return app


def _route_stream(app: flask.Flask, path: str, view: Callable[..., flask.Response]) -> None:
    """For Flask, a request to become a WebSocket is of another sort."""
    app.add_url_rule(path, view.__name__, view, methods=["GET", "POST"])
    app.add_url_rule(path, f"{view.__name__}-websocket", view, websocket=True)


class _Upgraded(flask.Response):
    """A 101: its "body" is what happens on the connection afterwards. An ordinary response of that code has none."""

    def get_app_iter(self, environ: WSGIEnvironment) -> Iterable[bytes]:
        return self.iter_encoded()


def _upgraded(talk: Talk, headers: list[tuple[str, str]]) -> flask.Response:
    environ = flask.request.environ

    def begun() -> Iterator[bytes]:
        environ[SEND_HEAD]()
        talk(environ[SOCKET])
        yield b""

    answer = _Upgraded(begun(), 101, headers)
    del answer.headers["Content-Type"]
    return answer


def _headers() -> dict[str, str]:
    return {name.lower(): value for name, value in flask.request.headers}


def _query() -> dict[str, list[str]]:
    return flask.request.args.to_dict(flat=False)


def _watched(
    hang_ups: HangUps, environ: WSGIEnvironment, stream: Stream[bytes], options: LogOptions
) -> Iterator[bytes]:
    """The stream, ended when the client goes away."""
    try:
        if options.follow:
            environ[SEND_HEAD]()  # the first line may be long in coming
            with hang_ups.watched(environ[SOCKET], stream.close):
                yield from limited(stream, options.limit_bytes)
        else:
            yield from limited(stream, options.limit_bytes)
    except EngineUnreachable as error:
        log.warning("a log ends early: %s", error)
    finally:
        stream.close()


def _authorize(sock: ssl.SSLSocket) -> None:
    """The certificate is of the cluster's CA, as the handshake made sure; here it is about whose it is."""
    subject: Any = (sock.getpeercert() or {}).get("subject", ())
    pairs = [pair for rdn in subject for pair in rdn]
    users = {value for field, value in pairs if field == "commonName"}
    groups = {value for field, value in pairs if field == "organizationName"}
    if not (users & USERS or groups & GROUPS):
        raise Forbidden(f"{', '.join(users) or 'nobody'} may not ask the agent: only the API server may")


def _json(value: object, code: int = 200) -> flask.Response:
    return flask.Response(orjson.dumps(value), code, content_type="application/json")
