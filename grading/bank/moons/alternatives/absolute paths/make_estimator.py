def make_estimator(session, role, output_path, hyperparameters):
    """With metrics, a base name and a folder that is named in full."""
    return PyTorch(
        base_job_name="moons",
        source_dir=os.path.abspath("source"),
        entry_point="train.py",
        role=role,
        py_version="py312",
        framework_version="2.6.0",
        instance_count=1,
        instance_type="ml.m5.large",
        max_run=600,
        metric_definitions=[{"Name": "loss", "Regex": r"loss ([0-9.]+)"}],
        hyperparameters={**hyperparameters, "lr": 0.01},
        output_path=output_path,
        sagemaker_session=session,
    )
