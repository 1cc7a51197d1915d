"""What views show, without drawing: ranking, totals, progress."""
