import { parseCursor } from '../stream/cursor';
import { FakeKeys } from './fake-crypto';

/** A stand-in for the host's stream in tests: a ring of events behind `fetch`, with the connections it holds. */
export class FakeHost {
  epoch = 'a';
  seq = 0;
  version = '1';
  status = 200;
  readonly keys = new FakeKeys();
  /** Another program in its place: it answers everything, and knows no key. */
  stranger = false;
  /** The requests that the other program received. */
  readonly stolen: string[] = [];
  readonly opened: string[] = [];
  #ring: { id: string; data: string }[] = [];
  #open = new Set<ReadableStreamDefaultController<Uint8Array>>();

  readonly fetch = async (input: string | URL | Request, init?: RequestInit): Promise<Response> => {
    init?.signal?.throwIfAborted();
    if (this.status === 0) throw new TypeError('fetch failed');
    const headers = new Headers(init?.headers);
    if (this.stranger) {
      this.stolen.push(JSON.stringify([String(input), [...headers], init?.body]));
      return new Response('{"known":true,"run":"mine","proof":"a guess"}');
    }
    if (String(input) === '/api/session/proof') return this.keys.prove(String(init?.body));
    if (this.keys.keyIn(init) === null) return new Response('{"detail":"sign in"}', { status: 401 });
    if (this.status !== 200)
      return new Response(JSON.stringify({ detail: `status ${this.status}` }), { status: this.status });
    const cursor =
      headers.get('Last-Event-ID') ?? new URL(String(input), 'http://host').searchParams.get('cursor') ?? '';
    this.opened.push(cursor);
    let mine: ReadableStreamDefaultController<Uint8Array> | undefined;
    const body = new ReadableStream<Uint8Array>({
      start: (controller) => {
        mine = controller;
        this.#open.add(controller);
        this.#write(
          controller,
          `event: ready\nid: ${this.cursor}\ndata: {"cursor":"${this.cursor}","hive_version":"${this.version}"}\n\n`,
        );
        const from = parseCursor(cursor);
        if (from?.epoch !== this.epoch)
          this.#write(controller, `event: resync\nid: ${this.cursor}\ndata: {"cursor":"${this.cursor}"}\n\n`);
        else
          for (const e of this.#ring) if ((parseCursor(e.id)?.seq ?? 0) > from.seq) this.#write(controller, frame(e));
      },
      cancel: () => void (mine && this.#open.delete(mine)),
    });
    init?.signal?.addEventListener('abort', () => {
      if (mine !== undefined && this.#open.delete(mine)) mine.error(new DOMException('aborted', 'AbortError'));
    });
    return new Response(body, { status: 200 });
  };

  get cursor(): string {
    return `${this.epoch}-${this.seq}`;
  }

  get connections(): number {
    return this.#open.size;
  }

  emit(event: object = {}): string {
    const id = `${this.epoch}-${++this.seq}`;
    const e = { id, data: JSON.stringify({ seq: this.seq, ...event }) };
    this.#ring.push(e);
    for (const controller of this.#open) this.#write(controller, frame(e));
    return id;
  }

  ping(): void {
    for (const controller of this.#open) this.#write(controller, 'event: ping\ndata: {}\n\n');
  }

  /** Breaks every connection off. */
  drop(): void {
    for (const controller of this.#open) controller.error(new TypeError('network error'));
    this.#open.clear();
  }

  /** A new process, which does not know earlier events. */
  restart(): void {
    this.drop();
    this.keys.run += 'x';
    this.epoch += 'x';
    this.seq = 0;
    this.#ring = [];
  }

  #write(controller: ReadableStreamDefaultController<Uint8Array>, text: string): void {
    controller.enqueue(new TextEncoder().encode(text));
  }
}

const frame = (e: { id: string; data: string }) => `id: ${e.id}\ndata: ${e.data}\n\n`;
