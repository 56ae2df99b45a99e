// Requests to the server on this machine, and what is said of them.

const opened = new Map();

/** Sends a body, a file or a value in JSON, and returns the answer. */
export async function send(method, path, body) {
  const sent = body === undefined || body instanceof Blob ? body : JSON.stringify(body);
  let response;
  try {
    response = await fetch(path, { method, body: sent });
  } catch {
    const accepted = "a running `zoo demo`";
    throw new Error(`The server does not answer. Accepted: ${accepted}. Received: nothing.`);
  }
  const answer = await response.json();
  if (!response.ok) throw new Error(answer.error);
  return answer;
}

/** Loads a model, once, and returns what it reads. */
export function open(name) {
  if (!opened.has(name)) {
    const found = send("POST", "/api/open", { model: name });
    opened.set(name, found);
    found.catch(() => opened.delete(name));
  }
  return opened.get(name);
}

/** Shows a message; screen readers read it, and `spoken` as well. */
export function say(id, message, spoken = "") {
  const element = document.getElementById(id);
  element.classList.remove("error");
  element.textContent = message;
  if (!spoken) return;
  const more = document.createElement("span");
  more.className = "spoken";
  more.textContent = ` ${spoken}`;
  element.append(more);
}

/** Shows the message of an error. */
export function failed(id, error) {
  say(id, error.message);
  document.getElementById(id).classList.add("error");
}
