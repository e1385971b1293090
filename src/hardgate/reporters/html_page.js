"use strict";
// Everything here moves, hides and labels elements that the page already has: nothing is ever parsed as HTML.
(() => {
  const byId = (id) => document.getElementById(id);
  const form = byId("filters");
  const list = byId("list");
  const status = byId("count");
  const severities = ["critical", "high", "medium", "low", "info"];
  const lines = (text) => (text ? text.split("\n") : []);
  const rows = Array.from(document.querySelectorAll("#list .finding"), (element, order) => ({
    element,
    order,
    text: null,
    severity: element.dataset.severity,
    state: element.dataset.state,
    tool: element.dataset.tool,
    tools: lines(element.dataset.tools),
    cwes: lines(element.dataset.cwes),
    path: element.dataset.path,
    rule: element.dataset.rule,
  }));
  const text = (row) => (row.text ??= row.element.textContent.toLowerCase());
  const compare = (a, b) => (a < b ? -1 : a > b ? 1 : 0);
  const sorts = {
    severity: () => 0,
    path: (a, b) => compare(a.path, b.path),
    tool: (a, b) => compare(a.tool, b.tool),
    rule: (a, b) => compare(a.rule, b.rule),
  };
  const groups = {
    severity: (row) => row.severity,
    state: (row) => row.state,
    tool: (row) => row.tool,
    cwe: (row) => row.cwes[0] ?? "no CWE",
    path: (row) => row.path || "no file",
  };
  const number = (name) => Number(/\d+$/.exec(name)?.[0] ?? Infinity);
  const groupOrder = {
    severity: (a, b) => severities.indexOf(a) - severities.indexOf(b),
    cwe: (a, b) => number(a) - number(b) || compare(a, b),
  };
  let sections = [];

  const listOf = (members) => {
    const ordered = document.createElement("ol");
    ordered.className = "findings";
    ordered.append(...members.map((row) => row.element));
    return ordered;
  };

  const sectionOf = (name, members) => {
    const section = document.createElement("section");
    const heading = document.createElement("h3");
    section.append(heading, listOf(members));
    return { name, members, section, heading };
  };

  const arrange = () => {
    const sorted = [...rows].sort((a, b) => sorts[form.elements.sort.value](a, b) || a.order - b.order);
    const by = form.elements.group.value;
    sections = [];
    if (by === "none") {
      list.replaceChildren(listOf(sorted));
      return;
    }
    const named = new Map();
    for (const row of sorted) {
      const name = groups[by](row);
      if (!named.has(name)) named.set(name, []);
      named.get(name).push(row);
    }
    sections = [...named.keys()].sort(groupOrder[by] ?? compare).map((name) => sectionOf(name, named.get(name)));
    list.replaceChildren(...sections.map((one) => one.section));
  };

  const filter = () => {
    const words = form.elements.text.value.toLowerCase().split(/\s+/).filter(Boolean);
    const wanted = new Set(Array.from(form.querySelectorAll("[name=severity]:checked"), (box) => box.value));
    const { state, tool, cwe } = form.elements;
    let shown = 0;
    for (const row of rows) {
      const fits = wanted.has(row.severity)
        && (!state.value || row.state === state.value)
        && (!tool.value || row.tools.includes(tool.value))
        && (!cwe.value || (cwe.value === "none" ? row.cwes.length === 0 : row.cwes.includes(cwe.value)))
        && words.every((word) => text(row).includes(word));
      row.element.hidden = !fits;
      shown += fits;
    }
    for (const { name, members, section, heading } of sections) {
      const visible = members.filter((row) => !row.element.hidden).length;
      section.hidden = visible === 0;
      heading.textContent = `${name} (${visible})`;
    }
    status.textContent = `Showing ${shown} of ${rows.length} findings`;
    byId("none").hidden = shown > 0 || rows.length === 0;
  };

  const open = () => {
    const target = location.hash ? byId(location.hash.slice(1)) : null;
    const details = target?.querySelector("details");
    if (details) {
      details.open = true;
      target.scrollIntoView();
    }
  };

  let timer = 0;
  form?.elements.text.addEventListener("input", () => {
    clearTimeout(timer);
    timer = setTimeout(filter, 60);
  });
  form?.addEventListener("change", (event) => {
    if (event.target.name === "sort" || event.target.name === "group") arrange();
    filter();
  });
  form?.addEventListener("submit", (event) => event.preventDefault());
  form?.addEventListener("reset", () => setTimeout(() => { arrange(); filter(); }));
  if (form) {
    form.hidden = false;
    filter();
  }

  const theme = byId("theme");
  theme.hidden = false;
  theme.addEventListener("click", () => {
    const root = document.documentElement;
    const dark = root.dataset.theme ? root.dataset.theme === "dark" : matchMedia("(prefers-color-scheme: dark)").matches;
    root.dataset.theme = dark ? "light" : "dark";
  });

  let closed = [];
  addEventListener("beforeprint", () => {
    closed = [...document.querySelectorAll("details:not([open])")];
    for (const details of closed) details.open = true;
  });
  addEventListener("afterprint", () => {
    for (const details of closed) details.open = false;
  });
  addEventListener("hashchange", open);
  open();
})();
