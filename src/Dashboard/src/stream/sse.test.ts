import { describe, expect, test } from 'vitest';
import { type SseEvent, SseParser } from './sse';

const STREAM =
  'event: ready\r\nid: e-7\r\ndata: {"cursor":"e-7"}\r\n\r\n: a comment\n\nid: e-8\ndata: one\ndata:two\n\nevent: ping\n\nretry: 5\rid: e-9\rdata: äöü🐝\r\rdata: [DONE';
const EVENTS: SseEvent[] = [
  { event: 'ready', id: 'e-7', data: '{"cursor":"e-7"}' },
  { event: 'message', id: 'e-8', data: 'one\ntwo' },
  { event: 'ping', id: 'e-8', data: '' },
  { event: 'message', id: 'e-9', data: 'äöü🐝' },
];

describe('the event stream parser', () => {
  test('reads every kind of line end, comments and pings without data', () => {
    expect(new SseParser().push(STREAM)).toEqual(EVENTS);
  });

  test('gives the same events wherever the stream is cut in two or three', () => {
    for (let i = 0; i <= STREAM.length; i++) {
      for (let j = i; j <= STREAM.length; j += 7) {
        const parser = new SseParser();
        expect([...parser.push(STREAM.slice(0, i)), ...parser.push(STREAM.slice(i, j)), ...parser.push(STREAM.slice(j))]).toEqual(EVENTS);
      }
    }
  });

  test('gives the same events character by character', () => {
    const parser = new SseParser();
    expect([...STREAM].flatMap((c) => parser.push(c))).toEqual(EVENTS);
  });

  test('keeps an unfinished event to itself', () => {
    const parser = new SseParser();
    expect(parser.push('data: half')).toEqual([]);
    expect(parser.push(' and half\n')).toEqual([]);
    expect(parser.push('\n')).toEqual([{ event: 'message', id: '', data: 'half and half' }]);
  });

  test('refuses a line without end', () => {
    const parser = new SseParser();
    const piece = 'x'.repeat(1 << 20);
    expect(() => {
      for (let i = 0; i < 20; i++) parser.push(piece);
    }).toThrow('16 MiB');
  });
});
