// Tables: hands one over, has a model label it, and offers the result.

import { make } from "./parts.js";
import { failed, open, say, send } from "./server.js";

const POLL = 400; // milliseconds between questions on the progress

const find = (id) => document.getElementById(id);
let most; // bytes of a file
let table = null; // the one that was handed over

export function beginTables(about) {
  most = about.most.table;
  find("accepted").textContent = `A name that ends in ${about.tables.named}`;
  find("file").accept = [...about.tables.endings, ".gz"].join(",");
  find("file").addEventListener("click", () => (find("file").value = "")); // the same again
  find("file").addEventListener("change", () => take(find("file").files[0]));
  find("labeller").addEventListener("change", showColumns);
  find("label").addEventListener("submit", label);
  find("stop").addEventListener("click", stop);
  // A file that is dropped beside the field would replace the page.
  for (const kind of ["dragover", "drop"]) {
    window.addEventListener(kind, (event) => {
      if (event.dataTransfer.types.includes("Files")) event.preventDefault();
    });
  }
  const over = (there) => () => find("drop").classList.toggle("over", there);
  find("drop").addEventListener("dragover", over(true));
  find("drop").addEventListener("dragleave", over(false));
  find("drop").addEventListener("drop", over(false));
  window.addEventListener("drop", (event) => take(event.dataTransfer.files[0]));
}

/** Hands a file over to the server, which reads it. */
async function take(file) {
  if (!file) return;
  await forget();
  try {
    if (file.size > most) {
      const sizes = [most, file.size].map((size) => `${size.toLocaleString("en")} bytes`);
      throw new Error(
        `${file.name}: too large. Accepted: at most ${sizes[0]}. Received: ${sizes[1]}.`,
      );
    }
    say("table-status", `Reading ${file.name} …`);
    table = await send("POST", `/api/tables?name=${encodeURIComponent(file.name)}`, file);
    say("table-status", `${table.name}: ${rows(table.rows)}`);
    await showColumns();
  } catch (error) {
    failed("table-status", error);
  }
}

/** Shows a choice for each column of texts that the model reads. */
async function showColumns() {
  if (!table) return;
  try {
    const { columns } = await open(find("labeller").value);
    const several = columns.length > 1;
    find("columns").replaceChildren(
      ...columns.map((wanted, place) => choice(wanted, place, several)),
    );
    find("start").hidden = false;
    find("start").textContent = `Label ${rows(table.rows)}`;
  } catch (error) {
    failed("table-status", error);
  }
}

function choice(wanted, place, several) {
  const id = `column-${place}`;
  const names = table.columns.map(({ name }) => make("option", { value: name }, name));
  const select = make("select", { id }, ...names);
  const there = table.columns.some(({ name }) => name === wanted);
  select.value = there ? wanted : table.columns[place % table.columns.length].name;
  const example = make("p", { className: "hint", id: `${id}-example` });
  select.setAttribute("aria-describedby", example.id);
  const show = () => {
    const cell = table.columns.find(({ name }) => name === select.value).example;
    example.textContent = `First row: ${cell || "(empty)"}`;
  };
  select.addEventListener("change", show);
  show();
  const title = several ? `Column of text ${place + 1}` : "Column of the texts";
  const label = make("label", { htmlFor: id }, title);
  return make("div", { className: "field" }, label, select, example);
}

async function label(event) {
  event.preventDefault();
  if (!table) return;
  const mine = table;
  const columns = [...find("columns").querySelectorAll("select")].map((s) => s.value);
  find("result").replaceChildren();
  try {
    await send("POST", `/api/tables/${mine.id}`, { model: find("labeller").value, columns });
    busy(true);
    say("table-status", `Labelling ${mine.name} …`);
    find("stop").focus();
    await wait(mine);
  } catch (error) {
    if (mine === table) failed("table-status", error);
  }
  if (mine !== table) return;
  busy(false);
  if (!find("result").children.length) find("start").focus();
}

/** Shows the progress until the table is labelled. */
async function wait(mine) {
  for (;;) {
    const { state, done, error } = await send("GET", `/api/tables/${mine.id}`);
    if (mine !== table) return;
    Object.assign(find("progress"), { max: mine.rows, value: done });
    find("count").textContent = `${done.toLocaleString("en")} of ${rows(mine.rows)}`;
    if (state === "failed") throw new Error(error);
    if (state === "ready") break;
    await new Promise((resolve) => setTimeout(resolve, POLL));
  }
  const link = make("a", { href: `/api/tables/${mine.id}/labelled`, download: "" });
  link.textContent = `Download ${mine.labelled}`;
  find("result").replaceChildren(link);
  say("table-status", `${mine.name}: ${rows(mine.rows)} with labels`);
  link.focus();
}

async function stop() {
  const name = table?.name;
  await forget();
  say("table-status", `${name}: stopped`);
  find("file").focus();
}

/** Removes the table here and on the server. */
async function forget() {
  const old = table;
  table = null;
  busy(false);
  find("start").hidden = true;
  for (const id of ["columns", "result"]) find(id).replaceChildren();
  if (old) await send("DELETE", `/api/tables/${old.id}`).catch(() => {});
}

function busy(there) {
  find("start").disabled = there;
  find("stop").hidden = !there;
  find("progress-line").hidden = !there;
}

function rows(count) {
  return `${count.toLocaleString("en")} ${count === 1 ? "row" : "rows"}`;
}
