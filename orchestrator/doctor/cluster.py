"""Ray: does it start here, or is the cluster there, and is each of its nodes fit to run trials?"""

import json
import time
from collections.abc import Container, Iterable, Iterator, Mapping
from typing import TYPE_CHECKING, Any

from searchctl.orchestrator.config.resource_settings import ResourceSettings
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
"""What the findings of this file are about."""
OF_DRIVER = ("sweep file", "runs", "disk", "data")
"""What is looked at where the driver will run, of a sweep."""
LEAST_FREE = 5 * 10**9
"""Bytes of a node's temporary files, where Ray spills and logs."""
PATIENCE_S = 120.0
"""How long a doctor that was submitted to a cluster may take..."""
PATIENCE_WITH_DATA_S = 420.0
"""...and one that has each node look at a data set."""


def check_ray(about: About) -> Iterator[Finding]:
    """Look at the cluster, and at each of its nodes from within."""
    if about.address is not None and about.driven_elsewhere:
        yield from refused_at_launch(about, 1)
        yield from _from_within(about.address, about.sweep)
        return
    from searchctl.orchestrator.executors.ray.survey import survey

    local, began = about.address is None, time.monotonic()
    asked = job_resources(about.sweep.resources if about.sweep else ResourceSettings())
    places = locations_of(about.sweep) if about.sweep and not local else None
    try:
        found = survey(driver_address(about.address), node_facts, asked, places)
    except SearchctlError as failure:
        yield error("Ray", str(failure), "see that it runs: `ray status` on a node of it")
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
    """Hold what the nodes see of the sweep's places against what is seen here."""
    here, fit = node_view_of(places), 0
    for node in nodes:
        faults = list(_unlike(node.name, node.sight, here, places)) if node.sight else []
        fit += bool(node.sight) and not faults
        yield from faults
    if fit and here.data:
        yield ok("node's places", f"{_nodes(fit)} can see the data set and storage.runs")


def _unlike(
    name: str, there: NodeView | str, here: NodeView, places: NodeLocations
) -> Iterator[Finding]:
    if isinstance(there, str):
        fix = "see `ray status`, and whether its disks answer"
        yield error("node's places", f"{name} could not look at them: {there}", fix)
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
    """Judge a node by what it says of itself, and what Ray and we think of it."""
    if isinstance(facts, str):
        fix = "see `ray status`, and the log of its raylet in the directory of its session"
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
        fix = "give its container the GPUs (--gpus all), or start it with --num-gpus as there are"
        yield error("node", found, fix)
    elif rays < there:
        found = f"{there} GPUs can be seen on {name}, and Ray offers {rays:g} of them"
        yield warning("node", found, f"start it with `ray start --num-gpus {there}`")


def _shown(facts: NodeFacts) -> str:
    return ", ".join(f"{name} {version}" for name, version in facts.packages.items())


def _nodes(count: int) -> str:
    return f"{count} node{'s' * (count != 1)}"


def _from_within(address: str, sweep: Sweep | None) -> Iterator[Finding]:
    """Send the doctor to the cluster: it looks from where the driver of the sweep would run."""
    from searchctl.orchestrator.executors.ray.survey import run_there

    files = {SWEEP_FILE: json.dumps(sweep.to_json())} if sweep else {}
    try:
        command = ["doctor", *files, "--address", "auto", "--json"]
        told = run_there(address, command, files, PATIENCE_WITH_DATA_S if sweep else PATIENCE_S)
    except SearchctlError as failure:
        yield error("Ray", str(failure), "see that it runs, and that its Jobs API is reached")
        return
    yield ok("Ray", f"{address} runs jobs")
    for found in _read(told, (*OF_RAY, *OF_DRIVER) if sweep else OF_RAY):
        yield Finding(**found)


def _read(told: str, wanted: Container[str]) -> list[dict[str, Any]]:
    """Read what a doctor has printed; findings on other things are of a machine of no interest."""
    start = told.find("{\n")
    findings = json.loads(told[start:])["findings"] if start >= 0 else []
    return [each for each in findings if each["what"] in wanted]
