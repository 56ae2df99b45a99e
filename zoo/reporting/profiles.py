"""The profile of a served model as bars in a terminal."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping

from zoo.reporting.terminal import can_print, one_line

_WIDTH = 40  # characters of a bar of the whole request
_BLOCK = "\u2588"
_LEAST = 0.01  # smaller shares of a request are not shown alone


def times_by_part(request: Mapping) -> dict[str, dict[str, float]]:
    """Returns milliseconds by part, then by layer or else by operation.

    Both are in the order of their times, the longest first.

    Args:
        request: one of the `requests` that `zoo.serving.profiling.profile` returned.

    Example:
        >>> row = {"part": "text", "layer": "", "op": "Cast", "milliseconds": 0.5}
        >>> times_by_part({"operations": [row, row]})
        {'text': {'Cast': 1.0}}
    """
    found: dict[str, dict[str, float]] = defaultdict(lambda: defaultdict(float))
    for row in request["operations"]:
        found[row["part"]][row["layer"] or row["op"]] += row["milliseconds"]
    return {
        part: dict(sorted(inner.items(), key=lambda pair: -pair[1]))
        for part, inner in sorted(found.items(), key=lambda pair: -_total(pair[1]))
    }


def large(inner: Mapping[str, float], request: Mapping) -> dict[str, float]:
    """Returns the layers or operations of a part that take at least 1 % of a request.

    Args:
        inner: milliseconds of a part, as `times_by_part` returns them.
        request: the request.

    Example:
        >>> large({"Cast": 0.5, "Shape": 0.001}, {"milliseconds": 1.0})
        {'Cast': 0.5}
    """
    least = _LEAST * request["milliseconds"]
    return {name: ms for name, ms in inner.items() if ms >= least}


def bars(profile: Mapping, *, operations: int = 8) -> str:
    """Returns a profile as lines of text: parts, their layers, the longest operations.

    Args:
        profile: what `zoo.serving.profiling.profile` returned.
        operations: number of operations to list.
    """
    lines = [
        f"{profile['version']}: tensorflow {profile['tensorflow']}, "
        f"{profile['threads']} thread(s)"
    ]
    for request in profile["requests"]:
        lines += ["", *_of_request(request, operations)]
    return "\n".join(lines)


def _of_request(request: Mapping, operations: int) -> list[str]:
    whole = request["milliseconds"]
    lines = [
        f"batch {request['batch_size']}: {whole:.2f} ms a request (median; p99 "
        f"{request['p99']:.2f}), {request['texts_per_second']:,.0f} texts/s"
    ]
    for part, inner in times_by_part(request).items():
        lines.append(_line(part, _total(inner), whole))
        if len(inner) > 1:
            lines += [
                _line(f"  {one_line(name)}", ms, whole)
                for name, ms in large(inner, request).items()
            ]
    lines.append("longest operations:")
    for row in request["operations"][:operations]:
        place = row["layer"] or row["part"]
        lines.append(
            f"  {row['milliseconds']:8.3f} ms {row['count']:7.1f} x  "
            f"{row['op']} in {one_line(place)}"
        )
    return lines


def _line(name: str, milliseconds: float, whole: float) -> str:
    share = milliseconds / whole
    block = _BLOCK if can_print(_BLOCK) else "#"
    bar = block * round(_WIDTH * share)
    shown = name[: len(name) - len(name.lstrip())] + one_line(name)
    return f"{shown:26.26} {milliseconds:8.3f} ms {share:6.1%}  {bar}".rstrip()


def _total(inner: Mapping[str, float]) -> float:
    return sum(inner.values())
