"""What an evaluation says in three lines: how good, where it fails, what to do next; and the labels missed most."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING

from rich.table import Table
from rich.text import Text

from taxonaut.cli.shared.terminal import PATH_SIGN, clipped, counted, printable, styled

if TYPE_CHECKING:
    from taxonaut.evaluation.harness import MethodReport, Report
    from taxonaut.evaluation.label_quality import Confusion, LabelQuality
    from taxonaut.workspace.core.intervals import Interval

SHOWN = 5
"""Labels that are listed as missed most."""

INSTEAD = 2
"""Labels that are named as answered in the place of each."""

LONGEST_PLACE = 48
SHORTEST_PLACE = 12
"""Characters of the steps above a label, however long its name is."""

GAP = 0.15
"""How much higher recall is at the last cutoff than at the first, before it is said that the order fails."""
OFTEN = 3
"""How often a label is answered for another, before it is said what to do about it."""

LOST = 0.2
"""The share of right labels that are on no list, before it is said that they are not found."""


def name_method(title: str) -> str:
    """Return a method as tables name it: an expert by its number."""
    return title.replace("expert:expert=", "expert ")


def best_method(report: Report) -> MethodReport | None:
    """Return the method with the best P@k of the first cutoff; the first of equal ones, None without measures."""
    name = f"P@{report.ks[0]}"
    measured = [each for each in report.methods if each.quality.value(name) is not None]
    return max(measured, key=lambda each: each.quality.value(name) or 0.0, default=None)


def summary_lines(report: Report) -> list[Text]:
    """Return the three lines; none if nothing was measured."""
    best = best_method(report)
    if best is None:
        return []
    lines = (
        ("How good", how_good(report, best)),
        ("Where it fails", describe_misses(best)),
        ("Next", next_step(report, best)),
    )
    return [Text.assemble((f"{title}: ", "bold"), printable(said)) for title, said in lines]


def how_good(report: Report, best: MethodReport) -> str:
    """Say what the best method reaches, and which others cannot be told from it."""
    first, last = report.ks[0], report.ks[-1]
    head = best.quality.intervals[f"P@{first}"]
    among = best.quality.intervals[f"R@{last}"]
    name = name_method(best.method)
    texts = counted(report.measured, "text")
    if first > 1:
        said = f"{describe_recall(report, among, f'the first {last} of {name}')} ({texts})"
    else:
        said = f"{name} is right with its first label for {percent(head)} of {texts}"
        said += f"; {describe_recall(report, among, f'its first {last}')}" if last > 1 else ""
    others = [
        name_method(each.method)
        for each in report.methods
        if each is not best and is_close(each, best, report)
    ]
    if others:
        said += f". No clear difference from {' and '.join(others[:2])}"
    return f"{said}.{describe_refusals(best)}"


def describe_recall(report: Report, recall: Interval, place: str) -> str:
    """Say how many right labels are among some answers."""
    share = f"{100 * recall.value:.1f} %"
    if report.single:
        return f"the right label is among {place} for {share}"
    return f"{share} of the right labels are among {place}"


def describe_refusals(best: MethodReport) -> str:
    """Say how many of the texts that fit no label a method refuses; nothing without such texts."""
    found = best.refusal
    if found is None:
        return ""
    wrongly = found.refused - found.hits
    said = f" Of {counted(found.out_of_scope, 'text')} without a fitting label it refuses {found.hits:,}"
    return (
        f"{said}, and {wrongly:,} of {found.items - found.out_of_scope:,} others." if wrongly else f"{said}."
    )


def percent(value: Interval) -> str:
    """Write a share with its interval."""
    return f"{100 * value.value:.1f} % ({100 * value.low:.1f} … {100 * value.high:.1f})"


def is_close(each: MethodReport, best: MethodReport, report: Report) -> bool:
    """Whether two methods may be equal: by their paired difference if one is the first, else by their intervals."""
    name = f"P@{report.ks[0]}"
    gap = next(
        (one.quality.differences.get(name) for one in (best, each) if one is not report.methods[0]), None
    )
    if gap is not None and report.methods[0] in (best, each):
        return gap.low <= 0 <= gap.high
    found, value = each.quality.intervals.get(name), best.quality.value(name)
    return found is not None and value is not None and found.low <= value <= found.high


def describe_misses(best: MethodReport) -> str:
    """Say how many right labels were missed, at which label most, and how many labels were never found."""
    right = [each for each in best.by_label if each.support]
    missed, total = sum(each.missed for each in right), sum(each.support for each in right)
    if not missed:
        return "no right label was missed."
    worst = right[0]
    said = f"{missed:,} of {counted(total, 'right label')} were missed, most at {place(worst.path)} "
    said += f"({worst.missed:,} of {worst.support:,}{instead(worst)})"
    never = sum(not each.hits for each in right)
    return said + (f"; {never:,} of {counted(len(right), 'label')} were never found." if never else ".")


def instead(label: LabelQuality) -> str:
    """Say what was answered most in a label's place."""
    most = label.confused[:1]
    return "".join(
        f", {place(each.path, label.path) or each.name} instead {times(each.count)}" for each in most
    )


def times(count: int) -> str:
    """Write how often."""
    return "once" if count == 1 else f"{count:,} times"


def next_step(report: Report, best: MethodReport) -> str:
    """Say what to try."""
    steps = list(suggestions(report, best))[:2]  # the last one always fits
    return "; ".join(steps) + "."


def suggestions(report: Report, best: MethodReport) -> Iterator[str]:
    """Yield what to try, the most useful first."""
    first, last = (best.quality.value(f"R@{k}") or 0.0 for k in (report.ks[0], report.ks[-1]))
    trained = any(each.method.partition(":")[0] in ("expert", "dual", "general") for each in report.methods)
    if report.single and last - first >= GAP:
        yield (
            "right labels are listed but not first: compare what a general expert makes of them, --methods dual"
            if trained
            else "right labels are listed but not first: train an expert on labelled texts, expert train FILE"
        )
    if 1 - last >= LOST:
        where = f"not among the first {report.ks[-1]}" if report.ks[-1] > 1 else "not answered"
        walks = any(each.method.partition(":")[0] in ("navigate", "tree", "both") for each in report.methods)
        yield (
            f"{100 * (1 - last):.0f} % of the right labels are {where}: give labels descriptions and other names"
            + (", and see where walks lose them, --attribution 20" if walks else "")
        )
    refusal = best.refusal
    if refusal is not None and refusal.best_f1 is not None and refusal.best_f1 > refusal.f1.value + 0.02:
        yield (
            f"refuse more or less: with --min-score {refusal.best_threshold:.2f} refusing has an F1 of "
            f"{100 * refusal.best_f1:.0f} % on these texts"
        )
    pair = confused_pair(best.by_label)
    if pair is not None:
        one, other, count = pair
        yield f"describe {one} and {other} better, or merge them: they are taken for each other {times(count)}"
    elif best.by_label and best.by_label[0].confused:
        label, most = best.by_label[0], best.by_label[0].confused[0]
        if most.label_id is not None and most.count >= OFTEN:
            one, other = place(label.path, most.path), place(most.path, label.path)
            yield f"describe {one} better: {other} is answered for it {times(most.count)}"
    yield "--per-label FILE.csv lists how well each label is found"


def confused_pair(labels: Sequence[LabelQuality]) -> tuple[str, str, int] | None:
    """Return the two labels taken for each other most often, in both directions, at least twice."""
    counts: dict[frozenset[str], int] = {}
    paths = {str(each.label_id): each.path for each in labels}
    both: dict[frozenset[str], set[str]] = {}
    for each in labels:
        for other in each.confused:
            if other.label_id is not None:
                pair = frozenset((str(each.label_id), str(other.label_id)))
                counts[pair] = counts.get(pair, 0) + other.count
                both.setdefault(pair, set()).add(str(each.label_id))
    found = [(count, sorted(pair)) for pair, count in counts.items() if len(both[pair]) == 2]
    if not found:
        return None
    count, (one, other_id) = max(found, key=lambda each: (each[0], each[1]))
    return place(paths[one], paths[other_id]), place(paths[other_id], paths[one]), count


def place(path: Sequence[str], other: Sequence[str] = ()) -> str:
    """Return the last two steps of a path, and above those as many as tell it from another one."""
    steps = 2
    while steps < len(path) and path[-steps:] == other[-steps:]:
        steps += 1
    *above, name = [printable(step) for step in path[-steps:]] or [""]
    name = clipped(name, LONGEST_PLACE)
    room = max(LONGEST_PLACE - len(name) - len(PATH_SIGN), SHORTEST_PLACE)
    return PATH_SIGN.join([clipped(PATH_SIGN.join(above), room), name] if above else [name])


def missed_table(best: MethodReport, most: int = SHOWN) -> Table | None:
    """Return the labels that were missed most, and what was answered in their place; None if none was missed."""
    labels = [each for each in best.by_label if each.missed][:most]
    if not labels:
        return None
    table = Table(box=None, pad_edge=False, header_style="bold")
    table.add_column("missed most", overflow="fold")
    for title in ("missed", "of", "precision"):
        table.add_column(title, justify="right", no_wrap=True)
    table.add_column("answered instead", overflow="fold", style="dim")
    for each in labels:
        precision = "–" if each.precision is None else f"{100 * each.precision:.0f} %"
        table.add_row(
            styled(place(each.path)),
            styled(f"{each.missed:,}", "red"),
            f"{each.support:,}",
            precision,
            styled(", ".join(describe_confusion(one, each) for one in each.confused[:INSTEAD])),
        )
    return table


def describe_confusion(confusion: Confusion, label: LabelQuality) -> str:
    """Name a label that was answered instead of another, with its count."""
    return f"{place(confusion.path, label.path) or confusion.name} {confusion.count:,}"
