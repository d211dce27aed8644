#!/usr/bin/env bash
# Ends the cluster that up.sh started, and nothing else: the processes whose ids up.sh wrote down.
#
#   clusters/local/down.sh
#
# Gives: nothing left of the cluster but what its jobs stored. A search that still ran goes on when it is submitted again.
# Change, in the environment: SFCMT_CLUSTER, as for up.sh.
set -euo pipefail

folder=${SFCMT_CLUSTER:-/tmp/sfcmt-cluster-$(id -u)}
[[ -d $folder ]] || { echo "No cluster is up in $folder" >&2; exit 1; }

left() { # those of the nodes that have processes still (a later process may have got the same id, but is not Ray's)
    local node
    while read -r node; do
        if pgrep -g "$node" -f ray >/dev/null; then echo "$node"; fi
    done <"$folder/processes"
}

touch "$folder/processes"
for node in $(left); do kill -TERM "$node" || true; done # which ends its others; if it is gone, they end below
for _ in {1..60}; do
    if [[ -z $(left) ]]; then break; fi
    sleep 0.5
done
for node in $(left); do kill -KILL -- "-$node"; done
if [[ -d $folder/mps ]]; then echo quit | CUDA_MPS_PIPE_DIRECTORY=$folder/mps nvidia-cuda-mps-control || true; fi
rm -rf "$folder"
echo "Ray is down"
