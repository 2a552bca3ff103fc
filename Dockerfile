# The parts of the marketplace, each an image of its own: docker build --target product .
#
# Arguments:
#   BUILDER   the image that builds the program; it needs Rust, a C compiler, a shell and the certificates of authorities
#   PROGRAM   a program in the build's context that was built before, for places without a package registry; see
#             docs/deployment.md. Then an image with a shell and certificates is enough as BUILDER, such as alpine:3.22.
#   VERSION, REVISION   for the labels
#
# Nothing here needs BuildKit.

ARG BUILDER=rust:1.95-bookworm

# What the build of the dependencies depends on: manifests, and the roots of crates without their code. A change of any other
# file leaves the layer that compiles dependencies as it is.
FROM ${BUILDER} AS manifests
COPY . /source
WORKDIR /source
RUN sh deploy/build.sh manifests

FROM ${BUILDER} AS program
ARG PROGRAM=
WORKDIR /build
COPY --from=manifests /source .
COPY deploy/build.sh /build.sh
RUN sh /build.sh dependencies
COPY . .
RUN sh /build.sh program

# No shell and no package manager: only the program, certificates, and the folder of the spool, which is that of a volume.
FROM scratch AS part
ARG VERSION=0.1.0
ARG REVISION=unknown
LABEL org.opencontainers.image.title="a2a-otel marketplace" \
      org.opencontainers.image.description="A part of a marketplace of agents, observed with a2a-otel" \
      org.opencontainers.image.documentation="docs/deployment.md" \
      org.opencontainers.image.licenses="MIT OR Apache-2.0" \
      org.opencontainers.image.version="${VERSION}" \
      org.opencontainers.image.revision="${REVISION}"
COPY --from=program /out/ /
COPY --from=program --chown=65532:65532 /spool/ /var/lib/marketplace/spool/
ENV A2A_OTEL_SPOOL_DIR=/var/lib/marketplace/spool \
    MARKETPLACE_LISTEN=0.0.0.0:8080 \
    NO_COLOR=1
# A number, so that Kubernetes can see that it is not root.
USER 65532:65532
EXPOSE 8080
STOPSIGNAL SIGTERM
HEALTHCHECK --interval=5s --timeout=5s --start-period=60s --retries=3 CMD ["/agent", "health"]
ENTRYPOINT ["/agent"]

FROM part AS model
ENV MARKETPLACE_PART=llm

FROM part AS catalogue
ENV MARKETPLACE_PART=catalogue

FROM part AS product
ENV MARKETPLACE_PART=product

FROM part AS inventory
ENV MARKETPLACE_PART=inventory

FROM part AS sales
ENV MARKETPLACE_PART=sales

FROM part AS coordinator
ENV MARKETPLACE_PART=coordinator

FROM part AS customers
ENV MARKETPLACE_PART=customers

FROM part AS alerts
ENV MARKETPLACE_PART=alerts
