"""Commands on one configuration and its trained network: export, train, predict, evaluate, ..."""
