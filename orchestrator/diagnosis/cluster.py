"""Ray: does it start here, or is the cluster there, and is each of its nodes fit to run trials?"""

import json
import time
from collections.abc import Iterator, Mapping
from typing import Any

from orchestrator.cluster_address import driver_address, is_remote
from orchestrator.diagnosis.database import clock_finding
from orchestrator.diagnosis.finding import About, Finding, error, ok, warning
from orchestrator.diagnosis.node import NodeFacts, node_facts
from orchestrator.errors import SearchctlError

OF_RAY = ("Ray", "node", "node clock")
"""What the findings of this file are about."""
LEAST_FREE = 5 * 10**9
"""Bytes of a node's temporary files, where Ray spills and logs."""
PATIENCE_S = 120.0
"""How long a doctor that was submitted to a cluster may take."""


def check_ray(about: About) -> Iterator[Finding]:
    """Look at the cluster, and at each of its nodes from within."""
    if about.address is not None and is_remote(about.address):
        yield from _from_within(about.address)
        return
    from orchestrator.executors.ray_survey import survey

    began = time.monotonic()
    try:
        nodes = survey(driver_address(about.address), node_facts)
    except SearchctlError as failure:
        yield error("Ray", str(failure), "see that it runs: `ray status` on a node of it")
        return
    took = time.monotonic() - began
    where = "started on this machine" if about.address is None else f"joined at {about.address}"
    yield ok("Ray", f"{where}, {len(nodes)} node{'s' * (len(nodes) != 1)}, in {took:.1f} s")
    here = node_facts()
    for node in nodes:
        yield from _judged(node.name, node.resources, node.facts, here, node.clock_ahead)


def _judged(
    name: str,
    resources: Mapping[str, float],
    facts: NodeFacts | str,
    here: NodeFacts,
    clock_ahead: float,
) -> Iterator[Finding]:
    """Judge a node by what it says of itself, and what Ray and we think of it."""
    if isinstance(facts, str):
        mend = "see `ray status`, and the log of its raylet in the directory of its session"
        yield error("node", f"{name} cannot run our code: {facts}", mend)
        return
    faults = [*_versions(name, facts, here), *_gpus(name, resources.get("GPU", 0), facts.gpus)]
    if facts.disk_free < LEAST_FREE:
        found = f"{name} has {facts.disk_free / 1e9:.1f} GB free for temporary files"
        faults.append(warning("node", found, "make room there: Ray logs and spills to it"))
    clock = clock_finding("node clock", clock_ahead, f"{name}'s")
    faults += [clock] * (clock.level != "ok")
    has = ", ".join(f"{resources[kind]:g} {kind}" for kind in ("CPU", "GPU") if kind in resources)
    yield from faults or [ok("node", f"{name}: {has}, Python {facts.python}, {_shown(facts)}")]


def _versions(name: str, facts: NodeFacts, here: NodeFacts) -> Iterator[Finding]:
    if facts.python.split(".")[:2] != here.python.split(".")[:2]:
        found = (
            f"{name} runs Python {facts.python}, {here.python} here: what travels cannot be read"
        )
        yield error("node", found, f"install Python {here.python} there")
    for package, ours in here.packages.items():
        theirs = facts.packages.get(package)
        if theirs == ours or (package == "searchctl" and theirs is None):
            continue  # our own code travels
        level = warning if theirs and package == "torch" else error
        found = f"{name} has {package} {theirs or 'not installed'}, {ours} here"
        yield level("node", found, f"pip install '{package}=={ours}' there")


def _gpus(name: str, rays: float, there: int) -> Iterator[Finding]:
    if rays > there:
        found = f"Ray thinks {name} has {rays:g} GPUs, and {there} can be seen there"
        mend = "give its container the GPUs (--gpus all), or start it with --num-gpus as there are"
        yield error("node", found, mend)
    elif rays < there:
        found = f"{there} GPUs can be seen on {name}, and Ray offers {rays:g} of them"
        yield warning("node", found, f"start it with `ray start --num-gpus {there}`")


def _shown(facts: NodeFacts) -> str:
    return ", ".join(f"{name} {version}" for name, version in facts.packages.items())


def _from_within(address: str) -> Iterator[Finding]:
    """Send the doctor to the cluster: its nodes are looked at from one of them."""
    from orchestrator.executors.ray_survey import run_there

    try:
        told = run_there(address, ["doctor", "--address", "auto", "--json"], PATIENCE_S)
    except SearchctlError as failure:
        yield error("Ray", str(failure), "see that it runs, and that its Jobs API is reached")
        return
    yield ok("Ray", f"{address} runs jobs")
    for found in _read(told):
        yield Finding(**found)


def _read(told: str) -> list[dict[str, Any]]:
    """Read the findings on Ray of what a doctor has printed; others are of another machine."""
    start = told.find("{\n")
    findings = json.loads(told[start:])["findings"] if start >= 0 else []
    return [each for each in findings if each["what"] in OF_RAY]
