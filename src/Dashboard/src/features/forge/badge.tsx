import type { Agent } from '../../api/types';
import { Link } from '../../ui/link';
import { linkTo, placeOf } from './place';
import { forge } from './store';

/** An agent's forge account, and whether its repository is behind, on its row. */
export function ForgeBadge({ agent: { name } }: { agent: Agent }) {
  const place = placeOf(forge.now.value, name);
  if (place === null) return null;
  const { account, repository } = place;
  const href = linkTo(account?.url);
  const wrong = account?.error ?? null;
  return (
    <>
      {account?.has_token === true && href !== null ? (
        <a
          class="badge info jump"
          href={href}
          target="_blank"
          rel="noopener noreferrer"
          title={`The forge account of ${name}, in a new window`}
        >
          forge:{name}
        </a>
      ) : (
        <Jump
          tone={wrong === null ? 'dim' : 'bad'}
          text="no forge account"
          words={
            wrong === null ? `${name} has no account on the forge yet` : `${name} has no account on the forge: ${wrong}`
          }
        />
      )}
      {repository?.behind === true ? (
        <Jump
          tone={repository.error == null ? 'warn' : 'bad'}
          text={repository.error == null ? 'forge: behind' : 'forge: push failed'}
          words={
            repository.error == null
              ? `The applied configuration of ${name} is not on the forge yet`
              : `The applied configuration of ${name} could not be pushed: ${repository.error}`
          }
        />
      ) : null}
    </>
  );
}

function Jump({ tone, text, words }: { tone: string; text: string; words: string }) {
  return (
    <Link to="/system#forge" class={`badge ${tone} jump`} label={`${text}: ${words}`} hint={words}>
      {text}
    </Link>
  );
}
