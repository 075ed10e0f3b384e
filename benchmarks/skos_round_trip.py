"""Import a thesaurus, export it, and compare the two graphs: python benchmarks/skos_round_trip.py [FILE].

FILE is by default the STW Thesaurus for Economics of the data folder. Each step runs in a process of its own.
"""

import argparse
import json
import resource
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import rdflib
from rdflib.compare import isomorphic

from taxonaut import Workspace, read_labels
from taxonaut.workspace.files.index_formats.index_transfer import export_index
from taxonaut.workspace.files.index_formats.label_languages import switch_language

DATA = Path("../shared/data/stw/stw-skos.ttl")
STEPS = ("import", "export", "language")


def main() -> None:
    """Run the steps and print a row of each."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("file", nargs="?", type=Path, default=DATA)
    parser.add_argument("--step", choices=STEPS)
    parser.add_argument("--folder", type=Path)
    options = parser.parse_args()
    if options.step:
        print(json.dumps(measure(options.step, options.file, options.folder)))
        return
    with tempfile.TemporaryDirectory() as folder:
        print("| step | seconds | CPU seconds | memory, MB |\n|---|---|---|---|")
        for step in STEPS:
            command = [sys.executable, __file__, str(options.file), "--step", step, "--folder", folder]
            found = json.loads(subprocess.run(command, capture_output=True, text=True, check=True).stdout)
            print(f"| {step} | {found['wall']:.1f} | {found['cpu']:.1f} | {found['memory']:.0f} |")
        before = rdflib.Graph().parse(options.file)
        after = rdflib.Graph().parse(Path(folder) / "out.ttl")
        same = "the same graph" if isomorphic(before, after) else "ANOTHER GRAPH"
        print(f"\n{len(before):,} statements in, {len(after):,} out: {same}")


def measure(step: str, file: Path, folder: Path) -> dict[str, float]:
    """Run a step; return what it took."""
    started, cpu = time.perf_counter(), time.process_time()
    if step == "import":
        with Workspace.init(folder / "w") as workspace:
            workspace.import_labels(read_labels(file))
    else:
        with Workspace.open(folder / "w") as workspace:
            if step == "export":
                export_index(workspace, folder / "out.ttl")
            else:
                switch_language(workspace, "de")
    memory = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    return {"wall": time.perf_counter() - started, "cpu": time.process_time() - cpu, "memory": memory}


if __name__ == "__main__":
    main()
