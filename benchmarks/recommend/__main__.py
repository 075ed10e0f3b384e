"""A small next-item model on different codes of the same items: what do the codes tell it?

python -m benchmarks.recommend --data DIR                          # item ids, rqvae_index.json if it is there
python -m benchmarks.recommend --data DIR --codes ours=codes.json  # and codes of one's own
python -m benchmarks.recommend --data DIR --codes ours=codes.json --only ours --critique fits.json
python -m benchmarks.recommend --data DIR --checks                 # leakage checks alone

DIR holds items.jsonl, train.jsonl (or train_reconstructed.jsonl), valid.jsonl and test.jsonl; docs/recommend.md
says what is in them. Needs PyTorch: pip install 'taxonaut[recommend]'.
"""

import argparse
import json
import sys
from pathlib import Path

from taxonaut.recommend.interactions import Interactions, read_interactions
from taxonaut.recommend.item_codes import Codes, item_ids, read_codes
from taxonaut.recommend.leakage import count_easy_lines, describe_leakage, without_leakage
from taxonaut.state.errors import InputError, TaxonautError

from .critique import read_fitting
from .report import Row, baseline_rows, critique_table, markdown, settings_table, table
from .rows import train_row

RQVAE = "rqvae_index.json"


def parser() -> argparse.ArgumentParser:
    """Describe the command line."""
    made = argparse.ArgumentParser(
        prog="python -m benchmarks.recommend",
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    made.add_argument("--data", type=Path, default=Path("../shared/data/amazon-office"), metavar="DIR")
    made.add_argument(
        "--codes",
        action="append",
        default=[],
        metavar="NAME=FILE",
        help="codes {item: [token, …]}; may be given again and again",
    )
    made.add_argument(
        "--only", default="", metavar="NAME,…", help="train these alone (ids, rqvae, or a NAME)"
    )
    made.add_argument("--critique", type=Path, metavar="FILE", help="{item: [first token, …]} that fit it")
    made.add_argument(
        "--critique-on",
        default="",
        metavar="NAME",
        help="the codes that FILE speaks of (the last ones given)",
    )
    made.add_argument("--seeds", type=int, choices=range(1, 101), metavar="N", default=3, help="how many (3)")
    made.add_argument("--epochs", type=int, default=None, help="at most, for a quick look")
    made.add_argument("--threads", type=int, default=None, help="of PyTorch")
    made.add_argument(
        "--keep",
        type=Path,
        default=Path(".build/benchmarks/recommend"),
        metavar="DIR",
        help="where trained models are kept; what lies there is not trained again (.build/benchmarks/recommend)",
    )
    made.add_argument("--out", type=Path, metavar="FILE", help="write all numbers as JSON")
    made.add_argument("--checks", action="store_true", help="only check the data")
    return made


def main() -> None:
    """Check, train, measure, print."""
    options = parser().parse_args()
    try:
        run(options)
    except TaxonautError as error:
        sys.exit(str(error))


def run(options: argparse.Namespace) -> None:
    """Do what the command line says.

    Raises:
        InputError: The data, codes or a critique cannot be used.
        MissingExtraError: Without PyTorch.
    """
    data, leakage = without_leakage(read_interactions(options.data))
    print("\n".join(describe_leakage(data, leakage)), end="\n\n")
    print(markdown([("", "valid", "test"), *count_easy_lines(data)]), end="\n\n", flush=True)
    if options.checks:
        return
    chosen = choose(options, data)
    fitting = read_fitting(options.critique) if options.critique else None
    of = options.critique_on or chosen[-1].name
    if of not in [codes.name for codes in chosen]:
        raise InputError(f"--critique-on {of!r} is not trained; there are {[codes.name for codes in chosen]}")
    rows: list[Row] = baseline_rows(data)
    for codes in chosen:
        said = fitting if codes.name == of else None
        rows.append(
            train_row(data, codes, options.seeds, options.epochs, options.threads, said, options.keep)
        )
    print(markdown(table(rows)), end="\n\n")
    print(markdown(settings_table(rows)), end="\n\n")
    if any(row.critique for row in rows):
        print(markdown(critique_table(rows)))
    if options.out:
        options.out.parent.mkdir(parents=True, exist_ok=True)
        options.out.write_text(json.dumps([row.as_json() for row in rows], indent=1) + "\n", encoding="utf-8")


def choose(options: argparse.Namespace, data: Interactions) -> list[Codes]:
    """Read the codes that are trained on, in the order of the table.

    Raises:
        InputError: A file cannot be used, a name is taken or unknown.
    """
    files: dict[str, Path] = {}
    if (options.data / RQVAE).is_file():
        files["rqvae"] = options.data / RQVAE
    for given in options.codes:
        name, equals, path = given.partition("=")
        if not equals or not name or name == "ids" or name in files:
            raise InputError(
                f"--codes {given!r} is not NAME=FILE with a NAME of its own; {['ids', *files]} are taken"
            )
        files[name] = Path(path)
    names = ["ids", *files]
    wanted = [name for name in options.only.split(",") if name] or names
    unknown = [name for name in wanted if name not in names]
    if unknown:
        raise InputError(f"--only {unknown[0]!r} is not there; there are {names}")
    return [
        item_ids(data.items) if name == "ids" else read_codes(name, files[name], data.items)
        for name in names
        if name in wanted
    ]


if __name__ == "__main__":
    main()
