// What the viewer's server knows, asked for over loopback.

import { parseJson } from "./parsing.js";

const PATIENCE_MS = 20_000;

class SourceError extends Error {
  constructor(message, isGone) {
    super(message);
    this.isGone = isGone;
  }
}

async function fetchAnswer(path) {
  try {
    const answer = await fetch(path, { signal: AbortSignal.timeout(PATIENCE_MS) });
    return [answer.status, await answer.text()];
  } catch {
    throw new SourceError("The viewer does not answer.", true);
  }
}

async function ask(path, read = parseJson) {
  const [status, text] = await fetchAnswer(path);
  if (status === 404) return null;
  try {
    if (status === 200) return read(text);
  } catch {
    throw new SourceError("The viewer's answer is not readable JSON.", false);
  }
  throw new SourceError(`The viewer answered with HTTP status ${status}.`, false);
}

// Answers with the very object it did before, as long as the text is the same.
function rememberLast(read) {
  let last = { text: null, value: null };
  return (text) => {
    if (text !== last.text) last = { text, value: read(text) };
    return last.value;
  };
}

function writeStory(otelTraceId, messageId, form = "") {
  const query = messageId ? `?${new URLSearchParams({ message: messageId })}` : "";
  return `/api/stories/${otelTraceId}${form}${query}`;
}

class Server {
  isLive = true;
  #readStory = rememberLast(parseJson);

  async findMessages({ state, query, offset, limit }) {
    const words = new URLSearchParams({ query, state, offset, limit });
    return (await ask(`/api/messages?${words}`)) ?? { messages: [], total: 0, counts: {} };
  }

  findStory(otelTraceId, messageId) {
    return ask(writeStory(otelTraceId, messageId), this.#readStory);
  }

  findPlace(id) {
    return ask(`/api/find?${new URLSearchParams({ id })}`);
  }

  listDownloads(otelTraceId, messageId) {
    return [
      ["Perfetto", writeStory(otelTraceId, messageId, "/perfetto")],
      ["HTML", writeStory(otelTraceId, messageId, "/page")],
    ];
  }
}

export { Server };
