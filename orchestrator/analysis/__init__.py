"""Why a trial was pruned, whether the rungs can be trusted, and what quality costs."""
