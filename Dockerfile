# The image of the resource type. `docker build .` is all it takes; `make image` also labels it with version and commit.
# `make bases` prints these two by their digests, as a release pins them.
ARG DEBIAN=docker.io/library/debian:trixie-slim
ARG STATIC=gcr.io/distroless/static-debian13:latest

# What takes longest (about 2 minutes) and changes least: a layer of its own, made of its own recipe only.
FROM ${DEBIAN} AS interpreter
ENV DEBIAN_FRONTEND=noninteractive XDG_CACHE_HOME=/cache
WORKDIR /s3-presigned-url
RUN apt-get update -q && apt-get install -q -y --no-install-recommends ca-certificates python3
# the engine sets these; with another --platform than its own everything is emulated, but not the compiler
ARG BUILDARCH
ARG TARGETARCH
COPY --chmod=644 build/native.sh build/
RUN sh build/native.sh "$BUILDARCH" "$TARGETARCH"
# with a mode of our own, as that of the checkout depends on an umask, and the layer is to be found again
COPY --chmod=644 build/debian.py build/interpreter.py build/interpreter.toml build/machine.py build/patches.py build/pins.toml build/
COPY --chmod=644 build/patches/cpython/ build/patches/cpython/
RUN python3 build/interpreter.py

FROM interpreter AS binary
COPY LICENSE ./
COPY build/ build/
COPY app/ app/
ARG DEBIAN STATIC
RUN BASE_IMAGES="$DEBIAN $STATIC" python3 build/binary.py

# Only for `docker build --target tests .`: the whole suite, with Debian's Python and against this very binary.
FROM binary AS tests
COPY Makefile ./
COPY tests/requirements.txt tests/
RUN make tools .venv/ready .cache/bin/versitygw .cache/bin/actionlint
COPY . .
RUN touch .venv/ready dist/s3-presigned-url && make test EXAMPLES=200

FROM ${STATIC}
LABEL org.opencontainers.image.title="s3-presigned-url" \
      org.opencontainers.image.description="A Concourse CI resource type that hands a pipeline a presigned S3 URL" \
      org.opencontainers.image.licenses="MIT"
COPY --from=binary /s3-presigned-url/about/sbom.cdx.json /s3-presigned-url/about/licences.txt /usr/share/doc/s3-presigned-url/
COPY --from=binary /s3-presigned-url/dist/ /opt/resource/
USER 0
ENTRYPOINT ["/opt/resource/s3-presigned-url"]
