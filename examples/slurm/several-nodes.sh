#!/bin/bash
# One sweep on several nodes of a Slurm cluster, for as many time limits as it needs: docs/slurm.md.
#
#   sbatch examples/slurm/several-nodes.sh sweep.yaml my-first-sweep     the file, and the name: in it
#
# The file's storage.runs, the data and this directory are seen by all nodes, and
# $SEARCHCTL_DB_URL_FILE names a file with the URL of a PostgreSQL database.
#
#SBATCH --job-name=searchctl
#SBATCH --nodes=2
#SBATCH --ntasks-per-node=1
#SBATCH --cpus-per-task=8
#SBATCH --exclusive
#SBATCH --time=12:00:00
#SBATCH --signal=B:USR1@120
#SBATCH --requeue
#SBATCH --open-mode=append
# for GPUs: #SBATCH --gpus-per-node=4

sweep=$1 name=$2

# A token, so that only this job reaches its Ray.
export RAY_AUTH_MODE=token RAY_AUTH_TOKEN_PATH=$HOME/.ray/slurm-$SLURM_JOB_ID
mkdir -p "$HOME/.ray"
(umask 077 && od -An -N32 -tx1 /dev/urandom | tr -d ' \n' > "$RAY_AUTH_TOKEN_PATH")
trap 'rm -f "$RAY_AUTH_TOKEN_PATH"' EXIT

# Ray on each node, as a step of the job. The driver is a process of the head's node: this one.
mapfile -t nodes < <(scontrol show hostnames "$SLURM_JOB_NODELIST")
address=$(srun --overlap --nodes=1 --ntasks=1 --nodelist="${nodes[-1]}" \
  getent ahostsv4 "${nodes[0]}" | awk 'NR == 1 {print $1}') # as another node sees it
port=$((20000 + SLURM_JOB_ID % 10000)) # Ray's workers use 10002 to 19999

ray_on() {
  srun --overlap --nodes=1 --ntasks=1 --cpus-per-task="$SLURM_CPUS_PER_TASK" --nodelist="$1" \
    ray start --block --num-cpus="$SLURM_CPUS_PER_TASK" "${@:2}" > /dev/null &
  steps+=($!)
}

ray_on "${nodes[0]}" --head --node-ip-address="$address" --port="$port" --include-dashboard=false
until (: > "/dev/tcp/$address/$port") 2> /dev/null; do
  kill -0 "${steps[0]}" || exit 1 # Ray has not started: srun said why
  sleep 1
done
for node in "${nodes[@]:1}"; do
  ray_on "$node" --address="$address:$port"
done

# Slurm sends USR1 120 s before the time limit, and TERM at scancel: only after USR1 is more to do.
trap 'again=yes; kill -TERM "$driver"' USR1
trap 'kill -TERM "$driver"' TERM

if searchctl status "$name" > /dev/null 2>&1; then
  searchctl resume "$name" --address "$address:$port" &
else
  searchctl launch "$sweep" --address "$address:$port" &
fi
driver=$!

# a signal ends `wait` early
until wait "$driver"; ! kill -0 "$driver" 2> /dev/null; do :; done
wait "$driver"
code=$?

kill "${steps[@]}"
wait "${steps[@]}" 2> /dev/null
if [ "$again" ] && [ "$code" = 143 ]; then
  scontrol requeue "$SLURM_JOB_ID"
fi
exit "$code"
