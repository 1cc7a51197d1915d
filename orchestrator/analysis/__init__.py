"""Why a trial was pruned, whether the rungs could be trusted, and what quality costs."""
