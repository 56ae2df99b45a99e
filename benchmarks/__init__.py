"""Speed and memory as ratios in one run; `quality/` measures what models learn."""
