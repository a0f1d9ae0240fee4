import { expect, test } from 'vitest';
import { Part } from './part';

test('a part is fetched once, and again only on request after a failure', async () => {
  let fetched = 0;
  let there = false;
  const part = new Part(async () => {
    fetched++;
    if (!there) throw new TypeError('not there');
    return 'code';
  });
  await part.fetch();
  expect([part.code.value, part.missing.value, fetched]).toEqual([null, true, 1]);
  there = true;
  await Promise.all([part.fetch(), part.fetch()]);
  await part.fetch();
  expect([part.code.value, part.missing.value, fetched]).toEqual(['code', false, 2]);
});
