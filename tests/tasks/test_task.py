import jax.numpy as jnp
import pytest

from configs import default
from edgeconnect_jax.tasks.task import Phase, Report, Task, Update, Variables, Watch, create


def task_of(config, **fields):
    return Task(
        init=lambda key, spec: Variables({"net": {"w": jnp.ones(())}}, {"net": {}}, {}, {}),
        players={},
        phases=(Phase(()),),
        predict=lambda *_: {},
        metrics=lambda *_: {},
        watch=Watch("loss", higher_is_better=False),
        **fields,
    )


@pytest.fixture
def config():
    config = default.get_config()
    config.task.name = "grow"
    return config


def test_a_task_is_found_by_the_name_of_its_stage(config):
    assert create({"grow": task_of}, config).watch.metric == "loss"
    config.task.name = "growing"
    with pytest.raises(ValueError, match=r"unknown task.name 'growing': choose one of shrink, grow"):
        create({"shrink": task_of, "grow": task_of}, config)


def test_a_task_is_checked(config):
    update = Update(("nobody",), lambda *_: None)
    with pytest.raises(ValueError, match="not players: \\['nobody'\\]"):
        create({"grow": lambda config: task_of(config)._replace(phases=(Phase((update,)),))}, config)


def test_a_report_needs_something_to_report(config):
    config.eval.report = True
    with pytest.raises(ValueError, match=r"eval\.report=True: stage 'grow' has nothing to report"):
        create({"grow": task_of}, config)
    report = Report((("loss", "Loss"),), ("output", "truth"))
    assert create({"grow": lambda config: task_of(config, report=report)}, config).report is report
