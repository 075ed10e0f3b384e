"""`prompts learn` on SmolLM2-135M in this process: what is proposed, refused, judged and spent, on CLINC150.

The model walks by likelihood and rewrites its own instructions. This shows that the steps work, and what they take
on a CPU: a model of 135 million parameters is no judge of instructions.
"""

import argparse
import json
import random
import time
from pathlib import Path

from common import arguments, items, workspace
from taxonaut.evaluation.trials.evolution import STAGE, EvolutionSettings, evolution_row, learn_prompts
from taxonaut.state.updates import Progress, Update

MODEL = "gguf/smollm2-135m-instruct"
MODELS = {
    "navigator": {"model": MODEL, "answer": "scored"},
    "architect": {"model": MODEL, "max_tokens": 600},
}
ITEMS = 60


def options(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--requests", type=int, default=150)
    parser.add_argument("--output", type=Path, help="write the whole outcome to this file")


def main() -> None:
    given = arguments(__doc__, options)
    rows = items(given, "clinc150", "train")
    random.Random(0).shuffle(rows)
    started = time.perf_counter()

    told = -20

    def tell(update: Update) -> None:
        nonlocal told
        if isinstance(update, Progress) and update.stage == STAGE and update.done >= told + 20:
            told = update.done
            print(f"  {update.stage}: {update.done} of {update.total}, {time.perf_counter() - started:.0f} s")

    walk = {"shortlist": "tree", "terminals": 3}
    with workspace(given, "clinc150", models=MODELS, walk=walk) as opened:
        settings = EvolutionSettings(role="navigator", requests=given.requests)
        for call in ("first", "again"):
            started = time.perf_counter()
            found = learn_prompts(opened, rows[:ITEMS], settings, on_update=tell if call == "first" else None)
            print(
                f"{call} call: {time.perf_counter() - started:.1f} s, {found.spent.requests} requests in all"
            )
    row = evolution_row(found)
    if given.output is not None:
        given.output.write_text(json.dumps(row, indent=2, ensure_ascii=False), encoding="utf-8")
    print(
        f"scored on {found.evolved_on} items, NDCG@10 of each candidate: {[round(s, 3) for s in found.scores]}"
    )
    print(f"{len(found.proposals)} proposals, {sum(bool(each.refused) for each in found.proposals)} refused:")
    for each in found.proposals:
        print(f"  {each.refused or 'tried'}")
    print(
        f"verdict: {found.verdict}, judged on {found.judged} of {found.held_out}; ended because {found.ended}"
    )
    for report in found.trials:
        print({name: (each.value, each.low, each.high) for name, each in report.differences.items()})


if __name__ == "__main__":
    main()
