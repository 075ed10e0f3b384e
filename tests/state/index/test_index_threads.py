"""Reading from several threads while one of them changes the index."""

import threading

from taxonaut.state.db.connection import Database
from taxonaut.state.index.index import Index
from taxonaut.state.records import Tree, TreeNode


def test_readers_never_see_half_a_change(path) -> None:
    with Database.open(path) as database:
        index, errors, done = Index(database), [], threading.Event()

        def read() -> None:
            try:
                while not done.is_set():
                    nodes = index.children(index.root())
                    below = index.children_of([node.id for node in nodes])
                    assert all(len(children) == 1 for children in below.values())
            except Exception as error:  # noqa: BLE001 - shown by the assertion below
                errors.append(repr(error))

        def pair(number: int) -> None:
            with database.write():
                above = index.create_node(index.root(), f"above {number}")
                index.create_node(above, f"below {number}")
                if number % 3 == 0:
                    raise ZeroDivisionError

        readers = [threading.Thread(target=read) for _ in range(3)]
        for reader in readers:
            reader.start()
        for number in range(15):
            try:
                pair(number)
            except ZeroDivisionError:
                continue
        done.set()
        for reader in readers:
            reader.join()
        assert errors == []
        assert [node.name for node in index.children(index.root())] == [
            f"above {number}" for number in range(15) if number % 3
        ]
        nodes = (TreeNode(1, "one"), TreeNode(2, "two"))
        index.load_tree(Tree("other", nodes, ((0, 1), (1, 2)), ()))
        assert [node.name for node in index.children(index.root())] == ["one"]
