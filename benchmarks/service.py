"""The scoring service under load: single rows, many rows, both, models exchanged, slow clients.

    .venv/bin/python benchmarks/service.py [campaign]

Starts the service as a process on a copy of the published warehouse (`LEADLIGHT_WAREHOUSE` names another);
the client runs in this process, on the same machine. Requests are sent at fixed times, whether or not
earlier ones are answered; latency counts from the time at which a request was to be sent.
"""

import asyncio
import json
import multiprocessing
import os
import re
import shutil
import subprocess
import sys
import tempfile
import time
import urllib.error
import urllib.request
from pathlib import Path

import numpy as np

REPOSITORY = Path(__file__).resolve().parents[1]
PORT, SECRET = 8765, "a-secret-of-the-benchmark"
RATE, EXPLAINED_RATE, SECONDS, CONNECTIONS = 200, 40, 20, 16
# Requests a second of single rows beside many, so that the machine is not busy with them alone.
RATE_BESIDE = 20
SLOW_CLIENTS, SLOW_SECONDS = 1_200, 60


def request(path: str, body: bytes) -> bytes:
    head = (
        f"POST {path} HTTP/1.1\r\nHost: here\r\nContent-Type: application/json\r\n"
        f"Authorization: Bearer {SECRET}\r\nContent-Length: {len(body)}\r\n\r\n"
    )
    return head.encode() + body


class Connection(asyncio.Protocol):
    """One kept-alive connection, one request at a time; no more than is needed to time it."""

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self.transport = transport
        self.received = b""

    def data_received(self, data: bytes) -> None:
        self.received += data
        head, found, body = self.received.partition(b"\r\n\r\n")
        if found:
            length = int(head.lower().partition(b"content-length: ")[2].split(b"\r\n")[0])
            if len(body) >= length:
                self.answered.set_result(int(head.split(b" ")[1]))
                self.received = b""

    def connection_lost(self, error: Exception | None) -> None:
        if hasattr(self, "answered") and not self.answered.done():
            self.answered.set_result(0)

    async def ask(self, message: bytes) -> int:
        self.answered = asyncio.get_running_loop().create_future()
        self.transport.write(message)
        return await self.answered


async def load(message: bytes, rate: int, seconds: int) -> tuple[np.ndarray, int]:
    """Milliseconds of each request at a fixed rate, and how many were not answered with 200."""
    loop = asyncio.get_running_loop()
    free: asyncio.Queue[Connection] = asyncio.Queue()
    for _ in range(CONNECTIONS):
        _, connection = await loop.create_connection(Connection, "127.0.0.1", PORT)
        free.put_nowait(connection)
    taken: list[float] = []
    failed = 0

    async def one(due: float) -> None:
        nonlocal failed
        connection = await free.get()
        status = await connection.ask(message)
        free.put_nowait(connection)
        taken.append(1_000 * (loop.time() - due))
        failed += status != 200

    start = loop.time() + 0.1
    async with asyncio.TaskGroup() as tasks:
        for number in range(rate * seconds):
            due = start + number / rate
            if (wait := due - loop.time()) > 0:
                await asyncio.sleep(wait)
            tasks.create_task(one(due))
    return np.array(taken), failed


def started(folder: Path) -> tuple[subprocess.Popen, float]:
    """Start the service and return it with the seconds until it was ready."""
    environment = os.environ | {
        "LEADLIGHT_API_KEYS": f"bench:read+score:{SECRET}",
        "LEADLIGHT_WAREHOUSE": str(folder / "warehouse.duckdb"),
        "LEADLIGHT_API_LOG": str(folder / "log"),
    }
    start = time.perf_counter()
    command = [sys.executable, "-m", "python_models", "serve", "--port", str(PORT)]
    process = subprocess.Popen(command, cwd=REPOSITORY, env=environment, stdout=subprocess.DEVNULL)
    while process.poll() is None:
        try:
            urllib.request.urlopen(f"http://127.0.0.1:{PORT}/readyz").read()
            return process, time.perf_counter() - start
        except (urllib.error.URLError, ConnectionError):
            time.sleep(0.005)
    raise SystemExit("the service did not start")


def told(name: str, taken: np.ndarray, failed: int) -> None:
    p50, p99 = np.percentile(taken, [50, 99])
    print(f"| {name} | {len(taken):,} | {p50:.2f} | {p99:.2f} | {taken.max():.1f} | {failed} |", flush=True)


async def exchanged(message: bytes, folder: Path) -> tuple[np.ndarray, int, int]:
    """Run the same load while repeatedly replacing the warehouse with another copy."""
    running = asyncio.create_task(load(message, RATE, SECONDS))
    swaps = 0
    while not running.done():
        await asyncio.sleep(2)
        await asyncio.to_thread(shutil.copy, folder / "original.duckdb", folder / "next.duckdb")
        os.replace(folder / "next.duckdb", folder / "warehouse.duckdb")
        swaps += 1
    return *await running, swaps


async def beside(message: bytes, many: bytes) -> tuple[np.ndarray, int, int]:
    """Run a load of single rows while another client asks for many rows, one request after the other."""
    _, other = await asyncio.get_running_loop().create_connection(Connection, "127.0.0.1", PORT)
    running = asyncio.create_task(load(message, RATE_BESIDE, SECONDS))
    answered = 0
    while not running.done():
        answered += await other.ask(many) == 200
    other.transport.close()
    return *await running, answered


async def half_a_header() -> None:
    """Hold a connection with half a header; open it again a second after it was closed."""
    while True:
        try:
            reader, writer = await asyncio.open_connection("127.0.0.1", PORT)
            writer.write(b"GET /healthz HTTP/1.1\r\nHost: here\r\nX-Slow: ")
            await reader.read()
            writer.close()
        except OSError:
            pass
        await asyncio.sleep(1)


async def hold(count: int) -> None:
    """Hold `count` connections with half a header."""
    await asyncio.gather(*(half_a_header() for _ in range(count)))


def slow_clients(count: int) -> tuple[np.ndarray, int]:
    """Ask for `/healthz` beside slow clients, which are a process of their own: they keep a core busy."""
    slow = multiprocessing.Process(target=lambda: asyncio.run(hold(count)), daemon=True)
    slow.start()
    time.sleep(2)
    try:
        return asyncio.run(health())
    finally:
        slow.terminate()
        slow.join()


async def health() -> tuple[np.ndarray, int]:
    """Milliseconds of `/healthz`, asked ten times a second on new connections."""
    loop = asyncio.get_running_loop()
    taken, failed = [], 0
    for _ in range(10 * SLOW_SECONDS):
        start = loop.time()
        try:
            transport, connection = await loop.create_connection(Connection, "127.0.0.1", PORT)
            failed += await connection.ask(b"GET /healthz HTTP/1.1\r\nHost: here\r\n\r\n") != 200
            transport.close()
        except OSError:
            failed += 1
        taken.append(1_000 * (loop.time() - start))
        await asyncio.sleep(0.1)
    return np.array(taken), failed


class Campaign:
    """Requests for scores of a campaign, of its example in the service's own documentation."""

    def __init__(self, name: str):
        document = json.load(urllib.request.urlopen(f"http://127.0.0.1:{PORT}/openapi.json"))
        path = "/v1/campaigns/{campaign}/score"
        content = document["paths"][path]["post"]["requestBody"]["content"]["application/json"]
        [self.row] = content["examples"][name]["value"]["rows"]
        self.path = path.format(campaign=name)

    def message(self, rows: int, reasons: bool) -> bytes:
        return request(self.path, json.dumps({"rows": [self.row] * rows, "reasons": reasons}).encode())

    def explained_rows(self) -> int:
        """Return how many rows with reasons are allowed in one request."""
        body = json.dumps({"rows": [self.row] * 10_000, "reasons": True}).encode()
        headers = {"Content-Type": "application/json", "Authorization": f"Bearer {SECRET}"}
        asked = urllib.request.Request(f"http://127.0.0.1:{PORT}{self.path}", body, headers)
        try:
            urllib.request.urlopen(asked).read()  # noqa: S310
        except urllib.error.HTTPError as error:
            found = re.search(r"at most ([\d,]+) are allowed", json.load(error)["error"]["message"])
            assert found
            return int(found[1].replace(",", ""))
        return 10_000


def measure(campaign: Campaign, folder: Path) -> None:
    """Measure all loads and print a row for each."""
    message = campaign.message
    asyncio.run(load(message(1, True), 50, 2))
    print("| what | requests | p50, ms | p99, ms | longest, ms | failed |\n|---|---|---|---|---|---|")
    for reasons, said, rate in ((False, "without", RATE), (True, "with", EXPLAINED_RATE)):
        told(f"1 row {said} reasons, {rate}/s", *asyncio.run(load(message(1, reasons), rate, SECONDS)))
    told("1,000 rows, one after the other", *asyncio.run(load(message(1_000, False), 4, 10)))
    taken, failed, swaps = asyncio.run(exchanged(message(1, False), folder))
    told(f"1 row, {RATE}/s, warehouse exchanged {swaps} times", taken, failed)
    measure_beside(campaign)
    for count in (0, SLOW_CLIENTS):
        said = f"`/healthz` beside {count:,} connections with half a header, {SLOW_SECONDS} s"
        told(said, *slow_clients(count))


def measure_beside(campaign: Campaign) -> None:
    """Measure single rows alone and beside the largest requests."""
    single, explained = campaign.message(1, True), campaign.explained_rows()
    told(f"1 row with reasons, {RATE_BESIDE}/s, alone", *asyncio.run(load(single, RATE_BESIDE, SECONDS)))
    for rows, reasons, said in ((10_000, False, "without"), (explained, True, "with")):
        taken, failed, answered = asyncio.run(beside(single, campaign.message(rows, reasons)))
        told(f"the same beside {answered} requests of {rows:,} rows {said} reasons", taken, failed)


def main(campaign: str) -> None:
    published = Path(os.environ.get("LEADLIGHT_WAREHOUSE") or REPOSITORY / "warehouse.duckdb")
    with tempfile.TemporaryDirectory() as made:
        folder = Path(made)
        for name in ("original.duckdb", "warehouse.duckdb"):
            shutil.copy(published, folder / name)
        starts = []
        for _ in range(3):
            process, seconds = started(folder)
            starts.append(seconds)
            process.terminate()
            process.wait()
        print(f"start to /readyz, seconds: {', '.join(f'{seconds:.2f}' for seconds in starts)}")
        process, _ = started(folder)
        try:
            measure(Campaign(campaign), folder)
        finally:
            process.terminate()
            process.wait()


if __name__ == "__main__":
    main(sys.argv[1] if len(sys.argv) > 1 else "insurance")
