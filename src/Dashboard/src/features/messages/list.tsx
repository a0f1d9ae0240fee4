import { signal } from '@preact/signals';
import type { ComponentChild } from 'preact';
import { useEffect, useMemo, useRef, useState } from 'preact/hooks';
import { words } from '../../api/refusal';
import { perform, together } from '../../ui/action';
import { copyAddress } from '../../ui/copy';
import { ReadFault } from '../../ui/fault';
import { useKey } from '../../ui/keys';
import { Label } from '../../ui/label';
import { go } from '../../ui/link';
import { openMenu } from '../../ui/menu';
import { Rows } from '../../ui/rows';
import { useSelection } from '../../ui/selected';
import { counted } from '../../ui/text/figures';
import { actionsOf, addressOf, done, hasFailed, isUnread, retry } from './actions';
import { threads } from './folding';
import type { MessageLog } from './log';
import { MessageRow, nameOf } from './row';
import { flat, type ListRow, threaded } from './threads';

/** A list with fewer rows than this is read on until it fills the window. */
const FEW = 40;
/** How many pages are read for that at most. */
const PAGES = 4;

/** The keyboard goes to the list as soon as its messages are there. */
export const listAsked = signal(false);

interface Props {
  id: string;
  label: string;
  log: MessageLog;
  /** Answers are folded under the first message of their thread. */
  folds: boolean;
  /** The message that the address names. */
  target?: number;
  empty: ComponentChild;
}

/** Messages as a log: the newest last, older ones read on demand. */
export function MessageList({ id, label, log, folds, target, empty }: Props) {
  const { rows, hasOlder, atHead } = log.flow.value;
  const loaded = log.loaded.value;
  const following = log.following.value && atHead;
  const unseen = log.unseen.value;
  const open = threads.ids.value;
  const items = useMemo(() => (folds ? threaded(rows, open) : flat(rows)), [rows, open, folds]);
  const [current, setCurrent] = useState<ListRow | null>(null);
  const [chosen, setChosen] = useState<ReadonlySet<string>>(new Set());
  const [toEnd, setToEnd] = useState(0);
  const [error, setError] = useState<string | null>(null);
  /** The log that is being read: another filter may be chosen before its answer. */
  const [read, setRead] = useState<MessageLog | null>(null);
  const reading = read === log;
  const shown = useRef(log);
  shown.current = log;
  const pages = useRef(0);

  const load = async (older: boolean) => {
    if (reading) return;
    setRead(log);
    setError(null);
    try {
      await log.page(older);
    } catch (e) {
      if (shown.current === log) setError(words(e));
    } finally {
      setRead((now) => (now === log ? null : now));
    }
  };
  // A list begins at its end.
  useMemo(() => {
    log.following.value = target === undefined;
    pages.current = 0;
  }, [log]);
  useEffect(() => {
    setChosen(new Set());
    if (!log.loaded.peek() || (target === undefined && !log.flow.peek().atHead)) void load(false);
    return () => {
      log.unseen.value = 0;
    };
  }, [log]);
  useEffect(() => {
    if (following) log.unseen.value = 0;
  }, [following, log]);
  useEffect(() => {
    if (!loaded || !hasOlder || error !== null || reading || items.length >= FEW || pages.current >= PAGES) return;
    pages.current++;
    void load(true);
  });

  const asked = listAsked.value;
  useEffect(() => {
    if (!asked || !loaded) return;
    listAsked.value = false;
    document.getElementById(id)?.focus();
  }, [asked, loaded, log]);

  const selected = items.filter(({ key }) => chosen.has(key));
  const own = selected.length > 0 ? selected : current === null ? [] : items.filter(({ key }) => key === current.key);
  const now = own[0];
  const doneOf = (list: readonly ListRow[]) => list.map(({ row }) => row.message).filter(isUnread);
  const retriesOf = (list: readonly ListRow[]) => list.filter(({ row }) => hasFailed(row));
  const markDone = (): boolean => {
    const unread = doneOf(own);
    if (unread.length === 0) return false;
    setChosen(new Set());
    void perform(done(unread));
    return true;
  };
  useSelection(() => {
    if (now === undefined) return null;
    if (selected.length === 0) return { name: `message ${now.row.message.id}`, actions: actionsOf(now.row) };
    const unread = doneOf(selected);
    const [failed, ...rest] = retriesOf(selected).map(({ row }) => retry(row.message));
    return {
      name: `${selected.length} messages`,
      actions: [
        ...(unread.length === 0 ? [] : [done(unread)]),
        ...(failed === undefined ? [] : [together(counted(rest.length + 1, 'message'), [failed, ...rest])]),
      ],
    };
  });
  useKey('done', markDone);
  // An event of the Hive as it was sent.
  useKey('details', () => {
    const json = document.getElementById(id)?.querySelector<HTMLElement>('[aria-current] .json');
    json?.click();
    return json != null;
  });
  useKey('reply', () => {
    const reply = now === undefined ? undefined : actionsOf(now.row).find(({ key }) => key === 'reply');
    if (reply === undefined) return false;
    void perform(reply);
    return true;
  });
  useKey('copy', () => {
    if (now === undefined) return false;
    void copyAddress(addressOf(now.row.message.id));
    return true;
  });

  const toNewest = async () => {
    log.following.value = true;
    log.unseen.value = 0;
    if (!atHead) await load(false);
    setToEnd((n) => n + 1);
  };
  return (
    <div class="messages">
      <div class="messages-edge">
        {selected.length > 0 ? (
          <span class="selected" role="status">
            {selected.length} selected
            {doneOf(selected).length === 0 ? null : (
              <button type="button" class="act" onClick={markDone}>
                <Label text="✓ 4CK" of={counted(doneOf(selected).length, 'message')} />
              </button>
            )}
            {retriesOf(selected).length === 0 ? null : (
              <button
                type="button"
                class="act"
                onClick={() => {
                  const [first, ...rest] = retriesOf(selected).map(({ row }) => retry(row.message));
                  setChosen(new Set());
                  if (first !== undefined)
                    void perform(together(counted(rest.length + 1, 'message'), [first, ...rest]));
                }}
              >
                <Label text="↻ R3TRY" of={counted(retriesOf(selected).length, 'message')} />
              </button>
            )}
            <button type="button" class="plain" onClick={() => setChosen(new Set())}>
              clear
            </button>
          </span>
        ) : rows.length === 0 ? null : (
          <span class="dim">
            {counted(rows.length, 'message')}
            {folds && items.length < rows.length ? ` in ${counted(items.length, 'row')}` : ''}
            {atHead ? '' : ', without the newest'}
          </span>
        )}
        <span class="edge">
          {reading ? (
            <>
              <span class="spinner" aria-hidden="true" /> reading …
            </>
          ) : rows.length === 0 ? null : hasOlder ? (
            <button type="button" class="plain" onClick={() => void load(true)}>
              ↑ older messages
            </button>
          ) : (
            'the beginning'
          )}
        </span>
      </div>
      <ReadFault
        error={error === null ? null : `The messages could not be read: ${error}`}
        plain="Read the messages again"
        onRetry={() => void load(rows.length > 0 && atHead)}
      />
      {loaded ? (
        <Rows
          id={id}
          label={label}
          class="log-list"
          rows={items}
          keyOf={(item) => item.key}
          nameOf={nameOf}
          height={32}
          {...(target === undefined ? {} : { initial: String(target) })}
          tail={{
            following: log.following,
            toEnd,
            onStart: () => {
              if (loaded && hasOlder && error === null) void load(true);
            },
          }}
          onCurrent={setCurrent}
          onOpen={(item) => go(addressOf(item.row.message.id))}
          onActions={(item, at) => openMenu(`Message ${item.row.message.id}`, actionsOf(item.row), at)}
          chosen={chosen}
          onChosen={setChosen}
          view={(item, state) => (
            <MessageRow item={item} current={state.current} target={item.row.message.id === target} />
          )}
          empty={empty}
        />
      ) : null}
      {following || rows.length === 0 ? null : (
        <button
          type="button"
          class={`pill ${unseen > 0 ? 'new' : ''}`}
          aria-label={unseen > 0 ? `${unseen} new messages, go to the newest` : 'Go to the newest message'}
          onClick={() => void toNewest()}
        >
          {`↓ ${unseen > 0 ? `${unseen} new` : 'newest'}`}
        </button>
      )}
    </div>
  );
}
