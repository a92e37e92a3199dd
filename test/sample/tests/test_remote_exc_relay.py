"""What is known about an error that happened in another actor."""

import pytest
import tractor

from sample_actors._exceptions import NoWords, remote_name
from sample_actors.runtime import _rpc
from sample_actors.spawn._spawn import open_workers


def test_own_error_keeps_its_name(run, root_options):
    async def main():
        async with open_workers(1, **root_options) as [worker]:
            with pytest.raises(tractor.RemoteActorError) as caught:
                await worker.run(_rpc.count, text="?!")
            assert remote_name(caught.value) == NoWords.__name__
            assert "no words in '?!'" in str(caught.value)

    run(main)
