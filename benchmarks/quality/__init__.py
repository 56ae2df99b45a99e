"""The drivers of the measured tables, one a task: `python -m benchmarks.quality.NAME`.

They run from the root of the repository.
"""
