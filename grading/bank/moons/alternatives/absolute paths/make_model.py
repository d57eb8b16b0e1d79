class MoonModel(PyTorchModel):
    """The versions of the course in one place."""

    def __init__(self, **arguments):
        super().__init__(framework_version="2.6.0", py_version="py312", **arguments)


def make_model(session, role, model_data):
    return MoonModel(
        name="moons-model",
        source_dir=os.path.abspath("source"),
        entry_point="predict.py",
        model_data=model_data,
        role=role,
        sagemaker_session=session,
        env={"MOONS": "1"},
    )
