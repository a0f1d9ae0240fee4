import { ActionButton } from '../../ui/action-button';
import { activityOf } from '../../ui/activity';
import { DraftMark } from '../../ui/draft-mark';
import { Link } from '../../ui/link';
import { memo } from '../../ui/memo';
import { openMenu } from '../../ui/menu';
import { counted } from '../../ui/text/figures';
import { actionsOf, MutedMark, Pending, pauseOrResume, State, showLog, verbAction, verbsOf } from '../containers';
import { toOf } from '../messages';
import type { Item, Line } from './roster';

/** The first actions of a row: at its end while the pointer or the keyboard is on it. */
function Quick({ line: { agent, transient }, current }: { line: Line; current: boolean }) {
  if (agent === null) return null;
  const verb = transient === undefined ? verbsOf(agent, transient).atHand[0] : undefined;
  return (
    <span class="quick">
      <ActionButton action={pauseOrResume(agent)} stop={current} />
      {agent.runtime === 'external' ? null : <ActionButton action={showLog(agent.name)} stop={current} />}
      {verb === undefined || verb === 'rebuild' ? null : (
        <ActionButton action={verbAction(verb, agent)} stop={current} />
      )}
    </span>
  );
}

/** Opens the menu of a line. */
export function openLineMenu({ name, agent, transient }: Line, at: HTMLElement): void {
  if (agent !== null) openMenu(`What can be done with ${name}`, actionsOf(agent, transient), at);
}

/** One agent: a line of cells. */
export const Row = memo(
  function Row({ line, current }: { line: Line; current: boolean }) {
    const { name, agent, transient, doing, cost } = line;
    if (agent === null)
      return (
        <div class="cells" data-coming={name}>
          <span role="cell" class="cell who">
            <bdi>{name}</bdi>
          </span>
          <span role="cell" class="cell">
            {transient === undefined ? null : <Pending transient={transient} />}
          </span>
        </div>
      );
    const context = activityOf(agent).context_percent;
    const model = agent.active_model ?? '';
    return (
      <div class="cells" data-agent={name}>
        <span role="cell" class="cell who">
          <Link to={`/agents/${name}`} class="who-link" stop={current}>
            <bdi>{name}</bdi>
          </Link>
          <MutedMark name={name} />
          <DraftMark target={toOf(name)} />
          {agent.needs_update ? (
            <span class="tone-warn" title="It does not run its applied configuration: rebuild it">
              <span aria-hidden="true">↻</span>
              <span class="hidden">needs update</span>
            </span>
          ) : null}
        </span>
        <span role="cell" class="cell in-state">
          <State agent={agent} transient={transient} />
        </span>
        <span
          role="cell"
          class={`cell doing ${line.state === 'failed' ? 'tone-bad' : ''}`}
          title={doing.length > 60 ? doing.slice(0, 1000) : undefined}
        >
          <bdi>{doing.slice(0, 400)}</bdi>
        </span>
        <span role="cell" class="cell model mono" title={model}>
          <bdi>{model.replace(/^claude-/, '')}</bdi>
        </span>
        <span role="cell" class={`cell n context ${context != null && context >= 80 ? 'tone-warn' : ''}`}>
          {context == null ? <span class="none">–</span> : `${context}%`}
        </span>
        <span role="cell" class="cell n cost">
          {cost === null || cost.text === '–' ? <span class="none">–</span> : cost.text}
        </span>
        <span role="cell" class="cell n unread">
          {agent.parked > 0 ? (
            <span class="tone-bad" title={`${agent.parked} parked`}>
              <span aria-hidden="true">⚠{agent.parked} </span>
              <span class="hidden">{agent.parked} parked, unread: </span>
            </span>
          ) : null}
          <span class={agent.unread === 0 ? 'none' : ''}>{agent.unread}</span>
        </span>
        <span role="cell" class="cell rest">
          <Quick line={line} current={current} />
          <button
            type="button"
            class="plain"
            aria-haspopup="menu"
            aria-label={`What can be done with ${name}`}
            tabIndex={current ? 0 : -1}
            onClick={(e) => openLineMenu(line, e.currentTarget)}
          >
            <span aria-hidden="true">⋯</span>
          </button>
        </span>
      </div>
    );
  },
  (a, b) =>
    a.current === b.current &&
    a.line.agent === b.line.agent &&
    a.line.transient === b.line.transient &&
    a.line.cost?.text === b.line.cost?.text,
);

/** The head of a group; `enter` folds it. */
export function GroupHead({ item: { head, lines, folded } }: { item: Extract<Item, { head: string }> }) {
  return (
    <div class="group-head" data-group={head}>
      <span role="cell">
        <span aria-hidden="true">{folded ? '▸' : '▾'} </span>
        <bdi>{head}</bdi> <span class="dim n">{counted(lines.length, 'agent')}</span>
      </span>
    </div>
  );
}
