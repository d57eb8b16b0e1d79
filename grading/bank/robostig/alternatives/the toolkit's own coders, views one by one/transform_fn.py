def transform_fn(net, data, content_type, accept, context=None):
    import http.client

    from sagemaker_inference import encoder
    from sagemaker_inference.errors import BaseInferenceToolkitError

    class Refused(BaseInferenceToolkitError):
        def __init__(self, code, why):
            print("refused:", code, why)
            super().__init__(int(code), why, http.client.responses[int(code)])

    if content_type == "application/json":
        read = lambda: np.asarray(json.loads(data)).astype(np.float32)
    elif content_type == "application/x-npy":
        read = lambda: np.float32(np.lib.format.read_array(io.BytesIO(bytes(data)), allow_pickle=False))
    else:
        raise Refused(415, content_type + "? application/json or application/x-npy, please")
    if accept not in ("application/json", "application/x-npy"):
        raise Refused(406, "I can't say that in " + accept)
    try:
        views = read()
    except Exception as e:
        raise Refused(400, "unreadable: " + repr(e))
    if views.ndim == 3:
        views = np.expand_dims(views, 0)
    if views.ndim != 4 or tuple(views.shape[1:]) != (66, 200, 3) or not len(views):
        raise Refused(400, "a view has 66 rows, 200 columns and 3 channels")
    if np.isnan(views).any() or np.isinf(views).any():
        raise Refused(400, "a view has a hole")
    steering = []
    for view in views:
        planes = mx.nd.transpose(mx.nd.array(view), axes=(2, 0, 1)).expand_dims(axis=0)
        steering.append([round(float(net(planes).asscalar()), 5)])
    return encoder.encode(np.array(steering), accept), accept
