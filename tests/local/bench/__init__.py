"""How fast local SageMaker is, beside TorchServe and by itself: `python -m tests.local.bench`."""
