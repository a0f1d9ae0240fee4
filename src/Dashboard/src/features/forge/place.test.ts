import { describe, expect, it } from 'vitest';
import type { Forge } from '../../api/types';
import { byWorry, linkTo, placeOf, without } from './place';

const forge = (rest: Partial<Forge>): Forge => ({ mode: 'http', state: 'up', accounts: [], repositories: [], ...rest });

describe('the forge', () => {
  it('has no place for anybody while it is off or unknown', () => {
    expect(placeOf(null, 'alice')).toBeNull();
    expect(placeOf(forge({ state: 'off' }), 'alice')).toBeNull();
  });

  it('finds an agent by its name, and its repository by the agent', () => {
    const account = { agent: 'alice', has_token: true };
    const repository = { name: 'agents/alice', agent: 'alice', behind: false, attempts: 0 };
    expect(
      placeOf(
        forge({ accounts: [account], repositories: [{ name: 'core/meta', behind: true, attempts: 0 }, repository] }),
        'alice',
      ),
    ).toEqual({ account, repository });
    expect(placeOf(forge({}), 'alice')).toEqual({ account: null, repository: null });
  });

  it('puts what failed first, then what is behind, and keeps the order of the rest', () => {
    const names = [
      { name: 'a', behind: false, attempts: 0 },
      { name: 'b', behind: true, attempts: 0 },
      { name: 'c', behind: false, attempts: 0 },
      { name: 'd', behind: true, attempts: 1, error: 'declined' },
    ]
      .toSorted(byWorry)
      .map(({ name }) => name);
    expect(names).toEqual(['d', 'b', 'a', 'c']);
  });

  it('counts as without a token whose making has failed, not who has yet to get one', () => {
    const accounts = [
      { agent: 'a', has_token: true },
      { agent: 'b', has_token: false },
      { agent: 'c', has_token: false, error: 'reserved' },
    ];
    expect(without(forge({ accounts })).map(({ agent }) => agent)).toEqual(['c']);
  });

  it('takes nothing for a link but what a browser fetches as a page', () => {
    expect(linkTo('https://forge/alice')).toBe('https://forge/alice');
    expect([null, undefined, '', 'javascript:alert(1)', 'data:text/html,x', '//forge'].map(linkTo)).toEqual([
      null,
      null,
      null,
      null,
      null,
      null,
    ]);
  });
});
