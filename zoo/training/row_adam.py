"""Adam that skips the rows of a table that a batch does not use."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import keras
from keras import ops

from zoo.kernels import _backend as kernels

_OFF = (
    "amsgrad",
    "weight_decay",
    "clipnorm",
    "clipvalue",
    "gradient_accumulation_steps",
    "ema_overwrite_frequency",
)


@keras.saving.register_keras_serializable(package="zoo")
class RowAdam(keras.optimizers.Adam):
    """Adam with a different rule for tables: variables marked with `by_rows = True`.

    A table is trained as by `keras.optimizers.Adam(beta_1=0)`, which leaves a row
    unchanged in each step without a gradient for it. So a step only reads and writes
    the rows that the batch uses; in step t, for a row of the table, of its velocity and
    of its moving average that was last updated in step s,

        v_t = β^(t-s) v_s + (1 - β) g²                                  (β = beta_2)
        x_t = x_s - α sqrt(1 - β^t) g / (sqrt(v_t) + ε)
        a_t = μ (μ^(t-1-s) a_s + (1 - μ^(t-1-s)) x_s) + (1 - μ) x_t

    This equals the dense rule, without approximation. Between its steps the average of
    a row is outdated; `settle` updates all. A table has no momentum, but a velocity, an
    average and the step of each row.

    On JAX, where gradients of tables are dense, all rows are updated by the same rule.

    Args:
        arguments, keywords: those of `keras.optimizers.Adam`; those below must be off.

    Raises:
        ValueError: for `amsgrad`, `weight_decay`, `clipnorm`, `clipvalue`,
            `gradient_accumulation_steps` or `ema_overwrite_frequency`.

    Example:
        >>> table = keras.Variable([[1.0], [1.0]])
        >>> table.by_rows = True
        >>> optimizer = RowAdam(learning_rate=0.5)
        >>> optimizer.apply([ops.convert_to_tensor([[0.0], [3.0]])], [table])
        >>> ops.convert_to_numpy(table).round(3).tolist()
        [[1.0], [0.5]]
    """

    def __init__(self, *arguments, **keywords) -> None:
        super().__init__(*arguments, **keywords)
        for name in _OFF:
            if getattr(self, name):
                raise ValueError(
                    f"`{name}` must be off, because it cannot update single rows. "
                    f"Received: {name}={getattr(self, name)!r}."
                )

    def build(self, variables: Sequence[keras.Variable]) -> None:
        if self.built:
            return
        super(keras.optimizers.Adam, self).build(variables)
        self._momentums, self._velocities, self._seen = [], [], {}
        for index, variable in enumerate(variables):
            table = getattr(variable, "by_rows", False)
            self._momentums.append(None if table else self._slot(variable, "momentum"))
            self._velocities.append(self._slot(variable, "velocity"))
            if table:
                self._seen[index] = self.add_variable(
                    variable.shape[:1],
                    dtype="int32",
                    name=f"{variable.path.replace('/', '_')}_seen",
                )

    def _slot(self, variable: keras.Variable, name: str) -> keras.Variable:
        return self.add_variable_from_reference(variable, name)

    def settle(self) -> None:
        """Updates the averages and velocities of all rows of all tables."""
        if kernels.rows is None:
            return
        for index, seen in self._seen.items():
            velocity = self._velocities[index]
            behind = ops.expand_dims(self._behind(seen), -1)
            velocity.assign(velocity * self.beta_2**behind)
            if self.use_ema:
                average = self._model_variables_moving_average[index]
                kept = ops.expand_dims(self._kept(seen), -1)
                table = self._trainable_variables[index]
                average.assign(kept * average + (1 - kept) * table)  # exact for 1
            seen.assign(ops.zeros_like(seen) + ops.cast(self.iterations, "int32"))

    def finalize_variable_values(self, var_list) -> None:
        self.settle()
        super().finalize_variable_values(var_list)

    def update_step(self, gradient, variable, learning_rate) -> None:
        index = self._get_variable_index(variable)
        if index not in self._seen:
            super().update_step(gradient, variable, learning_rate)
            return
        table, velocity = self._trainable_variables[index], self._velocities[index]
        step = ops.cast(self.iterations + 1, table.dtype)
        rate = ops.cast(learning_rate, table.dtype) * ops.sqrt(1 - self.beta_2**step)
        if kernels.rows is None:
            v = velocity + (1 - self.beta_2) * (ops.square(gradient) - velocity)
            velocity.assign(v)
            table.assign(table - rate * gradient / (ops.sqrt(v) + self.epsilon))
            return
        rows, gradient = gradient.indices, gradient.values
        seen = kernels.take_rows(self._seen[index], rows)
        x, v = kernels.take_rows(table, rows), kernels.take_rows(velocity, rows)
        v = v * self.beta_2 ** ops.expand_dims(self._behind(seen), -1)
        v = v + (1 - self.beta_2) * (ops.square(gradient) - v)
        new = x - rate * gradient / (ops.sqrt(v) + self.epsilon)
        kernels.rows.put_rows(velocity, rows, v)
        kernels.rows.put_rows(table, rows, new)
        kernels.rows.put_rows(
            self._seen[index], rows, ops.zeros_like(seen) + ops.cast(step, "int32")
        )
        if self.use_ema:
            average = self._model_variables_moving_average[index]
            before = kernels.take_rows(average, rows)
            before = x + ops.expand_dims(self._kept(seen), -1) * (before - x)
            after = new + self._momentum() * (before - new)
            kernels.rows.put_rows(average, rows, after)

    def _behind(self, seen):
        """Returns the steps since the last update of each row, as floats."""
        return ops.cast(ops.cast(self.iterations, "int32") - seen, "float32")

    def _kept(self, seen):
        """Returns the remaining weight of each row's average; 1 before any update."""
        return ops.where(seen > 0, self.ema_momentum ** self._behind(seen), 0.0)

    def _momentum(self):
        """Returns the momentum of the averages; the first step initialises them."""
        return ops.where(self.iterations > 0, self.ema_momentum, 0.0)

    def _backend_apply_gradients(self, grads, trainable_variables) -> None:
        if kernels.rows is None or not self._seen:
            super()._backend_apply_gradients(grads, trainable_variables)
            return
        places = [self._get_variable_index(v) for v in trainable_variables]
        grads = self._clipped(dict(zip(places, grads, strict=True)))
        self._backend_update_step(grads, trainable_variables, self.learning_rate)
        if self.use_ema:
            for index, average in enumerate(self._model_variables_moving_average):
                if index not in self._seen:
                    variable = self._trainable_variables[index]
                    average.assign(variable + self._momentum() * (average - variable))

    def _clipped(self, grads: Mapping[int, object]) -> list:
        """Returns gradients by index of their variable, clipped to the allowed norm."""
        tables = {
            index: kernels.rows.once_a_row(gradient)
            for index, gradient in grads.items()
            if index in self._seen
        }
        if not self.global_clipnorm:
            return list({**grads, **tables}.values())
        others = {index: g for index, g in grads.items() if index not in tables}
        parts = [*others.values(), *(gradient.values for gradient in tables.values())]
        norm = ops.sqrt(sum(ops.sum(ops.square(part)) for part in parts))
        factor = self.global_clipnorm / ops.maximum(norm, self.global_clipnorm)
        scaled = {
            index: kernels.rows.scaled(tables[index], factor)
            if index in tables
            else gradient * factor
            for index, gradient in grads.items()
        }
        return list(scaled.values())
