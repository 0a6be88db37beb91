# The same resource in the usual way, to compare with: a slim base, its Python, and packages from PyPI.
ARG DEBIAN=docker.io/library/debian:trixie-slim
FROM ${DEBIAN}
COPY tests/benchmark/requirements.txt tests/benchmark/concoursetools_in.py /opt/
RUN apt-get update -q \
 && DEBIAN_FRONTEND=noninteractive apt-get install -q -y --no-install-recommends ca-certificates python3 python3-pip \
 && pip install --break-system-packages --no-cache-dir --require-hashes -r /opt/requirements.txt \
 && DEBIAN_FRONTEND=noninteractive apt-get purge -q -y --auto-remove python3-pip \
 && rm -rf /var/lib/apt/lists/* \
 && mkdir /opt/resource \
 && printf '#!/bin/sh\nexec python3 /opt/concoursetools_in.py "$@"\n' > /opt/resource/in \
 && chmod 755 /opt/resource/in
