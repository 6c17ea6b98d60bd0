"""Time, weight and first answer of the report site: `python benchmarks/reports.py [--built]`.

Sources and site are built anew (with `--built` the site in reports/build is taken as it is). Every page is
opened in a browser with an empty cache, from localhost; what it loads is counted without the engine, which
all pages share, as the files lie and as a static host sends them (gzip).
"""

import functools
import gzip
import http.server
import os
import statistics
import subprocess
import sys
import threading
import time
from collections import defaultdict
from pathlib import Path
from typing import ClassVar

from playwright.sync_api import Browser, sync_playwright

from tests.browser import CHROMIUM, FLAGS, page_paths, settle

REPOSITORY = Path(__file__).resolve().parents[1]
SITE = REPOSITORY / "reports/build"
# Scripts, styles, fonts and DuckDB itself: read once, then kept by the browser.
ENGINE = "_app"
REPEATS = 5
# What a host compresses.
PLAIN = {".html", ".js", ".css", ".json", ".svg", ".wasm", ".webmanifest", ".txt", ".arrow"}


def main() -> None:
    if "--built" not in sys.argv:
        for script in ("sources", "build"):
            began = time.perf_counter()
            command = ["npm", "run", "--silent", "--prefix", "reports", script]
            subprocess.run(command, cwd=REPOSITORY, env=os.environ, check=True, capture_output=True)
            print(f"{script}: {time.perf_counter() - began:.0f} s", flush=True)
    server = Server(("127.0.0.1", 0), Counting)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    site = f"http://127.0.0.1:{server.server_port}"
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=FLAGS)
        first = [open_page(browser, site + "/") for _ in range(REPEATS)]
        print(f"first page answers after {statistics.median(first):.2f} s (median of {REPEATS}, empty cache)")
        weights, seconds = {}, {}
        for path in page_paths(SITE):
            Counting.asked.clear()
            seconds[path] = open_page(browser, site + path)
            weights[path] = weigh(Counting.asked)
        browser.close()
    engine = max(weight["engine"] for weight in weights.values())
    print(f"engine, shared by all pages: {engine[0] / 1e6:.1f} MB, {engine[1] / 1e6:.1f} MB with gzip")
    kinds = defaultdict(list)
    for path in weights:
        kinds[kind(path)].append(path)
    print("| page | number | heaviest, MB | with gzip, MB | slowest, s |")
    print("|---|---|---|---|---|")
    for name, paths in kinds.items():
        heaviest = max((weights[path]["page"] for path in paths), default=(0, 0))
        slowest = max(seconds[path] for path in paths)
        figures = f"{heaviest[0] / 1e6:.2f} | {heaviest[1] / 1e6:.2f} | {slowest:.1f}"
        print(f"| {name} | {len(paths)} | {figures} |")


class Server(http.server.ThreadingHTTPServer):
    request_queue_size = 64

    def handle_error(self, request: object, client_address: object) -> None:
        """Ignore errors: a closing browser aborts its open requests."""


class Counting(http.server.SimpleHTTPRequestHandler):
    """Serves the site and writes down what was asked for."""

    asked: ClassVar[set[Path]] = set()

    def __init__(self, *arguments: object) -> None:
        super().__init__(*arguments, directory=str(SITE))

    def send_head(self) -> object:
        path = Path(self.translate_path(self.path))
        self.asked.add(path / "index.html" if path.is_dir() else path)
        return super().send_head()

    def log_message(self, format: str, *arguments: object) -> None:
        pass


def open_page(browser: Browser, url: str) -> float:
    """Seconds until a page in a browser that knows nothing yet can be used."""
    context = browser.new_context()
    page = context.new_page()
    began = time.perf_counter()
    page.goto(url)
    page.locator("#__evidence_project_splash").wait_for(state="detached", timeout=60_000)
    page.get_by_role("heading", level=1).wait_for()
    seconds = time.perf_counter() - began
    settle(page)
    context.close()
    return seconds


def weigh(files: set[Path]) -> dict[str, tuple[int, int]]:
    """Bytes of the engine and of the page's own files, as they lie and as they are sent."""
    weights = {"engine": (0, 0), "page": (0, 0)}
    for file in files:
        if file.is_file():
            part = "engine" if ENGINE in file.relative_to(SITE).parts else "page"
            plain, sent = weights[part]
            weights[part] = (plain + file.stat().st_size, sent + size_sent(file))
    return weights


@functools.cache
def size_sent(file: Path) -> int:
    content = file.read_bytes()
    return len(gzip.compress(content, 6) if file.suffix in PLAIN else content)


def kind(path: str) -> str:
    """`/campaigns/<campaign>/segments/<segment>/` of `/campaigns/coupon/segments/few-baskets/`."""
    parts = path.strip("/").split("/")
    if len(parts) > 1:
        parts[1] = "<campaign>"
    if len(parts) > 3:
        parts[3] = "<segment>"
    return f"/{'/'.join(parts)}/".replace("//", "/")


if __name__ == "__main__":
    main()
