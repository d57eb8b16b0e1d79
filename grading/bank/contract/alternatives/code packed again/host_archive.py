def host_archive(session, role, model_data, instance_type):
    return PyTorchModel(
        model_data,
        role,
        entry_point="transform.py",
        source_dir=os.path.abspath("source"),
        framework_version="2.6.0",
        py_version="py312",
        name="digits-in-pytorch",
        sagemaker_session=session,
    ).deploy(instance_type=instance_type, initial_instance_count=1)
