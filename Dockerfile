# EventMonitor and the command stem: docker build -t stem-device .
# With --target demo: the rest of a Tango system to look at (compose.yaml).
ARG BASE=debian:trixie-slim

FROM ${BASE} AS python
RUN apt-get update \
    && apt-get install -y --no-install-recommends python3 \
    && rm -rf /var/lib/apt/lists/*
ENV PATH=/opt/stem/bin:$PATH PYTHONUNBUFFERED=1 PYTHONDONTWRITEBYTECODE=1
# Owned by the user from the start, so that a new volume mounted here is, too.
RUN useradd --uid 10001 --no-create-home --home-dir /recordings stem \
    && mkdir /recordings \
    && chown stem:stem /recordings

FROM python AS build
RUN apt-get update \
    && apt-get install -y --no-install-recommends python3-venv \
    && python3 -m venv /opt/pip \
    && python3 -m venv --without-pip /opt/stem
WORKDIR /source
COPY . .
RUN /opt/pip/bin/pip --python /opt/stem/bin/python install --no-cache-dir '.[hdf5,zstd,cli]'

FROM build AS build-demo
RUN /opt/pip/bin/pip --python /opt/stem/bin/python install --no-cache-dir '.[demo]'

FROM python AS demo
COPY --from=build-demo /opt/stem /opt/stem
USER stem
WORKDIR /recordings
CMD ["stem", "demo"]

FROM python AS eventmonitor
COPY --from=build /opt/stem /opt/stem
USER stem
WORKDIR /recordings
CMD ["EventMonitor", "1"]
