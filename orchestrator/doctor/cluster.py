"""Checks Ray: whether it starts or can be reached, and whether each node can run trials."""

import json
import time
from collections.abc import Container, Iterable, Iterator, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from searchctl.orchestrator.config.sections.resources import ResourceSettings
from searchctl.orchestrator.config.sweep import Sweep
from searchctl.orchestrator.core.cluster_address import SWEEP_FILE, driver_address
from searchctl.orchestrator.core.errors import SearchctlError
from searchctl.orchestrator.doctor.database import clock_finding, refused_at_launch
from searchctl.orchestrator.doctor.finding import About, Finding, error, ok, warning
from searchctl.orchestrator.doctor.room import room_finding
from searchctl.orchestrator.executors.node_facts import NodeFacts, node_facts
from searchctl.orchestrator.executors.node_view import (
    NodeLocations,
    NodeView,
    locations_of,
    node_view_of,
    unseen,
)
from searchctl.orchestrator.executors.room import job_resources

if TYPE_CHECKING:
    from searchctl.orchestrator.executors.ray.survey import SurveyedNode

OF_RAY = ("Ray", "room", "node", "node clock", "node's places")
"""Topics of the findings of this module."""
OF_DRIVER = ("sweep file", "runs", "disk", "data")
"""Topics of a sweep that are checked on the driver's machine."""
LEAST_FREE = 5 * 10**9
"""Minimum free bytes for a node's temporary files, where Ray spills and logs."""
TIMEOUT_S = 120.0
"""Maximum duration of a doctor that is submitted to a cluster."""
TIMEOUT_WITH_DATA_S = 420.0
"""The same if each node also checks a data set."""


def check_ray(about: About) -> Iterator[Finding]:
    """Check the cluster and each of its nodes."""
    if about.address is not None and about.driven_elsewhere:
        yield from refused_at_launch(about, 1)
        yield from _from_within(about.address, about.sweep, about.source)
        return
    from searchctl.orchestrator.executors.ray.survey import survey

    local, began = about.address is None, time.monotonic()
    asked = job_resources(about.sweep.resources if about.sweep else ResourceSettings())
    places = locations_of(about.sweep) if about.sweep and not local else None
    try:
        found = survey(driver_address(about.address), node_facts, asked, places)
    except SearchctlError as failure:
        yield error("Ray", str(failure), "check that it runs: `ray status` on one of its nodes")
        return
    took = time.monotonic() - began
    where = "started on this machine" if local else f"joined at {about.address}"
    yield ok("Ray", f"{where}, {_nodes(len(found.nodes))}, in {took:.1f} s")
    here = node_facts()
    for node in found.nodes:
        yield from _judged(node.name, node.resources, node.facts, here, node.clock_ahead)
    if about.sweep:
        have = [node.resources for node in found.nodes]
        yield room_finding(asked, have, found.room, local=local, scales=found.scales)
    if places:
        yield from refused_at_launch(about, len(found.nodes))
        yield from _places(places, found.nodes)


def _places(places: NodeLocations, nodes: Iterable["SurveyedNode"]) -> Iterator[Finding]:
    """Compare the sweep's files as seen from the nodes with those on this machine."""
    here, fit = node_view_of(places), 0
    for node in nodes:
        faults = list(_unlike(node.name, node.view, here, places)) if node.view else []
        fit += bool(node.view) and not faults
        yield from faults
    if fit and here.data:
        yield ok("node's places", f"{_nodes(fit)} can see the data set and storage.runs")


def _unlike(
    name: str, there: NodeView | str, here: NodeView, places: NodeLocations
) -> Iterator[Finding]:
    if isinstance(there, str):
        fix = "check `ray status`, and whether its disks respond"
        yield error("node's places", f"{name} could not check them: {there}", fix)
        return
    for found, fix in unseen(places, here, there):
        yield error("node's places", f"{name}: {found}", fix)


def _judged(
    name: str,
    resources: Mapping[str, float],
    facts: NodeFacts | str,
    here: NodeFacts,
    clock_ahead: float,
) -> Iterator[Finding]:
    """Check a node: its own facts against Ray's resources and this machine's versions."""
    if isinstance(facts, str):
        fix = "check `ray status`, and the raylet's log in the session directory of the node"
        yield error("node", f"{name} cannot run our code: {facts}", fix)
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
            f"{name} runs Python {facts.python}, this machine {here.python}: they cannot exchange "
            "objects"
        )
        yield error("node", found, f"install Python {here.python} there")
    for package, ours in here.packages.items():
        theirs = facts.packages.get(package)
        if theirs == ours or (package == "searchctl" and theirs is None):
            continue  # our code is sent with the job
        level = warning if theirs and package == "torch" else error
        found = f"{package}: {theirs or 'not installed'} on {name}, {ours} here"
        yield level("node", found, f"pip install '{package}=={ours}' there")


def _gpus(name: str, rays: float, there: int) -> Iterator[Finding]:
    if rays > there:
        found = f"Ray assigns {rays:g} GPUs to {name}, but only {there} are visible there"
        fix = f"give its container the GPUs (--gpus all), or start it with --num-gpus {there}"
        yield error("node", found, fix)
    elif rays < there:
        found = f"{there} GPUs are visible on {name}, but Ray offers only {rays:g} of them"
        yield warning("node", found, f"start it with `ray start --num-gpus {there}`")


def _shown(facts: NodeFacts) -> str:
    return ", ".join(f"{name} {version}" for name, version in facts.packages.items())


def _nodes(count: int) -> str:
    return f"{count} node{'s' * (count != 1)}"


def _from_within(address: str, sweep: Sweep | None, source: Path | None) -> Iterator[Finding]:
    """Run the doctor on the cluster, where the driver of the sweep would run."""
    from searchctl.orchestrator.executors.ray.survey import run_there
    from searchctl.orchestrator.own_code.sweep_code import launched_code, sent_files

    try:
        code = launched_code(sweep, source.absolute()) if sweep and source else None
        files = sent_files(sweep, code) if sweep else {}
        command = ["doctor", *([SWEEP_FILE] if sweep else []), "--address", "auto", "--json"]
        output = run_there(address, command, files, TIMEOUT_WITH_DATA_S if sweep else TIMEOUT_S)
    except SearchctlError as failure:
        yield error("Ray", str(failure), "check that it runs, and that its Jobs API is reachable")
        return
    yield ok("Ray", f"{address} runs jobs")
    for found in _read(output, (*OF_RAY, *OF_DRIVER) if sweep else OF_RAY):
        yield Finding(**found)


def _read(output: str, topics: Container[str]) -> list[dict[str, Any]]:
    """Return the findings on these topics from the output of a doctor."""
    start = output.find("{\n")  # lines of Ray's log may come first
    findings = json.loads(output[start:])["findings"] if start >= 0 else []
    return [each for each in findings if each["what"] in topics]
