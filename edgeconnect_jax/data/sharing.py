"""How several processes share global batches: each takes a block of its own, so that in the order of the processes the
blocks are the batch that one process would take. What a random transformation draws stays keyed by the place in the
global order, and a position counts global batches, whatever the number of processes.
"""

from typing import TypeVar

import grain

T = TypeVar("T")


def global_index(index: int, share: int, process_index: int, process_count: int) -> int:
    """The place in the global order of element `index` of a process.

    Args:
        index: counts the elements of the process.
        share: how many elements each process has in a batch.
        process_index, process_count: which process, of how many.
    """
    batch, place = divmod(index, share)
    return (batch * process_count + process_index) * share + place


class ProcessShare(grain.MapDataset[T]):
    """The elements of a dataset that one process takes; arguments as in `global_index`."""

    def __init__(self, parent: grain.MapDataset[T], share: int, process_index: int, process_count: int):
        super().__init__(parent)
        self._share, self._process_index, self._process_count = share, process_index, process_count

    def __len__(self) -> int:
        return len(self._parent) // self._process_count

    def __getitem__(self, index):
        if isinstance(index, slice):
            return self.slice(index)
        return self._parent[global_index(index, self._share, self._process_index, self._process_count)]
