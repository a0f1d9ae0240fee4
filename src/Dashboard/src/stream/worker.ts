import { StreamHub, type ToHub } from './hub';

const hub = new StreamHub();

// TypeScript's DOM and worker libraries exclude each other; only this part of the worker's scope is needed.
const scope = self as unknown as { onconnect: ((e: MessageEvent) => void) | null };

scope.onconnect = (e) => {
  const port = e.ports[0];
  if (port !== undefined) port.onmessage = (m: MessageEvent<ToHub>) => hub.receive(port, m.data);
};
