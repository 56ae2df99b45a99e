"""A mixture of experts on many devices, on paper: memory, traffic, operations, time.

The model is that of Shazeer et al. 2017, Outrageously Large Neural Networks, appendix
C.1, which `moe_lm` and `moe_lm_h` build: embedding, LSTM, experts, LSTM, softmax. As in
section 3.1, each device has the dense layers and its share of the tokens, and each
expert is on one device. Embedding and softmax are split by vocabulary. Tokens are
divided evenly over the devices and the experts; a number has 4 bytes.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

from zoo.text.inputs import whole

BYTES = 4  # of a float32
OPTIMIZERS = ("sgd", "adagrad", "adam", "factored")
_LARGEST = 2**62


@dataclass(frozen=True)
class Mixture:
    """The sizes of a language model with experts.

    Args:
        experts: n.
        k: experts per token; with `groups` choices at each of the two levels.
        groups: a, groups of experts to choose from first; 0 for one level.
        width: d, of the embedding and of each layer's input and output.
        hidden: h, width of each expert's hidden layer.
        cells: c, cells of each LSTM, projected to `width`; 0 for `width` cells without
            a projection.
        vocabulary: V, number of words.
        samples: candidates of the sampled softmax; 0 for the full softmax.

    Raises:
        ValueError: for sizes that are no positive whole numbers or do not fit.

    Example:
        >>> largest = Mixture(131072, k=2, groups=256, width=512, hidden=1024)
        >>> largest.weights, largest.operations
        (137577627648, 9699328)
    """

    experts: int
    k: int = 4
    groups: int = 0
    width: int = 512
    hidden: int = 1024
    cells: int = 0
    vocabulary: int = 100_000
    samples: int = 8192

    def __post_init__(self) -> None:
        for name in ("experts", "k", "width", "hidden", "vocabulary"):
            whole(name, getattr(self, name), 1, _LARGEST)
        for name in ("groups", "cells", "samples"):
            whole(name, getattr(self, name), 0, _LARGEST)
        if self.groups and self.experts % self.groups:
            raise ValueError(
                "`groups` must divide `experts`. Accepted: a divisor, or 0 for one "
                f"level. Received: groups={self.groups}, experts={self.experts}."
            )
        most = self.groups or self.experts
        if self.k > most:
            raise ValueError(
                f"`k` must be at most {most}, the choices of the first level. "
                f"Received: k={self.k}."
            )

    @property
    def copies(self) -> int:
        """Devices that receive a token: k, as each group is on one (section 3.1)."""
        return self.k

    @property
    def chosen(self) -> int:
        """Experts of a token: k, or k · min(k, n/a) in groups (appendix B)."""
        if not self.groups:
            return self.k
        return self.k * min(self.k, self.experts // self.groups)

    @property
    def lstm(self) -> int:
        """Weights of an LSTM without biases: 4 · 2d · d, or 4 · 2d · c + c · d.

        Source: appendix C; the projected one is that of Sak et al. 2014.
        """
        d, c = self.width, self.cells or self.width
        return 4 * 2 * d * c + (c * d if self.cells else 0)

    @property
    def expert(self) -> int:
        """Weights of an expert, d · h + h · d (appendix C.1)."""
        return 2 * self.width * self.hidden

    @property
    def first_gate(self) -> int:
        """Weights W_g and W_noise of the first level: 2 d n, or 2 d a (section 2.1)."""
        return 2 * self.width * (self.groups or self.experts)

    @property
    def second_gates(self) -> int:
        """Weights of the gates of all groups: 2 d n, or none (appendix B)."""
        return 2 * self.width * self.experts if self.groups else 0

    @property
    def weights(self) -> int:
        """Weights between embedding and softmax, as tables 7 and 8 count them."""
        return 2 * self.lstm + self.first_gate + self.split

    @property
    def split(self) -> int:
        """Of these, weights that one device each holds: experts, gates of groups."""
        return self.second_gates + self.experts * self.expert

    @property
    def ends(self) -> int:
        """Weights of embedding and softmax: 2 V d, and V biases."""
        return 2 * self.vocabulary * self.width + self.vocabulary

    @property
    def operations(self) -> int:
        """Multiply-adds of a token, forward, without the softmax ("ops/timestep").

        A token uses both LSTMs, the first gate, the gates of the k groups that it
        chose, and its experts. Source: tables 7 and 8.
        """
        groups = 2 * self.width * (self.experts // self.groups) if self.groups else 0
        experts = self.chosen * self.expert
        return 2 * self.lstm + self.first_gate + self.k * groups + experts

    @property
    def candidates(self) -> int:
        """Words whose logits a token needs in training."""
        return self.samples + 1 if self.samples else self.vocabulary


@dataclass(frozen=True)
class Plan:
    """What a step of training takes on each of many equal devices.

    Args:
        model: the sizes of the model.
        devices: D, number of devices.
        tokens: tokens of a step, of all devices together.
        optimizer: `"sgd"` keeps no state, `"adagrad"` one number for each weight,
            `"adam"` two; `"factored"` keeps one for each row and column of an expert's
            matrices and one for each other weight (appendix D).
        recompute: whether the backward pass computes the hidden layers of the experts
            again rather than keep them (appendix D).
        peak: floating point operations that a device reaches in a second.
        network: bytes that a device sends in a second.
        memory_speed: bytes that a device reads or writes in a second.

    Raises:
        ValueError: for numbers that are not positive, or an unknown optimizer.

    Example:
        >>> largest = Mixture(131072, k=2, groups=256)
        >>> plan = Plan(largest, devices=128, tokens=2_500_000, optimizer="factored")
        >>> round(plan.parameters / 1e9, 1)  # gigabytes a device
        4.3
    """

    model: Mixture
    devices: int = 1
    tokens: int = 300_000
    optimizer: str = "adam"
    recompute: bool = False
    peak: float = 1e12
    network: float = 1e9
    memory_speed: float = 1e11

    def __post_init__(self) -> None:
        whole("devices", self.devices, 1, _LARGEST)
        whole("tokens", self.tokens, self.devices, _LARGEST)
        if self.optimizer not in OPTIMIZERS:
            raise ValueError(
                f"`optimizer` must be one of {', '.join(OPTIMIZERS)}. "
                f"Received: optimizer={self.optimizer!r}."
            )
        for name in ("peak", "network", "memory_speed"):
            if not 0 < getattr(self, name) < float("inf"):
                raise ValueError(
                    f"`{name}` must be a number above 0. "
                    f"Received: {name}={getattr(self, name)!r}."
                )

    @property
    def own_tokens(self) -> float:
        """Tokens of a device, T / D."""
        return self.tokens / self.devices

    @property
    def own_experts(self) -> int:
        """Experts of the device with most of them; whole groups, if there are any."""
        units = self.model.groups or self.model.experts
        return -(-units // self.devices) * (self.model.experts // units)

    @cached_property
    def tokens_an_expert(self) -> float:
        """Tokens of an expert in a step, k T / n: "the shrinking batch" (3.1)."""
        return self.model.chosen * self.tokens / self.model.experts

    @cached_property
    def weights(self) -> dict[str, int]:
        """Weights on a device: what all devices have, experts, embedding and softmax.

        Dense layers are replicated; a device has `own_experts` experts, with their
        share of the gates of groups, and 1 / D of the vocabulary.
        """
        model = self.model
        words = -(-model.vocabulary // self.devices)
        return {
            "dense": 2 * model.lstm + model.first_gate,
            "experts": self.own_experts * (model.split // model.experts),
            "ends": words * (2 * model.width + 1),
        }

    @property
    def parameters(self) -> int:
        """Bytes of the parameters of a device."""
        return BYTES * sum(self.weights.values())

    @property
    def gradients(self) -> int:
        """Bytes of the gradients, one number for each parameter of the device."""
        return self.parameters

    @property
    def state(self) -> int:
        """Bytes of the optimizer's state; see `optimizer` (appendix D)."""
        each = {"sgd": 0, "adagrad": 1, "adam": 2, "factored": 1}[self.optimizer]
        numbers = each * sum(self.weights.values())
        if self.optimizer == "factored":
            rows_and_columns = 2 * (self.model.width + self.model.hidden)
            saved = self.model.expert - rows_and_columns
            numbers -= self.own_experts * saved
        return BYTES * numbers

    @property
    def activations(self) -> float:
        """Bytes that a device keeps from the forward pass for the backward pass.

        For each token of the device: the embedding d; of each LSTM the gates 4c, the
        cells c and the output d; the output d of the mixture; and the logits. For each
        pair of a token and an expert, of which balanced experts receive k T / D: the
        input and the output, 2d, and the hidden layer h unless it is recomputed.
        """
        model = self.model
        d, c = model.width, model.cells or model.width
        token = d + 2 * (5 * c + d) + d + model.candidates
        pair = 2 * d + (0 if self.recompute else model.hidden)
        return BYTES * self.own_tokens * (token + model.chosen * pair)

    @property
    def memory(self) -> float:
        """Bytes of a device: parameters, gradients, optimizer state, activations."""
        return self.parameters + self.gradients + self.state + self.activations

    @property
    def all_to_all(self) -> float:
        """Bytes that a device sends in the all-to-all exchanges of a step.

        A token's d numbers go to k devices and come back, and so do their gradients:
        4 k d T / D numbers, of which 1 / D stay on the device (section 3.2).
        """
        sent = 4 * self.model.copies * self.model.width * self.own_tokens
        return BYTES * sent * (self.devices - 1) / self.devices

    @property
    def all_reduce(self) -> float:
        """Bytes that a device sends to sum the gradients of the dense layers.

        A ring of D devices sends 2 (D - 1) / D numbers for each weight.
        """
        share = 2 * (self.devices - 1) / self.devices
        return BYTES * share * self.weights["dense"]

    @property
    def operations(self) -> int:
        """Floating point operations of training for a token, softmax included.

        Two for each multiply-add forward, and twice as many backward: 6 in all; a
        recomputed hidden layer costs d h multiply-adds more for each expert of the
        token.
        """
        model = self.model
        forward = model.operations + model.width * model.candidates
        again = model.chosen * model.width * model.hidden if self.recompute else 0
        return 6 * forward + 2 * again

    @property
    def compute_seconds(self) -> float:
        """Seconds of the operations of a device's tokens at its peak."""
        return self.operations * self.own_tokens / self.peak

    @property
    def network_seconds(self) -> float:
        """Seconds of both exchanges."""
        return (self.all_to_all + self.all_reduce) / self.network

    @property
    def memory_seconds(self) -> float:
        """Seconds to read and write what is read and written whatever the batch.

        Weights are read forward, backward and in the update, which writes them;
        gradients and state are written and read once.
        """
        passes = 4 * self.parameters + 2 * self.gradients + 2 * self.state
        return passes / self.memory_speed

    @property
    def seconds(self) -> float:
        """Seconds of a step in which nothing overlaps, an upper bound at the peak."""
        return self.compute_seconds + self.network_seconds + self.memory_seconds

    @property
    def intensity(self) -> float:
        """Multiply-adds of an expert for each number that it receives or returns.

        2 d h over 2 d: the hidden size h. It must exceed the ratio of the devices'
        compute to their network (section 3.2).
        """
        return self.model.expert / (2 * self.model.width)
