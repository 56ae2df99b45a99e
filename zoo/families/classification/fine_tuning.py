"""Trains each task alone, after the joint training of all of them."""

from __future__ import annotations

from dataclasses import replace

import keras

from zoo.families.classification.imbalance import training_losses
from zoo.families.classification.model import TextModel
from zoo.families.classification.predicted import evaluate_part
from zoo.families.classification.settings import ClassificationSettings
from zoo.families.classification.soft import soft_metrics
from zoo.families.classification.train import Prepared
from zoo.training.checkpoint import Diverged
from zoo.training.fit import compile_model, fit, span_momentum
from zoo.training.imbalance import NONE
from zoo.training.metrics import merit


def fine_tune(
    text_model: TextModel,
    prepared: Prepared,
    settings: ClassificationSettings,
    task: str,
    *,
    verbose: bool = False,
) -> TextModel:
    """Trains a model of one task further, starting from a jointly trained one.

    Args:
        text_model: trained on all tasks; not changed.
        prepared: the same data.
        settings: of the joint training; the step size is a third of its.
        task: the one to go on with.
        verbose: shows progress.

    Returns:
        A model with this task's head alone. It keeps the joint weights if training on
        did not raise the validation score.

    Source: Liu, Qiu and Huang 2016, section 4.1.
    """
    joint = keras.models.clone_model(text_model.model)
    joint.set_weights(text_model.model.get_weights())
    model = keras.Model(joint.input, {task: joint.output[task]})
    alone = prepared.only(task)
    tuned = replace(text_model, model=model, tasks=alone.tasks)
    batches = alone.batches("train", settings, shuffle=True)
    trained = compile_model(
        model,
        alone.tasks,
        optimizer=settings.optimizer,
        learning_rate=settings.learning_rate / 3,
        average=span_momentum(settings.average, len(batches)),
        losses=training_losses(alone.tasks, alone.parts["train"], settings),
        metrics=soft_metrics(alone.tasks, alone.parts["train"]),
        jit_compile=settings.jit_compile,
    )
    weights = model.get_weights()
    before = merit(alone.tasks[task], evaluate_part(tuned, alone, "valid")[task])
    try:
        fit(
            trained,
            batches,
            alone.batches("valid", settings) if len(alone.splits.valid) else None,
            alone.tasks,
            epochs=settings.epochs,
            patience=settings.patience,
            macro=settings.imbalance != NONE,
            verbose=verbose,
        )
    except Diverged:
        model.set_weights(weights)
    after = merit(alone.tasks[task], evaluate_part(tuned, alone, "valid")[task])
    if after < before:
        model.set_weights(weights)
    return tuned


def fine_tune_all(
    text_model: TextModel, prepared: Prepared, settings: ClassificationSettings
) -> TextModel:
    """Builds one model in which each task has its own fine-tuned copy of the network.

    Args:
        text_model: jointly trained; not changed.
        prepared: the same data.
        settings: of the joint training.

    Returns:
        A model of all tasks, as many times larger as there are tasks.
    """
    tokens = keras.Input((None,), dtype="int32", name="tokens")
    outputs = {}
    for index, task in enumerate(prepared.tasks):
        tuned = fine_tune(text_model, prepared, settings, task).model
        # A model of its own, because a saved one would hold the state of the optimizer.
        alone = keras.Model(tuned.input, tuned.output, name=f"fine_tuned_{index}")
        outputs[task] = alone(tokens)[task]
    model = keras.Model(tokens, outputs, name=text_model.model.name)
    return replace(text_model, model=model)
