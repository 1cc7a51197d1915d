"""One job trained by several processes of one machine, each on a GPU of its own.

`process_group` is what they tell each other, `replica` and `batch_norm` how they train one network,
`together` starts, watches and ends them, `worker` is what each of them runs.
"""
