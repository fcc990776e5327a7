// The server's interface, as functions.
import { readNPY } from "/npy.js";

const tokenKey = "prism.token";

/** What went wrong, with the server's own words as its message. */
class Problem extends Error {
  constructor(status, detail, retryAfter) {
    super(detail);
    this.name = "Problem";
    this.status = status;
    this.detail = detail;
    this.retryAfter = retryAfter;
  }

  /** Whether the server could not be reached at all. */
  get isOffline() { return this.status === 0; }

  /** Whether the server has too much to do, or is ending. */
  get isBusy() { return this.status === 429 || this.status === 503; }
}

export class API {
  /**
   * @param {{onOffline: () => void, askToken: (isAgain: boolean) => Promise<string?>}} hooks What
   *   to do when the server does not answer, and how to come by a token, also after a wrong one.
   */
  constructor(hooks = {}) {
    this.hooks = hooks;
    this.token = sessionStorage.getItem(tokenKey);
    this.asking = null;
  }

  /** A request; throws a Problem for everything but an answer of success. */
  async fetch(path, options = {}) {
    const headers = new Headers(options.headers);
    const { token } = this;
    if (token) { headers.set("Authorization", `Bearer ${bytesOf(token)}`); }
    let answer;
    try {
      answer = await fetch(path, { ...options, headers });
    } catch (error) {
      if (error.name === "AbortError") { throw error; }
      this.hooks.onOffline?.();
      throw new Problem(0, "the server does not answer");
    }
    if (answer.ok) { return answer; }
    if (answer.status === 401 && this.hooks.askToken && await this.askForToken(token)) {
      return this.fetch(path, options);
    }
    let detail = `${answer.status} ${answer.statusText}`;
    try {
      detail = (await answer.json()).detail ?? detail;
    } catch { /* the status says enough */ }
    throw new Problem(answer.status, detail, Number(answer.headers.get("Retry-After")) || null);
  }

  /** Asks once, however many requests were refused; `refused` is the token that they had. */
  async askForToken(refused) {
    if (this.token !== refused) { return true; }
    this.asking ??= this.hooks.askToken(Boolean(refused)).finally(() => { this.asking = null; });
    const token = await this.asking;
    if (!token) { return false; }
    this.token = token;
    sessionStorage.setItem(tokenKey, token);
    return true;
  }

  async json(path, options) { return (await this.fetch(path, options)).json(); }

  /** Sends JSON and reads the answer, which may be empty. */
  async send(method, path, body) {
    const answer = await this.fetch(path, {
      method, body: body === undefined ? undefined : JSON.stringify(body),
      headers: body === undefined ? {} : { "Content-Type": "application/json" },
    });
    return answer.status === 204 ? null : answer.json();
  }

  /** Contents as a Blob, for pictures and sounds where a token is needed. */
  async blob(path) { return (await this.fetch(path)).blob(); }

  /** An array of numbers: `{shape, values}`. */
  async array(path, options) {
    return readNPY(await (await this.fetch(path, options)).arrayBuffer());
  }

  async isAlive() {
    try {
      return (await fetch("/v2/health/live")).ok;
    } catch {
      return false;
    }
  }

  async models() { return (await this.json("/v1/classification_models/model_list/")).models; }
  async samples() { return (await this.json("/v1/samples")).samples; }

  // Analyses

  /**
   * Begins an analysis of a file; `request` is the interface's own object. What is sent a second
   * time under the same `key` begins nothing new.
   */
  async begin(file, name, request, key = newKey()) {
    const answer = await this.fetch(`/v1/analyses?${new URLSearchParams({ name })}`, {
      method: "POST", body: file,
      headers: {
        "Content-Type": "application/octet-stream", "Prism-Request": ascii(request),
        "Idempotency-Key": key,
      },
    });
    return answer.json();
  }

  /**
   * Begins an analysis; a server that has too much to do is asked again when it says.
   *
   * @param {(seconds: number) => boolean} wait Is told how long it takes until then; `false` gives
   *   up.
   */
  async beginPatiently(file, request, key, wait) {
    for (let attempt = 0; ; attempt += 1) {
      try {
        return await this.begin(file, file.name, request, key);
      } catch (error) {
        const seconds = error.retryAfter ?? 2;
        if (!error.isBusy || attempt >= 5 || !wait(seconds)) { throw error; }
        await new Promise((done) => setTimeout(done, 1000 * seconds));
      }
    }
  }

  /** A picture of any format as PNG; nothing is kept of it. */
  async preview(file) {
    return (await this.fetch("/v1/preview", {
      method: "POST", body: file, headers: { "Content-Type": "application/octet-stream" },
    })).blob();
  }

  analysis(id) { return this.json(`/v1/analyses/${id}`); }
  report(id) { return this.json(`/v1/analyses/${id}/report.json`); }
  comparison(id) { return this.json(`/v1/analyses/${id}/comparison.json`); }
  list(query) { return this.json(`/v1/analyses?${new URLSearchParams(query)}`); }
  addMethods(id, body) { return this.send("POST", `/v1/analyses/${id}/methods`, body); }
  cancel(id) { return this.send("POST", `/v1/analyses/${id}/cancel`); }
  resume(id) { return this.send("POST", `/v1/analyses/${id}/resume`); }
  change(id, body) { return this.send("PATCH", `/v1/analyses/${id}`, body); }
  remove(id) { return this.discard(`/v1/analyses/${id}`); }

  /** Ends and removes what is at an address. */
  discard(address) { return this.send("DELETE", address); }

  /** Asks about a model and data; `files` are those of each role that come along. */
  async beginStudy(request, files = {}) {
    if (Object.keys(files).length === 0) { return this.send("POST", "/v1/studies", request); }
    const form = new FormData();
    form.append("request", JSON.stringify(request));
    for (const [role, list] of Object.entries(files)) {
      for (const file of list) { form.append(role, file, file.name); }
    }
    return (await this.fetch("/v1/studies", { method: "POST", body: form })).json();
  }

  /**
   * Labels with probabilities of inputs, in milliseconds.
   *
   * @param {string} model The model's name.
   * @param {object[]} instances As KServe's V1 has them.
   * @param {AbortSignal} signal Ends the request.
   * @param {string} sequence What pictures that change bit by bit belong to: the server computes
   *   only what changed.
   */
  async predict(model, instances, signal, sequence) {
    const parameters = { sequence };
    const answer = await this.fetch(`/v1/models/${encodeURIComponent(model)}:predict`, {
      method: "POST", body: JSON.stringify({ instances, parameters }), signal,
      headers: { "Content-Type": "application/json" },
    });
    return (await answer.json()).predictions;
  }

  /**
   * Follows an analysis until it ends, through broken connections.
   *
   * @param {string} id The analysis.
   * @param {{method, progress, end, lost}} handlers What to do with the data of an event; `lost`
   *   is called when the server has gone for good.
   * @returns {() => void} Stops following.
   */
  watch(id, handlers) { return this.follow(`/v1/analyses/${id}/events`, handlers); }

  /** Follows events at an address in the same way. */
  follow(address, handlers) {
    const control = new AbortController();
    const state = { last: null, hasEnded: false };
    const read = async () => {
      for (let attempt = 0; attempt < 8 && !control.signal.aborted; attempt += 1) {
        try {
          await this.readEvents(address, handlers, state, control.signal);
        } catch (error) {
          if (control.signal.aborted) { return; }
          if (error instanceof Problem && !error.isOffline) { break; }
        }
        if (state.hasEnded || control.signal.aborted) { return; }
        await new Promise((done) => setTimeout(done, Math.min(4000, 250 * 2 ** attempt)));
      }
      if (!control.signal.aborted) { handlers.lost?.(); }
    };
    read();
    return () => control.abort();
  }

  async readEvents(address, handlers, state, signal) {
    const answer = await this.fetch(address, {
      signal, headers: state.last ? { "Last-Event-ID": state.last } : {},
    });
    const reader = answer.body.pipeThrough(new TextDecoderStream()).getReader();
    let text = "";
    for (;;) {
      const { done, value } = await reader.read();
      if (done) { return; }
      text += value;
      const parts = text.split("\n\n");
      text = parts.pop();
      for (const part of parts) {
        const event = parseEvent(part);
        if (!event.name) { continue; }
        state.last = event.id ?? state.last;
        state.hasEnded ||= event.name === "end";
        handlers[event.name]?.(JSON.parse(event.data));
      }
    }
  }
}

/** A name for something that is sent, which nothing else has. */
export const newKey = () => Array.from(
  crypto.getRandomValues(new Uint8Array(16)), (byte) => byte.toString(16).padStart(2, "0")).join("");

/** A text as its bytes, which is what headers can carry. */
const bytesOf = (text) => String.fromCharCode(...new TextEncoder().encode(text));

function parseEvent(text) {
  const event = { id: null, name: null, data: "" };
  for (const line of text.split("\n")) {
    const value = line.slice(line.indexOf(":") + 1).trimStart();
    if (line.startsWith("id:")) { event.id = value; }
    if (line.startsWith("event:")) { event.name = value; }
    if (line.startsWith("data:")) { event.data += value; }
  }
  return event;
}

/** JSON in a header: everything beyond ASCII is escaped. */
function ascii(value) {
  return JSON.stringify(value).replace(
    /[\u007f-\uffff]/g, (c) => `\\u${c.charCodeAt(0).toString(16).padStart(4, "0")}`);
}
