const find = (id) => document.getElementById(id);
const say = (text) => { find("status").textContent = text; };
let models = [];

function option(value, text, isDisabled = false) {
  const element = document.createElement("option");
  element.value = value;
  element.textContent = text;
  element.disabled = isDisabled;
  return element;
}

function showMethods() {
  const model = models.find((m) => m.name === find("model").value);
  find("method").replaceChildren(...(model?.methods ?? []).map((m) =>
    option(m.name, m.obstacle ? `${m.title}: ${m.obstacle}` : m.title, m.obstacle !== null)));
}

async function explain(event) {
  event.preventDefault();
  const file = find("file").files[0];
  const query = new URLSearchParams({
    model: find("model").value, methods: find("method").value, name: file.name,
  });
  const answer = await fetch(`/v1/analyses?${query}`, {
    method: "POST", body: file, headers: { "Content-Type": "application/octet-stream" },
  });
  const analysis = await answer.json();
  if (!answer.ok) { say(analysis.detail); return; }
  say("working …");
  find("maps").replaceChildren();
  const events = new EventSource(`/v1/analyses/${analysis.id}/events`);
  events.addEventListener("progress", (e) => {
    const progress = JSON.parse(e.data);
    say(`${progress.method}: ${progress.done} of ${progress.planned} evaluations`);
  });
  events.addEventListener("method", (e) => {
    for (const map of JSON.parse(e.data).maps) {
      const image = document.createElement("img");
      image.src = map.png;
      image.alt = `${map.method} for ${map.label}`;
      find("maps").append(image);
    }
  });
  events.addEventListener("end", async (e) => {
    events.close();
    const end = JSON.parse(e.data);
    say(end.error ?? end.state);
    if (end.state !== "done") { return; }
    const document_ = await (await fetch(`/v1/analyses/${analysis.id}/report.json`)).json();
    find("labels").replaceChildren(...document_.predictions.slice(0, 5).map((p) => {
      const item = document.createElement("li");
      item.textContent = `${p.label} ${(100 * p.probability).toFixed(1)} %`;
      return item;
    }));
  });
}

models = (await (await fetch("/v1/classification_models/model_list/")).json()).models;
find("model").replaceChildren(...models.map((m) => option(m.name, `${m.name} (${m.type})`)));
find("model").addEventListener("change", showMethods);
find("form").addEventListener("submit", explain);
showMethods();
