import { StreamHub, type ToHub } from './hub';

const hub = new StreamHub();

// The DOM library and the one of workers cannot be loaded together; of the worker's scope only this is needed.
const scope = self as unknown as { onconnect: ((e: MessageEvent) => void) | null };

scope.onconnect = (e) => {
  const port = e.ports[0];
  if (port !== undefined) port.onmessage = (m: MessageEvent<ToHub>) => hub.receive(port, m.data);
};
