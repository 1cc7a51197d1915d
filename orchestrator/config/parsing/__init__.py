"""From YAML text to validated settings: lines, expressions, and problems in plain words."""
