export interface SseEvent {
  event: string;
  id: string;
  data: string;
}

const MAX_PENDING = 16 * 1024 * 1024;

/** Turns the text of an event stream, however it is cut into chunks, into events (WHATWG HTML, section 9.2.6). */
export class SseParser {
  #rest = '';
  #afterCr = false;
  #event = '';
  #data: string[] = [];
  #id = '';
  #begun = false;

  push(chunk: string): SseEvent[] {
    const events: SseEvent[] = [];
    let text = chunk;
    if (!this.#begun && text !== '') {
      this.#begun = true;
      if (text.startsWith('\uFEFF')) text = text.slice(1);
    }
    // A CR at the end of one chunk and the LF that opens the next are one line end.
    if (this.#afterCr && text !== '') {
      this.#afterCr = false;
      if (text.startsWith('\n')) text = text.slice(1);
    }
    text = this.#rest + text;
    let start = 0;
    // What was left over holds no line end, so the search may begin behind it.
    for (let at = this.#rest.length; at < text.length; at++) {
      const c = text.charCodeAt(at);
      if (c !== 10 && c !== 13) continue;
      this.#line(text.slice(start, at), events);
      if (c === 13) {
        if (at + 1 === text.length) this.#afterCr = true;
        else if (text.charCodeAt(at + 1) === 10) at++;
      }
      start = at + 1;
    }
    this.#rest = text.slice(start);
    if (this.#rest.length > MAX_PENDING) throw new Error('a line of the stream is longer than 16 MiB');
    return events;
  }

  #line(line: string, events: SseEvent[]): void {
    if (line === '') {
      // An event without data is dropped by the standard; Hive's pings may come so, and they count.
      if (this.#data.length > 0 || this.#event !== '')
        events.push({ event: this.#event === '' ? 'message' : this.#event, id: this.#id, data: this.#data.join('\n') });
      this.#event = '';
      this.#data = [];
      return;
    }
    const colon = line.indexOf(':');
    if (colon === 0) return;
    const field = colon < 0 ? line : line.slice(0, colon);
    const value = colon < 0 ? '' : line.slice(line.charAt(colon + 1) === ' ' ? colon + 2 : colon + 1);
    if (field === 'event') this.#event = value;
    else if (field === 'data') this.#data.push(value);
    else if (field === 'id' && !value.includes('\0')) this.#id = value;
  }
}
