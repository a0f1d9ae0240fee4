import { signal } from '@preact/signals';
import { whatIsAsked } from '../model/approvals';
import type { News } from '../model/live';
import { plainly, toldBy } from '../model/told';
import { visible } from '../text/visible';

const supported = typeof Notification !== 'undefined';

export const notifyPermission = signal<NotificationPermission | 'unsupported'>(supported ? Notification.permission : 'unsupported');

export async function askToNotify(): Promise<void> {
  notifyPermission.value = await Notification.requestPermission();
}

/** The tag makes several tabs show one notification. */
export function notify(news: News): void {
  if (!supported || Notification.permission !== 'granted' || document.visibilityState === 'visible') return;
  if ('message' in news) {
    const { id, from, body } = news.message;
    const told = toldBy(from, body);
    show(`${from} → you`, told === null ? body : plainly(told), `message-${id}`);
  } else if ('approval' in news) {
    const { id, description } = news.approval;
    show('Your approval is asked for', `${whatIsAsked(news.approval)}\n${description ?? ''}`, `approval-${id}`);
  } else show(`${news.question.asker} asks you`, news.question.question, `question-${news.question.id}`);
}

function show(title: string, body: string, tag: string): void {
  new Notification(title, { body: visible(body.trim().slice(0, 200)), tag: `hive-${tag}` });
}
