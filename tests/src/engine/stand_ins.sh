# Imports images whose files are those of unpacked packages, unless the engine has them. Each has one layer.
set -eu
work=$(mktemp -d -p "$(dirname "$0")")
trap 'rm -rf "$work"' EXIT
recipe=$(cat "$0" "$GRAFANA" | md5sum | cut -c 1-12)

# image NAME FUNCTION CHANGE... : the function puts the files into the current folder.
image() {
    name=$1 files=$2
    shift 2
    known=$(docker image inspect --format '{{index .Config.Labels "recipe"}}' "$name" 2>/dev/null || true)
    [ "$known" != "$recipe" ] || return 0
    rm -rf "$work/files"
    mkdir -p "$work/files"
    cd "$work/files"
    mkdir -m 1777 tmp
    mkdir etc
    printf 'root:x:0:0::/root:/none\nnobody:x:65534:65534::/:/none\n' >etc/passwd
    printf 'root:x:0:\nnobody:x:65534:\n' >etc/group
    "$files"
    set -- "$@" "LABEL recipe=$recipe"
    for change; do
        shift
        set -- "$@" --change "$change"
    done
    tar --create --numeric-owner . | docker import "$@" - "$name"
    cd "$work"
}

# Hard links: nothing is copied.
take() { cp --archive --link --no-target-directory "$1" "${2:-.}"; }

alpine() {
    take "$BUSYBOX"
    for command in $(bin/busybox --list); do ln -s busybox "bin/$command" 2>/dev/null || true; done
    mkdir -p etc/ssl/certs
    cat usr/share/ca-certificates/mozilla/*.crt >etc/ssl/certs/ca-certificates.crt
}

phoenix() {
    take "$LIBRARIES"
    take "$PYTHON"
    mkdir -p phoenix mnt/data root
    take "$SITE_PACKAGES" phoenix/env
    ln -s python3.11 usr/bin/python3
}

prometheus() {
    take "$LIBRARIES"
    take "$PROMETHEUS"
    ln -s usr/bin bin
    mkdir -p prometheus
    chown 65534:65534 prometheus
}

alertmanager() {
    take "$LIBRARIES"
    take "$ALERTMANAGER"
    ln -s usr/bin bin
    ln -s prometheus-alertmanager usr/bin/alertmanager
    mkdir -p alertmanager
    chown 65534:65534 alertmanager
}

grafana() {
    take "$LIBRARIES"
    take "$PYTHON"
    ln -s python3.11 usr/bin/python3
    mkdir -p bin var/lib/grafana
    cp "$BUSYBOX/bin/busybox" bin/busybox
    ln -s busybox bin/wget
    chown 472:0 var/lib/grafana
    cp "$GRAFANA" grafana.py
}

image alpine:3.22 alpine 'CMD ["sh"]'
image "prom/prometheus:v$PROMETHEUS_VERSION" prometheus \
    'USER 65534' 'WORKDIR /prometheus' 'VOLUME /prometheus' 'ENTRYPOINT ["/bin/prometheus"]'
image "prom/alertmanager:v$ALERTMANAGER_VERSION" alertmanager \
    'USER 65534' 'WORKDIR /alertmanager' 'VOLUME /alertmanager' 'ENTRYPOINT ["/bin/alertmanager"]'
image grafana/grafana:13.2.3 grafana 'USER 472' 'ENV PYTHONUNBUFFERED=1' 'ENTRYPOINT ["/usr/bin/python3", "/grafana.py"]'
image "arizephoenix/phoenix:version-$PHOENIX_VERSION" phoenix \
    'WORKDIR /phoenix' 'ENV PYTHONPATH=/phoenix/env' 'ENV PYTHONUNBUFFERED=1' \
    'ENTRYPOINT ["/usr/bin/python3"]' 'CMD ["-m", "phoenix.server.main", "serve"]'
