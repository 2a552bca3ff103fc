# build.sh manifests|dependencies|program: what the Dockerfile runs. PROGRAM is a program that was built before, or empty.
set -eu

# Static, so that the image needs no library. The target is named, because Rust's own macros cannot be static.
build() {
    target=$(rustc --print host-tuple)
    RUSTFLAGS='-C target-feature=+crt-static' cargo build --locked --profile image --target "$target" \
        -p a2a-otel-examples --features otlp-grpc --bin agent
}

case $1 in
manifests)
    # The roots of all targets without their code, and nothing else.
    find . -path '*/src/*.rs' ! -name lib.rs ! -name main.rs ! -path '*/bin/*' -exec rm {} +
    find . -type f ! -name '*.rs' ! -name '*.toml' ! -name Cargo.lock -exec rm {} +
    find . -name '*.rs' | while read -r file; do echo 'fn main() {}' >"$file"; done
    ;;
dependencies)
    if [ -z "$PROGRAM" ]; then build; fi
    ;;
program)
    mkdir -p /out/etc/ssl/certs /spool
    # The authorities whom the program trusts when it calls a model.
    cp /etc/ssl/certs/ca-certificates.crt /out/etc/ssl/certs/
    chown 65532:65532 /spool
    if [ -n "$PROGRAM" ]; then
        cp "$PROGRAM" /out/agent
    else
        # Newer than what was built from the roots of crates without their code.
        find . -name '*.rs' -exec touch {} +
        build
        cp "target/$target/image/agent" /out/agent
    fi
    chmod 755 /out/agent
    ;;
esac
