import { useState } from 'preact/hooks';
import { words } from '../api/refusal';

export interface Sending {
  busy: boolean;
  /** The error of the last try. */
  error: string | null;
  setError: (error: string | null) => void;
  /** Sends the request, unless one is under way or the form has a fault. */
  send: (fault: string | null, ask: () => Promise<unknown>) => Promise<void>;
}

/** Sends a form's requests one at a time and keeps the last error. */
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
