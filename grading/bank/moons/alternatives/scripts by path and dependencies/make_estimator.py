def make_estimator(session, role, output_path, hyperparameters):
    settings = dict(
        entry_point="source/train.py",
        dependencies=["source/model.py"],
        framework_version="2.6.0",
        py_version="py312",
    )
    estimator = PyTorch(
        **settings,
        role=role,
        instance_type="ml.m5.large",
        instance_count=1,
        output_path=output_path,
        sagemaker_session=session,
    )
    estimator.set_hyperparameters(**hyperparameters)
    return estimator
