import { signal } from '@preact/signals';

const TO = 'hive.to';
const DRAFT = 'hive.draft';

/** The recipient, kept over reloads; '*' is for one message only. */
export const recipient = signal(localStorage.getItem(TO) ?? 'manager');
export const draft = signal(localStorage.getItem(DRAFT) ?? '');
/** Counts the requests to focus the compose box. */
export const wantsFocus = signal(0);

let sticky = recipient.value;

export function address(name: string): void {
  recipient.value = name;
  if (name === '*') return;
  sticky = name;
  localStorage.setItem(TO, name);
}

export function backToSticky(): void {
  recipient.value = sticky;
}

export function keepDraft(text: string): void {
  draft.value = text;
  if (text === '') localStorage.removeItem(DRAFT);
  else localStorage.setItem(DRAFT, text);
}

export function answer(name: string): void {
  address(name);
  wantsFocus.value++;
}
