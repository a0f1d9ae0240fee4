import { afterEach, beforeEach, expect, test, vi } from 'vitest';

let tell: typeof import('./told').tell;
let Told: typeof import('./told').Told;

/** Everything that the live region has said, each sentence once. */
const heard = (passing: () => void): string[] => {
  const all: string[] = [];
  const listen = () => {
    const { role, children } = Told().props as { role: string; children: string };
    expect(role).toBe('status');
    if (children !== '' && all.at(-1) !== children) all.push(children);
  };
  passing();
  for (let second = 0; second < 60; second++) {
    listen();
    vi.advanceTimersByTime(1000);
  }
  return all;
};

beforeEach(async () => {
  vi.useFakeTimers();
  vi.resetModules();
  ({ tell, Told } = await import('./told'));
});

afterEach(() => {
  vi.useRealTimers();
});

test('a sentence is said at once, and of more within ten seconds the last one after them', () => {
  expect(heard(() => tell('1 more waits for you'))).toEqual(['1 more waits for you']);
  expect(
    heard(() => {
      tell('first');
      for (let i = 2; i <= 30; i++) tell(`number ${i}`);
    }),
  ).toEqual(['first', 'number 30']);
});

test('no two sentences are said within ten seconds', () => {
  const at: number[] = [];
  let before = '';
  for (let ms = 0; ms < 60_000; ms += 500) {
    tell(`after ${ms} ms`);
    const said = (Told().props as { children: string }).children;
    if (said !== before) at.push(Date.now());
    before = said;
    vi.advanceTimersByTime(500);
  }
  expect(at.length).toBeGreaterThan(4);
  for (const [i, when] of at.entries()) expect(when - (at[i - 1] ?? 0)).toBeGreaterThanOrEqual(10_000);
});
