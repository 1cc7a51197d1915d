"""Distributed data parallel (DDP) training: several processes of one machine train one job.

Each process has its own GPU. `launcher` starts, watches and ends the processes, `process` is one of
them as the launcher sees it, and `worker` is the program that each runs. `group` holds their
collective operations; `wrapper` and `batch_norm` make them train one network.
"""
