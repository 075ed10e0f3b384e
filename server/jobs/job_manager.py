"""The jobs of a service: kept in the workspace's folder before they are confirmed, run one after the other."""

import asyncio
import json
import logging
import os
import secrets
import signal
import sys
import time
from collections import deque
from collections.abc import AsyncIterator
from contextlib import suppress
from pathlib import Path
from typing import Any

from taxonaut.server.jobs.job_specs import JobRecord, JobState
from taxonaut.server.problems import ProblemError, problem
from taxonaut.state.errors import DiskError, InputError, NotFoundError
from taxonaut.state.workspace_folder import JOBS_FOLDER

_LOGGER = logging.getLogger("taxonaut.server")

MOST_WAITING = 32
MOST_EVENTS = 1_000
_LONGEST_LINE = 64 << 20
_PATIENCE_S = 15.0

CONTINUED: tuple[JobState, ...] = ("failed", "cancelled", "interrupted")
ENDED: tuple[JobState, ...] = ("finished", *CONTINUED)


class Job:
    """A job with its files: its record, its spec, and its results, a JSON line each."""

    def __init__(self, folder: Path, record: JobRecord) -> None:
        self.record = record
        self.record_file = folder / f"{record.id}.json"
        self.spec_file = folder / f"{record.id}.spec.json"
        self.results_file = folder / f"{record.id}.results.jsonl"
        self.rows_file = folder / f"{record.id}.rows.jsonl"
        """The rows of the file that the job was made of, if it was made of one."""
        self.events: deque[tuple[int, str, dict[str, Any]]] = deque(maxlen=MOST_EVENTS)
        self.count = 0
        self.changed = asyncio.Condition()
        self.process: asyncio.subprocess.Process | None = None
        self.cancelled = False

    def keep(self) -> None:
        """Write the record."""
        _write(self.record_file, self.record.model_dump_json())

    async def tell(self, kind: str, row: dict[str, Any]) -> None:
        """Add an event, for those who listen."""
        async with self.changed:
            self.count += 1
            self.events.append((self.count, kind, row))
            self.changed.notify_all()


class JobManager:
    """Runs the jobs of a workspace, each in a process of its own."""

    def __init__(self, folder: Path) -> None:
        self._workspace = folder.resolve()
        self._folder = self._workspace / JOBS_FOLDER
        self._jobs: dict[str, Job] = {}
        self._waiting: asyncio.Queue[Job] = asyncio.Queue()
        self._runner: asyncio.Task[None] | None = None
        self._idle = asyncio.Event()
        self._idle.set()
        self.ending = False

    async def start(self) -> None:
        """Read the jobs that are there, and begin to run what is asked for."""
        for file in sorted(self._folder.glob("*.json")) if self._folder.is_dir() else ():
            if file.name.endswith(".spec.json"):
                continue
            with suppress(ValueError, OSError):
                job = Job(self._folder, JobRecord.model_validate_json(file.read_text(encoding="utf-8")))
                if job.record.state not in ENDED:
                    job.record.state = "interrupted"
                    job.keep()
                self._jobs[job.record.id] = job
        self._runner = asyncio.create_task(self._run_all())

    async def close(self) -> None:
        """Interrupt what runs, and wait for it; it can be continued."""
        self.ending = True
        running = [job for job in self._jobs.values() if job.process is not None]
        for job in running:
            _interrupt(job)
        if self._runner is not None:
            async with asyncio.timeout(_PATIENCE_S * 2):
                await self._idle.wait()
            self._runner.cancel()
            with suppress(asyncio.CancelledError):
                await self._runner
        for job in self._jobs.values():
            if job.record.state == "waiting":
                job.record.state = "interrupted"
                job.keep()

    def all(self) -> list[JobRecord]:
        """Return all jobs, the newest first."""
        return sorted((job.record for job in self._jobs.values()), key=lambda each: (-each.created, each.id))

    def get(self, id_: str) -> Job:
        """Return a job. Raises NotFoundError for an unknown one."""
        job = self._jobs.get(id_)
        if job is None:
            raise NotFoundError(f"no job {id_[:80]!r}; GET /api/jobs lists the jobs")
        return job

    def add(self, kind: str, spec: dict[str, Any]) -> JobRecord:
        """Keep a job and let it wait for its turn. Raises ProblemError (429) for too many that wait."""
        self._check_room()
        record = JobRecord(
            id=f"{time.strftime('%Y%m%d-%H%M%S', time.gmtime())}-{secrets.token_hex(4)}",
            kind=kind,
            state="waiting",
            created=time.time(),
        )
        job = Job(self._folder, record)
        try:
            self._folder.mkdir(mode=0o700, exist_ok=True)
            _write(job.spec_file, json.dumps(spec))
            job.keep()
        except OSError as error:
            raise DiskError(f"the job cannot be kept: {error.strerror}; free some disk space") from None
        self._jobs[record.id] = job
        self._waiting.put_nowait(job)
        return record

    def resume(self, id_: str) -> JobRecord:
        """Let a job that was cut off wait for its turn again; what it had finished is not done again."""
        job = self.get(id_)
        if job.record.state not in CONTINUED:
            raise InputError(
                f"job {id_!r} is {job.record.state}; only {', '.join(CONTINUED)} jobs can be continued"
            )
        self._check_room()
        job.cancelled = False
        job.record = job.record.model_copy(
            update={"state": "waiting", "error": None, "ended": None, "results": 0, "done": 0}
        )
        job.keep()
        self._waiting.put_nowait(job)
        return job.record

    async def cancel(self, id_: str) -> JobRecord:
        """Stop a job; what it had finished is kept."""
        job = self.get(id_)
        if job.record.state == "waiting":
            job.cancelled = True
            await self._end(job, "cancelled")
        elif job.record.state == "running":
            job.cancelled = True
            _interrupt(job)
        return job.record

    def results(self, id_: str, start: int, limit: int) -> tuple[list[dict[str, Any]], int | None]:
        """Return result rows from a byte on, and the byte after the last, None at the end."""
        job = self.get(id_)
        rows: list[dict[str, Any]] = []
        try:
            with job.results_file.open("rb") as file:
                file.seek(start)
                while len(rows) < limit and (line := file.readline()).endswith(b"\n"):
                    rows.append(json.loads(line))
                    start = file.tell()
                more = bool(file.readline().endswith(b"\n"))
        except FileNotFoundError:
            return [], None
        except (OSError, ValueError):
            raise InputError("`after` points into no row of these results; begin again without it") from None
        return rows, start if more else None

    async def listen(self, id_: str, last: int) -> AsyncIterator[tuple[int, str, dict[str, Any]] | None]:
        """Yield the events of a job after number `last`; None where nothing happened for a second."""
        job = self.get(id_)
        if job.record.state in ENDED and last >= job.count:
            yield job.count, "state", job.record.model_dump()
            return
        while not self.ending:
            fresh = [each for each in list(job.events) if each[0] > last]
            for each in fresh:
                yield each
                last = each[0]
            if not fresh:
                if job.record.state in ENDED:
                    return
                try:
                    async with asyncio.timeout(1.0), job.changed:
                        await job.changed.wait()
                except TimeoutError:
                    yield None

    def _check_room(self) -> None:
        if self.ending:
            raise ProblemError(503, "the service is ending; ask again when it runs")
        if self._waiting.qsize() >= MOST_WAITING:
            raise ProblemError(
                429, f"{MOST_WAITING} jobs are waiting already; ask again later", {"Retry-After": "30"}
            )

    async def _run_all(self) -> None:
        while True:
            job = await self._waiting.get()
            if self.ending or job.cancelled or job.record.state != "waiting":
                continue
            self._idle.clear()
            try:
                await self._run(job)
            except Exception as error:
                _LOGGER.exception("a job failed")
                job.process = None
                job.record.error = problem(500, f"unexpected error ({type(error).__name__})").model_dump()
                await self._end(job, "failed")
            finally:
                self._idle.set()

    async def _run(self, job: Job) -> None:
        record = job.record
        record.state, record.started, record.results = "running", time.time(), 0
        job.keep()
        await job.tell("state", record.model_dump())
        spec = json.loads(job.spec_file.read_text(encoding="utf-8"))
        process = job.process = await asyncio.create_subprocess_exec(
            sys.executable,
            "-m",
            "taxonaut.server.jobs.worker",
            stdin=asyncio.subprocess.PIPE,
            stdout=asyncio.subprocess.PIPE,
            limit=_LONGEST_LINE,
            start_new_session=True,
        )
        assert process.stdin is not None
        assert process.stdout is not None
        given = json.dumps({"folder": str(self._workspace), "spec": spec}) + "\n"
        ended = False
        with job.results_file.open("w", encoding="utf-8") as results:
            with suppress(ConnectionError):
                process.stdin.write(given.encode())
                await process.stdin.drain()
            while line := await process.stdout.readline():
                try:
                    ((kind, row),) = json.loads(line).items()
                except ValueError:  # what a killed worker left of a line
                    continue
                if kind == "result":
                    results.write(json.dumps(row) + "\n")
                    record.results += 1
                elif kind == "update":
                    if row.get("kind") == "progress":
                        record.stage, record.done, record.total = row["stage"], row["done"], row["total"]
                    results.flush()
                    await job.tell("update", row)
                elif kind == "done":
                    record.summary, ended = row, True
                elif kind == "error":
                    record.error = row
            results.flush()
            os.fsync(results.fileno())
        with suppress(OSError):
            process.stdin.close()
        code = await process.wait()
        job.process = None
        if ended:
            await self._end(job, "finished")
        elif job.cancelled:
            await self._end(job, "cancelled")
        elif self.ending:
            await self._end(job, "interrupted")
        else:
            if record.error is None:
                said = f"the job's process ended with {code}; continue the job, and see the service's log"
                record.error = problem(500, said).model_dump()
            await self._end(job, "failed")

    async def _end(self, job: Job, state: JobState) -> None:
        job.record.state, job.record.ended = state, time.time()
        job.keep()
        await job.tell("state", job.record.model_dump())


def _interrupt(job: Job) -> None:
    """Send Ctrl-C to a job's process, and kill it if it does not end soon."""
    process = job.process
    if process is None:
        return
    with suppress(ProcessLookupError):
        process.send_signal(signal.SIGINT)

    def kill() -> None:
        if process.returncode is None:
            with suppress(ProcessLookupError):
                process.kill()

    asyncio.get_running_loop().call_later(_PATIENCE_S, kill)


def _write(file: Path, text: str) -> None:
    new = file.with_suffix(".new")
    with new.open("w", encoding="utf-8") as stream:
        stream.write(text)
        stream.flush()
        os.fsync(stream.fileno())
    new.replace(file)
