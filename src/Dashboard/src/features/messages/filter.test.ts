import { expect, test } from 'vitest';
import type { Message } from '../../api/types';
import { askedFor, type Filter, filterOf, matches } from './filter';

const AT = '2026-05-01T12:00:00.000Z';
const message = (rest: Partial<Message> = {}): Message =>
  ({
    id: 1,
    from: 'alice',
    to: 'bob',
    body: 'The parser is 100% done',
    sent_at: AT,
    file_refs: [],
    ...rest,
  }) as Message;

test.each<[string, Filter]>([
  ['', {}],
  ['?q=%20parser%20&agent=alice&with=bob', { q: 'parser', agent: 'alice', with: 'bob' }],
  ['?with=bob', {}],
  ['?kind=agents&state=parked', { kind: 'agents', state: 'parked' }],
  ['?kind=none&state=%00&q=%20', {}],
  ['?to=operator&state=unread', { to: 'operator', state: 'unread' }],
])('the address %s', (query, filter) => expect(filterOf(new URLSearchParams(query))).toEqual(filter));

test.each<[Filter, Partial<Message>, boolean]>([
  [{}, {}, true],
  [{ q: 'PARSER done' }, {}, true],
  [{ q: '100%' }, {}, true],
  [{ q: 'parser gone' }, {}, false],
  [{ q: 'arser' }, {}, false],
  [{ q: 'pars' }, {}, true],
  [{ q: '% "' }, {}, false],
  [{ agent: 'bob' }, {}, true],
  [{ agent: 'carol' }, {}, false],
  [{ agent: 'bob', with: 'alice' }, {}, true],
  [{ agent: 'bob', with: 'carol' }, {}, false],
  [{ kind: 'agents' }, {}, true],
  [{ kind: 'operator' }, { to: 'operator' }, true],
  [{ kind: 'system' }, { from: 'system', to: 'operator' }, true],
  [{ kind: 'reminders' }, { from: 'reminder' }, true],
  [{ state: 'unread' }, {}, true],
  [{ state: 'unread' }, { delivered_at: AT }, false],
  [{ state: 'unread' }, { acked_at: AT }, false],
  [{ state: 'parked' }, { parked_at: AT }, true],
  [{ state: 'parked' }, { parked_at: AT, acked_at: AT }, false],
  [{ to: 'operator' }, { from: 'operator' }, false],
])('%j of %j', (filter, rest, expected) => expect(matches(filter, message(rest))).toBe(expected));

test('the host is asked for all of a principal, of which the page shows what is to it', () => {
  expect(askedFor({ to: 'operator', state: 'unread' })).toEqual({ agent: 'operator', state: 'unread' });
  expect(askedFor({ agent: 'alice', with: 'bob' })).toEqual({ agent: 'alice', with: 'bob' });
});
