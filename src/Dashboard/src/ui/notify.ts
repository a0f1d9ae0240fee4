import { signal } from '@preact/signals';
import type { Message } from '../api/types';

const supported = typeof Notification !== 'undefined';

export const notifyPermission = signal<NotificationPermission | 'unsupported'>(supported ? Notification.permission : 'unsupported');

export async function askToNotify(): Promise<void> {
  notifyPermission.value = await Notification.requestPermission();
}

/** The tag makes several tabs show one notification. */
export function notify(message: Message): void {
  if (!supported || Notification.permission !== 'granted' || document.visibilityState === 'visible') return;
  new Notification(`${message.from} → you`, { body: message.body.slice(0, 200), tag: `hive-message-${message.id}` });
}
