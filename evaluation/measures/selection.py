"""Which measures are shown: those that say something of their own, or those that were asked for."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass

from rapidfuzz import process

from taxonaut.evaluation.measures.comparison import set_name
from taxonaut.state.errors import InputError
from taxonaut.workspace.core.intervals import Interval

RANKING = ("P", "R", "NDCG", "RP")
SETS = tuple(
    set_name(average, "", part, 0)[:-2] for average in ("micro", "macro", "example") for part in "FPR"
)
TREE_SETS = tuple(
    set_name(average, "h", part, 0)[:-2] for average in ("micro", "macro", "example") for part in "FPR"
)
DEFAULT_SETS = ("micro F1", "macro F1", "example F1", "hP", "hR", "hF", "macro hF")
GROUPS: Mapping[str, Sequence[str]] = {
    "F1": ("micro F1", "macro F1", "example F1"),
    "hF1": ("hF", "macro hF", "example hF"),
    "accuracy": ("P@1",),
}
"""Names that stand for others."""

ACCURACY = "accuracy"
ALL = "all"
_CLOSE = 1e-9


@dataclass(frozen=True, slots=True)
class ShownMeasure:
    """A measure that is shown: its name, its title, and the names of those that equal it for every method."""

    name: str
    title: str
    same: tuple[str, ...] = ()


def set_size(sizes: Collection[int], ks: Sequence[int]) -> int:
    """Return the k at which answers are taken as sets: the cutoff next to the mean number of right labels."""
    mean = sum(sizes) / len(sizes) if sizes else 1.0
    return min(ks, key=lambda k: (abs(k - mean), k))


def parse_measures(given: str, ks: Sequence[int]) -> list[str]:
    """Parse names of measures divided by commas, such as `P@1, NDCG, macro F1`; `all` are all of them.

    A name without @k means all cutoffs, or, for sets, the one of `set_size`. Raises InputError.
    """
    known = {name.casefold(): name for name in [*RANKING, *SETS, *TREE_SETS, *GROUPS, "MRR", ALL]}
    found: list[str] = []
    for each in (part.strip() for part in given.split(",")):
        name, sign, k = each.partition("@")
        family = known.get(" ".join(name.split()).casefold())
        if not each or family is None or (sign and family in ("MRR", ALL, ACCURACY)):
            nearest = process.extractOne(each.casefold(), list(known))
            hint = f" (nearest: {known[nearest[0]]})" if each and nearest and nearest[1] > 60 else ""
            raise InputError(
                f"unknown measure {each!r}{hint}; choose from {', '.join(known.values())}, with or without @k"
            )
        if sign and (not k.isdecimal() or int(k) not in ks):
            raise InputError(
                f"{each!r}: k must be one of {', '.join(map(str, ks))}; other ones are added with -k"
            )
        if family == ACCURACY and 1 not in ks:
            raise InputError(f"accuracy is P@1, and 1 is not among {', '.join(map(str, ks))}; add it with -k")
        members = GROUPS.get(family, (family,))
        found += [f"{member}@{k}" if sign else member for member in members]
    return list(dict.fromkeys(found))


def choose_measures(
    values: Sequence[Mapping[str, Interval]],
    ks: Sequence[int],
    sets_at: int,
    *,
    single: bool,
    wanted: Sequence[str] = (),
) -> list[ShownMeasure]:
    """Choose what to show of the methods' measures, in order.

    Without `wanted`, a measure that has the same values as an earlier one for every method is left out and named
    with it. `single`: every item has one right label, so that P@1 is called accuracy, and P@k, which is R@k / k, is
    left out. `sets_at` is the k of measures of sets.
    """
    there = {name for each in values for name in each}
    if ALL in wanted:
        return [ShownMeasure(name, name) for name in values[0]] if values else []
    names = [
        name for each in (wanted or (*RANKING[:3], *DEFAULT_SETS)) for name in _expand(each, ks, sets_at)
    ]
    shown: list[ShownMeasure] = []
    for name in dict.fromkeys(name for name in names if name in there):
        if not wanted and single and name.startswith("P@") and name != "P@1":
            continue
        equal = (
            None
            if wanted
            else next((at for at, each in enumerate(shown) if _same(values, each.name, name)), None)
        )
        if equal is None:
            shown.append(ShownMeasure(name, _title(name, single=single)))
        else:
            one = shown[equal]
            shown[equal] = ShownMeasure(one.name, one.title, (*one.same, name))
    return shown


def _expand(name: str, ks: Sequence[int], sets_at: int) -> list[str]:
    if "@" in name or name == "MRR":
        return [name]
    return [f"{name}@{k}" for k in ks] if name in RANKING else [f"{name}@{sets_at}"]


def _title(name: str, *, single: bool) -> str:
    if single and name == "P@1":
        return ACCURACY
    return name.removesuffix("@1") if single and name.partition("@")[0] not in RANKING else name


def _same(values: Sequence[Mapping[str, Interval]], one: str, other: str) -> bool:
    return all(
        abs(getattr(each[one], bound) - getattr(each[other], bound)) < _CLOSE
        for each in values
        if one in each and other in each
        for bound in ("value", "low", "high")
    )
