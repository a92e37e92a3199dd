import { Html } from "./html.ts";

/**
 * The script of a report: search, filters, order, buttons that copy. It reads the tests from the
 * page itself, and makes elements with text, never with markup: what others wrote stays text.
 * Without it everything on the page can be read.
 */
export const REPORT_SCRIPT: Html = new Html(String.raw`
"use strict";
const one = (selector, root = document) => root.querySelector(selector);
const all = (selector, root = document) => [...root.querySelectorAll(selector)];
const make = (name, className, text) => {
  const node = document.createElement(name);
  node.className = className;
  if (text !== undefined) node.textContent = text;
  return node;
};
document.documentElement.classList.add("js");

// Copying: without a secure context there is only the old way.
const copy = async (text) => {
  try {
    await navigator.clipboard.writeText(text);
    return true;
  } catch {
    const field = make("textarea", "");
    field.value = text;
    document.body.append(field);
    field.select();
    const done = document.execCommand("copy");
    field.remove();
    return done;
  }
};
document.addEventListener("click", async ({ target }) => {
  const button = target.closest("button.copy");
  if (!button) return;
  const command = one("code", button.parentElement).textContent;
  const done = await copy("all" in button.dataset ? describe(button) + command + "\n" : command);
  const label = button.dataset.label ??= button.textContent;
  button.textContent = done ? "Copied" : "Can't copy";
  setTimeout(() => button.textContent = label, 1500);
});
// The failure that an element is in, as text.
const describe = (node) => {
  const failure = node.closest("details.failure");
  const [id, place, excerpt, output] = ["summary code", ".attempt a", ".excerpt", ".output"].map(
    (selector) => one(selector, failure)?.textContent.trimEnd() ?? "",
  );
  const head = place === "" ? id : id + "\nat " + place;
  const said = output === "" ? "" : "Output:\n" + output + "\n\n";
  return head + "\n\n" + excerpt + "\n\n" + said + "Run it again: ";
};

// A link to a folded failure unfolds it; an unfolded traceback begins at the line that failed.
const reveal = () => {
  const target = document.getElementById(location.hash.slice(1));
  if (target?.tagName !== "DETAILS") return;
  for (let node = target; node; node = node.parentElement.closest("details")) node.open = true;
  target.scrollIntoView();
};
document.addEventListener("toggle", ({ target }) => {
  const failing = target.open && target.className === "whole" && all(".failing", target).at(-1);
  if (!failing) return;
  const frame = failing.closest("pre");
  frame.scrollTop = failing.offsetTop - frame.offsetTop - frame.clientHeight / 2;
}, true);

const list = one("#tests .list");
if (list) {
  const [form, input, order] = ["form", "input", "select"].map((name) => one("#tests " + name));
  const status = one("[role=status]", form);
  const groups = all("details.file", list).map((node) => ({
    node,
    file: node.dataset.file,
    place: one("ul", node),
    wasOpen: node.open,
  }));
  const rows = groups.flatMap((group) => all("li", group.place).map((node) => ({
    node,
    group,
    tags: [node.className, ...(node.dataset.tags ?? "").split(" ")],
    text: (group.file + "::" + node.textContent).toLowerCase(),
    seconds: Number(node.dataset.s ?? 0),
    fails: one("small", node)?.textContent.match(/[FETC]/g)?.length ?? 0,
  })));
  for (const { node } of rows) node.tabIndex = -1;
  // One test can be reached with Tab, the others from it with the arrow keys.
  const inReach = (node) => {
    const before = one("li[tabindex='0']", list);
    if (before) before.tabIndex = -1;
    if (node) node.tabIndex = 0;
    return node;
  };
  const visible = () => all("li", list).filter((node) => node.checkVisibility());
  const flat = make("ul", "rows flat");
  flat.hidden = true;
  list.append(flat);
  let tag = "";

  const matches = ({ text, tags }, words) =>
    (tag === "" || tags.includes(tag)) && words.every((word) =>
      word.length > 1 && word[0] === "-" ? !text.includes(word.slice(1)) : text.includes(word)
    );
  const filter = () => {
    const words = input.value.toLowerCase().split(/\s+/).filter((word) => word !== "");
    const isActive = words.length > 0 || tag !== "";
    const found = new Map(groups.map((group) => [group, 0]));
    let count = 0;
    for (const row of rows) {
      const fits = !isActive || matches(row, words);
      row.node.hidden = !fits;
      if (!fits) continue;
      count++;
      found.set(row.group, found.get(row.group) + 1);
    }
    for (const [{ node, wasOpen }, number] of found) {
      node.hidden = number === 0 || order.value !== "";
      node.open = isActive ? number > 0 : wasOpen;
    }
    const first = rows.find(({ node, group }) => !node.hidden && (group.node.open || !flat.hidden));
    inReach(first?.node);
    status.textContent = isActive ? count + " of " + rows.length + " tests" : "";
    for (const chip of all(".chips button", form)) {
      chip.setAttribute("aria-pressed", String(chip.dataset.tag === tag));
    }
    const state = new URLSearchParams();
    if (input.value !== "") state.set("q", input.value);
    if (tag !== "") state.set("show", tag);
    if (order.value !== "") state.set("order", order.value);
    const hash = state.size > 0 ? "#?" + state : /^#\?/.test(location.hash) ? "#tests" : null;
    try {
      if (hash !== null) history.replaceState(null, "", hash);
    } catch { /* A sandbox may forbid it. */ }
  };
  const sort = () => {
    const by = { slow: "seconds", fails: "fails" }[order.value];
    flat.hidden = by === undefined;
    if (by === undefined) { for (const { node, group } of rows) group.place.append(node); }
    else {
      flat.append(...rows.toSorted((a, b) => b[by] - a[by]).map(({ node, group }) => {
        const name = one("code", node);
        if (!one("span", name)) name.prepend(make("span", "", group.file + "::"));
        return node;
      }));
    }
    filter();
  };

  // What a click on a test shows: the command that runs it, and its source.
  const plain = /^[A-Za-z0-9_@%+=:,./-]+$/;
  const quoted = (id) => plain.test(id) ? id : "'" + id.replaceAll("'", "'\\''") + "'";
  const nameOf = (node) => {
    const name = one("code", node).cloneNode(true);
    one("span", name)?.remove();
    return name.textContent;
  };
  const toggle = (node) => {
    const open = one(".more", node);
    if (open) return open.remove();
    const { group } = rows.find((row) => row.node === node);
    const name = nameOf(node);
    const id = name === group.file ? name : group.file + "::" + name;
    const more = make("div", "more");
    const line = make("p", "command");
    line.append(
      make("code", "", node.dataset.run ?? "tractest run " + quoted(id)),
      make("button", "copy", "Copy"),
    );
    more.append(line);
    if (node.dataset.line && group.node.dataset.link) {
      const link = make("a", "", group.file + ":" + node.dataset.line);
      link.href = group.node.dataset.link.replaceAll("{line}", node.dataset.line);
      more.append(link);
    }
    node.append(more);
  };
  const wasAsked = ({ target }) => target.closest("li") && !target.closest("a, button, .more");
  list.addEventListener("click", (event) => {
    if (wasAsked(event) && String(getSelection()) === "") toggle(event.target.closest("li"));
  });
  list.addEventListener("keydown", (event) => {
    if (event.target.tagName !== "LI") return;
    if (event.key === "Enter") toggle(event.target);
    const step = { ArrowDown: 1, ArrowUp: -1 }[event.key];
    if (step === undefined) return;
    event.preventDefault();
    const nodes = visible();
    const next = nodes[nodes.indexOf(event.target) + step];
    if (next) inReach(next).focus();
    else if (step < 0) input.focus();
  });

  input.addEventListener("input", filter);
  input.addEventListener("keydown", (event) => {
    if (event.key === "ArrowDown") {
      event.preventDefault();
      inReach(visible()[0])?.focus();
    }
    if (event.key !== "Escape") return;
    input.value = "";
    filter();
    input.blur();
  });
  order.addEventListener("change", sort);
  form.addEventListener("submit", (event) => event.preventDefault());
  form.addEventListener("click", ({ target }) => {
    const chip = target.closest(".chips button");
    if (!chip) return;
    tag = chip.dataset.tag;
    filter();
  });
  one(".tiles").addEventListener("click", ({ target }) => {
    const count = target.closest("[data-tag]");
    if (!count) return;
    tag = count.dataset.tag;
    filter();
  });
  document.addEventListener("keydown", (event) => {
    const isTyping = event.target.closest?.("input, textarea, select");
    if (event.key !== "/" || isTyping || event.ctrlKey || event.metaKey || event.altKey) return;
    event.preventDefault();
    one("#tests").scrollIntoView();
    input.focus();
  });
  filter();
  if (location.hash.startsWith("#?")) {
    const state = new URLSearchParams(location.hash.slice(2));
    input.value = state.get("q") ?? "";
    tag = state.get("show") ?? "";
    if (["slow", "fails"].includes(state.get("order"))) order.value = state.get("order");
    sort();
    one("#tests").scrollIntoView();
  }
}
addEventListener("hashchange", reveal);
reveal();
`);
