"""Shared by all packages of the orchestrator: errors, signals, processes, cluster addresses."""
