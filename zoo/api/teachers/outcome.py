"""What a teacher was worth: the section of the report, and the numbers in it."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

from zoo.reporting.markdown import in_cell, markdown_table

NO_BETTER = "The teacher is no better than the student alone; train without it."


@dataclass(frozen=True)
class Taught:
    """The result of a distillation.

    Args:
        teachers: as the user named them.
        accuracy: by `alone`, `teacher` and `taught`, and then by part.
        agreement: of the teacher with the labels of the training rows.
        entropy: mean of its answers, as a share of that of an even distribution.
        temperature: by which its logits were divided.
        mixture: share of the label in the target of a labelled row.
        asked: texts that it labelled beside the rows of the data.
        given: such texts that there were, copies included.
    """

    teachers: Sequence[str]
    accuracy: Mapping[str, Mapping[str, float]]
    agreement: float
    entropy: float
    temperature: float
    mixture: float
    asked: int
    given: int

    @property
    def helps(self) -> bool:
        """Whether the teacher is better than the student alone on the validation part;
        without one it is taken to be."""
        teacher, alone = (self.accuracy[name]["valid"] for name in ("teacher", "alone"))
        return not teacher <= alone

    def __str__(self) -> str:
        names = {
            "alone": "student alone",
            "teacher": "teacher",
            "taught": "student taught",
        }
        rows = [["accuracy", "valid", "test"]]
        for key, name in names.items():
            found = self.accuracy[key]
            rows.append([name, *(f"{found[part]:.4f}" for part in ("valid", "test"))])
        kept = f" ({self.asked / self.given:.1%})" if self.given else ""
        lines = [
            f"Teacher: {', '.join(map(in_cell, self.teachers))}.",
            markdown_table(rows),
            f"It agrees with {self.agreement:.1%} of the training labels. The mean "
            f"entropy of its answers is {self.entropy:.3f} of an even distribution's. "
            f"Its temperature is {self.temperature:.3g}, and the label's share in the "
            f"target of a labelled row {self.mixture:.2f}. It labelled {self.asked:,} "
            f"of {self.given:,} further texts{kept}.",
        ]
        return "\n\n".join(lines if self.helps else [*lines, NO_BETTER])

    def write(self, folder: Path) -> None:
        """Appends the section to the report of a run, and writes `teaching.json`."""
        with (folder / "report.md").open("a", encoding="utf-8") as file:
            file.write(f"\n## Teacher\n\n{self}\n")
        text = json.dumps({**asdict(self), "helps": self.helps}, indent=1)
        (folder / "teaching.json").write_text(text, "utf-8")
