import pytest

import world as world_module


@pytest.fixture(scope="session")
def world(tmp_path_factory):
    world_module.need_namespace()
    w = world_module.World(tmp_path_factory.mktemp("world"))
    yield w
    w.stop()
