import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import { focusDrawn } from './focus';

/** An element; <box>: it takes text. */
const element = (box = false) => ({
  matches: (selector: string) => box && selector.includes('textarea'),
  focus: vi.fn(),
});

let frame: () => void;

const focus = (activeElement: ReturnType<typeof element>) => vi.stubGlobal('document', { activeElement });

beforeEach(() =>
  vi.stubGlobal('requestAnimationFrame', (run: () => void) => {
    frame = run;
  }),
);

afterEach(() => {
  vi.unstubAllGlobals();
});

const moved = (then: ReturnType<typeof element>, at: ReturnType<typeof element>): boolean => {
  const row = element();
  focus(then);
  focusDrawn(() => row as unknown as HTMLElement);
  focus(at);
  frame();
  return row.focus.mock.calls.length > 0;
};

test('a box that was opened before the row is drawn keeps the focus', () => {
  const box = element(true);
  expect(moved(element(), box)).toBe(false);
  expect(moved(box, element(true))).toBe(false);
  expect(moved(box, box)).toBe(true);
  expect(moved(element(), element())).toBe(true);
});
