import { signal } from '@preact/signals';
import type { Message } from '../../api/types';
import { drafts } from '../../ui/draft';
import { addressed } from './addressed';

const TO = 'hive.to';
/** Where an earlier version kept the one draft that it had. */
const EARLIER = 'hive.draft';

/** The name of the draft of a message to somebody. */
export const toOf = (name: string): string => `to:${name}`;

/** The recipient, kept over reloads; '*' is for one message only. */
export const recipient = signal('manager');
/** The message that is replied to. */
export const replied = signal<Message | null>(null);
/** Whether the box is open where it is not part of the place. */
export const writing = signal(false);
/** The agent whose place has a box of its own, which is used instead for messages to it. */
export const ownBox = signal<string | null>(null);
/** Counts the requests to focus the box. */
export const wantsFocus = signal(0);

let sticky = 'manager';

try {
  const kept = localStorage.getItem(TO) ?? '';
  // Another version may have kept something else.
  if (/^[a-z0-9-]+$/.test(kept)) sticky = recipient.value = kept;
  const draft = localStorage.getItem(EARLIER);
  if (draft !== null) {
    if (!drafts.has(toOf(sticky))) drafts.keep(toOf(sticky), draft);
    localStorage.removeItem(EARLIER);
  }
} catch {
  // The storage is forbidden: the recipient lasts as long as the page.
}

export function address(name: string): void {
  if (replied.peek()?.from !== name) replied.value = null;
  recipient.value = name;
  if (name === '*') return;
  sticky = name;
  try {
    localStorage.setItem(TO, name);
  } catch {
    // The storage is full or forbidden: only a reload forgets the recipient.
  }
}

export function backToSticky(): void {
  address(sticky);
}

/** Keeps what is written; a name at its start that <isName> knows becomes the recipient, with the rest of the text. */
export function write(text: string, isName: (name: string) => boolean): void {
  const to = recipient.peek();
  const redirect = /^\s*@\S+\s/.test(text) ? addressed(text) : null;
  if (redirect === null || !isName(redirect.to)) {
    drafts.keep(toOf(to), text);
    return;
  }
  drafts.keep(toOf(to), '');
  const waits = drafts.of(toOf(redirect.to));
  const all = [waits, redirect.body].filter((part) => part !== '').join('\n');
  address(redirect.to);
  drafts.keep(toOf(redirect.to), redirect.to === to ? redirect.body : all);
}

/** Opens the box for a message to somebody, as a reply to one of theirs. */
export function writeTo(name: string, to: Message | null = null): void {
  address(name);
  replied.value = to;
  if (ownBox.peek() !== name) writing.value = true;
  wantsFocus.value++;
}
