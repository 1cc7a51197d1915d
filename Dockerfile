# One image for drivers, workers and the dashboard.
#
#   docker build -t searchctl .
#   docker build -t searchctl --build-arg BASE_IMAGE=nvidia/cuda:12.8.1-runtime-ubuntu24.04 .

ARG BASE_IMAGE=python:3.11-slim-bookworm

FROM ${BASE_IMAGE} AS python
# CUDA's images have no Python; Python's own images have it
RUN command -v python3 > /dev/null \
    || (apt-get update \
    && apt-get install --yes --no-install-recommends python3 python3-venv \
    && rm -rf /var/lib/apt/lists/*)

FROM python AS build
# the package index of torch, if it is not the default one: docs/docker.md
ARG TORCH_INDEX=
WORKDIR /source
RUN python3 -m venv /opt/searchctl
ENV PATH=/opt/searchctl/bin:$PATH PIP_NO_CACHE_DIR=1 PIP_DISABLE_PIP_VERSION_CHECK=1
# before the sources are copied, so that a change of them does not reinstall the dependencies
COPY constraints.txt ./
RUN pip install --constraint constraints.txt ${TORCH_INDEX:+--index-url "$TORCH_INDEX"} \
    torch torchvision
COPY pyproject.toml README.md LICENSE ./
COPY searchctl searchctl
COPY searchspace searchspace
COPY trainer trainer
COPY orchestrator orchestrator
RUN pip wheel --no-deps --wheel-dir /wheels . \
    && pip install --constraint constraints.txt \
        "searchctl[features,postgres,s3,smp] @ file://$(ls /wheels/searchctl-*.whl)"

FROM python
COPY --from=build /opt/searchctl /opt/searchctl
ENV PATH=/opt/searchctl/bin:$PATH PYTHONUNBUFFERED=1
# volumes are mounted at these directories, and get their owner
RUN useradd --uid 10001 --create-home searchctl \
    && mkdir -p /data /searchctl/runs /searchctl/cache /searchctl/sweeps \
    && chown -R searchctl:searchctl /searchctl
USER searchctl
WORKDIR /searchctl
CMD ["searchctl", "--help"]
