"""Import of large label files: seconds and memory of `taxonaut labels import`, in a process of its own."""

import os
import subprocess
import sys
import tempfile
from argparse import ArgumentParser
from pathlib import Path
from time import perf_counter

import xlsxwriter

ROWS = 100_000


def main() -> None:
    """Print a table."""
    parser = ArgumentParser(description=__doc__)
    parser.add_argument("files", nargs="*", type=Path, help="label files, next to a workbook that is made")
    parser.add_argument("--rows", type=int, default=ROWS, help="rows of the workbook")
    given = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        workbook = Path(folder, f"workbook of {given.rows:,} rows.xlsx")
        write_workbook(workbook, given.rows)
        print("| file | wall s | CPU s | MB |\n|---|---|---|---|")
        for number, file in enumerate([*given.files, workbook]):
            wall, cpu, peak = measure(file, Path(folder, str(number)))
            print(f"| {file.name} | {wall:.1f} | {cpu:.1f} | {peak:.0f} |", flush=True)


def write_workbook(path: Path, rows: int) -> None:
    """Write labels with ids, parents and descriptions, ten below each."""
    with xlsxwriter.Workbook(str(path), {"constant_memory": True}) as book:
        sheet = book.add_worksheet("categories")
        sheet.write_row(0, 0, ["id", "name", "parent_id", "description"])
        for row in range(1, rows + 1):
            parent = (row - 1) // 10 or ""
            sheet.write_row(row, 0, [row, f"Category {row}", parent, f"All about category {row} and more"])


def measure(file: Path, workspace: Path) -> tuple[float, float, float]:
    """Return the seconds, the CPU seconds and the megabytes of an import into a new workspace."""
    program = [sys.executable, "-m", "taxonaut"]
    subprocess.run([*program, "init", str(workspace), "-q"], check=True)
    started = perf_counter()
    importing = subprocess.Popen([*program, "labels", "import", str(file), "-w", str(workspace), "-q"])
    _, status, used = os.wait4(importing.pid, 0)
    importing.returncode = os.waitstatus_to_exitcode(status)
    if importing.returncode:
        raise SystemExit(importing.returncode)
    return perf_counter() - started, used.ru_utime + used.ru_stime, used.ru_maxrss / 1024


if __name__ == "__main__":
    main()
