import { expect, test } from 'vitest';
import { nearAddress } from './near';

const known = ['/', '/waiting', '/agents', '/messages', '/changes', '/stats', '/system', '/settings'];

test.each([
  ['/agent/alice', '/agents/alice'],
  ['/message/3', '/messages/3'],
  ['/agnets/alice/turns/4', '/agents/alice/turns/4'],
  ['/Waiting', '/waiting'],
  ['/something-else/3', null],
])('the address %s most likely means %s', (path, meant) => {
  expect(nearAddress(path, known)).toBe(meant);
});
