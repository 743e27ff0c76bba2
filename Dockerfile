# syntax=docker/dockerfile:1
# The image of workers, of the set-up job and of the command line: `docker run IMAGE worker`, `… migrate`, `… status`.
ARG PYTHON=3.11.14-slim-bookworm

# Everything that only building needs stays in this stage: pip, its cache, the sources.
FROM python:${PYTHON} AS build
ENV PIP_DISABLE_PIP_VERSION_CHECK=1 PIP_NO_CACHE_DIR=1
WORKDIR /source
RUN python -m venv --without-pip /opt/cockpit
# The locked wheels first: they change less often than the product, and their layer is kept.
COPY requirements/runtime.txt requirements/runtime.txt
RUN python -m pip --python /opt/cockpit/bin/python install --no-compile --require-hashes --only-binary :all: -r requirements/runtime.txt
COPY requirements/build.txt requirements/build.txt
RUN python -m pip install --require-hashes --only-binary :all: -r requirements/build.txt
COPY pyproject.toml README.md ./
COPY requirements/runtime.in requirements/runtime.in
COPY schemas schemas
COPY streams streams
# Not isolated, and without an index: the build takes nothing from the network that is not locked above.
RUN python -m pip wheel --no-deps --no-build-isolation --no-index --wheel-dir /wheels . \
 && python -m pip --python /opt/cockpit/bin/python install --no-compile --no-deps --no-index /wheels/*.whl \
 && /opt/cockpit/bin/python -m compileall -q -j 0 /opt/cockpit

FROM python:${PYTHON} AS runtime
ARG VERSION=0.1.0
ARG REVISION=unknown
LABEL org.opencontainers.image.title="cockpit-streams" \
      org.opencontainers.image.description="Metadata governance on a stream: Kafka topics in, judged and recorded in TiDB" \
      org.opencontainers.image.version="${VERSION}" \
      org.opencontainers.image.revision="${REVISION}" \
      org.opencontainers.image.vendor="DevGuide Cockpit"
# Works with a read-only root: what is compiled is compiled above, and only /tmp is written.
ENV PATH=/opt/cockpit/bin:$PATH PYTHONDONTWRITEBYTECODE=1 PYTHONUNBUFFERED=1 PYTHONFAULTHANDLER=1
# Neither pip nor a way to install anything is left (ensurepip holds another pip); a number, for Kubernetes cannot tell
# that a name is not root.
RUN python -m pip uninstall --yes pip setuptools wheel \
 && rm -r /usr/local/lib/python3.11/ensurepip \
 && useradd --uid 10001 --user-group --no-create-home --home-dir /tmp --shell /usr/sbin/nologin cockpit
COPY --from=build /opt/cockpit /opt/cockpit
USER 10001:10001
WORKDIR /tmp
EXPOSE 9108
# A worker's pulse. Kubernetes has probes of its own and does not look at this one.
HEALTHCHECK --interval=10s --timeout=5s --start-period=60s --retries=6 \
  CMD ["python", "-c", "import os, urllib.request as u; u.urlopen(f\"http://127.0.0.1:{os.environ.get('COCKPIT_METRICS_PORT', '9108')}/livez\", timeout=4)"]
# SIGTERM reaches the worker itself, which drains and commits; there is no shell in between.
STOPSIGNAL SIGTERM
ENTRYPOINT ["cockpit"]
CMD ["worker"]
