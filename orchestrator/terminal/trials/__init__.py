"""Output of commands about trials: `show`, `trials`, `compare`, `explain`, `pareto`."""
