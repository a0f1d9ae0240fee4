import type { Forge, ForgeAccount, ForgeRepository } from '../../api/types';

/** What is shown of one agent's place on the forge; nothing while there is no forge. */
export interface Place {
  account: ForgeAccount | null;
  repository: ForgeRepository | null;
}

export function placeOf(forge: Forge | null, agent: string): Place | null {
  if (forge === null || forge.state === 'off') return null;
  return {
    account: forge.accounts.find((account) => account.agent === agent) ?? null,
    repository: forge.repositories.find((repository) => repository.agent === agent) ?? null,
  };
}

/** What has failed comes first, then what is behind, then the rest as it came. */
export function byWorry(a: ForgeRepository, b: ForgeRepository): number {
  return worry(b) - worry(a);
}

const worry = (repository: ForgeRepository) => (repository.error != null ? 2 : 0) + Number(repository.behind);

/** Agents that have no token, with the reason where one was found out. */
export const without = (forge: Forge): readonly ForgeAccount[] =>
  forge.accounts.filter(({ has_token, error }) => !has_token && error != null);

/** An address that a click may open: whatever else stands there is no link. */
export const linkTo = (url: string | null | undefined): string | null =>
  url != null && /^https?:\/\//.test(url) ? url : null;
