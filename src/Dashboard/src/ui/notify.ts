import { signal } from '@preact/signals';
import type { News } from '../stream/live';
import { visible } from './text/visible';

const supported = typeof Notification !== 'undefined';

export const notifyPermission = signal<NotificationPermission | 'unsupported'>(
  supported ? Notification.permission : 'unsupported',
);

export async function askToNotify(): Promise<void> {
  notifyPermission.value = await Notification.requestPermission();
}

/** Notifies the operator, unless the page is in view. */
export function notify({ title, body, tag }: News): void {
  if (!supported || Notification.permission !== 'granted' || document.visibilityState === 'visible') return;
  new Notification(title, { body: visible(body.trim().slice(0, 200)), tag: `hive-${tag}` });
}
