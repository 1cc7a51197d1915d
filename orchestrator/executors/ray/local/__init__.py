"""A Ray cluster that is started on this machine: who may reach it, its room, its directories."""
