// The live page. Whatever an article says is put in as text, never as markup.
"use strict";

const MOST_CARDS = 60;
const CARDS_PER_FRAME = 4;
const MOST_KEPT_NAMES = 300;
const PARAGRAPHS_AT_FIRST = 3;
const SILENCE_MS = 13000; // two beats and a bit
const HISTORY = 45;
const TYPES = { PER: "people", ORG: "organisations", LOC: "places", PRODUCT: "products", WORK: "works" };
const NEWEST = 40;

const $ = (id) => document.getElementById(id);
const token = document.querySelector("meta[name=babelwire-token]").content;

function element(name, properties = {}, ...children) {
  const made = document.createElement(name);
  for (const [key, value] of Object.entries(properties)) {
    if (value === undefined || value === null || value === false) continue;
    if (key === "class") made.className = value;
    else if (key.startsWith("on")) made.addEventListener(key.slice(2), value);
    else made.setAttribute(key, value === true ? "" : String(value));
  }
  made.append(...children.filter((child) => child !== null && child !== undefined));
  return made;
}

function drawn(name, attributes = {}, ...children) {
  const made = document.createElementNS("http://www.w3.org/2000/svg", name);
  for (const [key, value] of Object.entries(attributes)) made.setAttribute(key, String(value));
  made.append(...children);
  return made;
}

function duration(seconds) {
  if (seconds === null) return "–";
  if (seconds < 10) return `${seconds.toFixed(1)} s`;
  if (seconds < 100) return `${seconds.toFixed(0)} s`;
  return seconds < 6000 ? `${(seconds / 60).toFixed(0)} min` : `${(seconds / 3600).toFixed(1)} h`;
}

const clock = new Intl.DateTimeFormat(undefined, { hour: "2-digit", minute: "2-digit", second: "2-digit", hourCycle: "h23" });
const number = new Intl.NumberFormat("en");
const languages = new Intl.DisplayNames(["en"], { type: "language" });

function languageName(code) {
  try {
    return code === "und" ? "unknown language" : languages.of(code);
  } catch {
    return code;
  }
}

// ---- the connection -------------------------------------------------------------------------

const connection = { source: null, last: null, heard: 0, lost: null, again: null };

function address() {
  const query = new URLSearchParams({ flow: "yes" });
  for (const name of ["language", "entity", "source"]) {
    const value = $(name).value.trim();
    if (value) query.set(name, value);
  }
  if (connection.last) query.set("after", connection.last);
  else query.set("newest", NEWEST);
  return `/events?${query}`;
}

function connect() {
  clearTimeout(connection.again);
  connection.source?.close();
  const source = new EventSource(address());
  connection.source = source;
  connection.heard = Date.now();
  const on = (name, take) =>
    source.addEventListener(name, (event) => {
      if (source !== connection.source) return;
      heard(event);
      take(JSON.parse(event.data));
    });
  on("beat", () => {});
  on("flow", showFlow);
  on("article", takeArticle);
  on("unreadable", (what) => say(`One event could not be read: ${what.place}`));
  on("trouble", (what) => say(`The stream waits: ${what.error}`));
  source.addEventListener("error", () => {
    if (source !== connection.source) return;
    lose();
    // After an answer that is no stream the browser gives up; we do not.
    if (source.readyState === EventSource.CLOSED) retry();
  });
}

function retry() {
  clearTimeout(connection.again);
  connection.again = setTimeout(connect, 2000);
}

function heard(event) {
  connection.heard = Date.now();
  if (event.lastEventId) connection.last = event.lastEventId;
  if (connection.lost !== null || $("link").dataset.state !== "live") {
    connection.lost = null;
    showLink("live", "live");
  }
}

function lose() {
  if (connection.lost === null) connection.lost = new Date();
  showLink("lost", `no connection since ${clock.format(connection.lost)}, trying again`);
}

function showLink(state, words) {
  $("link").dataset.state = state;
  if ($("link-words").textContent !== words) $("link-words").textContent = words;
}

// A connection can die without the browser being told: then the beats stay away.
setInterval(() => {
  if (Date.now() - connection.heard > SILENCE_MS) {
    lose();
    connect();
  }
}, 1000);

// ---- the flow -------------------------------------------------------------------------------

const stages = new Map();
const history = [];

function node(kind, title, sub) {
  const figure = element("p", { class: "figure" });
  const unit = element("p", { class: "unit" }, sub);
  const facts = element("dl", { class: "facts" });
  const note = element("p", { class: "note" });
  const made = element("li", { class: `node ${kind}` }, element("h3", {}, title), note, figure, unit, facts);
  return { made, figure, unit, facts, note };
}

function buildFlow(flow) {
  const list = $("stages");
  list.replaceChildren();
  const raw = node("end", "pushed", "articles a minute");
  const enriched = node("end", "enriched", "articles a minute");
  const push = (each) => list.append(each.made);
  push(raw);
  stages.set("raw", raw);
  for (const stage of flow.stages) {
    const each = node("stage", stage.stage, "a minute");
    each.line = drawn("polyline", { points: "" });
    each.made.append(
      drawn("svg", { viewBox: "0 0 100 24", preserveAspectRatio: "none", class: "curve", "aria-hidden": "true" }, each.line),
    );
    push(each);
    stages.set(stage.stage, each);
  }
  push(enriched);
  stages.set("enriched", enriched);
}

function facts(list, pairs) {
  list.replaceChildren(
    ...pairs.map(([name, value]) => element("div", {}, element("dt", {}, name), element("dd", {}, value))),
  );
}

function showFlow(flow) {
  if (stages.size !== flow.stages.length + 2) buildFlow(flow);
  if (flow.history) history.splice(0, history.length, ...flow.history);
  else if (flow.broker) history.push(Object.fromEntries(flow.stages.map((each) => [each.stage, each.lag_records])));
  while (history.length > HISTORY) history.shift();

  const words = $("words");
  // Numbers change every two seconds; only a change of state is worth saying aloud.
  if (words.dataset.state !== flow.state) say(flow.words);
  words.dataset.state = flow.state;
  if (words.textContent !== flow.words) words.textContent = flow.words;
  document.title = flow.state === "flowing" || flow.state === "idle" ? "babelwire, live" : `⚠ ${flow.state} · babelwire`;

  const raw = stages.get("raw");
  raw.figure.textContent = number.format(flow.pushed_per_minute);
  const enriched = stages.get("enriched");
  enriched.figure.textContent = number.format(flow.enriched_per_minute);
  facts(enriched.facts, [
    ["half within", duration(flow.median)],
    ["95% within", duration(flow.most)],
  ]);
  const highest = Math.max(1, ...history.flatMap((moment) => Object.values(moment)));
  for (const stage of flow.stages) showStage(stages.get(stage.stage), stage, flow, highest);
  showFailures(flow.failures);
}

function showStage(shown, stage, flow, highest) {
  const down = flow.broker && stage.workers === 0;
  const narrow = flow.bottleneck === stage.stage;
  shown.made.dataset.state = !flow.broker ? "unknown" : down ? "down" : narrow ? "narrow" : "well";
  shown.made.dataset.stage = stage.stage;
  shown.note.textContent = !flow.broker
    ? "not known"
    : down
      ? "✕ no worker"
      : `${narrow ? "▲ bottleneck, " : "● "}${stage.workers} worker${stage.workers === 1 ? "" : "s"}`;
  shown.figure.textContent = number.format(stage.per_minute);
  facts(shown.facts, [
    ["lag", `${number.format(stage.lag_records)}`],
    ["oldest", stage.lag_records ? duration(stage.lag_seconds) : "–"],
  ]);
  shown.line.setAttribute(
    "points",
    history
      .map((moment, index) => `${(100 * index) / (HISTORY - 1)},${23 - (21 * (moment[stage.stage] || 0)) / highest}`)
      .join(" "),
  );
}

let failed = "";

function showFailures(failures) {
  const total = failures.reduce((sum, each) => sum + each.count, 0);
  const parts = failures.slice(0, 4).map((each) => `${each.stage} ${each.reason.replaceAll("_", " ")} ${each.count}`);
  $("failures").dataset.none = total ? "no" : "yes";
  $("failures-words").textContent = total
    ? `${number.format(total)} dead letter${total === 1 ? "" : "s"} in the last hour: ${parts.join(", ")}`
    : "No dead letters in the last hour";
  const now = JSON.stringify(failures);
  if (now !== failed) {
    failed = now;
    loadLetters();
  }
}

// ---- articles -------------------------------------------------------------------------------

let waiting = [];
let held = false;
let drawing = false;
let unsaid = 0;
const names = { entities: new Map(), sources: new Set(), languages: new Set() };

function takeArticle({ event, at }) {
  unsaid += 1;
  waiting.push({ event, at: new Date(at * 1000) });
  // More than fit on the page would be gone before anybody saw them.
  if (waiting.length > MOST_CARDS) waiting.shift();
  learn(event);
  schedule();
}

function learn(event) {
  const add = (list, value, label) => $(list).append(element("option", { value, label }));
  for (const entity of event.entities) {
    if (names.entities.size < MOST_KEPT_NAMES && !names.entities.has(entity.id)) {
      names.entities.set(entity.id, entity.name);
      add("entities", entity.name);
    }
  }
  if (event.source && names.sources.size < MOST_KEPT_NAMES && !names.sources.has(event.source)) {
    names.sources.add(event.source);
    add("sources", event.source);
  }
  knowLanguage(event.language.code);
}

function knowLanguage(code) {
  if (names.languages.has(code) || names.languages.size >= MOST_KEPT_NAMES) return;
  names.languages.add(code);
  const option = element("option", { value: code }, languageName(code));
  const after = [...$("language").options].slice(1).find((each) => each.textContent > option.textContent);
  $("language").insertBefore(option, after ?? null);
}

function reading() {
  const feed = $("feed");
  return held || feed.matches(":hover") || feed.contains(document.activeElement) || feed.getBoundingClientRect().top < -40;
}

function schedule() {
  if (drawing) return;
  drawing = true;
  requestAnimationFrame(draw);
}

function draw() {
  drawing = false;
  const feed = $("feed");
  const more = $("more");
  if (waiting.length && feed.childElementCount && reading()) {
    const words = `${waiting.length === MOST_CARDS ? "More than " : ""}${waiting.length} new article${waiting.length === 1 ? "" : "s"}`;
    more.hidden = false;
    if (more.textContent !== words) more.textContent = words;
    return;
  }
  more.hidden = true;
  if (!waiting.length) return;
  feed.setAttribute("aria-busy", "true");
  for (const each of waiting.splice(0, CARDS_PER_FRAME)) feed.prepend(card(each.event, each.at));
  while (feed.childElementCount > MOST_CARDS) feed.lastElementChild.remove();
  $("empty").hidden = true;
  if (waiting.length) schedule();
  else {
    feed.setAttribute("aria-busy", "false");
    [...feed.children].forEach((each, index) => each.setAttribute("aria-posinset", index + 1));
  }
}

function showWaiting() {
  // The button is in the way of its own question otherwise.
  const feed = $("feed");
  document.activeElement?.blur();
  feed.scrollIntoView({ block: "start" });
  const all = waiting.splice(0);
  for (const each of all) feed.prepend(card(each.event, each.at));
  while (feed.childElementCount > MOST_CARDS) feed.lastElementChild.remove();
  $("more").hidden = true;
  feed.firstElementChild?.focus();
}

// One summary now and then instead of every headline.
setInterval(() => {
  if (!unsaid) return;
  say(`${unsaid} new article${unsaid === 1 ? "" : "s"}`);
  unsaid = 0;
}, 10000);

setInterval(() => {
  if (waiting.length) schedule();
}, 1000);

function say(words) {
  $("said").textContent = words;
}

// Offsets count code points; JavaScript strings count UTF-16 units.
function slicer(text) {
  if (!/[\u{10000}-\u{10ffff}]/u.test(text)) return (start, end) => text.slice(start, end);
  const points = Array.from(text);
  return (start, end) => points.slice(start, end).join("");
}

function mentionsIn(event, side, field) {
  const found = [];
  event.entities.forEach((entity, index) => {
    for (const mention of entity.mentions) {
      const quote = mention[side];
      if (mention.field === field && quote) {
        found.push({ start: quote.start, end: quote.end, index, type: entity.type, name: entity.name });
      }
    }
  });
  found.sort((a, b) => a.start - b.start || b.end - a.end);
  // Where two overlap the first stands.
  return found.filter((each, at) => found.slice(0, at).every((other) => other.end <= each.start || other.start >= each.end));
}

function marked(cut, start, end, mentions) {
  const pieces = [];
  let at = start;
  for (const mention of mentions) {
    const from = Math.max(mention.start, at);
    const to = Math.min(mention.end, end);
    if (from >= to) continue;
    if (from > at) pieces.push(cut(at, from));
    pieces.push(element("mark", { class: `m t-${mention.type}`, "data-e": mention.index }, cut(from, to)));
    at = to;
  }
  if (at < end) pieces.push(cut(at, end));
  return pieces;
}

function paragraph(cut, span, sentences, mentions) {
  const pieces = [];
  let at = span.start;
  sentences.forEach((sentence, index) => {
    if (sentence.end <= span.start || sentence.start >= span.end) return;
    if (sentence.start > at) pieces.push(...marked(cut, at, sentence.start, mentions));
    const from = Math.max(sentence.start, at);
    pieces.push(element("span", { class: "s", "data-s": index }, ...marked(cut, from, sentence.end, mentions)));
    at = Math.max(at, sentence.end);
  });
  if (at < span.end) pieces.push(...marked(cut, at, span.end, mentions));
  return element("p", {}, ...pieces);
}

function safeLink(url) {
  try {
    const parsed = new URL(url);
    return ["http:", "https:"].includes(parsed.protocol) ? parsed.href : null;
  } catch {
    return null;
  }
}

function headline(event) {
  const english = event.translation;
  if (english.title) return { text: english.title, field: "title", start: 0, end: Array.from(english.title).length };
  const first = english.sentences[0];
  const cut = slicer(english.text);
  if (!first) return { text: cut(0, 120) || "An article without words" };
  const words = cut(first.target.start, first.target.end);
  return { text: words.length > 140 ? `${words.slice(0, 140).replace(/\s+\S*$/, "")} …` : words };
}

function share(value) {
  return value === null ? "–" : `${Math.round(value * 100)}%`;
}

let cards = 0;

function card(event, at) {
  cards += 1;
  const id = `card-${cards}`;
  const code = event.language.code;
  const own = code === "en";
  const english = event.translation;
  const untranslated = !own && english.coverage === 0;
  const head = headline(event);
  const title = element("h3", { id }, ...(head.field ? marked(slicer(english.title), 0, head.end, mentionsIn(event, "target", "title")) : [head.text]));
  const link = event.url ? safeLink(event.url) : null;
  const kicker = element(
    "p",
    { class: "kicker" },
    element("span", { class: "language", title: languageName(code) }, own ? "EN" : `${code.toUpperCase()} → EN`),
    event.source ? element("span", {}, event.source) : null,
    event.published_at ? element("span", {}, event.published_at.value.slice(0, 16).replace("T", " ")) : null,
    event.byline ? element("span", {}, `by ${event.byline}`) : null,
    event.provenance.machine_translated ? element("span", { class: "flag" }, "machine-translated at source") : null,
    untranslated ? element("span", { class: "flag" }, "not translated") : null,
    link ? element("a", { href: link, rel: "noopener noreferrer", target: "_blank" }, "original ↗") : null,
    element("time", { datetime: at.toISOString() }, clock.format(at)),
  );
  const made = element(
    "article",
    { class: "card", tabindex: 0, "aria-labelledby": id, "aria-setsize": -1 },
    kicker,
    title,
    event.title && !own ? element("p", { class: "original", lang: code, dir: "auto" }, ...marked(slicer(event.title), 0, Array.from(event.title).length, mentionsIn(event, "source", "title"))) : null,
    body(event, own),
    entities(event),
    footer(event),
  );
  made.addEventListener("pointerover", (moved) => light(made, moved.target));
  made.addEventListener("pointerleave", () => light(made, null));
  made.addEventListener("focusin", (moved) => light(made, moved.target));
  return made;
}

function body(event, own) {
  const english = event.translation;
  const columns = element("div", { class: own ? "texts one" : "texts" });
  const sides = own ? [["target", "en", english]] : [["source", event.language.code, event], ["target", "en", english]];
  const most = Math.max(event.paragraphs.length, english.paragraphs.length);
  const fill = (from, to) => {
    sides.forEach(([side, , text], index) => {
      const cut = slicer(text.text);
      const sentences = english.sentences.map((sentence) => sentence[side]);
      const mentions = mentionsIn(event, side, "text");
      const spans = text.paragraphs.length ? text.paragraphs : [{ start: 0, end: Array.from(text.text).length }];
      columns.children[index].append(...spans.slice(from, to).map((span) => paragraph(cut, span, sentences, mentions)));
    });
  };
  for (const [side, language] of sides) {
    columns.append(
      element(
        "div",
        { class: `text ${side}`, lang: language, dir: "auto" },
        element("h4", {}, side === "source" ? languageName(language) : "English"),
      ),
    );
  }
  fill(0, PARAGRAPHS_AT_FIRST);
  const rest = most - PARAGRAPHS_AT_FIRST;
  if (rest <= 0) return columns;
  const whole = element("button", { type: "button", class: "whole" }, `Whole article, ${rest} more paragraph${rest === 1 ? "" : "s"}`);
  whole.addEventListener("click", () => {
    fill(PARAGRAPHS_AT_FIRST, undefined);
    whole.closest(".card").focus();
    whole.remove();
  });
  return element("div", {}, columns, whole);
}

function entities(event) {
  if (!event.entities.length) return element("p", { class: "chips none" }, "no entities");
  const list = element("ul", { class: "chips", "aria-label": "Entities" });
  event.entities.slice(0, 24).forEach((entity, index) => {
    const many = entity.mentions.length;
    const chip = element(
      "button",
      {
        type: "button",
        class: `chip t-${entity.type}`,
        "data-e": index,
        "aria-pressed": "false",
        title: `${entity.id}${entity.wikidata ? ` · ${entity.wikidata}` : ""}`,
        "aria-label": `${entity.name}, ${TYPES[entity.type] ?? entity.type}, named ${many} time${many === 1 ? "" : "s"}`,
      },
      entity.name,
      many > 1 ? element("span", { class: "times" }, `×${many}`) : null,
    );
    chip.addEventListener("click", () => pin(chip, entity));
    list.append(element("li", {}, chip));
  });
  if (event.entities.length > 24) list.append(element("li", { class: "rest" }, `and ${event.entities.length - 24} more`));
  return list;
}

function pin(chip, entity) {
  const made = chip.closest(".card");
  const pinned = chip.getAttribute("aria-pressed") === "true";
  made.querySelectorAll(".chip[aria-pressed=true]").forEach((each) => each.setAttribute("aria-pressed", "false"));
  made.querySelectorAll(".only").forEach((each) => each.remove());
  if (pinned) return light(made, null);
  chip.setAttribute("aria-pressed", "true");
  const only = element("button", { type: "button", class: "only" }, `Only articles with ${entity.name}`);
  only.addEventListener("click", () => {
    $("entity").value = entity.id;
    refilter();
  });
  chip.parentElement.after(element("li", { class: "only" }, only));
  return light(made, chip);
}

// Lights the sentence under the pointer in both texts, and every mention of its entity.
function light(made, target) {
  made.querySelectorAll(".lit").forEach((each) => each.classList.remove("lit"));
  const named = target?.closest?.("[data-e]") ?? made.querySelector(".chip[aria-pressed=true]");
  if (named) made.querySelectorAll(`[data-e="${named.dataset.e}"]`).forEach((each) => each.classList.add("lit"));
  const sentence = target?.closest?.("[data-s]");
  if (sentence) made.querySelectorAll(`[data-s="${sentence.dataset.s}"]`).forEach((each) => each.classList.add("lit"));
}

function footer(event) {
  const english = event.translation;
  const measures = element(
    "p",
    { class: "measures" },
    element("span", {}, "translated ", element("b", {}, share(english.coverage))),
    english.quality === null ? null : element("span", {}, "quality, estimated ", element("b", {}, share(english.quality))),
    element("span", { class: "hash", title: event.article_id }, event.article_id.slice(0, 12)),
  );
  const how = element("details", { class: "how" }, element("summary", {}, `How it was translated (${english.sentences.length})`));
  how.addEventListener("toggle", () => how.open && how.childElementCount === 1 && how.append(sentenceTable(event)));
  const removed = event.removed.length
    ? element("details", { class: "removed" }, element("summary", {}, `Removed (${event.removed.length})`))
    : null;
  removed?.addEventListener("toggle", () => removed.open && removed.childElementCount === 1 && removed.append(removedList(event)));
  return element("div", { class: "under" }, measures, how, removed);
}

function sentenceTable(event) {
  const source = slicer(event.text);
  const target = slicer(event.translation.text);
  const rows = event.translation.sentences.slice(0, 200).map((sentence) =>
    element(
      "li",
      {},
      element("p", { lang: event.language.code, dir: "auto" }, source(sentence.source.start, sentence.source.end)),
      element("p", { lang: "en" }, target(sentence.target.start, sentence.target.end)),
      element(
        "p",
        { class: "by" },
        element("span", {}, sentence.engine === "none" ? "left as it is" : sentence.engine),
        element("span", {}, sentence.route),
        ...sentence.notes.map((note) => element("span", { class: "flag" }, note)),
      ),
    ),
  );
  return element("ol", { class: "sentences" }, ...rows);
}

function removedList(event) {
  return element(
    "ul",
    { class: "removed-list" },
    ...event.removed.slice(0, 200).map((piece) =>
      element(
        "li",
        {},
        element("q", { dir: "auto" }, piece.text.length > 300 ? `${piece.text.slice(0, 300)} …` : piece.text),
        element("span", { class: "by" }, `${piece.kind.replaceAll("_", " ")} · rule ${piece.rule}${piece.start === null ? "" : ` · at ${piece.start}`}`),
      ),
    ),
  );
}

// ---- filters and keys -----------------------------------------------------------------------

function refilter() {
  connection.last = null;
  waiting = [];
  $("feed").replaceChildren();
  const filtered = ["language", "entity", "source"].some((name) => $(name).value.trim());
  $("clear").hidden = !filtered;
  $("empty").hidden = false;
  $("empty").textContent = filtered ? "No such article yet." : "Waiting for the first article.";
  connect();
}

$("filters").addEventListener("submit", (event) => {
  event.preventDefault();
  refilter();
});
$("filters").addEventListener("reset", () => setTimeout(refilter));
$("language").addEventListener("change", refilter);
$("more").addEventListener("click", showWaiting);
$("hold").addEventListener("click", hold);

function hold() {
  held = !held;
  $("hold").setAttribute("aria-pressed", String(held));
  $("hold").textContent = held ? "Go on" : "Hold";
  schedule();
}

document.addEventListener("keydown", (event) => {
  if (event.ctrlKey || event.metaKey || event.altKey || /^(INPUT|SELECT|TEXTAREA)$/.test(event.target.tagName) || $("ask").open) return;
  const current = document.activeElement?.closest?.(".card");
  const all = [...$("feed").children];
  const step = { j: 1, PageDown: 1, k: -1, PageUp: -1 }[event.key];
  if (step && (current || event.key.length === 1)) {
    const next = current ? all[all.indexOf(current) + step] : all[0];
    if (next) {
      event.preventDefault();
      next.focus();
      next.scrollIntoView({ block: "start", behavior: "auto" });
    }
  } else if (event.key === "h") hold();
  else if (current && event.key === "o") current.querySelector(".whole")?.click();
  else if (current && event.key === "t") current.querySelector(".how > summary")?.click();
});

// ---- dead letters ---------------------------------------------------------------------------

async function loadLetters() {
  try {
    const answer = await fetch("/dead-letters");
    if (answer.ok) showLetters((await answer.json()).letters);
  } catch {
    // The connection's own state says it.
  }
}

function showLetters(letters) {
  $("letters-empty").hidden = letters.length > 0;
  $("letters-count").textContent = letters.length ? `the newest ${letters.length}` : "";
  $("letters").replaceChildren(...letters.map(letterItem));
}

function letterItem(letter) {
  const replay = element("button", { type: "button", disabled: letter.replayed || letter.worn }, letter.replayed ? "Replayed" : letter.worn ? "Worn" : "Replay …");
  replay.setAttribute("aria-label", `${replay.textContent}: ${letter.reason.replaceAll("_", " ")} at ${letter.place}`);
  replay.addEventListener("click", () => askReplay(letter, replay));
  return element(
    "li",
    { class: "letter", "data-place": letter.place },
    element("p", { class: "reason" }, element("b", {}, letter.reason.replaceAll("_", " ")), element("span", {}, letter.stage)),
    element("p", { class: "error" }, letter.error),
    element(
      "p",
      { class: "by" },
      element("time", { datetime: letter.failed_at }, clock.format(new Date(letter.failed_at))),
      letter.source ? element("span", {}, letter.source) : null,
      element("span", {}, letter.origin),
      element("span", {}, `${number.format(letter.size)} bytes`),
      letter.replays ? element("span", {}, `replayed ${letter.replays}×`) : null,
    ),
    replay,
  );
}

function askReplay(letter, button) {
  const ask = $("ask");
  $("ask-words").textContent = `The record goes back to ${letter.origin.split("/")[0]}, as it came. If what was wrong is still wrong, it becomes a dead letter again.`;
  ask.returnValue = "no";
  ask.addEventListener("close", () => ask.returnValue === "yes" && replayLetter(letter, button), { once: true });
  ask.showModal();
}

async function replayLetter(letter, button) {
  button.disabled = true;
  button.textContent = "Sending …";
  let words = "the server did not answer";
  try {
    const answer = await fetch("/dead-letters/replay", {
      method: "POST",
      headers: { "Content-Type": "application/json", "X-Babelwire-Token": token },
      body: JSON.stringify({ places: [letter.place] }),
    });
    const told = await answer.json();
    if (answer.ok && told.replayed.includes(letter.place)) {
      button.textContent = "Replayed";
      say("The record was sent back.");
      return;
    }
    words = told.error ?? "it was left alone";
  } catch {
    // Said below.
  }
  button.disabled = false;
  button.textContent = "Replay …";
  button.after(element("p", { class: "refused", role: "alert" }, `Not replayed: ${words}`));
}

for (const code of ["it", "fr", "es", "pt", "en"]) knowLanguage(code);
connect();
loadLetters();
setInterval(loadLetters, 60000);
