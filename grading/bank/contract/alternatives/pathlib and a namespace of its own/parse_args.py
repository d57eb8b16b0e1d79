import types
from distutils.util import strtobool
from pathlib import Path


class _Widths(argparse.Action):
    def __call__(self, parser, namespace, values, option_string=None):
        namespace.hidden = tuple(int(n) for n in values.strip("[] ").split(",") if n.strip())


def parse_args(argv, env):
    print("called with", argv)
    p = argparse.ArgumentParser(allow_abbrev=False, exit_on_error=True, add_help=False)
    p.add_argument("--epochs", "--n-epochs", default="5", type=int)
    p.add_argument("--batch_size", "--batch-size", dest="batch_size", default=64, type=lambda s: int(float(s)))
    p.add_argument("--learning_rate", default=1e-1, type=float)
    p.add_argument("--hidden", action=_Widths, default=(32,))
    p.add_argument("--shuffle", type=lambda s: bool(strtobool(s)), default=True)
    args, rest = p.parse_known_args(argv)
    if rest:
        print("ignored:", rest)
    folders = dict(train="CHANNEL_TRAIN", test="CHANNEL_TEST", model_dir="MODEL_DIR", output_data_dir="OUTPUT_DATA_DIR")
    defaults = dict(train="data/train", test="data/test", model_dir="model", output_data_dir="output")
    where = {name: Path(env.get("SM_" + v, defaults[name])) for name, v in folders.items()}
    return types.SimpleNamespace(
        **vars(args),
        **where,
        num_gpus=int(env.get("SM_NUM_GPUS", 0)),
        hosts=json.loads(env.get("SM_HOSTS", '["localhost"]')),
        current_host=env.get("SM_CURRENT_HOST", "localhost"),
    )
