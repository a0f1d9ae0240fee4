import { signal } from '@preact/signals';

const supported = typeof Notification !== 'undefined';

export const notifyPermission = signal<NotificationPermission | 'unsupported'>(
  supported ? Notification.permission : 'unsupported',
);

export async function askToNotify(): Promise<void> {
  notifyPermission.value = await Notification.requestPermission();
}

interface Note {
  title: string;
  body: string;
  tag: string;
}

/** Shows a notification where the browser may; returns how it is taken back. */
export function notify({ title, body, tag }: Note, onClick: () => void): () => void {
  if (!supported || Notification.permission !== 'granted') return () => {};
  let note: Notification;
  try {
    note = new Notification(title, { body: body.trim().slice(0, 200), tag });
  } catch {
    // Chrome for Android knows the constructor and refuses it outside of a service worker.
    notifyPermission.value = 'unsupported';
    return () => {};
  }
  note.onclick = () => {
    note.close();
    window.focus();
    onClick();
  };
  return () => note.close();
}

let audio: AudioContext | null = null;

/** Two short tones. A browser that has not been clicked in yet stays silent. */
export function chime(): void {
  if (typeof AudioContext === 'undefined') return;
  audio ??= new AudioContext();
  const context = audio;
  void context.resume().then(() => {
    for (const [i, pitch] of [660, 880].entries()) {
      const at = context.currentTime + i * 0.14;
      const [tone, volume] = [context.createOscillator(), context.createGain()];
      tone.frequency.value = pitch;
      volume.gain.setValueAtTime(0.06, at);
      volume.gain.exponentialRampToValueAtTime(0.001, at + 0.12);
      tone.connect(volume).connect(context.destination);
      tone.start(at);
      tone.stop(at + 0.13);
    }
  });
}
