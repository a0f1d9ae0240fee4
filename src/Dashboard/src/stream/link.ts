import { StreamHub, type ToHub, type ToTab } from './hub';

/** This tab's end of the browser's shared stream. */
export interface Link {
  send(message: ToHub): void;
}

/** Joins the SharedWorker that owns the stream; without SharedWorker, this tab holds its own stream. */
export function openLink(receive: (message: ToTab) => void, onReplaced: () => void): Link {
  if (typeof SharedWorker === 'undefined') return inPage(receive);
  let link: Link;
  try {
    const worker = new SharedWorker(new URL('./worker.ts', import.meta.url), { type: 'module', name: 'hive-stream' });
    worker.port.onmessage = (e: MessageEvent<ToTab>) => receive(e.data);
    link = { send: (message) => worker.port.postMessage(message) };
    const proxy: Link = { send: (message) => link.send(message) };
    // The script did not load (an old browser without module workers, a host of another version).
    worker.onerror = () => {
      link = inPage(receive);
      onReplaced();
    };
    return proxy;
  } catch {
    return inPage(receive);
  }
}

function inPage(receive: (message: ToTab) => void): Link {
  const hub = new StreamHub();
  const port = { postMessage: (message: ToTab) => queueMicrotask(() => receive(message)) };
  return { send: (message) => hub.receive(port, message) };
}
