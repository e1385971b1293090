"use strict";

const list = document.getElementById("tasks");
const message = document.getElementById("message");
const title = document.getElementById("title");

async function ask(method, path, body) {
  const headers = body === undefined ? {} : { "Content-Type": "application/json" };
  const answer = await fetch(path, { method, headers, body: JSON.stringify(body) });
  const said = answer.status === 204 ? null : await answer.json();
  message.textContent = answer.ok ? "" : said.message;
  return said;
}

function shown(task) {
  const row = document.createElement("li");
  row.className = task.done ? "done" : "";
  const box = document.createElement("input");
  box.type = "checkbox";
  box.checked = task.done;
  box.setAttribute("aria-label", task.title);
  box.addEventListener("change", () => ask("PATCH", `/api/tasks/${task.id}`, { done: box.checked }).then(draw));
  const text = document.createElement("span");
  text.textContent = task.title; // never as HTML
  const gone = document.createElement("button");
  gone.type = "button";
  gone.textContent = "Remove";
  gone.addEventListener("click", () => ask("DELETE", `/api/tasks/${task.id}`).then(draw));
  row.append(box, text, gone);
  return row;
}

async function draw() {
  const tasks = await (await fetch("/api/tasks")).json();
  list.replaceChildren(...tasks.map(shown));
}

document.getElementById("add").addEventListener("click", async () => {
  await ask("POST", "/api/tasks", { title: title.value });
  title.value = "";
  await draw();
});

draw();
