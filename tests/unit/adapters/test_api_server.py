"""The HTTP conversation with an API server: what is tried again, what is given up, and who it speaks as."""

from __future__ import annotations

import asyncio
import contextlib
import json
import socket
import ssl
import threading
from collections.abc import AsyncIterator, Callable, Sequence
from pathlib import Path
from typing import Any

import pytest
from aiohttp import web
from kubernetes.aio.client.configuration import Configuration

from certificates import Authority, ServerFiles
from packhouse.adapters import api_server
from packhouse.adapters.api_server import APPLY, ApiServer, Refused, Request
from packhouse.adapters.cluster import KubeCluster
from packhouse.adapters.discovery import Discovery
from packhouse.api.errors import (
    ApiServerError,
    ClusterUnavailable,
    DeployFailed,
    FieldConflict,
    Forbidden,
    PackhouseError,
)
from packhouse.ports import Kind, Ref, WatchExpired
from packhouse.settings import Settings

SECRET_WORD = "hunter2"
PATCH = Request("PATCH", "/api/v1/x", {"fieldManager": "m"}, body={"a": SECRET_WORD}, content_type=APPLY)
GET = Request("GET", "/api/v1/x")

Answer = Callable[[web.Request], "web.StreamResponse"]


def status(code: int, reason: str = "", message: str = "", **headers: str) -> Answer:
    names = {name.replace("_", "-"): value for name, value in headers.items()}
    body = {"kind": "Status", "reason": reason, "message": message, "details": {"kind": "configmaps", "group": ""}}
    return lambda request: web.json_response(body, status=code, headers=names)


def fine(**answer: Any) -> Answer:
    return lambda request: web.json_response({"ok": True, **answer})


def broken(request: web.Request) -> web.StreamResponse:
    assert request.transport is not None
    request.transport.close()
    return web.Response()


class Server:
    """Answers in turn, the last answer for ever; keeps what it was asked."""

    def __init__(self) -> None:
        self.answers: list[Answer] = [fine()]
        self.asked: list[web.Request] = []
        self.bodies: list[str] = []
        self.url = ""

    async def handle(self, request: web.Request) -> web.StreamResponse:
        self.asked.append(request)
        self.bodies.append(await request.text())
        answer = self.answers.pop(0) if len(self.answers) > 1 else self.answers[0]
        if answer is slow:
            await asyncio.sleep(5)
        return answer(request)


def slow(request: web.Request) -> web.StreamResponse:
    return web.Response()


@pytest.fixture
async def server(unused_tcp_port: int) -> AsyncIterator[Server]:
    made = Server()
    application = web.Application()
    application.router.add_route("*", "/{path:.*}", made.handle)
    runner = web.AppRunner(application, shutdown_timeout=0.01)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", unused_tcp_port).start()
    made.url = f"http://127.0.0.1:{unused_tcp_port}"
    yield made
    await runner.cleanup()


@pytest.fixture(autouse=True)
def waits(monkeypatch: pytest.MonkeyPatch) -> list[float]:
    """How long is waited between tries; the waiting itself is left out."""
    waited: list[float] = []
    plain = api_server._wait

    def noted(state: Any) -> float:
        waited.append(plain(state))
        return 0.0

    monkeypatch.setattr(api_server, "_wait", noted)
    return waited


class Client:
    def __init__(self, server: Server, **settings: Any) -> None:
        self.counted: list[tuple[str, str, int]] = []
        self.renewed: list[bool] = []
        self.header: str | None = "Bearer first"

        async def identity(renew: bool) -> str | None:
            self.renewed.append(renew)
            if renew:
                self.header = "Bearer second"
            return self.header

        configuration = Configuration(host=server.url)
        self.settings = Settings(**{"request_retries": 2, **settings})
        self.api = ApiServer(
            configuration, self.settings, identity=identity, count=lambda *told: self.counted.append(told)
        )
        self.cluster = KubeCluster(self.api, Discovery(self.api), self.settings)


@pytest.fixture
async def clients(server: Server) -> AsyncIterator[Callable[..., Client]]:
    made: list[Client] = []

    def make(**settings: Any) -> Client:
        made.append(Client(server, **settings))
        return made[-1]

    yield make
    for client in made:
        await client.api.close()


Clients = Callable[..., Client]


@pytest.mark.parametrize("request_", [GET, PATCH], ids=["GET", "PATCH"])
@pytest.mark.parametrize(
    "passing",
    [status(429, Retry_After="1"), status(502), status(503), status(504), broken],
    ids=["429", "502", "503", "504", "broken"],
)
async def test_what_may_pass_is_tried_again(
    server: Server, clients: Clients, request_: Request, passing: Answer
) -> None:
    server.answers = [passing, passing, fine()]
    client = clients()

    assert await client.api.call(request_) == {"ok": True}

    assert len(server.asked) == 3
    assert client.counted[-1] == (request_.method, "/api/v1/x", 200)
    if request_ is PATCH:
        assert json.loads(server.bodies[-1]) == PATCH.body


@pytest.mark.parametrize("code", [301, 302, 303, 307, 308])
async def test_no_redirect_is_followed_with_what_is_for_the_server_alone(
    server: Server, clients: Clients, code: int
) -> None:
    """Else a 307 would carry the body along, and any of them the header that names whom the caller acts for."""
    server.answers = [status(code, Location=f"{server.url}/elsewhere"), fine()]
    with pytest.raises(Refused, match=str(code)):
        await clients().api.call(PATCH)
    assert [request.path for request in server.asked] == ["/api/v1/x"]


async def test_retry_after_is_the_least_wait(server: Server, clients: Clients, waits: list[float]) -> None:
    server.answers = [status(429, Retry_After="7"), status(503), fine()]
    await clients().api.call(PATCH)
    assert waits[0] >= 7
    assert waits[1] < 7


async def test_waits_grow_and_stay_below_the_most(server: Server, clients: Clients, waits: list[float]) -> None:
    server.answers = [status(503)]
    with pytest.raises(ClusterUnavailable):
        await clients(request_retries=12).api.call(GET)
    assert len(server.asked) == 13
    assert all(0 <= wait <= api_server.RETRY_MOST_SECONDS for wait in waits)
    assert waits[0] <= api_server.RETRY_FIRST_SECONDS * 2


async def test_after_the_retries_it_is_given_up_with_the_wait_that_was_named(server: Server, clients: Clients) -> None:
    server.answers = [status(429, Retry_After="9")]
    with pytest.raises(ClusterUnavailable, match="PATCH /api/v1/x: it answered 429") as given_up:
        await clients().api.call(PATCH)
    assert given_up.value.retry_after_seconds == 9
    assert len(server.asked) == 3


async def test_a_server_that_is_not_there_is_unavailable(
    server: Server, clients: Clients, unused_tcp_port_factory: Any
) -> None:
    server.url = f"http://127.0.0.1:{unused_tcp_port_factory()}"
    client = clients(request_retries=1)
    with pytest.raises(ClusterUnavailable, match="no answer"):
        await client.api.call(GET)
    assert [code for _, _, code in client.counted] == [0, 0]


@pytest.mark.parametrize(
    ("request_", "words"), [(GET, r"no answer within 0.05 s \("), (PATCH, r"of a webhook that it asks \(")]
)
async def test_a_write_that_is_not_answered_may_hang_at_a_webhook(
    server: Server, clients: Clients, request_: Request, words: str
) -> None:
    server.answers = [slow]
    with pytest.raises(ClusterUnavailable, match=words):
        await clients(request_timeout_seconds=0.05, request_retries=0).api.call(request_)


async def test_nothing_waits_longer_than_its_time(server: Server, clients: Clients) -> None:
    server.answers = [slow]
    async with asyncio.timeout(2):
        with pytest.raises(ClusterUnavailable, match="Timeout"):
            await clients(request_timeout_seconds=0.05, request_retries=1).api.call(GET)
    assert len(server.asked) == 2


@pytest.mark.parametrize("code", [400, 403, 404, 409, 410, 422, 500])
async def test_a_refusal_is_not_tried_again(server: Server, clients: Clients, code: int) -> None:
    server.answers = [status(code, "Why", "because")]
    with pytest.raises(Refused) as refused:
        await clients().api.call(PATCH)
    assert (refused.value.code, refused.value.reason, refused.value.message) == (code, "Why", "because")
    assert len(server.asked) == 1


async def test_an_old_token_is_renewed_once(server: Server, clients: Clients) -> None:
    server.answers = [status(401), fine()]
    client = clients()

    assert await client.api.call(PATCH) == {"ok": True}

    assert [request.headers["Authorization"] for request in server.asked] == ["Bearer first", "Bearer second"]
    assert client.renewed == [False, True]


async def test_a_renewed_token_that_is_refused_too_is_given_up(server: Server, clients: Clients) -> None:
    server.answers = [status(401)]
    client = clients()
    with pytest.raises(Refused) as refused:
        await client.api.call(GET)
    assert refused.value.code == 401
    assert client.renewed == [False, True]


async def test_a_retry_after_the_renewal_does_not_renew_again(server: Server, clients: Clients) -> None:
    server.answers = [status(401), status(503), fine()]
    client = clients()
    await client.api.call(GET)
    assert client.renewed == [False, True, False]


async def test_nobody_sends_no_authorization(server: Server, clients: Clients) -> None:
    client = clients()
    client.header = None
    await client.api.call(GET)
    assert "Authorization" not in server.asked[0].headers


async def test_another_identity_uses_the_same_server_with_its_own_header(server: Server, clients: Clients) -> None:
    client = clients()

    async def guest(renew: bool) -> str:
        return "Bearer guest"

    await client.api.acting_as(guest).call(GET)
    await client.api.call(GET)

    assert [request.headers["Authorization"] for request in server.asked] == ["Bearer guest", "Bearer first"]


@pytest.mark.parametrize("answer", [status(503), status(500), broken, status(422), status(401)])
async def test_no_secret_stands_in_an_error(server: Server, clients: Clients, answer: Answer) -> None:
    server.answers = [answer]
    client = clients(request_retries=0)
    client.header = f"Bearer {SECRET_WORD}"
    with pytest.raises((Refused, ClusterUnavailable)) as error:
        await client.api.call(PATCH)
    assert SECRET_WORD not in str(error.value) + repr(error.value) + str(getattr(error.value, "message", ""))


async def test_an_answer_that_is_no_json_is_tried_again(server: Server, clients: Clients) -> None:
    server.answers = [lambda request: web.Response(text="<html>"), fine()]
    assert await clients().api.call(GET) == {"ok": True}


async def test_requests_are_counted_by_verb_path_and_code(server: Server, clients: Clients) -> None:
    server.answers = [status(503), fine()]
    client = clients()
    await client.api.call(PATCH)
    assert client.counted == [("PATCH", "/api/v1/x", 503), ("PATCH", "/api/v1/x", 200)]


async def test_no_more_requests_are_in_flight_than_allowed(server: Server, clients: Clients) -> None:
    now = most = 0

    async def handle(request: web.Request) -> web.StreamResponse:
        nonlocal now, most
        now += 1
        most = max(most, now)
        await asyncio.sleep(0.005)
        now -= 1
        return web.json_response({})

    server.handle = handle  # type: ignore[method-assign]
    application = web.Application()
    application.router.add_route("*", "/{path:.*}", handle)
    runner = web.AppRunner(application)
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", 0)
    await site.start()
    server.url = f"http://127.0.0.1:{runner.addresses[0][1]}"
    client = clients(requests_in_flight=3)
    await asyncio.gather(*(client.api.call(GET) for _ in range(12)))
    await runner.cleanup()
    assert most == 3


# ---- the same server behind the port Cluster -----------------------------------------------------------------

CONFIG_MAPS = fine(resources=[{"kind": "ConfigMap", "name": "configmaps", "namespaced": True}])
REF = Ref(Kind("", "v1", "ConfigMap"), "demo", "web")
OBJ = {"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "web", "namespace": "demo"}}


@pytest.mark.parametrize(
    ("code", "reason", "error"),
    [
        (403, "Forbidden", Forbidden),
        (409, "Conflict", FieldConflict),
        (409, "AlreadyExists", DeployFailed),
        (422, "Invalid", DeployFailed),
        (404, "NotFound", DeployFailed),
        (500, "InternalError", ApiServerError),
        (503, "ServiceUnavailable", ClusterUnavailable),
        (401, "Unauthorized", ClusterUnavailable),
    ],
)
async def test_a_refused_write_is_one_of_our_errors(
    server: Server, clients: Clients, code: int, reason: str, error: type[PackhouseError]
) -> None:
    server.answers = [CONFIG_MAPS, status(code, reason, "the server's words")]
    with pytest.raises(PackhouseError) as raised:
        await clients(request_retries=0).cluster.apply(OBJ, manager="m")
    assert type(raised.value) is error


@pytest.mark.parametrize(("reason", "internal"), [("InternalError", True), ("", False)], ids=["a webhook", "a type"])
async def test_a_webhook_that_fails_is_told_from_an_object_that_cannot_be_read(
    server: Server, clients: Clients, reason: str, internal: bool
) -> None:
    server.answers = [CONFIG_MAPS, status(500, reason, "the server's words")]
    with pytest.raises(ApiServerError) as raised:
        await clients(request_retries=0).cluster.apply(OBJ, manager="m")
    assert raised.value.internal is internal


@pytest.mark.parametrize(
    ("code", "error"),
    [(403, Forbidden), (500, ClusterUnavailable), (503, ClusterUnavailable), (401, ClusterUnavailable)],
)
@pytest.mark.parametrize("discovered", [True, False], ids=["reading", "discovery"])
async def test_a_refused_read_is_one_of_our_errors_even_when_discovery_met_it(
    server: Server, clients: Clients, code: int, error: type[PackhouseError], discovered: bool
) -> None:
    server.answers = [*([CONFIG_MAPS] if discovered else []), status(code, "Why", "the server's words")]
    with pytest.raises(PackhouseError) as raised:
        await clients(request_retries=0).cluster.get(REF)
    assert type(raised.value) is error


async def test_a_forbidden_verb_is_named_with_its_resource(server: Server, clients: Clients) -> None:
    server.answers = [CONFIG_MAPS, status(403, "Forbidden", "no")]
    with pytest.raises(Forbidden, match=r'resources \["configmaps"\], verbs \["patch"\]'):
        await clients().cluster.apply(OBJ, manager="m")


def lines(*events: Any) -> Answer:
    return lambda request: web.Response(text="".join(json.dumps(event) + "\n" for event in events))


async def watched(client: Client) -> Sequence[str]:
    return [event.object["metadata"]["name"] async for event in client.cluster.watch(REF.kind, resource_version="1")]


def event(name: str, size: int = 0) -> dict[str, Any]:
    metadata = {"name": name, "resourceVersion": "2", "annotations": {"text": "x" * size}}
    return {"type": "ADDED", "object": {"metadata": metadata}}


def deep(name: str) -> str:
    """An object that anybody may make, as text: json.dumps does not get there either."""
    opened, closed = '{"f:]}":[' * 3000, "]}" * 3000
    return f'{{"metadata":{{"managedFields":[{{"fieldsV1":{opened}{closed}}}],"name":"{name}","resourceVersion":"2"}}}}'


async def test_metadata_that_nests_deep_hides_no_other(server: Server, clients: Clients) -> None:
    cluster = clients().cluster
    page = f'{{"metadata":{{}},"items":[{deep("a")},{deep("b")}]}}'
    server.answers = [CONFIG_MAPS, lambda request: web.Response(text=page)]
    [found] = [page async for page in cluster.pages(REF.kind, metadata_only=True)]
    assert [item["metadata"]["name"] for item in found.items] == ["a", "b"]

    told = "".join(f'{{"type":"ADDED","object":{deep(name)}}}\n' for name in "ab")
    server.answers = [lambda request: web.Response(text=told)]
    events = cluster.watch(REF.kind, resource_version="1", metadata_only=True)
    assert [event.object["metadata"]["name"] async for event in events] == ["a", "b"]


async def test_a_whole_object_that_nests_deep_is_not_read_in_part(server: Server, clients: Clients) -> None:
    server.answers = [CONFIG_MAPS, lambda request: web.Response(text=deep("a"))]
    with pytest.raises(ClusterUnavailable, match="nests too deep"):
        await clients(request_retries=0).cluster.get(REF)


async def test_a_watch_ends_when_the_server_ends_it(server: Server, clients: Clients) -> None:
    server.answers = [CONFIG_MAPS, lines(event("a"), event("b"))]
    assert await watched(clients()) == ["a", "b"]


async def test_an_event_may_be_as_large_as_an_object(server: Server, clients: Clients) -> None:
    server.answers = [CONFIG_MAPS, lines(event("large", 1_500_000))]
    assert await watched(clients()) == ["large"]


@pytest.mark.parametrize(
    "answer",
    [
        status(503),
        status(500),
        broken,
        lambda request: web.Response(text="{no json\n"),
        lines({"type": "ERROR", "object": {"code": 500}}),
    ],
    ids=["503", "500", "broken", "no json", "an error event"],
)
async def test_a_watch_that_breaks_is_unavailable(server: Server, clients: Clients, answer: Answer) -> None:
    server.answers = [CONFIG_MAPS, answer]
    with pytest.raises(ClusterUnavailable):
        await watched(clients())


@pytest.mark.parametrize(
    "answer",
    [status(410), status(404), lines({"type": "ERROR", "object": {"code": 410}})],
    ids=["too old", "not served any more", "too old, on the way"],
)
async def test_a_watch_that_cannot_go_on_asks_for_a_new_list(server: Server, clients: Clients, answer: Answer) -> None:
    server.answers = [CONFIG_MAPS, answer]
    with pytest.raises(WatchExpired):
        await watched(clients())


def answers_a_watch_and_listens_no_more(
    listener: socket.socket, files: ServerFiles, answered: threading.Event | None = None
) -> bytes:
    """What comes after the answer until the connection ends; nothing of it is answered, not even a farewell."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(files.certificate, files.key)
    raw, _ = listener.accept()
    incoming, outgoing = ssl.MemoryBIO(), ssl.MemoryBIO()
    speech = context.wrap_bio(incoming, outgoing, server_side=True)
    with raw:
        while True:
            try:
                speech.do_handshake()
                if speech.read(65536):
                    break
            except ssl.SSLWantReadError:
                raw.sendall(outgoing.read())
                incoming.write(raw.recv(65536))
        body = json.dumps(event("a")) + "\n"
        head = "HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nTransfer-Encoding: chunked\r\n\r\n"
        speech.write(f"{head}{len(body):x}\r\n{body}\r\n".encode())
        raw.sendall(outgoing.read())
        if answered is not None:
            answered.set()
        raw.settimeout(20)
        after = b""
        with contextlib.suppress(ConnectionResetError):
            while more := raw.recv(65536):
                after += more
        return after


async def test_a_watch_that_we_end_is_over_at_once(tmp_path: Path) -> None:
    """A server that does not say goodbye would hold the connection for half a minute, and longer than we live."""
    files = Authority(tmp_path).server("localhost")
    with socket.create_server(("127.0.0.1", 0)) as listener:
        configuration = Configuration(host=f"https://127.0.0.1:{listener.getsockname()[1]}")
        configuration.verify_ssl = False
        other_side = asyncio.create_task(asyncio.to_thread(answers_a_watch_and_listens_no_more, listener, files))
        api = ApiServer(configuration, Settings(), identity=nobody)
        async with api.lines(Request("GET", "/api/v1/x"), 20) as told:
            assert (await anext(told))["type"] == "ADDED"
        await other_side  # recv gives up after 20 s
        await api.close()


async def test_a_request_that_we_give_up_is_over_at_once(tmp_path: Path) -> None:
    files, answered = Authority(tmp_path).server("localhost"), threading.Event()
    with socket.create_server(("127.0.0.1", 0)) as listener:
        configuration = Configuration(host=f"https://127.0.0.1:{listener.getsockname()[1]}")
        configuration.verify_ssl = False
        other_side = asyncio.create_task(
            asyncio.to_thread(answers_a_watch_and_listens_no_more, listener, files, answered)
        )
        api = ApiServer(configuration, Settings(), identity=nobody)
        call = asyncio.create_task(api.call(Request("GET", "/api/v1/x")))  # its answer never ends
        await asyncio.to_thread(answered.wait)
        call.cancel()
        await other_side
        await api.close()


async def nobody(_: bool) -> str | None:
    return None
