from pathlib import Path

from hypothesis import given
from hypothesis import strategies as st

from sqlmat_assets.errors import Problem
from sqlmat_assets.project.graph import Cycle, ModelGraph, find_held
from sqlmat_assets.project.model import Kind, Model, Project
from sqlmat_assets.relation import Relation


def table(name: str) -> Relation:
    return Relation("s", name)


def graph(**reads: str) -> ModelGraph:
    """`a="b c"`: a reads b and c."""
    return ModelGraph(
        Model(table(name), f"s/{name}.sql", Kind.QUERY, "duckdb", "", upstream=tuple(map(table, read.split())))
        for name, read in reads.items()
    )


def names(relations: tuple[Relation, ...] | frozenset[Relation]) -> str:
    return " ".join(relation.name for relation in (relations if isinstance(relations, tuple) else sorted(relations)))


def test_direct_neighbours() -> None:
    g = graph(a="", b="a", c="b a")
    assert names(g.upstream(table("c"))) == "b a"
    assert names(g.downstream(table("a"))) == "b c"


def test_all_that_depends_on_a_table_and_all_it_depends_on() -> None:
    g = graph(a="", b="a", c="b", d="c", x="")
    assert names(g.descendants(table("a"))) == "b c d"
    assert names(g.ancestors(table("d"))) == "a b c"
    assert names(g.descendants(table("x"))) == ""


def test_what_is_no_table_of_the_project_and_the_table_itself_are_no_edges() -> None:
    g = graph(a="a outside", b="a")
    assert names(g.upstream(table("a"))) == ""
    assert g.cycles == ()


def test_order_is_upstream_first_and_the_most_descendants_first() -> None:
    g = graph(lonely="", small="", one="small", big="", x="big", y="big", z="y")
    assert names(g.order()) == "big small y lonely one x z"


def test_priorities_count_each_descendant_once() -> None:
    # A diamond: top has three descendants, not four.
    g = graph(top="", left="top", right="top", end="left right", rival="", r1="rival", r2="rival", r3="rival")
    assert names(g.order())[:9] == "rival top"
    assert len(g.descendants(table("top"))) == 3


def test_cycles_are_found_with_a_shortest_way_and_all_members() -> None:
    g = graph(a="b", b="c", c="a b", z="a", clean="")
    (found,) = g.cycles
    assert names(found.way) == "a b c"
    assert names(found.members) == "a b c"


def test_each_group_is_one_cycle() -> None:
    g = graph(d="c", c="d", b="a", a="b")
    assert g.cycles == (
        Cycle((table("a"), table("b")), frozenset({table("a"), table("b")})),
        Cycle((table("c"), table("d")), frozenset({table("c"), table("d")})),
    )


def test_a_cycle_and_what_depends_on_it_come_last() -> None:
    assert names(graph(a="b", b="a", after="b", free="").order()) == "free a b after"


def test_a_long_chain_needs_no_recursion() -> None:
    chain = {f"t{i:05}": f"t{i - 1:05}" if i else "" for i in range(5000)}
    g = graph(**chain)
    assert [relation.name for relation in g.order()] == list(chain)
    assert g.cycles == ()


@st.composite
def edges(draw: st.DrawFn) -> dict[str, set[int]]:
    size = draw(st.integers(1, 8))
    return {f"t{i}": draw(st.sets(st.integers(0, size - 1))) for i in range(size)}


@given(edges())
def test_order_cycles_and_descendants_agree(reads: dict[str, set[int]]) -> None:
    g = graph(**{name: " ".join(f"t{i}" for i in sorted(found)) for name, found in reads.items()})
    order = g.order()
    assert sorted(order) == sorted(map(table, reads))
    cyclic = {member for cycle in g.cycles for member in cycle.members}
    assert cyclic == {r for r in order for read in g.upstream(r) if r == read or r in g.ancestors(read)}
    held = cyclic.union(*(g.descendants(member) for member in cyclic))
    for place, relation in enumerate(order):
        if relation not in held:
            assert set(g.upstream(relation)) <= set(order[:place])
    for cycle in g.cycles:
        ring = (*cycle.way, cycle.way[0])
        assert all(ring[i + 1] in g.upstream(ring[i]) for i in range(len(cycle.way)))


def test_what_depends_on_quarantined_tables_is_held() -> None:
    def model(name: str, *reads: str, is_broken: bool = False) -> Model:
        problems = (Problem(f"s/{name}.sql", 1, 1, "broken"),) if is_broken else ()
        upstream = tuple(table(read) for read in reads)
        return Model(table(name), f"s/{name}.sql", Kind.QUERY, "duckdb", "", upstream=upstream, problems=problems)

    models = [model("a", is_broken=True), model("b", "a"), model("c", "b", "z"), model("z", is_broken=True), model("y")]
    project = Project(Path(), "duckdb", {one.relation: one for one in models})
    assert find_held(project) == {table("b"): table("a"), table("c"): table("a")}
