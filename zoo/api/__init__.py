"""The calls behind the commands: `train`, `evaluate`, `tune` and `export` of `zoo`.

Each command of `zoo/cli/` parses its options, calls one of them and prints the result.
"""
