import os

import torch

from model import SimpleNet


def model_fn(model_dir):
    device = torch.device("cuda" if torch.cuda.is_available() else "cpu")
    info = torch.load(os.path.join(model_dir, "model_info.pth"))
    model = SimpleNet(**{k: info[k] for k in ("input_dim", "hidden_dim", "output_dim")})
    model.load_state_dict(torch.load(os.path.join(model_dir, "model.pth"), map_location=device))
    return model.to(device).eval()


def predict_fn(input_data, model):
    device = next(model.parameters()).device
    data = torch.as_tensor(input_data).float().to(device)
    model.eval()
    with torch.inference_mode():
        return model(data)
