import { useState } from 'preact/hooks';
import { words } from '../api/refusal';

export interface Sending {
  busy: boolean;
  /** Why the last try came to nothing. */
  error: string | null;
  setError: (error: string | null) => void;
  /** Asks the host, unless it is still at it or there is a fault that it would refuse. */
  send: (fault: string | null, ask: () => Promise<unknown>) => Promise<void>;
}

/** What a form asks of the host: one thing at a time, and why it came to nothing. */
export function useSending(said: (e: unknown) => string = words): Sending {
  const [busy, setBusy] = useState(false);
  const [error, setError] = useState<string | null>(null);
  const send = async (fault: string | null, ask: () => Promise<unknown>) => {
    if (busy) return;
    setError(fault);
    if (fault !== null) return;
    setBusy(true);
    try {
      await ask();
    } catch (e) {
      setError(said(e));
    } finally {
      setBusy(false);
    }
  };
  return { busy, error, setError, send };
}
