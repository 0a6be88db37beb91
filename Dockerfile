# The image of the resource type. `docker build .` needs nothing else; `make image` also says which version it is.
# An image is pinned by its digest, for instance --build-arg STATIC=gcr.io/distroless/static-debian13@sha256:...
ARG DEBIAN=docker.io/library/debian:trixie-slim
ARG STATIC=gcr.io/distroless/static-debian13:latest

# What takes longest and changes least: the interpreter that becomes part of the binary.
FROM ${DEBIAN} AS interpreter
RUN apt-get update -q && DEBIAN_FRONTEND=noninteractive apt-get install -q -y --no-install-recommends ca-certificates python3
ENV XDG_CACHE_HOME=/cache
WORKDIR /src
COPY build/ build/
RUN python3 build/binary.py interpreter
