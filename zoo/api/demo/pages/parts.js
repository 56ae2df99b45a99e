// Draws the parts of an answer, one function for each kind of
// `zoo.reporting.parts`. Data become text nodes alone: none of it is read as HTML.

const SHOWN_BARS = 6;
const TONES = 8; // of names in a text, see parts.css
const LEAST_SHARE = 0.1; // from which a word is coloured
const LONG = 1500; // characters of a text that scrolls

/** Returns an element with properties and children. */
export function make(tag, properties = {}, ...children) {
  const element = Object.assign(document.createElement(tag), properties);
  element.append(...children);
  return element;
}

/** Returns what a part looks like. */
export function draw(part) {
  return DRAWN[part.kind](part);
}

/** Returns a part in a few words, to be spoken. */
export function inWords(part) {
  const said = {
    bars: () => answerOf(part),
    value: () => part.value,
    passage: () => part.text.slice(0, LONG),
    vector: () => `${part.values.length} values`,
    marked: () => part.pieces.filter(([, name]) => name).map((piece) => piece.join(" ")).join(", "),
  };
  return `${part.title}: ${said[part.kind]()}`;
}

function answerOf(part) {
  return part.abstained ? "abstained" : part.answer || "no label";
}

function percent(share) {
  return share === null ? "no number" : `${(100 * share).toFixed(1)} %`;
}

function signed(share) {
  return share === null ? "no number" : `${share < 0 ? "−" : "+"}${Math.abs(share).toFixed(2)}`;
}

function bar([label, share, chosen]) {
  const fill = make("span", { className: chosen ? "fill chosen" : "fill" });
  fill.style.width = `${100 * (share ?? 0)}%`;
  const track = make("span", { className: "track" }, fill);
  track.setAttribute("aria-hidden", "true");
  const name = make(chosen ? "strong" : "span", { className: "name" }, label);
  return make("li", {}, name, track, make("span", { className: "share" }, percent(share)));
}

function listOf(bars) {
  return make("ul", { className: "bars" }, ...bars.map(bar));
}

/** Returns a text; a long one scrolls, also by keyboard. */
function textOf(title, ...pieces) {
  const text = make("p", { className: "text" }, ...pieces);
  return text.textContent.length > LONG ? scrolling(text, title) : text;
}

function moving(piece, share) {
  const mark = make("mark", { className: share > 0 ? "for" : "against" }, piece);
  mark.style.setProperty("--share", Math.abs(share).toFixed(2));
  return mark;
}

/** Lets a wide or long element scroll, also by keyboard. */
function scrolling(element, title) {
  element.tabIndex = 0;
  element.setAttribute("role", "region");
  element.setAttribute("aria-label", title);
  return element;
}

function header(scope, text) {
  return make("th", { scope }, make("span", {}, text));
}

/** Returns a cell with a weight in percent, the darker the larger it is. */
function cell(weight) {
  const drawn = make("td", {}, weight === null ? "–" : (100 * weight).toFixed(0));
  drawn.style.setProperty("--share", (weight ?? 0).toFixed(2));
  return drawn;
}

/** Returns a token with its experts; an expert has a number besides its colour. */
function routed([token, experts]) {
  const item = make("li", {}, make("span", { className: "token" }, token));
  for (const [number, gate] of experts) {
    const said = make("span", { className: "spoken" }, " expert ");
    const tag = make("span", { className: "tag" }, ` ${percent(gate)}`);
    item.append(make("mark", { className: `tone-${number % TONES}` }, said, `${number}`, tag));
  }
  if (!experts.length) item.append(make("span", { className: "hint" }, "no expert"));
  return item;
}

const DRAWN = {
  bars(part) {
    const drawn = make("div");
    const answer = make("p", { className: "answer" }, answerOf(part));
    if (part.abstained) {
      answer.classList.add("abstained");
      answer.append(make("small", {}, " no label is likely enough"));
    }
    drawn.append(answer, listOf(part.bars.slice(0, SHOWN_BARS)));
    const more = part.bars.slice(SHOWN_BARS);
    if (more.length) {
      const title = make("summary", {}, `${more.length} more label${more[1] ? "s" : ""}`);
      drawn.append(make("details", {}, title, listOf(more)));
    }
    return drawn;
  },

  value(part) {
    return make("p", { className: "answer" }, part.value);
  },

  passage(part) {
    const written = make("span", { className: part.before ? "written" : "" });
    written.append(part.text || "(nothing)");
    const between = /\S$/.test(part.before) ? " " : "";
    return textOf(part.title, part.before, between, written);
  },

  vector(part) {
    const title = `${part.values.length} values`;
    const values = part.values.map((value) => value?.toFixed(3) ?? "no number").join(" ");
    return make("details", {}, make("summary", {}, title), textOf(title, values));
  },

  marked(part) {
    const tones = new Map();
    const pieces = part.pieces.map(([piece, name]) => {
      if (!name) return piece;
      if (!tones.has(name)) tones.set(name, tones.size % TONES);
      const tag = make("span", { className: "tag" }, ` ${name}`);
      return make("mark", { className: `tone-${tones.get(name)}` }, piece, tag);
    });
    return textOf(part.title, ...pieces);
  },

  moved(part) {
    const pieces = part.pieces.map(([piece, share]) =>
      Math.abs(share) < LEAST_SHARE ? piece : moving(piece, share),
    );
    const legend = make("p", { className: "hint" });
    legend.append(moving("for", 0.6), ` ${part.answer}, `, moving("against", -0.6), " it");
    const strongest = part.strongest.map(([word, share]) => `${word} ${signed(share)}`);
    if (strongest.length) legend.append(` · strongest: ${strongest.join(" · ")}`);
    const title = `${part.title}, words that moved the answer`;
    return make("div", { className: "moved" }, textOf(title, ...pieces), legend);
  },

  looked(part) {
    if (!part.rows.length) return make("p", { className: "hint" }, "There are no words.");
    const caption = make("caption", {}, "Weights in %: of each row, how much it looks at each column");
    const names = part.columns.map((name) => header("col", name));
    const head = make("thead", {}, make("tr", {}, make("td"), ...names));
    const rows = part.rows.map(([name, weights]) =>
      make("tr", {}, header("row", name), ...weights.map(cell)),
    );
    const table = make("table", { className: "looked" }, caption, head, make("tbody", {}, ...rows));
    const drawn = make("div", {}, scrolling(make("div", { className: "wide" }, table), part.title));
    if (part.rows.length < part.of[0] || part.columns.length < part.of[1]) {
      const cut = `The first of ${part.of[0]} rows and ${part.of[1]} columns.`;
      drawn.append(make("p", { className: "hint" }, cut));
    }
    return drawn;
  },

  routed(part) {
    const hint = `${part.num_experts} experts; each ${part.per} with its experts and their gates`;
    const list = make("ul", { className: "routed" }, ...part.tokens.map(routed));
    const long = list.textContent.length > LONG;
    const drawn = make("div", {}, make("p", { className: "hint" }, hint));
    drawn.append(long ? scrolling(make("div", { className: "tall" }, list), part.title) : list);
    return drawn;
  },
};
