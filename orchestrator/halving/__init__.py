"""The halving rule, the bracket and the schedule: pure functions of scores, without I/O."""
