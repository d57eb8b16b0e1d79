"""The interface of MXNet's images before 1.3, which today's toolkit dropped: a script with a function `train`.

The toolkit runs `main` in place of its own. As those images did, it imports the script, calls `train` with those of
its arguments that it names, and saves what it returns: with the script's `save(model, model_dir)`, or as a Module.
"""

import importlib
import inspect
import os
import traceback

from sagemaker_mxnet_container import training, training_utils
from sagemaker_training import entry_point, environment, errors, files


def main():
    """Run the job's script. Raises ClientError, which the toolkit makes the job's reason, for whatever it does."""
    env = environment.Environment()
    files.download_and_extract(uri=env.module_dir, path=environment.code_dir)
    entry_point.install(name=env.user_entry_point, path=environment.code_dir)
    environment.write_env_vars(env.to_env_vars())
    importlib.invalidate_caches()  # requirements.txt may just have brought modules
    if len(env.hosts) > 1:
        _start_parameter_server(env)
    try:
        module = importlib.import_module(env.module_name)
    except ModuleNotFoundError as error:
        if error.name != env.module_name:
            raise _failed("The script can't be imported", error) from None
        raise errors.ClientError(f"There is no script {env.user_entry_point} in the source.") from None
    except Exception as error:
        raise _failed("The script can't be imported", error) from None
    if not callable(getattr(module, "train", None)):
        raise errors.ClientError(
            f"{env.user_entry_point} has no function train(...), which MXNet before version 1.3 calls. To run it as a "
            "program instead, ask for framework_version 1.3.0 or later."
        )
    try:
        model = module.train(**_wanted(module.train, env))
        if model is not None:
            if hasattr(module, "save"):
                module.save(model, env.model_dir)
            else:
                training_utils.save(env.model_dir, model, env.current_host, env.hosts)
    except SystemExit as error:  # the toolkit would take it for its own end
        raise errors.ClientError(f"The script ended by sys.exit({error.code!r}); train(...) must return.") from None
    except Exception as error:
        raise _failed("uncaught exception during training", error) from None


def _wanted(train, env):
    """The arguments that `train` names, or all of them when it takes `**kwargs`."""
    given = {
        "hyperparameters": dict(env.hyperparameters),
        "input_data_config": dict(env.input_data_config),
        "channel_input_dirs": dict(env.channel_input_dirs),
        "output_data_dir": env.output_data_dir,
        "model_dir": env.model_dir,
        "num_gpus": env.num_gpus,
        "num_cpus": env.num_cpus,
        "hosts": list(env.hosts),
        "current_host": env.current_host,
    }
    parameters = inspect.signature(train).parameters.values()
    if any(parameter.kind is parameter.VAR_KEYWORD for parameter in parameters):
        return given
    return {parameter.name: given[parameter.name] for parameter in parameters if parameter.name in given}


def _start_parameter_server(env):
    """Scheduler and servers of `dist_sync`; these images started them on their own."""
    port, verbose = str(env.hyperparameters.get("_ps_port", 8000)), str(env.hyperparameters.get("_ps_verbose", 0))
    roles = ["scheduler", "server"] if env.current_host == training_utils.scheduler_host(env.hosts) else ["server"]
    for role in roles:
        training._run_mxnet_process(role, env.hosts, port, verbose)
    os.environ.update(training._env_vars_for_role("worker", env.hosts, port, verbose))


def _failed(what, error):
    return errors.ClientError(f"{what}: {error}\n{''.join(traceback.format_exception(error)).strip()}")
