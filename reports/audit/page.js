const at = (name) => document.getElementById(name);
const act = (name) => document.querySelector(`section:not([hidden]) [data-act="${name}"]`);
let state = null, view = VIEWS[0], typed = "", busy = false, ended = false;

function address(id) {
  return `image/${view}/${encodeURIComponent(id)}`;
}

function show(next) {
  state = next;
  const done = state.images.length === 0;
  at("labelling").hidden = done;
  at("complete").hidden = !done;
  at("progress").setAttribute("aria-valuenow", state.answered);
  at("progress").firstElementChild.style.width = `${100 * state.answered / state.labels}%`;
  const skipped = state.skipped ? `, ${state.skipped} skipped` : "";
  at("status").textContent = `${state.answered} of ${state.labels} labelled${skipped}. ${state.so_far}`;
  for (const button of document.querySelectorAll('[data-act="undo"]')) button.disabled = !state.may_undo;
  type("");
  if (!done) look();
}

function look() {
  const [id, after] = state.images;
  const image = at("image");
  if (image.dataset.shown !== address(id)) {
    image.classList.add("loading");
    image.src = image.dataset.shown = address(id);
  }
  at("caption").textContent = id;
  if (after) new Image().src = address(after);
}

function type(text) {
  typed = text;
  if (at("typed")) at("typed").textContent = text ? `typed ${text}` : "";
}

function fail(text) {
  at("problem").textContent = text;
  at("problem").hidden = !text;
}

async function ask(path, body) {
  if (busy || ended) return null;
  busy = true;
  try {
    const request = body === undefined ? {} : { method: "POST", headers: { "Content-Type": "application/json" }, body: JSON.stringify(body) };
    const answer = await fetch(path, request);
    const told = await answer.json();
    fail(told.error || "");
    if (told.error) return answer.status === 409 && body !== undefined ? (await fetch("state")).json() : null;
    return told;
  } catch {
    fail("The command has ended. Every label that was counted is kept: run the same command again, and open the new address.");
    return null;
  } finally {
    busy = false;
  }
}

async function tell(path, body) {
  const told = await ask(path, body);
  if (!told) return;
  if (told.ended) finish(told); else show(told);
}

function finish(told) {
  ended = true;
  for (const name of ["labelling", "complete", "status", "lead"]) at(name).hidden = true;
  document.querySelector("h1").textContent = "The audit is complete";
  for (const [term, text] of told.result) {
    at("facts").append(Object.assign(document.createElement("dt"), { textContent: term }));
    at("facts").append(Object.assign(document.createElement("dd"), { textContent: text }));
  }
  at("result").hidden = false;
}

const acts = {
  untold: () => tell("answer", { id: state.images[0], label: null }),
  skip: () => {
    if (state.images.length > 1) tell("skip", { id: state.images[0] });
    else fail("This is the last one. If nobody can tell what it shows, say so by ?");
  },
  undo: () => state.may_undo && tell("undo", {}),
  view: () => {
    view = VIEWS[(VIEWS.indexOf(view) + 1) % VIEWS.length];
    look();
  },
  seal: () => tell("seal", {}),
};

function label(button) {
  if (at("image").classList.contains("loading")) return;  // nobody has seen it yet
  button.classList.add("pressed");
  setTimeout(() => button.classList.remove("pressed"), 150);
  tell("answer", { id: state.images[0], label: button.dataset.label });
}

document.addEventListener("click", (event) => {
  const button = event.target.closest("button");
  if (!button || button.disabled) return;
  button.blur();
  if (button.dataset.act) acts[button.dataset.act]();
  else label(button);
});

document.addEventListener("keydown", (event) => {
  if (event.repeat || event.ctrlKey || event.altKey || event.metaKey || ended || !state) return;
  if (event.target.closest("button") && (event.key === "Enter" || event.key === " ")) return;
  const digit = /^Digit(\d)$/.exec(event.code);
  const key = digit && !event.shiftKey ? digit[1] : event.key.length === 1 ? event.key.toLowerCase() : event.key;
  const own = { "?": "untold", s: "skip", u: "undo", v: "view", Enter: "seal" }[key];
  if (own) {
    if (act(own)) acts[own]();
    return;
  }
  if (key === "Escape" || key === "Backspace") type("");
  if (key.length !== 1 || at("labelling").hidden || busy) return;
  type(typed + key);
  const buttons = [...document.querySelectorAll("#classes button")];
  const found = buttons.find((button) => button.dataset.key === typed);
  if (found) label(found);
  else if (!buttons.some((button) => button.dataset.key.startsWith(typed))) type("");
});

at("image").addEventListener("load", () => at("image").classList.remove("loading"));
at("image").addEventListener("error", () => fail("The image cannot be shown; the command says why, if it still runs."));
tell("state");
