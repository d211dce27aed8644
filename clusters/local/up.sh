#!/usr/bin/env bash
# A Ray cluster on this machine: a head that takes no work, and workers that share its cores and GPUs.
#
#   clusters/local/up.sh 2                      # two workers (default: one)
#   . "/tmp/sfcmt-cluster-$(id -u)/env"         # address and token, for this shell
#   sfcmt submit -- tune my-search.yaml         # or: ray job submit --working-dir . -- python -m sfcmt tune my-search.yaml
#   clusters/local/down.sh
#
# Gives: token authentication, the dashboard on 127.0.0.1:8265, the head on port 6379; ready in half a minute. Ray's other
# ports listen on every interface whatever is asked: the token guards them. down.sh ends these processes and no others.
# Change, in the environment: SFCMT_CLUSTER (the folder; keep it short), PORT, DASHBOARD_PORT, CLIENT_PORT (all
# three for a second cluster on a machine), CPUS (of each worker).
set -euo pipefail

workers=${1:-1}
port=${PORT:-6379}
dashboard_port=${DASHBOARD_PORT:-8265}
dashboard=http://127.0.0.1:$dashboard_port
folder=${SFCMT_CLUSTER:-/tmp/sfcmt-cluster-$(id -u)}
cpus=${CPUS:-$((($(getconf _NPROCESSORS_ONLN) + workers - 1) / workers))}
all_gpus=$(nvidia-smi --query-gpu=index --format=csv,noheader 2>/dev/null | paste -sd, -) || true
IFS=, read -ra gpus <<<"${CUDA_VISIBLE_DEVICES-$all_gpus}"

command -v ray >/dev/null || { echo "No command ray: activate the environment that sfcmt is in" >&2; exit 1; }
umask 077
mkdir "$folder" || { echo "A cluster is up there already: clusters/local/down.sh ends it" >&2; exit 1; }
trap 'tail -n 20 "$folder"/*.log >&2 || true; "$(dirname "$0")/down.sh"' EXIT

od -An -tx1 -N32 /dev/urandom | tr -d ' \n' >"$folder/token"
cat >"$folder/env" <<END
export RAY_AUTH_MODE=token RAY_AUTH_TOKEN_PATH=$folder/token
export RAY_ADDRESS=127.0.0.1:$port RAY_API_SERVER_ADDRESS=$dashboard
END
export RAY_AUTH_MODE=token RAY_AUTH_TOKEN_PATH=$folder/token
unset RAY_ADDRESS RAY_AUTH_TOKEN

if ((${#gpus[@]})) && command -v nvidia-cuda-mps-control >/dev/null; then # trials that share a GPU run side by side
    export CUDA_MPS_PIPE_DIRECTORY=$folder/mps CUDA_MPS_LOG_DIRECTORY=$folder/mps
    mkdir "$folder/mps"
    nvidia-cuda-mps-control -d
fi

start() { # NAME OPTIONS...: one node, in a process group of its own
    local name=$1
    shift
    set -m
    nohup ray start --block --disable-usage-stats --min-worker-port=0 --max-worker-port=0 \
        --dashboard-agent-listen-port=0 "$@" </dev/null >"$folder/$name.log" 2>&1 &
    set +m
    echo $! >>"$folder/processes"
}

wait_for_nodes() { # COUNT
    local alive process
    for _ in {1..60}; do
        while read -r process; do kill -0 "$process"; done <"$folder/processes"
        sleep 1
        if ! (: <"/dev/tcp/127.0.0.1/$dashboard_port") 2>/dev/null; then continue; fi
        alive=$(ray list nodes --address="$dashboard" --filter=state=ALIVE --format=json 2>/dev/null |
            grep -o '"node_id"' | wc -l) || true
        if ((alive == $1)); then return; fi
    done
    echo "Not all nodes came up" >&2
    return 1
}

start head --head --port="$port" --ray-client-server-port="${CLIENT_PORT:-10001}" --num-cpus=0 --num-gpus=0 \
    --temp-dir="$folder/ray" --dashboard-host=127.0.0.1 --dashboard-port="$dashboard_port"
wait_for_nodes 1
for ((worker = 0; worker < workers; worker++)); do
    share=""
    for ((gpu = worker; gpu < ${#gpus[@]}; gpu += workers)); do share+=${share:+,}${gpus[gpu]}; done
    # a folder of its own: nodes that share one replace the working directory under each other's jobs
    CUDA_VISIBLE_DEVICES=$share start "worker-$worker" --address="127.0.0.1:$port" --num-cpus="$cpus" \
        --temp-dir="$folder/w$worker"
done
wait_for_nodes $((workers + 1))
trap - EXIT

echo "Ray is up, with $workers worker(s) of $cpus CPUs, and ${#gpus[@]} GPU(s): $dashboard"
echo "  . $folder/env"
echo "  sfcmt submit -- tune my-search.yaml"
echo "  clusters/local/down.sh"
