import { useEffect, useRef, useState } from 'preact/hooks';
import type { Waiting } from '../../api/types';
import { type Action, isPending } from '../../ui/action';
import { ActionButton } from '../../ui/action-button';
import { Age, Clock, Until } from '../../ui/clock';
import { copyAddress } from '../../ui/copy';
import { DraftMark } from '../../ui/draft-mark';
import { type KeyName, keyOf, useKey } from '../../ui/keys';
import { Label } from '../../ui/label';
import { LABELS } from '../../ui/labels';
import { Shown } from '../../ui/later';
import { Link } from '../../ui/link';
import { openMenu } from '../../ui/menu';
import { type WithText, waitingKind } from '../../ui/registry';
import { bodyOfText as bodyOf, faultOfText, sendText } from '../../ui/with-text';
import { Writing } from '../../ui/writing';
import { AgentText } from '../files';
import { actionsOf, canSnooze, textsOf } from './actions';
import { Context } from './context';
import { kindName, Mark } from './row';
import { nameOf, snoozeChoices, snoozeUntil } from './snooze';

interface Props {
  row: Waiting;
  held: boolean;
  decide: (action: Action) => Promise<boolean>;
  decided: (sent: string) => void;
  /** Back to the list. */
  onLeave: () => void;
}

/** The whole of a waiting thing: what it says, what can be done, and what is around it. */
export function Detail({ row, held, decide, decided, onLeave }: Props) {
  const kind = waitingKind(row.kind);
  useKey('copy', () => void copyAddress(`/waiting/${encodeURIComponent(row.key)}`));
  return (
    <article class="waiting-detail" aria-labelledby="waiting-title" data-waiting={row.key}>
      <header class="detail-head">
        <h2 id="waiting-title">
          <Mark row={row} />
          {row.agent == null ? null : (
            <>
              <Link to={`/agents/${encodeURIComponent(row.agent)}`} class="link mono">
                <bdi>{row.agent}</bdi>
              </Link>{' '}
            </>
          )}
          <span>{kind?.does?.(row) ?? kindName(row)}</span>
        </h2>
        <span class="dim">
          <Age at={row.since_at} /> ago
          {row.deadline_at == null ? null : (
            <>
              {' · '}
              <Until at={row.deadline_at} ahead={(left) => `${left} left`} past={() => 'expires now'} />
            </>
          )}
          {row.snoozed_until_at == null ? null : (
            <>
              {' · snoozed until '}
              <Clock at={row.snoozed_until_at} />
            </>
          )}
        </span>
      </header>
      {kind?.view === undefined ? (
        <Plain row={row} />
      ) : (
        <Shown view={kind.view} props={{ row, decide, decided }} what={`${kind.name}s`} />
      )}
      <Actions
        of={nameOf(row)}
        actions={actionsOf(row)}
        texts={textsOf(row)}
        later={canSnooze(row) ? (label, until) => decide(snoozeUntil(row, label, until)) : null}
        held={held}
        decide={decide}
        onLeave={onLeave}
      />
      <Context row={row} />
    </article>
  );
}

/** A thing of a kind that this page does not know more of. */
function Plain({ row: { title, detail, refs, url, key } }: { row: Waiting }) {
  return (
    <>
      <AgentText text={title} refs={refs} />
      {detail == null ? null : (
        <div class="dim">
          <AgentText text={detail} refs={refs} />
        </div>
      )}
      {url === `/waiting/${key}` ? null : (
        <p>
          <Link to={url}>Open it</Link>
        </p>
      )}
    </>
  );
}

interface ActionsProps {
  of: string;
  actions: readonly Action[];
  texts: readonly WithText[];
  later: Parameters<typeof snoozeChoices>[1] | null;
  held?: boolean;
  decide: (action: Action) => Promise<boolean>;
  onLeave: () => void;
}

/** The buttons and the keys of what can be done; a box opens for what takes a text. */
export function Actions({ of, actions, texts, later, held: isDeciding = false, decide, onLeave }: ActionsProps) {
  const [open, setOpen] = useState<string | null>(null);
  const [times, setTimes] = useState(0);
  const laterButton = useRef<HTMLButtonElement>(null);
  // It may be held from elsewhere, such as the list of changes.
  const held = isDeciding || [...actions, ...texts.map((text) => text.action(''))].some(isPending);
  const opened = texts.find(({ id }) => id === open);
  // It can be done no longer, with any of the things: if it ever can be again, the box opens at the operator's wish.
  const isLost = open !== null && opened === undefined;
  useEffect(() => {
    if (isLost) setOpen(null);
  }, [isLost]);
  const openLater = () => {
    const at = laterButton.current;
    if (at !== null && later !== null) openMenu(`Snooze ${of}`, snoozeChoices(of, later), at);
  };
  useKey('later', openLater, later !== null);
  if (actions.length + texts.length === 0 && later === null) return null;
  // While one decision is held, another one on the same thing would contradict it.
  const rests = (action: Action) => held && !isPending(action);
  const button = (action: Action) => (
    <ActionKey key={action.id} action={action} rests={rests(action)} decide={decide} />
  );
  const openBox = (one: WithText) => {
    setOpen(one.id);
    setTimes((n) => n + 1);
  };
  const box = (one: WithText) => (
    <OpensBox
      key={one.id}
      one={one}
      rests={rests(one.action(''))}
      // Pressed again while it is held, it is sent at once.
      open={() => (isPending(one.action('')) ? void decide(one.action('')) : openBox(one))}
    />
  );
  return (
    <div class="detail-foot">
      {opened === undefined ? null : (
        <Writing
          // A box that is open already gets the focus again.
          key={times}
          target={opened.target}
          label={`${labelOf(opened)} ${opened.of}`}
          placeholder={opened.placeholder}
          send={{
            label: opened.label,
            plain: `${labelOf(opened)} ${opened.of} now`,
            tone: isDanger(opened) ? 'bad' : 'primary',
          }}
          bodyOf={(text) => bodyOf(opened, text)}
          faultOf={(text, file) => faultOfText(opened, text, file)}
          reader={() => opened.reader}
          onSend={(body, text) => sendText(opened, body, text, decide)}
          onLeave={() => {
            setOpen(null);
            onLeave();
          }}
          focused
        />
      )}
      <div class="detail-actions" role="group" aria-label={`What can be done with ${of}`}>
        {actions.filter(isSafe).map(button)}
        {texts.filter(isSafe).map(box)}
        {later === null ? null : (
          <button ref={laterButton} type="button" class="act" aria-haspopup="menu" disabled={held} onClick={openLater}>
            <Label text="◷ L4T3R" of={of} /> <Hint name="later" />
          </button>
        )}
        {actions.filter(isDanger).map(button)}
        {texts.filter(isDanger).map(box)}
      </div>
    </div>
  );
}

/** A destructive action stands apart from the rest. */
const isDanger = ({ weight }: Pick<Action, 'weight'>): boolean => weight === 'danger';
const isSafe = (one: Pick<Action, 'weight'>): boolean => !isDanger(one);

const labelOf = ({ label }: WithText): string => LABELS[label];

function Hint({ name }: { name: KeyName | undefined }) {
  const key = name === undefined ? '' : keyOf(name);
  return key === '' ? null : (
    <span class="keycap" aria-hidden="true">
      {key}
    </span>
  );
}

interface ActionKeyProps {
  action: Action;
  rests: boolean;
  decide: (action: Action) => Promise<boolean>;
}

function ActionKey({ action, rests, decide }: ActionKeyProps) {
  const { key } = action;
  useKey(key ?? 'done', () => void decide(action), key !== undefined && !rests);
  return <ActionButton action={action} disabled={rests} run={decide} />;
}

function OpensBox({ one, rests, open }: { one: WithText; rests: boolean; open: () => void }) {
  const { key, label, of, weight } = one;
  useKey(key ?? 'reply', open, key !== undefined && !rests);
  return (
    <button type="button" class={`act ${weight === 'danger' ? 'bad' : ''}`} disabled={rests} onClick={open}>
      {isPending(one.action('')) ? (
        <Label text="▸ N0W" of={`${LABELS[label].toLowerCase()} ${of}`} />
      ) : (
        <Label text={label} of={of} />
      )}
      {one.along === undefined ? null : <span class="dim"> with {one.along}</span>} <Hint name={key} />
      <DraftMark target={one.target} />
    </button>
  );
}
