"""The scoring service under load: start, one row at 300 requests a second, 1,000 rows, models exchanged.

    .venv/bin/python benchmarks/service.py [campaign]

Starts the service as a process on a copy of the published warehouse; the client runs in this process, on the
same machine. Requests are sent at fixed times, whether or not earlier ones are answered; latency counts from
the time at which a request was to be sent.
"""

import asyncio
import json
import os
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
RATE, SECONDS, CONNECTIONS = 300, 20, 16


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
        if not self.answered.done():
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


def main(campaign: str) -> None:
    with tempfile.TemporaryDirectory(dir=REPOSITORY) as made:
        folder = Path(made)
        shutil.copy(REPOSITORY / "warehouse.duckdb", folder / "original.duckdb")
        shutil.copy(REPOSITORY / "warehouse.duckdb", folder / "warehouse.duckdb")
        starts = []
        for _ in range(3):
            process, seconds = started(folder)
            starts.append(seconds)
            process.terminate()
            process.wait()
        print(f"start to /readyz, seconds: {', '.join(f'{seconds:.2f}' for seconds in starts)}")
        process, _ = started(folder)
        try:
            document = json.load(urllib.request.urlopen(f"http://127.0.0.1:{PORT}/openapi.json"))
            path = "/v1/campaigns/{campaign}/score"
            content = document["paths"][path]["post"]["requestBody"]["content"]["application/json"]
            [row] = content["examples"][campaign]["value"]["rows"]
            path = path.format(campaign=campaign)

            def message(rows: int, reasons: bool) -> bytes:
                return request(path, json.dumps({"rows": [row] * rows, "reasons": reasons}).encode())

            asyncio.run(load(message(1, True), 50, 2))
            print("| what | requests | p50, ms | p99, ms | longest, ms | failed |\n|---|---|---|---|---|---|")
            for reasons, said in ((False, "without"), (True, "with")):
                told(
                    f"1 row {said} reasons, {RATE}/s", *asyncio.run(load(message(1, reasons), RATE, SECONDS))
                )
            told("1,000 rows, one after the other", *asyncio.run(load(message(1_000, False), 4, 10)))
            taken, failed, swaps = asyncio.run(exchanged(message(1, False), folder))
            told(f"1 row, {RATE}/s, warehouse exchanged {swaps} times", taken, failed)
        finally:
            process.terminate()
            process.wait()


if __name__ == "__main__":
    main(sys.argv[1] if len(sys.argv) > 1 else "insurance")
