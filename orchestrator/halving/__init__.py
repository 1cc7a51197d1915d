"""The halving rule and the bracket: pure, exact, without clock or files."""
