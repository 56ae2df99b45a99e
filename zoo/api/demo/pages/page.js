// The page of `zoo demo`: asks the server on this machine, and shows what it answers.

import { draw, inWords, make } from "./parts.js";
import { beginTables } from "./tables.js";
import { failed, open, say, send } from "./server.js";

const find = (id) => document.getElementById(id);
let about; // what the server says of itself
let turn = 0; // of the newest question; answers to older ones are dropped

async function begin() {
  about = await send("GET", "/api/models");
  const options = () => about.models.map(({ name }) => make("option", { value: name }, name));
  find("model").append(...options());
  find("labeller").append(...options());
  find("other").append(make("option", { value: "" }, "no other model"), ...options());
  find("model").addEventListener("change", choose);
  find("other").addEventListener("change", choose);
  find("ask").addEventListener("submit", ask);
  beginTables(about);
  await choose();
}

function chosen() {
  return [find("model").value, find("other").value].filter(Boolean);
}

/** Loads the chosen models, and shows a field for each text that they read. */
async function choose() {
  for (const id of ["model", "other"]) {
    const model = about.models.find(({ name }) => name === find(id).value);
    find(`about-${id}`).textContent = model?.summary ?? "";
  }
  const names = chosen();
  if (!find("texts").children.length) showFields(["Text"]);
  say("status", `Loading ${names.join(" and ")} …`);
  try {
    const opened = await Promise.all(names.map(open));
    if (String(names) !== String(chosen())) return;
    showFields(opened.map(({ fields }) => fields).sort((a, b) => b.length - a.length)[0]);
    find("explain").disabled = !opened.some(({ explains }) => explains);
    say("status", `${names.join(" and ")} can be asked.`);
  } catch (error) {
    failed("status", error);
  }
}

/** Shows a field for each name, and keeps what is typed. */
function showFields(names) {
  const typed = texts();
  const fields = names.map((name, place) => {
    const area = make("textarea", { id: `text-${place}`, rows: 4, value: typed[place] ?? "" });
    area.addEventListener("keydown", (event) => {
      if (event.key === "Enter" && (event.ctrlKey || event.metaKey)) ask(event);
    });
    return make("div", { className: "field" }, make("label", { htmlFor: area.id }, name), area);
  });
  const labels = [...find("texts").querySelectorAll("label")].map((l) => l.textContent);
  if (String(labels) !== String(names)) find("texts").replaceChildren(...fields);
}

function texts() {
  return [...find("texts").querySelectorAll("textarea")].map((area) => area.value);
}

async function ask(event) {
  event.preventDefault();
  const mine = ++turn;
  const given = texts();
  const shown = chosen().map((name) => new Column(name));
  find("answers").replaceChildren(...shown.map(({ element }) => element));
  say("status", "Asking …");
  const said = await Promise.all(shown.map((column) => column.answer(given)));
  if (mine !== turn) return;
  say("status", "The answers are there.", said.join(" "));
  if (!find("explain").checked || find("explain").disabled) return;
  const explained = await Promise.all(shown.map((column) => column.explain(given)));
  if (mine !== turn || !explained.some(Boolean)) return;
  say("status", "The answers are there, with what explains them.");
}

/** The answers of one model. */
class Column {
  constructor(name) {
    this.name = name;
    this.cards = new Map();
    this.note = make("p", { className: "hint" });
    this.element = make("section", {}, make("h3", {}, name), this.note);
    this.element.setAttribute("aria-label", `Answer of ${name}`);
  }

  /** Shows the answer, and returns it in a few words. */
  async answer(given) {
    this.note.textContent = "…";
    try {
      const parts = await this.ask("answer", given);
      this.note.textContent = "";
      return `${this.name}, ${parts.map(inWords).join("; ")}.`;
    } catch (error) {
      this.fail(error);
      return `${this.name} has no answer.`;
    }
  }

  /** Adds what explains the answer; returns whether there is anything. */
  async explain(given) {
    if (this.failed || !(await open(this.name)).explains) return false;
    this.note.textContent = "What explains the answer: the first time takes longest …";
    try {
      await this.ask("explanation", given);
      this.note.textContent = "";
      return true;
    } catch (error) {
      this.fail(error);
      return false;
    }
  }

  async ask(what, given) {
    const { fields } = await open(this.name);
    const texts = fields.map((_, place) => given[place] ?? "");
    const { parts } = await send("POST", `/api/${what}`, { model: this.name, texts });
    for (const part of parts) this.card(part.title).append(draw(part));
    return parts;
  }

  card(title) {
    if (!this.cards.has(title)) {
      const card = make("article", {}, make("h4", {}, title));
      this.cards.set(title, card);
      this.element.append(card);
    }
    return this.cards.get(title);
  }

  fail(error) {
    this.failed = true;
    this.note.textContent = "";
    const message = make("p", { className: "error" }, error.message);
    message.setAttribute("role", "alert");
    this.element.append(message);
  }
}

begin().catch((error) => failed("status", error));
