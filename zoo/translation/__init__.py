"""Translation: pairs of texts, from files and from the embedded default."""

from zoo.translation.messages import load_messages
from zoo.translation.pairs import Pairs, PairSplits, read_pairs, split_pairs

__all__ = ["PairSplits", "Pairs", "load_messages", "read_pairs", "split_pairs"]
