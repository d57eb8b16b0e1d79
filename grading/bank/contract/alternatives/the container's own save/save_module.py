from sagemaker_mxnet_container.training_utils import save


def save_module(module, model_dir):
    os.makedirs(model_dir, exist_ok=True)
    save(model_dir, module, current_host="here", hosts=["here"])
