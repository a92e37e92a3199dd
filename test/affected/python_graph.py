"""The dependencies in small projects, by Python's own parser. Reads a list of projects as JSON, writes what each file must reach and what it may reach."""
import ast, json, sys

BY_NAME = {"import_module", "__import__", "importorskip"}


class Project:
    def __init__(self, files):
        self.files = files
        self.trees = {path: ast.parse(text) for path, text in files.items()}

    def file(self, key):
        return next((path for path in (f"{key}/__init__.py", f"{key}.py") if path in self.files), None)

    def exists(self, key):
        return self.file(key) is not None or any(path.startswith(f"{key}/") for path in self.files)

    def is_package(self, key):
        return any(path.startswith(f"{key}/") for path in self.files)

    def absolute(self, dotted):
        """The key of a module, `app/part` for `app.part`; None for nothing of the project."""
        key = dotted.replace(".", "/")
        return next((one for one in (key, f"tests/{key}") if self.exists(one)), None)

    def base(self, path, level, module):
        if level == 0:
            return self.absolute(module)
        home = path.split("/")[:-level]
        return "/".join([*home, *(module.split(".") if module else [])])

    def imports(self, path):
        """(key of the module, name or None, what is bound or None, only for type checkers) of each import."""
        found = []

        def visit(node, typing):
            if isinstance(node, ast.If) and "TYPE_CHECKING" in ast.dump(node.test):
                for child in node.body:
                    visit(child, True)
                for child in node.orelse:
                    visit(child, typing)
                return
            if isinstance(node, ast.Import):
                for alias in node.names:
                    first = alias.name.split(".")[0]
                    found.append((self.absolute(alias.name), None, alias.asname, typing))
                    if alias.asname is None:
                        found.append((self.absolute(first), None, first, typing))
            elif isinstance(node, ast.ImportFrom):
                for alias in node.names:
                    key = self.base(path, node.level, node.module)
                    found.append((key, alias.name, None if alias.name == "*" else alias.asname or alias.name, typing))
            elif isinstance(node, ast.Call):
                called = getattr(node.func, "attr", getattr(node.func, "id", None))
                values = [*node.args, *(keyword.value for keyword in node.keywords)]
                texts = [value.value for value in values if isinstance(value, ast.Constant)]
                if called in BY_NAME and texts:
                    name = texts[0]
                    if name.startswith("."):
                        level = len(name) - len(name.lstrip("."))
                        home = texts[1].split(".")
                        name = ".".join([*home[: len(home) - level + 1], name.lstrip(".")])
                    found.append((self.absolute(name), None, None, typing))
            for child in ast.iter_child_nodes(node):
                visit(child, typing)

        visit(self.trees[path], False)
        return [one for one in found if one[0] is not None]

    def defined(self, path):
        names = set()
        for node in self.trees[path].body:
            if isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef)):
                names.add(node.name)
            elif isinstance(node, ast.Assign):
                names.update(target.id for target in node.targets if isinstance(target, ast.Name))
        return names

    def exported(self, key, seen=()):
        path = self.file(key)
        if path is None or key in seen:
            return set()
        names = set(self.defined(path))
        for module, name, bound, typing in self.imports(path):
            names.update(self.exported(module, (*seen, key)) if name == "*" else {bound} - {None})
        return {name for name in names if not name.startswith("_")}

    def named(self, key, name, seen=()):
        """What `name` of a module may be: ("module", key) or ("in", path)."""
        if (key, name) in seen:
            return []
        seen = (*seen, (key, name))
        found = [("module", f"{key}/{name}")] if self.exists(f"{key}/{name}") else []
        path = self.file(key)
        if path is None:
            return found
        if not path.endswith("__init__.py"):
            return found or [("in", path)]
        for module, taken, bound, typing in self.imports(path):
            if taken == "*" and name in self.exported(module):
                found += self.named(module, name, seen)
            elif bound == name and (module, taken) != (key, None):
                found += [("module", module)] if taken is None else self.named(module, taken, seen)
        if name in self.defined(path):
            found.append(("in", path))
        return found

    def taken(self, key):
        """The names that a star imports. A name from another star is not the module of that name."""
        path = self.file(key)
        own = set() if path is None else self.defined(path) | {bound for _, _, bound, _ in self.imports(path)}
        return [
            entity
            for one in self.exported(key)
            for entity in self.named(key, one)
            if one in own or entity != ("module", f"{key}/{one}")
        ]

    def uses(self, path, packages=False):
        """The files that a file asks for by name; of packages themselves only if asked for."""
        used, bound = set(), {}

        def add(entity):
            kind, where = entity
            file = self.file(where) if kind == "module" else where
            if file is not None and (kind == "in" or packages or not file.endswith("__init__.py")):
                used.add(file)

        for module, name, as_name, typing in self.imports(path):
            if typing:
                continue
            if name is None:
                entities = [("module", module)]
            elif name == "*":
                entities = self.taken(module)
            else:
                entities = self.named(module, name)
            for entity in entities:
                add(entity)
                if as_name is not None and entity[0] == "module" and self.is_package(entity[1]):
                    bound.setdefault(as_name, set()).add(entity[1])
        for node in ast.walk(self.trees[path]):
            names = []
            while isinstance(node, ast.Attribute):
                names.insert(0, node.attr)
                node = node.value
            if not isinstance(node, ast.Name) or not names:
                continue
            keys = bound.get(node.id, set())
            for name in names:
                entities = [entity for key in keys for entity in self.named(key, name)]
                for entity in entities:
                    add(entity)
                keys = {where for kind, where in entities if kind == "module" and self.is_package(where)}
        return used - {path}

    def runs(self, path):
        """All files that an import of a file may run, and what it mentions."""
        found = set(self.uses(path, packages=True))

        def add(key):
            parts = key.split("/")
            for index in range(len(parts)):
                file = self.file("/".join(parts[: index + 1]))
                if file is not None:
                    found.add(file)

        for module, name, bound, typing in self.imports(path):
            add(module)
            # A star also imports modules below the package that were imported before.
            below = {path[len(module) + 1 :].split("/")[0].removesuffix(".py") for path in self.files if path.startswith(f"{module}/")}
            for one in [] if name is None else [name] if name != "*" else self.exported(module) | below:
                for kind, where in self.named(module, one):
                    add(where) if kind == "module" else found.add(where)
        if path.rpartition("/")[2].startswith(("test_", "conftest")):
            # pytest imports it as a module of its packages.
            parts = path.split("/")[:-1]
            while parts and "/".join([*parts, "__init__.py"]) in self.files:
                found.add("/".join([*parts, "__init__.py"]))
                parts.pop()
        return found - {path}


def closure(start, edges):
    seen, front = {start}, [start]
    while front:
        for other in edges[front.pop()] - seen:
            seen.add(other)
            front.append(other)
    return seen - {start}


def judge(files):
    project = Project(files)
    uses = {path: project.uses(path) for path in files}
    runs = {path: project.runs(path) | uses[path] for path in files}
    tests = [path for path in files if path.rpartition("/")[2].startswith(("test_", "conftest"))]
    must = {test: sorted(closure(test, uses)) for test in tests}
    may = {test: sorted(closure(test, runs)) for test in tests}
    return {"must": must, "may": may}


json.dump([judge(files) for files in json.load(sys.stdin)], sys.stdout)
