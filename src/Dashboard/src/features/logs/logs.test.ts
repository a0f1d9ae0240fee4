import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest';
import { Refusal } from '../../api/refusal';
import { EVERY_MS, LINES, LogFollow, MOST_LINES } from './follow';
import { chunks, emptyTail, withNewest } from './tail';

describe('the newest lines', () => {
  const after = (...reads: string[]) =>
    reads.map((read) => [...read]).reduce((tail, lines) => withNewest(tail, lines), emptyTail);

  test.each([
    [['abc', 'bcd'], 1],
    [['abc', 'abc'], 0],
    [['ab', 'abcd'], 0],
    [['abc', 'def'], 3],
    [['abc', ''], 3],
    [['', 'abc'], 0],
    [['aab', 'abc'], 1],
    [['abab', 'ababab'], 0],
    [['aaaa', 'aaaa'], 0],
    [['xabab', 'ababc'], 1],
    [['abcde', 'de'], 3],
    [['abc', 'bcd', 'def'], 3],
  ])('%j: the first stands at place %i', (reads, first) => {
    const tail = after(...reads);
    expect(tail.first).toBe(first);
    expect(tail.lines.join('')).toBe(reads.at(-1));
  });

  test('are cut into chunks whose borders stay with their lines', () => {
    expect(chunks({ first: 3, lines: [...'defgh'] }, 4)).toEqual([
      { number: 0, text: 'd' },
      { number: 1, text: 'e\nf\ng\nh' },
    ]);
    const before = chunks({ first: 0, lines: Array.from({ length: 5000 }, (_, i) => `line ${i}`) }, 100);
    const then = chunks({ first: 7, lines: Array.from({ length: 5000 }, (_, i) => `line ${i + 7}`) }, 100);
    expect(
      then.filter((chunk) => before.some((old) => old.number === chunk.number && old.text === chunk.text)),
    ).toHaveLength(49);
    expect(chunks(emptyTail, 100)).toEqual([]);
  });

  test('of the longest log are merged in linear time', () => {
    const lines = Array.from({ length: MOST_LINES }, (_, i) => (i % 3 === 0 ? 'tick' : `turn ${i % 7}`));
    expect(withNewest({ first: 0, lines }, lines)).toEqual({ first: 0, lines });
  });
});

describe('following', () => {
  let visible: boolean;
  let lines: string[];
  let asked: number[];
  let fail: Error | null;
  let follow: LogFollow;

  beforeEach(() => {
    vi.useFakeTimers();
    [visible, lines, asked, fail] = [true, ['one'], [], null];
    follow = new LogFollow(
      async (wanted) => {
        asked.push(wanted);
        if (fail !== null) throw fail;
        return [...lines];
      },
      () => visible,
    );
  });
  afterEach(() => {
    follow.stop();
    vi.useRealTimers();
  });
  const wait = (ms = EVERY_MS) => vi.advanceTimersByTimeAsync(ms);
  const shown = () => follow.tail.value?.lines;

  test('reads again and again', async () => {
    await follow.read();
    lines.push('two');
    await wait();
    expect(shown()).toEqual(['one', 'two']);
    await wait();
    expect(asked).toEqual([LINES, LINES, LINES]);
  });

  test('pauses while the reader scrolls back, and resumes at once', async () => {
    await follow.read();
    follow.follow(false);
    lines.push('two');
    await wait(60_000);
    expect(asked).toHaveLength(1);
    follow.follow(true);
    await wait(0);
    expect(shown()).toEqual(['one', 'two']);
  });

  test('an answer after scrolling back moves nothing, requested older lines do', async () => {
    await follow.read();
    lines = ['two'];
    const late = follow.read();
    follow.follow(false);
    await late;
    expect(shown()).toEqual(['one']);
    expect(follow.reading.value).toBe(false);
    follow.follow(true);
    await wait(0);
    lines = ['one', 'two'];
    const older = follow.more();
    follow.follow(false);
    await older;
    expect(shown()).toEqual(['one', 'two']);
    expect(asked.at(-1)).toBe(MOST_LINES);
  });

  test('pauses while the page is hidden', async () => {
    await follow.read();
    visible = false;
    follow.shown();
    await wait(60_000);
    expect(asked).toHaveLength(1);
    visible = true;
    follow.shown();
    await wait(0);
    expect(asked).toHaveLength(2);
  });

  test('keeps its lines when a read fails, and retries with growing pauses', async () => {
    await follow.read();
    fail = new Refusal('no', 503, 'unavailable');
    await wait();
    expect(follow.error.value).toBe('no');
    expect(shown()).toEqual(['one']);
    await wait(2 * EVERY_MS);
    await wait(4 * EVERY_MS - 1);
    expect(asked).toHaveLength(3);
    fail = null;
    await wait(1);
    expect(follow.error.value).toBeNull();
    await wait();
    expect(asked).toHaveLength(5);
  });

  test('ends with the agent, until a new read', async () => {
    fail = new Refusal('there is no agent', 404, 'not_found');
    await follow.read();
    expect(follow.over.value).toBe(true);
    await wait(60_000);
    follow.shown();
    expect(asked).toHaveLength(1);
    fail = null;
    await follow.read();
    expect(follow.over.value).toBe(false);
    expect(shown()).toEqual(['one']);
  });

  test('nothing is read after the end', async () => {
    await follow.read();
    follow.stop();
    await follow.read();
    await wait(60_000);
    expect(asked).toHaveLength(1);
  });
});
