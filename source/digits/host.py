"""What the endpoint of this unit imports: nothing is in it on purpose.

A container asks for an entry point. One that defines no function leaves all to the container's own: its `model_fn` loads
the three files of `export_model`, its other functions read JSON, CSV or NPY, compute, and answer in JSON.
"""
