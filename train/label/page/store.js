// Sends each change at once, and again until it is written. Nothing here knows what boxes are.

const RETRY_MS = 2000;
// What browsers take with `keepalive`, all requests together, is 64 KB.
const KEEPALIVE_BYTES = 50000;

function random() {
  return Array.from(crypto.getRandomValues(new Uint8Array(12)), (byte) => byte.toString(16).padStart(2, "0")).join("");
}

export async function get(path) {
  const response = await fetch(path);
  const found = await response.json();
  if (!response.ok) throw new Error(found.error);
  return found;
}

export class Store {
  // `told` gets {saved, name, answer}, {conflict, name}, {refused, name} or {lost: true}.
  constructor(told) {
    this.told = told;
    this.writer = random();
    this.sequence = 0;
    this.versions = new Map();
    this.pending = new Map();
    this.failed = false;
    this.timer = null;
  }

  // Sends what an earlier page could not. `folder` is the place in the browser's storage. Returns whether there was any.
  async restore(folder) {
    this.place = `train.label ${folder}`;
    let drafts = [];
    try {
      drafts = JSON.parse(localStorage.getItem(this.place) || "[]");
    } catch {
      drafts = [];
    }
    for (const [name, body] of drafts) {
      this.pending.set(name, { ...body, writer: this.writer, sequence: ++this.sequence });
      await this.send(name);
    }
    this.keep();
    return drafts.length > 0;
  }

  put(name, change) {
    const body = { ...change, version: this.versions.get(name), writer: this.writer, sequence: ++this.sequence };
    this.pending.set(name, body);
    return this.send(name);
  }

  // Overwrites what is there.
  async insist(name) {
    const { boxes, verified } = this.pending.get(name);
    this.versions.set(name, (await get(`annotation?image=${encodeURIComponent(name)}`)).version);
    return this.put(name, { boxes, verified });
  }

  forget(name) {
    this.pending.delete(name);
    this.keep();
  }

  // What is not written yet stays in the browser.
  keep() {
    if (!this.place) return;
    try {
      if (this.pending.size) localStorage.setItem(this.place, JSON.stringify([...this.pending]));
      else localStorage.removeItem(this.place);
    } catch {
      // A browser that keeps nothing; the page still warns before it is closed.
    }
  }

  async send(name) {
    const sent = this.pending.get(name);
    const body = JSON.stringify(sent);
    this.keep();
    let answer;
    try {
      const response = await fetch(`annotation?image=${encodeURIComponent(name)}`, {
        method: "PUT", headers: { "Content-Type": "application/json" }, body, keepalive: body.length < KEEPALIVE_BYTES,
      });
      answer = { ...(await response.json()), status: response.status };
    } catch {
      answer = { status: 0 };
    }
    const newest = this.pending.get(name) === sent;
    if (answer.status === 200) {
      this.failed = false;
      if (!answer.superseded) this.versions.set(name, answer.version);
      if (newest) {
        this.forget(name);
        this.told({ saved: true, name, answer });
      }
    } else if (newest && answer.status === 409) {
      this.told({ conflict: answer.error, name });
    } else if (newest && answer.status >= 400 && answer.status < 500) {
      this.told({ refused: answer.error, name });
    } else if (newest) {
      this.failed = true;
      this.told({ lost: true });
      clearTimeout(this.timer);
      this.timer = setTimeout(() => [...this.pending.keys()].forEach((key) => this.send(key)), RETRY_MS);
    }
  }
}
