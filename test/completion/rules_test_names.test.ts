import { namesAt, testNames } from "../../lib/completion/rules_test_names.ts";
import { assertEquals } from "../assert.ts";

const TEXT = `
import pytest

class TestShop(Base):
    # a comment
    def test_in(self): ...
    async def test_out(self):
        def test_inner(): ...

@pytest.mark.parametrize("x", [1])
def test_par(x): ...

class Helper:
    def test_not(self): ...
class Old(unittest.TestCase):
    def test_old(self): ...
def test_new(): ...
`;

Deno.test("the names of tests are those recorded and still there, and those written since", () => {
  const recorded = ["test_par[1]", "test_par[2]", "TestShop::test_inherited", "test_gone"];
  assertEquals(testNames(recorded, TEXT), [
    "test_par[1]",
    "test_par[2]",
    "TestShop::test_inherited",
    "TestShop::test_in",
    "TestShop::test_out",
    "Old::test_old",
    "test_new",
  ]);
  assertEquals(testNames(["test_gone"], null), ["test_gone"]);
  assertEquals(testNames(["test_far"], "from other import *\n"), ["test_far"]);
});

Deno.test("names are offered class by class, parameters where the function is the only one", () => {
  const names = ["TestA::test_x", "TestA::test_y[a::b]", "test_z[1]", "test_z[2]", "test_zoo"];
  assertEquals(namesAt(names, ""), ["TestA::", "test_z", "test_zoo"]);
  assertEquals(namesAt(names, "Te"), ["TestA::test_x", "TestA::test_y"]);
  assertEquals(namesAt(names, "TestA::test_y"), ["TestA::test_y", "TestA::test_y[a::b]"]);
  assertEquals(namesAt(names, "test_z"), ["test_z", "test_zoo", "test_z[1]", "test_z[2]"]);
  assertEquals(namesAt(names, "test_z[2"), ["test_z[2]"]);
  assertEquals(namesAt(names, "nothing"), []);
});
