import { beforeEach, expect, test } from 'vitest';
import { drafts } from '../../ui/draft';
import { address, recipient, toOf, write } from './recipient';

const isName = (name: string) => ['*', 'alice', 'bob'].includes(name);

beforeEach(() => {
  for (const name of ['alice', 'bob', '*']) drafts.keep(toOf(name), '');
  address('bob');
});

test('a name at the start becomes the recipient once a blank follows it', () => {
  write('@ali', isName);
  expect([recipient.value, drafts.of('to:bob')]).toEqual(['bob', '@ali']);
  write('@alice ', isName);
  expect([recipient.value, drafts.of('to:alice'), drafts.of('to:bob')]).toEqual(['alice', '', '']);
  write('@* all of you', isName);
  expect([recipient.value, drafts.of('to:*')]).toEqual(['*', 'all of you']);
});

test('an unknown name stays text, and a draft for the new recipient is not lost', () => {
  write('@alicia hello', isName);
  expect([recipient.value, drafts.of('to:bob')]).toEqual(['bob', '@alicia hello']);
  drafts.keep('to:alice', 'begun before');
  write('@alice and more', isName);
  expect([recipient.value, drafts.of('to:alice')]).toEqual(['alice', 'begun before\nand more']);
});
