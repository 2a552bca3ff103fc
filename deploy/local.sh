#!/usr/bin/env bash
# Runs the marketplace on this machine without containers: Phoenix, Prometheus with the alerts, the agents, and customers who
# come again and again. Ctrl-C ends all of them.
#
#   deploy/local.sh              builds the programs, starts everything, and says what to open
#
# Variables:
#   PHOENIX_PORT                 6006, the user interface and spans over HTTP
#   PHOENIX_GRPC_PORT            4317, spans over gRPC
#   PHOENIX_ENABLE_PROMETHEUS    true; false leaves out Phoenix's own metrics, which are always at port 9090
#   PHOENIX_PROJECT              a2a-multi-agent
#   PROMETHEUS_PORT              9091
#   MARKETPLACE_PORT             7000, the first of seven ports, one for each part
#   MARKETPLACE_PAUSE            20, the seconds that each of the dozen customers waits before coming again
#   A2A_OTEL_PROGRAMS            a folder with the program agent, which is then not built
#   A2A_OTEL_LOCAL               .local below the current folder: data, logs and what is not yet delivered
#
# All other variables, such as OPENAI_BASE_URL, are passed on to the agents.
set -euo pipefail

deploy=$(cd "$(dirname "$0")" && pwd)
phoenix_port=${PHOENIX_PORT:-6006}
phoenix_grpc_port=${PHOENIX_GRPC_PORT:-4317}
phoenix_metrics=${PHOENIX_ENABLE_PROMETHEUS:-true}
prometheus_port=${PROMETHEUS_PORT:-9091}
first_port=${MARKETPLACE_PORT:-7000}
folder=${A2A_OTEL_LOCAL:-$PWD/.local}

# The parts of the marketplace, each with its service name and the parts that it calls. The first listens at MARKETPLACE_PORT,
# the second at the next port, and so on.
parts=(
    "llm          llm"
    "catalogue    catalogue"
    "product      product-agent    llm catalogue"
    "inventory    inventory-agent  llm catalogue"
    "sales        sales-agent      llm catalogue"
    "coordinator  coordinator      llm product inventory sales"
    "customers    customers        coordinator"
)

# How many seconds a process may take to start, and to end: a part ends its requests and sends its last spans.
patience=300
grace=15

# What has been started: names and process ids, in the order of the start.
names=()
ids=()

main() {
    check_machine
    find_program
    mkdir -p "$folder/logs" "$folder/phoenix" "$folder/prometheus/agents.d" "$folder/spool"
    trap 'end 130' INT
    trap 'end 143' TERM HUP
    start_phoenix
    start_prometheus
    start_marketplace
    show_what_runs
    watch
}

# Reports everything that is missing at once.
check_machine() {
    local complaints=0
    if ! command -v phoenix >/dev/null; then
        complain "Phoenix is not installed. Install it with Python 3.11 or later, and add it to the PATH:" \
            "  python3 -m venv ~/phoenix && ~/phoenix/bin/pip install arize-phoenix && export PATH=\$PATH:~/phoenix/bin"
    fi
    if ! command -v prometheus >/dev/null; then
        complain "Prometheus is not installed. Install Debian's package, or another build, and add it to the PATH:" \
            "  sudo apt-get install prometheus && sudo systemctl disable --now prometheus"
    fi
    check_port "$phoenix_port" PHOENIX_PORT
    check_port "$phoenix_grpc_port" PHOENIX_GRPC_PORT
    check_port "$prometheus_port" PROMETHEUS_PORT
    if [[ $phoenix_metrics == true ]] && listens 9090; then
        complain "Port 9090 is in use, where Phoenix serves its own metrics." \
            "  End what listens there, or set PHOENIX_ENABLE_PROMETHEUS=false to go without these metrics."
    fi
    local index
    for index in "${!parts[@]}"; do check_port $((first_port + index)) MARKETPLACE_PORT; done
    if ((complaints > 0)); then exit 1; fi
}

complain() {
    printf '%s\n' "$@" >&2
    complaints=$((complaints + 1))
}

check_port() {
    if listens "$1"; then
        complain "Port $1 is in use. End what listens there, or choose another port with $2."
    fi
}

listens() {
    (: <>"/dev/tcp/127.0.0.1/$1") 2>/dev/null
}

find_program() {
    local programs=${A2A_OTEL_PROGRAMS:-}
    if [[ -z $programs ]]; then
        (cd "$deploy/.." && cargo build -p a2a-otel-examples --features otlp --bin agent)
        programs=${CARGO_TARGET_DIR:-$deploy/../target}/debug
    fi
    agent=$programs/agent
    if [[ ! -x $agent ]]; then
        echo "$programs has no program agent; unset A2A_OTEL_PROGRAMS to build it." >&2
        exit 1
    fi
}

start_phoenix() {
    start phoenix env PHOENIX_WORKING_DIR="$folder/phoenix" PHOENIX_HOST=127.0.0.1 PHOENIX_PORT="$phoenix_port" \
        PHOENIX_GRPC_PORT="$phoenix_grpc_port" PHOENIX_ENABLE_PROMETHEUS="$phoenix_metrics" PHOENIX_TELEMETRY_ENABLED=false \
        phoenix serve
    await phoenix "$phoenix_port" /readyz
}

# Prometheus works with the generated configuration and rules, except that no Alertmanager runs here: Prometheus itself shows
# the alerts.
start_prometheus() {
    local own=$folder/prometheus job=''
    if [[ $phoenix_metrics != true ]]; then job="/^- job_name: phoenix\$/,\$d"; fi
    sed -e '/^alerting:/,/^scrape_configs:/{/^scrape_configs:/!d}' -e "$job" -e 's/- phoenix:9090/- 127.0.0.1:9090/' \
        "$deploy/prometheus/prometheus.yaml" >"$own/prometheus.yaml"
    cp "$deploy/prometheus/rules.yaml" "$own/rules.yaml"
    targets >"$own/agents.d/marketplace.yaml"
    start prometheus prometheus --config.file="$own/prometheus.yaml" --storage.tsdb.path="$own/data" \
        --web.listen-address="127.0.0.1:$prometheus_port"
    await prometheus "$prometheus_port" /-/ready
}

targets() {
    local index name service
    for index in "${!parts[@]}"; do
        read -r name service _ <<<"${parts[index]}"
        echo "- targets: [\"127.0.0.1:$((first_port + index))\"]"
        echo "  labels: { service_name: $service }"
    done
}

start_marketplace() {
    export PHOENIX_COLLECTOR_ENDPOINT=http://127.0.0.1:$phoenix_port PHOENIX_PROJECT=${PHOENIX_PROJECT:-a2a-multi-agent}
    export A2A_OTEL_SPOOL_DIR=${A2A_OTEL_SPOOL_DIR:-$folder/spool}
    local index name needs arguments peer
    for index in "${!parts[@]}"; do
        read -r name _ needs <<<"${parts[index]}"
        arguments=("$name" --listen "127.0.0.1:$(port_of "$name")")
        for peer in $needs; do arguments+=(--peer "$peer=http://127.0.0.1:$(port_of "$peer")"); done
        start "$name" "$agent" "${arguments[@]}"
        await "$name" "$(port_of "$name")" /readyz
    done
}

port_of() {
    local index name
    for index in "${!parts[@]}"; do
        read -r name _ <<<"${parts[index]}"
        if [[ $name == "$1" ]]; then echo $((first_port + index)); fi
    done
}

# start NAME COMMAND...
start() {
    local name=$1
    shift
    # With job control, it gets a process group of its own: Ctrl-C then reaches this script only, which ends all processes in
    # the right order.
    set -m
    "$@" </dev/null >"$folder/logs/$name.log" 2>&1 &
    names+=("$name")
    ids+=($!)
    set +m
}

# await NAME PORT PATH: waits until a process answers with 200, and says so.
await() {
    local name=$1 port=$2 path=$3 second
    for ((second = 0; second < patience * 5; second++)); do
        give_up_if_one_ended
        if [[ $(status "$port" "$path") == 200 ]]; then
            printf '%-12s healthy  http://127.0.0.1:%s\n' "$name" "$port"
            return 0
        fi
        sleep 0.2
    done
    echo "$name is not ready after $patience seconds; the end of $folder/logs/$name.log:" >&2
    tail -n 20 "$folder/logs/$name.log" >&2
    end 1
}

# status PORT PATH: the status of an HTTP answer, or nothing.
status() {
    local answer
    answer=$(fetch "$1" "$2")
    answer=${answer#* }
    echo "${answer%% *}"
}

# fetch PORT PATH: an HTTP answer, or nothing.
fetch() {
    local answer=''
    {
        exec 3<>"/dev/tcp/127.0.0.1/$1"
        printf 'GET %s HTTP/1.1\r\nhost: 127.0.0.1\r\nconnection: close\r\n\r\n' "$2" >&3
        # Up to the end of the connection.
        IFS= read -r -t 5 -d '' answer <&3
        exec 3>&-
    } 2>/dev/null || true
    printf '%s\n' "$answer"
}

show_what_runs() {
    cat <<TEXT

Open:
  http://127.0.0.1:$phoenix_port          the traces, in the project $PHOENIX_PROJECT
  http://127.0.0.1:$prometheus_port/alerts   the alerts
Dashboards without Grafana:
  cargo run -p a2a-otel-cli -- dashboards --prometheus http://127.0.0.1:$prometheus_port
Logs and data: $folder
Ctrl-C ends everything.
TEXT
}

# Waits until a signal comes, or a process ends by itself.
watch() {
    while true; do
        give_up_if_one_ended
        sleep 1
    done
}

give_up_if_one_ended() {
    local index status=0
    for index in "${!ids[@]}"; do
        if ! kill -0 "${ids[index]}" 2>/dev/null; then
            wait "${ids[index]}" || status=$?
            echo "${names[index]} ended with status $status; the end of $folder/logs/${names[index]}.log:" >&2
            tail -n 20 "$folder/logs/${names[index]}.log" >&2
            end 1
        fi
    done
}

# Ends all processes in the reverse order of their start, so that the last spans still reach Phoenix, and then this script.
end() {
    trap '' INT TERM HUP
    # Whatever fails here, the next process has to be ended too.
    set +e
    local index id tenth
    for ((index = ${#ids[@]} - 1; index >= 0; index--)); do
        id=${ids[index]}
        if [[ ${names[index]} == phoenix ]]; then let_phoenix_store; fi
        kill -TERM "$id" 2>/dev/null || true
        for ((tenth = 0; tenth < grace * 10; tenth++)); do
            kill -0 "$id" 2>/dev/null || break
            sleep 0.1
        done
        # The whole process group, with whatever it has started.
        kill -KILL -- "-$id" 2>/dev/null || true
        wait "$id" 2>/dev/null || true
        printf '%-12s ended\n' "${names[index]}"
    done
    exit "$1"
}

# Phoenix confirms spans before it stores them, and at its end it stores them for five seconds only. Its own metrics say how many
# wait.
let_phoenix_store() {
    # In a trap, a bare return would give the status of what the signal interrupted.
    if [[ $phoenix_metrics != true ]]; then return 0; fi
    local second waiting
    for ((second = 0; second < patience; second++)); do
        waiting=$(fetch 9090 /metrics | sed -n 's/^phoenix_span_queue_size \([0-9]*\).*/\1/p')
        if ((${waiting:-0} == 0)); then return 0; fi
        if ((second % 5 == 1)); then echo "phoenix is storing $waiting spans"; fi
        sleep 1
    done
}

main
