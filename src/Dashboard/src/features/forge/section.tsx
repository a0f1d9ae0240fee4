import { api } from '../../api/client';
import type { Forge, ForgeAccount, ForgeRepository } from '../../api/types';
import { ActionButton } from '../../ui/action-button';
import { useBounded } from '../../ui/bounded';
import { Age, Until } from '../../ui/clock';
import { Section } from '../../ui/section';
import { byWorry, linkTo, without } from './place';
import { forge as store } from './store';

const STEP = 12;

/** The git forge: its state, its repositories, and their errors. */
export function ForgeSection() {
  const now = store.now.value;
  const on = now !== null && now.state !== 'off';
  return (
    <Section feature="forge" id="forge" title="F0RG3" plain="Forge" aside={on ? <Aside forge={now} /> : null}>
      {on ? <Content forge={now} /> : <p class="empty">The forge is off{now?.note == null ? '' : `: ${now.note}`}.</p>}
    </Section>
  );
}

function Aside({ forge }: { forge: Forge }) {
  const failed = forge.repositories.filter(({ error }) => error != null).length + without(forge).length;
  const behind = forge.repositories.filter((repository) => repository.behind).length;
  const worried = forge.state === 'down' || failed > 0 || behind > 0;
  return (
    <span class="counts">
      {behind > 0 ? <span class="count bad">{behind} behind</span> : null}
      <span class="count">
        {forge.repositories.length - behind}/{forge.repositories.length} pushed
      </span>
      <ActionButton
        tone={worried ? 'warn' : 'info'}
        action={{
          id: 'sync forge',
          label: worried ? '↻ R3TRY' : '↻ SYNC',
          of: worried
            ? 'what failed on the forge, and check everything else'
            : 'what is not on the forge, and check the rest',
          run: () => api.POST('/api/forge/sync'),
        }}
      />
    </span>
  );
}

function Content({ forge }: { forge: Forge }) {
  const { shown, more } = useBounded(forge.repositories.toSorted(byWorry), STEP);
  return (
    <div class="rows">
      <div class="line forge-state">
        <State forge={forge} />
        <Link url={forge.url} text={forge.url ?? ''} />
        {forge.mode === 'nixos' ? <span class="badge dim">hive-forge</span> : null}
        {forge.next_attempt_at == null ? null : (
          <span class="dim since">
            <Until at={forge.next_attempt_at} ahead={(left) => `retried in ${left}`} past={() => 'retrying now'} />
          </span>
        )}
      </div>
      {forge.note == null ? null : <p class="note bad">{forge.note}</p>}
      <ul>
        {without(forge).map((account) => (
          <Without key={account.agent} account={account} />
        ))}
        {shown.map((repository) => (
          <Row key={repository.name} repository={repository} />
        ))}
      </ul>
      {more}
    </div>
  );
}

function State({ forge: { state } }: { forge: Forge }) {
  if (state === 'up') return <span class="badge good">● answers</span>;
  return state === 'down' ? (
    <span class="badge bad">✗ not working</span>
  ) : (
    <span class="badge dim">◌ not checked yet</span>
  );
}

function Without({ account: { agent, error } }: { account: ForgeAccount }) {
  return (
    <li class="row forge-row failed" data-account={agent}>
      <span class="name">{agent}</span>
      <span class="badge bad">✗ no token</span>
      <span class="wrong">{error}</span>
    </li>
  );
}

function Row({ repository: { name, head, pushed_at, behind, url, error, attempts } }: { repository: ForgeRepository }) {
  return (
    <li class={`row forge-row ${error != null ? 'failed' : behind ? 'pending' : ''}`} data-repository={name}>
      <span class="name">
        <Link url={url} text={name} />
      </span>
      {error != null ? (
        <span class="badge bad">✗ failed {attempts}×</span>
      ) : behind ? (
        <span class="badge warn">behind</span>
      ) : null}
      {head == null ? null : <span class="badge dim">{head}</span>}
      <span class="dim since">{pushed_at == null ? 'not pushed yet' : <Pushed at={pushed_at} />}</span>
      {error == null ? null : <span class="wrong">{error}</span>}
    </li>
  );
}

function Pushed({ at }: { at: string }) {
  return (
    <>
      pushed <Age at={at} /> ago
    </>
  );
}

function Link({ url, text }: { url: string | null | undefined; text: string }) {
  const href = linkTo(url);
  return href === null ? (
    <span>{text}</span>
  ) : (
    <a href={href} target="_blank" rel="noopener noreferrer">
      {text}
    </a>
  );
}
