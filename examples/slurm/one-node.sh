#!/bin/bash
# One sweep on one node of a Slurm cluster, for as many time limits as it needs: docs/slurm.md.
#
#   sbatch examples/slurm/one-node.sh sweep.yaml my-first-sweep     the file, and the name: in it
#
#SBATCH --job-name=searchctl
#SBATCH --nodes=1
#SBATCH --ntasks=1
#SBATCH --cpus-per-task=8
#SBATCH --time=12:00:00
#SBATCH --signal=B:USR1@120
#SBATCH --requeue
#SBATCH --open-mode=append
# for a GPU: #SBATCH --gpus=1

sweep=$1 name=$2

# Slurm sends USR1 120 s before the time limit, and TERM at scancel: only after USR1 is more to do.
trap 'again=yes; kill -TERM "$driver"' USR1
trap 'kill -TERM "$driver"' TERM

if searchctl status "$name" > /dev/null 2>&1; then
  searchctl resume "$name" &
else
  searchctl launch "$sweep" &
fi
driver=$!

# a signal ends `wait` early
until wait "$driver"; ! kill -0 "$driver" 2> /dev/null; do :; done
wait "$driver"
code=$?

if [ "$again" ] && [ "$code" = 143 ]; then
  scontrol requeue "$SLURM_JOB_ID"
fi
exit "$code"
