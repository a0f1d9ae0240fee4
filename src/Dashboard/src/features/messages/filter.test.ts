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
  ['?since=7d', { since: '7d' }],
  [
    '?since=2026-05-01T14:00:00%2B02:00&until=2026-05-02T00:00:00Z',
    { since: '2026-05-01T12:00:00.000Z', until: '2026-05-02T00:00:00.000Z' },
  ],
  ['?since=2026-05-01&until=1h', {}],
  ['?since=2026-99-01T00:00:00Z&until=%00', {}],
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
  [{ since: AT }, {}, true],
  [{ since: '2026-05-01T12:00:00.001Z' }, {}, false],
  [{ until: AT }, {}, false],
  [{ since: '1h' }, {}, true],
  [{ since: '1h' }, { sent_at: '2026-05-01T11:29:59.000Z' }, false],
  [{ since: '7d' }, { sent_at: '2026-04-24T12:31:00.000Z' }, true],
])('%j of %j', (filter, rest, expected) =>
  expect(matches(filter, message(rest), new Date('2026-05-01T12:30:00Z'))).toBe(expected),
);

test('the host is asked for all of a principal, of which the page shows what is to it', () => {
  expect(askedFor({ to: 'operator', state: 'unread' })).toEqual({ agent: 'operator', state: 'unread' });
  expect(askedFor({ agent: 'alice', with: 'bob' })).toEqual({ agent: 'alice', with: 'bob' });
});

test('a time that is counted back becomes an instant when the host is asked', () => {
  const now = new Date(2026, 4, 1, 12, 30);
  expect(askedFor({ since: 'today' }, now)).toEqual({ since: new Date(2026, 4, 1).toISOString() });
  expect(askedFor({ since: '1h', until: AT }, now)).toEqual({
    since: new Date(2026, 4, 1, 11, 30).toISOString(),
    until: AT,
  });
});
