"""Audit log and metrics of the service; neither ever names who was scored."""

import json
import logging
import logging.handlers
from datetime import UTC, datetime
from typing import Any

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, generate_latest

# Earlier logs that stay beside the present one.
KEPT_LOGS = 9


class Telemetry:
    """The audit log, and counters of requests, rows and warehouses.

    The log goes to a file, which is rotated before it has more than `log_bytes`, else to standard error.
    """

    def __init__(self, path: str | None, log_bytes: int):
        self._log: logging.Handler = logging.StreamHandler()
        if path:
            self._log = logging.handlers.RotatingFileHandler(
                path, maxBytes=log_bytes, backupCount=KEPT_LOGS, encoding="utf-8"
            )
        self.registry = CollectorRegistry()
        self.requests = Counter("leadlight_requests", "Requests", ["route", "status"], registry=self.registry)
        self.seconds = Histogram(
            "leadlight_request_seconds",
            "Time of a request, seconds",
            ["route"],
            buckets=(0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 5, 30),
            registry=self.registry,
        )
        self.rows = Counter(
            "leadlight_rows",
            "Rows that were scored or refused",
            ["campaign", "outcome"],
            registry=self.registry,
        )
        self.swaps = Counter(
            "leadlight_warehouses_loaded", "Published warehouses that were read", registry=self.registry
        )
        self.load_failed = Gauge(
            "leadlight_warehouse_refused", "1 while a newer warehouse cannot be read", registry=self.registry
        )

    def request(self, line: dict[str, Any]) -> None:
        """Log a request and count it."""
        route, status = line["route"], line["status"]
        self.requests.labels(route, str(status)).inc()
        self.seconds.labels(route).observe(line["milliseconds"] / 1_000)
        for outcome in ("rows", "refused_rows"):
            if line.get(outcome):
                self.rows.labels(line["campaign"], outcome).inc(line[outcome])
        self.write({"event": "request"} | line)

    def warehouse_changed(self, campaigns: int | None, load_error: str | None) -> None:
        """Log a warehouse that was loaded, with its number of campaigns, or could not be."""
        self.load_failed.set(load_error is not None)
        if campaigns is not None:
            self.swaps.inc()
        self.write({"event": "warehouse", "campaigns": campaigns, "trouble": load_error})

    def write(self, line: dict[str, Any]) -> None:
        """Append a line to the log."""
        at = datetime.now(UTC).isoformat(timespec="milliseconds")
        self._log.handle(logging.makeLogRecord({"msg": json.dumps({"at": at} | line)}))

    def metrics_text(self) -> bytes:
        """Return all metrics in Prometheus' text format."""
        return generate_latest(self.registry)
