"""What the commands do, as functions: `train`, `evaluate`, `tune`, `export`, `read`.

Each command of `zoo/cli/` parses its options, calls one of them and prints the result.
"""
