import { signal } from '@preact/signals';
import { whatIsAsked } from '../model/approvals';
import type { News } from '../model/live';

const supported = typeof Notification !== 'undefined';

export const notifyPermission = signal<NotificationPermission | 'unsupported'>(supported ? Notification.permission : 'unsupported');

export async function askToNotify(): Promise<void> {
  notifyPermission.value = await Notification.requestPermission();
}

/** The tag makes several tabs show one notification. */
export function notify(news: News): void {
  if (!supported || Notification.permission !== 'granted' || document.visibilityState === 'visible') return;
  if ('message' in news) new Notification(`${news.message.from} → you`, { body: news.message.body.slice(0, 200), tag: `hive-message-${news.message.id}` });
  else if ('approval' in news)
    new Notification('Your approval is asked for', { body: `${whatIsAsked(news.approval)}\n${news.approval.description ?? ''}`.trim().slice(0, 200), tag: `hive-approval-${news.approval.id}` });
  else new Notification(`${news.question.asker} asks you`, { body: news.question.question.slice(0, 200), tag: `hive-question-${news.question.id}` });
}
