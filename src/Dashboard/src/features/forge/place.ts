import type { Forge, ForgeAccount, ForgeRepository } from '../../api/types';

/** An agent's account and repository on the forge; null while there is no forge. */
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

/** Failed ones first, then those behind, then the rest in their order. */
export function byWorry(a: ForgeRepository, b: ForgeRepository): number {
  return worry(b) - worry(a);
}

const worry = (repository: ForgeRepository) => (repository.error != null ? 2 : 0) + Number(repository.behind);

/** Accounts without a token for a known reason. */
export const without = (forge: Forge): readonly ForgeAccount[] =>
  forge.accounts.filter(({ has_token, error }) => !has_token && error != null);

/** An http address; any other text is not a link. */
export const linkTo = (url: string | null | undefined): string | null =>
  url != null && /^https?:\/\//.test(url) ? url : null;
