"""Models for the page of `zoo demo`: saved ones, and one that waits."""

from __future__ import annotations

import math
import re
import threading

from saved import SAVED

from zoo.tasks import Task, as_tasks

FAMILIES = ("classification", "language", "tagging", "translation")
FOLDERS = {family: str(SAVED / family) for family in FAMILIES}
THREE_PARTS = re.compile(r".+\. Accepted: .+\. Received: .+\.", re.S)
TASKS = as_tasks({"mood": ["no", "so"], "tags": Task("multilabel", ("a", "b", "c"))})


class Stub:
    """A model of two tasks of pairs, which waits until it may answer."""

    def __init__(self) -> None:
        self.may = threading.Event()
        self.may.set()
        self.asked: list[str] = []

    def predict(self, texts, batch_size=64):
        assert self.may.wait(600)
        self.asked += texts
        answer = {"label": "", "scores": {"no": 0.5, "so": 0.5}, "abstained": True}
        tags = {"label": "a|b", "scores": {"c": math.nan, "a": 0.7, "b": 0.6}}
        return [{"mood": answer, "tags": tags} for _ in texts]
