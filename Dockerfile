# EventMonitor and the command stem: docker build -t stem-device .
# With --target demo: the rest of a Tango system to look at (compose.yaml).
# With --build-arg PARTS=hdf5,zstd,cli,http,report: the report page at / of its HTTP port too, for 170 MB more.
#
# A tag and no digest: Debian's point releases and security updates come with the next build, where a digest written here
# would keep the packages of one day until somebody changes this line. What was built is named by its own digest
# (image.digest of the chart), and --build-arg BASE=debian@sha256:... pins the base where a site needs that.
ARG BASE=debian:trixie-slim
ARG PARTS=hdf5,zstd,cli,http

FROM ${BASE} AS python
RUN apt-get update \
    && apt-get install -y --no-install-recommends python3 \
    && rm -rf /var/lib/apt/lists/*
ENV PATH=/opt/stem/bin:$PATH PYTHONUNBUFFERED=1 PYTHONDONTWRITEBYTECODE=1
# Owned by the user from the start, so that a new volume mounted here is, too.
RUN groupadd --gid 10001 stem \
    && useradd --uid 10001 --gid 10001 --no-create-home --home-dir /recordings stem \
    && mkdir /recordings \
    && chown stem:stem /recordings

FROM python AS build
RUN apt-get update \
    && apt-get install -y --no-install-recommends python3-venv \
    && python3 -m venv /opt/pip \
    && python3 -m venv --without-pip /opt/stem
WORKDIR /source
COPY . .
ARG PARTS
RUN /opt/pip/bin/pip --python /opt/stem/bin/python install --no-cache-dir ".[$PARTS]"

FROM build AS build-demo
RUN /opt/pip/bin/pip --python /opt/stem/bin/python install --no-cache-dir '.[demo]'

FROM python AS demo
COPY --from=build-demo /opt/stem /opt/stem
LABEL org.opencontainers.image.title="stem-device-demo" \
      org.opencontainers.image.description="A Tango system that loses events, to look at" \
      org.opencontainers.image.licenses="BSD-3-Clause"
USER 10001:10001
WORKDIR /recordings
CMD ["stem", "demo"]

FROM python AS eventmonitor
COPY --from=build /opt/stem /opt/stem
# Of what it was built: --build-arg REVISION=$(git rev-parse HEAD) --build-arg CREATED=$(date -u +%FT%TZ)
ARG VERSION=0.1.0
ARG REVISION=
ARG CREATED=
LABEL org.opencontainers.image.title="stem-device" \
      org.opencontainers.image.description="EventMonitor, the event monitor for Tango control systems" \
      org.opencontainers.image.licenses="BSD-3-Clause" \
      org.opencontainers.image.version="$VERSION" \
      org.opencontainers.image.revision="$REVISION" \
      org.opencontainers.image.created="$CREATED"
# A number: Kubernetes cannot see that a name is not root's.
USER 10001:10001
WORKDIR /recordings
# Calls, events, heartbeats, HTTP: by the chart, or by whoever sets these ports.
EXPOSE 45450 45451 45452 8000
CMD ["EventMonitor", "1"]
