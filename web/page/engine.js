// The engine behind the page: a WebSocket to the server, or a worker with the engine in WebAssembly. Both answer one request
// after another: binary messages first, then one text.
import { fromText, unpack } from "./unpack.js";

/**
 * @typedef {{answer: any, parts: ArrayBuffer[]}} Reply
 * @typedef {{ask: (request: Record<string, any>) => Promise<Reply>, close: () => void, kind: "native" | "wasm"}} Engine
 */

/** Keeps the order of requests and answers. @param {(text: string) => void} send */
function conversation(send) {
  let next = 1;
  /** @type {Map<number, {resolve: (reply: Reply) => void, reject: (fault: Error) => void}>} */
  const open = new Map();
  /** @type {ArrayBuffer[]} */
  let parts = [];
  /** @type {Error | null} */
  let ended = null;
  return {
    /** @param {Record<string, any>} request @returns {Promise<Reply>} */
    ask(request) {
      if (ended) return Promise.reject(ended);
      const id = next;
      next += 1;
      return new Promise((resolve, reject) => {
        open.set(id, { resolve, reject });
        send(JSON.stringify({ id, ...request }));
      });
    },
    /** @param {string | ArrayBuffer} message */
    take(message) {
      if (typeof message !== "string") {
        parts.push(message);
        return;
      }
      const answer = JSON.parse(message);
      const waiting = open.get(answer.id);
      const own = parts;
      parts = [];
      if (!waiting) return;
      open.delete(answer.id);
      if (answer.is === "error") waiting.reject(new Error(answer.message));
      else waiting.resolve({ answer, parts: own });
    },
    /** @param {Error} fault */
    end(fault) {
      ended = fault;
      for (const waiting of open.values()) waiting.reject(fault);
      open.clear();
    },
  };
}

/** @param {string} stopped words when it ends @returns {Promise<Engine>} */
export function nativeEngine(stopped) {
  return new Promise((resolve, reject) => {
    const socket = new WebSocket(`ws://${location.host}/session`);
    socket.binaryType = "arraybuffer";
    const talk = conversation((text) => socket.send(text));
    socket.onmessage = (event) => talk.take(event.data);
    socket.onclose = () => {
      talk.end(new Error(stopped));
      reject(new Error(stopped));
    };
    socket.onopen = () => resolve({ kind: "native", ask: talk.ask, close: () => socket.close() });
  });
}

/** What runs inside the worker; its text is the worker's source. */
function worker() {
  /** @type {any} */
  let engine = null;
  let page = 0;
  const bytes = (/** @type {number} */ place, /** @type {number} */ length) => new Uint8Array(engine.memory.buffer, place, length);
  const lastWords = () => new TextDecoder().decode(bytes(engine.calcisim_error_ptr(), engine.calcisim_error_len()).slice());
  const ask = (/** @type {string} */ text) => {
    const written = new TextEncoder().encode(text);
    const place = engine.calcisim_alloc(written.length);
    bytes(place, written.length).set(written);
    const count = engine.calcisim_ask(page, place, written.length);
    engine.calcisim_free(place, written.length);
    if (count < 0) throw new Error(lastWords());
    for (let i = 0; i < count; i += 1) {
      const length = engine.calcisim_message_len(page, i);
      const message = bytes(engine.calcisim_message(page, i), Math.abs(length)).slice();
      if (length < 0) postMessage(new TextDecoder().decode(message));
      else postMessage(message.buffer, { transfer: [message.buffer] });
    }
  };
  onmessage = async (event) => {
    try {
      if (event.data instanceof WebAssembly.Module) {
        engine = (await WebAssembly.instantiate(event.data, {})).exports;
        page = engine.calcisim_page();
        postMessage("ready");
      } else {
        ask(event.data);
      }
    } catch (fault) {
      let words = String(fault);
      try { words = lastWords() || words; } catch { /* the memory may be gone */ }
      postMessage({ fault: words });
    }
  };
}

/** @type {Promise<WebAssembly.Module> | null} */
let compiled = null;

/** The engine inside the page: LZMA as a text. @param {string} packed @returns {Promise<WebAssembly.Module>} */
function compile(packed) {
  compiled ??= WebAssembly.compile(unpack(fromText(packed)));
  return compiled;
}

/** @param {string} packed @param {string} stopped @returns {Promise<Engine>} */
export async function wasmEngine(packed, stopped) {
  const module = await compile(packed);
  const source = new Blob([`(${worker.toString()})()`], { type: "text/javascript" });
  const address = URL.createObjectURL(source);
  const thread = new Worker(address);
  URL.revokeObjectURL(address);
  const talk = conversation((text) => thread.postMessage(text));
  return new Promise((resolve, reject) => {
    const end = (/** @type {string} */ words) => {
      const fault = new Error(words ? `${stopped} (${words})` : stopped);
      talk.end(fault);
      reject(fault);
    };
    thread.onerror = (event) => end(event.message);
    thread.onmessage = (event) => {
      if (event.data === "ready") resolve({ kind: "wasm", ask: talk.ask, close: () => thread.terminate() });
      else if (event.data?.fault) end(event.data.fault);
      else talk.take(event.data);
    };
    thread.postMessage(module);
  });
}
